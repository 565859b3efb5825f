//! Builds applications: registers every route with its layers, or reports what is wrong.

use std::sync::Arc;

use apptheory_core::error::{AppError, code};
use apptheory_core::eventbus;
use apptheory_core::http::exchange::{Access, HttpService, SetupError};
use apptheory_core::http::router::RegistrationError;
use apptheory_core::limiter::{self, Limiter};

use super::chain::Chain;
use super::events::{EventRoutes, NamedRoute};
use super::middleware::Layer;
use super::router::{METHODS, Route};
use super::services::Services;
use super::target::Target;
use super::{App, AppService, Inner};
use crate::metrics;
use crate::see::See;

/// A mistake in an application. An application with a mistake does not build, so it serves nothing.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum BuildError {
    /// A route cannot be registered, or settings contradict each other; the error says which.
    #[error("{0}; {see}", see = self.see())]
    Setup(SetupError),
    /// A handler of events would never run: its name is blank, or an earlier handler takes all of
    /// its events.
    #[error("{method}({given}) would never run its handler: {reason}; {see}", see = self.see())]
    Event {
        /// The method of [`Router`](super::Router) that registers the handler.
        method: &'static str,
        /// The arguments of that method, without the handler.
        given: String,
        /// Why the handler would never run, and what to do.
        reason: String,
    },
    /// A handler of records is in a router that is restricted to certain callers. Records have no
    /// caller.
    #[error(
        "{method}({given}) is in a router that is for certain callers, and nothing says who sends a \
         record: register it with a router of its own; {see}",
        see = self.see()
    )]
    Access {
        /// The method of [`Router`](super::Router) that registers the handler.
        method: &'static str,
        /// The arguments of that method, without the handler.
        given: String,
    },
    /// A handler and a router around it have different access settings.
    #[error(
        "{method}({given}) is for {inner} by itself, and for {outer} by a router around it: say one of \
         the two; {see}",
        see = self.see()
    )]
    TwoAccesses {
        /// The method of [`Router`](super::Router) that registers the handler.
        method: &'static str,
        /// The arguments of that method, without the handler.
        given: String,
        /// The access that the handler, or the innermost router, sets.
        inner: String,
        /// The access that an outer router sets.
        outer: String,
    },
    /// A handler, or a router around it, has two different access settings. One of them would be
    /// ignored.
    #[error(
        "{method}({given}) is for {first}, and at the same place for {second}: say one of the two; \
         several scopes belong in one list; {see}",
        see = self.see()
    )]
    AccessTwice {
        /// The method of [`Router`](super::Router) that registers the handler.
        method: &'static str,
        /// The arguments of that method, without the handler.
        given: String,
        /// The access that was set first.
        first: String,
        /// The access that was set later.
        second: String,
    },
    /// The [`Path`](super::Path) of a handler does not fit the parameters of its route. Every
    /// request would be answered with 500.
    #[error(
        "{method}({given}) has a handler whose `Path` does not fit the pattern: it expects \
         {expected}; a `Path` reads all parameters, into a struct with their names or a tuple of as \
         many; {see}",
        see = self.see()
    )]
    Path {
        /// The method of [`Router`](super::Router) that registers the handler.
        method: &'static str,
        /// The arguments of that method, without the handler.
        given: String,
        /// What the handler expects.
        expected: String,
    },
    /// A handler reads its body in two formats. No body is of both, so the handler would never run.
    #[error(
        "{method}({given}) has a handler that reads the body as {first} and as {second}, and no body \
         is both: take one of the two, or both as `Result<_, AppError>`, and use the one that is \
         `Ok`; {see}",
        see = self.see()
    )]
    Formats {
        /// The method of [`Router`](super::Router) that registers the handler.
        method: &'static str,
        /// The arguments of that method, without the handler.
        given: String,
        /// The format of the first extractor that reads the body.
        first: &'static str,
        /// The format of another one.
        second: &'static str,
    },
    /// A hook is set twice. One of the two would be ignored.
    #[error(
        "{method} is called twice: an application has one such hook; let one do the work of both; \
         {see}",
        see = self.see()
    )]
    HookTwice {
        /// The method of [`App`] that sets the hook.
        method: &'static str,
    },
    /// A [`Setup`](Self::Setup) error of a route in a nested router.
    #[error("{error} ({places}); {see}", see = self.see())]
    Nested {
        /// The error of the route.
        error: SetupError,
        /// The routers that the routes in the error are nested in.
        places: String,
    },
    /// A rate limit is invalid; the error names the setting.
    #[error("{0}; {see}", see = self.see())]
    Limits(limiter::Error),
    /// A rate limit around a handler is invalid, or two of them share their counters; the error
    /// names them.
    #[error("{method}({given}): {error}; {see}", see = self.see())]
    LimitsAround {
        /// The method of [`Router`](super::Router) that registers the handler.
        method: &'static str,
        /// The arguments of that method, without the handler.
        given: String,
        /// What is wrong with the limits.
        error: limiter::Error,
    },
    /// The configuration of an event bus is invalid; the error names the setting.
    #[error("{0}; {see}", see = self.see())]
    EventBus(eventbus::Error),
    /// A metric that the application records by itself cannot be declared: its name is taken,
    /// perhaps by another application with the same metrics, or CloudWatch does not accept the
    /// pattern of a route. The error names the metric.
    #[error(
        "the application cannot declare its own metrics: {0}; a second application needs a `Metrics` \
         of its own; {see}",
        see = self.see()
    )]
    Metrics(metrics::Error),
}

