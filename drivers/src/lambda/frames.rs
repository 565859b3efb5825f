//! Responses while they are made.

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

/// A response on its way to Lambda: chunks are pulled when writes are asked for, one by one.
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

/// Something to do on the wire.
#[derive(Clone)]
enum Write {
    /// Bytes, each in a write of their own; when there are none, only a flush.
    Data(Bytes),
    End(FrameEnd),
}

impl Frames {
    /// Begins a response that is read by `target`, and ends by `stops_at`, or when a shutdown begins.
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
        // The application holds its responses to its limit itself.
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

    /// The same response once more, if all of it is there.
    pub(super) fn copy(&self) -> Option<Self> {
        self.framing.copy().map(|framing| Self {
            framing,
            target: self.target,
            writes: self.writes.clone(),
            outcome: self.outcome.clone(),
            app: self.app.clone(),
            stops_at: self.stops_at,
            shutdown: self.shutdown.clone(),
            // Nothing can cut it short any more.
            cut_short: Box::pin(pending()),
        })
    }

    /// Waits until there is something to send, and returns whether there is: a response that is given
    /// up before has no head.
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

    /// What happens next, as the machine sees it: time is looked at first, so that equal schedules end
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

    /// Queues what has to be done.
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

    /// How it ended. If it has not, the transport broke.
    fn end(&mut self) -> Option<FrameOutcome> {
        if self.framing.state() != FrameState::Done {
            let framed = self.framing.handle(FrameInput::WriteFailed, Bytes::new());
            self.take(framed);
        }
        self.outcome.take()
    }
}

/// The body of the request that carries frames. Each write is flushed before the next one is made.
pub(super) struct FrameBody {
    frames: Box<Frames>,
    is_unflushed: bool,
    ended: Option<oneshot::Sender<Option<FrameOutcome>>>,
}

/// A response was given up: its request must not look complete.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the response was given up")]
pub(super) struct Aborted;

impl FrameBody {
    /// A body, and how it will have ended. It ends when it is dropped at the latest.
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
            // Whoever gave up waiting need not know.
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

    /// A handler's chunk reaches the wire as the same bytes in memory.
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
