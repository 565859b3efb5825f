//! The settings of an HTTP application.

use alloc::string::String;
use core::num::NonZeroU64;

use serde::Deserialize;

use super::cors::Cors;
use super::setup_error::SetupError;
use crate::error::{AppError, ErrorFormat, code};
use crate::http::{JsonReading, Request};
use crate::size;

/// Selects how much of the pipeline runs.
///
/// | | `Bare` | `Identified` | `Observed` |
/// |---|---|---|---|
/// | routes, normal forms, errors | yes | yes | yes |
/// | request ids, tenants, limits, CORS, authentication | – | yes | yes |
/// | policies, records | – | – | yes |
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, Ord, PartialEq, PartialOrd)]
#[serde(rename_all = "snake_case")]
pub enum Pipeline {
    /// Routing only.
    Bare,
    /// Routing and guards.
    Identified,
    /// Routing, guards, policies and records.
    #[default]
    Observed,
}

/// The largest bodies, in bytes. `None` means unlimited.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// The largest request body after decoding. A larger body is answered with 413 before routing.
    #[serde(deserialize_with = "size::deserialize_limit")]
    pub max_request_bytes: Option<NonZeroU64>,
    /// The largest response body, before it is encoded for the provider. A larger body is replaced
    /// by a 413; a stream ends at this size.
    #[serde(deserialize_with = "size::deserialize_limit")]
    pub max_response_bytes: Option<NonZeroU64>,
}

/// Says when the host is asked for its policy.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "snake_case")]
pub enum PolicyStage {
    /// Before authentication: cheaper, but the policy does not know the caller.
    BeforeAuthentication,
    /// After authentication: for policies per caller.
    AfterAuthentication,
}

/// Says who may name the tenant of a request that has no verified tenant. The tenant that Lambda
/// [runs the invocation for](crate::http::platform::PlatformContext::tenant_id), and that of the
/// [`Principal`](super::Principal), always take precedence.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "snake_case")]
pub enum TenantSource {
    /// The tenant is never taken from the request.
    #[default]
    Principal,
    /// The `x-tenant-id` header, trimmed. Any client can name any tenant, so use it only behind a
    /// proxy that sets the header itself.
    Field,
    /// The `x-tenant-id` header, or else the query parameter `tenant`. Any client, and any link,
    /// can name any tenant.
    FieldOrQuery,
}

/// The settings of an application, for all of its routes. Missing members of a configuration file
/// have their [default](Self::default).
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
    /// The format of error bodies.
    pub error_format: ErrorFormat,
    /// The status of [`code::TIMEOUT`]: 504. The server was too slow; 408 would blame the client
    /// (RFC 9110 §15.5.9, §15.6.5), which may then send the request again.
    pub timeout_status: u16,
    /// The largest bodies.
    pub limits: Limits,
    /// Cross-origin rules. Without rules, pages of other origins cannot read responses, and
    /// preflight requests are handled like any other request.
    pub cors: Option<Cors>,
    /// Whether, and when, the host is asked to [`DecidePolicy`](super::DecidePolicy).
    pub policy: Option<PolicyStage>,
    /// Whether the host can [`Authenticate`](super::Authenticate) callers. If not, protected routes
    /// cannot be registered. The host sets this; it is not part of a configuration file.
    #[serde(skip)]
    pub authenticates: bool,
    /// Lets `GET` routes serve `HEAD` requests (RFC 9110 §9.3.2).
    pub head_as_get: bool,
    /// Who may name the tenant of a request that has no verified tenant.
    pub tenant: TenantSource,
    /// How bodies are parsed as JSON.
    pub json: JsonReading,
    /// Shows the stack traces of errors to clients, including attackers.
    pub shows_stack_traces: bool,
    /// Keeps `connection` headers in responses to providers; streams and a server's own connections
    /// never have them.
    pub keeps_connection_fields: bool,
    /// Replaces a response that is too large by a masked 500 instead of a 413. For clients that
    /// treat a 413 as their own mistake, and retry with a smaller request.
    pub masks_too_large_responses: bool,
    /// Records the route's pattern, or `unmatched`, as the path in metrics and spans. The
    /// application, not its clients, then bounds their number.
    pub records_patterns: bool,
    /// Accepts routes that are probably mistakes; see
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
    /// Returns the error that replaces a response that is too large.
    #[must_use]
    pub fn response_too_large(&self) -> AppError {
        let error = AppError::response_too_large();
        if self.masks_too_large_responses { AppError::internal().with_cause(error) } else { error }
    }

    /// Checks and normalizes the settings.
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
