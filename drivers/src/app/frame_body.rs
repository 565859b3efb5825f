//! Framed responses for transports that take head and body separately.

use core::pin::Pin;
use core::task::{Context, Poll, ready};

use apptheory_core::http::HttpResponse as Whole;
use apptheory_core::stream::{FrameConfig, FrameEnd, FrameOutput, FrameState, Head, Target};
use bytes::Bytes;
use http::header::{HeaderValue, TRAILER};
use http_body::{Body, Frame, SizeHint};

use super::body::trailers;
use super::framing::{Framed, Framing};
use super::wire::http_head;
use super::{AppService, BodyStream};

/// The body of a response whose head is sent. The next chunk is pulled when the previous one has
/// been taken.
pub(crate) struct FrameBody {
    /// What is still to be framed. A complete response has nothing left, and is moved around
    /// without the machine.
    framing: Option<Box<Framing>>,
    /// Bytes and end that are still to be sent.
    data: Option<Bytes>,
    end: Option<FrameEnd>,
    takes_trailers: bool,
    is_cut_off: bool,
}

/// How a response passes through Lambda, which decides its size limits.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Passage {
    /// Streamed: up to 16 KB of head and 200 MB of body.
    Streamed,
    /// Buffered.
    #[cfg_attr(not(feature = "local"), expect(dead_code, reason = "only the local server uses it"))]
    Whole,
}

/// The body is incomplete, and the client must notice.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the response body is incomplete")]
pub(crate) struct CutOff;

impl FrameBody {
    /// Frames a response until its head is known; the head of a stream is known with its first
    /// chunk.
    pub(crate) async fn begin(
        app: &AppService,
        response: Whole,
        stream: Option<BodyStream>,
        takes_trailers: bool,
        passage: Passage,
    ) -> http::Response<Self> {
        let limits = FrameConfig::new(Target::FunctionUrl);
        let config = match passage {
            Passage::Streamed => limits,
            // The size of the whole response was checked before.
            Passage::Whole => {
                FrameConfig { transport_limit: None, max_prelude_bytes: usize::MAX, ..limits }
            }
        };
        if stream.is_none() && config.passes_whole(&response) {
            let head = http_head(response.status, &response.headers, &response.cookies);
            let data = Some(response.body.into());
            return head.map(|()| Self {
                framing: None,
                data,
                end: None,
                takes_trailers,
                is_cut_off: false,
            });
        }
        // Boxed, so that the futures of complete responses have no room for the machine.
        let (framing, framed) = Box::pin(Framing::open(app, config, response, stream)).await;
        let Framed { open, data, end, outcome: _ } = framed;
        let framing = (framing.state() != FrameState::Done).then(|| Box::new(framing));
        Self { framing, data, end, takes_trailers, is_cut_off: false }.open(open)
    }

    /// Returns the response with the head that the machine opened it with.
    fn open(self, head: Option<Head>) -> http::Response<Self> {
        // A response that has begun, and whose stream was pulled, has a head.
        let Some(Head { status, headers, cookies }) = head else {
            return http::Response::new(self);
        };
        let mut response = http_head(status, &headers, &cookies).map(|()| self);
        if response.body().takes_trailers && response.body().has_producer() {
            let names = HeaderValue::try_from(FrameOutput::DECLARED_TRAILERS.join(", ")).ok();
            response.headers_mut().extend(names.map(|names| (TRAILER, names)));
        }
        response
    }

    /// Returns whether the stream may still yield chunks.
    fn has_producer(&self) -> bool {
        self.framing.as_ref().is_some_and(|framing| framing.has_producer())
    }
}

impl Body for FrameBody {
    type Data = Bytes;
    type Error = CutOff;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        waiting: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, CutOff>>> {
        if self.is_cut_off {
            return Poll::Ready(Some(Err(CutOff)));
        }
        loop {
            // Flush what was written while waiting for the next chunk.
            if let Some(data) = self.data.take().filter(|data| !data.is_empty()) {
                return Poll::Ready(Some(Ok(Frame::data(data))));
            }
            match self.end.take() {
                Some(FrameEnd::Finish) => return Poll::Ready(None),
                Some(FrameEnd::Trailers { error_type, error_body_b64 }) if self.takes_trailers => {
                    let values = [error_type, error_body_b64];
                    return Poll::Ready(Some(Ok(Frame::trailers(trailers(values)))));
                }
                Some(FrameEnd::Trailers { .. } | FrameEnd::Abort) => {
                    // An error drops unflushed bytes, so wait once to flush them.
                    self.is_cut_off = true;
                    waiting.waker().wake_by_ref();
                    return Poll::Pending;
                }
                None => {
                    let framing = self.framing.as_mut().filter(|framing| framing.has_producer());
                    let Some(framing) = framing else { return Poll::Ready(None) };
                    let next = ready!(framing.poll_next(waiting));
                    let framed = framing.handle_next(next);
                    (self.data, self.end) = (framed.data, framed.end);
                }
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.size_hint().exact() == Some(0)
    }

    fn size_hint(&self) -> SizeHint {
        let mut hint = SizeHint::new();
        let is_done =
            self.framing.as_ref().is_none_or(|framing| framing.state() == FrameState::Done);
        if is_done && !self.is_cut_off {
            let len = self.data.as_ref().map_or(0, Bytes::len);
            hint.set_exact(u64::try_from(len).unwrap_or(u64::MAX));
        }
        hint
    }
}

#[cfg(test)]
mod tests {
    use apptheory_core::error::AppError;
    use futures_util::{FutureExt as _, stream};
    use http_body_util::BodyExt as _;

    use super::*;
    use crate::app::App;

    /// A handler's chunk is sent without a copy.
    #[test]
    fn no_chunk_is_copied() {
        let app = App::new().build().unwrap();
        let chunk = Bytes::from(vec![b'a'; 16 << 10]);
        let chunks = BodyStream::new(stream::iter([Ok::<_, AppError>(chunk.clone())]));
        let response =
            FrameBody::begin(&app, Whole::new(200), Some(chunks), true, Passage::Streamed);
        let mut body = response.now_or_never().unwrap().into_body();
        let frame = body.frame().now_or_never().unwrap().unwrap().unwrap();
        assert_eq!(frame.into_data().unwrap().as_ptr(), chunk.as_ptr());
        assert!(body.frame().now_or_never().unwrap().is_none());
    }
}
