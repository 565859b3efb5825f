//! Reads the usage of a key's limits.

use alloc::string::ToString;
use core::time::Duration;

use super::decision::{UsageStats, UsageWindow};
use super::error::Error;
use super::plan::{AnyPlan, BatchOutcome, Reads, UsageLine};
use super::window::{DAY, HOUR, MINUTE};
use crate::error::Happened;
use crate::machine::{Machine, Step};
use crate::store::StoreRequest;

/// Reads every counter of a key, with one consistent batch read per 100 counters. It never fails
/// open.
#[must_use = "a machine does nothing until it is run or driven"]
#[derive(Clone, Debug)]
pub struct Usage {
    plan: AnyPlan,
    reads: Reads,
}

impl Usage {
    pub(super) fn new(plan: AnyPlan) -> Self {
        let reads = plan.reads();
        Self { plan, reads }
    }

    fn on_read(mut self, outcome: BatchOutcome) -> Step<Self> {
        match self.reads.absorb(outcome) {
            Ok(()) => self.start(),
            Err(error) => Step::Done(Err(self.plan.call().error(error, Happened::No))),
        }
    }

    fn report(&self) -> UsageStats {
        let lines = self.plan.usage(&self.reads);
        let key = &self.plan.call().attempt.key;
        UsageStats {
            identifier: key.identifier().to_string(),
            resource: key.resource().to_string(),
            current_minute: current(&lines, MINUTE),
            current_hour: current(&lines, HOUR),
            daily_total: current(&lines, DAY).map(|day| day.count).or_else(|| total(&lines, HOUR)),
            windows: lines.into_iter().map(|line| (line.key, line.window)).collect(),
        }
    }
}

impl Machine for Usage {
    type Output = Result<UsageStats, Error>;
    type Request = StoreRequest<Self>;

    fn start(mut self) -> Step<Self> {
        match self.reads.next_batch() {
            Some(batch) => self.ask(batch, Self::on_read),
            None => Step::Done(Ok(self.report())),
        }
    }
}

/// Returns the newest window of a length; sub-windows are listed newest first.
fn current(lines: &[UsageLine], length: Duration) -> Option<UsageWindow> {
    lines.iter().find(|line| line.length == length).map(|line| line.window)
}

/// Returns the sum of the windows of a length, if there are any.
fn total(lines: &[UsageLine], length: Duration) -> Option<i64> {
    let mut counts =
        lines.iter().filter(|line| line.length == length).map(|line| line.window.count);
    let first = counts.next()?;
    Some(counts.fold(first, i64::saturating_add))
}
