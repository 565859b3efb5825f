//! Routes as values: which handler serves what, and what goes around it.

use core::fmt;
use std::sync::Arc;

use apptheory_core::http::exchange::Access;

use super::App;
use super::build::BuildError;
use super::handler::{Erased, Handler, Layered};
use super::kind::Http;
use super::middleware::{Layer, Middleware};
use super::target::Target;

/// Handlers of requests, messages and records, with middleware around them: a part of an [`App`].
///
/// ```
/// use apptheory::app::{App, Handler, Router, Timeout};
///
/// fn orders() -> Router {
///     Router::new()
///         .get("/", async || "all orders")
///         .get("/{id}", (async || "an order").layer(Timeout::default()))
///         .layer(Timeout::default())
/// }
///
/// async fn nowhere() -> (http::StatusCode, &'static str) {
///     (http::StatusCode::NOT_FOUND, "not here")
/// }
///
/// let app = App::new().nest("/orders", orders()).fallback(nowhere).build()?;
/// # Ok::<(), apptheory::app::BuildError>(())
/// ```
///
/// What is put around a router goes around all of its handlers, those that are registered later among
/// them. The application's middleware is outermost, then that of each router on the way, then the
/// handler's; at each of them, the first one that was said is outermost:
///
/// ```text
/// App::new()                       .layer(a).layer(b)
///   .nest("/shop", Router::new()   .layer(c)
///     .nest("/orders", Router::new()
///       .get("/", list             .layer(d))))
///
/// GET /shop/orders ─▶ a ─▶ b ─▶ c ─▶ d ─▶ list
///        the answer ◀─ a ◀─ b ◀─ c ◀─ d ◀─┘
/// ```
///
/// A router's state is that of its application, which is given to [`App::with_state`]: write
/// `fn orders() -> Router<Shop>`.
pub struct Router<S = ()> {
    routes: Vec<Route<S>>,
    layers: Vec<Layer>,
    /// What was said about who may call the handlers.
    accesses: Vec<Access>,
    /// The first registration that was refused.
    refused: Option<BuildError>,
}

/// A handler that waits for its application, and what it is for.
pub(super) struct Route<S> {
    pub(super) target: Target,
    pub(super) handler: Erased<S>,
    /// The outermost first.
    pub(super) layers: Vec<Layer>,
    /// What was said about who may call it, by the handler first and the outermost router last.
    pub(super) accesses: Vec<Vec<Access>>,
    /// Whether the handler reads the events behind its requests.
    pub(super) keeps_event: bool,
    /// The prefix that it is nested at, or an empty text.
    pub(super) prefix: String,
}

/// The methods that carry requests to resources (RFC 9110 §9.3), and PATCH.
pub(super) const METHODS: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

impl<S> Router<S> {
    /// Begins a router without routes.
    #[must_use]
    pub const fn new() -> Self {
        Self { routes: Vec::new(), layers: Vec::new(), accesses: Vec::new(), refused: None }
    }

    pub(super) fn add<K>(&mut self, target: Target, layered: Layered<S, K>) {
        let Layered { handler, layers, accesses, keeps_event, .. } = layered;
        let (accesses, prefix) = (vec![accesses], String::new());
        self.routes.push(Route { target, handler, layers, accesses, keeps_event, prefix });
    }

    pub(super) fn add_layer(&mut self, middleware: impl Middleware) {
        self.layers.push(Arc::new(middleware));
    }

    pub(super) fn add_router(&mut self, prefix: &str, mut other: Self) {
        if let Some(error) = other.refused.take() {
            self.refuse(error);
        }
        self.routes.extend(other.into_routes().map(|route| route.below(prefix)));
    }

    pub(super) fn add_access(&mut self, access: Access) {
        self.accesses.push(access);
    }

    /// Keeps what is wrong, unless something was before.
    pub(super) fn refuse(&mut self, error: BuildError) {
        self.refused.get_or_insert(error);
    }

    /// Takes out what is wrong with a registration.
    pub(super) const fn take_refused(&mut self) -> Option<BuildError> {
        self.refused.take()
    }

    /// The routes, each with what is around the router.
    pub(super) fn into_routes(self) -> impl Iterator<Item = Route<S>> {
        let Self { routes, layers: around, accesses, refused: _ } = self;
        routes.into_iter().map(move |mut route| {
            route.layers.splice(..0, around.iter().cloned());
            route.accesses.push(accesses.clone());
            route
        })
    }
}

impl<S> Route<S> {
    /// The same route of a router that is nested at a prefix.
    fn below(mut self, prefix: &str) -> Self {
        if matches!(prefix.trim(), "" | "/") {
            return self;
        }
        match &mut self.target {
            Target::Request { pattern, .. } | Target::AnyMethod { pattern } => {
                *pattern = join(prefix, pattern);
            }
            Target::Fallback { prefix: own } => *own = join(prefix, own),
            Target::Message(_)
            | Target::Window(..)
            | Target::WindowEnd(..)
            | Target::Records(..)
            | Target::Topic(_)
            | Target::Event(_)
            | Target::Single(_)
            | Target::Shape(_)
            | Target::Otherwise => return self,
        }
        self.prefix = join(prefix, &self.prefix);
        self
    }
}

