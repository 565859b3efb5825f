//! Limits in one line of code.

use alloc::boxed::Box;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;
use core::fmt;
use core::time::Duration;

use super::config::{Limiter, OnFailure};
use super::error::{Error, Reason};
use super::setting::Setting;
use super::strategy::{FixedWindow, MultiWindow, Quota, SlidingWindow, Strategy, TokenBucket};
use super::window::{HOUR, MINUTE, SECOND};
use crate::duration::write_duration_short;

/// A limit in one line of code, not checked yet. [`limiter`](Self::limiter) checks it, and its
/// error quotes the line.
///
/// ```
/// use apptheory_core::limiter::{LimitLine, OnFailure};
///
/// let line = LimitLine::per_minute(100).burst(20).named("orders");
/// let limiter = line.limiter(OnFailure::Closed, |_| None)?;
/// assert_eq!(limiter.table().name.as_ref(), "rate-limits");
///
/// let refused = LimitLine::per_minute(0).limiter(OnFailure::Closed, |_| None).unwrap_err();
/// assert!(refused.to_string().starts_with("the rate limit `per_minute(0)` cannot work: "));
/// # Ok::<(), apptheory_core::limiter::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct LimitLine {
    shape: Shape,
    burst: Option<u32>,
    name: Option<String>,
}

#[derive(Clone, Debug)]
enum Shape {
    Bucket { unit: &'static str, period: Duration, limit: u32 },
    Sliding { limit: u32, window: Duration },
    Fixed { limit: u32, window: Duration },
    Windows(Vec<(u32, Duration)>),
}

impl LimitLine {
    /// Admits `limit` requests per second, as a [`TokenBucket`].
    #[must_use]
    pub const fn per_second(limit: u32) -> Self {
        Self::new(Shape::Bucket { unit: "second", period: SECOND, limit })
    }

    /// Admits `limit` requests per minute, as a [`TokenBucket`].
    #[must_use]
    pub const fn per_minute(limit: u32) -> Self {
        Self::new(Shape::Bucket { unit: "minute", period: MINUTE, limit })
    }

    /// Admits `limit` requests per hour, as a [`TokenBucket`].
    #[must_use]
    pub const fn per_hour(limit: u32) -> Self {
        Self::new(Shape::Bucket { unit: "hour", period: HOUR, limit })
    }

    /// Admits `limit` requests in any span of `window`, as a [`SlidingWindow`] of up to
    /// [`MAX_PARTS`] sub-windows: as many as divide the window into whole seconds.
    #[must_use]
    pub const fn sliding(limit: u32, window: Duration) -> Self {
        Self::new(Shape::Sliding { limit, window })
    }

    /// Admits `limit` requests in each `window`, counted from 1970, as a [`FixedWindow`].
    #[must_use]
    pub const fn fixed(limit: u32, window: Duration) -> Self {
        Self::new(Shape::Fixed { limit, window })
    }

    /// Enforces several limits at once, each with its window, as a [`MultiWindow`].
    #[must_use]
    pub fn windows(limits: impl IntoIterator<Item = (u32, Duration)>) -> Self {
        Self::new(Shape::Windows(limits.into_iter().collect()))
    }

    const fn new(shape: Shape) -> Self {
        Self { shape, burst: None, name: None }
    }

    /// Sets how many requests are admitted at once; by default as many as the limit. Only for
    /// limits per second, minute or hour.
    #[must_use]
    pub fn burst(self, burst: u32) -> Self {
        Self { burst: Some(burst), ..self }
    }

    /// Gives the limit its own counters. [`LimiterBuilder::named`](super::LimiterBuilder::named)
    /// says when this is necessary.
    #[must_use]
    pub fn named(self, name: impl Into<String>) -> Self {
        Self { name: Some(name.into()), ..self }
    }

