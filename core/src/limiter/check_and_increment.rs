//! Decides on a request and counts it, atomically.

use core::time::Duration;

use super::attempt::DecisionId;
use super::decision::{Decision, Stage};
use super::error::Error;
use super::plan::{AnyPlan, BatchOutcome, Next, Reads, Write, Wrote};
use super::recall::Learned;
use crate::backoff::Backoff;
use crate::error::Happened;
use crate::machine::{Machine, Step};
use crate::store::{self, Answered, GetItem, Item, Sleep, StoreRequest, Transacted, Written};
use crate::time::Timestamp;

/// Decides on a request, and counts it if it is allowed.
///
/// ```text
///            ┌── local denial ──────────────────────────────────────────────┐
///  start ────┼── sliding, cold: BatchGetItem (×⌈keys/100⌉) ──┬─ no room ────┤
///            └──────────────────────────────────────────────▶│              ▼
///                 UpdateItem or TransactWriteItems ◀─────────┘          Decided
///                    │  ▲ └── conflict: Sleep, at most 3 times              ▲
///                    └──┴── read back, token bucket's other write ──────────┘
/// ```
///
/// A decision in the last moments of a sliding sub-window first sleeps until the sub-window has
/// ended. If a reply arrives after the sub-window's end, the decision starts over, once.
///
/// A machine that is dropped after its write was sent may leave the request counted, so the limiter
/// may refuse a request too early, but never admits one too many.
#[must_use = "a machine does nothing until it is run or driven"]
#[derive(Clone, Debug)]
pub struct CheckAndIncrement {
    plan: AnyPlan,
    reads: Reads,
    conflicts: u32,
    /// Whether the store applied a write.
    has_counted: bool,
}

/// A decision, and what the instance learned while deciding. A driver merges `learned` into its
/// [`Recall`](super::Recall) with [`learn`](super::Recall::learn), and passes the `Recall` to the
/// next attempt.
#[derive(Clone, Debug, PartialEq)]
pub struct Decided {
    /// The decision. An error only if the limiter fails closed.
    pub decision: Result<Decision, Error>,
    /// What the instance should remember, also after an error.
    pub learned: Learned,
}

impl CheckAndIncrement {
    pub(super) fn new(plan: AnyPlan) -> Self {
        let reads = Reads::none(plan.call().config.table.clone());
        Self { plan, reads, conflicts: 0, has_counted: false }
    }

    fn proceed(mut self, next: Next) -> Step<Self> {
        match next {
            Next::Sleep(duration) => self.ask(Sleep { duration }, Self::on_woken),
            Next::Read => {
                self.reads = self.plan.reads();
                self.read()
            }
            Next::Write(Write::Update(update)) => self.ask(update, Self::on_update),
            Next::Write(Write::Transact(transact)) => self.ask(transact, Self::on_transact),
            Next::ReadBack => self.read_back(),
            Next::TooLate(stage) => self.fail(store::Error::Timeout, stage),
            Next::Decide(decision) => self.decide(decision),
        }
    }

    fn on_woken(mut self, woken_at: Timestamp) -> Step<Self> {
        let next = self.plan.after_sleep(woken_at);
        self.proceed(next)
    }

    fn read(mut self) -> Step<Self> {
        match self.reads.next_batch() {
            Some(batch) => self.ask(batch, Self::on_read),
            None => {
                let next = self.plan.after_reads(&self.reads);
                self.proceed(next)
            }
        }
    }

    fn on_read(mut self, outcome: BatchOutcome) -> Step<Self> {
        match self.reads.absorb(outcome) {
            Ok(()) => self.read(),
            Err(error) => self.fail(error, Stage::Read),
        }
    }

    fn on_update(mut self, outcome: store::Outcome<Written>) -> Step<Self> {
        match outcome {
            Ok(Answered { answer, at }) => self.on_wrote(answer.into(), at),
            Err(error) => match self.plan.after_failure() {
                Some(next) => self.proceed(next),
                None => self.fail(error, Stage::Write),
            },
        }
    }

