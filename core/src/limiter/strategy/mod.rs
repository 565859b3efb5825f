//! Strategies: what is counted, over which time, and what the limits are.

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
/// Configurations name the kind. Windows are text with units, and `identifier_limits` and
/// `resource_limits` are the exceptions; all that is wrong is refused as it is by the constructors:
///
/// ```
/// use apptheory_core::limiter::Strategy;
///
/// for (text, words) in [
///     (
///         r#"{"kind": "fixed", "window": "15m", "limit": 15, "identifier_limits": {"user:ann": 1000}}"#,
///         "a fixed window of 15 per 15m",
///     ),
///     (
///         r#"{"kind": "sliding", "window": "1m", "granularity": "10s", "limit": 100, "coverage": "aligned"}"#,
///         "a sliding window of 100 per 1m",
///     ),
///     (
///         r#"{"kind": "multi", "windows": [{"window": "1m", "limit": 5}, {"window": "1h", "limit": 60}], "layout": "packed"}"#,
///         "windows of 5 per 1m and 60 per 1h",
///     ),
///     (
///         r#"{"kind": "token_bucket", "period": "1m", "limit": 60, "burst": 5, "resource_limits": {"/reports": {"limit": 6, "burst": 1}}}"#,
///         "a token bucket of 60 per 1m with bursts of 5",
///     ),
/// ] {
///     let strategy: Strategy = serde_json::from_str(text)?;
///     assert_eq!(strategy.to_string(), words);
/// } let refused = serde_json::from_str::<Strategy>(r#"{"kind": "fixed", "window": "1.5s", "limit":
/// 1}"#); assert!(refused.unwrap_err().to_string().contains("a whole number of seconds"));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Strategy {
    /// At most so many in each window that counts from 1970.
    Fixed(FixedWindow),
    /// At most so many in any span of time.
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
    /// How much may be used in a window; zero or less admits nothing.
    pub limit: i64,
    /// The length of the window.
    #[serde(deserialize_with = "duration::deserialize")]
    pub window: Duration,
}

impl Strategy {
    /// The shortest span that callers' clocks have to agree about for the limit to hold.
    pub(super) fn shortest_relied_on(&self) -> Option<Duration> {
        match self {
            Self::Sliding(sliding) => Some(sliding.granularity),
            // An exception packs its own windows, so the shortest of any list counts.
            Self::Multi(multi) if multi.layout == Layout::Packed => {
                let quotas = multi.quotas.lists().flat_map(|quotas| quotas.iter());
                quotas.map(|quota| quota.window).min()
            }
            // Their guards are about one stored value: which clock asks does not matter.
            Self::Multi(_) | Self::Fixed(_) | Self::TokenBucket(_) => None,
        }
    }
}

/// In words: `a fixed window of 15 per 15m`, `a token bucket of 60 per 1m with bursts of 5`. What
/// holds for single identifiers or resources is left out.
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

/// A window is a whole number of seconds, at least one.
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
