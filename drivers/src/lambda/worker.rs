//! A worker: takes an invocation, responds, takes the next one.

use core::any::Any;
use core::panic::AssertUnwindSafe;
use core::time::Duration;
use std::sync::{Arc, Once};

use apptheory_core::error::AppError;
use apptheory_core::events::{InvokeMode, LambdaEvent};
use apptheory_core::sanitize::log_text;
use apptheory_core::stream::FrameOutcome;
use apptheory_core::time::Timestamp;
use futures_util::FutureExt as _;
use http::StatusCode;
use tokio_util::sync::CancellationToken;

use super::api::{Next, Reply, RuntimeApi};
use super::connection::ConnectionError;
use super::error::{FunctionError, RuntimeError};
use super::frames::Frames;
use crate::app::time::Begun;
use crate::app::{AppService, Failure, Function, Invocation, Panicked};
use crate::clock::{Clock as _, before};
use crate::trace::pinned;

/// What all workers share.
pub(super) struct Shared {
    pub(super) app: AppService,
    pub(super) function: Arc<Function>,
    pub(super) mode: InvokeMode,
    /// Cancelled when no more invocations are taken.
    pub(super) stop: CancellationToken,
    /// Cancelled when a shutdown begins, together with [`stop`](Self::stop).
    pub(super) shutdown: CancellationToken,
    /// Set once the warning about past deadlines has been logged.
    pub(super) odd_deadline: Once,
}

/// Handles invocations, one after the other.
pub(super) struct Worker {
    pub(super) shared: Arc<Shared>,
    pub(super) api: RuntimeApi,
}

/// The result of an invocation.
enum Answer {
    Whole(String),
    Streamed(Box<Frames>),
    Failed(FunctionError),
}

impl Worker {
    pub(super) async fn work(mut self) -> Result<(), RuntimeError> {
        let stop = self.shared.stop.clone();
        while !stop.is_cancelled() {
            // An invocation that has arrived is handled, even if a shutdown begins at the same
            // moment.
            let next = match before(stop.cancelled(), self.api.next()).await {
                Some(Ok(next)) => next,
                Some(Err(error)) => {
                    tracing::error!(%error, "stopping: the Runtime API gives no more invocations");
                    stop.cancel();
                    return Err(error);
                }
                None => break,
            };
            let (mut begun, ending) = self.shared.app.begin(self.shared.invocation(&next));
            let span = begun.span.clone();
            begun.stop_on(&self.shared.shutdown);
            span.run(pinned!(self.handle(next, begun))).await;
            // The span has ended, so that it is flushed, too. What is sent then has the trace.
            self.shared.app.finish(ending).await;
        }
        Ok(())
    }

    /// Handles an invocation by its deadline, as far as its work waits.
    async fn handle(&mut self, next: Next, begun: Arc<Begun>) {
        let Next { reply, event, .. } = next;
        let shared = Arc::clone(&self.shared);
        let time = begun.time;
        let clock = shared.app.clock();
        let answer = match clock.race(time.stops_at(), self.api.receive(event)).await {
            Some(Ok(event)) => shared.answer_guarded(&event, begun).await,
            Some(Err(error)) => {
                tracing::error!(%error, "the event was not received to its end");
                Answer::Failed(FunctionError::not_received())
            }
            None => Answer::Failed(FunctionError::not_received()),
        };
        let by = time.answers_by(clock.now());
        let delivered = AssertUnwindSafe(clock.race(by, self.deliver(&reply, answer)));
        match delivered.catch_unwind().await {
            Ok(Some(())) => {}
            Ok(None) => tracing::warn!("closing the connection: the response was not read in time"),
            // Application code panicked while a response was dropped.
            Err(panic) => shared.report_panic(&reply.request_id, panic),
        }
    }

    /// Sends a result. Dropping the future closes its connection.
    async fn deliver(&mut self, reply: &Reply, answer: Answer) {
        let delivered = match answer {
            Answer::Whole(answer) => self.api.respond(reply, answer).await,
            Answer::Streamed(frames) => {
                let (delivered, outcome) = self.api.stream(reply, frames).await;
                if let Some(outcome) = outcome {
                    log_outcome(&outcome);
                }
                delivered
            }
            Answer::Failed(error) => return self.fail(reply, &error).await,
        };
        if matches!(delivered, Ok(StatusCode::PAYLOAD_TOO_LARGE)) {
            return self.fail(reply, &FunctionError::too_large()).await;
        }
        log("response", &delivered);
    }

