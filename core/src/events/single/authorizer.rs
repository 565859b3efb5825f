//! Lambda authorizers of API Gateway and AppSync: their events and responses.

use alloc::borrow::Cow;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json, json};

use super::{NotAccepted, written};
use crate::document::{Object, Value};
use crate::error::{AppError, code};
use crate::events::error::Error;
use crate::events::event::asks_authorizer;
use crate::events::http::{HttpSource, unauthorized_request};
use crate::events::raw::RawEvent;
use crate::events::websocket::WebSocketEvent;
use crate::http::{RawRequest, Request};
use crate::json::JsonError;
use crate::printing::prints;

/// A request that API Gateway or AppSync asks a Lambda authorizer about. It is not authorized yet,
/// and is not printed.
///
/// ```
/// use apptheory_core::events::{AuthorizerRequest, AuthorizerSource};
///
/// let event = r#"{"type":"TOKEN","authorizationToken":"Bearer 7",
///     "methodArn":"arn:aws:execute-api:eu-west-1:111122223333:a1/prod/GET/orders"}"#;
/// let asked = AuthorizerRequest::read(event)?;
/// assert_eq!(asked.source, AuthorizerSource::RestToken);
/// assert_eq!((asked.bearer_token(), &*asked.request.path), (Some("7"), "/orders"));
/// # Ok::<(), apptheory_core::error::AppError>(())
/// ```
#[derive(Clone)]
pub struct AuthorizerRequest {
    /// The kind of API.
    pub source: AuthorizerSource,
    /// The ARN of the request's method or route, as in policies. Empty for AppSync.
    pub resource: String,
    /// The request. A token authorizer only gets the method and path; an AppSync authorizer only
    /// gets headers.
    pub request: Request,
    token: String,
}

prints!(AuthorizerRequest: source, resource);

/// The kind of API that asks a Lambda authorizer, and its event format.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum AuthorizerSource {
    /// A REST API, with only the token.
    RestToken,
    /// A REST API, with the request.
    RestRequest,
    /// An HTTP API, with payload format 1.0.
    HttpApiV1,
    /// An HTTP API, with payload format 2.0.
    HttpApiV2,
    /// A WebSocket API, for `$connect`.
    WebSocket,
    /// A GraphQL API of AppSync.
    AppSync,
}

impl AuthorizerRequest {
    /// Reads the event of an authorizer.
    ///
    /// # Errors
    ///
    /// A masked 500 if the text is not a JSON object, or a member has the wrong type or occurs
    /// twice; 400 for a header that contains a line end or NUL.
    pub fn read(event: &str) -> Result<Self, AppError> {
        Self::of(&RawEvent::read(event)?)
    }

    fn of(event: &RawEvent<'_>) -> Result<Self, AppError> {
        let read = |object| -> Result<_, JsonError> {
            let (source, resource) = asked(object)?;
            let request = source.request(object, &resource)?;
            Ok((source, resource, token(object)?, request))
        };
        let object = event.root().object().map_err(malformed)?;
        let (source, resource, token, request) = read(object).map_err(malformed)?;
        let request = request.normalize(None).map_err(|rejected| rejected.error)?;
        Ok(Self { source, resource, request, token })
    }

    /// Returns the value from the first identity source in the authorizer's configuration, or else
    /// the `authorization` header, or else an empty text.
    #[must_use]
    pub fn token(&self) -> &str {
        if self.token.is_empty() { self.request.header("authorization") } else { &self.token }
    }

