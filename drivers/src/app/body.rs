//! The rest of a response's body, while it is made.

use core::fmt;
use core::num::NonZeroU64;
use core::panic::AssertUnwindSafe;
use core::pin::Pin;
use core::task::{Context, Poll, ready};
use std::panic::catch_unwind;

use apptheory_core::error::AppError;
#[cfg(any(feature = "lambda", feature = "local"))]
use apptheory_core::stream::FrameOutput;
use apptheory_core::stream::StreamLimiter;
use apptheory_core::time::Timestamp;
use bytes::Bytes;
use futures_util::stream::{self, Stream, StreamExt as _};
#[cfg(any(feature = "lambda", feature = "local"))]
use http::header::{HeaderMap, HeaderName, HeaderValue};

use super::BoxFuture;
use super::guard::Panicked;
use super::watch::Watch;
use crate::clock::{Clock as _, SharedClock};

/// The rest of a response's body, chunk by chunk. An error ends it; nothing is read behind one, and
/// a stream that panics ends with a masked 500.
///
/// Chunks are pulled one at a time, when the one before has been taken: a stream is never further
/// than its reader. They reach the wire as they are, without a copy. Dropping the stream drops what
/// makes it.
pub struct BodyStream {
    // Dropped first: how the stream ended is recorded before its producer is gone.
    watch: Option<Box<Watch>>,
    chunks: Option<Chunks>,
    due: Option<Box<Due>>,
    limit: Option<Box<Limit>>,
}

/// The head of a response was not sent, but a masked 500: it is larger than AWS takes, or its status
/// is not that of a final response.
#[cfg(any(feature = "lambda", feature = "local", feature = "testkit"))]
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the response's head is larger than 16 KB, or its status is not final")]
pub(crate) struct HeadRefused;

/// The trailers of an error that comes behind the head, as Lambda gets them: its type, and its body in
/// base64. Both are printable, and so values of header fields.
#[cfg(any(feature = "lambda", feature = "local"))]
pub(crate) fn trailers(values: [String; 2]) -> HeaderMap {
    let fields = FrameOutput::DECLARED_TRAILERS.into_iter().zip(values);
    let fields = fields.filter_map(|(name, value)| {
        Some((HeaderName::try_from(name).ok()?, HeaderValue::try_from(value).ok()?))
    });
    fields.collect()
}

type Chunks = Pin<Box<dyn Stream<Item = Result<Bytes, AppError>> + Send>>;

/// When a stream ends, however much there is still to come.
struct Due {
    clock: SharedClock,
    at: Timestamp,
    alarm: BoxFuture<()>,
    error: AppError,
}

/// How much of a stream passes.
struct Limit {
    limiter: StreamLimiter,
    too_large: AppError,
}

impl BodyStream {
    /// Makes a body of the chunks of a stream.
    pub fn new<S, T, E>(stream: S) -> Self
    where
        S: Stream<Item = Result<T, E>> + Send + 'static,
        T: Into<Bytes>,
        E: Into<AppError>,
    {
        let chunks = stream.map(|chunk| chunk.map(T::into).map_err(E::into));
        Self { watch: None, chunks: Some(Box::pin(chunks)), due: None, limit: None }
    }

    /// Makes a body of these chunks.
    pub fn from_chunks<T: Into<Bytes>>(chunks: impl IntoIterator<Item = T>) -> Self {
        let chunks: Vec<Bytes> = chunks.into_iter().map(T::into).collect();
        Self::new(stream::iter(chunks.into_iter().map(Ok::<_, AppError>)))
    }

    /// The same stream within a limit of bytes, of which the body before it has taken its part. A
    /// chunk that exceeds it is dropped, and `too_large` is the end.
    pub(super) fn limited(
        self,
        max_bytes: NonZeroU64,
        prefix_len: usize,
        too_large: AppError,
    ) -> Self {
        let mut limiter = StreamLimiter::new(Some(max_bytes));
        // A prefix over the limit was refused before.
        let _ = limiter.admit(prefix_len);
        Self { limit: Some(Box::new(Limit { limiter, too_large })), ..self }
    }

