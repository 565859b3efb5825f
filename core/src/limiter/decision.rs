//! Decisions, and what they rest on.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::sync::Arc;
use core::fmt;
use core::time::Duration;

use super::strategy::Quota;
use super::window::TimeWindow;
use crate::store;
use crate::time::Timestamp;

/// What the limiter says about one request, and everything that a response may say about it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Decision {
    /// Whether the request may go on.
    pub allowed: bool,
    /// Units used in the limiting window, this request included where it was allowed; tokens in use
    /// for a token bucket. `None` when the count is unknown.
    pub count: Option<i64>,
    /// The limit of the limiting window; the burst of a token bucket.
    pub limit: i64,
    /// When room comes back: on a denial when the same request can be admitted if nothing else
    /// happens, else the end of the window; for a token bucket, when it is full again.
    pub resets_at: Timestamp,
    /// When the first unit comes back, at the earliest: where nothing is left, before it every
    /// request is refused, and at it one of cost 1 is admitted if nothing else happens. It is the
    /// end of the limiting window, or of another window that is known to have nothing left; for a
    /// sliding window, when the oldest sub-window that counts leaves; for a token bucket, when the
    /// next token is back.
    ///
    /// Of several windows, a decision may not know every count: a transaction that admits reports
    /// none, and [without transactions](super::LimiterBuilder::without_transactions) a refusal does
    /// not ask the windows that end before the refusing one. A window whose count is unknown is
    /// taken to have room. So while the limiting window has units left, or its count is unknown,
    /// another one may refuse, until an earlier or a later time.
    /// [`Limiter::check`](super::Limiter::check) knows every count.
    pub room_at: Timestamp,
    /// How long until the same request can be admitted if nothing else happens; only with a denial.
    pub retry_after: Option<Duration>,
    /// What the decision rests on.
    pub basis: Basis,
    /// Whether at least 80 % of the limit is used.
    pub near_limit: bool,
    /// Whether a limiter in shadow mode allowed what it would otherwise have refused.
    pub shadowed: bool,
    /// The instant as of which it was decided: the attempt's `now`, or later where a sliding window
    /// waited for the end of a sub-window or started over.
    pub decided_at: Timestamp,
    /// The limiting window; `None` for a token bucket.
    pub window: Option<TimeWindow>,
    /// All quotas that hold for the key.
    pub quotas: Arc<[Quota]>,
    /// Which of them is the limiting one.
    pub quota: usize,
}

impl Decision {
    /// Returns the units left in the limiting window, never below zero; `None` when the count is
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

/// What a decision rests on.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Basis {
    /// The stored count.
    Counted,
    /// No count at all: the limit can never admit the request, or a remembered denial still holds.
    LocalDeny,
    /// Nothing: the store gave no answer, and the limiter is set to allow then.
    FailOpen {
        /// Why the store gave none.
        cause: Cause,
        /// What it was asked for.
        stage: Stage,
    },
}

/// `counted`, `local_deny` or `fail_open:{cause}`.
impl fmt::Display for Basis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Counted => f.write_str("counted"),
            Self::LocalDeny => f.write_str("local_deny"),
            Self::FailOpen { cause, .. } => write!(f, "fail_open:{}", cause.name()),
        }
    }
}

/// Why the store gave no answer.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Cause {
    /// The table or account is over its throughput.
    Throttled,
    /// The store could not be reached or failed inside.
    Unavailable,
    /// No answer in time; or, for sliding and packed windows, one that came too late to be sure
    /// that nobody had relied on the count before it.
    Timeout,
    /// Other transactions held the counters, time and again.
    Conflict,
    /// The deployment is wrong; waiting does not help.
    Misconfigured,
}

impl Cause {
    /// Returns the cause as it stands in metrics, logs and fixtures.
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

/// What the store was asked for when it failed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Stage {
    /// Reading counters. Nothing was written, unless a sliding window started over after a write
    /// whose answer came too late.
    Read,
    /// Writing counters. Unless throttled or in conflict, the write may have happened.
    Write,
}

/// What is used of a key's limits.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct UsageStats {
    /// The identifier, as it stands in stored keys.
    pub identifier: String,
    /// The resource, as it stands in stored keys.
    pub resource: String,
    /// The current window of exactly a minute, if the strategy has one.
    pub current_minute: Option<UsageWindow>,
    /// The current window of exactly an hour, if the strategy has one.
    pub current_hour: Option<UsageWindow>,
    /// What is used today, as far as it is tracked: the count of the window of exactly a day, else
    /// the sum of the windows of exactly an hour, else unknown.
    pub daily_total: Option<i64>,
    /// Every window of the strategy by its key; a token bucket is listed as `gcra`.
    pub windows: BTreeMap<String, UsageWindow>,
}

/// What is used in one window.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct UsageWindow {
    /// Units used.
    pub count: i64,
    /// The limit.
    pub limit: i64,
    /// When the window starts; for a token bucket, now.
    pub start: Timestamp,
    /// When the window ends; for a token bucket, when it is full again.
    pub end: Timestamp,
}
