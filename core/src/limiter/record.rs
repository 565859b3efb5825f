//! Counts a request without deciding on it.

use super::check_and_increment::{MAX_CONFLICT_RETRIES, conflict_delay};
use super::error::Error;
use super::plan::{AnyPlan, Write, Wrote};
use crate::error::Happened;
use crate::machine::{Machine, Step};
use crate::store::{self, Answered, Sleep, StoreRequest, Transacted, Written};
use crate::time::Timestamp;

/// Counts a request in every window, regardless of the limits. Makes one update, or one transaction
/// for several windows. It never fails open, because the request would not be counted. Tokens
/// recorded beyond a token bucket's size stay recorded until the next decision, which treats the
/// bucket as empty.
#[must_use = "a machine does nothing until it is run or driven"]
#[derive(Clone, Debug)]
pub struct RecordRequest {
    plan: AnyPlan,
    conflicts: u32,
    /// Whether the store applied a write.
    has_counted: bool,
}

impl RecordRequest {
    pub(super) fn new(plan: AnyPlan) -> Self {
        Self { plan, conflicts: 0, has_counted: false }
    }

    fn write(self, write: Write) -> Step<Self> {
        match write {
            Write::Update(update) => self.ask(update, Self::on_update),
            Write::Transact(transact) => self.ask(transact, Self::on_transact),
        }
    }

    fn on_update(self, outcome: store::Outcome<Written>) -> Step<Self> {
        match outcome {
            Ok(Answered { answer, at }) => self.on_wrote(&answer.into(), at),
            Err(error) => self.fail(error),
        }
    }

    fn on_transact(mut self, outcome: store::Outcome<Transacted>) -> Step<Self> {
        let transacted = outcome.and_then(|transacted| {
            Ok((Wrote::from_transaction(transacted.answer)?, transacted.at))
        });
        match transacted {
            Ok((wrote, at)) => self.on_wrote(&wrote, at),
            Err(store::Error::Conflict) if self.conflicts < MAX_CONFLICT_RETRIES => {
                let duration = conflict_delay(self.conflicts, self.plan.call().attempt.id);
                self.conflicts = self.conflicts.saturating_add(1);
                self.ask(Sleep { duration }, Self::write_again)
            }
            Err(error) => self.fail(error),
        }
    }

    fn write_again(self, _woken_at: Timestamp) -> Step<Self> {
        self.start()
    }

    fn on_wrote(mut self, wrote: &Wrote, at: Timestamp) -> Step<Self> {
        self.has_counted |= matches!(wrote, Wrote::Applied { .. });
        match self.plan.after_record(wrote, at) {
            Some(write) => self.write(write),
            None => Step::Done(Ok(())),
        }
    }

    fn fail(self, error: store::Error) -> Step<Self> {
        let happened = if self.has_counted || error.may_have_written() {
            Happened::Unknown
        } else {
            Happened::No
        };
        Step::Done(Err(self.plan.call().error(error, happened)))
    }
}

impl Machine for RecordRequest {
    type Output = Result<(), Error>;
    type Request = StoreRequest<Self>;

    fn start(mut self) -> Step<Self> {
        let write = self.plan.record();
        self.write(write)
    }
}
