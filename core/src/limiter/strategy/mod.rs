//! Strategies: how requests are counted, over which time, and with which limits.

mod exceptions;
mod fixed;
mod multi;
mod sliding;
mod token_bucket;

use alloc::sync::Arc;
use core::fmt;
use core::time::Duration;

use serde::Deserialize;

use super::error::Error;
use super::setting::Setting;
use crate::duration::{self, write_duration_short};

pub use self::fixed::FixedWindow;
pub use self::multi::{Layout, MultiWindow};
pub use self::sliding::{Coverage, MAX_SUB_WINDOWS, SlidingWindow};
pub(super) use self::token_bucket::Rate;
pub use self::token_bucket::TokenBucket;

/// How requests are counted. Closed on purpose: each strategy decides everything about its
/// counters.
///
/// In configurations, `kind` selects the strategy. Windows are durations as text, and
/// `identifier_limits` and `resource_limits` are the exceptions. Invalid settings are refused as by
/// the constructors:
///
/// ```
/// use apptheory_core::limiter::Strategy;
///
/// let read = |text: &str| serde_json::from_str::<Strategy>(text);
///
/// let fixed = read(
///     r#"{"kind": "fixed", "window": "15m", "limit": 15, "identifier_limits": {"user:ann": 99}}"#,
/// )?;
/// assert_eq!(fixed.to_string(), "a fixed window of 15 per 15m");
///
/// let sliding = read(
///     r#"{
///         "kind": "sliding", "window": "1m", "granularity": "10s", "limit": 100,
///         "coverage": "aligned"
///     }"#,
/// )?;
/// assert_eq!(sliding.to_string(), "a sliding window of 100 per 1m");
///
/// let multi = read(
///     r#"{
///         "kind": "multi", "layout": "packed",
///         "windows": [{"window": "1m", "limit": 5}, {"window": "1h", "limit": 60}]
///     }"#,
/// )?;
/// assert_eq!(multi.to_string(), "windows of 5 per 1m and 60 per 1h");
///
/// let bucket = read(
///     r#"{
///         "kind": "token_bucket", "period": "1m", "limit": 60, "burst": 5,
///         "resource_limits": {"/reports": {"limit": 6, "burst": 1}}
///     }"#,
/// )?;
/// assert_eq!(bucket.to_string(), "a token bucket of 60 per 1m with bursts of 5");
///
/// let refused = read(r#"{"kind": "fixed", "window": "1.5s", "limit": 1}"#).unwrap_err();
/// assert!(refused.to_string().contains("a whole number of seconds"));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Strategy {
    /// At most `limit` requests in each window, counted from 1970.
    Fixed(FixedWindow),
    /// At most `limit` requests in any span of time.
    Sliding(SlidingWindow),
    /// Several fixed windows at once.
    Multi(MultiWindow),
    /// A steady rate with bursts.
    TokenBucket(TokenBucket),
}

/// A limit over a window of time.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct Quota {
    /// The most units in a window; zero or less admits nothing.
    pub limit: i64,
    /// The length of the window.
    #[serde(deserialize_with = "duration::deserialize")]
    pub window: Duration,
}

impl Strategy {
    /// Returns the shortest span that callers' clocks have to agree about for the limit to hold.
    pub(super) fn shortest_relied_on(&self) -> Option<Duration> {
        match self {
            Self::Sliding(sliding) => Some(sliding.granularity),
            // An exception packs its own windows, so the shortest window of any list counts.
            Self::Multi(multi) if multi.layout == Layout::Packed => {
                let quotas = multi.quotas.lists().flat_map(|quotas| quotas.iter());
                quotas.map(|quota| quota.window).min()
            }
            // Their guards concern one stored value, so the caller's clock does not matter.
            Self::Multi(_) | Self::Fixed(_) | Self::TokenBucket(_) => None,
        }
    }
}

/// Writes the strategy in words: `a fixed window of 15 per 15m`, `a token bucket of 60 per 1m with
/// bursts of 5`. Leaves out exceptions for identifiers and resources.
impl fmt::Display for Strategy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (kind, quotas) = match self {
            Self::Fixed(fixed) => ("a fixed window of", fixed.quotas.default()),
            Self::Sliding(sliding) => ("a sliding window of", sliding.quotas.default()),
            Self::Multi(multi) => ("windows of", multi.quotas.default()),
            Self::TokenBucket(bucket) => return bucket.rates.default().fmt(f),
        };
        f.write_str(kind)?;
        for (at, Quota { limit, window }) in quotas.iter().enumerate() {
            let and = if at == 0 { "" } else { " and" };
            write!(f, "{and} {limit} per {}", write_duration_short(*window))?;
        }
        Ok(())
    }
}

impl From<FixedWindow> for Strategy {
    fn from(strategy: FixedWindow) -> Self {
        Self::Fixed(strategy)
    }
}

impl From<SlidingWindow> for Strategy {
    fn from(strategy: SlidingWindow) -> Self {
        Self::Sliding(strategy)
    }
}

impl From<MultiWindow> for Strategy {
    fn from(strategy: MultiWindow) -> Self {
        Self::Multi(strategy)
    }
}

impl From<TokenBucket> for Strategy {
    fn from(strategy: TokenBucket) -> Self {
        Self::TokenBucket(strategy)
    }
}

/// Refuses windows that are not a whole number of seconds, at least one.
fn check_window(window: Duration) -> Result<(), Error> {
    if window.as_secs() == 0 || window.subsec_nanos() != 0 {
        return Err(Setting::Window(window).into());
    }
    Ok(())
}

fn one(limit: i64, window: Duration) -> Arc<[Quota]> {
    Arc::from([Quota { limit, window }])
}

fn divides(part: Duration, whole: Duration) -> bool {
    whole.as_secs().checked_rem(part.as_secs()) == Some(0)
}
