//! A handler with the middleware around it, while it runs.

use core::fmt;
use std::sync::Arc;

use apptheory_core::http::exchange::ErrorStyle;

use super::Response;
use super::context::Context;
use super::guard::guarded;
use super::middleware::{Endpoint, Layer};

/// A handler with the layers around it, the outermost first, as a route of an application has it.
pub(super) struct Chain {
    layers: Box<[Layer]>,
    endpoint: Endpoint,
}

/// What comes after a middleware: the next one, or the handler. A clone runs it once more.
#[derive(Clone)]
pub struct Next {
    chain: Arc<Chain>,
    at: usize,
    errors: ErrorStyle,
}

impl Chain {
    pub(super) fn new(layers: Vec<Layer>, endpoint: Endpoint) -> Arc<Self> {
        Arc::new(Self { layers: layers.into(), endpoint })
    }

    /// Runs the outermost layer, or else the handler. Errors and panics are answered in a style.
    pub(super) async fn run(self: &Arc<Self>, context: Context, errors: ErrorStyle) -> Response {
        Next { chain: Arc::clone(self), at: 0, errors }.run(context).await
    }
}

impl Next {
    /// Returns the response of what comes next. An error or a panic is answered by then, and is the
    /// response's [`error`](apptheory_core::http::HttpResponse::error); a panic is a masked 500.
    pub async fn run(self, context: Context) -> Response {
        let Self { chain, at, errors } = self;
        let subject = context.subject().clone();
        let answer = match chain.layers.get(at) {
            Some(layer) => {
                let next = Self { chain: Arc::clone(&chain), at: at.saturating_add(1), errors };
                guarded("a middleware", async { layer.handle(context, next).await }).await
            }
            None => guarded("a handler", async { (chain.endpoint)(context).await }).await,
        };
        answer
            .unwrap_or_else(|error| errors.answer(error, subject.request_id(), subject.trace_id()))
    }
}

impl fmt::Debug for Next {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Next").field("at", &self.at).finish_non_exhaustive()
    }
}

impl fmt::Debug for Chain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Chain").field("layers", &self.layers.len()).finish_non_exhaustive()
    }
}
