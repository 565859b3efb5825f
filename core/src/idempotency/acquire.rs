//! Asks whether work may be done.

use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::time::Duration;

use super::config::Config;
use super::entry::{Entry, IN_PROGRESS, Owner, Status, is_free, unix_millis};
use super::error::{Error, Reason};
use super::key::{IdempotencyKey, PARTITION_KEY};
use crate::machine::{Machine, Step};
use crate::printing::Hidden;
use crate::store::{self, GetItem, Item, PutItem, StoreFailure, StoreRequest, Value, Written};
use crate::time::Timestamp;

/// Acquires the lease of some work, unless another caller has it.
///
/// Makes one conditional `PutItem`. A refusal returns the item, from which the refused caller is
/// answered. If the store does not return it, the item is read; if it no longer exists, the put is
/// tried once more.
///
/// A put with an unknown outcome is sent once more. If the first put had been applied, the second
/// is refused, finds its own [`Owner`] in the item, and has the lease.
///
/// *If the outcome is lost twice*: the lease may be taken although nobody does the work. Until the
/// lease ends, other callers see the work in progress.
#[derive(Clone, Debug)]
#[must_use = "a machine does nothing until it is driven"]
pub struct Acquire {
    config: Arc<Config>,
    key: IdempotencyKey,
    payload_hash: String,
    owner: Owner,
    now: Timestamp,
    /// The end of the lease in Unix milliseconds.
    lease_until: i128,
    /// Whether the put was sent again.
    is_second_try: bool,
    /// Whether a put without a reply may have been applied.
    is_in_doubt: bool,
}

/// Says what to do about some work.
#[derive(Clone, Eq, PartialEq)]
pub enum Acquisition {
    /// Do the work, then [complete](super::IdempotencyConfig::complete) or
    /// [release](super::IdempotencyConfig::release) the lease.
    Acquired(Lease),
    /// The work is already done.
    Completed {
        /// The result; `None` if no result was stored, or it was larger than
        /// [`MAX_RESULT_BYTES`](super::MAX_RESULT_BYTES).
        result: Option<Vec<u8>>,
    },
}

/// Does not print the stored result, which belongs to its caller.
impl fmt::Debug for Acquisition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Acquired(lease) => f.debug_tuple("Acquired").field(lease).finish(),
            Self::Completed { result } => {
                let result = result.as_ref().map(|result| Hidden(result.len()));
                f.debug_struct("Completed").field("result", &result).finish()
            }
        }
    }
}

/// The exclusive right to do some work for a time. After it has expired, another caller may get a
/// new lease, and only the new lease counts.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Lease {
    pub(super) key: IdempotencyKey,
    pub(super) owner: Owner,
}

impl Lease {
    /// Returns the key of the work.
    #[must_use]
    pub const fn key(&self) -> &IdempotencyKey {
        &self.key
    }
}

impl Acquire {
    pub(super) fn new(
        config: Arc<Config>,
        key: IdempotencyKey,
        payload_hash: String,
        owner: Owner,
        now: Timestamp,
        lease: Duration,
    ) -> Self {
        let lease_until = unix_millis(now.saturating_add(lease));
        let (is_second_try, is_in_doubt) = (false, false);
        Self { config, key, payload_hash, owner, now, lease_until, is_second_try, is_in_doubt }
    }

    fn put(self) -> Step<Self> {
        let names = self.config.names();
        // The item must outlive the lease; otherwise the lease would be free before it ends.
        let lease_end = i64::try_from(self.lease_until.div_euclid(1_000)).unwrap_or(i64::MAX);
        let expires_at = self.config.expires_at(self.now).max(lease_end.saturating_add(1));
        let key = self.key.to_store_key().to_item();
        let item = key
            .with(names.status, Value::from(IN_PROGRESS))
            .with(names.payload_hash, Value::from(&*self.payload_hash))
            .with(names.owner, self.owner.to_value())
            .with(names.lease_until, Value::N(self.lease_until.into()))
            .with(names.ttl, Value::N(expires_at.into()));
        let guard = is_free(names, PARTITION_KEY, self.now);
        let put = PutItem { table: self.config.table.clone(), item, guard };
        self.ask(put, Self::on_put)
    }

    fn on_put(self, outcome: store::Outcome<Written>) -> Step<Self> {
        match outcome.map(|answered| answered.answer) {
            Ok(Written::Applied { .. }) => self.acquired(),
            Ok(Written::Refused { seen: Some(item) }) => self.conclude(&item),
            Ok(Written::Refused { seen: None }) => {
                let read = GetItem {
                    table: self.config.table.clone(),
                    key: self.key.to_store_key(),
                    consistent: true,
                };
                self.ask(read, Self::on_read)
            }
            Err(error) if error.may_have_written() && !self.is_second_try => {
                Self { is_second_try: true, is_in_doubt: true, ..self }.put()
            }
            Err(error) => {
                let is_in_doubt = self.is_in_doubt || error.may_have_written();
                self.fail(error, is_in_doubt)
            }
        }
    }

    fn acquired(self) -> Step<Self> {
        let lease = Lease { key: self.key, owner: self.owner };
        Step::Done(Ok(Acquisition::Acquired(lease)))
    }

    fn on_read(self, outcome: store::Outcome<Option<Item>>) -> Step<Self> {
        match outcome.map(|answered| answered.answer) {
            Ok(Some(item)) => self.conclude(&item),
            Ok(None) if self.is_second_try => self.fail(store::Error::Conflict, false),
            Ok(None) => Self { is_second_try: true, ..self }.put(),
            // The put may have been refused by the item of its own earlier attempt.
            Err(error) => self.fail(error, true),
        }
    }

    fn conclude(self, item: &Item) -> Step<Self> {
        let Some(entry) = Entry::read(item, self.config.names()) else {
            return Step::Done(Err(Error(Reason::Unreadable)));
        };
        if entry.owner == Some(self.owner) && matches!(entry.status, Status::InProgress { .. }) {
            return self.acquired();
        }
        Step::Done(match entry.status {
            _ if entry.payload_hash != self.payload_hash => Err(Error(Reason::PayloadDiffers)),
            Status::Completed { result } => Ok(Acquisition::Completed { result }),
            Status::InProgress { lease_until } => {
                let left = lease_until.saturating_sub(unix_millis(self.now)).max(0);
                let left = u64::try_from(left).unwrap_or(u64::MAX);
                let retry_after = Duration::from_millis(left);
                Err(Error(Reason::InProgress { retry_after }))
            }
        })
    }

    fn fail(self, error: store::Error, is_in_doubt: bool) -> Step<Self> {
        Step::Done(Err(failed(&self.config, error, is_in_doubt)))
    }
}

impl Machine for Acquire {
    type Output = Result<Acquisition, Error>;
    type Request = StoreRequest<Self>;

    fn start(self) -> Step<Self> {
        self.put()
    }
}

/// Returns the error. `is_in_doubt` says whether the change may have been applied.
pub(super) fn failed(config: &Config, error: store::Error, is_in_doubt: bool) -> Error {
    let failure = StoreFailure { table: config.table.clone(), error };
    Error(Reason::Store { failure, is_in_doubt })
}
