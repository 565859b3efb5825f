//! What is wrong with an application's settings or routes.

use alloc::string::String;

use super::settings::Pipeline;
use crate::http::router::RegistrationError;

/// An HTTP application is set up wrong: a route cannot be added, or settings contradict each other
/// or say less than they seem to. Nothing is served until it is mended; the message says how.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum SetupError {
    /// The route cannot be registered.
    #[error(transparent)]
    Route(#[from] RegistrationError),
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
    /// [`authenticates`](super::HttpSettings::authenticates), or make the route public.
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
    /// is not set makes it: list the scopes, or choose [`Access::Authenticated`](super::Access::Authenticated).
    #[error(
        "the scopes of the route {method} {pattern} are empty or have a blank entry: list them"
    )]
    BlankScopes {
        /// The route's method, as given.
        method: String,
        /// Its pattern, as given.
        pattern: String,
    },
    /// The route key of a route of messages is blank, as a variable that is not set makes it.
    #[error("a WebSocket route has a blank route key: name one, or remove the route")]
    BlankRouteKey,
    /// Two routes are for the messages of one route key.
    #[error(
        "the WebSocket route {route_key:?} has a handler already: remove one of the two, or let one \
         handler do the work of both"
    )]
    RouteKeyTaken {
        /// The route key.
        route_key: String,
    },
    /// The pipeline would not do what is set: choose a higher one, or leave the setting out.
    #[error(
        "the pipeline {pipeline:?} does not enforce {setting}: choose {enough:?} or leave it out"
    )]
    NotEnforced {
        /// What would not be enforced.
        setting: &'static str,
        /// The pipeline that was chosen.
        pipeline: Pipeline,
        /// The lowest pipeline that enforces it.
        enough: Pipeline,
    },
    /// The settings ask for a policy that nothing decides, or do not ask for the one that is there: no
    /// request would be refused. Set both, or neither.
    #[error(
        "either the settings name no stage for the policy, or there is no policy for the stage that \
         they name: set both or neither, and the policy after the settings"
    )]
    UnaskedPolicy,
    /// Credentials are allowed to every origin: list the origins that may send them.
    #[error("CORS allows credentials to every origin: list origins instead of `*`")]
    CredentialsToAll,
    /// The list of allowed origins is empty, or holds a blank one, as a variable that is not set
    /// makes it: list the origins, or leave the rules out.
    #[error("the list of CORS origins is empty or has a blank entry: list origins, or set no CORS")]
    BlankOrigins,
    /// An allowed origin is `null`, which sandboxed pages of anybody have, or could not be sent.
    #[error(
        "{origin:?} cannot be an allowed origin: name a scheme and a host, as in https://a.example"
    )]
    InvalidOrigin {
        /// The origin, as given.
        origin: String,
    },
    /// A header field that the rules name has no valid name (RFC 9110 §5.1).
    #[error("CORS {setting} has an entry that is no name of a header field")]
    InvalidFieldName {
        /// The list that it is in.
        setting: &'static str,
    },
}