    fn on_transact(mut self, outcome: store::Outcome<Transacted>) -> Step<Self> {
        let transacted = outcome.and_then(|transacted| {
            Ok((Wrote::from_transaction(transacted.answer)?, transacted.at))
        });
        match transacted {
            Ok((wrote, at)) => self.on_wrote(wrote, at),
            Err(store::Error::Conflict) if self.conflicts < MAX_CONFLICT_RETRIES => {
                let duration = conflict_delay(self.conflicts, self.plan.call().attempt.id);
                self.conflicts = self.conflicts.saturating_add(1);
                self.ask(Sleep { duration }, Self::write_again)
            }
            Err(error) => self.fail(error, Stage::Write),
        }
    }

    fn on_wrote(mut self, wrote: Wrote, at: Timestamp) -> Step<Self> {
        self.has_counted |= matches!(wrote, Wrote::Applied { .. });
        let next = self.plan.after_write(wrote, at);
        self.proceed(next)
    }

    // The decision keeps its own `now`: its windows are those that the caller asked about.
    fn write_again(self, _woken_at: Timestamp) -> Step<Self> {
        let write = self.plan.write();
        self.proceed(Next::Write(write))
    }

    fn read_back(self) -> Step<Self> {
        let config = &self.plan.call().config;
        let first = if config.read_back { self.plan.keys().into_iter().next() } else { None };
        match first {
            Some(key) => {
                let table = config.table.clone();
                self.ask(GetItem { table, key, consistent: true }, Self::on_read_back)
            }
            None => self.admit(None),
        }
    }

    // The request is admitted and counted, even if the read fails.
    fn on_read_back(self, outcome: store::Outcome<Option<Item>>) -> Step<Self> {
        let counter = self.plan.call().names().count;
        let item = outcome.ok().and_then(|read| read.answer);
        let count = item.and_then(|item| item.integer(counter));
        let count = count.and_then(|count| i64::try_from(count).ok());
        self.admit(count)
    }

    fn admit(self, count: Option<i64>) -> Step<Self> {
        let admitted = self.plan.admitted(count);
        self.decide(admitted)
    }

    fn decide(self, decision: Decision) -> Step<Self> {
        let decision = self.plan.call().enforce(decision);
        Step::Done(Decided { decision: Ok(decision), learned: self.plan.learned() })
    }

    fn fail(self, error: store::Error, stage: Stage) -> Step<Self> {
        let admitted = self.plan.admitted(None);
        // An applied write stays counted, even if a later write failed or its reply came too late.
        let may_have_written = stage == Stage::Write && error.may_have_written();
        let happened =
            if self.has_counted || may_have_written { Happened::Unknown } else { Happened::No };
        let decision = self.plan.call().fail(error, (stage, happened), admitted);
        Step::Done(Decided { decision, learned: self.plan.learned() })
    }
}

impl Machine for CheckAndIncrement {
    type Output = Decided;
    type Request = StoreRequest<Self>;

    fn start(mut self) -> Step<Self> {
        let next = self.plan.begin();
        self.proceed(next)
    }
}

/// Returns the delay before a transaction is sent again after a conflict. The decision's id spreads
/// the delays so that rivals do not meet again. `conflicts` counts the earlier conflicts.
pub(super) fn conflict_delay(conflicts: u32, id: Option<DecisionId>) -> Duration {
    let seed = id.map_or(0, |DecisionId(id)| id & u128::from(u64::MAX));
    // The seed is masked to 64 bits.
    CONFLICT_BACKOFF.delay(conflicts.saturating_add(1), u64::try_from(seed).unwrap_or(0))
}

/// The most retries of a transaction after conflicts.
pub(super) const MAX_CONFLICT_RETRIES: u32 = 3;

/// At most 10, 20, then 40 ms.
const CONFLICT_BACKOFF: Backoff =
    Backoff { base: Duration::from_millis(10), cap: Duration::from_millis(40) };
