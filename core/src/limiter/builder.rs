//! The builder of a limiter.

use alloc::string::String;
use core::time::Duration;

use super::config::{Config, Limiter, OnFailure};
use super::error::Error;
use super::name::LimiterName;
use super::schema::TABLE_VARIABLES;
use crate::store::{AttributeStyle, TableName};

/// Builds a [`Limiter`]. Each method documents the default of its setting.
#[derive(Clone, Debug)]
#[must_use = "call build()"]
pub struct LimiterBuilder(pub(super) Config);

impl LimiterBuilder {
    /// Sets the behavior when the store reports a wrong deployment (missing table, denied access).
    /// The default is the behavior for other failures.
    pub fn on_misconfigured(mut self, on_failure: OnFailure) -> Self {
        self.0.on_misconfigured = Some(on_failure);
        self
    }

    /// Sets the table's name. The default is `rate-limits`.
    pub fn table_name(mut self, name: impl Into<TableName>) -> Self {
        self.0.table = name.into();
        self
    }

    /// Reads the table's name from the environment, from the first of these variables that is not
    /// blank: `APPTHEORY_RATE_LIMIT_TABLE_NAME`, `RATE_LIMIT_TABLE_NAME`, `RATE_LIMIT_TABLE`,
    /// `LIMITED_TABLE_NAME`. If all are blank or missing, the name stays unchanged.
    pub fn env(mut self, env: impl Fn(&str) -> Option<String>) -> Self {
        let name = TableName::resolve(&TABLE_VARIABLES, self.0.table.as_ref(), env);
        self.0.table = name;
        self
    }

    /// Gives the limiter its own counters: the sort key becomes `{resource}#{operation}#{name}`. A
    /// name has 1 to 64 characters of `[A-Za-z0-9_.-]`. Name your limiters whenever two limits
    /// share a table.
    ///
    /// All unnamed limiters count under `{resource}#{operation}`. Two fixed windows that start
    /// together then share one counter, with the expiry of the limiter that counted first, and two
    /// token buckets always share one. Limits of other functions on the same table cannot be
    /// detected here; they need names, too. Renaming a limiter resets its counters.
    ///
    /// # Errors
    ///
    /// [`Error`] for an invalid name, or if the limiter allows separators in keys.
    pub fn named(mut self, name: &str) -> Result<Self, Error> {
        self.0.name = Some(LimiterName::new(name)?);
        self.0.with_checked_keys().map(Self)
    }

    /// Allows `#` in the resources of keys that [`Limiter::key`] creates. Use it for counters that
    /// earlier deployments wrote. Two different keys can then share a counter, so give such a
    /// limiter a table that no named limiter uses.
    ///
    /// # Errors
    ///
    /// [`Error`] if the limiter has a name.
    pub fn allow_separator_in_keys(mut self) -> Result<Self, Error> {
        self.0.separators = true;
        self.0.with_checked_keys().map(Self)
    }

    /// Sets the style of the attribute names. The default is [`AttributeStyle::Pascal`].
    pub fn attribute_style(mut self, style: AttributeStyle) -> Self {
        self.0.attribute_style = style;
        self
    }

    /// Sets how long counters are kept after their window ends, in whole seconds. The default is an
    /// hour. A sliding window keeps counters at least as long as it reads them. Choose more than
    /// the duration of a decision plus the difference of clocks: an expired counter starts again at
    /// zero.
    pub fn ttl_buffer(mut self, buffer: Duration) -> Self {
        self.0.ttl_buffer = buffer;
        self
    }

    /// Enables shadow mode: the limiter decides and reports as usual, but never refuses. A request
    /// over the limit is allowed with [`Decision::shadowed`](super::Decision::shadowed), and store
    /// failures always fail open. Requests over the limit are not counted, so the reports equal
    /// those of the enforced limit.
    pub fn shadow(mut self) -> Self {
        self.0.shadow = true;
        self
    }

    /// Remembers a denial of a fixed window until the window ends, and repeats it without a store
    /// call.
    pub fn deny_cache(mut self) -> Self {
        self.0.deny_cache = true;
        self
    }

    /// Sets how far the clocks of any two callers may differ. The default is 10 ms, ten times the
    /// accuracy of Amazon Time Sync. Raise it for hosts with worse clocks.
    ///
    /// A [`SlidingWindow`](super::SlidingWindow) and a packed [`MultiWindow`](super::MultiWindow)
    /// hold their limits as long as clocks differ by at most `skew`; other windows hold theirs with
    /// any clocks. A decision that begins in the last `skew` of a sliding sub-window waits for the
    /// sub-window's end. A [`TokenBucket`](super::TokenBucket) treats a stored instant from a clock
    /// that is further ahead as another limit's.
    ///
    /// # Errors
    ///
    /// [`Error`] unless `skew` is shorter than a sliding window's granularity and the shortest
    /// packed window.
    pub fn skew_allowance(mut self, skew: Duration) -> Result<Self, Error> {
        self.0.skew_allowance = skew;
        self.0.with_checked_skew().map(Self)
    }

    /// Counts several windows without transactions: one conditional update per window, undone if a
    /// later window refuses. Never admits more than the limits; may briefly count too much.
    pub fn without_transactions(mut self) -> Self {
        self.0.transactions = false;
        self
    }

    /// Reads the first window's count after an allowed multi-window transaction, which does not
    /// return counts. This costs one more call per allowed request. If the read fails, the count
    /// stays unknown.
    pub fn read_back(mut self) -> Self {
        self.0.read_back = true;
        self
    }

    /// Builds the limiter.
    #[must_use]
    pub fn build(self) -> Limiter {
        Limiter::of(self.0)
    }
}
