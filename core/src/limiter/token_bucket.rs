//! The token bucket's configuration.

use core::fmt;
use core::time::Duration;

use super::strategy::{Overridable, StrategyError, check_window};
use crate::duration::write_duration_short;
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
/// clocks may [differ](super::LimiterBuilder::skew_allowance), cannot be this limit's: the limit was
/// another one, a clock ran ahead, or more was [recorded](super::Limiter::record) than the bucket
/// holds. The next decision takes the bucket for empty, so that nobody is refused for longer than
/// it takes to fill.
#[derive(Clone, Debug)]
pub struct TokenBucket {
    period: Duration,
    pub(super) rates: Overridable<Rate>,
}

/// How fast one bucket refills, and how much it holds.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Rate {
    /// Nanoseconds per token, at least 1; `None` when nothing is ever admitted.
    pub(super) interval: Option<i128>,
    /// Tokens that the full bucket holds.
    pub(super) burst: u32,
    /// Tokens that it regains in a period.
    pub(super) limit: i64,
    pub(super) period: Duration,
}

impl TokenBucket {
    /// Makes a bucket of `limit` tokens per `period`, and at most `burst` at once. A limit of zero or
    /// less admits nothing.
    ///
    /// # Errors
    ///
    /// [`StrategyError::Window`] unless the period is a whole number of seconds, at least one;
    /// [`StrategyError::NoBurst`] for a burst of zero; [`StrategyError::Rate`] above one token per
    /// nanosecond; [`StrategyError::Fill`] if it takes ages to fill.
    pub fn new(period: Duration, limit: i64, burst: u32) -> Result<Self, StrategyError> {
        check_window(period)?;
        Ok(Self { period, rates: Overridable::new(Rate::new(period, limit, burst)?) })
    }

    /// Another rate and burst for one identifier. It wins over a resource's.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new).
    pub fn with_identifier_limit(
        mut self,
        identifier: &str,
        limit: i64,
        burst: u32,
    ) -> Result<Self, StrategyError> {
        self.rates.for_identifier(identifier, Rate::new(self.period, limit, burst)?);
        Ok(self)
    }

    /// Another rate and burst for one resource.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new).
    pub fn with_resource_limit(
        mut self,
        resource: &str,
        limit: i64,
        burst: u32,
    ) -> Result<Self, StrategyError> {
        self.rates.for_resource(resource, Rate::new(self.period, limit, burst)?);
        Ok(self)
    }
}

impl Rate {
    fn new(period: Duration, limit: i64, burst: u32) -> Result<Self, StrategyError> {
        if burst == 0 {
            return Err(StrategyError::NoBurst);
        }
        let Ok(tokens @ 1..) = u128::try_from(limit) else {
            return Ok(Self { interval: None, burst, limit, period });
        };
        if tokens > period.as_nanos() {
            return Err(StrategyError::Rate { limit, period });
        }
        // Rounded down, tokens would come back faster than the limit says.
        let interval = period.as_nanos().div_ceil(tokens);
        let fill = interval.saturating_mul(u128::from(burst));
        if fill > ALL_TIME {
            return Err(StrategyError::Fill { limit, period, burst });
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
