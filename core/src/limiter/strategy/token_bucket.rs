//! The token bucket's configuration.

use alloc::collections::BTreeMap;
use alloc::string::String;
use core::fmt;
use core::time::Duration;

use serde::Deserialize;

use super::check_window;
use super::exceptions::Exceptions;
use crate::duration::{self, write_duration_short};
use crate::limiter::error::Error;
use crate::limiter::setting::Setting;
use crate::time::Timestamp;

/// A steady rate with bursts, by the generic cell rate algorithm (ITU-T I.371): a bucket holds
/// `burst` tokens and regains `limit` of them every `period`; a request takes as many as it costs.
///
/// One number is stored per key: the instant at which the bucket is full again. There are no
/// windows and no boundaries.
///
/// **What it promises.** Over any span between two attempts, by the attempts' own `now`, at most
/// `limit × span / period + burst` units are admitted; by a clock on the wall, the span grows by the
/// time that a decision may take and by what clocks differ. A token takes a whole number of
/// nanoseconds to come back, rounded up: `limit` per second is enforced as `10⁹ / ⌈10⁹ / limit⌉`,
/// which is exact for the divisors of 10⁹, 0.001 % less at 30,000 per second, and up to half less
/// above 500 million.
///
/// **What it forgives.** A stored instant further ahead than the bucket takes to fill, and than the
/// clocks may [differ](crate::limiter::LimiterBuilder::skew_allowance), cannot be this limit's: the
/// limit was another one, a clock ran ahead, or more was
/// [recorded](crate::limiter::Limiter::record) than the bucket holds. The next decision takes the
/// bucket for empty, so that nobody is refused for longer than it takes to fill.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "Settings")]
pub struct TokenBucket {
    period: Duration,
    pub(in crate::limiter) rates: Exceptions<Rate>,
}

/// How fast one bucket refills, and how much it holds.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::limiter) struct Rate {
    /// Nanoseconds per token, at least 1; `None` when nothing is ever admitted.
    pub(in crate::limiter) interval: Option<i128>,
    /// Tokens that the full bucket holds.
    pub(in crate::limiter) burst: u32,
    /// Tokens that it regains in a period.
    pub(in crate::limiter) limit: i64,
    pub(in crate::limiter) period: Duration,
}

impl TokenBucket {
    /// Makes a bucket of `limit` tokens per `period`, and at most `burst` at once. A limit of zero
    /// or less admits nothing.
    ///
    /// # Errors
    ///
    /// [`Error`] unless the period is a whole number of seconds, at least one; for a burst of zero;
    /// above one token per nanosecond; and if the bucket takes more than 9,998 years to fill.
    pub fn new(period: Duration, limit: i64, burst: u32) -> Result<Self, Error> {
        check_window(period)?;
        Ok(Self { period, rates: Exceptions::new(Rate::new(period, limit, burst)?) })
    }

    /// Sets another rate and burst for one identifier. It wins over a resource's.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new).
    pub fn with_identifier_limit(
        mut self,
        identifier: &str,
        limit: i64,
        burst: u32,
    ) -> Result<Self, Error> {
        self.rates.for_identifier(identifier, Rate::new(self.period, limit, burst)?);
        Ok(self)
    }

    /// Sets another rate and burst for one resource.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new).
    pub fn with_resource_limit(
        mut self,
        resource: &str,
        limit: i64,
        burst: u32,
    ) -> Result<Self, Error> {
        self.rates.for_resource(resource, Rate::new(self.period, limit, burst)?);
        Ok(self)
    }
}

impl Rate {
    fn new(period: Duration, limit: i64, burst: u32) -> Result<Self, Error> {
        if burst == 0 {
            return Err(Setting::NoBurst.into());
        }
        let Ok(tokens @ 1..) = u128::try_from(limit) else {
            return Ok(Self { interval: None, burst, limit, period });
        };
        if tokens > period.as_nanos() {
            return Err(Setting::Rate { limit, period }.into());
        }
        // Rounded down, tokens would come back faster than the limit says.
        let interval = period.as_nanos().div_ceil(tokens);
        let fill = interval.saturating_mul(u128::from(burst));
        if fill > ALL_TIME {
            return Err(Setting::Fill { limit, period, burst }.into());
        }
        let interval = i128::try_from(interval).ok();
        Ok(Self { interval, burst, limit, period })
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { limit, burst, .. } = self;
        let period = write_duration_short(self.period);
        write!(f, "a token bucket of {limit} per {period} with bursts of {burst}")
    }
}

/// The nanoseconds of the years 0001 to 9999, of which a [`Timestamp`] is one.
const ALL_TIME: u128 = Timestamp::MAX.unix_nanos().abs_diff(Timestamp::MIN.unix_nanos());

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    #[serde(deserialize_with = "duration::deserialize")]
    period: Duration,
    limit: i64,
    burst: u32,
    #[serde(default)]
    identifier_limits: BTreeMap<String, Exception>,
    #[serde(default)]
    resource_limits: BTreeMap<String, Exception>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Exception {
    limit: i64,
    burst: u32,
}

impl TryFrom<Settings> for TokenBucket {
    type Error = Error;

    fn try_from(settings: Settings) -> Result<Self, Error> {
        let mut bucket = Self::new(settings.period, settings.limit, settings.burst)?;
        for (identifier, Exception { limit, burst }) in settings.identifier_limits {
            bucket = bucket.with_identifier_limit(&identifier, limit, burst)?;
        }
        for (resource, Exception { limit, burst }) in settings.resource_limits {
            bucket = bucket.with_resource_limit(&resource, limit, burst)?;
        }
        Ok(bucket)
    }
}