    /// Returns the [token](Self::token) without its scheme, if that is `Bearer` (RFC 6750 §2.1).
    #[must_use]
    pub fn bearer_token(&self) -> Option<&str> {
        let (scheme, token) = self.token().trim().split_once(' ')?;
        let token = token.trim();
        (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
    }
}

impl AuthorizerSource {
    fn request<'a>(
        self,
        event: Object<'a, '_>,
        resource: &str,
    ) -> Result<RawRequest<'a>, JsonError> {
        match self {
            Self::RestToken => {
                let (method, path) = method_and_path(resource);
                Ok(RawRequest::new(method, &path))
            }
            Self::RestRequest | Self::HttpApiV1 => {
                unauthorized_request(HttpSource::ApiGatewayV1, event)
            }
            Self::HttpApiV2 => unauthorized_request(HttpSource::ApiGatewayV2, event),
            Self::WebSocket => WebSocketEvent::unauthorized(event),
            Self::AppSync => {
                let fields = event.object("requestHeaders")?.sorted(Value::text)?.into_iter();
                let owned = fields.map(|(name, value)| (name.into_owned(), value.into_owned()));
                Ok(RawRequest { headers: owned.collect(), ..RawRequest::new("POST", "/graphql") })
            }
        }
    }
}

/// Returns whether an event is for an AppSync authorizer: it has a token and a query.
pub(super) fn is_of_appsync(event: Object<'_, '_>) -> bool {
    let context = event.get("requestContext").ok().and_then(|context| context.object().ok());
    let says = |name| context.and_then(|context| context.get(name).ok()?.filled_text());
    let token = event.get("authorizationToken").ok().and_then(Value::filled_text);
    token.is_some() && says("apiId").is_some() && says("queryString").is_some()
}

/// Returns the kind of API, and the ARN.
fn asked(event: Object<'_, '_>) -> Result<(AuthorizerSource, String), JsonError> {
    if !asks_authorizer(event)? {
        return Ok((AuthorizerSource::AppSync, String::new()));
    }
    let (method_arn, route_arn) = (event.text("methodArn")?, event.text("routeArn")?);
    let connection = event.get("requestContext")?.member("connectionId");
    let source = if method_arn.trim().is_empty() {
        AuthorizerSource::HttpApiV2
    } else if event.text("type")?.trim() == "TOKEN" {
        AuthorizerSource::RestToken
    } else if connection.filled_text().is_some() {
        AuthorizerSource::WebSocket
    } else if event.get("version")?.is("1.0") {
        AuthorizerSource::HttpApiV1
    } else {
        AuthorizerSource::RestRequest
    };
    let arn = if source == AuthorizerSource::HttpApiV2 { route_arn } else { method_arn };
    Ok((source, arn.trim().to_string()))
}

/// Returns the token: payload format 2.0 has a list of identity sources, all others have a text.
fn token(event: Object<'_, '_>) -> Result<String, JsonError> {
    let own = event.text("authorizationToken")?;
    if !own.is_empty() {
        return Ok(own.into_owned());
    }
    let source = event.get("identitySource")?;
    let first = match source.list() {
        Ok(mut list) => list.next().map(|first| first.text()),
        Err(_) => Some(source.text()),
    };
    first.transpose().map(|token| token.unwrap_or_default().into_owned())
}

/// Returns the method and path in
/// `arn:{partition}:execute-api:{region}:{account}:{api}/{stage}/{METHOD}/{path}`.
fn method_and_path(arn: &str) -> (&str, String) {
    let mut parts = resource_of(arn).splitn(4, '/').skip(2);
    let method = parts.next().unwrap_or_default();
    (method, format!("/{}", parts.next().unwrap_or_default()))
}

fn resource_of(arn: &str) -> &str {
    arn.splitn(6, ':').nth(5).unwrap_or_default()
}

fn malformed(cause: JsonError) -> Error {
    Error::malformed("authorizer event", cause)
}

/// The response of a Lambda authorizer: whether the request is allowed, and data about its caller.
///
/// ```
/// use apptheory_core::events::AuthorizerPolicy;
///
/// let policy = AuthorizerPolicy::allow("user-7").context("plan", "pro").context("admin", false);
/// ```
///
/// By default a policy applies only to the method and path of the request. API Gateway caches
/// policies by token, as configured (by default for five minutes): within this time, requests with
/// the same token to other routes are refused. Respond for the [whole stage](Self::whole_stage), or
/// disable the cache. A response to AppSync names no route: while it is cached, it applies to every
/// operation with the same token.
#[derive(Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct AuthorizerPolicy {
    effect: Effect,
    principal: String,
    scope: Scope,
    context: Map<String, Json>,
    usage_key: Option<String>,
    is_simple: bool,
    denied_fields: Vec<String>,
    /// The original response; if set, the other fields are ignored.
    written: Option<Map<String, Json>>,
}

