//! What each strategy reads, writes and decides, as pure functions of outcomes.
//!
//! A plan never waits: a machine carries its orders to the store and the outcomes back.
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
//! The policy of failures makes an admitted decision without a count, or an error. The host merges what
//! was learned into its [`Recall`], from which the next plan of the key starts.
//!
//! Checking reads [`keys`](Plan::keys) and [judges](Plan::judge) them; recording writes without a
//! guard; usage reads and lists. So every plan knows what its counters mean, even one that decides
//! without reading any.

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

    /// The decision on an admitted request, with its count where the store told it.
    fn admitted(&self, count: Option<i64>) -> Decision;

    /// The first thing that deciding and counting needs.
    fn begin(&mut self) -> Next;

    /// What follows once the time that was asked for has passed.
    fn after_sleep(&mut self, _woken_at: Timestamp) -> Next {
        self.begin()
    }

    /// What follows once all [`reads`](Self::reads) have been answered.
    fn after_reads(&mut self, reads: &Reads) -> Next {
        Next::Decide(self.judge(reads))
    }

    /// The write that was asked for last, to be sent again.
    fn write(&self) -> Write;

    /// What follows from a write that was answered at `at`.
    fn after_write(&mut self, wrote: Wrote, at: Timestamp) -> Next;

    /// What follows from a write without an answer, where the decision does not hang on it.
    fn after_failure(&mut self) -> Option<Next> {
        None
    }

    /// The counters that bear on the decision.
    fn keys(&self) -> Vec<Key>;

    /// The attributes that hold the counts, beside the key.
    fn counters(&self) -> Vec<AttributeName> {
        Vec::from([self.call().names().count.into()])
    }

    /// The reads of all counters.
    fn reads(&self) -> Reads {
        Reads::new(self.call(), self.keys(), self.counters())
    }

    /// The decision that the counters call for, nothing being written.
    fn judge(&mut self, reads: &Reads) -> Decision;

    /// What is used in each window.
    fn usage(&self, reads: &Reads) -> Vec<UsageLine>;

    /// The write that counts without deciding.
    fn record(&mut self) -> Write;

    /// The write that has to follow, if any, for the request to be recorded.
    fn after_record(&mut self, _wrote: &Wrote, _at: Timestamp) -> Option<Write> {
        None
    }

    /// What the instance should remember.
    fn learned(&self) -> Learned {
        Learned::default()
    }
}

/// What a decision needs next.
pub(super) enum Next {
    /// To wait for so long.
    Sleep(Duration),
    /// The plan's [`Reads`].
    Read,
    Write(Write),
    /// The count of a request that a transaction has admitted.
    ReadBack,
    /// To fail: the answer came too late to be acted on.
    TooLate(Stage),
    /// To end with this decision.
    Decide(Decision),
}

#[derive(Clone, Debug)]
pub(super) enum Write {
    Update(UpdateItem),
    Transact(TransactWriteItems),
}

/// What a write came to, whether it was an update or a transaction.
pub(super) enum Wrote {
    Applied {
        /// The changed attributes, where the store tells them.
        attributes: Item,
    },
    Refused(Vec<Refusal>),
}

/// A write that was refused.
pub(super) struct Refusal {
    /// Which of the order's writes; 0 for an update.
    pub(super) at: usize,
    pub(super) seen: Option<Item>,
}

/// The plan of any strategy; it derefs to the [`Plan`] that it holds. An enum and no
/// `Box<dyn Plan>`, so that machines can be cloned, and a decision allocates little.
#[derive(Clone, Debug)]
pub(super) enum AnyPlan {
    /// One item per window.
    Windows(Windows),
    /// One item per window, without transactions. Boxed, because it is larger than the rest.
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
                Self::Windows(Windows::new(call, quotas, Naming::Start, recall))
            }
            Strategy::Sliding(sliding) => Self::Sliding(Sliding::new(call, sliding, recall)),
            Strategy::TokenBucket(bucket) => Self::Bucket(Bucket::new(call, bucket, recall)),
            Strategy::Multi(multi) => {
                let quotas = Arc::clone(multi.quotas.of(&call.attempt.key));
                if multi.layout == Layout::Packed {
                    return Self::Packed(Packed::new(call, quotas));
                }
                let windows = Windows::new(call, quotas, Naming::StartAndLength, recall);
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
    /// Reads a transaction's outcome. All reasons count, whatever their order: a refusal decides,
    /// then a conflict (which can be retried), then throttling, then anything else.
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
