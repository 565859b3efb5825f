//! The settings of a limiter, collected one by one.

use alloc::string::String;
use core::time::Duration;

use super::config::{Config, Limiter, OnFailure};
use super::error::Error;
use super::name::LimiterName;
use super::schema::TABLE_VARIABLES;
use crate::store::{AttributeStyle, TableName};

/// Collects the settings of a [`Limiter`]. What is not set has the default that its method names.
#[derive(Clone, Debug)]
#[must_use = "call build()"]
pub struct LimiterBuilder(pub(super) Config);

impl LimiterBuilder {
    /// Sets what to do when the store's answer shows that the deployment is wrong (missing table,
    /// denied access), where that differs from other failures.
    pub fn on_misconfigured(mut self, on_failure: OnFailure) -> Self {
        self.0.on_misconfigured = Some(on_failure);
        self
    }

    /// Sets the table's name; `rate-limits` by default.
    pub fn table_name(mut self, name: impl Into<TableName>) -> Self {
        self.0.table = name.into();
        self
    }

    /// Takes the table's name from the first variable of an environment that is not blank:
    /// `APPTHEORY_RATE_LIMIT_TABLE_NAME`, `RATE_LIMIT_TABLE_NAME`, `RATE_LIMIT_TABLE` or
    /// `LIMITED_TABLE_NAME`. Without any, the name stays as it is.
    pub fn env(mut self, env: impl Fn(&str) -> Option<String>) -> Self {
        let name = TableName::resolve(&TABLE_VARIABLES, self.0.table.as_ref(), env);
        self.0.table = name;
        self
    }

    /// Gives the limiter counters of its own, `{resource}#{operation}#{name}`: 1 to 64 of
    /// `[A-Za-z0-9_.-]`. Use it whenever two limits share a table.
    ///
    /// Unnamed limiters all count under `{resource}#{operation}`: two fixed windows that start
    /// together are one counter, which expires when the limiter that counted first says, and two
    /// token buckets are always one. Limits of other functions cannot be seen from here: those that
    /// share a table need names, too. Renaming a limiter starts its counters afresh.
    ///
    /// # Errors
    ///
    /// [`Error`] for any other name, or when the limiter allows separators in keys.
    pub fn named(mut self, name: &str) -> Result<Self, Error> {
        self.0.name = Some(LimiterName::new(name)?);
        self.0.with_checked_keys().map(Self)
    }

    /// Lets resources hold `#` in the keys that [`Limiter::key`] makes: for counters that earlier
    /// deployments wrote. Two different keys can then share a counter; give such a limiter a table
    /// that no named limiter uses.
    ///
    /// # Errors
    ///
    /// [`Error`] when the limiter has a name.
    pub fn allow_separator_in_keys(mut self) -> Result<Self, Error> {
        self.0.separators = true;
        self.0.with_checked_keys().map(Self)
    }

    /// Sets the names of the attributes; [`AttributeStyle::Pascal`] by default.
    pub fn attribute_style(mut self, style: AttributeStyle) -> Self {
        self.0.attribute_style = style;
        self
    }

    /// Keeps counters for so long after their window ends, in whole seconds; an hour by default. A
    /// sliding window keeps them at least as long as it looks back. Let it exceed the time that a
    /// decision may take, and the difference of clocks: a counter that is gone starts anew.
    pub fn ttl_buffer(mut self, buffer: Duration) -> Self {
        self.0.ttl_buffer = buffer;
        self
    }

    /// Decides and reports as usual, but never refuses: what would have been refused is allowed
    /// with [`Decision::shadowed`](super::Decision::shadowed), and store failures always open. What
    /// exceeds the limit is not counted, so that the reports are those of the enforced limit.
    pub fn shadow(mut self) -> Self {
        self.0.shadow = true;
        self
    }

    /// Remembers denials of a fixed window until it ends, and repeats them without a store call.
    pub fn deny_cache(mut self) -> Self {
        self.0.deny_cache = true;
        self
    }

    /// Allows any two callers' clocks to differ by so much; 10 ms by default, ten times what Amazon
    /// Time Sync keeps hosts to. Set it where clocks are worse.
    ///
    /// A [`SlidingWindow`](super::SlidingWindow) and a packed [`MultiWindow`](super::MultiWindow)
    /// hold their limits as long as clocks differ by no more; other windows do whatever clocks
    /// show. A decision that begins in the last `skew` of a sliding sub-window waits for its end. A
    /// [`TokenBucket`](super::TokenBucket) takes what a clock further ahead has stored for another
    /// limit's.
    ///
    /// # Errors
    ///
    /// [`Error`] unless it is shorter than a sliding window's granularity, or
    /// the shortest packed window.
    pub fn skew_allowance(mut self, skew: Duration) -> Result<Self, Error> {
        self.0.skew_allowance = skew;
        self.0.with_checked_skew().map(Self)
    }

    /// Counts several windows without transactions: one conditional update per window, taken back
    /// when a later one refuses. Never admits more than the limits; may briefly count too much.
    pub fn without_transactions(mut self) -> Self {
        self.0.transactions = false;
        self
    }

    /// Reads the first window's count after a multi-window transaction, which does not tell it: one
    /// more call per allowed request. If it fails, the count stays unknown.
    pub fn read_back(mut self) -> Self {
        self.0.read_back = true;
        self
    }

    /// Returns the limiter.
    #[must_use]
    pub fn build(self) -> Limiter {
        Limiter::of(self.0)
    }
}
