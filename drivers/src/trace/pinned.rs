//! Futures that are dropped within their scope, and yet not moved into it.

use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll};

/// Work that stays where it is pinned, and is dropped with this: within its span and trace, as work
/// that is given by value. Large work would be moved into every scope around it.
pub(crate) struct Pinned<'w, F>(pub(crate) Pin<&'w mut Option<F>>);

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
