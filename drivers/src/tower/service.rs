//! The service.

use core::future::Future;
use core::mem;
use core::pin::Pin;
use core::task::{Context, Poll};
use std::sync::Arc;

use http::{Request, Response};
use tower::Service;

use super::layer::{RateLimitLayer, with_facts};
use super::response::{refuse, report};

/// A service behind a rate limit; made by [`RateLimitLayer`].
#[derive(Clone, Debug)]
pub struct RateLimitService<S> {
    inner: S,
    layer: Arc<RateLimitLayer>,
}

impl<S> RateLimitService<S> {
    pub(super) const fn new(inner: S, layer: Arc<RateLimitLayer>) -> Self {
        Self { inner, layer }
    }
}

impl<S, RequestBody, ResponseBody> Service<Request<RequestBody>> for RateLimitService<S>
where
    S: Service<Request<RequestBody>, Response = Response<ResponseBody>> + Clone + Send + 'static,
    S::Future: Send,
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
        // Call the instance that was ready; its clone may not be.
        let fresh = self.inner.clone();
        let mut inner = mem::replace(&mut self.inner, fresh);
        let layer = Arc::clone(&self.layer);
        Box::pin(async move {
            let (mut parts, body) = request.into_parts();
            let attempt = with_facts(&parts, |facts| layer.attempt(&parts, facts));
            let attempt = match attempt {
                Ok(Some(attempt)) => attempt,
                Ok(None) => return inner.call(Request::from_parts(parts, body)).await,
                Err(refusal) => return Ok(refuse(refusal, layer.style, layer.denial_body)),
            };
            let decision = match layer.admit(&parts, attempt).await {
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
