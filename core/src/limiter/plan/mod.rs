//! Each strategy's reads, writes and decisions, as pure functions of outcomes.
//!
//! A plan never waits: a machine sends its orders to the store and returns the outcomes to the
//! plan.
//!
//! # The life of a decision
//!
//! ```text
//!  Limiter::check_and_increment(attempt, recall)         one strategy makes one Plan
//!        │
//!        ▼                                    ┌──────────────────────────────────────────────┐
//!      begin ──▶ Next ──┬─ Sleep ─────────────┼▶ after_sleep ──▶ Next                         │
//!                       ├─ Read ─ batches ────┼▶ after_reads ──▶ Next         sliding windows │
//!                       │                     └──────────────────────────────────────────────┘
//!                       ├─ Write ─ one conditional write
//!                       │     │ Written, Transacted  ─▶  Wrote { Applied, Refused }
//!                       │     │                              └▶ after_write ──▶ Next
//!                       │     ├ conflict: wait, and the same write again, three times
//!                       │     └ no answer ─▶ after_failure ──▶ Next, or the policy of failures
//!                       ├─ ReadBack ─ admitted by a transaction, which returns no counts
//!                       ├─ TooLate ─ the policy of failures
//!                       ▼
//!                     Decide(Decision) ─ shadow mode ─▶ Decided { decision, learned }
//! ```
//!
//! The policy of failures returns an admitted decision without a count, or an error. The host
//! merges what was learned into its [`Recall`], from which the key's next plan starts.
//!
//! Checking reads [`keys`](Plan::keys) and [judges](Plan::judge) them. Recording writes without a
//! guard. Usage reads and lists. So every plan can interpret its counters, even a plan that decides
//! without a read.

mod bucket;
mod call;
mod packed;
mod reads;
mod sequential;
mod sliding;
mod windows;

use alloc::boxed::Box;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::ops::{Deref, DerefMut};
use core::time::Duration;

use self::bucket::Bucket;
pub(super) use self::call::Call;
use self::call::{Limiting, Ruling};
use self::packed::Packed;
pub(super) use self::reads::Reads;
use self::sequential::Sequential;
use self::sliding::{Cover, Sliding};
use self::windows::Windows;
use super::decision::{Decision, Stage, UsageWindow};
use super::recall::{Learned, Recall};
use super::strategy::{Layout, Strategy};
use super::window::{Naming, TimeWindow};
use crate::store::{
    self, AttributeName, BatchRead, CancellationReason, Item, Key, TransactWriteItems, Transacted,
    UpdateItem, Written,
};
use crate::time::Timestamp;

/// How one strategy counts one request.
pub(super) trait Plan {
    fn call(&self) -> &Call;

    /// Returns the decision on an admitted request, with its count if the store returned one.
    fn admitted(&self, count: Option<i64>) -> Decision;

    /// Returns the first step of deciding and counting.
    fn begin(&mut self) -> Next;

    /// Returns the step after a requested sleep has ended.
    fn after_sleep(&mut self, _woken_at: Timestamp) -> Next {
        self.begin()
    }

    /// Returns the step after all [`reads`](Self::reads) have been answered.
    fn after_reads(&mut self, reads: &Reads) -> Next {
        Next::Decide(self.judge(reads))
    }

    /// Returns the last requested write, to be sent again.
    fn write(&self) -> Write;

    /// Returns the step after a write that was answered at `at`.
    fn after_write(&mut self, wrote: Wrote, at: Timestamp) -> Next;

    /// Returns the step after a failed write, if the decision does not depend on that write.
    fn after_failure(&mut self) -> Option<Next> {
        None
    }

    /// Returns the keys of the counters that the decision depends on.
    fn keys(&self) -> Vec<Key>;

    /// Returns the attributes that hold the counts, besides the key.
    fn counters(&self) -> Vec<AttributeName> {
        Vec::from([self.call().names().count.into()])
    }

    /// Returns the reads of all counters.
    fn reads(&self) -> Reads {
        Reads::new(self.call(), self.keys(), self.counters())
    }

    /// Returns the decision for the counters as read, without writing.
    fn judge(&mut self, reads: &Reads) -> Decision;

    /// Returns the usage of each window.
    fn usage(&self, reads: &Reads) -> Vec<UsageLine>;

    /// Returns the write that counts without deciding.
    fn record(&mut self) -> Write;

    /// Returns another write, if the request is not recorded yet.
    fn after_record(&mut self, _wrote: &Wrote, _at: Timestamp) -> Option<Write> {
        None
    }

    /// Returns what the instance should remember.
    fn learned(&self) -> Learned {
        Learned::default()
    }
}

/// The next step of a decision.
pub(super) enum Next {
    /// Sleep for this duration.
    Sleep(Duration),
    /// Send the plan's [`Reads`].
    Read,
    Write(Write),
    /// Read the count of a request that a transaction has admitted.
    ReadBack,
    /// Fail: the reply came too late to rely on.
    TooLate(Stage),
    /// End with this decision.
    Decide(Decision),
}

#[derive(Clone, Debug)]
pub(super) enum Write {
    Update(UpdateItem),
    Transact(TransactWriteItems),
}

