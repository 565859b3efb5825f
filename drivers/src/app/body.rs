//! The rest of a response's body, while it is made.

use core::fmt;
use core::num::NonZeroU64;
use core::panic::AssertUnwindSafe;
use core::pin::Pin;
use core::task::{Context, Poll};
use std::panic::catch_unwind;

use apptheory_core::error::AppError;
use apptheory_core::stream::StreamLimiter;
use apptheory_core::time::Timestamp;
use bytes::Bytes;
use futures_util::stream::{self, Stream, StreamExt as _};

use super::guard::Panicked;
use crate::clock::SharedClock;

/// The rest of a response's body, chunk by chunk. An error ends it; nothing is read behind one, and
/// a stream that panics ends with a masked 500.
///
/// Chunks are pulled one at a time, when the one before has been taken: a stream is never further
/// than its reader. Dropping it drops what makes it.
pub struct BodyStream(Option<Chunks>);

type Chunks = Pin<Box<dyn Stream<Item = Result<Bytes, AppError>> + Send>>;

impl BodyStream {
    /// The chunks of a stream.
    pub fn new<S, T, E>(stream: S) -> Self
    where
        S: Stream<Item = Result<T, E>> + Send + 'static,
        T: Into<Bytes>,
        E: Into<AppError>,
    {
        let chunks = stream.map(|chunk| chunk.map(T::into).map_err(E::into));
        Self(Some(Box::pin(chunks)))
    }

    /// These chunks.
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
        Self::new(self.map(move |chunk| match chunk {
            Ok(chunk) if !limiter.admit(chunk.len()) => Err(too_large.clone()),
            chunk => chunk,
        }))
    }

    /// The same stream until an instant, at which the error is its end, however much there is still
    /// to come.
    pub(super) fn until(self, clock: SharedClock, at: Timestamp, error: AppError) -> Self {
        let chunks = stream::unfold(Some((self, error)), move |state| {
            let clock = clock.clone();
            async move {
                let (mut stream, error) = state?;
                match clock.race(Some(at), stream.next()).await {
                    Some(chunk) => Some((chunk?, Some((stream, error)))),
                    None => Some((Err(error), None)),
                }
            }
        });
        Self::new(chunks)
    }

    /// Nothing but an error.
    #[must_use]
    pub fn failing(error: AppError) -> Self {
        Self::new(stream::iter([Err::<Bytes, _>(error)]))
    }
}

impl Stream for BodyStream {
    type Item = Result<Bytes, AppError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Some(stream) = &mut self.0 else { return Poll::Ready(None) };
        // After a panic the stream is dropped: nobody sees what it left half-done.
        let polled = catch_unwind(AssertUnwindSafe(|| stream.as_mut().poll_next(context)));
        let polled = polled.unwrap_or_else(|panic| {
            let error = AppError::internal().with_cause(Panicked::new("a response stream", panic));
            Poll::Ready(Some(Err(error)))
        });
        if let Poll::Ready(None | Some(Err(_))) = polled {
            self.0 = None;
        }
        polled
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
