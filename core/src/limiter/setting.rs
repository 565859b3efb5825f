//! Errors of a limiter's configuration.

use alloc::boxed::Box;
use alloc::string::String;
use core::time::Duration;

use super::name::MAX_NAME_BYTES;
use super::strategy::MAX_SUB_WINDOWS;
use crate::duration::write_duration;
use crate::identity::EmptySecret;
use crate::store::{MAX_TRANSACT_WRITES, TableName};

/// Says which setting is invalid.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub(super) enum Setting {
    /// The error of a limit in one line of code.
    #[error("the rate limit `{line}` cannot work: {setting}")]
    InLine { line: String, setting: Box<Self> },
    #[error("a limit of at least 1 is required; 0 would refuse everybody")]
    NoLimit,
    #[error("`burst` is only for `per_second`, `per_minute` and `per_hour`")]
    BurstOfWindow,

    #[error("set only one of `contract`, `per_address`, `per_header` and `per_credential`")]
    SeveralNames,
    #[error(
        "`trusting_forwarded` takes the number of proxies in front of the application, at least 1"
    )]
    NoHops,
    #[error("{0}")]
    Secret(EmptySecret),

    #[error("the name of a limiter has 1 to {MAX_NAME_BYTES} characters, not {0}")]
    NameLength(usize),
    #[error("the name of a limiter holds A-Z, a-z, 0-9, '_', '.' and '-', not {0:?}")]
    NameCharacter(char),
    /// Its keys could collide with those of another limiter.
    #[error("a limiter that allows '#' in resources has no name: use one or the other")]
    NameWithSeparators,
    #[error("{0}")]
    SharedCounters(Box<SharedCounters>),

    /// Stored keys contain whole seconds.
    #[error("a window is a whole number of seconds, at least 1s, not {}", write_duration(*.0))]
    Window(Duration),
    #[error(
        "the granularity {} does not divide the window {}: choose one that does",
        write_duration(*.granularity),
        write_duration(*.window)
    )]
    Granularity { granularity: Duration, window: Duration },
    #[error(
        "the window {} has more than {MAX_SUB_WINDOWS} sub-windows of {}: choose longer ones",
        write_duration(*.window),
        write_duration(*.granularity)
    )]
    SubWindows { granularity: Duration, window: Duration },
    #[error("at least one window is required")]
    NoWindows,
    #[error(
        "{0} windows do not fit into a transaction, which takes {MAX_TRANSACT_WRITES}: use fewer"
    )]
    TooManyWindows(usize),
    #[error("two windows have the same length {}: remove one of them", write_duration(*.0))]
    DuplicateWindow(Duration),
    #[error(
        "the window {} does not pack into {}",
        write_duration(*.window),
        write_duration(*.longest)
    )]
    Packing { window: Duration, longest: Duration },
    #[error(
        "the skew allowance {} is not shorter than {}: choose a shorter one",
        write_duration(*.skew),
        write_duration(*.shortest)
    )]
    SkewAllowance { skew: Duration, shortest: Duration },
    #[error("a burst of at least 1 is required")]
    NoBurst,
    #[error(
        "{limit} per {} is more than one per nanosecond: lower the limit",
        write_duration(*.period)
    )]
    Rate { limit: i64, period: Duration },
    #[error(
        "a bucket of {burst} that regains {limit} per {} takes more than 9,998 years to fill",
        write_duration(*.period)
    )]
    Fill { limit: i64, period: Duration, burst: u32 },
}

/// Two limits that would count in the same items of one table. Requests would be counted twice, and
/// the expiry of the shorter limit would delete the counts of the longer one.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{first} and {second} share their counters in the table {table}: {}", self.mending())]
pub(super) struct SharedCounters {
    pub(super) table: TableName,
    /// The strategies in words.
    pub(super) first: String,
    pub(super) second: String,
    /// Whether both have the same name, as opposed to no name.
    pub(super) are_named: bool,
}

impl SharedCounters {
    const fn mending(&self) -> &'static str {
        if self.are_named {
            "they have the same name; give each its own with `named`"
        } else {
            "give them names with `named`, or a table each"
        }
    }
}