    async fn fail(&mut self, reply: &Reply, error: &FunctionError) {
        let FunctionError { error_type, message } = error;
        tracing::error!(
            error_type = &**error_type,
            error = &*log_text(message),
            "the invocation failed; {}",
            error.see()
        );
        log("error", &self.api.fail(reply, error).await);
    }
}

impl Shared {
    /// Returns the result for an event, also when code outside of the handlers' guards panics.
    async fn answer_guarded(&self, event: &[u8], begun: Arc<Begun>) -> Answer {
        let request_id = begun.invocation.request_id.clone();
        let answer = AssertUnwindSafe(self.answer(event, begun)).catch_unwind().await;
        answer.unwrap_or_else(|panic| {
            self.report_panic(&request_id, panic);
            Answer::Failed(FunctionError::panicked())
        })
    }

    fn report_panic(&self, request_id: &str, panic: Box<dyn Any + Send>) {
        let error = AppError::internal().with_cause(Panicked::new("the function", panic));
        self.app.report_failure(Failure { request_id: request_id.to_owned(), error });
    }

    async fn answer(&self, event: &[u8], begun: Arc<Begun>) -> Answer {
        let answered = match core::str::from_utf8(event) {
            Ok(event) => self.answer_text(event, begun).await,
            Err(_) => Err(FunctionError::invalid_event("the event is not UTF-8")),
        };
        answered.unwrap_or_else(Answer::Failed)
    }

    async fn answer_text(
        &self,
        event: &str,
        mut begun: Arc<Begun>,
    ) -> Result<Answer, FunctionError> {
        let read = self.app.read_event(event, &mut begun)?;
        let target = if let LambdaEvent::Http(request) = &read
            && self.app.serves(&read)
        {
            self.mode.target(request)
        } else {
            None
        };
        match (target, read) {
            (Some(target), LambdaEvent::Http(event)) => {
                let stops_at = begun.time.stops_at();
                let response = self.app.serve_begun(event.request, begun).await;
                let mut frames =
                    Box::new(Frames::new(&self.app, response, target, stops_at, &self.shutdown));
                if !frames.open().await {
                    return Err(FunctionError::aborted());
                }
                Ok(Answer::Streamed(frames))
            }
            (_, read) => Ok(Answer::Whole(self.app.answer_event(read, event, begun).await?)),
        }
    }

    /// Returns the invocation described by the head of an event.
    fn invocation(&self, next: &Next) -> Invocation {
        let deadline = next.head.deadline_ms().and_then(|ms| self.deadline(ms));
        let function = Some(Arc::clone(&self.function));
        let is_cold_start = self.app.starts_cold();
        Invocation { deadline, function, is_cold_start, ..next.head.invocation() }
    }

    /// Returns the deadline of an invocation that has just arrived. Emulators send deadlines in the
    /// past, which are ignored.
    fn deadline(&self, ms: u64) -> Option<Timestamp> {
        let deadline = Timestamp::UNIX_EPOCH.saturating_add(Duration::from_millis(ms));
        if deadline > self.app.clock().now() {
            return Some(deadline);
        }
        self.odd_deadline.call_once(|| {
            tracing::warn!(
                "ignoring a deadline that had already passed when the invocation arrived"
            );
        });
        None
    }
}

fn log_outcome(outcome: &FrameOutcome) {
    let FrameOutcome { status, chunks, bytes, code, refused_code, reason, .. } = outcome;
    if code.is_empty() && refused_code.is_none() {
        tracing::debug!(?status, chunks, bytes, ?reason, "stream.completed");
    } else {
        tracing::warn!(?status, chunks, bytes, code, ?refused_code, ?reason, "stream.completed");
    }
}

/// Logs why a result was not delivered.
pub(super) fn log(what: &str, delivered: &Result<StatusCode, ConnectionError>) {
    match delivered {
        Ok(status) if status.is_success() => {}
        Ok(StatusCode::GONE) => tracing::warn!(what, "Lambda had already ended the invocation"),
        Ok(status) => tracing::error!(what, %status, "the Runtime API refused the response"),
        Err(error) => tracing::error!(what, %error, "the response could not be sent"),
    }
}
