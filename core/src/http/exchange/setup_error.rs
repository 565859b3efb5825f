//! Errors of an application's settings and routes.

use alloc::string::String;

use super::settings::Pipeline;
use crate::http::router::RegistrationError;

/// An HTTP application is not set up correctly: a route cannot be registered, or settings are
/// contradictory or incomplete. The application does not start; the message says what to fix.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum SetupError {
    /// The route cannot be registered.
    #[error(transparent)]
    Route(#[from] RegistrationError),
    /// The route is protected, but the pipeline does not authenticate. Use [`Pipeline::Identified`]
    /// or [`Pipeline::Observed`], or make the route public.
    #[error(
        "the protected route {method} {pattern} would be open in the pipeline Bare: choose Identified or Observed"
    )]
    Unprotected {
        /// The route's method, as given.
        method: String,
        /// The route's pattern, as given.
        pattern: String,
    },
    /// The route is protected, but callers are never authenticated. Set
    /// [`authenticates`](super::HttpSettings::authenticates), or make the route public.
    #[error(
        "nothing authenticates the callers of the protected route {method} {pattern}: set an \
         authentication, or make the route public"
    )]
    Unauthenticated {
        /// The route's method, as given.
        method: String,
        /// The route's pattern, as given.
        pattern: String,
    },
    /// The route's list of scopes is empty, or has a blank entry (perhaps an unset variable). List
    /// the scopes, or use [`Access::Authenticated`](super::Access::Authenticated).
    #[error(
        "the scopes of the route {method} {pattern} are empty or have a blank entry: list them, or \
         ask for any caller who is known"
    )]
    BlankScopes {
        /// The route's method, as given.
        method: String,
        /// The route's pattern, as given.
        pattern: String,
    },
    /// The route key of a message route is blank (perhaps an unset variable).
    #[error("a WebSocket route has a blank route key: name one, or remove the route")]
    BlankRouteKey,
    /// Two routes have the same route key.
    #[error(
        "the WebSocket route {route_key:?} has a handler already: remove one of the two, or let one \
         handler do the work of both"
    )]
    RouteKeyTaken {
        /// The route key.
        route_key: String,
    },
    /// The pipeline does not enforce a setting. Use a higher pipeline, or remove the setting.
    #[error(
        "the pipeline {pipeline:?} does not enforce {setting}: choose {enough:?} or leave it out"
    )]
    NotEnforced {
        /// The setting that would not be enforced.
        setting: &'static str,
        /// The selected pipeline.
        pipeline: Pipeline,
        /// The lowest pipeline that enforces the setting.
        enough: Pipeline,
    },
    /// The settings require a policy that does not exist, or ignore one that does; no request would
    /// be refused. Set both, or neither.
    #[error(
        "either the settings name no stage for the policy, or there is no policy for the stage that \
         they name: set both or neither, and the policy after the settings"
    )]
    UnaskedPolicy,
    /// Credentials are allowed for every origin. List the origins that may send them.
    #[error("CORS allows credentials to every origin: list origins instead of `*`")]
    CredentialsToAll,
    /// The list of allowed origins is empty, or has a blank entry (perhaps an unset variable). List
    /// the origins, or remove the rules.
    #[error("the list of CORS origins is empty or has a blank entry: list origins, or set no CORS")]
    BlankOrigins,
    /// An allowed origin is `null`, which any sandboxed page has, or is not a valid origin.
    #[error(
        "{origin:?} cannot be an allowed origin: name a scheme and a host, as in https://a.example"
    )]
    InvalidOrigin {
        /// The origin, as given.
        origin: String,
    },
    /// The rules contain an invalid header name (RFC 9110 §5.1).
    #[error(
        "CORS {setting} has an invalid header name: write names such as x-request-id, one per entry"
    )]
    InvalidFieldName {
        /// The list with the invalid name.
        setting: &'static str,
    },
}
