//! The limiter as a value, and the calls on it.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::num::NonZeroU32;
use core::time::Duration;

use super::check::Check;
use super::check_and_increment::CheckAndIncrement;
use super::error::Operation;
use super::key::{KeyError, RateLimitKey};
use super::name::{LimiterName, NameError};
use super::plan::{AnyPlan, Call};
use super::recall::Recall;
use super::record::Record;
use super::schema::{AttributeNames, DEFAULT_TABLE_NAME, TABLE_VARIABLES};
use super::strategy::{Strategy, StrategyError};
use super::usage::Usage;
use super::window::TimeWindow;
use crate::store::{AttributeStyle, KeySchema, TableDefinition, TableName};
use crate::time::Timestamp;

/// A rate limiter: a strategy, and how its counters are stored. Cheap to clone, never changes.
#[derive(Clone, Debug)]
pub struct Limiter(Arc<Config>);

#[derive(Clone, Debug)]
pub(super) struct Config {
    pub(super) strategy: Strategy,
    pub(super) table: TableName,
    pub(super) name: Option<LimiterName>,
    /// Whether resources may hold `#`.
    pub(super) separators: bool,
    pub(super) attribute_style: AttributeStyle,
    pub(super) ttl_buffer: Duration,
    pub(super) on_unavailable: OnFailure,
    pub(super) on_misconfigured: OnFailure,
    pub(super) shadow: bool,
    pub(super) deny_cache: bool,
    pub(super) skew_allowance: Duration,
    pub(super) transactions: bool,
    pub(super) read_back: bool,
}

/// What the limiter does while its store gives no answer.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum OnFailure {
    /// Allows the request, and says so ([`Basis::FailOpen`](super::Basis::FailOpen)).
    Open,
    /// Gives an error, which is neither an allowance nor a denial.
    Closed,
}

/// One request for a decision.
#[derive(Clone, Debug)]
pub struct Attempt {
    pub(super) key: RateLimitKey,
    pub(super) now: Timestamp,
    pub(super) cost: NonZeroU32,
    pub(super) id: Option<DecisionId>,
    pub(super) metadata: BTreeMap<String, String>,
}

/// Tells one decision from all others: any value that is not used twice within ten minutes, such as
/// 128 random bits. It makes a multi-window transaction safe to repeat, and seeds its back-off.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct DecisionId(pub u128);

impl Attempt {
    /// An attempt of cost 1, decided as of `now`: what the clock of the executor shows, or showed a
    /// moment ago. A sliding window relies on that clock; an instant ahead of it would be believed.
    #[must_use]
    pub fn new(key: RateLimitKey, now: Timestamp) -> Self {
        Self { key, now, cost: NonZeroU32::MIN, id: None, metadata: BTreeMap::new() }
    }

    /// How many units the request uses.
    #[must_use]
    pub fn with_cost(self, cost: NonZeroU32) -> Self {
        Self { cost, ..self }
    }

    /// The decision's id. Without one, a multi-window transaction has no client token: an executor
    /// may then not send it again when its reply is lost.
    #[must_use]
    pub fn with_id(self, id: DecisionId) -> Self {
        Self { id: Some(id), ..self }
    }

    /// Texts to store with the counter when it is created, for people who look at the table. They
    /// affect no decision as long as the item is small: each KB costs a write unit, and above
    /// DynamoDB's 400 KB nothing is counted. Cut texts whose length a client chooses.
    #[must_use]
    pub fn with_metadata(self, metadata: BTreeMap<String, String>) -> Self {
        Self { metadata, ..self }
    }
}

impl Limiter {
    /// Starts a limiter that allows requests while its store gives no answer.
    pub fn fail_open(strategy: impl Into<Strategy>) -> LimiterBuilder {
        LimiterBuilder::new(strategy.into(), OnFailure::Open)
    }

