//! The routes of an application with its settings.

use super::access::Access;
use super::call::Arrival;
use super::machine::HttpExchange;
use super::settings::{HttpSettings, Pipeline};
use super::setup_error::SetupError;
use crate::http::RawRequest;
use crate::http::router::Router;

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

impl<T> HttpService<T> {
    /// An application without routes.
    ///
    /// # Errors
    ///
    /// [`SetupError`] for settings that contradict each other.
    pub fn new(settings: HttpSettings) -> Result<Self, SetupError> {
        let settings = settings.normalized()?;
        let router = if settings.permissive_routes { Router::permissive() } else { Router::new() };
        let router = if settings.head_as_get { router.with_head_as_get() } else { router };
        Ok(Self { settings, router })
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
        if !access.is_complete() {
            return Err(SetupError::BlankScopes { method: method.into(), pattern: pattern.into() });
        }
        if access.is_protected() {
            let (method, pattern) = (method.into(), pattern.into());
            if self.settings.pipeline == Pipeline::Bare {
                return Err(SetupError::Unprotected { method, pattern });
            }
            if !self.settings.authenticates {
                return Err(SetupError::Unauthenticated { method, pattern });
            }
        }
        Ok(self.router.insert(method, pattern, Endpoint { access, handler })?)
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
