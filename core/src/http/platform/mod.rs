//! The platform's context of a request: authorizer results, `requestContext` and stage variables.
//!
//! API Gateway and Lambda write this data and clients cannot, so it is as trustworthy as the
//! configured authorizer. Each kind of API has another place for it:
//!
//! | | HTTP API (2.0), function URL | REST, WebSocket and HTTP API (1.0) |
//! |---|---|---|
//! | [claims] | `authorizer.jwt.claims` | `authorizer.claims` |
//! | [scopes] | `authorizer.jwt.scopes` | `authorizer.scopes`, or else the claim `scope` |
//! | [authorizer] | `authorizer.lambda` | the other members of `authorizer` |
//! | [principal id] | – | `authorizer.principalId` |
//! | [IAM] | `authorizer.iam` | `identity`, if it has a `userArn` |
//! | [Cognito] | `authorizer.iam.cognitoIdentity` | `identity.cognitoIdentityId` |
//! | [certificate] | `authentication.clientCert` | `identity.clientCert` |
//!
//! Load balancers and local servers have no context. Load balancers use headers such as
//! `x-amzn-oidc-data`, which a client that reaches the function in another way can forge: check
//! their signature before you rely on them.
//!
//! API Gateway writes many numbers and booleans as strings: in JWT claims of HTTP APIs, and in the
//! results of Lambda authorizers of REST APIs. If a type requires a number or boolean, such strings
//! are converted. Lists in claims of HTTP APIs are strings as well (`[admin staff]`), which cannot
//! be split reliably: read them as a `String`.
//!
//! [claims]: PlatformContext::claims
//! [scopes]: PlatformContext::scopes
//! [authorizer]: PlatformContext::authorizer
//! [principal id]: PlatformContext::principal_id
//! [IAM]: PlatformContext::iam_identity
//! [Cognito]: PlatformContext::cognito_identity
//! [certificate]: PlatformContext::client_certificate
//!
//! ```
//! use apptheory_core::events::HttpSource;
//!
//! #[derive(serde::Deserialize)]
//! struct Claims { sub: String, exp: u64 }
//!
//! let event = r#"{"requestContext":{"http":{"method":"GET","path":"/"},
//!     "authorizer":{"jwt":{"claims":{"sub":"ann","exp":"1790000000"},"scopes":["read"]}}}}"#;
//! let request = HttpSource::ApiGatewayV2.read_request(event)?.normalize(None)?;
//! let claims: Claims = request.platform.claims()?.expect("the route has a JWT authorizer");
//! assert_eq!((&*claims.sub, claims.exp), ("ann", 1_790_000_000));
//! # Ok::<(), Box<dyn core::error::Error>>(())
//! ```

mod caller;
mod event_json;
mod lenient;
#[cfg(test)]
mod tests;

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use serde::de::DeserializeOwned;

pub use caller::{ClientCertificate, CognitoIdentity, IamIdentity, Validity};
pub use event_json::{Error, EventJson};

use crate::document::Document;
use caller::{Identity, PoolIdentity};
use event_json::{Place, read_json};

/// The context of a request in its event. Kept as text, and parsed on demand; `Debug` prints
/// nothing of it.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct PlatformContext {
    /// The event's `requestContext`.
    pub request_context: EventJson,
    /// The event's `stageVariables`.
    pub stage_variables: EventJson,
    /// The tenant that Lambda runs the invocation for, in a function with tenant isolation. It is
    /// part of the invocation, not of the event; the host sets it, and it takes precedence over
    /// every other tenant.
    pub tenant_id: Option<String>,
}

impl PlatformContext {
    /// Deserializes the whole `requestContext`. `None` if the event has none.
    ///
    /// # Errors
    ///
    /// [`Error`] if it is not a valid `T`.
    pub fn request_context<T: DeserializeOwned>(&self) -> Result<Option<T>, Error> {
        self.request_context.read(REQUEST_CONTEXT)
    }

    /// Deserializes the stage variables. An API without stage variables has an empty object.
    ///
    /// # Errors
    ///
    /// [`Error`] if they are not a valid `T`, for example because a field is missing.
    pub fn stage_variables<T: DeserializeOwned>(&self) -> Result<T, Error> {
        const NAME: &str = "stageVariables";
        match self.stage_variables.as_str() {
            "" => read_json("{}", NAME),
            text => read_json(text, NAME),
        }
    }

    /// Deserializes the claims that a JWT authorizer of an HTTP API, or a Cognito authorizer of a
    /// REST API, has checked. `None` if the route has neither.
    ///
    /// # Errors
    ///
    /// [`Error`] if they are not a valid `T`.
    pub fn claims<T: DeserializeOwned>(&self) -> Result<Option<T>, Error> {
        self.read_at(CLAIMS)
    }

    /// Returns the scopes of the caller's token: those that API Gateway lists, or else the claim
    /// `scope`, split at spaces. `None` if no authorizer checked a token.
    ///
    /// # Errors
    ///
    /// [`Error`] if they have an unexpected type.
    pub fn scopes(&self) -> Result<Option<Vec<String>>, Error> {
        let Some(Scoped { scope }) = self.claims()? else { return Ok(None) };
        let listed: Option<Vec<String>> = self.read_at(SCOPES)?;
        let claimed = || scope.unwrap_or_default().split_whitespace().map(String::from).collect();
        Ok(Some(listed.filter(|scopes| !scopes.is_empty()).unwrap_or_else(claimed)))
    }