    /// Starts a limiter that gives an error while its store gives no answer.
    pub fn fail_closed(strategy: impl Into<Strategy>) -> LimiterBuilder {
        LimiterBuilder::new(strategy.into(), OnFailure::Closed)
    }

    /// Makes a key as [`RateLimitKey::new`] does; its resource may hold `#` if the limiter
    /// [allows that](LimiterBuilder::allow_separator_in_keys).
    ///
    /// # Errors
    ///
    /// [`KeyError`] for a blank part, or a `#` where it is not allowed.
    pub fn key(
        &self,
        identifier: &str,
        resource: &str,
        operation: &str,
    ) -> Result<RateLimitKey, KeyError> {
        if self.0.separators {
            RateLimitKey::allowing_separators(identifier, resource, operation)
        } else {
            RateLimitKey::new(identifier, resource, operation)
        }
    }

    /// Decides on a request and counts it if it is allowed.
    pub fn check_and_increment(&self, attempt: Attempt, recall: &Recall) -> CheckAndIncrement {
        CheckAndIncrement::new(self.plan(attempt, Operation::CheckAndIncrement, recall))
    }

    /// Decides on a request without counting it.
    pub fn check(&self, attempt: Attempt, recall: &Recall) -> Check {
        Check::new(self.plan(attempt, Operation::Check, recall))
    }

    /// Counts a request without deciding on it, even beyond the limit.
    pub fn record(&self, attempt: Attempt, recall: &Recall) -> Record {
        Record::new(self.plan(attempt, Operation::Record, recall))
    }

    /// Reads what is used of a key's limits.
    pub fn usage(&self, key: RateLimitKey, now: Timestamp) -> Usage {
        let attempt = Attempt::new(key, now);
        Usage::new(self.plan(attempt, Operation::Usage, &Recall::with_capacity(0)))
    }

    /// The windows that a key without exceptions is counted in as of `now`, in the order of the
    /// configuration; a sliding window's sub-windows newest first. A token bucket has none.
    #[must_use]
    pub fn windows(&self, now: Timestamp) -> Vec<TimeWindow> {
        self.0.strategy.windows(now)
    }

    /// The Unix second after which the counter of a window may be removed.
    #[must_use]
    pub fn expires_at(&self, window: &TimeWindow) -> i64 {
        self.0.expires_at(window)
    }

    /// The table that this limiter needs.
    #[must_use]
    pub fn table(&self) -> TableDefinition {
        TableDefinition {
            name: self.0.table.clone(),
            key: KeySchema { partition: "PK".into(), sort: Some("SK".into()) },
            indexes: Vec::new(),
            ttl: AttributeNames::of(self.0.attribute_style).ttl.into(),
        }
    }

    pub(super) fn config(&self) -> &Config {
        &self.0
    }

    fn plan(&self, mut attempt: Attempt, operation: Operation, recall: &Recall) -> AnyPlan {
        if let Some(name) = &self.0.name {
            attempt.key = attempt.key.among(name);
        }
        AnyPlan::new(Call { config: Arc::clone(&self.0), attempt, operation }, recall)
    }
}

impl Config {
    pub(super) fn expires_at(&self, window: &TimeWindow) -> i64 {
        let buffer = match &self.strategy {
            // An ended sub-window counts until the whole window has passed it, by every clock.
            Strategy::Sliding(sliding) => {
                let skew = self.skew_allowance;
                let seconds = skew.as_secs().saturating_add(u64::from(skew.subsec_nanos() > 0));
                let kept = self.ttl_buffer.max(sliding.window);
                kept.saturating_add(Duration::from_secs(seconds))
            }
            Strategy::Fixed(_) | Strategy::Multi(_) | Strategy::TokenBucket(_) => self.ttl_buffer,
        };
        seconds_after(window.end().unix_seconds(), buffer)
    }
}