/// A configuration that builds, but may fail where the application is deployed.
/// [`AppService::warnings`] lists each kind once. With the feature `tracing` warnings are logged
/// when the application is built.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum BuildWarning {
    /// A rate limit counts clients only by their addresses, which a load balancer does not verify:
    /// behind a load balancer, every request gets a 500.
    #[error(
        "a rate limit counts clients by address, and a load balancer does not verify addresses: \
         behind one, every request is answered with 500. Add `trusting_forwarded(hops)` or `shared()` \
         to the limit, or authenticate callers. Behind API Gateway and function URLs, 1 hop is the \
         address that they verify; {}",
        See("rate_limiting")
    )]
    NoCallerBehindLoadBalancer,
}

impl BuildError {
    /// Returns the page of the guide about the error.
    const fn see(&self) -> See {
        See(match self {
            Self::Setup(error) | Self::Nested { error, .. } => match error {
                SetupError::Route(_) => "routing",
                SetupError::BlankRouteKey | SetupError::RouteKeyTaken { .. } => "websockets",
                SetupError::CredentialsToAll
                | SetupError::BlankOrigins
                | SetupError::InvalidOrigin { .. }
                | SetupError::InvalidFieldName { .. } => "security",
                SetupError::Unprotected { .. }
                | SetupError::Unauthenticated { .. }
                | SetupError::BlankScopes { .. }
                | SetupError::NotEnforced { .. }
                | SetupError::UnaskedPolicy => "middleware",
            },
            Self::Event { .. } => "events",
            Self::Access { .. } | Self::TwoAccesses { .. } | Self::AccessTwice { .. } => "security",
            Self::Path { .. } | Self::Formats { .. } => "extractors",
            Self::HookTwice { .. } => "middleware",
            Self::Limits(_) | Self::LimitsAround { .. } => "rate_limiting",
            Self::EventBus(_) => "event_bus",
            Self::Metrics(_) => "observability",
        })
    }
}

impl From<SetupError> for BuildError {
    fn from(error: SetupError) -> Self {
        Self::Setup(error)
    }
}

impl From<limiter::Error> for BuildError {
    fn from(error: limiter::Error) -> Self {
        Self::Limits(error)
    }
}

impl From<eventbus::Error> for BuildError {
    fn from(error: eventbus::Error) -> Self {
        Self::EventBus(error)
    }
}

/// Converts to `app.bad_request`, 400, for tools that register routes on behalf of a client.
impl From<BuildError> for AppError {
    fn from(error: BuildError) -> Self {
        match error {
            BuildError::Setup(SetupError::Route(error)) => error.into(),
            error @ (BuildError::Setup(_)
            | BuildError::Event { .. }
            | BuildError::Access { .. }
            | BuildError::TwoAccesses { .. }
            | BuildError::AccessTwice { .. }
            | BuildError::Path { .. }
            | BuildError::Formats { .. }
            | BuildError::HookTwice { .. }
            | BuildError::Nested { .. }
            | BuildError::Limits(_)
            | BuildError::LimitsAround { .. }
            | BuildError::EventBus(_)
            | BuildError::Metrics(_)) => {
                Self::new(code::BAD_REQUEST, error.to_string()).with_status(400).with_cause(error)
            }
        }
    }
}

