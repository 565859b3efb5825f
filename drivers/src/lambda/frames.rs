//! Streaming responses to Lambda.

use core::future::{pending, poll_fn};
use core::mem;
use core::pin::Pin;
use core::task::{Context, Poll, ready};
use std::collections::VecDeque;

use apptheory_core::stream::{
    Cancel, FrameConfig, FrameEnd, FrameInput, FrameOutcome, FrameOutput, FrameState, Target,
};
use apptheory_core::time::Timestamp;
use bytes::Bytes;
use http_body::{Body, Frame};
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use crate::app::body::trailers;
use crate::app::framing::{Framed, Framing};
use crate::app::{AppService, BoxFuture, Response};
use crate::clock::Clock as _;

/// A response that is being sent to Lambda. Chunks are pulled one by one, as they are written.
pub(super) struct Frames {
    framing: Framing,
    target: Target,
    writes: VecDeque<Write>,
    outcome: Option<FrameOutcome>,
    app: AppService,
    stops_at: Option<Timestamp>,
    shutdown: CancellationToken,
    cut_short: BoxFuture<Cancel>,
}

/// An action on the connection.
#[derive(Clone)]
enum Write {
    /// Bytes to write; if there are none, only flush.
    Data(Bytes),
    End(FrameEnd),
}

impl Frames {
    /// Begins a response for `target`, which ends by `stops_at`, or when a shutdown begins.
    pub(super) fn new(
        app: &AppService,
        response: Response,
        target: Target,
        stops_at: Option<Timestamp>,
        shutdown: &CancellationToken,
    ) -> Self {
        let (clock, begun) = (app.clock().clone(), shutdown.clone());
        let cut_short = async move {
            match begun.run_until_cancelled(clock.sleep_until(stops_at)).await {
                Some(()) => Cancel::Deadline,
                None => Cancel::Shutdown,
            }
        };
        // The application enforces its own size limit.
        let config = FrameConfig::new(target);
        let (response, producer) = response.split_stream();
        let (framing, framed) = Framing::begin(app, config, response, producer);
        let mut frames = Self {
            framing,
            target,
            writes: VecDeque::new(),
            outcome: None,
            app: app.clone(),
            stops_at,
            shutdown: shutdown.clone(),
            cut_short: Box::pin(cut_short),
        };
        frames.take(framed);
        frames
    }

    /// Returns a copy of the response, if it is complete.
    pub(super) fn copy(&self) -> Option<Self> {
        self.framing.copy().map(|framing| Self {
            framing,
            target: self.target,
            writes: self.writes.clone(),
            outcome: self.outcome.clone(),
            app: self.app.clone(),
            stops_at: self.stops_at,
            shutdown: self.shutdown.clone(),
            // The response is complete, so no deadline applies any more.
            cut_short: Box::pin(pending()),
        })
    }

    /// Waits for the first bytes, and returns whether there are any: a response that was aborted
    /// before has no head.
    pub(super) async fn open(&mut self) -> bool {
        poll_fn(|context| self.poll_writes(context)).await;
        matches!(self.writes.front(), Some(Write::Data(_)))
    }

    /// Waits until there is something to write, or the outcome is known.
    fn poll_writes(&mut self, context: &mut Context<'_>) -> Poll<()> {
        while self.writes.is_empty() && self.outcome.is_none() {
            let framed = ready!(self.poll_framed(context));
            self.take(framed);
        }
        Poll::Ready(())
    }

    /// Polls the machine's next event. The time is polled first, so that equal schedules always end
    /// alike.
    fn poll_framed(&mut self, context: &mut Context<'_>) -> Poll<Framed> {
        let input = if self.framing.state() == FrameState::Overrun {
            FrameInput::End
        } else if self.stops_at.is_some_and(|at| at <= self.app.clock().now()) {
            FrameInput::Cancel(Cancel::Deadline)
        } else if !self.framing.has_producer() {
            FrameInput::End
        } else if self.shutdown.is_cancelled() {
            FrameInput::Cancel(Cancel::Shutdown)
        } else {
            match self.framing.poll_next(context) {
                Poll::Ready(next) => return Poll::Ready(self.framing.handle_next(next)),
                Poll::Pending => FrameInput::Cancel(ready!(self.cut_short.as_mut().poll(context))),
            }
        };
        Poll::Ready(self.framing.handle(input, Bytes::new()))
    }