/// Whole seconds `by` after a Unix second.
pub(super) fn seconds_after(unix_second: i64, by: Duration) -> i64 {
    unix_second.saturating_add(i64::try_from(by.as_secs()).unwrap_or(i64::MAX))
}

/// A limiter in the making.
#[derive(Clone, Debug)]
#[must_use = "call build()"]
pub struct LimiterBuilder(Config);

impl LimiterBuilder {
    fn new(strategy: Strategy, on_failure: OnFailure) -> Self {
        Self(Config {
            strategy,
            table: TableName::from(DEFAULT_TABLE_NAME),
            name: None,
            separators: false,
            attribute_style: AttributeStyle::default(),
            ttl_buffer: DEFAULT_TTL_BUFFER,
            on_unavailable: on_failure,
            on_misconfigured: on_failure,
            shadow: false,
            deny_cache: false,
            skew_allowance: DEFAULT_SKEW_ALLOWANCE,
            transactions: true,
            read_back: false,
        })
    }

    /// What to do when the store's answer shows that the deployment is wrong (missing table, denied
    /// access), where that differs from other failures.
    pub fn on_misconfigured(mut self, on_failure: OnFailure) -> Self {
        self.0.on_misconfigured = on_failure;
        self
    }

    /// The table's name; `rate-limits` by default.
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
    /// [`NameError`] for any other name, or when the limiter allows separators in keys.
    pub fn named(mut self, name: &str) -> Result<Self, NameError> {
        self.0.name = Some(LimiterName::new(name)?);
        self.checked_keys()
    }

    /// Lets resources hold `#` in the keys that [`Limiter::key`] makes: for counters that earlier
    /// deployments wrote. Two different keys can then share a counter; give such a limiter a table
    /// that no named limiter uses.
    ///
    /// # Errors
    ///
    /// [`NameError::Separators`] when the limiter has a name.
    pub fn allow_separator_in_keys(mut self) -> Result<Self, NameError> {
        self.0.separators = true;
        self.checked_keys()
    }

    fn checked_keys(self) -> Result<Self, NameError> {
        if self.0.separators && self.0.name.is_some() {
            return Err(NameError::Separators);
        }
        Ok(self)
    }

    /// The names of the attributes; [`AttributeStyle::Pascal`] by default.
    pub fn attribute_style(mut self, style: AttributeStyle) -> Self {
        self.0.attribute_style = style;
        self
    }

    /// How long counters are kept after their window ends, in whole seconds; an hour by default. A
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
    /// A [`SlidingWindow`](super::SlidingWindow) and a packed [`MultiWindow`](super::MultiWindow) hold
    /// their limits as long as clocks differ by no more; other windows do whatever clocks show. A
    /// decision that begins in the last `skew` of a sliding sub-window waits for its end. A
    /// [`TokenBucket`](super::TokenBucket) takes what a clock further ahead has stored for another
    /// limit's.
    ///
    /// # Errors
    ///
    /// [`StrategyError::SkewAllowance`] unless it is shorter than a sliding window's granularity, or
    /// the shortest packed window.
    pub fn skew_allowance(mut self, skew: Duration) -> Result<Self, StrategyError> {
        if let Some(shortest) = self.0.strategy.shortest_relied_on()
            && skew >= shortest
        {
            return Err(StrategyError::SkewAllowance { skew, shortest });
        }
        self.0.skew_allowance = skew;
        Ok(self)
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

    /// The limiter.
    #[must_use]
    pub fn build(self) -> Limiter {
        Limiter(Arc::new(self.0))
    }
}

/// How long counters are kept after their window: an hour, so that what was used can still be looked
/// at, and late writes find the counter that they belong to.
const DEFAULT_TTL_BUFFER: Duration = Duration::from_secs(3_600);

/// By how much callers' clocks may differ. Amazon Time Sync keeps a host to less than a millisecond;
/// the rest is for hosts that were just started.
const DEFAULT_SKEW_ALLOWANCE: Duration = Duration::from_millis(10);
