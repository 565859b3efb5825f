//! Flushing: waits until the logs, metrics and traces of an invocation are written, because Lambda
//! may freeze the process afterwards.

use core::future::Future;
#[cfg(feature = "tower")]
use core::iter::once;
use core::pin::pin;
use core::time::Duration;

#[cfg(any(feature = "lambda", feature = "tower"))]
use apptheory_core::time::Timestamp;
#[cfg(feature = "tower")]
use futures_util::future::join_all;

use super::guard::{Panicked, guarded, isolated};
use super::{App, AppService, BoxFuture};
use crate::clock::Clock as _;

/// The longest time that a hook of [`App::on_flush`] may take after each response: 1 s. On Lambda
/// it also ends with the invocation; before a response that is still to be handed over, after half
/// of the remaining time.
pub const FLUSH_TIME: Duration = Duration::from_secs(1);

pub(super) type Flush = Box<dyn Fn() -> BoxFuture<()> + Send + Sync>;

/// A flush did not finish in time and was dropped.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
enum NotFlushed {
    /// The hook of [`App::on_flush`] took longer than [`FLUSH_TIME`].
    #[error("the flush hook did not finish within a second: data that it was sending may be lost")]
    Hook,
    /// The invocation's time is up.
    #[cfg(any(feature = "lambda", feature = "tower"))]
    #[error("the invocation ended before its logs and metrics were written")]
    Invocation,
}

impl<S> App<S> {
    /// Runs `hook` after each response and when the application stops, and waits for it. Use it to
    /// send data that is buffered in memory, such as the spans of an OpenTelemetry exporter: Lambda
    /// freezes the process between invocations.
    ///
    /// On Lambda the hook runs when the response has been delivered (a streamed one to its end) and
    /// before the next invocation is fetched. Where another layer sends the response
    /// (`lambda_runtime`, tower, the [local server](crate::local)), the hook runs before the
    /// response is handed over or, for a streamed response, before the stream's end;
    /// `lambda_runtime` and tower do not report when an application stops. The hook of a mounted
    /// application runs when that of the outer application does. [`AppService::invoke`],
    /// [`AppService::serve`] and the like do not run it.
    ///
    /// The hook has [`FLUSH_TIME`]. A failure does not change the response; it is reported to
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
    /// Waits until logs, metrics and traces are written, also those of mounted applications. It
    /// never fails, and takes at most [`FLUSH_TIME`] for the hooks, as much for each log, and three
    /// times as much for error notifications. It is called wherever responses are delivered.
    #[cfg_attr(
        not(any(feature = "lambda", feature = "local", feature = "testkit", feature = "tower")),
        expect(dead_code, reason = "nothing delivers answers")
    )]
    pub(crate) async fn flush(&self) {
        #[cfg(feature = "tower")]
        match &self.mounted()[..] {
            [] => self.flush_own().await,
            inner => drop(join_all(once(self).chain(inner).map(Self::flush_own)).await),
        }
        #[cfg(not(feature = "tower"))]
        self.flush_own().await;
        // The logs come last, because the hook may log.
        #[cfg(feature = "logs")]
        crate::logs::flushed().await;
    }

    /// Flushes until an instant, and reports a flush that was not finished by then.
    #[cfg(any(feature = "lambda", feature = "tower"))]
    pub(crate) async fn flush_by(&self, by: Option<Timestamp>) {
        if self.clock().race(by, pin!(self.flush())).await.is_none() {
            self.report_cause("", NotFlushed::Invocation);
        }
    }

    /// Writes the application's metrics, and runs its hook.
    async fn flush_own(&self) {
        if let Some(measures) = &self.inner.measures {
            // The writer is application code, and may panic.
            let report = |panic| self.report_cause("", panic);
            isolated("the writer of metrics", || measures.flush(), report);
        }
        self.run_flush_hook().await;
        #[cfg(feature = "cloudformation")]
        self.flush_replies().await;
    }

    async fn run_flush_hook(&self) {
        let Some(hook) = &self.inner.hooks.flush else { return };
        let by = self.clock().now().saturating_add(FLUSH_TIME);
        let flushed = pin!(async {
            hook().await;
            Ok::<_, Panicked>(())
        });
        match self.clock().race(Some(by), guarded("the flush hook", flushed)).await {
            Some(Ok(())) => {}
            Some(Err(panicked)) => self.report_cause("", panicked),
            None => self.report_cause("", NotFlushed::Hook),
        }
    }
}
