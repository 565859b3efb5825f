//! Response bodies that are streamed.

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

/// A response body that is sent chunk by chunk. An error ends the stream. A stream that panics ends
/// with a masked 500.
///
/// The next chunk is pulled when the previous one has been sent, so the stream is never ahead of
/// its reader. Chunks are sent without a copy. When the client disconnects, the stream is dropped.
///
/// ```
/// use apptheory::prelude::*;
///
/// async fn page() -> Html<BodyStream> {
///     let chunks = stream::iter([Ok::<_, AppError>("<h1>Hello"), Ok("</h1>")]);
///     Html(BodyStream::new(chunks))
/// }
///
/// let app = App::new().get("/", page).build()?;
/// # Ok::<(), BuildError>(())
/// ```
pub struct BodyStream {
    // Dropped first: records how the stream ended before the producer is dropped.
    watch: Option<Box<Watch>>,
    chunks: Option<Chunks>,
    due: Option<Box<Due>>,
    limit: Option<Box<Limit>>,
}

/// The response's head cannot be sent, and a masked 500 was sent instead: the head is larger than
/// AWS accepts, or its status is not that of a final response.
#[cfg(any(feature = "lambda", feature = "local", feature = "testkit"))]
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the response's head is larger than 16 KB, or its status is not final")]
pub(crate) struct HeadRefused;

/// Returns the trailers of an error that occurs after the head: its type, and its body in base64.
/// Both are printable, and so valid header values.
#[cfg(any(feature = "lambda", feature = "local"))]
pub(crate) fn trailers(values: [String; 2]) -> HeaderMap {
    let fields = FrameOutput::DECLARED_TRAILERS.into_iter().zip(values);
    let fields = fields.filter_map(|(name, value)| {
        Some((HeaderName::try_from(name).ok()?, HeaderValue::try_from(value).ok()?))
    });
    fields.collect()
}

type Chunks = Pin<Box<dyn Stream<Item = Result<Bytes, AppError>> + Send>>;

/// The instant at which a stream ends, even if there is more to send.
struct Due {
    clock: SharedClock,
    at: Timestamp,
    alarm: BoxFuture<()>,
    error: AppError,
}

/// The most bytes of a stream that are sent.
struct Limit {
    limiter: StreamLimiter,
    too_large: AppError,
}

impl BodyStream {
    /// Creates a body from a stream of chunks.
    pub fn new<S, T, E>(stream: S) -> Self
    where
        S: Stream<Item = Result<T, E>> + Send + 'static,
        T: Into<Bytes>,
        E: Into<AppError>,
    {
        let chunks = stream.map(|chunk| chunk.map(T::into).map_err(E::into));
        Self { watch: None, chunks: Some(Box::pin(chunks)), due: None, limit: None }
    }

    /// Creates a body from chunks that are already there.
    pub fn from_chunks<T: Into<Bytes>>(chunks: impl IntoIterator<Item = T>) -> Self {
        let chunks: Vec<Bytes> = chunks.into_iter().map(T::into).collect();
        Self::new(stream::iter(chunks.into_iter().map(Ok::<_, AppError>)))
    }

    /// Limits the stream to `max_bytes`, of which `prefix_len` are already used. The first chunk
    /// above the limit is dropped, and the stream ends with `too_large`.
    pub(super) fn limited(
        self,
        max_bytes: NonZeroU64,
        prefix_len: usize,
        too_large: AppError,
    ) -> Self {
        let mut limiter = StreamLimiter::new(Some(max_bytes));
        // A prefix above the limit was refused earlier.
        let _ = limiter.admit(prefix_len);
        Self { limit: Some(Box::new(Limit { limiter, too_large })), ..self }
    }

    /// Ends the stream at an instant with `error`, even if there is more to send. If called several
    /// times, the earliest instant counts.
    pub(crate) fn until(self, clock: SharedClock, at: Timestamp, error: AppError) -> Self {
        if self.due.as_ref().is_some_and(|due| due.at <= at) {
            return self;
        }
        let timer = clock.clone();
        let alarm = Box::pin(async move { timer.sleep_until(Some(at)).await });
        Self { due: Some(Box::new(Due { clock, at, alarm, error })), ..self }
    }

    /// Reports the stream's chunks and its end to `watch`.
    pub(super) fn watched(self, watch: Watch) -> Self {
        Self { watch: Some(Box::new(watch)), ..self }
    }

    /// Creates a body that fails with `error` before its first chunk.
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

/// Polls the next chunk; a panic becomes a masked 500. The caller drops the stream after an error,
/// so a half-changed state is never seen.
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
        // A stream that is always ready never polls the alarm, so read the clock.
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
