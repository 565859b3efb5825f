//! Requests that are served once.

use apptheory_core::idempotency::{
    Acquisition, Error, IdempotencyKey, REPLAYED_HEADER, payload_hash, request_hash,
};

use super::{Idempotent, scope_of, stored};
use crate::app::{Answer, Context, Middleware, Next, Response};
use crate::execute::StoreExecutor;

impl<X: StoreExecutor + Send + 'static> Middleware for Idempotent<X> {
    async fn handle(&self, context: Context, next: Next) -> Answer {
        let request = context.request();
        // They change nothing, so they may be repeated (RFC 9110 §9.2.1).
        if matches!(request.method.as_str(), "GET" | "HEAD" | "OPTIONS" | "TRACE") {
            return Ok(next.run(context).await);
        }
        let Some(key) = self.key.read(request) else {
            return match self.requires_key {
                true => Err(Error::missing_key().into()),
                false => Ok(next.run(context).await),
            };
        };
        let Some(scope) = self.request_scope(&context) else {
            return Ok(next.run(context).await);
        };
        let key = IdempotencyKey::new(&scope, &key)?;
        let clock = context.clock().clone();
        let hash = request_hash(request);
        let acquired = self.acquire(key, hash, context.remaining(), &clock, context.ids()).await;
        let Some(acquisition) = acquired? else {
            return Ok(next.run(context).await);
        };
        let lease = match acquisition {
            Acquisition::Acquired(lease) => lease,
            Acquisition::Completed { result } => return replay(result.as_deref()),
        };
        let response = next.run(context).await;
        // An error is no result: the request may be repeated.
        match response.error.is_none() && response.status < 500 {
            true => self.complete(lease, stored::write(&response), &clock).await,
            false => self.release(lease, &clock).await,
        }
        Ok(response)
    }
}

impl<X> Idempotent<X> {
    /// The route, and whose request it is; `None` when it is nobody's, and its answer is not kept.
    fn request_scope(&self, context: &Context) -> Option<String> {
        let (call, request, scope) = (context.call(), context.request(), &self.scope);
        if let Some(socket) = context.websocket() {
            // A message has neither a method nor a path, nor header fields that tell who sends it.
            let connection = socket.connection();
            let sender = match connection.identity.as_str() {
                "" => format!("connection:{}", payload_hash(connection.connection_id.as_bytes())),
                identity => self.callers.caller(identity, request)?,
            };
            return Some(scope_of(&[scope, "websocket", &connection.route_key, &sender]));
        }
        let path = call.pattern().map_or(request.path.as_str(), |pattern| pattern.as_str());
        let (method, caller) = (&request.method, self.callers.caller(context.identity(), request)?);
        // Which of its tenants the caller works for is part of what it asks for.
        let tenant = match context.tenant_id() {
            "" => String::new(),
            tenant_id => format!("tenant:{}", payload_hash(tenant_id.as_bytes())),
        };
        Some(scope_of(&[scope, method, path, &caller, &tenant]))
    }
}

/// The answer that was kept, or the word that there was one.
fn replay(result: Option<&[u8]>) -> Answer {
    let response = match result {
        None => Response::new(200),
        Some(result) => stored::read(result).ok_or_else(Error::unreadable)?,
    };
    Ok(response.with_header(REPLAYED_HEADER, "true"))
}
