//! When a handler's answer is no longer waited for: of an invocation, or of one record.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::context::Context;
use super::left::Left;

/// Whose end a context follows.
#[derive(Clone)]
pub(super) enum Cancellation {
    /// That of the invocation, or of what a layer runs.
    This(CancellationToken),
    /// That of a record, or of its invocation, whose token this is. The record's own is made when it is
    /// first [asked for](Left::given_up).
    ChildOf(CancellationToken),
}

/// Gives a record up when it is dropped, unless it is disarmed: its contexts are cancelled, those that ask
/// later included.
pub(super) struct GiveUp {
    left: Arc<Left>,
    invocation: Option<CancellationToken>,
}

/// Cancellation.
impl Context {
    /// Returns what ends when the handler's answer is no longer waited for: its time is up, or the
    /// client is gone. The handler's own future is dropped then; this is for work that it started
    /// elsewhere. It never ends after the handler has answered: a body's stream is dropped when its
    /// client leaves, and what feeds it finds its channel closed.
    #[must_use]
    pub fn cancellation(&self) -> &CancellationToken {
        match &self.cancellation {
            Cancellation::This(token) => token,
            Cancellation::ChildOf(invocation) => self.left.given_up(invocation),
        }
    }

    /// The same context, for a record that may be given up without its invocation: see
    /// [`give_up_on_drop`](Self::give_up_on_drop).
    pub(super) fn given_up_alone(mut self) -> Self {
        if let Cancellation::This(invocation) = self.cancellation {
            self.cancellation = Cancellation::ChildOf(invocation);
        }
        self
    }

    /// Returns what gives the record up when it is dropped.
    pub(super) fn give_up_on_drop(&self) -> GiveUp {
        let invocation = match &self.cancellation {
            Cancellation::ChildOf(invocation) => Some(invocation.clone()),
            Cancellation::This(_) => None,
        };
        GiveUp { left: Arc::clone(&self.left), invocation }
    }

    /// The same context, whose answer is no longer waited for once `cancellation` ends.
    pub(super) fn cancelled_by(&self, cancellation: CancellationToken) -> Self {
        let mut context = self.clone();
        context.cancellation = Cancellation::This(cancellation);
        context
    }
}

impl GiveUp {
    /// Does nothing on drop from now on: the record was handled.
    pub(super) fn disarm(mut self) {
        self.invocation = None;
    }
}

impl Drop for GiveUp {
    fn drop(&mut self) {
        if let Some(invocation) = &self.invocation {
            self.left.given_up(invocation).cancel();
        }
    }
}
