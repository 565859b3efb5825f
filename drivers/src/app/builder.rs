//! Putting an application together.

use core::fmt;
use core::future::Future;
use core::time::Duration;
use std::sync::Arc;

use apptheory_core::contract::{self, ContractSettings};
use apptheory_core::error::{AppError, ErrorFormat, code};
use apptheory_core::eventbus;
use apptheory_core::http::HeaderMap;
use apptheory_core::http::exchange::{
    Access, Cors, HttpService, HttpSettings, Limits, Pipeline, PolicyDecision, PolicyStage,
    Principal, SetupError,
};
use apptheory_core::limiter::{self, Limiter};
use apptheory_core::observe::{LogRecord, MetricRecord, SpanRecord};

use super::context::{Context, Services};
use super::endpoint::{Endpoint, Layer, Middleware};
use super::events::EventBuilder;
use super::handler::{Handler, endpoint};
use super::hooks::{Failure, Hooks};
use super::websocket::{WebSocketRoutes, default_clients};
use super::{App, Inner};
use crate::clock::{Clock, SharedClock, SystemClock};
use crate::ids::{IdSource, RandomIds};
use crate::websocket::WebSocketClientFactory;

/// Puts an [`App`] together. What contradicts itself is reported by [`build`](Self::build), before
/// anything is served.
pub struct AppBuilder<S = ()> {
    pub(super) state: Arc<S>,
    settings: HttpSettings,
    routes: Vec<Route>,
    layers: Vec<Layer>,
    pub(super) events: EventBuilder,
    pub(super) websockets: WebSocketRoutes,
    hooks: Hooks,
    clock: SharedClock,
    ids: Arc<dyn IdSource>,
    reserve: Option<Duration>,
    pub(super) websocket_clients: Option<Arc<dyn WebSocketClientFactory>>,
}

/// A route that is not registered yet.
struct Route {
    method: String,
    pattern: String,
    access: Access,
    endpoint: Arc<dyn Endpoint>,
}

/// An application was put together wrong: nothing is served before it is mended.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum BuildError {
    /// A route cannot be registered, or settings contradict each other; the error says which.
    #[error(transparent)]
    Setup(#[from] SetupError),
    /// A handler of events would never run: it is for nothing, or an earlier handler takes all that
    /// it is for.
    #[error("{method}({given}) would never run its handler: {reason}")]
    Event {
        /// The method of [`AppBuilder`] that registers it.
        method: &'static str,
        /// What it is for, as it was written.
        given: String,
        /// What stands in its way, and what to do.
        reason: String,
    },
    /// Two rate limits around the routes share their counters; the error names both.
    #[error(transparent)]
    Limits(#[from] limiter::Error),
    /// The configuration of an event bus cannot work; the error says which setting.
    #[error(transparent)]
    EventBus(#[from] eventbus::Error),
}

/// Something that builds, and may not do what is meant where the application is deployed.
/// [`App::warnings`] lists them; with the feature `tracing` they are logged when the application is
/// built.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum BuildWarning {
    /// A rate limit counts clients by their addresses alone, for which a load balancer does not
    /// vouch: behind one, every request is answered with 500.
    #[error(
        "a rate limit counts by client address, and load balancers vouch for none: behind one every \
         request is answered with 500. Say `trusting_forwarded(hops)`, or `shared()`, or authenticate \
         callers. Behind API Gateway and function URLs, 1 hop is the address that they vouch for"
    )]
    NoCallerBehindLoadBalancer,
}

/// As `app.bad_request`, 400: the answer of tools that register routes on behalf of a client.
impl From<BuildError> for AppError {
    fn from(error: BuildError) -> Self {
        match error {
            BuildError::Setup(SetupError::Route(error)) => error.into(),
            error @ (BuildError::Setup(_)
            | BuildError::Event { .. }
            | BuildError::Limits(_)
            | BuildError::EventBus(_)) => {
                Self::new(code::BAD_REQUEST, error.to_string()).with_status(400).with_cause(error)
            }
        }
    }
}

