//! Deletes all events of a tenant.

use alloc::vec::Vec;

use super::config::BusConfig;
use super::delete::delete_item;
use super::error::{Doing, Error, Reason};
use super::keys::EventKey;
use super::keys::check_tenant;
use super::plan::partition_read;
use super::query::Order;
use super::retry::Retry;
use super::schema::TENANT_INDEX;
use crate::machine::{Machine, Step};
use crate::store::{self, Item, Page, QueryItems, Sleep, StoreFailure, StoreRequest, Written};
use crate::time::Timestamp;

/// Deletes all events of a tenant, oldest first, for example for a right-to-erasure request.
/// Returns the number of deletions.
///
/// Stop publishing for the tenant first. The index that finds its events lags a moment behind the
/// table, so the machine starts over until it finds nothing. An event that the index still shows is
/// then deleted, and counted, twice. Unreadable items are deleted, too. The machine can be
/// interrupted and run again at any time.
///
/// Temporary failures of a deletion are retried as in [`Publish`](super::Publish). Costs one
/// `Query` per hundred events and one more, and one `DeleteItem` per event.
///
/// ```
/// use apptheory_core::eventbus::BusConfig;
/// use apptheory_core::machine::{Machine, Step};
/// use apptheory_core::store::{Answered, Page, StoreRequest};
/// use apptheory_core::time::Timestamp;
///
/// let bus = BusConfig::builder().build()?;
/// let machine = bus.delete_tenant("t1", Timestamp::UNIX_EPOCH, 7)?;
/// let Step::Ask(StoreRequest::QueryItems(ask)) = machine.start() else {
///     panic!("it reads first")
/// };
/// assert_eq!(ask.effect().limit, Some(100));
///
/// let nothing = Answered { answer: Page::default(), at: Timestamp::UNIX_EPOCH };
/// let Step::Done(deleted) = ask.answer(Ok(nothing)) else { panic!("nothing to delete") };
/// assert_eq!(deleted, Ok(0));
/// # Ok::<(), apptheory_core::eventbus::Error>(())
/// ```
#[derive(Clone, Debug)]
#[must_use = "a machine does nothing until it is driven"]
pub struct DeleteTenant {
    bus: BusConfig,
    /// The read of the first page of the tenant's events.
    read: QueryItems,
    /// The keys of the page's events still to delete, the next one last.
    pending: Vec<EventKey>,
    /// Where the next page starts.
    next: Option<Item>,
    deleted: u64,
    /// The number of deletions when the machine last started over.
    deleted_before: u64,
    /// Whether a deletion without a reply may have been applied.
    is_in_doubt: bool,
    retry: Retry,
}

impl BusConfig {
    /// Returns the machine that deletes a tenant's events as of `now`; see [`DeleteTenant`]. `seed`
    /// spreads the delays between attempts.
    ///
    /// # Errors
    ///
    /// [`Error`] for an invalid tenant.
    pub fn delete_tenant(
        &self,
        tenant_id: &str,
        now: Timestamp,
        seed: u64,
    ) -> Result<DeleteTenant, Error> {
        let tenant_id = tenant_id.trim();
        check_tenant(tenant_id, self.separator())?;
        let name = self.codec().names().tenant_id;
        let read = partition_read(self, Some(TENANT_INDEX), name, tenant_id, Order::OldestFirst);
        Ok(DeleteTenant {
            bus: self.clone(),
            read: QueryItems { limit: Some(PAGE), ..read },
            pending: Vec::new(),
            next: None,
            deleted: 0,
            deleted_before: 0,
            is_in_doubt: false,
            retry: Retry::new(self, now, seed),
        })
    }
}

impl DeleteTenant {
    /// Starts no attempt at or after `deadline`.
    pub fn with_deadline(self, deadline: Timestamp) -> Self {
        Self { retry: self.retry.until(deadline), ..self }
    }
}

impl Machine for DeleteTenant {
    type Output = Result<u64, Error>;
    type Request = StoreRequest<Self>;

    fn start(self) -> Step<Self> {
        let read = self.read.clone();
        self.ask(read, Self::on_page)
    }
}

impl DeleteTenant {
    fn on_page(self, outcome: store::Outcome<Page>) -> Step<Self> {
        let page = match outcome {
            Ok(answered) => answered.answer,
            Err(error) => return self.gave_up(error),
        };
        let names = self.bus.codec().names();
        let keys = page.items.iter().rev().filter_map(|item| EventKey::of_item(item, names));
        let pending = keys.collect();
        Self { pending, next: page.next, ..self }.delete_next()
    }

    /// Deletes the last pending event, which stays pending until it is deleted.
    fn delete_next(mut self) -> Step<Self> {
        if let Some(key) = self.pending.last() {
            let delete = delete_item(&self.bus, key);
            return self.ask(delete, Self::on_deleted);
        }
        if let Some(key) = self.next.take() {
            let read = QueryItems { start_after: Some(key), ..self.read.clone() };
            return self.ask(read, Self::on_page);
        }
        // Only a full pass that finds nothing proves that the index has caught up.
        if self.deleted == self.deleted_before {
            return Step::Done(Ok(self.deleted));
        }
        self.deleted_before = self.deleted;
        self.start()
    }

    fn on_deleted(mut self, outcome: store::Outcome<Written>) -> Step<Self> {
        match outcome {
            Ok(_) => {
                self.pending.pop();
                self.deleted = self.deleted.saturating_add(1);
                self.retry.succeeded();
                self.delete_next()
            }
            Err(error) => {
                self.is_in_doubt |= error.may_have_written();
                match self.retry.after(error) {
                    Some(duration) => self.ask(Sleep { duration }, Self::on_wake),
                    None => self.gave_up(error),
                }
            }
        }
    }

    fn on_wake(mut self, now: Timestamp) -> Step<Self> {
        self.retry.woke_at(now);
        self.delete_next()
    }

    fn gave_up(self, error: store::Error) -> Step<Self> {
        let failure = StoreFailure { table: self.bus.table_name().clone(), error };
        let doing = Doing::DeleteTenant { deleted: self.deleted, is_in_doubt: self.is_in_doubt };
        Step::Done(Err(Error(Reason::Store { doing, failure })))
    }
}

/// How many events are read at a time: few enough that their keys need little memory.
const PAGE: u32 = 100;
