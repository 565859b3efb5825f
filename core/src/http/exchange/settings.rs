//! What an application decides once for all of its routes.

use core::num::NonZeroU64;

use super::cors::Cors;
use crate::http::ErrorFormat;

/// How much of the pipeline runs.
///
/// | | `P0` | `P1` | `P2` |
/// |---|---|---|---|
/// | routes, normal forms, errors | yes | yes | yes |
/// | request ids, tenants, limits, CORS, authentication | – | yes | yes |
/// | policies, records | – | – | yes |
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
pub enum Tier {
    /// Routes only.
    P0,
    /// With guards.
    P1,
    /// With guards, policies and records.
    #[default]
    P2,
}

/// How large bodies may be, in bytes. `None` is any size.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Limits {
    /// The largest body of a request, decoded. A larger one is answered with 413 before it is
    /// routed.
    pub max_request_bytes: Option<NonZeroU64>,
    /// The largest body of a response, before it is encoded for the provider. A larger one is
    /// replaced by a 413; a stream ends at it.
    pub max_response_bytes: Option<NonZeroU64>,
}

/// When the host is asked for its policy.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum PolicyStage {
    /// Before the caller is authenticated: cheaper, and the policy does not know who calls.
    BeforeAuthentication,
    /// After the caller is authenticated: for policies per caller.
    AfterAuthentication,
}

/// What an application decides once for all of its routes.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct HttpSettings {
    /// How much of the pipeline runs.
    pub tier: Tier,
    /// The shape of error bodies.
    pub error_format: ErrorFormat,
    /// How large bodies may be.
    pub limits: Limits,
    /// Cross-origin rules.
    pub cors: Cors,
    /// Whether, and when, the host is asked for a [`DecidePolicy`](super::DecidePolicy).
    pub policy: Option<PolicyStage>,
    /// Whether the host answers [`Authenticate`](super::Authenticate). Without it, protected routes
    /// answer 401.
    pub authenticates: bool,
    /// Lets `GET` routes serve `HEAD`: their answers go without a body.
    pub head_as_get: bool,
    /// Takes the tenant from the trimmed `x-tenant-id` field or the
    /// [`Principal`](super::Principal) only. Otherwise a `tenant` in the query names it, too, when
    /// the field is not there.
    pub strict_tenant: bool,
    /// Leaves out stack traces that errors carry.
    pub hides_stack_traces: bool,
    /// Records the route's pattern as the path of metrics and spans, and `unmatched` where there is
    /// none: their number is then bounded by the application, not by its clients.
    pub records_patterns: bool,
}

impl Default for HttpSettings {
    fn default() -> Self {
        Self {
            tier: Tier::P2,
            error_format: ErrorFormat::Nested,
            limits: Limits::default(),
            cors: Cors::default(),
            policy: None,
            authenticates: false,
            head_as_get: false,
            strict_tenant: false,
            hides_stack_traces: false,
            records_patterns: false,
        }
    }
}

/// Settings that contradict each other. Nothing is served with them.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum SettingsError {
    /// The tier would not do what is set: choose a higher one, or leave the setting out.
    #[error("the tier {tier:?} does not enforce {setting}: choose {enough:?} or leave it out")]
    NotEnforced {
        /// What would not be enforced.
        setting: &'static str,
        /// The tier that was chosen.
        tier: Tier,
        /// The lowest tier that enforces it.
        enough: Tier,
    },
    /// Credentials are allowed to every origin: list the origins that may send them.
    #[error("CORS allows credentials to every origin: list origins instead of `*`")]
    CredentialsToAll,
}

impl HttpSettings {
    /// The settings in their one form, if they can be kept.
    pub(super) fn normalized(self) -> Result<Self, SettingsError> {
        let guards = [
            ("limits", self.limits != Limits::default()),
            ("CORS", self.cors != Cors::default()),
            ("authentication", self.authenticates),
        ];
        let guards = guards.into_iter().map(|(setting, is_set)| (setting, is_set, Tier::P1));
        let needed = guards.chain([("policies", self.policy.is_some(), Tier::P2)]);
        for (setting, is_set, enough) in needed {
            if is_set && self.tier < enough {
                return Err(SettingsError::NotEnforced { setting, tier: self.tier, enough });
            }
        }
        let cors = self.cors.normalized();
        if cors.gives_credentials_to_all() {
            return Err(SettingsError::CredentialsToAll);
        }
        Ok(Self { cors, ..self })
    }
}
