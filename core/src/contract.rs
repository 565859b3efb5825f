//! The contract profile: the settings under which the portable contract cases are answered, so that
//! implementations in other languages agree with this one.
//!
//! The fixture runner uses the profile. Applications should not: the default settings are safer.
//! Each field documents how it differs from its default.

use core::time::Duration;

use crate::http::JsonReading;
use crate::http::exchange::{Cors, HttpSettings, TenantSource};
use crate::limiter::Coverage;
use crate::limiter::headers::HeaderStyle;
use crate::limiter::http::KeyPolicy;
use crate::observe::emf::Emf;

/// Holds the settings of the contract. [`profile`] returns them.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ContractSettings {
    /// How requests are answered: any origin is allowed, HEAD routes are not implied by GET routes,
    /// any page may send JSON, clients name their own tenant, stack traces are shown, event streams
    /// carry a `connection` header, and a timeout is 408.
    pub http: HttpSettings,
    /// How a request's counter is chosen: by values that clients control. See
    /// [`KeyPolicy::contract`].
    pub rate_limit_key: KeyPolicy,
    /// How long before its deadline an invocation is stopped. The contract has no reserve: a
    /// handler gets all the time that its invocation has left.
    pub reserve: Duration,
    /// How a limiter's decisions appear in response headers: the reset is the end of the limiting
    /// window, and failing open writes zeros. By default the reset is the time at which a request
    /// is allowed again, and failing open writes only its marker.
    pub rate_limit_headers: HeaderStyle,
    /// CloudWatch metrics of requests, with method, path and tenant as clients send them as
    /// dimensions. CloudWatch bills each combination.
    pub emf: Emf,
    /// Which sub-windows a sliding window sums up: fewer than by default, so the limit is weaker.
    pub coverage: Coverage,
    /// How far callers' clocks may differ. The contract assumes no difference, so that its cases
    /// never wait.
    pub skew_allowance: Duration,
}

/// Returns the settings of the contract. Use them to run the contract's cases, or to migrate from
/// another implementation of the contract.
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