prints!(AuthorizerPolicy: effect, principal, scope);

#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
enum Effect {
    Allow,
    Deny,
}

/// The resources of the policy.
#[derive(Clone, Debug, Deserialize, Serialize)]
enum Scope {
    Asked,
    Stage,
    Resources(Vec<String>),
}

impl AuthorizerPolicy {
    /// Allows the request. `principal` identifies the caller; if it is blank, the invocation fails.
    #[must_use]
    pub fn allow(principal: impl Into<String>) -> Self {
        Self::of(Effect::Allow, principal.into())
    }

    /// Denies the request: the client gets a 403.
    ///
    /// For a 401, return [`AppError::unauthorized`] instead of a policy.
    #[must_use]
    pub fn deny() -> Self {
        Self::of(Effect::Deny, "unknown".to_string())
    }

    fn of(effect: Effect, principal: String) -> Self {
        Self {
            effect,
            principal,
            scope: Scope::Asked,
            context: Map::new(),
            usage_key: None,
            is_simple: false,
            denied_fields: Vec::new(),
            written: None,
        }
    }

    /// Creates the policy of a response that is passed on unchanged.
    pub(super) fn of_written(answer: Map<String, Json>) -> Self {
        Self { written: Some(answer), ..Self::deny() }
    }

    /// Adds data about the caller, for the function behind the API: a string, a number or a
    /// boolean. Any other value fails the invocation, because API Gateway does not accept it. REST
    /// and WebSocket APIs convert all values to strings.
    #[must_use]
    pub fn context(mut self, name: &str, value: impl Into<Json>) -> Self {
        self.context.insert(name.to_string(), value.into());
        self
    }

    /// Applies the policy to every method and path of the request's stage.
    #[must_use]
    pub fn whole_stage(self) -> Self {
        Self { scope: Scope::Stage, ..self }
    }

    /// Applies the policy to these ARNs, which may contain the wildcards `*` and `?`. To AppSync
    /// and in the [simple](Self::simple) form, where responses have no resources, allowing specific
    /// resources fails the invocation.
    #[must_use]
    pub fn resources<T: Into<String>>(self, arns: impl IntoIterator<Item = T>) -> Self {
        Self { scope: Scope::Resources(arns.into_iter().map(T::into).collect()), ..self }
    }

    /// Sets the API key of the usage plan by which the request is counted, in REST APIs whose
    /// `apiKeySource` is `AUTHORIZER`.
    #[must_use]
    pub fn usage_identifier_key(self, key: impl Into<String>) -> Self {
        Self { usage_key: Some(key.into()), ..self }
    }

    /// Responds in the simple form to HTTP APIs with payload format 2.0. They accept it only if the
    /// authorizer has `EnableSimpleResponses`. Other APIs still get a policy.
    ///
    /// A simple response names no route. While it is cached, it applies to every route with the
    /// same identity: add `$context.routeKey` to the identity sources, or disable the cache. A
    /// policy for specific [resources](Self::resources) has no simple form: the invocation fails.
    #[must_use]
    pub fn simple(self) -> Self {
        Self { is_simple: true, ..self }
    }

    /// Denies fields of a GraphQL API, such as `Mutation.deleteOrder`: they become null. For any
    /// other API such a policy fails the invocation.
    #[must_use]
    pub fn deny_fields<T: Into<String>>(mut self, fields: impl IntoIterator<Item = T>) -> Self {
        self.denied_fields.extend(fields.into_iter().map(T::into));
        self
    }

