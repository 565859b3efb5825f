//! Panics of application code, caught where they occur.

use core::any::Any;
use core::future::Future;
use core::panic::AssertUnwindSafe;
use std::panic::catch_unwind;

use apptheory_core::error::AppError;
use futures_util::FutureExt as _;

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

/// Awaits a future, and returns its panic as an error.
///
/// A panic may leave borrowed or shared data half-changed. Applications guard what their requests
/// share themselves, as in any server.
pub(crate) fn guarded<T, E: From<Panicked>>(
    whose: &'static str,
    future: impl Future<Output = Result<T, E>>,
) -> impl Future<Output = Result<T, E>> {
    let panicked = move |panic| Err(Panicked::new(whose, panic).into());
    AssertUnwindSafe(future).catch_unwind().map(move |outcome| outcome.unwrap_or_else(panicked))
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
