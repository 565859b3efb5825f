//! Futures that run and are dropped within a span or trace, without being moved into it.

use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll};

/// Work that stays where it is pinned. It is dropped with this, and so within the span and trace
/// that this runs in. Moving large work into every scope around it would be slow.
pub(crate) struct Pinned<'w, F>(pub(crate) Pin<&'w mut Option<F>>);

/// Pins a future where the macro stands, as a [`Pinned`].
macro_rules! pinned {
    ($work:expr) => {
        $crate::trace::Pinned(core::pin::pin!(Some($work)))
    };
}

pub(crate) use pinned;

impl<F: Future> Future for Pinned<'_, F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        // Only `drop` takes the work away.
        self.0.as_mut().as_pin_mut().map_or(Poll::Pending, |work| work.poll(cx))
    }
}

impl<F> Drop for Pinned<'_, F> {
    fn drop(&mut self) {
        self.0.set(None);
    }
}