    /// The same stream until an instant, at which the error is its end, however much there is still
    /// to come. Of several instants the first one counts.
    pub(crate) fn until(self, clock: SharedClock, at: Timestamp, error: AppError) -> Self {
        if self.due.as_ref().is_some_and(|due| due.at <= at) {
            return self;
        }
        let timer = clock.clone();
        let alarm = Box::pin(async move { timer.sleep_until(Some(at)).await });
        Self { due: Some(Box::new(Due { clock, at, alarm, error })), ..self }
    }

    /// The same stream, whose chunks and end are seen.
    pub(super) fn watched(self, watch: Watch) -> Self {
        Self { watch: Some(Box::new(watch)), ..self }
    }

    /// Makes a body that fails with an error before its first chunk.
    #[must_use]
    pub fn failing(error: AppError) -> Self {
        Self::new(stream::iter([Err::<Bytes, _>(error)]))
    }
}

impl Stream for BodyStream {
    type Item = Result<Bytes, AppError>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        let Self { watch, chunks, due, limit } = this;
        let Some(chunks) = chunks else { return Poll::Ready(None) };
        let mut poll_chunks = || {
            let next = match due {
                Some(due) => ready!(due.poll_before(chunks, context)),
                None => ready!(poll_guarded(chunks, context)),
            };
            Poll::Ready(match limit {
                Some(limit) => next.map(|next| next.and_then(|chunk| limit.admit(chunk))),
                None => next,
            })
        };
        let next = ready!(match watch {
            Some(watch) => watch.poll(poll_chunks),
            None => poll_chunks(),
        });
        if !matches!(next, Some(Ok(_))) {
            (this.chunks, this.due) = (None, None);
            this.watch = None;
        }
        Poll::Ready(next)
    }
}

/// The next chunk; a masked 500 for a stream that panics. The caller drops the stream after an
/// error: nobody sees what it left half-done.
fn poll_guarded(
    chunks: &mut Chunks,
    context: &mut Context<'_>,
) -> Poll<Option<Result<Bytes, AppError>>> {
    let polled = catch_unwind(AssertUnwindSafe(|| chunks.as_mut().poll_next(context)));
    polled.unwrap_or_else(|panic| {
        let error = AppError::internal().with_cause(Panicked::new("a response stream", panic));
        Poll::Ready(Some(Err(error)))
    })
}

impl Limit {
    fn admit(&mut self, chunk: Bytes) -> Result<Bytes, AppError> {
        if self.limiter.admit(chunk.len()) { Ok(chunk) } else { Err(self.too_large.clone()) }
    }
}

impl Due {
    fn poll_before(
        &mut self,
        chunks: &mut Chunks,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, AppError>>> {
        // A stream that always has more never lets the alarm go off.
        let is_over = self.at <= self.clock.now();
        if !is_over && let next @ Poll::Ready(_) = poll_guarded(chunks, context) {
            return next;
        }
        if !is_over {
            ready!(self.alarm.as_mut().poll(context));
        }
        Poll::Ready(Some(Err(self.error.clone())))
    }
}

impl fmt::Debug for BodyStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BodyStream").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;
    use futures_util::stream::poll_fn;

    use super::*;

    fn all(stream: BodyStream) -> Vec<Result<Bytes, u16>> {
        let items = stream.map(|item| item.map_err(|error| error.status()));
        items.collect().now_or_never().expect("chunks that are there")
    }

    #[test]
    fn chunks_keep_their_order_and_empty_ones_count() {
        let chunks = all(BodyStream::from_chunks(["a", "", "b"]));
        assert_eq!(chunks, [Ok("a".into()), Ok("".into()), Ok("b".into())]);
    }

    #[test]
    fn an_error_is_the_last_item() {
        let conflict = || AppError::conflict("c");
        assert_eq!(all(BodyStream::failing(conflict())), [Err(409)]);
        let items = [Ok("a"), Err(conflict()), Ok("never")];
        assert_eq!(all(BodyStream::new(stream::iter(items))), [Ok("a".into()), Err(409)]);
    }

    #[test]
    fn a_panic_is_an_error() {
        let broken = poll_fn(|_| -> Poll<Option<Result<Bytes, AppError>>> { panic!("boom") });
        assert_eq!(all(BodyStream::new(broken)), [Err(500)]);
    }
}
