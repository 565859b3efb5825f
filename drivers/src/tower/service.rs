//! The service.

use core::fmt;
use core::future::Future;
use core::mem;
use core::pin::Pin;
use core::task::{Context, Poll};
use std::sync::Arc;

use http::{Request, Response};
use tower::Service;

use super::layer::{RateLimitLayer, with_facts};
use super::response::{refuse, report};
use crate::clock::{Clock, SystemClock};
use crate::execute::StoreExecutor;

/// A service behind a limiter; made by a [`RateLimitLayer`].
pub struct RateLimitService<S, X, C = SystemClock> {
    inner: S,
    layer: Arc<RateLimitLayer<X, C>>,
}

impl<S, X, C> RateLimitService<S, X, C> {
    pub(super) const fn new(inner: S, layer: Arc<RateLimitLayer<X, C>>) -> Self {
        Self { inner, layer }
    }
}

impl<S, X, C, RequestBody, ResponseBody> Service<Request<RequestBody>> for RateLimitService<S, X, C>
where
    S: Service<Request<RequestBody>, Response = Response<ResponseBody>> + Clone + Send + 'static,
    S::Future: Send,
    X: StoreExecutor + Send + 'static,
    C: Clock + 'static,
    RequestBody: Send + 'static,
    ResponseBody: From<String>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<S::Response, S::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<RequestBody>) -> Self::Future {
        // The instance that said it is ready is the one to call; a clone of it need not be.
        let fresh = self.inner.clone();
        let mut inner = mem::replace(&mut self.inner, fresh);
        let layer = Arc::clone(&self.layer);
        Box::pin(async move {
            let (mut parts, body) = request.into_parts();
            let clock = layer.limiter.clock();
            let attempt = with_facts(&parts, |facts| layer.attempt(&parts, facts, clock.now()));
            let attempt = match attempt {
                Ok(Some(attempt)) => attempt,
                Ok(None) => return inner.call(Request::from_parts(parts, body)).await,
                Err(refusal) => return Ok(refuse(refusal, layer.style, layer.denial_body)),
            };
            let decision = match layer.admit(&parts, attempt, clock).await {
                Ok(decision) => decision,
                Err(refusal) => return Ok(refuse(refusal, layer.style, layer.denial_body)),
            };
            parts.extensions.insert(decision.clone());
            let mut response = inner.call(Request::from_parts(parts, body)).await?;
            report(&mut response, decision, layer.style);
            Ok(response)
        })
    }
}

// Derived, these would ask the same of the executor and the clock.
impl<S: Clone, X, C> Clone for RateLimitService<S, X, C> {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone(), layer: Arc::clone(&self.layer) }
    }
}

impl<S: fmt::Debug, X, C> fmt::Debug for RateLimitService<S, X, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RateLimitService")
            .field("inner", &self.inner)
            .field("layer", &self.layer)
            .finish()
    }
}
