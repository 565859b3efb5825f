//! Idempotency of records and events.

use apptheory_core::events::EventInput;
use apptheory_core::idempotency::{Acquisition, IdempotencyKey, payload_hash, record_scope};

use super::Idempotent;
use crate::app::events::is_handled;
use crate::app::{Answer, Context, Next, Response};

impl Idempotent {
    pub(super) async fn handle_record(
        &self,
        record: EventInput,
        context: Context,
        next: Next,
    ) -> Answer {
        let scope = record_scope(&self.scope, record.trigger().as_str(), record.sender());
        let key = IdempotencyKey::new(&scope, record.id())?;
        // Services never give two records the same id, so the id stands for the payload.
        let hash = payload_hash(b"");
        let acquired = self.acquire(key, hash, context.remaining()).await;
        let Some(acquisition) = acquired? else { return Ok(next.run(context).await) };
        let lease = match acquisition {
            Acquisition::Acquired(lease) => lease,
            Acquisition::Completed { result } => return Ok(replay(result)),
        };
        let response = next.run(context).await;
        if is_handled(&response) {
            self.complete(lease, Some(kept(&response))).await;
        } else {
            self.release(lease).await;
        }
        Ok(response)
    }
}

/// Returns the output to keep, as JSON.
fn kept(response: &Response) -> Vec<u8> {
    if response.body.is_empty() { b"null".to_vec() } else { response.body.clone() }
}

/// Returns the kept output; null if it was too large to keep.
fn replay(result: Option<Vec<u8>>) -> Response {
    Response { body: result.unwrap_or_default(), ..Response::new(200) }
}
