//! A handler with the middleware around it, at run time.

use core::fmt;
use core::pin::pin;
use std::sync::Arc;

use apptheory_core::http::exchange::ErrorStyle;

use super::Response;
use super::context::Context;
use super::guard::guarded;
use super::middleware::{Endpoint, Layer};

/// A handler with its layers, outermost first.
pub(super) struct Chain {
    layers: Box<[Layer]>,
    endpoint: Endpoint,
}

/// The rest of the chain behind a middleware: the next middleware, or the handler. Clone it to run
/// the rest more than once, for instance to retry.
///
/// ```
/// use apptheory::app::{Answer, Context, Next};
///
/// async fn server_name(context: Context, next: Next) -> Answer {
///     let mut response = next.run(context).await;
///     response.headers.set("server", "apptheory");
///     Ok(response)
/// }
/// # let _ = server_name;
/// ```
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

    /// Runs the outermost layer, or else the handler. Errors and panics become responses in the
    /// style `errors`.
    pub(super) async fn run(self: &Arc<Self>, context: Context, errors: ErrorStyle) -> Response {
        Next { chain: Arc::clone(self), at: 0, errors }.run(context).await
    }
}

impl Next {
    /// Runs the rest of the chain and returns its response. Errors and panics are responses by
    /// then, with the cause in [`error`](apptheory_core::http::HttpResponse::error); a panic is a
    /// masked 500.
    pub async fn run(self, context: Context) -> Response {
        let Self { chain, at, errors } = self;
        let whose = if at < chain.layers.len() { "a middleware" } else { "a handler" };
        // One future for both, because it is part of every future around it.
        let answering = pin!(async {
            match chain.layers.get(at) {
                Some(layer) => {
                    let next = Self { chain: Arc::clone(&chain), at: at.saturating_add(1), errors };
                    layer.handle(context.clone(), next)
                }
                None => (chain.endpoint)(context.clone()),
            }
            .await
        });
        match guarded(whose, answering).await {
            Ok(response) => response,
            Err(error) => {
                let subject = context.subject();
                errors.answer(error, subject.request_id(), subject.trace_id())
            }
        }
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