    fn write(self, source: AuthorizerSource, asked: &str) -> Result<Json, NotAccepted> {
        if let Some(written) = self.written {
            return written::check(written, source);
        }
        if self.principal.trim().is_empty() {
            return Err(not_accepted("the principal of a policy must not be blank"));
        }
        written::check_context(&self.context)?;
        let is_allowed = self.effect == Effect::Allow;
        let is_bare = source == AuthorizerSource::AppSync
            || (self.is_simple && source == AuthorizerSource::HttpApiV2);
        if is_bare && is_allowed && matches!(self.scope, Scope::Resources(_)) {
            return Err(not_accepted("a response without a policy document cannot have resources"));
        }
        if source == AuthorizerSource::AppSync {
            return Ok(json!({"isAuthorized": is_allowed, "resolverContext": self.context,
                "deniedFields": self.denied_fields}));
        }
        if !self.denied_fields.is_empty() {
            return Err(not_accepted("only AppSync can deny fields"));
        }
        if self.is_simple && source == AuthorizerSource::HttpApiV2 {
            return Ok(json!({"isAuthorized": is_allowed, "context": self.context}));
        }
        let resources = match self.scope {
            Scope::Asked if is_allowed && holds_wildcards(asked) => {
                return Err(not_accepted(
                    "the path that was asked about holds `*`, `?` or `$`, which would allow other \
                     paths: use `whole_stage` or `resources`",
                ));
            }
            Scope::Asked => Vec::from([asked.to_string()]),
            Scope::Stage => Vec::from([stage_of(asked).into_owned()]),
            Scope::Resources(arns) if arns.iter().all(|arn| arn.trim().is_empty()) => {
                return Err(not_accepted("a policy needs at least one resource"));
            }
            Scope::Resources(arns) => arns,
        };
        let document = json!({
            "Version": "2012-10-17",
            "Statement": [{
                "Action": "execute-api:Invoke",
                "Effect": self.effect,
                "Resource": resources,
            }],
        });
        let mut answer = Map::new();
        answer.insert("principalId".into(), self.principal.into());
        answer.insert("policyDocument".into(), document);
        answer.insert("context".into(), self.context.into());
        answer.extend(self.usage_key.map(|key| ("usageIdentifierKey".into(), key.into())));
        Ok(answer.into())
    }
}

/// Returns whether the client's part of an ARN contains wildcards: in policies, `*` and `?` match
/// other characters, and `${` begins a variable. The stage may be `$default`, and a test in the
/// console has the stage `*`.
fn holds_wildcards(arn: &str) -> bool {
    let path = resource_of(arn).splitn(3, '/').nth(2).unwrap_or_default();
    path.contains(['*', '?']) || path.contains("${")
}

/// Returns the ARN of a whole stage; an ARN without a stage stays unchanged.
fn stage_of(arn: &str) -> Cow<'_, str> {
    let resource = resource_of(arn);
    let mut segments = resource.splitn(3, '/');
    let (Some(api), Some(stage), Some(_)) = (segments.next(), segments.next(), segments.next())
    else {
        return Cow::Borrowed(arn);
    };
    let head = arn.strip_suffix(resource).unwrap_or_default();
    Cow::Owned(format!("{head}{api}/{stage}/*"))
}

pub(super) const fn not_accepted(why: &'static str) -> NotAccepted {
    NotAccepted { service: "an API with a Lambda authorizer", why }
}

pub(super) fn answer(event: &RawEvent<'_>, output: Json) -> Result<Json, AppError> {
    let (source, resource) = event.root().object().and_then(asked).map_err(malformed)?;
    let policy: AuthorizerPolicy = serde_json::from_value(output)
        .map_err(|_| not_accepted("it is not an `AuthorizerPolicy`"))?;
    Ok(policy.write(source, &resource)?)
}

/// API Gateway responds with 401 for exactly this text (*API Gateway Developer Guide*, "Output from
/// an API Gateway Lambda authorizer"), and with 500 for any other error.
pub(super) fn failed(error: AppError) -> AppError {
    if error.status() != 401 {
        return error;
    }
    AppError::new(code::UNAUTHORIZED, "Unauthorized").with_status(401).with_cause(error)
}

#[cfg(test)]
mod tests;
