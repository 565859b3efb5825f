//! The contract profile: one value with every setting under which the portable cases of the
//! contract are answered, so that hosts in other languages agree with this one.
//!
//! The fixture runner uses it. Applications do not: what they get without saying anything is safer.
//! Each member documents how it differs from the default.

use core::time::Duration;

use crate::http::JsonReading;
use crate::http::exchange::{Cors, HttpSettings, TenantSource};
use crate::limiter::Coverage;
use crate::limiter::headers::HeaderStyle;
use crate::limiter::http::KeyPolicy;
use crate::observe::emf::Emf;

/// The settings of the contract; made by [`profile`].
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ContractSettings {
    /// How requests are answered: any origin is named, HEAD is not implied, any page may send JSON,
    /// clients name their tenant, stack traces and the `connection` of event streams are shown, and
    /// what was not done in time is 408.
    pub http: HttpSettings,
    /// Which counter a request belongs to: one that clients choose. See [`KeyPolicy::contract`].
    pub rate_limit_key: KeyPolicy,
    /// How long before its deadline an invocation is cut short. The contract knows of no reserve, so
    /// that a handler sees all the time that its invocation has left.
    pub reserve: Duration,
    /// How a limiter's decisions look on responses: the reset is the end of the limiting window, and
    /// failing open writes zeros. By default the reset is when room comes back, and failing open
    /// writes its marker alone.
    pub rate_limit_headers: HeaderStyle,
    /// CloudWatch's metrics of requests. They are broken down by method, path and tenant as clients
    /// send them, each combination of which is billed.
    pub emf: Emf,
    /// Which sub-windows sliding windows sum up: fewer than by default, so that less is promised.
    pub coverage: Coverage,
    /// By how much callers' clocks may differ. The contract knows of no difference, so that its cases
    /// never wait.
    pub skew_allowance: Duration,
}

/// Returns the settings of the contract. Use it to answer the contract's cases, or to migrate from
/// another implementation of it.
#[must_use]
pub fn profile() -> ContractSettings {
    let http = HttpSettings {
        cors: Some(Cors { reflects: true, ..Cors::default() }),
        timeout_status: 408,
        head_as_get: false,
        tenant: TenantSource::FieldOrQuery,
        json: JsonReading::Contract,
        shows_stack_traces: true,
        keeps_connection_fields: true,
        permissive_routes: true,
        ..HttpSettings::default()
    };
    ContractSettings {
        http,
        reserve: Duration::ZERO,
        rate_limit_headers: HeaderStyle::Contract,
        emf: Emf::by_tags(),
        rate_limit_key: KeyPolicy::contract(),
        coverage: Coverage::Aligned,
        skew_allowance: Duration::ZERO,
    }
}
