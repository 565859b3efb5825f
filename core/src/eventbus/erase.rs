//! Deleting all events of a tenant.

use alloc::string::String;
use alloc::vec::Vec;

use super::config::BusConfig;
use super::delete::delete_item;
use super::error::{DeleteTenantError, InvalidInput};
use super::keys::{EventKey, check_tenant};
use super::page::CursorWriter;
use super::plan::Plan;
use super::query::{EventQuery, Order, Selection};
use super::retry::Retry;
use crate::machine::{Machine, Step};
use crate::store::{self, Item, Page, Query, Sleep, StoreFailure, StoreRequest, Written};
use crate::time::Timestamp;

/// Deletes one batch of a tenant's events, oldest first, for requests to be forgotten.
///
/// Each run deletes a bounded number and says where the next one starts, so that the work fits any
/// deadline and survives any interruption: deleting is repeatable, and so is a run. Stop publishing
/// for the tenant first; since the index lags a moment behind the table, run once more from the
/// start after the last batch, until that finds nothing. Items that cannot be read are deleted like
/// others.
///
/// Passing failures of a deletion are tried again as [`Publish`](super::Publish) does. Costs one
/// `Query`, and one `DeleteItem` per event.
///
/// ```
/// use apptheory_core::eventbus::BusConfig;
/// use apptheory_core::machine::{Machine, Step};
/// use apptheory_core::store::{Page, StoreRequest};
/// use apptheory_core::time::Timestamp;
///
/// let bus = BusConfig::builder().build()?;
/// let machine = bus.delete_tenant("t1", Timestamp::UNIX_EPOCH, 7).with_batch(25);
/// let Step::Ask(StoreRequest::Query(ask)) = machine.start() else { panic!("it reads first") };
/// assert_eq!(ask.effect().limit, Some(25));
///
/// let Step::Done(result) = ask.answer(Ok(Page::default())) else { panic!("nothing to delete") };
/// let erased = result?;
/// assert_eq!((erased.deleted, erased.next), (0, None));
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
#[must_use = "a machine does nothing until it is driven"]
pub struct DeleteTenant {
    bus: BusConfig,
    tenant_id: String,
    cursor: Option<String>,
    batch: u32,
    /// The keys of the events that are left, the next one last.
    pending: Vec<EventKey>,
    /// Where the next batch starts.
    next: Option<String>,
    deleted: u64,
    retry: Retry,
}

/// A batch of a tenant's events that are gone.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Erased {
    /// How many events the batch held.
    pub deleted: u64,
    /// The cursor for the next run; `None` when the index holds no more.
    pub next: Option<String>,
}

impl BusConfig {
    /// Deletes a batch of a tenant's events as of `now`; see [`DeleteTenant`]. `seed` spreads the
    /// delays between attempts.
    pub fn delete_tenant(&self, tenant_id: &str, now: Timestamp, seed: u64) -> DeleteTenant {
        DeleteTenant {
            bus: self.clone(),
            tenant_id: tenant_id.into(),
            cursor: None,
            batch: DEFAULT_BATCH,
            pending: Vec::new(),
            next: None,
            deleted: 0,
            retry: Retry::new(self, now, seed),
        }
    }
}

impl DeleteTenant {
    /// The same, after the batch that returned this cursor.
    pub fn after(self, cursor: impl Into<String>) -> Self {
        Self { cursor: Some(cursor.into()), ..self }
    }

    /// The same with at most so many events; 100 by default.
    pub fn with_batch(self, batch: u32) -> Self {
        Self { batch, ..self }
    }

    /// The same, but no attempt is waited for that would start at `deadline` or later.
    pub fn with_deadline(self, deadline: Timestamp) -> Self {
        Self { retry: self.retry.until(deadline), ..self }
    }
}

impl Machine for DeleteTenant {
    type Output = Result<Erased, DeleteTenantError>;
    type Request = StoreRequest<Self>;

    fn start(self) -> Step<Self> {
        match self.read() {
            Ok(read) => self.ask(read, Self::on_page),
            Err(error) => Step::Done(Err(error)),
        }
    }
}

impl DeleteTenant {
    fn read(&self) -> Result<Query, DeleteTenantError> {
        if self.batch == 0 {
            return Err(InvalidInput::EmptyBatch.into());
        }
        let separator = self.bus.separator();
        check_tenant(self.tenant_id.trim(), separator)?;
        let everything = EventQuery::new(&*self.tenant_id).with_order(Order::OldestFirst);
        let selection = Selection::of(&everything, separator)?;
        let plan = Plan::of(&self.bus, &selection)?;
        let start_after = plan.start_after(&self.bus, self.cursor.as_deref())?;
        Ok(Query { start_after, limit: Some(self.batch), ..plan.read })
    }

    fn on_page(self, outcome: Result<Page, store::Error>) -> Step<Self> {
        let page = match outcome {
            Ok(page) => page,
            Err(error) => return self.gave_up(error),
        };
        let names = self.bus.codec().names();
        let keys = page.items.iter().rev().filter_map(|item| EventKey::of_item(item, names));
        let pending = keys.collect();
        let next = page.next.map(|key| self.cursor_after(&key));
        Self { pending, next, ..self }.delete_next()
    }

    fn cursor_after(&self, key: &Item) -> String {
        let index = Some(super::schema::TENANT_INDEX.into());
        let seal = self.bus.seal().cloned();
        CursorWriter { index, order: Order::OldestFirst, seal }.write(key)
    }

    /// Deletes the last pending event, which stays pending until it is gone.
    fn delete_next(self) -> Step<Self> {
        match self.pending.last() {
            Some(key) => {
                let delete = delete_item(&self.bus, key);
                self.ask(delete, Self::on_deleted)
            }
            None => Step::Done(Ok(Erased { deleted: self.deleted, next: self.next })),
        }
    }

    fn on_deleted(mut self, outcome: Result<Written, store::Error>) -> Step<Self> {
        match outcome {
            Ok(_) => {
                self.pending.pop();
                self.deleted = self.deleted.saturating_add(1);
                self.retry.succeeded();
                self.delete_next()
            }
            Err(error) => match self.retry.after(error) {
                Some(duration) => self.ask(Sleep { duration }, Self::on_wake),
                None => self.gave_up(error),
            },
        }
    }

    fn on_wake(mut self, now: Timestamp) -> Step<Self> {
        self.retry.woke_at(now);
        self.delete_next()
    }

    fn gave_up(self, error: store::Error) -> Step<Self> {
        let failure = StoreFailure { table: self.bus.table_name().clone(), error };
        Step::Done(Err(DeleteTenantError::Store { deleted: self.deleted, failure }))
    }
}

/// Few enough for a few seconds of sequential deletions.
const DEFAULT_BATCH: u32 = 100;