/// The outcome of an update or a transaction.
pub(super) enum Wrote {
    Applied {
        /// The changed attributes, if the store returns them.
        attributes: Item,
    },
    Refused(Vec<Refusal>),
}

/// The refusal of a write.
pub(super) struct Refusal {
    /// The index of the refused write in its order; 0 for an update.
    pub(super) at: usize,
    pub(super) seen: Option<Item>,
}

/// The plan of any strategy; derefs to the [`Plan`] inside. An enum instead of a `Box<dyn Plan>`,
/// so that machines are `Clone` and a decision allocates little.
#[derive(Clone, Debug)]
pub(super) enum AnyPlan {
    /// One item per window.
    Windows(Windows),
    /// One item per window, without transactions. Boxed, because it is the largest variant.
    Sequential(Box<Sequential>),
    /// One item for all windows.
    Packed(Packed),
    /// One item per sub-window.
    Sliding(Sliding),
    /// One item per bucket.
    Bucket(Bucket),
}

impl AnyPlan {
    pub(super) fn new(call: Call, recall: &Recall) -> Self {
        let config = Arc::clone(&call.config);
        match &config.strategy {
            Strategy::Fixed(fixed) => {
                let quotas = Arc::clone(fixed.quotas.of(&call.attempt.key));
                Self::Windows(Windows::new(call, quotas, Naming::Start))
            }
            Strategy::Sliding(sliding) => Self::Sliding(Sliding::new(call, sliding, recall)),
            Strategy::TokenBucket(bucket) => Self::Bucket(Bucket::new(call, bucket, recall)),
            Strategy::Multi(multi) => {
                let quotas = Arc::clone(multi.quotas.of(&call.attempt.key));
                if multi.layout == Layout::Packed {
                    return Self::Packed(Packed::new(call, quotas));
                }
                let windows = Windows::new(call, quotas, Naming::StartAndLength);
                if config.transactions { Self::Windows(windows) } else { Sequential::plan(windows) }
            }
        }
    }
}

impl Deref for AnyPlan {
    type Target = dyn Plan;

    fn deref(&self) -> &Self::Target {
        match self {
            Self::Windows(plan) => plan,
            Self::Sequential(plan) => &**plan,
            Self::Packed(plan) => plan,
            Self::Sliding(plan) => plan,
            Self::Bucket(plan) => plan,
        }
    }
}

impl DerefMut for AnyPlan {
    fn deref_mut(&mut self) -> &mut Self::Target {
        match self {
            Self::Windows(plan) => plan,
            Self::Sequential(plan) => &mut **plan,
            Self::Packed(plan) => plan,
            Self::Sliding(plan) => plan,
            Self::Bucket(plan) => plan,
        }
    }
}

/// One line of a usage report.
pub(super) struct UsageLine {
    pub(super) key: String,
    pub(super) length: Duration,
    pub(super) window: UsageWindow,
}

impl UsageLine {
    fn of(window: &TimeWindow, count: i64, limit: i64) -> Self {
        let usage = UsageWindow { count, limit, start: window.start, end: window.end() };
        Self { key: window.key(), length: window.length, window: usage }
    }
}

impl Strategy {
    pub(super) fn windows(&self, now: Timestamp) -> Vec<TimeWindow> {
        match self {
            Self::Fixed(fixed) => windows::of(fixed.quotas.default(), now, Naming::Start),
            Self::Multi(multi) => windows::of(multi.quotas.default(), now, Naming::StartAndLength),
            Self::Sliding(sliding) => Cover::of(sliding).windows(now).collect(),
            Self::TokenBucket(_) => Vec::new(),
        }
    }
}

impl From<Written> for Wrote {
    fn from(written: Written) -> Self {
        match written {
            Written::Applied { attributes } => Self::Applied { attributes },
            Written::Refused { seen } => Self::Refused(Vec::from([Refusal { at: 0, seen }])),
        }
    }
}

impl Wrote {
    /// Reads a transaction's outcome. All cancellation reasons are considered, whatever their
    /// order: a refusal decides; otherwise a conflict (which can be retried), then throttling, then
    /// any other reason.
    pub(super) fn from_transaction(transacted: Transacted) -> Result<Self, store::Error> {
        let Transacted::Canceled { reasons } = transacted else {
            return Ok(Self::Applied { attributes: Item::new() });
        };
        let (mut refusals, mut failures) = (Vec::new(), Vec::new());
        for (at, reason) in reasons.into_iter().enumerate() {
            match reason {
                CancellationReason::None => {}
                CancellationReason::ConditionalCheckFailed { seen } => {
                    refusals.push(Refusal { at, seen });
                }
                CancellationReason::Failed(error) => failures.push(error),
            }
        }
        if !refusals.is_empty() {
            return Ok(Self::Refused(refusals));
        }
        let telling = [store::Error::Conflict, store::Error::Throttled];
        let first_telling = telling.into_iter().find(|error| failures.contains(error));
        Err(first_telling
            .or_else(|| failures.first().copied())
            .unwrap_or(store::Error::Unavailable))
    }
}

/// The outcome of one batch of [`Reads`].
pub(super) type BatchOutcome = store::Outcome<BatchRead>;
