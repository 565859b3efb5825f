//! Routes as values: which handler serves what, and what goes around it.

use core::fmt;
use std::sync::Arc;

use apptheory_core::events::Rule;
use apptheory_core::http::exchange::Access;

use super::build::BuildError;
use super::handler::{Erased, Handler, Layered};
use super::kind::Http;
use super::middleware::{Layer, Middleware};

/// Handlers of requests, messages and records, with middleware around them: a part of an [`App`](super::App).
///
/// ```
/// use apptheory::app::{App, Router, Timeout};
///
/// fn orders() -> Router {
///     Router::new().get("/orders", async || "all").layer(Timeout::default())
/// }
///
/// let app = App::new().merge(orders()).get("/health", async || "well").build()?;
/// # Ok::<(), apptheory::app::BuildError>(())
/// ```
pub struct Router<S = ()> {
    pub(super) routes: Vec<Route<S>>,
    layers: Vec<Layer>,
    access: Option<Access>,
    /// The first registration that was refused.
    refused: Option<BuildError>,
}

/// A handler that waits for its application, and what it is for.
pub(super) struct Route<S> {
    pub(super) target: Target,
    pub(super) handler: Erased<S>,
    /// The outermost first.
    pub(super) layers: Vec<Layer>,
    pub(super) access: Option<Access>,
}

/// What a handler is registered for.
#[derive(Clone, Debug)]
pub(super) enum Target {
    Request {
        method: String,
        pattern: String,
    },
    /// A route key of a WebSocket API.
    Message(String),
    Queue(String),
    Stream(String),
    Table(String),
    Topic(String),
    Event(Rule),
}

impl<S> Router<S> {
    /// Begins a router without routes.
    #[must_use]
    pub const fn new() -> Self {
        Self { routes: Vec::new(), layers: Vec::new(), access: None, refused: None }
    }

    pub(super) fn add<K>(&mut self, target: Target, layered: Layered<S, K>) {
        let Layered { handler, layers, access, .. } = layered;
        self.routes.push(Route { target, handler, layers, access });
    }

    pub(super) fn add_layer(&mut self, middleware: impl Middleware) {
        self.layers.push(Arc::new(middleware));
    }

    pub(super) fn add_router(&mut self, mut other: Self) {
        if let Some(error) = other.refused.take() {
            self.refuse(error);
        }
        self.routes.extend(other.into_routes());
    }

    /// Keeps what is wrong, unless something was before.
    pub(super) fn refuse(&mut self, error: BuildError) {
        self.refused.get_or_insert(error);
    }

    /// Takes out what is wrong with a registration.
    pub(super) const fn take_refused(&mut self) -> Option<BuildError> {
        self.refused.take()
    }

    /// The routes, each with the layers and the access of the router.
    pub(super) fn into_routes(self) -> impl Iterator<Item = Route<S>> {
        let Self { routes, layers: around, access: outer, refused: _ } = self;
        routes.into_iter().map(move |Route { target, handler, layers, access }| {
            let layers = around.iter().cloned().chain(layers).collect();
            Route { target, handler, layers, access: access.or_else(|| outer.clone()) }
        })
    }
}

/// Registering handlers, on routers and applications alike.
macro_rules! routes {
    ($($owner:ident)+) => {$(
        impl<S: Send + Sync + 'static> $owner<S> {
            /// Serves a method and a pattern with a handler. Patterns are those of
            /// [`router`](apptheory_core::http::router).
            #[must_use]
            pub fn route<A>(
                mut self,
                method: &str,
                pattern: &str,
                handler: impl Handler<A, S, Http>,
            ) -> Self {
                let (method, pattern) = (method.to_owned(), pattern.to_owned());
                let target = Target::Request { method, pattern };
                self.router().add(target, handler.into_layered());
                self
            }

            /// Serves GET, and HEAD where nothing else does.
            #[must_use]
            pub fn get<A>(self, pattern: &str, handler: impl Handler<A, S, Http>) -> Self {
                self.route("GET", pattern, handler)
            }

            /// Serves POST.
            #[must_use]
            pub fn post<A>(self, pattern: &str, handler: impl Handler<A, S, Http>) -> Self {
                self.route("POST", pattern, handler)
            }

            /// Serves PUT.
            #[must_use]
            pub fn put<A>(self, pattern: &str, handler: impl Handler<A, S, Http>) -> Self {
                self.route("PUT", pattern, handler)
            }

            /// Serves PATCH.
            #[must_use]
            pub fn patch<A>(self, pattern: &str, handler: impl Handler<A, S, Http>) -> Self {
                self.route("PATCH", pattern, handler)
            }

            /// Serves DELETE.
            #[must_use]
            pub fn delete<A>(self, pattern: &str, handler: impl Handler<A, S, Http>) -> Self {
                self.route("DELETE", pattern, handler)
            }

            /// Serves OPTIONS, preflights among them, which such a route answers itself.
            #[must_use]
            pub fn options<A>(self, pattern: &str, handler: impl Handler<A, S, Http>) -> Self {
                self.route("OPTIONS", pattern, handler)
            }

            /// Adds all routes of a router, with what is around them.
            #[must_use]
            pub fn merge(mut self, other: Router<S>) -> Self {
                self.router().add_router(other);
                self
            }

            /// Puts a middleware around all handlers, those that are registered later among them. The
            /// first one is the outermost.
            ///
            /// Middleware does not see requests that no handler is called for: preflights, malformed
            /// requests, 404, 405, and those that a policy or authentication refuses. See
            /// [`response_headers`](super::App::response_headers) for what all answers are to carry.
            #[must_use]
            pub fn layer(mut self, middleware: impl Middleware) -> Self {
                self.router().add_layer(middleware);
                self
            }
        }
    )+};
}

use super::App;

routes!(Router App);

impl<S> Router<S> {
    pub(super) const fn router(&mut self) -> &mut Self {
        self
    }
}

impl<S> Default for Router<S> {
    fn default() -> Self {
        Self::new()
    }
}

impl<S> fmt::Debug for Router<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let targets = self.routes.iter().map(|route| &route.target);
        f.debug_struct("Router")
            .field("routes", &targets.collect::<Vec<_>>())
            .field("layers", &self.layers.len())
            .field("access", &self.access)
            .finish()
    }
}
