//! Work that handlers leave for after their answer, and the end of an invocation.

use core::fmt;
use core::future::Future;
use core::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use apptheory_core::invocation_time::InvocationTime;
use futures_util::future::join_all;

use super::guard::{Panicked, guarded};
use super::time::Begun;
use super::{AppService, BoxFuture, Context};
#[cfg(any(feature = "lambda", feature = "tower"))]
use crate::clock::Clock as _;
#[cfg(any(feature = "lambda", feature = "tower"))]
use crate::trace::{Trace, run_within};

/// Work that was left for after an answer was not done in time, and was dropped. Give the function more
/// time, or leave such work to a queue.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the work that was left for after the answer was not done in time")]
struct NotDone;

/// Work that is left for after an answer.
struct Left {
    request_id: String,
    work: BoxFuture<()>,
}

/// What the handlers of one invocation leave for after its answer; `None` once nobody will do it any
/// more. Clones are the same one.
#[derive(Clone)]
pub(super) struct After(Arc<Mutex<Option<Vec<Left>>>>);

impl After {
    pub(super) fn new() -> Self {
        Self(Arc::new(Mutex::new(Some(Vec::new()))))
    }

    fn lock(&self) -> MutexGuard<'_, Option<Vec<Left>>> {
        // Nothing panics while it is locked: poisoning says nothing here.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, left: Left) {
        let refused = match &mut *self.lock() {
            Some(kept) => {
                kept.push(left);
                None
            }
            None => Some(left),
        };
        if let Some(refused) = refused {
            tell_lost(&[refused]);
        }
    }

    fn take(&self) -> Vec<Left> {
        self.lock().as_mut().map(mem::take).unwrap_or_default()
    }

    fn close(&self) {
        // Work may hold what holds this: it is dropped where nothing is locked.
        let lost = self.lock().take();
        tell_lost(&lost.unwrap_or_default());
    }
}

impl fmt::Debug for After {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("After").field(&self.lock().as_ref().map(Vec::len)).finish()
    }
}

fn tell_lost(lost: &[Left]) {
    #[cfg(feature = "tracing")]
    for Left { request_id, .. } in lost {
        let request_id = &*apptheory_core::sanitize::log_text(request_id);
        tracing::warn!(request_id, "work for after an answer is not done: its invocation is over");
    }
    #[cfg(not(feature = "tracing"))]
    let _ = lost;
}

/// What is to be done once an invocation is answered. Nothing that is left after it was dropped is done.
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
    /// Leaves work for after the answer: what no client has to wait for, such as a notification or a
    /// statistic. On Lambda it is done when the answer was delivered, a streamed one to its end, and
    /// before the next invocation is asked for: a task that is only spawned would be frozen with the
    /// process in between. Then the application is [flushed](super::App::on_flush).
    ///
    /// Where the answer goes out through somebody else (`lambda_runtime`, tower, the
    /// [local server](crate::local)), it is done before the answer is handed over or, if that is
    /// streamed, before its end. An application that is mounted in another leaves it to that one.
    ///
    /// It is done whatever the answer is, an error included, and all that was left at the same time.
    /// Like a handler it has the time of the [invocation](super::App::reserve), and is in its trace:
    /// what is not done by then is dropped. That, and a panic, is reported to
    /// [`on_failure`](super::App::on_failure), and changes nothing else. Nobody repeats it: what must
    /// not be lost belongs in a queue.
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
        begun.after.add(Left { request_id, work });
    }
}

impl AppService {
    /// Does what was left for after the answer, and what that leaves in turn, in the time of the
    /// invocation.
    pub(crate) async fn run_after(&self, ending: &Ending) {
        loop {
            let left = ending.after.take();
            if left.is_empty() {
                return;
            }
            join_all(left.into_iter().map(|left| self.run_left(left, ending.time))).await;
        }
    }

    async fn run_left(&self, left: Left, time: InvocationTime) {
        let Left { request_id, work } = left;
        let work = guarded("the work for after the answer", async {
            work.await;
            Ok::<_, Panicked>(())
        });
        match self.in_time(time, work).await {
            Some(Ok(())) => {}
            Some(Err(panicked)) => self.tell_cause(&request_id, panicked),
            None => self.tell_cause(&request_id, NotDone),
        }
    }

    /// Ends an invocation whose answer was delivered: does what was left for then, and flushes.
    #[cfg(feature = "lambda")]
    pub(crate) async fn finish(&self, ending: Ending) {
        self.run_after(&ending).await;
        let by = ending.time.answers_by(self.clock().now());
        run_within(ending.trace.clone(), self.flush_by(by)).await;
    }

    /// Ends an invocation whose answer is handed over then, and has to be there in time.
    #[cfg(feature = "tower")]
    pub(crate) async fn finish_before(&self, ending: &Ending) {
        self.run_after(ending).await;
        let by = ending.time.flushes_by(self.clock().now());
        run_within(ending.trace.clone(), self.flush_by(by)).await;
    }
}