    /// Builds the limiter. The environment names its table.
    ///
    /// # Errors
    ///
    /// [`Error`] that quotes the line and says what is invalid: a limit or burst of 0, a window
    /// that is not a whole number of seconds, an invalid name, or another setting that the strategy
    /// refuses.
    pub fn limiter(
        &self,
        on_failure: OnFailure,
        env: impl Fn(&str) -> Option<String>,
    ) -> Result<Limiter, Error> {
        self.checked(on_failure, env).map_err(|error| match error.0 {
            Reason::Setting(setting) => {
                let setting = Box::new(setting);
                Setting::InLine { line: self.to_string(), setting }.into()
            }
            // These are not configuration errors.
            reason @ (Reason::InvalidKey(_)
            | Reason::NoCaller
            | Reason::Store { .. }
            | Reason::FailedOpen { .. }) => reason.into(),
        })
    }

    fn checked(
        &self,
        on_failure: OnFailure,
        env: impl Fn(&str) -> Option<String>,
    ) -> Result<Limiter, Error> {
        let strategy = self.shape.strategy(self.burst)?;
        let builder = match on_failure {
            OnFailure::Open => Limiter::fail_open(strategy),
            OnFailure::Closed => Limiter::fail_closed(strategy),
        };
        let builder = match &self.name {
            Some(name) => builder.named(name)?,
            None => builder,
        };
        Ok(builder.env(env).build())
    }
}

impl Shape {
    fn strategy(&self, burst: Option<u32>) -> Result<Strategy, Error> {
        let strategy = match self {
            Self::Bucket { period, limit, .. } => {
                let burst = burst.unwrap_or(*limit);
                return Ok(TokenBucket::new(*period, at_least_one(*limit)?, burst)?.into());
            }
            Self::Sliding { limit, window } => {
                SlidingWindow::new(*window, granularity(*window), at_least_one(*limit)?)?.into()
            }
            Self::Fixed { limit, window } => {
                FixedWindow::new(*window, at_least_one(*limit)?)?.into()
            }
            Self::Windows(limits) => {
                let quotas = limits.iter().map(|(limit, window)| {
                    Ok(Quota { limit: at_least_one(*limit)?, window: *window })
                });
                MultiWindow::new(quotas.collect::<Result<Vec<_>, Error>>()?)?.into()
            }
        };
        match burst {
            Some(_) => Err(Setting::BurstOfWindow.into()),
            None => Ok(strategy),
        }
    }
}

fn at_least_one(limit: u32) -> Result<i64, Error> {
    match limit {
        0 => Err(Setting::NoLimit.into()),
        limit => Ok(limit.into()),
    }
}

/// Returns the length of a sliding window's sub-windows: the shortest whole number of seconds that
/// divides the window into at most [`MAX_PARTS`].
fn granularity(window: Duration) -> Duration {
    let seconds = window.as_secs();
    let parts = (1..=MAX_PARTS).rev().find(|parts| seconds.is_multiple_of(*parts));
    match parts.and_then(|parts| seconds.checked_div(parts)) {
        // A window with a fraction of a second has no such length; building the limiter refuses it.
        Some(part @ 1..) if window.subsec_nanos() == 0 => Duration::from_secs(part),
        _ => window,
    }
}

/// The most sub-windows of a sliding window in one line. Units become available up to one
/// sub-window, a tenth of the window, late; a decision without remembered counts reads one counter
/// per sub-window.
pub const MAX_PARTS: u64 = 10;

/// Writes the limit as it is in code: `per_minute(100).burst(20).named("orders")`.
impl fmt::Display for LimitLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.shape {
            Shape::Bucket { unit, limit, .. } => write!(f, "per_{unit}({limit})")?,
            Shape::Sliding { limit, window } => {
                write!(f, "sliding({limit}, {})", write_duration_short(*window))?;
            }
            Shape::Fixed { limit, window } => {
                write!(f, "fixed({limit}, {})", write_duration_short(*window))?;
            }
            Shape::Windows(limits) => {
                f.write_str("windows([")?;
                for (at, (limit, window)) in limits.iter().enumerate() {
                    let comma = if at == 0 { "" } else { ", " };
                    write!(f, "{comma}({limit}, {})", write_duration_short(*window))?;
                }
                f.write_str("])")?;
            }
        }
        if let Some(burst) = self.burst {
            write!(f, ".burst({burst})")?;
        }
        match &self.name {
            Some(name) => write!(f, ".named({name:?})"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::*;

    const fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn words(line: &LimitLine) -> String {
        let limiter = line.limiter(OnFailure::Closed, |_| None).unwrap();
        limiter.config().strategy.to_string()
    }

    #[test]
    fn a_line_is_a_strategy() {
        for (line, strategy) in [
            (LimitLine::per_second(5), "a token bucket of 5 per 1s with bursts of 5"),
            (
                LimitLine::per_minute(100).burst(20),
                "a token bucket of 100 per 1m with bursts of 20",
            ),
            (LimitLine::per_hour(1), "a token bucket of 1 per 1h with bursts of 1"),
            (LimitLine::sliding(5, seconds(60)), "a sliding window of 5 per 1m"),
            (LimitLine::fixed(5, seconds(90)), "a fixed window of 5 per 1m30s"),
            (
                LimitLine::windows([(5, seconds(60)), (60, seconds(3_600))]),
                "windows of 5 per 1m and 60 per 1h",
            ),
        ] {
            assert_eq!(words(&line), strategy);
        }
    }

    #[test]
    fn names_tables_and_failures_are_the_limiters() {
        let line = LimitLine::per_minute(1).named("orders");
        let env = |name: &str| (name == "RATE_LIMIT_TABLE_NAME").then(|| "limits".to_string());
        for (on_failure, fails_open) in [(OnFailure::Open, true), (OnFailure::Closed, false)] {
            let limiter = line.limiter(on_failure, env).unwrap();
            let config = limiter.config();
            assert_eq!((config.fail_open, config.table.as_ref()), (fails_open, "limits"));
            assert_eq!(config.name.as_ref().unwrap().as_str(), "orders");
        }
    }

    #[test]
    fn sub_windows_are_the_most_equal_parts_up_to_ten() {
        for (window, part) in [(1, 1), (7, 1), (10, 1), (60, 6), (61, 61), (90, 9), (3_600, 360)] {
            assert_eq!(granularity(seconds(window)), seconds(part), "{window}");
        }
    }

    #[test]
    fn errors_quote_the_limit_line_that_cannot_work() {
        let refused = [
            (LimitLine::per_minute(0), "`per_minute(0)` cannot work: a limit of at least 1"),
            (LimitLine::per_hour(9).burst(0), "`per_hour(9).burst(0)` cannot work: a burst of at"),
            (
                LimitLine::per_second(u32::MAX),
                "`per_second(4294967295)` cannot work: 4294967295 per 1s",
            ),
            (
                LimitLine::fixed(1, Duration::ZERO),
                "`fixed(1, 0s)` cannot work: a window is a whole",
            ),
            (
                LimitLine::sliding(1, Duration::from_millis(1_500)),
                "`sliding(1, 1.5s)` cannot work: a w",
            ),
            (
                LimitLine::sliding(1, seconds(60)).burst(2),
                ".burst(2)` cannot work: `burst` is only for",
            ),
            (LimitLine::windows([]), "`windows([])` cannot work: at least one window is required"),
            (
                LimitLine::windows([(1, seconds(60)), (2, seconds(60))]),
                "`windows([(1, 1m), (2, 1m)])` cannot work: two windows have",
            ),
            (LimitLine::per_minute(1).named("a b"), ".named(\"a b\")` cannot work: the name of a"),
        ];
        for (line, text) in refused {
            let error = line.limiter(OnFailure::Open, |_| None).unwrap_err().to_string();
            assert!(error.starts_with("the rate limit `") && error.contains(text), "{error}");
        }
    }
}
