//! The routes and settings of an application.

use alloc::format;

use super::access::Access;
use super::call::Arrival;
use super::machine::HttpExchange;
use super::settings::{HttpSettings, Pipeline};
use super::setup_error::SetupError;
use crate::http::router::{Lookup, RouteTable};
use crate::http::{RawRequest, UriPath};
use crate::routes::{RouteTaken, Routes};

/// The routes of an application, each with a handler of type `T`, and its settings. Requests are
/// routed by method and path, WebSocket messages by route key.
#[derive(Clone, Debug)]
pub struct HttpService<T> {
    settings: HttpSettings,
    router: RouteTable<Endpoint<T>>,
    messages: Routes<Endpoint<T>>,
    /// The handlers for paths that no route matches, registered under a private method name.
    fallbacks: RouteTable<Endpoint<T>>,
}

/// A handler with its access rule.
#[derive(Clone, Debug)]
pub struct Endpoint<T> {
    /// Who may call the handler.
    pub access: Access,
    /// The handler.
    pub handler: T,
}

impl<T> HttpService<T> {
    /// Creates an application without routes.
    ///
    /// # Errors
    ///
    /// [`SetupError`] for settings that contradict each other.
    pub fn new(settings: HttpSettings) -> Result<Self, SetupError> {
        let settings = settings.normalized()?;
        let router =
            if settings.permissive_routes { RouteTable::permissive() } else { RouteTable::new() };
        let router = if settings.head_as_get { router.with_head_as_get() } else { router };
        let fallbacks = RouteTable::new();
        Ok(Self { settings, router, messages: Routes::new(), fallbacks })
    }

    /// Adds a route.
    ///
    /// # Errors
    ///
    /// [`SetupError`]; the application is then unchanged.
    pub fn route(
        &mut self,
        method: &str,
        pattern: &str,
        access: Access,
        handler: T,
    ) -> Result<(), SetupError> {
        self.check(&access, method, pattern)?;
        Ok(self.router.insert(method, pattern, Endpoint { access, handler })?)
    }

    /// Adds a handler for all paths below `prefix` that no route matches, for every method. The
    /// fallback with the longest matching prefix is used. A path that exists with another method is
    /// still answered with 405.
    ///
    /// # Errors
    ///
    /// [`SetupError`], with the method named `FALLBACK`; the application is then unchanged.
    pub fn fallback(&mut self, prefix: &str, access: Access, handler: T) -> Result<(), SetupError>
    where
        T: Clone,
    {
        self.check(&access, FALLBACK, prefix)?;
        let below = format!("{}/{{rest+}}", prefix.strip_suffix('/').unwrap_or(prefix));
        let endpoint = Endpoint { access, handler };
        self.fallbacks.insert(FALLBACK, prefix, endpoint.clone())?;
        Ok(self.fallbacks.insert(FALLBACK, &below, endpoint)?)
    }

    /// Returns the fallback for a path that no route matches.
    pub(super) fn find_fallback(&self, path: &UriPath) -> Option<&Endpoint<T>> {
        match self.fallbacks.look_up(FALLBACK, path) {
            Lookup::Found(found) => Some(found.handler()),
            Lookup::MethodNotAllowed { .. } | Lookup::NotFound => None,
        }
    }

    /// Adds a route for WebSocket messages: `$connect`, `$disconnect`, `$default`, or a key of the
    /// API. The key is trimmed.
    ///
    /// # Errors
    ///
    /// [`SetupError`], with the method named `WEBSOCKET` and the key as pattern; the application is
    /// then unchanged.
    pub fn message_route(
        &mut self,
        route_key: &str,
        access: Access,
        handler: T,
    ) -> Result<(), SetupError> {
        self.check(&access, WEBSOCKET, route_key)?;
        let endpoint = Endpoint { access, handler };
        self.messages.insert(route_key, endpoint).map_err(|taken| match taken {
            RouteTaken::Blank => SetupError::BlankRouteKey,
            RouteTaken::By(route_key) => SetupError::RouteKeyTaken { route_key },
        })
    }

    /// Checks that a route can be protected by its access rule.
    fn check(&self, access: &Access, method: &str, pattern: &str) -> Result<(), SetupError> {
        let (method, pattern) = (method.into(), pattern.into());
        if !access.is_complete() {
            return Err(SetupError::BlankScopes { method, pattern });
        }
        if access.is_protected() && self.settings.pipeline == Pipeline::Bare {
            return Err(SetupError::Unprotected { method, pattern });
        }
        if access.is_protected() && !self.settings.authenticates {
            return Err(SetupError::Unauthenticated { method, pattern });
        }
        Ok(())
    }

    /// Returns the settings.
    #[must_use]
    pub const fn settings(&self) -> &HttpSettings {
        &self.settings
    }

    /// Returns the routes.
    #[must_use]
    pub const fn router(&self) -> &RouteTable<Endpoint<T>> {
        &self.router
    }

    /// Starts the exchange of a request. `S` is the type of response streams.
    #[must_use = "an exchange that is not started answers nobody"]
    pub fn exchange<S>(&self, request: RawRequest<'_>, arrival: Arrival) -> HttpExchange<'_, T, S> {
        HttpExchange::of_request(self, request, arrival)
    }

    /// Starts the exchange of a WebSocket message, including `$connect` and `$disconnect`. It
    /// passes the same stages as a request, with these differences:
    ///
    /// * the route key selects the handler; a key without a route is a 404, without a fallback;
    /// * the id is the provider's or a new one, in every [`Pipeline`]; headers, which only
    ///   `$connect` has, are not used for it;
    /// * there are no CORS rules, and no response headers, because API Gateway drops them;
    /// * errors are rendered by [`message_error_style`](HttpSettings::message_error_style);
    /// * the [report](super::Report) has no observation: messages are recorded as events.
    #[must_use = "an exchange that is not started answers nobody"]
    pub fn message_exchange<S>(
        &self,
        route_key: &str,
        message: RawRequest<'_>,
        arrival: Arrival,
    ) -> HttpExchange<'_, T, S> {
        HttpExchange::of_message(self, route_key.trim(), message, arrival)
    }

    /// Returns whether there is a route for messages.
    #[must_use]
    pub fn has_message_routes(&self) -> bool {
        !self.messages.is_empty()
    }

    /// Returns the endpoint for a route key, which is trimmed.
    #[must_use]
    pub fn message_endpoint(&self, route_key: &str) -> Option<&Endpoint<T>> {
        self.messages.find(route_key.trim())
    }
}

/// The method name of message routes in errors.
const WEBSOCKET: &str = "WEBSOCKET";

/// The method name of fallbacks in errors.
const FALLBACK: &str = "FALLBACK";
