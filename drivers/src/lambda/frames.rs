//! Responses while they are made.

use core::future::{pending, poll_fn};
use core::mem;
use core::pin::Pin;
use core::task::{Context, Poll, ready};
use std::vec;

use apptheory_core::error::AppError;
use apptheory_core::stream::{
    Cancel, FrameConfig, FrameEffect, FrameInput, FrameMachine, FrameState, Head, Outcome, Target,
};
use apptheory_core::time::Timestamp;
use bytes::Bytes;
use futures_util::stream::Stream as _;
use http::header::{HeaderMap, HeaderName, HeaderValue};
use http_body::{Body, Frame};
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use crate::app::{App, BodyStream, BoxFuture, Failure, Response};
use crate::clock::Clock as _;

/// A response on its way through a [`FrameMachine`]: chunks are pulled when frames are asked for,
/// one by one, and the producer is dropped as soon as nothing of it is wanted.
pub(super) struct Frames {
    machine: FrameMachine,
    effects: vec::IntoIter<FrameEffect>,
    producer: Option<BodyStream>,
    outcome: Option<Outcome>,
    app: App,
    stops_at: Option<Timestamp>,
    shutdown: CancellationToken,
    cut_short: BoxFuture<Cancel>,
}

/// The head of a response was not sent, but a masked 500: it is larger than AWS takes, or its status
/// is none of a final response.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the response's head is larger than 16 KB, or its status is not final")]
struct HeadRefused;

/// What opens the request that carries frames.
pub(super) struct Open {
    pub(super) content_type: &'static str,
    pub(super) response_mode: &'static str,
    pub(super) declared_trailers: [&'static str; 2],
}

impl Frames {
    /// Begins a response that is read by `target`, and ends by `stops_at`, or when a shutdown begins.
    pub(super) fn new(
        app: &App,
        response: Response,
        target: Target,
        stops_at: Option<Timestamp>,
        shutdown: &CancellationToken,
    ) -> Self {
        let settings = app.settings();
        // The application holds its responses to its limit itself.
        let machine = FrameMachine::new(FrameConfig {
            errors: settings.error_style(),
            ..FrameConfig::new(target)
        });
        let (clock, begun) = (app.clock().clone(), shutdown.clone());
        let cut_short = async move {
            match begun.run_until_cancelled(clock.sleep_until(stops_at)).await {
                Some(()) => Cancel::Deadline,
                None => Cancel::Shutdown,
            }
        };
        let head = Head::from(&response);
        let mut frames = Self {
            machine,
            effects: Vec::new().into_iter(),
            producer: response.stream,
            outcome: None,
            app: app.clone(),
            stops_at,
            shutdown: shutdown.clone(),
            cut_short: Box::pin(cut_short),
        };
        let has_stream = frames.producer.is_some();
        let request_id = head.headers.first("x-request-id").to_owned();
        frames.handle(FrameInput::Begin { head, prefix: response.body, has_stream });
        if frames.effects.as_slice().iter().any(FrameEffect::is_masked_refusal) {
            let error = AppError::internal().with_cause(HeadRefused);
            app.tell(Failure { request_id, error });
        }
        frames
    }

    /// The same response once more, if all of it is there.
    pub(super) fn copy(&self) -> Option<Self> {
        (self.machine.state() == FrameState::Done).then(|| Self {
            machine: self.machine.clone(),
            effects: self.effects.clone(),
            producer: None,
            outcome: self.outcome.clone(),
            app: self.app.clone(),
            stops_at: self.stops_at,
            shutdown: self.shutdown.clone(),
            // Nothing can cut it short any more.
            cut_short: Box::pin(pending()),
        })
    }

    /// Waits until there is something to send. `None` when nothing ever will be.
    pub(super) async fn open(&mut self) -> Option<Open> {
        match poll_fn(|context| self.poll_effect(context)).await? {
            FrameEffect::Open { content_type, response_mode, declared_trailers } => {
                Some(Open { content_type, response_mode, declared_trailers })
            }
            // Before the first head there is nothing else to carry out but giving up.
            FrameEffect::Prelude(_)
            | FrameEffect::Delimiter
            | FrameEffect::Data { .. }
            | FrameEffect::Trailers { .. }
            | FrameEffect::Finish
            | FrameEffect::Abort
            | FrameEffect::StopProducer
            | FrameEffect::Outcome(_) => None,
        }
    }

    /// The next effect on the wire; `None` once the outcome is known.
    fn poll_effect(&mut self, context: &mut Context<'_>) -> Poll<Option<FrameEffect>> {
        loop {
            match self.effects.next() {
                Some(FrameEffect::StopProducer) => self.producer = None,
                Some(FrameEffect::Outcome(outcome)) => self.outcome = Some(outcome),
                Some(effect) => return Poll::Ready(Some(effect)),
                None if self.outcome.is_some() => return Poll::Ready(None),
                None => {
                    let input = ready!(self.poll_input(context));
                    self.handle(input);
                }
            }
        }
    }