    /// Queues the actions.
    fn take(&mut self, framed: Framed) {
        let Framed { open, data, end, outcome } = framed;
        if let Some(head) = open {
            let prelude = head.prelude(self.target).into();
            let delimiter = Bytes::from_static(&FrameOutput::DELIMITER);
            self.writes.extend([Write::Data(prelude), Write::Data(delimiter)]);
        }
        self.writes.extend(data.map(Write::Data));
        self.writes.extend(end.map(Write::End));
        self.outcome = self.outcome.take().or(outcome);
    }

    /// Returns how the response ended; `None` if the connection broke before.
    fn end(&mut self) -> Option<FrameOutcome> {
        if self.framing.state() != FrameState::Done {
            let framed = self.framing.handle(FrameInput::WriteFailed, Bytes::new());
            self.take(framed);
        }
        self.outcome.take()
    }
}

/// The body of the request that carries the frames. Each write is flushed before the next chunk is
/// pulled.
pub(super) struct FrameBody {
    frames: Box<Frames>,
    is_unflushed: bool,
    ended: Option<oneshot::Sender<Option<FrameOutcome>>>,
}

/// The response was aborted: its request must not look complete.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the response was aborted")]
pub(super) struct Aborted;

impl FrameBody {
    /// Returns a body, and a receiver for how it ended. It ends at the latest when it is dropped.
    pub(super) fn new(frames: Box<Frames>) -> (Self, oneshot::Receiver<Option<FrameOutcome>>) {
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
            ready!(this.frames.poll_writes(context));
            match this.frames.writes.pop_front() {
                Some(Write::Data(bytes)) => {
                    this.is_unflushed = true;
                    if !bytes.is_empty() {
                        return Poll::Ready(Some(Ok(Frame::data(bytes))));
                    }
                }
                Some(Write::End(FrameEnd::Trailers { error_type, error_body_b64 })) => {
                    let values = [error_type, error_body_b64];
                    return Poll::Ready(Some(Ok(Frame::trailers(trailers(values)))));
                }
                Some(Write::End(FrameEnd::Abort)) => return Poll::Ready(Some(Err(Aborted))),
                Some(Write::End(FrameEnd::Finish)) | None => return Poll::Ready(None),
            }
        }
    }
}

impl Drop for FrameBody {
    fn drop(&mut self) {
        if let Some(ended) = self.ended.take() {
            // The receiver may be gone.
            let _ = ended.send(self.frames.end());
        }
    }
}

#[cfg(test)]
mod tests {
    use apptheory_core::error::AppError;
    use futures_util::{FutureExt as _, stream};
    use http_body_util::BodyExt as _;

    use super::*;
    use crate::app::{App, BodyStream};

    /// A handler's chunk is sent without a copy.
    #[test]
    fn no_chunk_is_copied() {
        let app = App::new().build().unwrap();
        let chunk = Bytes::from(vec![b'a'; 16 << 10]);
        let chunks = BodyStream::new(stream::iter([Ok::<_, AppError>(chunk.clone())]));
        let response = Response::html_stream(200, chunks);
        let target = Target::FunctionUrl;
        let frames = Frames::new(&app, response, target, None, &CancellationToken::new());
        let (mut body, _ended) = FrameBody::new(Box::new(frames));
        let mut written = Vec::new();
        // Between two frames the body is pending once, to be flushed.
        for _ in 0..8 {
            if let Some(Some(frame)) = body.frame().now_or_never() {
                written.push(frame.unwrap().into_data().unwrap());
            }
        }
        assert_eq!(written.len(), 3, "prelude, delimiter, chunk");
        assert_eq!((written[2].as_ptr(), written[2].len()), (chunk.as_ptr(), chunk.len()));
    }
}