    /// Deserializes the context in a Lambda authorizer's result. `None` if the route has no Lambda
    /// authorizer.
    ///
    /// # Errors
    ///
    /// [`Error`] if it is not a valid `T`.
    pub fn authorizer<T: DeserializeOwned>(&self) -> Result<Option<T>, Error> {
        self.at(AUTHORIZER, |place| {
            // Claims belong to an authorizer that checks tokens, which returns no context.
            if place.value.member("claims").is_object() {
                return Ok(None);
            }
            place.read_without(&NOT_OF_CONTEXT).map(Some)
        })
    }

    /// Returns the caller's principal id from a Lambda authorizer of a REST or WebSocket API,
    /// trimmed. `None` if it returned none, or the route has no Lambda authorizer.
    ///
    /// # Errors
    ///
    /// [`Error`] if it is not a string.
    pub fn principal_id(&self) -> Result<Option<String>, Error> {
        let id: Option<String> = self.read_at(PRINCIPAL_ID)?;
        Ok(id.map(|id| id.trim().to_string()).filter(|id| !id.is_empty()))
    }

    /// Returns the identity that signed the request with AWS credentials. `None` if the route
    /// requires no signature.
    ///
    /// # Errors
    ///
    /// [`Error`] if a member has the wrong type.
    pub fn iam_identity(&self) -> Result<Option<IamIdentity>, Error> {
        match self.read_at(IAM)? {
            Some(iam) => Ok(Some(iam)),
            None => Ok(self.read_at(IDENTITY)?.and_then(Identity::iam)),
        }
    }

    /// Returns the identity of a Cognito identity pool that signed the request. It may be a guest:
    /// see [`CognitoIdentity::amr`]. `None` if the request was not signed with such credentials.
    ///
    /// # Errors
    ///
    /// [`Error`] if a member has the wrong type.
    pub fn cognito_identity(&self) -> Result<Option<CognitoIdentity>, Error> {
        match self.read_at(COGNITO)? {
            Some(pool) => Ok(PoolIdentity::cognito(pool)),
            None => Ok(self.read_at(IDENTITY)?.and_then(Identity::cognito)),
        }
    }

    /// Returns the client's certificate (mutual TLS), which API Gateway has checked against the
    /// trust store of its custom domain. `None` if the domain requires none.
    ///
    /// # Errors
    ///
    /// [`Error`] if a member has the wrong type.
    pub fn client_certificate(&self) -> Result<Option<ClientCertificate>, Error> {
        self.read_at(CERTIFICATE)
    }

    fn read_at<T: DeserializeOwned>(&self, places: Places) -> Result<Option<T>, Error> {
        self.at(places, |place| place.read().map(Some))
    }

    /// Reads the value at one of these places, depending on the format; `None` if it is missing or
    /// null.
    fn at<T>(
        &self,
        Places { v2, v1 }: Places,
        look: impl FnOnce(Place<'_, '_>) -> Result<Option<T>, Error>,
    ) -> Result<Option<T>, Error> {
        let text = self.request_context.as_str();
        if text.is_empty() {
            return Ok(None);
        }
        let document = Document::scan(text).map_err(|_| Error::new(REQUEST_CONTEXT, "JSON"))?;
        // Only payload format 2.0 has `http`.
        let is_v2 = document.root().member("http").is_object();
        let path = if is_v2 { v2 } else { v1 };
        match Place::find(&document, path)? {
            Some(place) if !path.is_empty() => look(place),
            _ => Ok(None),
        }
    }
}

/// The place of a value in `requestContext` by payload format: names from the outermost in. An
/// empty path means that there is no such value.
#[derive(Clone, Copy)]
struct Places {
    v2: &'static [&'static str],
    v1: &'static [&'static str],
}

const CLAIMS: Places =
    Places { v2: &["authorizer", "jwt", "claims"], v1: &["authorizer", "claims"] };
const SCOPES: Places =
    Places { v2: &["authorizer", "jwt", "scopes"], v1: &["authorizer", "scopes"] };
const AUTHORIZER: Places = Places { v2: &["authorizer", "lambda"], v1: &["authorizer"] };
const PRINCIPAL_ID: Places = Places { v2: &[], v1: &["authorizer", "principalId"] };
const IAM: Places = Places { v2: &["authorizer", "iam"], v1: &[] };
const COGNITO: Places = Places { v2: &["authorizer", "iam", "cognitoIdentity"], v1: &[] };
const IDENTITY: Places = Places { v2: &[], v1: &["identity"] };
const CERTIFICATE: Places =
    Places { v2: &["authentication", "clientCert"], v1: &["identity", "clientCert"] };

/// The members that API Gateway adds to a Lambda authorizer's context in payload format 1.0.
const NOT_OF_CONTEXT: [&str; 2] = ["principalId", "integrationLatency"];

/// The only claim of a token that this module reads.
#[derive(serde::Deserialize)]
struct Scoped {
    scope: Option<String>,
}

const REQUEST_CONTEXT: &str = "requestContext";
