//! Builds applications: registers every route with its layers, or reports what is wrong.

mod error;

use std::sync::Arc;

use apptheory_core::http::exchange::{Access, HttpService, SetupError};
use apptheory_core::http::router::RegistrationError;
use apptheory_core::limiter::{self, Limiter};

use super::chain::Chain;
use super::events::{EventRoutes, NamedRoute};
use super::middleware::Layer;
use super::router::{METHODS, Route};
use super::services::Services;
use super::target::Target;
use super::websocket::Clients;
use super::{App, AppService, Inner};

pub use error::{BuildError, BuildWarning};

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
        let warnings = tables.warnings(&self.websocket_clients);
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
        target.check_formats(&route.body_formats, self.service.settings().json)?;
        check_limits(&layers).map_err(|error| {
            let (method, _, given) = target.names();
            BuildError::Limits { method, given, error }
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

    fn warnings(&self, clients: &Clients) -> Vec<BuildWarning> {
        let authenticates = self.service.settings().authenticates;
        let mut warnings = Vec::new();
        for warning in self.layers.iter().flat_map(|layer| layer.warnings(authenticates)) {
            if !warnings.contains(&warning) {
                warnings.push(warning);
            }
        }
        if self.service.has_message_routes() && clients.are_missing() {
            warnings.push(BuildWarning::NoWebSocketClients);
        }
        warnings
    }
}

/// Checks the rate limits among the layers around a handler.
fn check_limits(layers: &[Layer]) -> Result<(), limiter::Error> {
    let limiters = layers.iter().map(|layer| layer.limiters());
    Limiter::check_apart(&limiters.collect::<Result<Vec<_>, _>>()?.concat())
}
