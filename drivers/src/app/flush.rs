//! Waiting until what an invocation logged, measured and traced is written: afterwards its process may
//! be frozen.

use core::future::Future;
use core::time::Duration;

#[cfg(any(feature = "lambda", feature = "tower"))]
use apptheory_core::time::Timestamp;
use futures_util::future::join_all;

use super::guard::{Panicked, guarded, isolated};
use super::{App, AppService, BoxFuture};
use crate::clock::Clock as _;

/// How long a hook of [`App::on_flush`] may take after each answer: 1 s. On Lambda it also ends with
/// the invocation; before an answer that is still to be handed over, after half of the time that is
/// left.
pub const FLUSH_TIME: Duration = Duration::from_secs(1);

pub(super) type Flush = Box<dyn Fn() -> BoxFuture<()> + Send + Sync>;

/// A flush was not done in time, and what it waited for was dropped.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
enum NotFlushed {
    /// The hook of [`App::on_flush`] took longer than [`FLUSH_TIME`].
    #[error("the flush hook was not done within a second: what it was to send may be lost")]
    Hook,
    /// The invocation has no more time.
    #[cfg(any(feature = "lambda", feature = "tower"))]
    #[error("the invocation ends before all that it logged and measured is written")]
    Invocation,
}

impl<S> App<S> {
    /// Runs `hook` after each answer and when the application stops, and waits for it. Use it to send
    /// what is kept in memory until then, such as the spans of an OpenTelemetry exporter: between two
    /// invocations Lambda freezes the process.
    ///
    /// On Lambda it runs when the answer was delivered, a streamed one to its end, and before the next
    /// invocation is asked for. Where the answer goes out through somebody else (`lambda_runtime`,
    /// tower, the [local server](crate::local)), it runs before the answer is handed over or, if that
    /// is streamed, before its end; and `lambda_runtime` and tower do not say when an application
    /// stops. With an application that is mounted in another, it runs when that one's does.
    /// [`AppService::invoke`], [`AppService::serve`] and the like do not run it.
    ///
    /// It has [`FLUSH_TIME`]. What goes wrong changes no answer; it is reported to
    /// [`on_failure`](Self::on_failure).
    ///
    /// ```
    /// use apptheory::app::App;
    ///
    /// let app = App::new()
    ///     .get("/", async || "hello")
    ///     .on_flush(async || println!("the exporter sends its spans here"))
    ///     .build()?;
    /// # Ok::<(), apptheory::app::BuildError>(())
    /// ```
    #[must_use]
    pub fn on_flush<F, R>(mut self, hook: F) -> Self
    where
        F: Fn() -> R + Send + Sync + 'static,
        R: Future<Output = ()> + Send + 'static,
    {
        let hook: Flush = Box::new(move || Box::pin(hook()));
        self.hooks.set("on_flush", |hooks| &mut hooks.flush, hook);
        self
    }
}

impl AppService {
    /// Waits until what was logged, measured and traced is written, by applications that are mounted in
    /// this one, too. It never fails, and takes [`FLUSH_TIME`] at most for the hooks, as much for each
    /// log, and three times as much for notifications of errors. It is called wherever answers are
    /// delivered.
    #[cfg_attr(
        not(any(feature = "lambda", feature = "local", feature = "testkit", feature = "tower")),
        expect(dead_code, reason = "nothing delivers answers")
    )]
    pub(crate) async fn flush(&self) {
        #[cfg(feature = "tower")]
        let apps = self.with_mounted();
        #[cfg(not(feature = "tower"))]
        let apps = [self.clone()];
        match &apps[..] {
            [only] => only.flush_own().await,
            apps => drop(join_all(apps.iter().map(Self::flush_own)).await),
        }
        // Last, since the hook may log.
        #[cfg(feature = "logs")]
        crate::logs::flushed().await;
    }

    /// Flushes until an instant, and reports it if that is too early.
    #[cfg(any(feature = "lambda", feature = "tower"))]
    pub(crate) async fn flush_by(&self, by: Option<Timestamp>) {
        if self.clock().race(by, self.flush()).await.is_none() {
            self.tell_cause("", NotFlushed::Invocation);
        }
    }

    /// Writes what the application measured, and runs its hook.
    async fn flush_own(&self) {
        if let Some(measures) = &self.inner.measures {
            // Where they are written to is the application's choice, too.
            let report = |panic| self.tell_cause("", panic);
            isolated("the writer of metrics", || measures.flush(), report);
        }
        self.run_flush_hook().await;
        #[cfg(feature = "cloudformation")]
        self.flush_replies().await;
    }

    async fn run_flush_hook(&self) {
        let Some(hook) = &self.inner.hooks.flush else { return };
        let by = self.clock().now().saturating_add(FLUSH_TIME);
        let flushed = guarded("the flush hook", async {
            hook().await;
            Ok::<_, Panicked>(())
        });
        match self.clock().race(Some(by), flushed).await {
            Some(Ok(())) => {}
            Some(Err(panicked)) => self.tell_cause("", panicked),
            None => self.tell_cause("", NotFlushed::Hook),
        }
    }
}
