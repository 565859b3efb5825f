//! The configuration of a token bucket.

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
/// `burst` tokens and regains `limit` tokens every `period`; a request takes as many tokens as it
/// costs.
///
/// One number is stored per key: the instant at which the bucket is full again. There are no
/// windows and no boundaries.
///
/// **Guarantee.** Over any span between two attempts, by the attempts' own `now`, at most `limit ×
/// span / period + burst` units are admitted. On a wall clock, the span grows by the duration of a
/// decision and by the difference of clocks. A token takes a whole number of nanoseconds to return,
/// rounded up: `limit` per second is enforced as `10⁹ / ⌈10⁹ / limit⌉`. This is exact for the
/// divisors of 10⁹, 0.001 % less at 30,000 per second, and up to half less above 500 million.
///
/// **Recovery.** This limit cannot have stored an instant that is further ahead than the bucket
/// takes to fill plus the [skew allowance](crate::limiter::LimiterBuilder::skew_allowance). Such an
/// instant means that the limit has changed, a clock ran ahead, or more was
/// [recorded](crate::limiter::Limiter::record) than the bucket holds. The next decision treats the
/// bucket as empty, so requests are refused for at most the time that the bucket takes to fill.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "Settings")]
pub struct TokenBucket {
    period: Duration,
    pub(in crate::limiter) rates: Exceptions<Rate>,
}

/// How fast a bucket refills, and how many tokens it holds.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::limiter) struct Rate {
    /// Nanoseconds per token, at least 1; `None` if nothing is ever admitted.
    pub(in crate::limiter) interval: Option<i128>,
    /// The tokens of a full bucket.
    pub(in crate::limiter) burst: u32,
    /// The tokens regained in a period.
    pub(in crate::limiter) limit: i64,
    pub(in crate::limiter) period: Duration,
}

impl TokenBucket {
    /// Creates a bucket that regains `limit` tokens per `period` and holds at most `burst`. A limit
    /// of zero or less admits nothing.
    ///
    /// # Errors
    ///
    /// [`Error`] if the period is not a whole number of seconds, at least one; if the burst is
    /// zero; for a rate above one token per nanosecond; and if the bucket takes more than 9,998
    /// years to fill.
    pub fn new(period: Duration, limit: i64, burst: u32) -> Result<Self, Error> {
        check_window(period)?;
        Ok(Self { period, rates: Exceptions::new(Rate::new(period, limit, burst)?) })
    }

    /// Sets another rate and burst for one identifier. It takes precedence over a resource's.
    ///
    /// # Errors
    ///
    /// The same as for [`new`](Self::new).
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
    /// The same as for [`new`](Self::new).
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
        // Rounded down, tokens would return faster than the limit allows.
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

/// The nanoseconds of the years 0001 to 9999, the range of [`Timestamp`].
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
