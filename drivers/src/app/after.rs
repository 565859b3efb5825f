//! Work that runs after a handler's response, and the end of an invocation.

use core::fmt;
use core::future::Future;
use core::mem;
use core::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use apptheory_core::invocation_time::InvocationTime;
use futures_util::future::join_all;

use super::guard::{Panicked, guarded};
use super::time::Begun;
use super::{AppService, BoxFuture, Context};
#[cfg(any(feature = "lambda", feature = "tower"))]
use crate::clock::Clock as _;
#[cfg(any(feature = "lambda", feature = "tower"))]
use crate::trace::{Trace, pinned, run_within};

/// Work registered with `after` did not finish in time and was dropped. Give the function more
/// time, or send such work to a queue.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the work registered with `after` did not finish in time and was dropped")]
struct NotDone;

/// Work that a handler registered with [`Context::after`].
struct Deferred {
    request_id: String,
    work: BoxFuture<()>,
}

/// The work that the handlers of one invocation registered; `None` once the invocation has ended.
/// Clones share the same list.
#[derive(Clone)]
pub(super) struct After(Arc<Mutex<Option<Vec<Deferred>>>>);

impl After {
    pub(super) fn new() -> Self {
        Self(Arc::new(Mutex::new(Some(Vec::new()))))
    }

    fn lock(&self) -> MutexGuard<'_, Option<Vec<Deferred>>> {
        // Nothing panics while the lock is held, so a poisoned lock is still consistent.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, deferred: Deferred) {
        let refused = match &mut *self.lock() {
            Some(list) => {
                list.push(deferred);
                None
            }
            None => Some(deferred),
        };
        if let Some(refused) = refused {
            warn_lost(&[refused]);
        }
    }

    fn take(&self) -> Vec<Deferred> {
        self.lock().as_mut().map(mem::take).unwrap_or_default()
    }

    fn close(&self) {
        // The work may own this list: drop it after the lock is released.
        let lost = self.lock().take();
        warn_lost(&lost.unwrap_or_default());
    }
}

impl fmt::Debug for After {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("After").field(&self.lock().as_ref().map(Vec::len)).finish()
    }
}

fn warn_lost(lost: &[Deferred]) {
    #[cfg(feature = "tracing")]
    for Deferred { request_id, .. } in lost {
        let request_id = &*apptheory_core::sanitize::log_text(request_id);
        tracing::warn!(
            request_id,
            "dropping work registered with `after`: its invocation has ended"
        );
    }
    #[cfg(not(feature = "tracing"))]
    let _ = lost;
}

/// Runs the registered work once an invocation is answered. Work that is registered after this was
/// dropped does not run.
#[derive(Debug)]
pub(crate) struct Ending {
    after: After,
    pub(crate) time: InvocationTime,
    #[cfg(any(feature = "lambda", feature = "tower"))]
    trace: Trace,
}

impl Ending {
    pub(super) fn of(begun: &Begun) -> Self {
        Self {
            after: begun.after.clone(),
            time: begun.time,
            #[cfg(any(feature = "lambda", feature = "tower"))]
            trace: begun.span.trace().clone(),
        }
    }
}

impl Drop for Ending {
    fn drop(&mut self) {
        self.after.close();
    }
}

impl Context {
    /// Runs `work` after the response. Use it for work that no client has to wait for, such as a
    /// notification or a statistic. On Lambda it runs when the response has been delivered (a
    /// streamed one to its end) and before the next invocation is fetched; a task that is only
    /// spawned would be frozen with the process in between. Then the application is
    /// [flushed](super::App::on_flush).
    ///
    /// Where another layer sends the response (`lambda_runtime`, tower, the [local
    /// server](crate::local)), the work runs before the response is handed over or, for a streamed
    /// response, before the stream's end. In an application mounted in another one, the outer
    /// application runs it.
    ///
    /// The work runs whatever the response is, including errors; all registered work runs
    /// concurrently. Like a handler it has the time of the [invocation](super::App::reserve) and is
    /// part of its trace. Work that does not finish in that time is dropped. That, and a panic, is
    /// reported to [`on_failure`](super::App::on_failure) and changes nothing else. The work is not
    /// retried: send what must not be lost to a queue.
    ///
    /// ```
    /// use apptheory::app::{App, Context};
    ///
    /// async fn order(context: Context) -> &'static str {
    ///     context.after(async || println!("the mail is sent here"));
    ///     "ordered"
    /// }
    ///
    /// let app = App::new().post("/orders", order).build()?;
    /// # Ok::<(), apptheory::app::BuildError>(())
    /// ```
    pub fn after<F, R>(&self, work: F)
    where
        F: FnOnce() -> R + Send + 'static,
        R: Future<Output = ()> + Send + 'static,
    {
        let begun = self.begun();
        let (span, request_id) = (begun.span.clone(), begun.invocation.request_id.clone());
        let work = Box::pin(span.run(async move { work().await }));
        begun.after.add(Deferred { request_id, work });
    }
}

impl AppService {
    /// Runs the registered work, and the work that it registers in turn, within the invocation's
    /// time.
    pub(crate) async fn run_after(&self, ending: &Ending) {
        loop {
            let deferred = ending.after.take();
            if deferred.is_empty() {
                return;
            }
            join_all(deferred.into_iter().map(|deferred| self.run_deferred(deferred, ending.time)))
                .await;
        }
    }

    async fn run_deferred(&self, deferred: Deferred, time: InvocationTime) {
        let Deferred { request_id, work } = deferred;
        let work = pin!(async {
            work.await;
            Ok::<_, Panicked>(())
        });
        match self.in_time(time, guarded("the work registered with `after`", work)).await {
            Some(Ok(())) => {}
            Some(Err(panicked)) => self.report_cause(&request_id, panicked),
            None => self.report_cause(&request_id, NotDone),
        }
    }

    /// Ends an invocation whose response was delivered: runs the registered work, and flushes.
    #[cfg(feature = "lambda")]
    pub(crate) async fn finish(&self, ending: Ending) {
        self.run_after(&ending).await;
        let by = ending.time.answers_by(self.clock().now());
        run_within(ending.trace.clone(), pinned!(self.flush_by(by))).await;
    }

    /// Ends an invocation whose response is handed over afterwards and must still arrive in time.
    #[cfg(feature = "tower")]
    pub(crate) async fn finish_before(&self, ending: &Ending) {
        self.run_after(ending).await;
        // Without a deadline there is no need to read the clock.
        let has_deadline = ending.time.ends_at().is_some();
        let by = has_deadline.then(|| ending.time.flushes_by(self.clock().now())).flatten();
        run_within(ending.trace.clone(), pinned!(self.flush_by(by))).await;
    }
}
