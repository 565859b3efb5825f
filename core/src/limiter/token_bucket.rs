//! The token bucket's configuration.

use core::time::Duration;

use super::strategy::{Overridable, StrategyError, check_window};

/// A steady rate with bursts, by the generic cell rate algorithm (`limited.md` §17): a bucket holds
/// `burst` tokens and regains `limit` of them every `period`; a request takes as many as it costs.
///
/// One number is stored per key: the instant at which the bucket is full again. There are no
/// windows and no boundaries.
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
    pub(super) period: Duration,
}

impl TokenBucket {
    /// `limit` tokens per `period`, and at most `burst` at once. A limit of zero or less admits
    /// nothing.
    ///
    /// # Errors
    ///
    /// [`StrategyError::Window`] unless the period is a whole number of seconds, at least one;
    /// [`StrategyError::NoBurst`] for a burst of zero; [`StrategyError::Rate`] above one token per
    /// nanosecond.
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
        let nanos = i128::try_from(period.as_nanos()).unwrap_or(i128::MAX);
        let interval = (limit > 0).then(|| nanos.checked_div(i128::from(limit))).flatten();
        if interval == Some(0) {
            return Err(StrategyError::Rate);
        }
        Ok(Self { interval, burst, period })
    }
}
