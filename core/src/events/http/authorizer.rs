//! Events that ask a Lambda authorizer. They look like requests, and no route may see them.

use serde_json::value::RawValue;

use crate::json::{JsonError, filled_text};

/// An event asks a Lambda authorizer whether a request may pass, and waits for a policy. It looks
/// like the request, but nobody has authorized it yet: no route may see it. Give the authorizer a
/// function of its own.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error(
    "the event asks a Lambda authorizer (its type is REQUEST or TOKEN, beside methodArn or \
     routeArn): give the authorizer a function of its own"
)]
pub struct AuthorizerEvent;

/// Why an event is no request.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Unread {
    /// It is not the JSON that its provider sends.
    Json(JsonError),
    /// It is for an authorizer.
    Authorizer(AuthorizerEvent),
}

impl From<JsonError> for Unread {
    fn from(error: JsonError) -> Self {
        Self::Json(error)
    }
}

/// Refuses an authorizer's event by its members `type`, `methodArn` (REST and WebSocket APIs, and
/// HTTP APIs with payload 1.0) and `routeArn` (HTTP APIs with payload 2.0). Requests have neither ARN.
///
/// Every reader that makes a request of an event asks this, and so does the classifier.
pub(crate) fn refuse_authorizer_event(
    event_type: Option<&RawValue>,
    method_arn: Option<&RawValue>,
    route_arn: Option<&RawValue>,
) -> Result<(), AuthorizerEvent> {
    let event_type = filled_text(event_type).unwrap_or_default();
    let asks = matches!(event_type.trim(), "REQUEST" | "TOKEN");
    let names_route = filled_text(method_arn).or_else(|| filled_text(route_arn)).is_some();
    if asks && names_route { Err(AuthorizerEvent) } else { Ok(()) }
}
