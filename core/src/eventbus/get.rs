//! Reads one event.

use super::config::BusConfig;
use super::error::{Doing, Error, Reason};
use super::event::Event;
use super::keys::EventKey;
use super::lookup::LookUp;
use crate::machine::{Machine, Step};
use crate::store::{self, Answered, GetItem, Item, Page, StoreFailure, StoreRequest};

/// Reads one event, by its id or its key.
///
/// By id, it reads the newest copy from an index that lags a moment behind the table. This costs
/// one `Query`, or more if the copies exceed 1 MB. By key, it reads the current item, even right
/// after its publication. This costs one consistent `GetItem`. There is no metric for reads of
/// single events.
///
/// ```
/// use apptheory_core::eventbus::BusConfig;
/// use apptheory_core::machine::{Machine, Step};
/// use apptheory_core::store::{Answered, Page, StoreRequest};
/// use apptheory_core::time::Timestamp;
///
/// let bus = BusConfig::builder().build()?;
/// let Step::Ask(StoreRequest::QueryItems(ask)) = bus.get(" evt_1 ", Some("t1"))?.start() else {
///     panic!("ids are found by an index");
/// };
/// let nothing = Answered { answer: Page::default(), at: Timestamp::UNIX_EPOCH };
/// let Step::Done(result) = ask.answer(Ok(nothing)) else { panic!("there is no more") };
/// assert_eq!(result.unwrap_err().to_string(), "event not found: evt_1");
/// # Ok::<(), apptheory_core::eventbus::Error>(())
/// ```
#[derive(Clone, Debug)]
#[must_use = "a machine does nothing until it is driven"]
pub struct GetEvent {
    bus: BusConfig,
    look_up: LookUp,
    key: Option<EventKey>,
}

impl BusConfig {
    /// Returns the machine that reads an event by its id, optionally in one tenant; see
    /// [`GetEvent`].
    ///
    /// # Errors
    ///
    /// [`Error`] for an invalid id or tenant.
    pub fn get(&self, id: &str, tenant_id: Option<&str>) -> Result<GetEvent, Error> {
        Ok(GetEvent { bus: self.clone(), look_up: LookUp::new(id, tenant_id)?, key: None })
    }

    /// Returns the machine that reads an event by its key, which publishing returns; see
    /// [`GetEvent`].
    ///
    /// # Errors
    ///
    /// [`Error`] for an invalid key.
    pub fn get_by_key(&self, key: EventKey) -> Result<GetEvent, Error> {
        Ok(GetEvent { bus: self.clone(), look_up: LookUp::of_key(&key)?, key: Some(key) })
    }
}

impl Machine for GetEvent {
    type Output = Result<Event, Error>;
    type Request = StoreRequest<Self>;

    fn start(self) -> Step<Self> {
        let Some(key) = &self.key else { return self.read_on(None) };
        let read = GetItem {
            table: self.bus.table_name().clone(),
            key: key.to_store_key(self.bus.codec().names()),
            consistent: true,
        };
        self.ask(read, Self::on_item)
    }
}

impl GetEvent {
    fn read_on(self, start_after: Option<Item>) -> Step<Self> {
        let read = self.look_up.read(&self.bus, start_after);
        self.ask(read, Self::on_page)
    }

    fn on_page(mut self, outcome: store::Outcome<Page>) -> Step<Self> {
        match outcome.map(|page| self.look_up.add(page.answer)) {
            Ok(Some(next)) => self.read_on(Some(next)),
            Ok(None) => Step::Done(self.newest()),
            Err(error) => Step::Done(Err(failed(&self.bus, error))),
        }
    }

    fn on_item(self, outcome: store::Outcome<Option<Item>>) -> Step<Self> {
        let page = outcome.map(|found| Answered {
            answer: Page { items: found.answer.into_iter().collect(), next: None },
            at: found.at,
        });
        self.on_page(page)
    }

    /// Returns the newest readable copy. If none is readable, returns why the newest copy is not.
    fn newest(mut self) -> Result<Event, Error> {
        let mut unreadable = None;
        for item in self.look_up.take_copies(&self.bus) {
            match self.bus.codec().decode(item) {
                Ok(event) => return Ok(event),
                Err(error) => unreadable = unreadable.or(Some(error)),
            }
        }
        Err(Error(unreadable.map_or(Reason::NotFound(self.look_up.id), Reason::Get)))
    }
}

pub(super) fn failed(bus: &BusConfig, error: store::Error) -> Error {
    let failure = StoreFailure { table: bus.table_name().clone(), error };
    Error(Reason::Store { doing: Doing::Get, failure })
}
