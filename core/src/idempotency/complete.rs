//! Stores the result of work.

use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;

use super::MAX_RESULT_BYTES;
use super::acquire::{Lease, failed};
use super::config::Config;
use super::entry::{COMPLETED, Entry, Status, is_held};
use super::error::Error;
use crate::machine::{Machine, Step};
use crate::printing::prints;
use crate::store::{self, Assignment, GetItem, Item, StoreRequest, UpdateItem, Value, Written};
use crate::time::Timestamp;

/// Stores the result of work, unless the lease was lost in the meantime. Makes one conditional
/// `UpdateItem`.
///
/// Work without a stored result is done again, so an update with an unknown outcome is sent once
/// more. If the first update had been applied, the second is refused, and finds its own
/// [`Owner`](super::Owner) in the completed item. If the store does not return the item with a
/// refusal, the item is read.
///
/// *If the outcome is lost twice*: the result may have been stored. If not, the work counts as in
/// progress until the lease ends, and is then done again.
#[derive(Clone)]
#[must_use = "a machine does nothing until it is driven"]
pub struct Complete {
    config: Arc<Config>,
    lease: Lease,
    /// `None` if there is no result to store.
    result: Option<Vec<u8>>,
    now: Timestamp,
    /// Whether the update was sent again.
    is_second_try: bool,
    /// Whether an update without a reply may have been applied.
    is_in_doubt: bool,
}

prints!(Complete: config, lease, now, is_second_try);

/// Says whether a result was stored.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Completion {
    /// The result is stored, and will be returned to later callers.
    Stored,
    /// The work counts as done, but without a result, or its result is larger than
    /// [`MAX_RESULT_BYTES`]. Later callers only learn that the work is done.
    WithoutResult,
    /// The lease had ended and another caller acquired it; only that caller's result counts.
    LeaseLost,
}

impl Complete {
    pub(super) fn new(
        config: Arc<Config>,
        lease: Lease,
        result: Option<Vec<u8>>,
        now: Timestamp,
    ) -> Self {
        let result = result.filter(|result| result.len() <= MAX_RESULT_BYTES);
        Self { config, lease, result, now, is_second_try: false, is_in_doubt: false }
    }

    fn update(self) -> Step<Self> {
        let names = self.config.names();
        let expires_at = self.config.expires_at(self.now);
        let mut assignments = vec![
            Assignment::set(names.status, COMPLETED),
            Assignment::set(names.ttl, Value::N(expires_at.into())),
            Assignment::Remove { name: names.lease_until.into() },
        ];
        let result =
            self.result.clone().map(|result| Assignment::set(names.result, Value::B(result)));
        assignments.extend(result);
        let update = UpdateItem {
            table: self.config.table.clone(),
            key: self.lease.key.to_store_key(),
            assignments,
            guard: is_held(names, self.lease.owner),
        };
        self.ask(update, Self::on_update)
    }

    fn on_update(self, outcome: store::Outcome<Written>) -> Step<Self> {
        match outcome.map(|answered| answered.answer) {
            Ok(Written::Applied { .. }) => self.completed(),
            Ok(Written::Refused { seen: Some(item) }) => self.conclude(Some(&item)),
            Ok(Written::Refused { seen: None }) => {
                let read = GetItem {
                    table: self.config.table.clone(),
                    key: self.lease.key.to_store_key(),
                    consistent: true,
                };
                self.ask(read, Self::on_read)
            }
            Err(error) if error.is_retryable() && !self.is_second_try => {
                let is_in_doubt = error.may_have_written();
                Self { is_second_try: true, is_in_doubt, ..self }.update()
            }
            Err(error) => {
                let is_in_doubt = self.is_in_doubt || error.may_have_written();
                Step::Done(Err(failed(&self.config, error, is_in_doubt)))
            }
        }
    }

    fn on_read(self, outcome: store::Outcome<Option<Item>>) -> Step<Self> {
        match outcome.map(|answered| answered.answer) {
            Ok(item) => self.conclude(item.as_ref()),
            // The update may have been refused because its own earlier attempt was applied.
            Err(error) => Step::Done(Err(failed(&self.config, error, true))),
        }
    }

    /// Decides from the item that refused the update which caller completed the work.
    fn conclude(self, item: Option<&Item>) -> Step<Self> {
        let entry = item.and_then(|item| Entry::read(item, self.config.names()));
        let is_own = entry.is_some_and(|entry| {
            entry.owner == Some(self.lease.owner)
                && matches!(entry.status, Status::Completed { .. })
        });
        if is_own { self.completed() } else { Step::Done(Ok(Completion::LeaseLost)) }
    }

    fn completed(self) -> Step<Self> {
        Step::Done(Ok(match self.result {
            Some(_) => Completion::Stored,
            None => Completion::WithoutResult,
        }))
    }
}

impl Machine for Complete {
    type Output = Result<Completion, Error>;
    type Request = StoreRequest<Self>;

    fn start(self) -> Step<Self> {
        self.update()
    }
}
