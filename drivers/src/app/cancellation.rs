//! Cancellation of an invocation, or of one record.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::context::Context;
use super::locals::Locals;

/// The token that cancels a context.
#[derive(Clone)]
pub(super) enum Cancellation {
    /// The token of the invocation, or of the layer that runs the handler.
    This(CancellationToken),
    /// The token of a record's invocation. The record's own child token is created when it is first
    /// [asked for](Locals::cancellation).
    ChildOf(CancellationToken),
}

/// Cancels the record's contexts when dropped, unless disarmed. Contexts that ask for their token
/// later are cancelled, too.
pub(super) struct CancelOnDrop<'t> {
    locals: Arc<Locals>,
    invocation: Option<&'t CancellationToken>,
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
            Cancellation::This(token) => token,
            Cancellation::ChildOf(invocation) => self.locals.cancellation(invocation),
        }
    }

    /// Returns the context of a record that may be cancelled without its invocation: see
    /// [`cancel_on_drop`](Self::cancel_on_drop).
    pub(super) fn cancelled_alone(mut self) -> Self {
        if let Cancellation::This(invocation) = self.cancellation {
            self.cancellation = Cancellation::ChildOf(invocation);
        }
        self
    }

    /// Returns a guard that cancels the record when dropped. `invocation` is the token of the
    /// record's invocation, of which the record's own is a child.
    pub(super) fn cancel_on_drop<'t>(&self, invocation: &'t CancellationToken) -> CancelOnDrop<'t> {
        CancelOnDrop { locals: Arc::clone(&self.locals), invocation: Some(invocation) }
    }

    /// Returns the context with another cancellation token.
    pub(super) fn cancelled_by(&self, cancellation: CancellationToken) -> Self {
        let mut context = self.clone();
        context.cancellation = Cancellation::This(cancellation);
        context
    }
}

impl CancelOnDrop<'_> {
    /// Disarms the guard: the record was handled.
    pub(super) fn disarm(mut self) {
        self.invocation = None;
    }
}

impl Drop for CancelOnDrop<'_> {
    fn drop(&mut self) {
        if let Some(invocation) = self.invocation {
            self.locals.cancellation(invocation).cancel();
        }
    }
}