/// A pattern below a prefix. The root is the prefix itself.
fn join(prefix: &str, pattern: &str) -> String {
    let (prefix, pattern) = (prefix.trim(), pattern.trim());
    let prefix = prefix.strip_suffix('/').unwrap_or(prefix);
    match pattern.strip_prefix('/').unwrap_or(pattern) {
        "" => prefix.to_owned(),
        pattern => format!("{prefix}/{pattern}"),
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

            /// Serves any method that carries requests to resources: GET, HEAD, POST, PUT, PATCH,
            /// DELETE and OPTIONS. A method that the pattern is also served with on its own is a
            /// duplicate.
            #[must_use]
            pub fn any<A>(mut self, pattern: &str, handler: impl Handler<A, S, Http>) -> Self {
                let target = Target::AnyMethod { pattern: pattern.to_owned() };
                self.router().add(target, handler.into_layered());
                self
            }

            /// Serves GET, and HEAD where nothing else does.
            #[must_use]
            pub fn get<A>(self, pattern: &str, handler: impl Handler<A, S, Http>) -> Self {
                self.route("GET", pattern, handler)
            }

            /// Serves HEAD, which GET routes serve by default.
            #[must_use]
            pub fn head<A>(self, pattern: &str, handler: impl Handler<A, S, Http>) -> Self {
                self.route("HEAD", pattern, handler)
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

            /// Serves requests whose paths no route matches: of a nested router, those below its
            /// prefix. Of several fallbacks that a path is below, the one of the longest prefix
            /// serves. A path that is known with another method is answered with 405 all the same.
            ///
            /// It is a handler like any other: middleware goes around it, and authentication and
            /// policies are asked about it. Without a fallback the answer is 404, and they are not asked.
            #[must_use]
            pub fn fallback<A>(mut self, handler: impl Handler<A, S, Http>) -> Self {
                let target = Target::Fallback { prefix: "/".to_owned() };
                self.router().add(target, handler.into_layered());
                self
            }

            /// Adds all routes of a router below a prefix, with what is around them. `/` of the
            /// router is the prefix itself. A prefix may have parameters, as `/shops/{shop}`. Messages
            /// and records have no paths, and are added as they are.
            #[must_use]
            pub fn nest(mut self, prefix: &str, router: Router<S>) -> Self {
                self.router().add_router(prefix, router);
                self
            }

            /// Adds all routes of a router, with what is around them.
            #[must_use]
            pub fn merge(mut self, router: Router<S>) -> Self {
                self.router().add_router("/", router);
                self
            }

            /// Says who may call the handlers of requests and messages, those that are registered
            /// later among them; see [`Access`]. [`App::authenticate`] says who calls: without it, a
            /// router that is not public does not build, and neither does one that is told so twice
            /// and differently, or with a handler, or inside of a router, of another access. Nothing
            /// says who sends a record: register handlers of records with another router.
            #[must_use]
            pub fn access(mut self, access: Access) -> Self {
                self.router().add_access(access);
                self
            }

            /// Lets only callers with an identity call the handlers, as [`Access::Authenticated`].
            #[must_use]
            pub fn for_callers(self) -> Self {
                self.access(Access::Authenticated)
            }

            /// Lets only callers call the handlers who have every one of these scopes, as
            /// [`Access::AllScopes`]. An empty list, or a blank scope, does not build.
            #[must_use]
            pub fn for_scopes<T: Into<String>>(self, scopes: impl IntoIterator<Item = T>) -> Self {
                self.access(Access::AllScopes(scopes.into_iter().map(T::into).collect()))
            }

            /// Lets only callers call the handlers who have at least one of these scopes, as
            /// [`Access::AnyScope`]. An empty list, or a blank scope, does not build.
            #[must_use]
            pub fn for_any_scope<T: Into<String>>(
                self,
                scopes: impl IntoIterator<Item = T>,
            ) -> Self {
                self.access(Access::AnyScope(scopes.into_iter().map(T::into).collect()))
            }

            /// Puts a middleware around all handlers, those that are registered later among them. The
            /// first one is the outermost. [`Router`] shows the order of all of them.
            ///
            /// Middleware does not see requests that no handler is called for: preflights, malformed
            /// requests, 404, 405, and those that a policy or authentication refuses. See
            /// [`response_headers`](App::response_headers) for what all answers are to carry.
            #[must_use]
            pub fn layer(mut self, middleware: impl Middleware) -> Self {
                self.router().add_layer(middleware);
                self
            }
        }
    )+};
}

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
            .field("accesses", &self.accesses)
            .finish()
    }
}
