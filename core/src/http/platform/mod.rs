//! What the platform says of a request: who its authorizer found out the caller is, and the rest of
//! the event's `requestContext` and `stageVariables`.
//!
//! This module decides where each kind of API keeps these, and how their values are read. It refuses
//! to know what a handler may do with them. API Gateway and Lambda write them, so that they are as
//! good as the authorizer that is configured there; clients cannot.
//!
//! | | HTTP API (2.0), function URL | REST API, HTTP API (1.0), WebSocket API | load balancer, local server |
//! |---|---|---|---|
//! | [claims](PlatformContext::claims) | `authorizer.jwt.claims` | `authorizer.claims` | – |
//! | [scopes](PlatformContext::scopes) | `authorizer.jwt.scopes` | `authorizer.scopes`, else the claim `scope` | – |
//! | [authorizer](PlatformContext::authorizer) | `authorizer.lambda` | the other members of `authorizer` | – |
//! | [principal id](PlatformContext::principal_id) | – | `authorizer.principalId` | – |
//! | [IAM](PlatformContext::iam_identity) | `authorizer.iam` | `identity`, if it has a `userArn` | – |
//! | [Cognito](PlatformContext::cognito_identity) | `authorizer.iam.cognitoIdentity` | `identity.cognitoIdentityId` | – |
//! | [certificate](PlatformContext::client_certificate) | `authentication.clientCert` | `identity.clientCert` | – |
//!
//! Load balancers pass what they know in header fields such as `x-amzn-oidc-data`. A caller that
//! reaches the function in another way can write those too, so they are header fields like any other:
//! check the signature before you rely on them.
//!
//! API Gateway writes many numbers and Booleans as texts: those of JWT claims in HTTP APIs, and what
//! Lambda authorizers of REST APIs answer. Where a type asks for a number or a Boolean, such a text is
//! read as one. Lists in claims of HTTP APIs are one text as well (`[admin staff]`), which cannot be
//! split without doubt: read them as a `String`.
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

/// What the event of a request says beside the request. It is kept as text, and parsed when somebody
/// asks; `Debug` prints nothing of it.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct PlatformContext {
    /// The event's `requestContext`.
    pub request_context: EventJson,
    /// The event's `stageVariables`.
    pub stage_variables: EventJson,
    /// The tenant that Lambda runs the invocation for, where the function isolates its tenants. It
    /// comes with the invocation, not in its event; the host sets it, and it outranks every other
    /// tenant.
    pub tenant_id: Option<String>,
}

impl PlatformContext {
    /// Reads the whole `requestContext` as a value of a type. `None` when the event has none.
    ///
    /// # Errors
    ///
    /// [`Error`] when it has another shape.
    pub fn request_context<T: DeserializeOwned>(&self) -> Result<Option<T>, Error> {
        self.request_context.read(REQUEST_CONTEXT)
    }

    /// Reads the stage variables as a value of a type. An API without any has the same as one with an
    /// empty object.
    ///
    /// # Errors
    ///
    /// [`Error`] when they have another shape, such as one that lacks a member of the type.
    pub fn stage_variables<T: DeserializeOwned>(&self) -> Result<T, Error> {
        const NAME: &str = "stageVariables";
        match self.stage_variables.as_str() {
            "" => read_json("{}", NAME),
            text => read_json(text, NAME),
        }
    }

    /// Reads the claims that a JWT authorizer of an HTTP API, or a Cognito authorizer of a REST API,
    /// checked. `None` when the route has neither.
    ///
    /// # Errors
    ///
    /// [`Error`] when they have another shape.
    pub fn claims<T: DeserializeOwned>(&self) -> Result<Option<T>, Error> {
        self.read_at(CLAIMS)
    }

    /// Returns what the caller's token allows: the scopes that API Gateway lists, else the claim
    /// `scope`, split at blanks. `None` when no authorizer checked a token.
    ///
    /// # Errors
    ///
    /// [`Error`] when they have another shape.
    pub fn scopes(&self) -> Result<Option<Vec<String>>, Error> {
        let Some(Scoped { scope }) = self.claims()? else { return Ok(None) };
        let listed: Option<Vec<String>> = self.read_at(SCOPES)?;
        let claimed = || scope.unwrap_or_default().split_whitespace().map(String::from).collect();
        Ok(Some(listed.filter(|scopes| !scopes.is_empty()).unwrap_or_else(claimed)))
    }

    /// Reads what a Lambda authorizer answered as its context. `None` when the route has no Lambda
    /// authorizer.
    ///
    /// # Errors
    ///
    /// [`Error`] when it has another shape.
    pub fn authorizer<T: DeserializeOwned>(&self) -> Result<Option<T>, Error> {
        self.at(AUTHORIZER, |place| {
            // Claims are of an authorizer that checks tokens, and answers nothing else.
            if place.value.member("claims").is_object() {
                return Ok(None);
            }
            place.read_without(&NOT_OF_CONTEXT).map(Some)
        })
    }

    /// Returns who a Lambda authorizer of a REST or WebSocket API said is calling, trimmed. `None`
    /// when it did not say, or the route has no Lambda authorizer.
    ///
    /// # Errors
    ///
    /// [`Error`] when it is no text.
    pub fn principal_id(&self) -> Result<Option<String>, Error> {
        let id: Option<String> = self.read_at(PRINCIPAL_ID)?;
        Ok(id.map(|id| id.trim().to_string()).filter(|id| !id.is_empty()))
    }

    /// Reads who signed the request with AWS credentials. `None` when the route does not ask for a
    /// signature.
    ///
    /// # Errors
    ///
    /// [`Error`] when a member has another type.
    pub fn iam_identity(&self) -> Result<Option<IamIdentity>, Error> {
        match self.read_at(IAM)? {
            Some(iam) => Ok(Some(iam)),
            None => Ok(self.read_at(IDENTITY)?.and_then(Identity::iam)),
        }
    }

    /// Reads which identity of a Cognito identity pool signed the request. Its credentials may be
    /// those of guests: see [`CognitoIdentity::amr`]. `None` when it was not signed with such
    /// credentials.
    ///
    /// # Errors
    ///
    /// [`Error`] when a member has another type.
    pub fn cognito_identity(&self) -> Result<Option<CognitoIdentity>, Error> {
        match self.read_at(COGNITO)? {
            Some(pool) => Ok(PoolIdentity::cognito(pool)),
            None => Ok(self.read_at(IDENTITY)?.and_then(Identity::cognito)),
        }
    }

    /// Reads the certificate that the client proved to have (mutual TLS), which API Gateway checked
    /// against the trust store of its custom domain. `None` when the domain does not ask for one.
    ///
    /// # Errors
    ///
    /// [`Error`] when a member has another type.
    pub fn client_certificate(&self) -> Result<Option<ClientCertificate>, Error> {
        self.read_at(CERTIFICATE)
    }

    fn read_at<T: DeserializeOwned>(&self, places: Places) -> Result<Option<T>, Error> {
        self.at(places, |place| place.read().map(Some))
    }

    /// Looks at the value that is at one of these places, depending on the format; `None` when it is
    /// missing or null.
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

/// Where a value is in `requestContext`, by payload format: names from the outside in. An empty path
/// is nowhere.
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

/// What API Gateway adds to the context of a Lambda authorizer in payload format 1.0.
const NOT_OF_CONTEXT: [&str; 2] = ["principalId", "integrationLatency"];

/// The only one of a token's claims that this module knows.
#[derive(serde::Deserialize)]
struct Scoped {
    scope: Option<String>,
}

const REQUEST_CONTEXT: &str = "requestContext";
