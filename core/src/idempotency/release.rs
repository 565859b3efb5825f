//! Giving work back that was not done.

use alloc::sync::Arc;

use super::acquire::{IdempotencyError, Lease, failed};
use super::config::Config;
use super::entry::is_held;
use crate::machine::{Machine, Step};
use crate::store::{DeleteItem, StoreError, StoreRequest, Written};

/// Gives work back that failed, so that it can be tried again at once. One conditional
/// `DeleteItem`.
///
/// *If the outcome is lost*: the work may still count as in progress, until the lease ends.
#[derive(Clone, Debug)]
#[must_use = "a machine does nothing until it is driven"]
pub struct Release {
    config: Arc<Config>,
    lease: Lease,
}

/// What became of a lease.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Released {
    /// It is given back: anybody may begin the work.
    Released,
    /// It had ended and is somebody else's now, or nobody's.
    LeaseLost,
}

impl Release {
    pub(super) const fn new(config: Arc<Config>, lease: Lease) -> Self {
        Self { config, lease }
    }

    fn on_delete(self, outcome: Result<Written, StoreError>) -> Step<Self> {
        Step::Done(match outcome {
            Ok(Written::Applied { .. }) => Ok(Released::Released),
            Ok(Written::Refused { .. }) => Ok(Released::LeaseLost),
            Err(error) => Err(failed(&self.config, error)),
        })
    }
}

impl Machine for Release {
    type Output = Result<Released, IdempotencyError>;
    type Request = StoreRequest<Self>;

    fn start(self) -> Step<Self> {
        let delete = DeleteItem {
            table: self.config.table.clone(),
            key: self.lease.key.to_store_key(),
            guard: is_held(self.config.names(), self.lease.until),
        };
        self.ask(delete, Self::on_delete)
    }
}
