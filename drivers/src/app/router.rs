//! Routers: handlers with the middleware around them.

use core::fmt;
use std::sync::Arc;

use apptheory_core::events::RecordReader;
use apptheory_core::http::exchange::Access;

use super::App;
use super::build::BuildError;
use super::handler::{CheckParams, Erased, Handler, Layered};
use super::kind::Http;
use super::middleware::{Layer, Middleware};
use super::target::Target;

/// Handlers of requests, messages and records, with middleware around them. Use routers to define
/// the parts of an [`App`] in modules of their own.
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
/// A router's middleware goes around all of its handlers, also those that are registered later. The
/// application's middleware is outermost, then that of each nested router, then the handler's. At
/// each level, the first middleware is the outermost:
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
/// A router's state is that of its application, which [`App::with_state`] sets: write
/// `fn orders() -> Router<Shop>`.
pub struct Router<S = ()> {
    routes: Vec<Route<S>>,
    layers: Vec<Layer>,
    /// All access settings of the router.
    accesses: Vec<Access>,
    /// The first registration that was refused.
    refused: Option<BuildError>,
}

/// A handler that waits for its application, and its target.
pub(super) struct Route<S> {
    pub(super) target: Target,
    pub(super) handler: Erased<S>,
    /// The outermost first.
    pub(super) layers: Vec<Layer>,
    /// All access settings, the handler's first and the outermost router's last.
    pub(super) accesses: Vec<Vec<Access>>,
    /// Whether the handler reads the events behind its requests.
    pub(super) keeps_event: bool,
    pub(super) check_params: CheckParams,
    /// The formats in which the handler reads the body.
    pub(super) body_formats: Vec<&'static str>,
    /// The prefix that the route is nested at, or an empty text.
    pub(super) prefix: String,
}

/// The methods that carry requests to resources (RFC 9110 §9.3), and PATCH.
pub(super) const METHODS: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

impl<S> Router<S> {
    /// Creates a router without routes.
    #[must_use]
    pub const fn new() -> Self {
        Self { routes: Vec::new(), layers: Vec::new(), accesses: Vec::new(), refused: None }
    }

    pub(super) fn add<K>(&mut self, target: Target, layered: Layered<S, K>) {
        let Layered { handler, layers, accesses, keeps_event, check_params, body_formats, .. } =
            layered;
        self.routes.push(Route {
            target,
            handler,
            layers,
            accesses: vec![accesses],
            keeps_event,
            check_params,
            body_formats,
            prefix: String::new(),
        });
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

    /// Keeps the first error.
    pub(super) fn refuse(&mut self, error: BuildError) {
        self.refused.get_or_insert(error);
    }

    /// Takes the error of a refused registration.
    pub(super) const fn take_refused(&mut self) -> Option<BuildError> {
        self.refused.take()
    }

    /// Returns the routes, each with the router's layers and access.
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
    /// Nests the route at a prefix.
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
            | Target::Single(..)
            | Target::Shape(_)
            | Target::Otherwise => return self,
        }
        self.prefix = join(prefix, &self.prefix);
        self
    }
}

/// Joins a prefix and a pattern. The root pattern is the prefix itself.
fn join(prefix: &str, pattern: &str) -> String {
    let (prefix, pattern) = (prefix.trim(), pattern.trim());
    let prefix = prefix.strip_suffix('/').unwrap_or(prefix);
    match pattern.strip_prefix('/').unwrap_or(pattern) {
        "" => prefix.to_owned(),
        pattern => format!("{prefix}/{pattern}"),
    }
}

