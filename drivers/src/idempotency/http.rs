//! Idempotency of requests.

use apptheory_core::idempotency::{
    Acquisition, Error, IdempotencyKey, RequestedWork, is_result, is_safe, keep_response,
    replay_response, request_hash,
};

use super::Idempotent;
use crate::app::{Answer, Context, Next};

impl Idempotent {
    pub(super) async fn handle_request(&self, context: Context, next: Next) -> Answer {
        let Some(request) = context.request() else { return Ok(next.run(context).await) };
        if is_safe(&request.method) {
            return Ok(next.run(context).await);
        }
        let Some(key) = self.key.read(request) else {
            return match self.requires_key {
                true => Err(Error::missing_key().into()),
                false => Ok(next.run(context).await),
            };
        };
        let Some(scope) = self.scope_of(&context) else {
            return Ok(next.run(context).await);
        };
        let key = IdempotencyKey::new(&scope, &key)?;
        let hash = request_hash(request);
        let acquired = self.acquire(key, hash, context.remaining()).await;
        let Some(acquisition) = acquired? else {
            return Ok(next.run(context).await);
        };
        let lease = match acquisition {
            Acquisition::Acquired(lease) => lease,
            Acquisition::Completed { result } => {
                return Ok(replay_response(result.as_deref())?);
            }
        };
        let response = next.run(context).await;
        match is_result(&response) {
            true => self.complete(lease, keep_response(&response)).await,
            false => self.release(lease).await,
        }
        Ok(response)
    }
}

impl Idempotent {
    fn scope_of(&self, context: &Context) -> Option<String> {
        let call = context.call()?;
        let request = &call.request;
        if let Some(socket) = context.websocket() {
            return self.callers.message_scope(&self.scope, request, socket.connection());
        }
        let facts = RequestedWork {
            pattern: call.pattern().map(|pattern| pattern.as_str()),
            identity: context.identity(),
            tenant_id: context.tenant_id(),
        };
        self.callers.request_scope(&self.scope, request, facts)
    }
}
