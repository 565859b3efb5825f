//! What each strategy reads, writes and concludes, as pure functions of outcomes.
//!
//! A plan never waits: a machine carries its orders to the store and its outcomes back. Every
//! function is total; a plan that needs no read still knows what one would mean, because checking
//! without counting is just that.

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
use core::time::Duration;

pub(super) use self::bucket::Bucket;
pub(super) use self::call::{Call, Verdict};
pub(super) use self::packed::Packed;
pub(super) use self::reads::Reads;
pub(super) use self::sequential::Sequential;
use self::sliding::Cover;
pub(super) use self::sliding::Sliding;
pub(super) use self::windows::Windows;
use super::decision::{Stage, UsageWindow};
use super::recall::{Learned, Recall};
use super::strategy::{Layout, Quota, Strategy};
use super::window::{Naming, TimeWindow};
use crate::store::{
    self, AttributeName, BatchRead, CancellationReason, Item, Key, TransactWriteItems, Transacted,
    UpdateItem, Updated, Written,
};
use crate::time::Timestamp;

#[derive(Clone, Debug)]
pub(super) enum Plan {
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

/// What a decision needs next.
pub(super) enum Next {
    /// That so much time passes.
    Sleep(Duration),
    /// More of the plan's [`Reads`].
    Read,
    Write(Write),
    Conclude(Conclusion),
}

#[derive(Clone, Debug)]
pub(super) enum Write {
    Update(UpdateItem),
    Transact(TransactWriteItems),
}

/// Where a plan ends.
pub(super) enum Conclusion {
    /// With a verdict.
    Verdict(Verdict),
    /// Admitted by a transaction that did not tell its counts.
    AdmittedUncounted,
    /// The answer came too late to be acted on.
    TooLate(Stage),
}

/// What a write came to, whether it was an update or a transaction.
pub(super) enum Wrote {
    Applied {
        /// The changed attributes, where the store tells them.
        attributes: Item,
        /// When the answer arrived; a transaction does not say.
        answered_at: Option<Timestamp>,
    },
    Refused(Vec<Refusal>),
}

/// A write that was refused.
pub(super) struct Refusal {
    /// Which of the order's writes; 0 for an update.
    pub(super) at: usize,
    pub(super) seen: Option<Item>,
    /// When the answer arrived; only updates say so.
    pub(super) answered_at: Option<Timestamp>,
}

macro_rules! each {
    ($plan:expr, $inner:ident => $body:expr) => {
        match $plan {
            Plan::Windows($inner) => $body,
            Plan::Sequential($inner) => $body,
            Plan::Packed($inner) => $body,
            Plan::Sliding($inner) => $body,
            Plan::Bucket($inner) => $body,
        }
    };
}

impl Plan {
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

    pub(super) fn call(&self) -> &Call {
        each!(self, plan => plan.call())
    }

    pub(super) fn quotas(&self) -> &Arc<[Quota]> {
        each!(self, plan => plan.quotas())
    }

    /// The verdict of an allowed request whose count is unknown.
    pub(super) fn allowance(&self) -> Verdict {
        each!(self, plan => plan.allowance())
    }

    /// The first thing that deciding and counting needs.
    pub(super) fn begin(&mut self) -> Next {
        each!(self, plan => plan.begin())
    }

    /// What follows once the time that was asked for has passed.
    pub(super) fn after_sleep(&mut self, woken_at: Timestamp) -> Next {
        match self {
            Self::Sliding(plan) => plan.after_sleep(woken_at),
            // They never ask for it.
            Self::Windows(_) | Self::Sequential(_) | Self::Packed(_) | Self::Bucket(_) => {
                self.begin()
            }
        }
    }

    /// The write that was asked for last, to be sent again.
    pub(super) fn write(&self) -> Write {
        each!(self, plan => plan.write())
    }

    /// What follows from a write.
    pub(super) fn after_write(&mut self, wrote: Wrote) -> Next {
        each!(self, plan => plan.after_write(wrote))
    }

    /// What follows from a write without an answer, where the decision does not hang on it.
    pub(super) fn after_failure(&mut self) -> Option<Next> {
        match self {
            Self::Sequential(plan) => plan.after_failure(),
            Self::Windows(_) | Self::Packed(_) | Self::Sliding(_) | Self::Bucket(_) => None,
        }
    }

    /// What follows once all [`keys`](Self::keys) have been read.
    pub(super) fn after_reads(&mut self, reads: &Reads) -> Next {
        match self {
            Self::Sliding(plan) => plan.after_reads(reads),
            Self::Windows(_) | Self::Sequential(_) | Self::Packed(_) | Self::Bucket(_) => {
                Next::Conclude(Conclusion::Verdict(self.judge(reads)))
            }
        }
    }

    /// The counters that bear on the decision.
    pub(super) fn keys(&self) -> Vec<Key> {
        each!(self, plan => plan.keys())
    }

    /// The attributes that hold the counts, beside the key.
    pub(super) fn counters(&self) -> Vec<AttributeName> {
        each!(self, plan => plan.counters())
    }

    /// The verdict that the counters call for, nothing being written.
    pub(super) fn judge(&mut self, reads: &Reads) -> Verdict {
        each!(self, plan => plan.judge(reads))
    }

    /// What is used in each window.
    pub(super) fn usage(&self, reads: &Reads) -> Vec<UsageLine> {
        each!(self, plan => plan.usage(reads))
    }

    /// The write that counts without deciding.
    pub(super) fn record(&mut self) -> Write {
        each!(self, plan => plan.record())
    }

    /// The write that has to follow, if any, for the request to be recorded.
    pub(super) fn after_record(&mut self, wrote: &Wrote) -> Option<Write> {
        match self {
            Self::Sequential(plan) => plan.after_record(),
            Self::Bucket(plan) => plan.after_record(wrote),
            Self::Windows(_) | Self::Packed(_) | Self::Sliding(_) => None,
        }
    }

    /// What the instance should remember.
    pub(super) fn learned(&self) -> Learned {
        match self {
            Self::Windows(plan) => plan.learned(),
            Self::Sliding(plan) => plan.learned(),
            Self::Bucket(plan) => plan.learned(),
            Self::Sequential(_) | Self::Packed(_) => Learned::default(),
        }
    }

    /// All reads that the plan needs.
    pub(super) fn reads(&self) -> Reads {
        Reads::new(self.call(), self.keys(), self.counters())
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

impl From<Updated> for Wrote {
    fn from(Updated { written, answered_at }: Updated) -> Self {
        match written {
            Written::Applied { attributes } => {
                Self::Applied { attributes, answered_at: Some(answered_at) }
            }
            Written::Refused { seen } => {
                let answered_at = Some(answered_at);
                Self::Refused(Vec::from([Refusal { at: 0, seen, answered_at }]))
            }
        }
    }
}

impl Wrote {
    /// Reads a transaction's outcome. All reasons count, whatever their order: a refusal decides,
    /// then a conflict (which can be retried), then throttling, then anything else.
    pub(super) fn from_transaction(transacted: Transacted) -> Result<Self, store::Error> {
        let Transacted::Canceled { reasons } = transacted else {
            return Ok(Self::Applied { attributes: Item::new(), answered_at: None });
        };
        let (mut refusals, mut failures) = (Vec::new(), Vec::new());
        for (at, reason) in reasons.into_iter().enumerate() {
            match reason {
                CancellationReason::None => {}
                CancellationReason::ConditionalCheckFailed { seen } => {
                    refusals.push(Refusal { at, seen, answered_at: None });
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
pub(super) type BatchOutcome = Result<BatchRead, store::Error>;
