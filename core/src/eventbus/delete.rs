//! Deletes an event by its id.

use alloc::vec::Vec;

use super::config::BusConfig;
use super::error::{Doing, Error, Reason};
use super::get;
use super::keys::EventKey;
use super::lookup::LookUp;
use super::metrics::Measured;
use crate::machine::{Machine, Step};
use crate::store::{self, DeleteItem, Guard, Item, Page, StoreFailure, StoreRequest, Written};

/// Deletes the newest copy of an event, or every copy, found by its id.
///
/// The index of ids lags a moment behind the table. An event that was just published may not be
/// found yet; one that was just deleted may be found and harmlessly deleted again. Costs the
/// look-up of [`GetEvent`](super::GetEvent), and one `DeleteItem` per copy. Unreadable copies are
/// deleted, too.
///
/// ```
/// use apptheory_core::eventbus::BusConfig;
///
/// let bus = BusConfig::builder().build()?;
/// let refused = bus.delete(" ", None).unwrap_err();
/// assert_eq!(refused.to_string(), "event ID cannot be empty");
/// # Ok::<(), apptheory_core::eventbus::Error>(())
/// ```
#[derive(Clone, Debug)]
#[must_use = "a machine does nothing until it is driven"]
pub struct DeleteEvent {
    bus: BusConfig,
    look_up: LookUp,
    /// The most copies to delete.
    most: usize,
    /// The keys of the copies still to delete, the next one last.
    pending: Vec<EventKey>,
    deleted: u64,
}

/// The result of deleting copies of an event.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Deleted {
    /// The number of copies, at least one.
    pub copies: u64,
}

impl BusConfig {
    /// Returns the machine that deletes the newest copy of an event, optionally in one tenant; see
    /// [`DeleteEvent`].
    ///
    /// # Errors
    ///
    /// [`Error`] for an invalid id or tenant.
    pub fn delete(&self, id: &str, tenant_id: Option<&str>) -> Result<DeleteEvent, Error> {
        Ok(DeleteEvent { most: 1, ..self.delete_all(id, tenant_id)? })
    }

    /// Returns the machine that deletes every copy of an event, optionally in one tenant; see
    /// [`DeleteEvent`].
    ///
    /// # Errors
    ///
    /// [`Error`] for an invalid id or tenant.
    pub fn delete_all(&self, id: &str, tenant_id: Option<&str>) -> Result<DeleteEvent, Error> {
        Ok(DeleteEvent {
            bus: self.clone(),
            look_up: LookUp::new(id, tenant_id)?,
            most: usize::MAX,
            pending: Vec::new(),
            deleted: 0,
        })
    }
}

impl Machine for DeleteEvent {
    type Output = Measured<Deleted, Error>;
    type Request = StoreRequest<Self>;

    fn start(self) -> Step<Self> {
        self.read_on(None)
    }
}

impl DeleteEvent {
    fn read_on(self, start_after: Option<Item>) -> Step<Self> {
        let read = self.look_up.read(&self.bus, start_after);
        self.ask(read, Self::on_page)
    }

    fn on_page(mut self, outcome: store::Outcome<Page>) -> Step<Self> {
        match outcome.map(|page| self.look_up.add(page.answer)) {
            Ok(Some(next)) => self.read_on(Some(next)),
            Ok(None) => {
                let pending = oldest_first(&self.bus, &mut self.look_up, self.most);
                if pending.is_empty() {
                    let not_found = Error(Reason::NotFound(self.look_up.id));
                    return Step::Done(Measured::refused(not_found));
                }
                Self { pending, ..self }.delete_next()
            }
            // The look-up failed before any deletion, and the metric counts deletions only.
            Err(error) => Step::Done(Measured::refused(get::failed(&self.bus, error))),
        }
    }

    // Deletes copies one by one, newest first, so that an interruption never leaves a newer copy
    // after an older one is gone. Repeating the call finds the rest.
    fn delete_next(mut self) -> Step<Self> {
        let Some(key) = self.pending.pop() else {
            let metric = self.bus.metric("DeleteSuccess", []);
            return Step::Done(Measured { result: Ok(Deleted { copies: self.deleted }), metric });
        };
        let delete = delete_item(&self.bus, &key);
        self.ask(delete, Self::on_deleted)
    }

    fn on_deleted(mut self, outcome: store::Outcome<Written>) -> Step<Self> {
        match outcome {
            Ok(_) => {
                self.deleted = self.deleted.saturating_add(1);
                self.delete_next()
            }
            Err(error) => {
                let metric = self.bus.metric("DeleteError", [("error_type", "delete_failed")]);
                let failure = StoreFailure { table: self.bus.table_name().clone(), error };
                let doing = Doing::Delete { deleted: self.deleted };
                Step::Done(Measured {
                    result: Err(Error(Reason::Store { doing, failure })),
                    metric,
                })
            }
        }
    }
}

/// Returns the keys of the `most` newest copies, the newest one last.
fn oldest_first(bus: &BusConfig, look_up: &mut LookUp, most: usize) -> Vec<EventKey> {
    let names = bus.codec().names();
    let copies = look_up.take_copies(bus).into_iter().take(most);
    let mut keys: Vec<EventKey> =
        copies.filter_map(|item| EventKey::of_item(&item, names)).collect();
    keys.reverse();
    keys
}

/// Returns the effect that deletes an event by its key, whether or not it exists. It is
/// unconditional, so that it can be sent again after a lost reply.
pub(super) fn delete_item(bus: &BusConfig, key: &EventKey) -> DeleteItem {
    DeleteItem {
        table: bus.table_name().clone(),
        key: key.to_store_key(bus.codec().names()),
        guard: Guard::Always,
    }
}
