//! What an application decides once for all of its routes.

use alloc::string::String;
use core::num::NonZeroU64;

use serde::Deserialize;

use super::cors::Cors;
use super::setup_error::SetupError;
use crate::error::{AppError, ErrorFormat, code};
use crate::http::{JsonReading, Request};
use crate::size;

/// How much of the pipeline runs.
///
/// | | `Bare` | `Identified` | `Observed` |
/// |---|---|---|---|
/// | routes, normal forms, errors | yes | yes | yes |
/// | request ids, tenants, limits, CORS, authentication | – | yes | yes |
/// | policies, records | – | – | yes |
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, Ord, PartialEq, PartialOrd)]
#[serde(rename_all = "snake_case")]
pub enum Pipeline {
    /// Routes only.
    Bare,
    /// With guards.
    Identified,
    /// With guards, policies and records.
    #[default]
    Observed,
}

/// How large bodies may be, in bytes. `None` is any size.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// The largest body of a request, decoded. A larger one is answered with 413 before it is
    /// routed.
    #[serde(deserialize_with = "size::deserialize_limit")]
    pub max_request_bytes: Option<NonZeroU64>,
    /// The largest body of a response, before it is encoded for the provider. A larger one is
    /// replaced by a 413; a stream ends at it.
    #[serde(deserialize_with = "size::deserialize_limit")]
    pub max_response_bytes: Option<NonZeroU64>,
}

/// When the host is asked for its policy.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "snake_case")]
pub enum PolicyStage {
    /// Before the caller is authenticated: cheaper, and the policy does not know who calls.
    BeforeAuthentication,
    /// After the caller is authenticated: for policies per caller.
    AfterAuthentication,
}

/// Who names the tenant of a request, where nobody vouches for one: the tenant that Lambda
/// [runs the invocation for](crate::http::platform::PlatformContext::tenant_id) and that of the
/// [`Principal`](super::Principal) always come first.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "snake_case")]
pub enum TenantSource {
    /// Nobody.
    #[default]
    Principal,
    /// The `x-tenant-id` field, trimmed. Any client can name any tenant: choose it only behind a
    /// proxy that sets the field itself.
    Field,
    /// The `x-tenant-id` field, else a `tenant` in the query. Any client, and any link that somebody
    /// follows, can name any tenant.
    FieldOrQuery,
}

/// What an application decides once for all of its routes. Members that a file leaves out have
/// their [default](Self::default).
///
/// ```
/// use apptheory_core::http::exchange::{HttpSettings, PolicyStage};
///
/// let settings: HttpSettings = serde_json::from_str(r#"{
///     "limits": { "max_request_bytes": "1MiB", "max_response_bytes": "6MiB" },
///     "cors": { "allowed_origins": ["https://shop.example"], "max_age": "1h" },
///     "policy": "before_authentication",
///     "error_format": "flat_legacy"
/// }"#)?;
/// assert_eq!(settings.policy, Some(PolicyStage::BeforeAuthentication));
/// assert_eq!(settings.limits.max_request_bytes.map(|most| most.get()), Some(1 << 20));
///
/// let misspelled = serde_json::from_str::<HttpSettings>(r#"{ "limit": {} }"#);
/// assert!(misspelled.is_err());
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
#[serde(deny_unknown_fields, default)]
pub struct HttpSettings {
    /// How much of the pipeline runs.
    pub pipeline: Pipeline,
    /// The shape of error bodies.
    pub error_format: ErrorFormat,
    /// The status of [`code::TIMEOUT`]: 504. It is the server that was too slow; 408 would say that
    /// the client was (RFC 9110 §15.5.9, §15.6.5), and clients may then send the request again.
    pub timeout_status: u16,
    /// How large bodies may be.
    pub limits: Limits,
    /// Cross-origin rules. Without any, pages of other origins read nothing, and preflights are
    /// requests like any other.
    pub cors: Option<Cors>,
    /// Whether, and when, the host is asked for a [`DecidePolicy`](super::DecidePolicy).
    pub policy: Option<PolicyStage>,
    /// Whether the host answers [`Authenticate`](super::Authenticate). Without it, protected routes
    /// are not added. It is the host that knows: no file sets it.
    #[serde(skip)]
    pub authenticates: bool,
    /// Lets `GET` routes serve `HEAD` (RFC 9110 §9.3.2).
    pub head_as_get: bool,
    /// Who names the tenant of a request, where authentication does not.
    pub tenant: TenantSource,
    /// How bodies are read as JSON.
    pub json: JsonReading,
    /// Shows stack traces that errors carry to clients: they tell attackers what runs where.
    pub shows_stack_traces: bool,
    /// Leaves `connection` fields in responses, where providers get them; streams and connections of a
    /// server never do.
    pub keeps_connection_fields: bool,
    /// Answers a masked 500 in place of a response that is larger than allowed, instead of a 413: for
    /// clients that take a 413 for a mistake of their own, and ask again with less.
    pub masks_too_large_responses: bool,
    /// Records the route's pattern as the path of metrics and spans, and `unmatched` where there is
    /// none: their number is then bounded by the application, not by its clients.
    pub records_patterns: bool,
    /// Takes routes that no application means; see
    /// [`RouteTable::permissive`](crate::http::router::RouteTable::permissive).
    pub permissive_routes: bool,
}

impl Default for HttpSettings {
    fn default() -> Self {
        Self {
            pipeline: Pipeline::Observed,
            error_format: ErrorFormat::Nested,
            timeout_status: code::status(code::TIMEOUT),
            limits: Limits::default(),
            cors: None,
            policy: None,
            authenticates: false,
            head_as_get: true,
            tenant: TenantSource::Principal,
            json: JsonReading::JsonTypes,
            shows_stack_traces: false,
            keeps_connection_fields: false,
            masks_too_large_responses: false,
            records_patterns: false,
            permissive_routes: false,
        }
    }
}

impl TenantSource {
    /// Returns the tenant that a request names, or an empty text.
    pub(super) fn tenant_id(self, request: &Request) -> String {
        match self {
            Self::Principal => String::new(),
            Self::Field => request.headers.first("x-tenant-id").trim().into(),
            Self::FieldOrQuery => request.tenant_id().into(),
        }
    }
}

impl HttpSettings {
    /// Returns the error that takes the place of a response that is larger than allowed.
    #[must_use]
    pub fn response_too_large(&self) -> AppError {
        let error = AppError::response_too_large();
        if self.masks_too_large_responses { AppError::internal().with_cause(error) } else { error }
    }

    /// The settings in their one form, if they can be kept.
    pub(super) fn normalized(self) -> Result<Self, SetupError> {
        let guards = [
            ("limits", self.limits != Limits::default()),
            ("CORS", self.cors.is_some()),
            ("authentication", self.authenticates),
        ];
        let guards =
            guards.into_iter().map(|(setting, is_set)| (setting, is_set, Pipeline::Identified));
        let needed = guards.chain([("policies", self.policy.is_some(), Pipeline::Observed)]);
        for (setting, is_set, enough) in needed {
            if is_set && self.pipeline < enough {
                return Err(SetupError::NotEnforced { setting, pipeline: self.pipeline, enough });
            }
        }
        let cors = self.cors.map(Cors::normalized).transpose()?;
        Ok(Self { cors, ..self })
    }
}
