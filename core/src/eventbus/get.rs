//! Getting one event.

use super::config::BusConfig;
use super::error::GetError;
use super::event::Event;
use super::keys::EventKey;
use super::lookup::LookUp;
use crate::machine::{Machine, Step};
use crate::store::{self, GetItem, Item, Page, StoreFailure, StoreRequest};

/// Reads one event, by its id or its key.
///
/// By id, the newest copy is read from an index that lags a moment behind the table; costs one
/// `Query`, more only when the copies exceed 1 MB. By key, the event is read as it is, also right
/// after it was published; costs one consistent `GetItem`. Tells no metric.
///
/// ```
/// use apptheory_core::eventbus::{BusConfig, GetError};
/// use apptheory_core::machine::{Machine, Step};
/// use apptheory_core::store::{Page, StoreRequest};
///
/// let bus = BusConfig::builder().build()?;
/// let Step::Ask(StoreRequest::Query(ask)) = bus.get(" evt_1 ").in_tenant("t1").start() else {
///     panic!("ids are found by an index");
/// };
/// let Step::Done(result) = ask.answer(Ok(Page::default())) else { panic!("there is no more") };
/// assert_eq!(result.unwrap_err().to_string(), "event not found: evt_1");
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
#[must_use = "a machine does nothing until it is driven"]
pub struct GetEvent {
    bus: BusConfig,
    look_up: Result<LookUp, GetError>,
    key: Option<EventKey>,
}

impl BusConfig {
    /// Reads an event by its id; see [`GetEvent`].
    pub fn get(&self, id: &str) -> GetEvent {
        let look_up = LookUp::new(id).map_err(GetError::from);
        GetEvent { bus: self.clone(), look_up, key: None }
    }

    /// Reads an event by its key, as publishing returned it; see [`GetEvent`].
    pub fn get_by_key(&self, key: EventKey) -> GetEvent {
        let look_up = LookUp::of_key(&key).map_err(GetError::from);
        GetEvent { bus: self.clone(), look_up, key: Some(key) }
    }
}

impl GetEvent {
    /// The same, but an event of another tenant is not found.
    pub fn in_tenant(self, tenant_id: &str) -> Self {
        let scoped = |look_up: LookUp| Ok(look_up.in_tenant(tenant_id)?);
        Self { look_up: self.look_up.and_then(scoped), ..self }
    }
}

impl Machine for GetEvent {
    type Output = Result<Event, GetError>;
    type Request = StoreRequest<Self>;

    fn start(self) -> Step<Self> {
        match (&self.look_up, &self.key) {
            (Err(error), _) => Step::Done(Err(error.clone())),
            (Ok(look_up), None) => {
                let read = look_up.read(&self.bus, None);
                self.ask(read, Self::on_page)
            }
            (Ok(_), Some(key)) => {
                let read = GetItem {
                    table: self.bus.table_name().clone(),
                    key: key.to_store_key(self.bus.codec().names()),
                    consistent: true,
                };
                self.ask(read, Self::on_item)
            }
        }
    }
}

impl GetEvent {
    fn on_page(self, outcome: Result<Page, store::Error>) -> Step<Self> {
        match (outcome, self.look_up) {
            (Ok(page), Ok(mut look_up)) => match look_up.add(page) {
                Some(next) => {
                    let read = look_up.read(&self.bus, Some(next));
                    Self { look_up: Ok(look_up), ..self }.ask(read, Self::on_page)
                }
                None => Step::Done(newest(&self.bus, &look_up)),
            },
            (Err(error), Ok(_)) => Step::Done(Err(failed(&self.bus, error))),
            (_, Err(error)) => Step::Done(Err(error)),
        }
    }

    fn on_item(self, outcome: Result<Option<Item>, store::Error>) -> Step<Self> {
        let page = outcome.map(|item| Page { items: item.into_iter().collect(), next: None });
        self.on_page(page)
    }
}

/// The newest copy that can be read; if none can, why the newest cannot.
fn newest(bus: &BusConfig, look_up: &LookUp) -> Result<Event, GetError> {
    let mut unreadable = None;
    for item in look_up.copies(bus) {
        match bus.codec().decode(item) {
            Ok(event) => return Ok(event),
            Err(error) => unreadable = unreadable.or(Some(error)),
        }
    }
    let not_found = || GetError::NotFound { id: look_up.id.clone() };
    Err(unreadable.map_or_else(not_found, GetError::Unreadable))
}

pub(super) fn failed(bus: &BusConfig, error: store::Error) -> GetError {
    GetError::Store(StoreFailure { table: bus.table_name().clone(), error })
}
