//! Cancellation of an invocation, or of one record.

use tokio_util::sync::CancellationToken;

use super::context::Context;
use super::time::Begun;

/// The token that cancels a context. Few handlers use it, so those of invocations and records are
/// created when they are first asked for.
#[derive(Clone)]
pub(super) enum Cancellation {
    /// The token of the invocation.
    OfInvocation,
    /// The record's own, a child of the invocation's.
    OfRecord,
    /// The token of a layer that runs the handler, or of a record that stands for several.
    This(CancellationToken),
}

/// Cancels work when dropped, unless disarmed. Contexts that ask for their token later are
/// cancelled, too.
pub(super) struct CancelOnDrop<'w, T: Cancel>(Option<&'w T>);

/// Work that can be cancelled.
pub(super) trait Cancel {
    fn cancellation(&self) -> &CancellationToken;
}

impl Cancel for Context {
    fn cancellation(&self) -> &CancellationToken {
        self.cancellation()
    }
}

impl Cancel for Begun {
    fn cancellation(&self) -> &CancellationToken {
        self.cancellation()
    }
}

/// Cancellation.
impl Context {
    /// Returns a token that is cancelled when the handler's response is no longer needed: the time
    /// is up, or the client has disconnected. The handler's own future is dropped then; use the
    /// token for work that it spawned elsewhere. The token is never cancelled after the handler has
    /// returned: when a client leaves during a streamed body, the stream is dropped, and the
    /// channel that feeds it is closed.
    ///
    /// ```
    /// use apptheory::app::Context;
    ///
    /// async fn handler(context: Context) -> &'static str {
    ///     let cancelled = context.cancellation().clone();
    ///     tokio::spawn(async move { cancelled.cancelled().await });
    ///     "started"
    /// }
    /// # let _ = handler;
    /// ```
    #[must_use]
    pub fn cancellation(&self) -> &CancellationToken {
        match &self.cancellation {
            Cancellation::OfInvocation => self.begun().cancellation(),
            Cancellation::OfRecord => self.locals().cancellation(self.begun().cancellation()),
            Cancellation::This(token) => token,
        }
    }

    /// Returns the context with another cancellation.
    pub(super) fn cancelled_by(mut self, cancellation: Cancellation) -> Self {
        self.cancellation = cancellation;
        self
    }
}

impl<'w, T: Cancel> CancelOnDrop<'w, T> {
    pub(super) const fn new(work: &'w T) -> Self {
        Self(Some(work))
    }

    /// Disarms the guard: the work is done.
    pub(super) fn disarm(mut self) {
        self.0 = None;
    }
}

impl<T: Cancel> Drop for CancelOnDrop<'_, T> {
    fn drop(&mut self) {
        if let Some(work) = self.0 {
            work.cancellation().cancel();
        }
    }
}