impl<S: Send + Sync + 'static> App<S> {
    /// Builds the application. Call it once at startup; [`start`](crate::start()) does so itself.
    ///
    /// # Errors
    ///
    /// [`BuildError`] for the first mistake: settings are checked first, then routes in their
    /// order.
    pub fn build(self) -> Result<AppService, BuildError> {
        let Self { state, mut router, mut settings, events, hooks, measuring, .. } = self;
        if let Some(method) = hooks.twice {
            return Err(BuildError::HookTwice { method });
        }
        settings.authenticates = hooks.authenticate.is_some();
        let json = settings.json;
        #[cfg(feature = "tower")]
        let max_request_bytes = settings.limits.max_request_bytes;
        let service = HttpService::new(settings)?;
        // Also catches settings that were read from a file and contradict the hooks.
        if service.settings().policy.is_some() != hooks.policy.is_some() {
            return Err(SetupError::UnaskedPolicy.into());
        }
        let mut tables = Tables {
            service,
            events: EventRoutes::new(events),
            layers: Vec::new(),
            prefixes: Vec::new(),
            requests: 0,
            keeps_events: false,
            registered: Vec::new(),
        };
        if let Some(refused) = router.take_refused() {
            return Err(refused);
        }
        for route in router.into_routes() {
            tables.register(route, &state)?;
        }
        let warnings = tables.warnings();
        #[cfg(feature = "tracing")]
        for warning in &warnings {
            tracing::warn!("{warning}");
        }
        let Tables { service, events, requests, keeps_events, mut registered, .. } = tables;
        let patterns = service.router().routes().iter().map(|route| route.pattern().as_str());
        let measures = measuring.map(|measuring| measuring.declare(patterns));
        let measures = measures.transpose().map_err(BuildError::Metrics)?;
        if requests > 0 {
            let handlers = if requests == 1 { "handler" } else { "handlers" };
            registered.insert(0, format!("{requests} {handlers} of requests"));
        }
        let Self { clock, ids, reserve, websocket_clients, supports_websockets, .. } = self;
        let services = Arc::new(Services {
            clock,
            ids,
            websocket_clients,
            json,
            #[cfg(feature = "tower")]
            max_request_bytes,
            #[cfg(feature = "tower")]
            mounted: super::hand_over::Mounted::default(),
        });
        let inner = Inner {
            #[cfg(feature = "cloudformation")]
            replies: self.replies,
            service,
            events,
            serves_requests: requests > 0,
            keeps_events,
            supports_websockets,
            registered,
            hooks,
            measures,
            reserve,
            warnings,
            #[cfg(any(feature = "lambda", feature = "testkit"))]
            is_warm: core::sync::atomic::AtomicBool::new(false),
        };
        Ok(AppService { inner: Arc::new(inner), services })
    }
}

/// The routes of an application, by the kind of their target.
struct Tables {
    service: HttpService<Arc<Chain>>,
    events: EventRoutes,
    /// The distinct layers around handlers of requests.
    layers: Vec<Layer>,
    /// The prefix that each route of the service is nested at, in the order of the routes.
    prefixes: Vec<String>,
    /// Number of handlers of requests.
    requests: usize,
    /// Whether a handler of requests or messages reads the event behind its request.
    keeps_events: bool,
    /// Names of all other handlers, for errors about events without a handler.
    registered: Vec<String>,
}

