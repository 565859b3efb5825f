//! Decisions of the limiter.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::sync::Arc;
use core::fmt;
use core::time::Duration;

use super::strategy::Quota;
use super::window::TimeWindow;
use crate::store;
use crate::time::Timestamp;

/// The limiter's decision on one request, with everything that a response may report.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Decision {
    /// Whether the request is allowed.
    pub allowed: bool,
    /// Units used in the limiting window, including this request if it is allowed; for a token
    /// bucket, the tokens in use. `None` if the count is unknown.
    pub count: Option<i64>,
    /// The limit of the limiting window; for a token bucket, its burst.
    pub limit: i64,
    /// When the limit resets. For a denial, the time at which the same request can be admitted if
    /// no other request is counted; otherwise the end of the window. For a token bucket, the time
    /// at which it is full again.
    pub resets_at: Timestamp,
    /// The earliest time at which a unit becomes available. If no units are left, every request
    /// before this time is refused, and a request of cost 1 at this time is admitted if no other
    /// request is counted. This is the end of the limiting window, or of another window that is
    /// known to be full. For a sliding window, it is the time at which the oldest counted
    /// sub-window drops out; for a token bucket, the return of the next token.
    ///
    /// With several windows, some counts may be unknown: a transaction that admits returns no
    /// counts, and [without transactions](super::LimiterBuilder::without_transactions) a refusal
    /// does not read the windows that end before the refusing one. A window with an unknown count
    /// is assumed to have units left. Therefore, if the limiting window has units left or an
    /// unknown count, another window may still refuse, until an earlier or a later time.
    /// [`Limiter::check`](super::Limiter::check) reads every count.
    pub room_at: Timestamp,
    /// How long until the same request can be admitted if no other request is counted. Only set for
    /// a denial.
    pub retry_after: Option<Duration>,
    /// What the decision is based on.
    pub basis: Basis,
    /// Whether at least 80 % of the limit is used.
    pub near_limit: bool,
    /// Whether a limiter in shadow mode allowed a request that it would otherwise have refused.
    pub shadowed: bool,
    /// The instant as of which the decision was made: the attempt's `now`, or later if a sliding
    /// window waited for the end of a sub-window or started over.
    pub decided_at: Timestamp,
    /// The limiting window; `None` for a token bucket.
    pub window: Option<TimeWindow>,
    /// All quotas that apply to the key.
    pub quotas: Arc<[Quota]>,
    /// The index of the limiting quota in `quotas`.
    pub quota: usize,
}

impl Decision {
    /// Returns the units left in the limiting window, at least zero; `None` if the count is
    /// unknown.
    #[must_use]
    pub fn remaining(&self) -> Option<i64> {
        self.count.map(|count| self.limit.saturating_sub(count).max(0))
    }

    /// Returns the key text of the limiting window; `None` for a token bucket.
    #[must_use]
    pub fn window_key(&self) -> Option<String> {
        self.window.map(|window| window.key())
    }
}

/// Says what a decision is based on.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Basis {
    /// The stored count.
    Counted,
    /// No stored count: the limit can never admit the request, or a remembered denial still holds.
    LocalDeny,
    /// No stored count: the store did not answer, and the limiter fails open.
    FailOpen {
        /// Why the store did not answer.
        cause: Cause,
        /// What the store was asked for.
        stage: Stage,
    },
}

/// Writes `counted`, `local_deny` or `fail_open:{cause}`.
impl fmt::Display for Basis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Counted => f.write_str("counted"),
            Self::LocalDeny => f.write_str("local_deny"),
            Self::FailOpen { cause, .. } => write!(f, "fail_open:{}", cause.name()),
        }
    }
}

/// Says why the store did not answer.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Cause {
    /// The table or account exceeds its throughput.
    Throttled,
    /// The store could not be reached, or failed internally.
    Unavailable,
    /// No reply in time. For sliding and packed windows also: a reply that came too late, when
    /// others may already have relied on the earlier count.
    Timeout,
    /// Other transactions held the counters during every retry.
    Conflict,
    /// The deployment is wrong; waiting does not help.
    Misconfigured,
}

impl Cause {
    /// Returns the cause's name for metrics, logs and fixtures.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Throttled => "throttled",
            Self::Unavailable => "unavailable",
            Self::Timeout => "timeout",
            Self::Conflict => "conflict",
            Self::Misconfigured => "misconfigured",
        }
    }
}

impl From<store::Error> for Cause {
    fn from(error: store::Error) -> Self {
        match error {
            store::Error::Throttled => Self::Throttled,
            store::Error::Unavailable => Self::Unavailable,
            store::Error::Timeout => Self::Timeout,
            store::Error::Conflict => Self::Conflict,
            store::Error::TooLarge | store::Error::Misconfigured(_) => Self::Misconfigured,
        }
    }
}

/// Says what the store was asked for when it failed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Stage {
    /// Reading counters. Nothing was written, unless a sliding window started over after a write
    /// whose reply came too late.
    Read,
    /// Writing counters. Unless the cause is throttling or a conflict, the write may have been
    /// applied.
    Write,
}

/// The usage of a key's limits.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct UsageStats {
    /// The identifier, as it appears in stored keys.
    pub identifier: String,
    /// The resource, as it appears in stored keys.
    pub resource: String,
    /// The current window of exactly one minute, if the strategy has one.
    pub current_minute: Option<UsageWindow>,
    /// The current window of exactly one hour, if the strategy has one.
    pub current_hour: Option<UsageWindow>,
    /// Today's usage, if it is tracked: the count of the window of exactly one day, or else the sum
    /// of the windows of exactly one hour.
    pub daily_total: Option<i64>,
    /// Every window of the strategy by its key; a token bucket is listed as `gcra`.
    pub windows: BTreeMap<String, UsageWindow>,
}

/// The usage of one window.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct UsageWindow {
    /// Units used.
    pub count: i64,
    /// The limit.
    pub limit: i64,
    /// When the window starts; for a token bucket, the current time.
    pub start: Timestamp,
    /// When the window ends; for a token bucket, the time at which it is full again.
    pub end: Timestamp,
}
