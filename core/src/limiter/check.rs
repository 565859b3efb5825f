//! Decides on a request without counting it.

use super::check_and_increment::Decided;
use super::decision::Stage;
use super::plan::{AnyPlan, BatchOutcome, Reads};
use crate::error::Happened;
use crate::machine::{Machine, Step};
use crate::store::{self, StoreRequest};

/// Returns the decision that [`CheckAndIncrement`](super::CheckAndIncrement) would make, without
/// counting the request. Makes one consistent batch read per 100 counters.
#[must_use = "a machine does nothing until it is run or driven"]
#[derive(Clone, Debug)]
pub struct Check {
    plan: AnyPlan,
    reads: Reads,
}

impl Check {
    pub(super) fn new(plan: AnyPlan) -> Self {
        let reads = plan.reads();
        Self { plan, reads }
    }

    fn on_read(mut self, outcome: BatchOutcome) -> Step<Self> {
        match self.reads.absorb(outcome) {
            Ok(()) => self.start(),
            Err(error) => self.fail(error),
        }
    }

    fn fail(self, error: store::Error) -> Step<Self> {
        let admitted = self.plan.admitted(None);
        let decision = self.plan.call().fail(error, (Stage::Read, Happened::No), admitted);
        Step::Done(Decided { decision, learned: self.plan.learned() })
    }
}

impl Machine for Check {
    type Output = Decided;
    type Request = StoreRequest<Self>;

    fn start(mut self) -> Step<Self> {
        if let Some(batch) = self.reads.next_batch() {
            return self.ask(batch, Self::on_read);
        }
        let decision = self.plan.judge(&self.reads);
        let decision = self.plan.call().enforce(decision);
        Step::Done(Decided { decision: Ok(decision), learned: self.plan.learned() })
    }
}