impl<S: Send + Sync + 'static> AppBuilder<S> {
    pub(super) fn new(state: S) -> Self {
        Self {
            state: Arc::new(state),
            settings: HttpSettings::default(),
            routes: Vec::new(),
            layers: Vec::new(),
            events: EventBuilder::default(),
            websockets: WebSocketRoutes::default(),
            hooks: Hooks::default(),
            clock: SharedClock::new(SystemClock),
            ids: Arc::new(RandomIds),
            reserve: None,
            websocket_clients: default_clients(),
        }
    }

    /// Serves a method and a pattern with a handler. Patterns are those of
    /// [`router`](apptheory_core::http::router).
    #[must_use]
    pub fn route<A>(self, method: &str, pattern: &str, handler: impl Handler<A, S>) -> Self {
        self.route_for(Access::Public, method, pattern, handler)
    }

    /// Serves a method and a pattern, for those who may call it. [`authenticate`](Self::authenticate)
    /// says who calls: without it, only public routes build.
    #[must_use]
    pub fn route_for<A>(
        self,
        access: Access,
        method: &str,
        pattern: &str,
        handler: impl Handler<A, S>,
    ) -> Self {
        let endpoint = endpoint(handler, &self.state);
        self.add(access, method, pattern, endpoint)
    }

    pub(super) fn add(
        mut self,
        access: Access,
        method: &str,
        pattern: &str,
        endpoint: Arc<dyn Endpoint>,
    ) -> Self {
        let (method, pattern) = (method.to_owned(), pattern.to_owned());
        self.routes.push(Route { method, pattern, access, endpoint });
        self
    }

    /// Serves GET.
    #[must_use]
    pub fn get<A>(self, pattern: &str, handler: impl Handler<A, S>) -> Self {
        self.route("GET", pattern, handler)
    }

    /// Serves POST.
    #[must_use]
    pub fn post<A>(self, pattern: &str, handler: impl Handler<A, S>) -> Self {
        self.route("POST", pattern, handler)
    }

    /// Serves PUT.
    #[must_use]
    pub fn put<A>(self, pattern: &str, handler: impl Handler<A, S>) -> Self {
        self.route("PUT", pattern, handler)
    }

    /// Serves PATCH.
    #[must_use]
    pub fn patch<A>(self, pattern: &str, handler: impl Handler<A, S>) -> Self {
        self.route("PATCH", pattern, handler)
    }

    /// Serves DELETE.
    #[must_use]
    pub fn delete<A>(self, pattern: &str, handler: impl Handler<A, S>) -> Self {
        self.route("DELETE", pattern, handler)
    }

    /// Serves OPTIONS, preflights among them, which such a route answers itself.
    #[must_use]
    pub fn options<A>(self, pattern: &str, handler: impl Handler<A, S>) -> Self {
        self.route("OPTIONS", pattern, handler)
    }

    /// Puts a middleware around the handlers of all routes. The first one is the outermost.
    ///
    /// Middleware does not see requests that no handler is called for: preflights, malformed
    /// requests, 404, 405, and those that a policy or authentication refuses. See
    /// [`response_headers`](Self::response_headers) for what all answers are to carry.
    #[must_use]
    pub fn middleware(mut self, middleware: impl Middleware) -> Self {
        self.layers.push(Box::new(middleware));
        self
    }

    /// How much of the pipeline runs: all of it, unless told otherwise.
    #[must_use]
    pub fn pipeline(mut self, pipeline: Pipeline) -> Self {
        self.settings.pipeline = pipeline;
        self
    }

    /// The shape of error bodies.
    #[must_use]
    pub fn error_format(mut self, format: ErrorFormat) -> Self {
        self.settings.error_format = format;
        self
    }

    /// How large bodies may be.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.settings.limits = limits;
        self
    }

    /// Lets pages of other origins read answers. Without it, none may.
    #[must_use]
    pub fn cors(mut self, cors: Cors) -> Self {
        self.settings.cors = Some(cors);
        self
    }

    /// Takes over the settings of the [contract profile](apptheory_core::contract): those under
    /// which the portable cases are answered. Call it first, and change single settings after it.
    ///
    /// Use it for conformance tests and for migrations. It is less safe than saying nothing.
    #[must_use]
    pub fn contract_profile(mut self) -> Self {
        let ContractSettings { http, reserve, .. } = contract::profile();
        self.settings = http;
        self.reserve(reserve)
    }

    /// Changes any of the core's settings.
    #[must_use]
    pub fn settings(mut self, change: impl FnOnce(&mut HttpSettings)) -> Self {
        change(&mut self.settings);
        self
    }

    /// Asks `hook` who calls, for routes that want to know. `None` is nobody; an error answers the
    /// request.
    #[must_use]
    pub fn authenticate<F, R>(mut self, hook: F) -> Self
    where
        F: Fn(Context) -> R + Send + Sync + 'static,
        R: Future<Output = Result<Option<Principal>, AppError>> + Send + 'static,
    {
        self.hooks.authenticate = Some(Hooks::ask(hook));
        self
    }

    /// Asks `hook` whether requests may go on, before or after their caller is known. An error is a
    /// masked 500.
    #[must_use]
    pub fn policy<F, R>(mut self, stage: PolicyStage, hook: F) -> Self
    where
        F: Fn(Context) -> R + Send + Sync + 'static,
        R: Future<Output = Result<Option<PolicyDecision>, AppError>> + Send + 'static,
    {
        self.settings.policy = Some(stage);
        self.hooks.policy = Some(Hooks::ask(hook));
        self
    }

    /// Changes the header fields of every answer, errors and preflights among them, before it is
    /// sent: for fields such as `strict-transport-security`. Changes that would break the answer
    /// are dropped, and reported to [`on_failure`](Self::on_failure).
    #[must_use]
    pub fn response_headers(
        mut self,
        hook: impl Fn(&mut HeaderMap) + Send + Sync + 'static,
    ) -> Self {
        self.hooks.headers = Some(Box::new(hook));
        self
    }

    /// Tells `hook` of every answer, in [`Pipeline::Observed`], and of every event.
    #[must_use]
    pub fn on_log(mut self, hook: impl Fn(&LogRecord<'_>) + Send + Sync + 'static) -> Self {
        self.hooks.log = Some(Box::new(hook));
        self
    }

    /// Gives `hook` a metric of every answer, in [`Pipeline::Observed`], and of every event.
    #[must_use]
    pub fn on_metric(mut self, hook: impl Fn(&MetricRecord<'_>) + Send + Sync + 'static) -> Self {
        self.hooks.metric = Some(Box::new(hook));
        self
    }

    /// Gives `hook` a span of every answer, in [`Pipeline::Observed`], and of every event.
    #[must_use]
    pub fn on_span(mut self, hook: impl Fn(&SpanRecord<'_>) + Send + Sync + 'static) -> Self {
        self.hooks.span = Some(Box::new(hook));
        self
    }

    /// Also tells the log hook how each streamed body ended, as `stream.completed`: the answer's own
    /// record is written before its first chunk is made.
    #[must_use]
    pub fn observe_streams(mut self) -> Self {
        self.hooks.observes_streams = true;
        self
    }

    /// Tells `hook` what clients are not told: the causes of masked errors, and panics. Without it,
    /// and with the feature `tracing`, they are logged.
    #[must_use]
    pub fn on_failure(mut self, hook: impl Fn(&Failure) + Send + Sync + 'static) -> Self {
        self.hooks.failure = Some(Box::new(hook));
        self
    }

    /// Cuts work short this long before an invocation's deadline, so that there is time left to
    /// answer. Without it, that is 500 ms or a tenth of the time given, whichever is shorter. Set it
    /// where answers take longer to send or to record.
    ///
    /// | What is cut short | What becomes of it |
    /// |---|---|
    /// | a handler of a request, its middleware, authentication and policy | dropped; 504 `app.timeout` |
    /// | a stream | dropped; 504 before its first chunk or behind a buffered answer, trailers later |
    /// | a batch | its running records are dropped, and the rest fails: they come again |
    /// | any other event, a message of a WebSocket among them | dropped; the invocation fails as [`TimedOut`](super::TimedOut) |
    ///
    /// Only what waits can be dropped: a handler that blocks its thread is not stopped. Have it
    /// block a thread of its own, such as tokio's `spawn_blocking` gives. Invocations without a
    /// deadline are never cut short.
    #[must_use]
    pub fn reserve(mut self, reserve: Duration) -> Self {
        self.reserve = Some(reserve);
        self
    }

    /// Goes by another clock than the machine's.
    #[must_use]
    pub fn clock(mut self, clock: impl Clock + 'static) -> Self {
        self.clock = SharedClock::new(clock);
        self
    }

    /// Takes ids from another source than the machine's randomness.
    #[must_use]
    pub fn ids(mut self, ids: impl IdSource + 'static) -> Self {
        self.ids = Arc::new(ids);
        self
    }

    /// The application.
    ///
    /// # Errors
    ///
    /// [`BuildError`] for the first thing that is wrong: settings first, then routes in their
    /// order, then rate limits that share their counters, then handlers of events in their order.
    pub fn build(self) -> Result<App, BuildError> {
        let Self { mut settings, routes, layers, events, websockets, hooks, .. } = self;
        settings.authenticates = hooks.authenticate.is_some();
        let json = settings.json;
        let mut service = HttpService::new(settings)?;
        // Settings that are read from a file, and set behind the policy, say what they say.
        if service.settings().policy.is_some() != hooks.policy.is_some() {
            return Err(SetupError::UnaskedPolicy.into());
        }
        for Route { method, pattern, access, endpoint } in routes {
            service.route(&method, &pattern, access, endpoint)?;
        }
        let limiters: Vec<Limiter> = layers.iter().flat_map(|layer| layer.limiters()).collect();
        Limiter::check_apart(&limiters)?;
        let authenticates = service.settings().authenticates;
        let warnings: Vec<_> =
            layers.iter().flat_map(|layer| layer.warnings(authenticates)).collect();
        #[cfg(feature = "tracing")]
        for warning in &warnings {
            tracing::warn!("{warning}");
        }
        let Self { clock, ids, reserve, websocket_clients, .. } = self;
        let services = Arc::new(Services { clock, ids, websocket_clients, json });
        let (layers, events) = (layers.into(), events.build()?);
        let inner =
            Arc::new(Inner { service, layers, events, websockets, hooks, reserve, warnings });
        Ok(App { inner, services })
    }
}

impl<S> fmt::Debug for AppBuilder<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AppBuilder")
            .field("settings", &self.settings)
            .field("routes", &self.routes.len())
            .field("hooks", &self.hooks)
            .finish_non_exhaustive()
    }
}
