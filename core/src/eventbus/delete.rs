//! Deleting an event by its id.

use alloc::vec::Vec;

use super::config::BusConfig;
use super::error::{DeleteError, GetError};
use super::get;
use super::keys::EventKey;
use super::lookup::LookUp;
use super::metrics::Measured;
use crate::machine::{Machine, Step};
use crate::store::{self, DeleteItem, Guard, Page, StoreFailure, StoreRequest, Written};

/// Deletes the newest copy of an event, or every copy, found by its id.
///
/// The index that finds ids lags a moment behind the table: an event just published may not be
/// found yet, one just deleted may be found and deleted once more, which does no harm. Costs the
/// look-up of [`GetEvent`](super::GetEvent), and one `DeleteItem` per copy. Copies that cannot be
/// read are deleted like others.
///
/// ```
/// use apptheory_core::eventbus::BusConfig;
/// use apptheory_core::machine::{Machine, Step};
///
/// let bus = BusConfig::builder().build()?;
/// let Step::Done(concluded) = bus.delete(" ").start() else { panic!("there is no such id") };
/// assert_eq!(concluded.result.unwrap_err().to_string(), "event ID cannot be empty");
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
#[must_use = "a machine does nothing until it is driven"]
pub struct DeleteEvent {
    bus: BusConfig,
    look_up: Result<LookUp, GetError>,
    /// How many copies to delete at most.
    most: usize,
    /// The keys of the copies that are left, the next one last.
    pending: Vec<EventKey>,
    deleted: u64,
}

/// Copies of an event that are gone.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Deleted {
    /// How many there were; at least one.
    pub copies: u64,
}

impl BusConfig {
    /// Deletes the newest copy of an event; see [`DeleteEvent`].
    pub fn delete(&self, id: &str) -> DeleteEvent {
        DeleteEvent { most: 1, ..self.delete_all(id) }
    }

    /// Deletes every copy of an event; see [`DeleteEvent`].
    pub fn delete_all(&self, id: &str) -> DeleteEvent {
        DeleteEvent {
            bus: self.clone(),
            look_up: LookUp::new(id).map_err(GetError::from),
            most: usize::MAX,
            pending: Vec::new(),
            deleted: 0,
        }
    }
}

impl DeleteEvent {
    /// The same, but an event of another tenant is not found.
    pub fn in_tenant(self, tenant_id: &str) -> Self {
        let scoped = |look_up: LookUp| Ok(look_up.in_tenant(tenant_id)?);
        Self { look_up: self.look_up.and_then(scoped), ..self }
    }
}

impl Machine for DeleteEvent {
    type Output = Measured<Deleted, DeleteError>;
    type Request = StoreRequest<Self>;

    fn start(self) -> Step<Self> {
        match &self.look_up {
            Ok(look_up) => {
                let read = look_up.read(&self.bus, None);
                self.ask(read, Self::on_page)
            }
            Err(error) => not_looked_up(error.clone()),
        }
    }
}

impl DeleteEvent {
    fn on_page(self, outcome: Result<Page, store::Error>) -> Step<Self> {
        match (outcome, self.look_up) {
            (Ok(page), Ok(mut look_up)) => match look_up.add(page) {
                Some(next) => {
                    let read = look_up.read(&self.bus, Some(next));
                    Self { look_up: Ok(look_up), ..self }.ask(read, Self::on_page)
                }
                None => {
                    let pending = oldest_first(&self.bus, &look_up, self.most);
                    if pending.is_empty() {
                        return not_looked_up(GetError::NotFound { id: look_up.id });
                    }
                    Self { look_up: Ok(look_up), pending, ..self }.delete_next()
                }
            },
            (Err(error), Ok(_)) => not_looked_up(get::failed(&self.bus, error)),
            (_, Err(error)) => not_looked_up(error),
        }
    }

    fn delete_next(mut self) -> Step<Self> {
        let Some(key) = self.pending.pop() else {
            let metric = self.bus.metric("DeleteSuccess", []);
            return Step::Done(Measured { result: Ok(Deleted { copies: self.deleted }), metric });
        };
        let delete = delete_item(&self.bus, &key);
        self.ask(delete, Self::on_deleted)
    }

    fn on_deleted(mut self, outcome: Result<Written, store::Error>) -> Step<Self> {
        match outcome {
            Ok(_) => {
                self.deleted = self.deleted.saturating_add(1);
                self.delete_next()
            }
            Err(error) => {
                let metric = self.bus.metric("DeleteError", [("error_type", "delete_failed")]);
                let failure = StoreFailure { table: self.bus.table_name().clone(), error };
                let error = DeleteError::Store { deleted: self.deleted, failure };
                Step::Done(Measured { result: Err(error), metric })
            }
        }
    }
}

/// The keys of the `most` newest copies, the newest one last.
fn oldest_first(bus: &BusConfig, look_up: &LookUp, most: usize) -> Vec<EventKey> {
    let names = bus.codec().names();
    let copies = look_up.copies(bus).into_iter().take(most);
    let mut keys: Vec<EventKey> =
        copies.filter_map(|item| EventKey::of_item(item, names)).collect();
    keys.reverse();
    keys
}

/// The order to delete an event by its key, whether or not it is there.
pub(super) fn delete_item(bus: &BusConfig, key: &EventKey) -> DeleteItem {
    DeleteItem {
        table: bus.table_name().clone(),
        key: key.to_store_key(bus.codec().names()),
        guard: Guard::Always,
    }
}

fn not_looked_up(error: GetError) -> Step<DeleteEvent> {
    Step::Done(Measured::refused(DeleteError::LookUp(error)))
}
