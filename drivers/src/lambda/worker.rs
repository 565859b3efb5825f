//! A worker: an invocation, its answer, the next one.

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

/// What all workers share.
pub(super) struct Shared {
    pub(super) app: AppService,
    pub(super) function: Arc<Function>,
    pub(super) mode: InvokeMode,
    /// Ends when no more invocations are to be taken.
    pub(super) stop: CancellationToken,
    /// Ends when a shutdown begins, and [`stop`](Self::stop) with it.
    pub(super) shutdown: CancellationToken,
    /// Whether it was logged that deadlines are missing.
    pub(super) odd_deadline: Once,
}

/// Handles one invocation after the other.
pub(super) struct Worker {
    pub(super) shared: Arc<Shared>,
    pub(super) api: RuntimeApi,
}

/// How an invocation ends.
enum Answer {
    Whole(String),
    Streamed(Box<Frames>),
    Failed(FunctionError),
}

impl Worker {
    pub(super) async fn work(mut self) -> Result<(), RuntimeError> {
        let stop = self.shared.stop.clone();
        while !stop.is_cancelled() {
            // What has come is handled, also if everything stops at the same moment.
            let next = match before(stop.cancelled(), self.api.next()).await {
                Some(Ok(next)) => next,
                Some(Err(error)) => {
                    tracing::error!(%error, "no more invocations are taken");
                    stop.cancel();
                    return Err(error);
                }
                None => break,
            };
            let (begun, ending) = self.shared.app.begin(self.shared.invocation(&next));
            let span = begun.span.clone();
            let begun = begun.until(&self.shared.shutdown);
            span.run(self.handle(next, begun)).await;
            // The span has ended: it is flushed, too. What is sent then has the trace.
            self.shared.app.finish(ending).await;
        }
        Ok(())
    }

    /// Handles an invocation, and is done with it by its deadline, as far as anything in it waits.
    async fn handle(&mut self, next: Next, begun: Begun) {
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
            Ok(None) => tracing::warn!("the answer was not read in time: its connection is closed"),
            // Something of a response was dropped, and did not take it well.
            Err(panic) => shared.tell_of_panic(&reply.request_id, panic),
        }
    }

    /// Sends an answer. Dropping the future closes the connection that it is on.
    async fn deliver(&mut self, reply: &Reply, answer: Answer) {
        let delivered = match answer {
            Answer::Whole(answer) => self.api.respond(reply, answer).await,
            Answer::Streamed(frames) => {
                let (delivered, outcome) = self.api.stream(reply, frames).await;
                if let Some(outcome) = outcome {
                    tell(&outcome);
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
            "the invocation fails"
        );
        log("error", &self.api.fail(reply, error).await);
    }
}

impl Shared {
    /// What an event is answered with, also if that panics where no handler's guard is.
    async fn answer_guarded(&self, event: &[u8], begun: Begun) -> Answer {
        let request_id = begun.invocation.request_id.clone();
        let answer = AssertUnwindSafe(self.answer(event, begun)).catch_unwind().await;
        answer.unwrap_or_else(|panic| {
            self.tell_of_panic(&request_id, panic);
            Answer::Failed(FunctionError::panicked())
        })
    }

    fn tell_of_panic(&self, request_id: &str, panic: Box<dyn Any + Send>) {
        let error = AppError::internal().with_cause(Panicked::new("the function", panic));
        self.app.tell(Failure { request_id: request_id.to_owned(), error });
    }

    async fn answer(&self, event: &[u8], begun: Begun) -> Answer {
        let answered = match core::str::from_utf8(event) {
            Ok(event) => self.answer_text(event, begun).await,
            Err(_) => Err(FunctionError::invalid_event("the event is not UTF-8")),
        };
        answered.unwrap_or_else(Answer::Failed)
    }

    async fn answer_text(&self, event: &str, mut begun: Begun) -> Result<Answer, FunctionError> {
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

    /// What the head of an event says of its invocation.
    fn invocation(&self, next: &Next) -> Invocation {
        let deadline = next.head.deadline_ms().and_then(|ms| self.deadline(ms));
        let function = Some(Arc::clone(&self.function));
        let is_cold_start = self.app.starts_cold();
        Invocation { deadline, function, is_cold_start, ..next.head.invocation() }
    }

    /// When Lambda ends an invocation that has just come. Emulators say it ended before: that is no
    /// deadline.
    fn deadline(&self, ms: u64) -> Option<Timestamp> {
        let deadline = Timestamp::UNIX_EPOCH.saturating_add(Duration::from_millis(ms));
        if deadline > self.app.clock().now() {
            return Some(deadline);
        }
        self.odd_deadline.call_once(|| {
            tracing::warn!(
                "an invocation came after its deadline: such deadlines are taken for none"
            );
        });
        None
    }
}

fn tell(outcome: &FrameOutcome) {
    let FrameOutcome { status, chunks, bytes, code, refused_code, reason, .. } = outcome;
    if code.is_empty() && refused_code.is_none() {
        tracing::debug!(?status, chunks, bytes, ?reason, "stream.completed");
    } else {
        tracing::warn!(?status, chunks, bytes, code, ?refused_code, ?reason, "stream.completed");
    }
}

/// Logs why an answer was not delivered, if it was not.
pub(super) fn log(what: &str, delivered: &Result<StatusCode, ConnectionError>) {
    match delivered {
        Ok(status) if status.is_success() => {}
        Ok(StatusCode::GONE) => tracing::warn!(what, "Lambda gave the invocation up"),
        Ok(status) => tracing::error!(what, %status, "the Runtime API refuses the answer"),
        Err(error) => tracing::error!(what, %error, "the answer could not be sent"),
    }
}
