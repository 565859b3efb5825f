//! The event bus in memory, with subscriptions.

use core::future::Future;
use std::sync::{Arc, PoisonError, RwLock};

use apptheory_core::eventbus::{
    DeleteError, Deleted, Event, EventKey, EventPage, EventQuery, GetError, InvalidInput,
    MemoryBus, PublishOutcome, Published, QueryError, Separator,
};

use super::bus::Bus;
use super::error::{HandlerError, PublishFailed, TenantNotDeleted};
use super::subscriptions::Subscriptions;
use crate::clock::{Clock, SystemClock};
use crate::ids::{DrawnId, EventIds, IdSource, RandomIds};

/// A [`MemoryBus`] to share, that runs the handlers of the events published to it. Clones share the
/// events and the handlers.
///
/// Handlers of an event run on the publisher's path, one after the other in the order in which they
/// were subscribed, after the event is stored and before publishing returns; publishers do not wait
/// for one another's. The first handler that fails or panics ends that: the event stays, and the
/// error carries it. An event that was there already is not handled again. A handler may use the
/// bus itself.
///
/// ```
/// use apptheory::eventbus::{Bus, MemoryEventBus};
/// use apptheory_core::eventbus::EventQuery;
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let bus = MemoryEventBus::default();
/// let audited = bus.clone();
/// bus.subscribe("order.created", move |order| {
///     let bus = audited.clone();
///     async move {
///         let entry = bus.new_event(&order.tenant_id, "audit").with_payload(&order.id)?;
///         bus.publish(entry).await?;
///         Ok(())
///     }
/// })?;
///
/// let order = bus.publish(bus.new_event("t1", "order.created")).await?.event;
/// let audit = bus.query(&EventQuery::new("t1").with_event_type("audit")).await?;
/// assert_eq!(audit.events[0].payload_as::<String>()?, order.id);
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// # }).unwrap();
/// ```
#[derive(Clone, Debug)]
pub struct MemoryEventBus<C = SystemClock> {
    events: Arc<RwLock<MemoryBus>>,
    subscriptions: Arc<Subscriptions>,
    clock: C,
    ids: Arc<EventIds>,
}

/// An empty bus by the system clock, that refuses `#` in tenants and types.
impl Default for MemoryEventBus {
    fn default() -> Self {
        Self::new(Separator::Refused)
    }
}

impl MemoryEventBus {
    /// An empty bus by the system clock; `separator` says whether tenants and types may hold `#`.
    #[must_use]
    pub fn new(separator: Separator) -> Self {
        Self {
            events: Arc::new(RwLock::new(MemoryBus::new(separator))),
            subscriptions: Arc::default(),
            clock: SystemClock,
            ids: EventIds::new(RandomIds),
        }
    }
}

impl<C> MemoryEventBus<C> {
    /// The same by another clock.
    pub fn with_clock<D: Clock>(self, clock: D) -> MemoryEventBus<D> {
        let Self { events, subscriptions, ids, .. } = self;
        MemoryEventBus { events, subscriptions, clock, ids }
    }

    /// The same with other ids.
    #[must_use]
    pub fn with_ids(self, ids: impl IdSource + 'static) -> Self {
        Self { ids: EventIds::new(ids), ..self }
    }

    // Nothing below panics half-way through a change: poisoning says nothing.

    fn read<T>(&self, look: impl FnOnce(&MemoryBus) -> T) -> T {
        look(&self.events.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn write<T>(&self, change: impl FnOnce(&mut MemoryBus) -> T) -> T {
        change(&mut self.events.write().unwrap_or_else(PoisonError::into_inner))
    }
}

impl<C: Clock> Bus for MemoryEventBus<C> {
    fn new_event(&self, tenant_id: &str, event_type: &str) -> Event {
        let DrawnId { id, now, .. } = self.ids.draw(&self.clock);
        Event::new(tenant_id, event_type, id, now)
    }

    fn subscribe<F, R>(&self, event_type: &str, handler: F) -> Result<(), InvalidInput>
    where
        F: Fn(Arc<Event>) -> R + Send + Sync + 'static,
        R: Future<Output = Result<(), HandlerError>> + Send + 'static,
    {
        self.subscriptions.subscribe(event_type, handler)
    }

    async fn publish(&self, event: Event) -> Result<Published, PublishFailed> {
        let (event, now, entropy) = self.ids.name(event, &self.clock);
        let published = self.write(|events| events.publish(event, now, entropy))?;
        if published.outcome == PublishOutcome::Created
            && let Err(failure) = self.subscriptions.deliver(&published.event).await
        {
            return Err(PublishFailed::NotHandled { published: Box::new(published), failure });
        }
        Ok(published)
    }

    async fn query(&self, query: &EventQuery) -> Result<EventPage, QueryError> {
        self.read(|events| events.query(query))
    }

    async fn get(&self, id: &str, tenant_id: Option<&str>) -> Result<Event, GetError> {
        self.read(|events| events.get(id, tenant_id).cloned())
    }

    async fn get_by_key(&self, key: EventKey) -> Result<Event, GetError> {
        self.read(|events| events.get_by_key(&key).cloned())
    }

    async fn delete(&self, id: &str, tenant_id: Option<&str>) -> Result<Deleted, DeleteError> {
        self.write(|events| events.delete(id, tenant_id))
    }

    async fn delete_all(&self, id: &str, tenant_id: Option<&str>) -> Result<Deleted, DeleteError> {
        self.write(|events| events.delete_all(id, tenant_id))
    }

    async fn delete_tenant(&self, tenant_id: &str) -> Result<u64, TenantNotDeleted> {
        let deleted = self.write(|events| events.delete_tenant(tenant_id));
        deleted.map_err(|error| TenantNotDeleted { deleted: 0, error: error.into() })
    }
}
