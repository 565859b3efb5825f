//! Records and events that are handled once.

use apptheory_core::idempotency::{Acquisition, Error, IdempotencyKey, payload_hash, record_scope};
use serde_json::Value as Json;

use super::Idempotent;
use crate::app::events::{EventContext, EventMiddleware, EventNext, EventResult};

impl EventMiddleware for Idempotent {
    async fn handle(&self, context: EventContext, next: EventNext) -> EventResult {
        let input = context.input();
        let scope = record_scope(&self.scope, input.trigger().as_str(), input.sender());
        let key = IdempotencyKey::new(&scope, input.id())?;
        // Services do not give an id to two things, so it stands for the payload.
        let hash = payload_hash(b"");
        let acquired = self.acquire(key, hash, context.remaining()).await;
        let Some(acquisition) = acquired? else { return next.run(context).await };
        let lease = match acquisition {
            Acquisition::Acquired(lease) => lease,
            Acquisition::Completed { result } => return replay(result.as_deref()),
        };
        let handled = next.run(context).await;
        match &handled {
            Ok(output) => {
                let result = serde_json::to_vec(output).ok();
                self.complete(lease, result).await;
            }
            Err(_) => self.release(lease).await,
        }
        handled
    }
}

/// The output that was kept; null when it was too large.
fn replay(result: Option<&[u8]>) -> EventResult {
    let Some(result) = result else { return Ok(Json::Null) };
    Ok(serde_json::from_slice(result).map_err(|_| Error::unreadable())?)
}
