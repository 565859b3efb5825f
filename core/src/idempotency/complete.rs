//! Keeping the result of work that was done.

use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;

use super::MAX_RESULT_BYTES;
use super::acquire::{IdempotencyError, Lease, failed};
use super::config::Config;
use super::entry::{COMPLETED, is_held};
use crate::machine::{Machine, Step};
use crate::store::{Assignment, StoreError, StoreRequest, UpdateItem, Updated, Value, Written};
use crate::time::Timestamp;

/// Keeps the result of work that was done, unless the lease was lost meanwhile. One conditional
/// `UpdateItem`.
///
/// *If the outcome is lost*: the result may have been kept. If it was not, the work counts as in
/// progress until the lease ends, and is then done again.
#[derive(Clone, Debug)]
#[must_use = "a machine does nothing until it is driven"]
pub struct Complete {
    config: Arc<Config>,
    lease: Lease,
    /// `None` when there is none to keep.
    result: Option<Vec<u8>>,
    /// Whether the update keeps it.
    is_stored: bool,
    now: Timestamp,
}

/// What became of a result.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Completion {
    /// It is kept: others are given it.
    Stored,
    /// The work counts as done, but there is no result, or one larger than [`MAX_RESULT_BYTES`]:
    /// others are told that it is done, and no more.
    WithoutResult,
    /// The lease had ended and somebody else began the work: theirs is the result that counts.
    LeaseLost,
}

impl Complete {
    pub(super) const fn new(
        config: Arc<Config>,
        lease: Lease,
        result: Option<Vec<u8>>,
        now: Timestamp,
    ) -> Self {
        Self { config, lease, result, is_stored: false, now }
    }

    fn on_update(self, outcome: Result<Updated, StoreError>) -> Step<Self> {
        Step::Done(match outcome.map(|updated| updated.written) {
            Ok(Written::Applied { .. }) if self.is_stored => Ok(Completion::Stored),
            Ok(Written::Applied { .. }) => Ok(Completion::WithoutResult),
            Ok(Written::Refused { .. }) => Ok(Completion::LeaseLost),
            Err(error) => Err(failed(&self.config, error)),
        })
    }
}

impl Machine for Complete {
    type Output = Result<Completion, IdempotencyError>;
    type Request = StoreRequest<Self>;

    fn start(mut self) -> Step<Self> {
        let names = self.config.names();
        let expires_at = self.config.expires_at(self.now);
        let mut assignments = vec![
            Assignment::set(names.status, COMPLETED),
            Assignment::set(names.ttl, Value::N(expires_at.into())),
            Assignment::Remove { name: names.lease_until.into() },
        ];
        let result = self.result.take().filter(|result| result.len() <= MAX_RESULT_BYTES);
        self.is_stored = result.is_some();
        if let Some(result) = result {
            assignments.push(Assignment::set(names.result, Value::B(result)));
        }
        let update = UpdateItem {
            table: self.config.table.clone(),
            key: self.lease.key.to_store_key(),
            assignments,
            guard: is_held(names, self.lease.until),
        };
        self.ask(update, Self::on_update)
    }
}