    /// What happens next: time is looked at first, so that equal schedules end alike.
    fn poll_input(&mut self, context: &mut Context<'_>) -> Poll<FrameInput> {
        if self.machine.state() == FrameState::Overrun {
            return Poll::Ready(FrameInput::End);
        }
        if self.stops_at.is_some_and(|at| at <= self.app.clock().now()) {
            return Poll::Ready(FrameInput::Cancel(Cancel::Deadline));
        }
        let Some(producer) = &mut self.producer else { return Poll::Ready(FrameInput::End) };
        if self.shutdown.is_cancelled() {
            return Poll::Ready(FrameInput::Cancel(Cancel::Shutdown));
        }
        match Pin::new(producer).poll_next(context) {
            Poll::Ready(Some(Ok(chunk))) => Poll::Ready(FrameInput::Chunk(chunk.into())),
            Poll::Ready(Some(Err(error))) => Poll::Ready(FrameInput::Fault(error)),
            Poll::Ready(None) => Poll::Ready(FrameInput::End),
            Poll::Pending => {
                let cancel = ready!(self.cut_short.as_mut().poll(context));
                Poll::Ready(FrameInput::Cancel(cancel))
            }
        }
    }

    fn handle(&mut self, input: FrameInput) {
        let mut effects = Vec::new();
        if let Err(misuse) = self.machine.handle(input, &mut effects) {
            // A mistake of this driver: the response must not look complete.
            tracing::error!(%misuse, "a stream was driven wrong");
            effects.push(FrameEffect::Abort);
        }
        self.effects = effects.into_iter();
    }

    /// How it ended. If it has not, the transport broke.
    fn end(&mut self) -> Option<Outcome> {
        if self.machine.state() != FrameState::Done {
            self.handle(FrameInput::WriteFailed);
        }
        let outcome = self.effects.by_ref().find_map(|effect| match effect {
            FrameEffect::Outcome(outcome) => Some(outcome),
            FrameEffect::Open { .. }
            | FrameEffect::Prelude(_)
            | FrameEffect::Delimiter
            | FrameEffect::Data { .. }
            | FrameEffect::Trailers { .. }
            | FrameEffect::Finish
            | FrameEffect::Abort
            | FrameEffect::StopProducer => None,
        });
        self.outcome.take().or(outcome)
    }
}

/// The body of the request that carries frames. Each frame is a write of its own, and is flushed
/// before the next one is made.
pub(super) struct FrameBody {
    frames: Box<Frames>,
    is_unflushed: bool,
    ended: Option<oneshot::Sender<Option<Outcome>>>,
}

/// A response was given up: its request must not look complete.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the response was given up")]
pub(super) struct Aborted;

const ERROR_TYPE: HeaderName = HeaderName::from_static("lambda-runtime-function-error-type");
const ERROR_BODY: HeaderName = HeaderName::from_static("lambda-runtime-function-error-body");

impl FrameBody {
    /// A body, and how it will have ended. It ends when it is dropped at the latest.
    pub(super) fn new(frames: Box<Frames>) -> (Self, oneshot::Receiver<Option<Outcome>>) {
        let (sender, ended) = oneshot::channel();
        (Self { frames, is_unflushed: false, ended: Some(sender) }, ended)
    }
}

impl Body for FrameBody {
    type Data = Bytes;
    type Error = Aborted;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Aborted>>> {
        let this = self.get_mut();
        loop {
            if mem::take(&mut this.is_unflushed) {
                // hyper flushes when a body has nothing ready.
                context.waker().wake_by_ref();
                return Poll::Pending;
            }
            let frame = match ready!(this.frames.poll_effect(context)) {
                Some(FrameEffect::Prelude(bytes)) => Frame::data(bytes.into()),
                Some(FrameEffect::Delimiter) => {
                    Frame::data(Bytes::from_static(&FrameEffect::DELIMITER))
                }
                Some(FrameEffect::Data { bytes, .. }) => {
                    if bytes.is_empty() {
                        this.is_unflushed = true;
                        continue;
                    }
                    Frame::data(bytes.into())
                }
                Some(FrameEffect::Trailers { error_type, error_body_b64 }) => {
                    let fields = [(ERROR_TYPE, error_type), (ERROR_BODY, error_body_b64)];
                    return Poll::Ready(Some(Ok(Frame::trailers(trailers(fields)))));
                }
                Some(FrameEffect::Abort) => return Poll::Ready(Some(Err(Aborted))),
                Some(FrameEffect::Finish) | None => return Poll::Ready(None),
                // The request is open, and the others never get here.
                Some(
                    FrameEffect::Open { .. } | FrameEffect::StopProducer | FrameEffect::Outcome(_),
                ) => continue,
            };
            this.is_unflushed = true;
            return Poll::Ready(Some(Ok(frame)));
        }
    }
}

impl Drop for FrameBody {
    fn drop(&mut self) {
        if let Some(ended) = self.ended.take() {
            // Whoever gave up waiting need not know.
            let _ = ended.send(self.frames.end());
        }
    }
}

/// The machine gives printable ASCII and base64: both are values of header fields.
fn trailers(fields: [(HeaderName, String); 2]) -> HeaderMap {
    let values = fields.into_iter();
    values.filter_map(|(name, value)| Some((name, HeaderValue::try_from(value).ok()?))).collect()
}
