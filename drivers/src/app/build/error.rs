//! What is wrong with an application that does not build, and what may fail in one that does.

use apptheory_core::error::{AppError, code};
use apptheory_core::eventbus;
use apptheory_core::http::exchange::SetupError;
use apptheory_core::limiter;

use crate::app::websocket::NoFactory;
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
        /// The method of [`Router`](crate::app::Router) that registers the handler.
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
        /// The method of [`Router`](crate::app::Router) that registers the handler.
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
        /// The method of [`Router`](crate::app::Router) that registers the handler.
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
        /// The method of [`Router`](crate::app::Router) that registers the handler.
        method: &'static str,
        /// The arguments of that method, without the handler.
        given: String,
        /// The access that was set first.
        first: String,
        /// The access that was set later.
        second: String,
    },
    /// The [`Path`](crate::app::Path) of a handler does not fit the parameters of its route. Every
    /// request would be answered with 500.
    #[error(
        "{method}({given}) has a handler whose `Path` does not fit the pattern: it expects \
         {expected}; a `Path` reads all parameters, into a struct with their names or a tuple of as \
         many; {see}",
        see = self.see()
    )]
    Path {
        /// The method of [`Router`](crate::app::Router) that registers the handler.
        method: &'static str,
        /// The arguments of that method, without the handler.
        given: String,
        /// What the handler expects.
        expected: String,
    },
    /// A handler of requests reads the body in two formats, while JSON needs a media type of its
    /// own ([`JsonReading::JsonTypes`](apptheory_core::http::JsonReading::JsonTypes)). No request
    /// has the media types of both, so the handler would never run.
    #[error(
        "{method}({given}) has a handler that reads the body as {first} and as {second}, and no \
         request has the media types of both: take one of the two, or both as \
         `Result<_, AppError>`, and use the one that is `Ok`; {see}",
        see = self.see()
    )]
    Formats {
        /// The method of [`Router`](crate::app::Router) that registers the handler.
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
        /// The method of [`App`](crate::app::App) that sets the hook.
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
    /// A rate limit around a handler is invalid, or two of them share their counters; the error
    /// names them.
    #[error("{method}({given}): {error}; {see}", see = self.see())]
    Limits {
        /// The method of [`Router`](crate::app::Router) that registers the handler.
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
/// [`AppService::warnings`](crate::app::AppService::warnings) lists each kind once. With the
/// feature `tracing` warnings are logged when the application is built.
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
    /// The application serves messages of WebSocket APIs, and has no clients to send with: only
    /// route responses reach its connections.
    #[error("nothing can be sent to WebSocket connections: {NoFactory}; {}", See("websockets"))]
    NoWebSocketClients,
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
            Self::Limits { .. } => "rate_limiting",
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
            | BuildError::Limits { .. }
            | BuildError::EventBus(_)
            | BuildError::Metrics(_)) => {
                Self::new(code::BAD_REQUEST, error.to_string()).with_status(400).with_cause(error)
            }
        }
    }
}
