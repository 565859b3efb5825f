//! Decides on a request and counts it, atomically.

use core::time::Duration;

use super::attempt::DecisionId;
use super::decision::{Decision, Stage};
use super::error::Error;
use super::plan::{AnyPlan, BatchOutcome, Next, Reads, Write, Wrote};
use super::recall::Learned;
use crate::backoff::Backoff;
use crate::error::Happened;
use crate::machine::{Ask, Effect, Machine, Step};
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
pub struct CheckAndIncrement(State);

#[derive(Clone, Debug)]
#[expect(clippy::large_enum_variant, reason = "a box would cost each decision an allocation")]
enum State {
    /// Decided by a remembered denial, so that no plan is needed.
    Denied(Decision),
    Deciding(Deciding),
}

#[derive(Clone, Debug)]
struct Deciding {
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
        Self(State::Deciding(Deciding { plan, reads, conflicts: 0, has_counted: false }))
    }

    pub(super) const fn denied(decision: Decision) -> Self {
        Self(State::Denied(decision))
    }

    /// Passes the outcome of an effect to the state that asked for it.
    fn resume<O>(self, outcome: O, then: fn(Deciding, O) -> Step<Self>) -> Step<Self> {
        match self.0 {
            State::Deciding(deciding) => then(deciding, outcome),
            // A denied request asks for no effect.
            State::Denied(_) => self.start(),
        }
    }
}

impl Machine for CheckAndIncrement {
    type Output = Decided;
    type Request = StoreRequest<Self>;

    fn start(self) -> Step<Self> {
        match self.0 {
            State::Denied(decision) => {
                Step::Done(Decided { decision: Ok(decision), learned: Learned::default() })
            }
            State::Deciding(deciding) => deciding.begin(),
        }
    }
}

impl Deciding {
    fn ask<E: Effect>(
        self,
        effect: E,
        then: fn(CheckAndIncrement, E::Outcome) -> Step<CheckAndIncrement>,
    ) -> Step<CheckAndIncrement>
    where
        StoreRequest<CheckAndIncrement>: From<Ask<E, CheckAndIncrement>>,
    {
        CheckAndIncrement(State::Deciding(self)).ask(effect, then)
    }

    fn begin(mut self) -> Step<CheckAndIncrement> {
        let next = self.plan.begin();
        self.proceed(next)
    }

    fn proceed(mut self, next: Next) -> Step<CheckAndIncrement> {
        match next {
            Next::Sleep(duration) => self.ask(Sleep { duration }, |machine, outcome| {
                machine.resume(outcome, Self::on_woken)
            }),
            Next::Read => {
                self.reads = self.plan.reads();
                self.read()
            }
            Next::Write(Write::Update(update)) => {
                self.ask(update, |machine, outcome| machine.resume(outcome, Self::on_update))
            }
            Next::Write(Write::Transact(transact)) => {
                self.ask(transact, |machine, outcome| machine.resume(outcome, Self::on_transact))
            }
            Next::ReadBack => self.read_back(),
            Next::TooLate(stage) => self.fail(store::Error::Timeout, stage),
            Next::Decide(decision) => self.decide(decision),
        }
    }

    fn on_woken(mut self, woken_at: Timestamp) -> Step<CheckAndIncrement> {
        let next = self.plan.after_sleep(woken_at);
        self.proceed(next)
    }

    fn read(mut self) -> Step<CheckAndIncrement> {
        match self.reads.next_batch() {
            Some(batch) => {
                self.ask(batch, |machine, outcome| machine.resume(outcome, Self::on_read))
            }
            None => {
                let next = self.plan.after_reads(&self.reads);
                self.proceed(next)
            }
        }
    }

    fn on_read(mut self, outcome: BatchOutcome) -> Step<CheckAndIncrement> {
        match self.reads.absorb(outcome) {
            Ok(()) => self.read(),
            Err(error) => self.fail(error, Stage::Read),
        }
    }

    fn on_update(mut self, outcome: store::Outcome<Written>) -> Step<CheckAndIncrement> {
        match outcome {
            Ok(Answered { answer, at }) => self.on_wrote(answer.into(), at),
            Err(error) => match self.plan.after_failure() {
                Some(next) => self.proceed(next),
                None => self.fail(error, Stage::Write),
            },
        }
    }

    fn on_transact(mut self, outcome: store::Outcome<Transacted>) -> Step<CheckAndIncrement> {
        let transacted = outcome.and_then(|transacted| {
            Ok((Wrote::from_transaction(transacted.answer)?, transacted.at))
        });
        match transacted {
            Ok((wrote, at)) => self.on_wrote(wrote, at),
            Err(store::Error::Conflict) if self.conflicts < MAX_CONFLICT_RETRIES => {
                let duration = conflict_delay(self.conflicts, self.plan.call().attempt.id);
                self.conflicts = self.conflicts.saturating_add(1);
                self.ask(Sleep { duration }, |machine, outcome| {
                    machine.resume(outcome, Self::write_again)
                })
            }
            Err(error) => self.fail(error, Stage::Write),
        }
    }

    fn on_wrote(mut self, wrote: Wrote, at: Timestamp) -> Step<CheckAndIncrement> {
        self.has_counted |= matches!(wrote, Wrote::Applied { .. });
        let next = self.plan.after_write(wrote, at);
        self.proceed(next)
    }

    // The decision keeps its own `now`: its windows are those that the caller asked about.
    fn write_again(self, _woken_at: Timestamp) -> Step<CheckAndIncrement> {
        let write = self.plan.write();
        self.proceed(Next::Write(write))
    }

    fn read_back(self) -> Step<CheckAndIncrement> {
        let config = &self.plan.call().config;
        let first = if config.read_back { self.plan.keys().into_iter().next() } else { None };
        match first {
            Some(key) => {
                let table = config.table.clone();
                self.ask(GetItem { table, key, consistent: true }, |machine, outcome| {
                    machine.resume(outcome, Self::on_read_back)
                })
            }
            None => self.admit(None),
        }
    }

    // The request is admitted and counted, even if the read fails.
    fn on_read_back(self, outcome: store::Outcome<Option<Item>>) -> Step<CheckAndIncrement> {
        let counter = self.plan.call().names().count;
        let item = outcome.ok().and_then(|read| read.answer);
        let count = item.and_then(|item| item.integer(counter));
        let count = count.and_then(|count| i64::try_from(count).ok());
        self.admit(count)
    }

    fn admit(self, count: Option<i64>) -> Step<CheckAndIncrement> {
        let admitted = self.plan.admitted(count);
        self.decide(admitted)
    }

    fn decide(self, decision: Decision) -> Step<CheckAndIncrement> {
        let decision = self.plan.call().enforce(decision);
        Step::Done(Decided { decision: Ok(decision), learned: self.plan.learned() })
    }

    fn fail(self, error: store::Error, stage: Stage) -> Step<CheckAndIncrement> {
        let admitted = self.plan.admitted(None);
        // An applied write stays counted, even if a later write failed or its reply came too late.
        let may_have_written = stage == Stage::Write && error.may_have_written();
        let happened =
            if self.has_counted || may_have_written { Happened::Unknown } else { Happened::No };
        let decision = self.plan.call().fail(error, (stage, happened), admitted);
        Step::Done(Decided { decision, learned: self.plan.learned() })
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
