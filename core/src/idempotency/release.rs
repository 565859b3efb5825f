//! Releases the lease of work that was not done.

use alloc::sync::Arc;

use super::acquire::{Lease, failed};
use super::config::Config;
use super::entry::is_held;
use super::error::Error;
use crate::machine::{Machine, Step};
use crate::store::{self, DeleteItem, GetItem, Item, StoreRequest, Written};

/// Releases the lease of work that failed, so that it can be tried again at once. Makes one
/// conditional `DeleteItem`; if the store does not return the item with a refusal, the item is
/// read.
///
/// *If the outcome is lost*: the work may count as in progress until the lease ends.
#[derive(Clone, Debug)]
#[must_use = "a machine does nothing until it is driven"]
pub struct Release {
    config: Arc<Config>,
    lease: Lease,
}

/// Says whether a lease was released.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Released {
    /// The lease is released, or no longer exists; any caller may begin the work.
    Released,
    /// The lease had ended, and another caller has acquired it.
    LeaseLost,
}

impl Release {
    pub(super) const fn new(config: Arc<Config>, lease: Lease) -> Self {
        Self { config, lease }
    }

    fn on_delete(self, outcome: store::Outcome<Written>) -> Step<Self> {
        Step::Done(match outcome.map(|answered| answered.answer) {
            Ok(Written::Applied { .. }) => Ok(Released::Released),
            Ok(Written::Refused { seen: Some(_) }) => Ok(Released::LeaseLost),
            // A repeated delete is refused with no item if the first one had been applied.
            Ok(Written::Refused { seen: None }) => {
                let read = GetItem {
                    table: self.config.table.clone(),
                    key: self.lease.key.to_store_key(),
                    consistent: true,
                };
                return self.ask(read, Self::on_read);
            }
            Err(error) => Err(failed(&self.config, error, error.may_have_written())),
        })
    }

    fn on_read(self, outcome: store::Outcome<Option<Item>>) -> Step<Self> {
        Step::Done(match outcome.map(|answered| answered.answer) {
            Ok(None) => Ok(Released::Released),
            Ok(Some(_)) => Ok(Released::LeaseLost),
            Err(error) => Err(failed(&self.config, error, true)),
        })
    }
}

impl Machine for Release {
    type Output = Result<Released, Error>;
    type Request = StoreRequest<Self>;

    fn start(self) -> Step<Self> {
        let delete = DeleteItem {
            table: self.config.table.clone(),
            key: self.lease.key.to_store_key(),
            guard: is_held(self.config.names(), self.lease.owner),
        };
        self.ask(delete, Self::on_delete)
    }
}
