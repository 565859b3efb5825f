//! Panics of application code, caught where they occur.

use core::any::Any;
use core::future::{Future, poll_fn};
use core::panic::AssertUnwindSafe;
use core::pin::Pin;
use core::task::Poll;
use std::panic::catch_unwind;

use apptheory_core::error::AppError;

/// Application code panicked. The client gets a masked 500; this is the cause, for the log.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{whose} panicked: {message}")]
pub struct Panicked {
    /// The code that panicked, such as "a handler".
    pub whose: &'static str,
    /// The panic's message, if it was a text.
    pub message: String,
}

impl Panicked {
    pub(crate) fn new(whose: &'static str, panic: Box<dyn Any + Send>) -> Self {
        let message = match panic.downcast::<String>() {
            Ok(message) => *message,
            Err(panic) => panic
                .downcast::<&str>()
                .map_or_else(|_| "(no text)".to_owned(), |message| (*message).to_owned()),
        };
        Self { whose, message }
    }
}

/// Awaits a future, and returns its panic as an error. The future is pinned, so that it is not
/// moved into this one.
///
/// A panic may leave borrowed or shared data half-changed. Applications guard what their requests
/// share themselves, as in any server.
pub(crate) fn guarded<T, E: From<Panicked>>(
    whose: &'static str,
    mut future: Pin<&mut impl Future<Output = Result<T, E>>>,
) -> impl Future<Output = Result<T, E>> {
    poll_fn(move |cx| {
        let polled = catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(cx)));
        polled.unwrap_or_else(|panic| Poll::Ready(Err(Panicked::new(whose, panic).into())))
    })
}

/// A panic is a masked 500.
impl From<Panicked> for AppError {
    fn from(panicked: Panicked) -> Self {
        Self::internal().with_cause(panicked)
    }
}

/// Runs a hook whose panic does not change the response; the panic is passed to `report`.
pub(crate) fn isolated(whose: &'static str, hook: impl FnOnce(), report: impl FnOnce(Panicked)) {
    if let Err(panic) = catch_unwind(AssertUnwindSafe(hook)) {
        report(Panicked::new(whose, panic));
    }
}