impl Tables {
    fn register<S>(&mut self, route: Route<S>, state: &Arc<S>) -> Result<(), BuildError> {
        let Route { target, handler, layers, accesses, keeps_event, prefix, .. } = route;
        let access = target.agreed(accesses)?;
        target.check_params(route.check_params)?;
        target.check_formats(&route.body_formats)?;
        check_limits(&layers).map_err(|error| {
            let (method, _, given) = target.names();
            BuildError::LimitsAround { method, given, error }
        })?;
        if target.is_of_requests() {
            self.requests = self.requests.saturating_add(1);
            self.keep_layers(&layers);
        } else if access != Access::Public && !matches!(target, Target::Message(_)) {
            return Err(target.unguarded());
        }
        let is_of_calls = target.is_of_requests() || matches!(target, Target::Message(_));
        self.keeps_events |= keeps_event && is_of_calls;
        let chain = Chain::new(layers, handler(state));
        // A window has two handlers, registered by one method: name it once.
        if !target.is_of_requests() && !matches!(target, Target::WindowEnd(..)) {
            let (method, _, given) = target.names();
            self.registered.push(format!("{method}({given})"));
        }
        let (service, events) = (&mut self.service, &mut self.events);
        let registered = match &target {
            Target::Request { method, pattern } => {
                return self.serve(&[method], pattern, access, chain, prefix);
            }
            Target::AnyMethod { pattern } => {
                return self.serve(&METHODS, pattern, access, chain, prefix);
            }
            Target::Fallback { prefix } => return Ok(service.fallback(prefix, access, chain)?),
            Target::Message(key) => return Ok(service.message_route(key, access, chain)?),
            Target::Records(reader, name) => events.insert(*reader, name, chain),
            Target::Window(reader, name) => events.insert_window(*reader, name, chain),
            Target::WindowEnd(reader, name) => {
                events.insert_window_end(reader.source(), name, chain)
            }
            Target::Topic(name) => events.sns.insert(name, chain),
            Target::Event(rule) => {
                let route = NamedRoute { name: format!("event_bridge({rule})"), handler: chain };
                events.event_bridge.insert(rule.clone(), route)
            }
            Target::Single(single, writer) => {
                let name = format!("{}({single})", single.method());
                let route = NamedRoute { name, handler: chain };
                events.single.insert(single.clone(), (route, *writer))
            }
            Target::Shape(shape) => {
                let route = NamedRoute { name: format!("on({shape})"), handler: chain };
                events.any.insert(shape.clone(), route)
            }
            Target::Otherwise => {
                let route = NamedRoute { name: "otherwise".to_owned(), handler: chain };
                events.any.set_otherwise(route)
            }
        };
        registered.map_err(|taken| target.never_runs(&taken))
    }

    fn serve(
        &mut self,
        methods: &[&str],
        pattern: &str,
        access: Access,
        chain: Arc<Chain>,
        prefix: String,
    ) -> Result<(), BuildError> {
        for method in methods {
            let routed = self.service.route(method, pattern, access.clone(), Arc::clone(&chain));
            routed.map_err(|error| self.placed(error, &prefix))?;
            self.prefixes.push(prefix.clone());
        }
        Ok(())
    }

    /// Adds to a route's error where the routes that it names are nested.
    fn placed(&self, error: SetupError, prefix: &str) -> BuildError {
        let first = if let SetupError::Route(duplicate) = &error
            && let RegistrationError::Duplicate { method, existing, .. } = duplicate
        {
            let mut routes = self.service.router().routes().iter().zip(&self.prefixes);
            let first = routes.find(|(route, _)| {
                route.method() == method && route.pattern().as_str() == existing
            });
            first.map_or("", |(_, prefix)| prefix)
        } else {
            ""
        };
        let places = match (prefix, first) {
            ("", "") => return error.into(),
            (prefix, "") => format!("the route is nested at {prefix}"),
            ("", first) => format!("the first route is nested at {first}"),
            (prefix, first) => format!("nested at {prefix}, and the first route at {first}"),
        };
        BuildError::Nested { error, places }
    }

    fn keep_layers(&mut self, layers: &[Layer]) {
        for layer in layers {
            if !self.layers.iter().any(|known| Arc::ptr_eq(known, layer)) {
                self.layers.push(Arc::clone(layer));
            }
        }
    }

    fn warnings(&self) -> Vec<BuildWarning> {
        let authenticates = self.service.settings().authenticates;
        let mut warnings = Vec::new();
        for warning in self.layers.iter().flat_map(|layer| layer.warnings(authenticates)) {
            if !warnings.contains(&warning) {
                warnings.push(warning);
            }
        }
        warnings
    }
}

/// Checks the rate limits among the layers around a handler.
fn check_limits(layers: &[Layer]) -> Result<(), limiter::Error> {
    let limiters = layers.iter().map(|layer| layer.limiters());
    Limiter::check_apart(&limiters.collect::<Result<Vec<_>, _>>()?.concat())
}
