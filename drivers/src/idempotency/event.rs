//! Records and events that are handled once.

use apptheory_core::idempotency::{
    Acquisition, IdempotencyError, IdempotencyKey, KeyError, payload_hash,
};
use serde_json::Value as Json;

use super::{Idempotent, scope_of};
use crate::app::events::{EventContext, EventMiddleware, EventNext, EventResult};
use crate::execute::StoreExecutor;

/// A record or an event was not handled, and fails, so that its service sends it again.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum NotHandled {
    /// Somebody else is at it. If they fail, it is handled when it comes again.
    #[error("the record is being handled elsewhere")]
    InProgress,
    /// The table holds its id with another payload: something else writes there too, with the same
    /// scope.
    #[error("the record's id was used for something else")]
    PayloadDiffers,
    /// It has no id, so that nobody can say whether it was handled. The services give every record
    /// one: look at who invokes the function.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// Nobody knows whether it was handled: the store did not answer, or holds something else.
    #[error(transparent)]
    Undecided(#[from] IdempotencyError),
}

impl<X: StoreExecutor + Send + 'static> EventMiddleware for Idempotent<X> {
    async fn handle(&self, context: EventContext, next: EventNext) -> EventResult {
        let input = context.input();
        let scope = scope_of(&[&self.scope, input.trigger().as_str(), input.sender()]);
        let key = IdempotencyKey::new(&scope, input.id()).map_err(NotHandled::from)?;
        let clock = context.clock().clone();
        // Services do not give an id to two things, so it stands for the payload.
        let hash = payload_hash(b"");
        let acquired = self.acquire(key, hash, context.remaining(), &clock, context.ids()).await;
        let lease = match acquired.map_err(NotHandled::from)? {
            None => return next.run(context).await,
            Some(Acquisition::Acquired(lease)) => lease,
            Some(Acquisition::Completed { result }) => return replay(result.as_deref()),
            Some(Acquisition::InProgress { .. }) => return Err(NotHandled::InProgress.into()),
            Some(Acquisition::PayloadDiffers) => return Err(NotHandled::PayloadDiffers.into()),
        };
        let handled = next.run(context).await;
        match &handled {
            Ok(output) => {
                let result = serde_json::to_vec(output).ok();
                self.complete(lease, result, &clock).await;
            }
            Err(_) => self.release(lease, &clock).await,
        }
        handled
    }
}

/// The output that was kept; null when it was too large.
fn replay(result: Option<&[u8]>) -> EventResult {
    let Some(result) = result else { return Ok(Json::Null) };
    let unreadable = |_| NotHandled::Undecided(IdempotencyError::Unreadable);
    Ok(serde_json::from_slice(result).map_err(unreadable)?)
}