/// Defines the methods that register handlers, for routers and applications.
macro_rules! routes {
    ($($owner:ident)+) => {$(
        impl<S: Send + Sync + 'static> $owner<S> {
            /// Serves requests with this method and path pattern. See
            /// [`router`](apptheory_core::http::router) for patterns; methods with a shortcut have
            /// their own function, such as [`get`](Self::get).
            #[must_use]
            pub fn route<A>(
                self,
                method: &str,
                pattern: &str,
                handler: impl Handler<A, S, Http>,
            ) -> Self {
                let (method, pattern) = (method.to_owned(), pattern.to_owned());
                self.register(Target::Request { method, pattern }, handler)
            }

            /// Serves GET, HEAD, POST, PUT, PATCH, DELETE and OPTIONS. Registering one of them
            /// again for the same pattern is an error.
            #[must_use]
            pub fn any<A>(self, pattern: &str, handler: impl Handler<A, S, Http>) -> Self {
                self.register(Target::AnyMethod { pattern: pattern.to_owned() }, handler)
            }

            /// Serves GET, and HEAD unless another handler does.
            #[must_use]
            pub fn get<A>(self, pattern: &str, handler: impl Handler<A, S, Http>) -> Self {
                self.route("GET", pattern, handler)
            }

            /// Serves HEAD. GET routes serve HEAD by default.
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

            /// Serves OPTIONS. Such a route also gets CORS preflights, and responds to them itself.
            #[must_use]
            pub fn options<A>(self, pattern: &str, handler: impl Handler<A, S, Http>) -> Self {
                self.route("OPTIONS", pattern, handler)
            }

            /// Serves requests whose path matches no route; in a nested router, only those below
            /// its prefix. If several fallbacks apply, the one with the longest prefix serves. A
            /// path that is registered for other methods still gets a 405.
            ///
            /// A fallback is a handler like any other: middleware, authentication and policies run.
            /// Without a fallback the response is 404, and they do not run.
            #[must_use]
            pub fn fallback<A>(self, handler: impl Handler<A, S, Http>) -> Self {
                self.register(Target::Fallback { prefix: "/".to_owned() }, handler)
            }

            /// Adds all routes of a router below a prefix, with their middleware. The router's `/`
            /// is the prefix itself. A prefix may have parameters, such as `/shops/{shop}`.
            /// Handlers of messages and records have no path, and are added unchanged.
            ///
            /// ```
            /// use apptheory::app::{App, Router};
            ///
            /// let orders = Router::new()
            ///     .get("/", async || "all orders")
            ///     .get("/{id}", async || "one order");
            /// let app = App::new().nest("/orders", orders).build()?;
            /// # Ok::<(), apptheory::app::BuildError>(())
            /// ```
            #[must_use]
            pub fn nest(mut self, prefix: &str, router: Router<S>) -> Self {
                self.router().add_router(prefix, router);
                self
            }

            /// Adds all routes of a router, with their middleware.
            #[must_use]
            pub fn merge(mut self, router: Router<S>) -> Self {
                self.router().add_router("/", router);
                self
            }

            /// Sets who may call the handlers of requests and messages, also those that are
            /// registered later; see [`Access`]. Set [`App::authenticate`] as well, or a router
            /// that is not public does not build. A router with two different settings, or with
            /// another one than a handler in it or a router around it, does not build either.
            /// Records have no caller: register their handlers with another router.
            #[must_use]
            pub fn access(mut self, access: Access) -> Self {
                self.router().add_access(access);
                self
            }

            /// Restricts the handlers to authenticated callers, as [`Access::Authenticated`].
            #[must_use]
            pub fn for_callers(self) -> Self {
                self.access(Access::Authenticated)
            }

            /// Restricts the handlers to callers with all of these scopes, as
            /// [`Access::AllScopes`]. An empty list, or a blank scope, does not build.
            #[must_use]
            pub fn for_scopes<T: Into<String>>(self, scopes: impl IntoIterator<Item = T>) -> Self {
                self.access(Access::AllScopes(scopes.into_iter().map(T::into).collect()))
            }

            /// Restricts the handlers to callers with at least one of these scopes, as
            /// [`Access::AnyScope`]. An empty list, or a blank scope, does not build.
            #[must_use]
            pub fn for_any_scope<T: Into<String>>(
                self,
                scopes: impl IntoIterator<Item = T>,
            ) -> Self {
                self.access(Access::AnyScope(scopes.into_iter().map(T::into).collect()))
            }

            /// Puts a middleware around all handlers, also those that are registered later. The
            /// first middleware is the outermost; [`Router`] shows the whole order.
            ///
            /// ```
            /// use apptheory::app::{Answer, App, Context, Next};
            ///
            /// async fn no_cache(context: Context, next: Next) -> Answer {
            ///     let mut response = next.run(context).await;
            ///     response.headers.set("cache-control", "no-store");
            ///     Ok(response)
            /// }
            ///
            /// let app = App::new().get("/", async || "hello").layer(no_cache).build()?;
            /// # Ok::<(), apptheory::app::BuildError>(())
            /// ```
            ///
            /// Middleware runs only when a handler is called, not for preflights, malformed
            /// requests, 404, 405, and requests that a policy or authentication refuses. Use
            /// [`response_headers`](App::response_headers) for headers on all responses.
            #[must_use]
            pub fn layer(mut self, middleware: impl Middleware) -> Self {
                self.router().add_layer(middleware);
                self
            }
        }

        impl<S> $owner<S> {
            /// Registers a handler.
            pub(super) fn register<A, K>(
                mut self,
                target: Target,
                handler: impl Handler<A, S, K>,
            ) -> Self {
                self.router().add(target, handler.into_layered());
                self
            }

            /// Registers a handler of the records of a queue, stream, table and so on.
            pub(super) fn register_records<A, K>(
                self,
                reader: RecordReader,
                name: &str,
                handler: impl Handler<A, S, K>,
            ) -> Self {
                self.register(Target::Records(reader, name.to_owned()), handler)
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
