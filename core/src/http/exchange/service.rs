//! The routes of an application with its settings.

use alloc::string::String;

use super::access::Access;
use super::call::Arrival;
use super::machine::HttpExchange;
use super::settings::{HttpSettings, Pipeline, SettingsError};
use crate::http::RawRequest;
use crate::http::router::{RegistrationError, Router};

/// The routes of an application, each with a handler of type `T`, and its settings.
#[derive(Clone, Debug)]
pub struct HttpService<T> {
    settings: HttpSettings,
    router: Router<Endpoint<T>>,
}

/// What serves a route, and whom.
#[derive(Clone, Debug)]
pub struct Endpoint<T> {
    /// Who may call it.
    pub access: Access,
    /// What serves it.
    pub handler: T,
}

/// A route was not added: a mistake in the application, to be mended before it serves anything.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum RouteError {
    /// The route cannot be registered.
    #[error(transparent)]
    Registration(#[from] RegistrationError),
    /// The route is protected, and the pipeline does not protect: choose [`Pipeline::Identified`] or
    /// [`Pipeline::Observed`], or make the route public.
    #[error(
        "the protected route {method} {pattern} would be open in the pipeline Bare: choose Identified or Observed"
    )]
    Unprotected {
        /// The route's method, as given.
        method: String,
        /// Its pattern, as given.
        pattern: String,
    },
    /// The route asks who calls, and nothing answers that: no caller would ever be known. Set
    /// [`authenticates`](HttpSettings::authenticates), or make the route public.
    #[error(
        "nothing authenticates the callers of the protected route {method} {pattern}: set an \
         authentication, or make the route public"
    )]
    Unauthenticated {
        /// The route's method, as given.
        method: String,
        /// Its pattern, as given.
        pattern: String,
    },
    /// The list of scopes that the route asks for is empty, or has a blank entry, as a variable that
    /// is not set makes it: list the scopes, or choose [`Access::Authenticated`].
    #[error(
        "the scopes of the route {method} {pattern} are empty or have a blank entry: list them"
    )]
    BlankScopes {
        /// The route's method, as given.
        method: String,
        /// Its pattern, as given.
        pattern: String,
    },
}

impl<T> HttpService<T> {
    /// An application without routes.
    ///
    /// # Errors
    ///
    /// [`SettingsError`] for settings that contradict each other.
    pub fn new(settings: HttpSettings) -> Result<Self, SettingsError> {
        let settings = settings.normalized()?;
        let router = if settings.permissive_routes { Router::permissive() } else { Router::new() };
        let router = if settings.head_as_get { router.with_head_as_get() } else { router };
        Ok(Self { settings, router })
    }

    /// Adds a route.
    ///
    /// # Errors
    ///
    /// [`RouteError`]; the application is unchanged then.
    pub fn route(
        &mut self,
        method: &str,
        pattern: &str,
        access: Access,
        handler: T,
    ) -> Result<(), RouteError> {
        self.register(method, pattern, access, Some(handler))
    }

    /// As [`route`](Self::route), for routes that come from configuration, where the handler may
    /// turn out to be missing.
    ///
    /// # Errors
    ///
    /// [`RouteError`]; the application is unchanged then.
    pub fn register(
        &mut self,
        method: &str,
        pattern: &str,
        access: Access,
        handler: Option<T>,
    ) -> Result<(), RouteError> {
        if !access.is_complete() {
            return Err(RouteError::BlankScopes { method: method.into(), pattern: pattern.into() });
        }
        if access.is_protected() {
            let (method, pattern) = (method.into(), pattern.into());
            if self.settings.pipeline == Pipeline::Bare {
                return Err(RouteError::Unprotected { method, pattern });
            }
            if !self.settings.authenticates {
                return Err(RouteError::Unauthenticated { method, pattern });
            }
        }
        let endpoint = handler.map(|handler| Endpoint { access, handler });
        Ok(self.router.register(method, pattern, endpoint)?)
    }

    /// The settings.
    #[must_use]
    pub const fn settings(&self) -> &HttpSettings {
        &self.settings
    }

    /// The routes.
    #[must_use]
    pub const fn router(&self) -> &Router<Endpoint<T>> {
        &self.router
    }

    /// The exchange of one request. `S` is the type of response streams.
    #[must_use = "an exchange that is not started answers nobody"]
    pub fn exchange<S>(&self, request: RawRequest<'_>, arrival: Arrival) -> HttpExchange<'_, T, S> {
        HttpExchange::new(self, request, arrival)
    }
}
