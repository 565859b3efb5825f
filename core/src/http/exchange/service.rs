//! The routes of an application with its settings.

use alloc::format;

use super::access::Access;
use super::call::Arrival;
use super::machine::HttpExchange;
use super::settings::{HttpSettings, Pipeline};
use super::setup_error::SetupError;
use crate::http::router::{Lookup, RouteTable};
use crate::http::{RawRequest, UriPath};
use crate::routes::{RouteTaken, Routes};

/// The routes of an application, each with a handler of type `T`, and its settings. Requests have
/// routes by method and path, messages of WebSockets by route key.
#[derive(Clone, Debug)]
pub struct HttpService<T> {
    settings: HttpSettings,
    router: RouteTable<Endpoint<T>>,
    messages: Routes<Endpoint<T>>,
    /// What serves paths that no route matches, each under one made-up method.
    fallbacks: RouteTable<Endpoint<T>>,
}

/// What serves a route, and whom.
#[derive(Clone, Debug)]
pub struct Endpoint<T> {
    /// Who may call it.
    pub access: Access,
    /// What serves it.
    pub handler: T,
}

impl<T> HttpService<T> {
    /// Begins an application without routes.
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
    /// [`SetupError`]; the application is unchanged then.
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

    /// Serves the paths from `prefix` on that no route matches, whatever the method. Of several
    /// fallbacks, the one of the longest prefix serves. A path that is known with another method is
    /// answered with 405 all the same.
    ///
    /// # Errors
    ///
    /// [`SetupError`], where the method is called `FALLBACK`; the application is unchanged then.
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

    /// What serves a path that no route matches.
    pub(super) fn find_fallback(&self, path: &UriPath) -> Option<&Endpoint<T>> {
        match self.fallbacks.look_up(FALLBACK, path) {
            Lookup::Found(found) => Some(found.handler()),
            Lookup::MethodNotAllowed { .. } | Lookup::NotFound => None,
        }
    }

    /// Adds a route of messages: `$connect`, `$disconnect`, `$default`, or a key of the API's own. The
    /// key is trimmed.
    ///
    /// # Errors
    ///
    /// [`SetupError`], where the route of a key is called `WEBSOCKET` and the key; the application is
    /// unchanged then.
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

    /// Whether a route can be protected as its access says.
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

    /// Begins the exchange of one request. `S` is the type of response streams.
    #[must_use = "an exchange that is not started answers nobody"]
    pub fn exchange<S>(&self, request: RawRequest<'_>, arrival: Arrival) -> HttpExchange<'_, T, S> {
        HttpExchange::of_request(self, request, arrival)
    }

    /// Returns the exchange of one message, the start and end of a WebSocket among them, for its
    /// answer. It passes the same stages as a request, with these differences:
    ///
    /// * the route key decides what serves it, and nothing stands in for a key without a route: 404;
    /// * its id is the provider's or a new one, in every [`Pipeline`]; header fields, which come with
    ///   `$connect` alone, do not name it;
    /// * there are no cross-origin rules, and no header fields are set on the answer: API Gateway
    ///   passes none on;
    /// * errors are answered as [`message_error_style`](HttpSettings::message_error_style) says;
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

    /// Returns whether there is a route of messages.
    #[must_use]
    pub fn has_message_routes(&self) -> bool {
        !self.messages.is_empty()
    }

    /// Returns what serves the messages of a route key, which is trimmed.
    #[must_use]
    pub fn message_endpoint(&self, route_key: &str) -> Option<&Endpoint<T>> {
        self.messages.find(route_key.trim())
    }
}

/// What stands for the method of messages where a route is named.
const WEBSOCKET: &str = "WEBSOCKET";

/// The method that fallbacks are kept under, as errors name it.
const FALLBACK: &str = "FALLBACK";
