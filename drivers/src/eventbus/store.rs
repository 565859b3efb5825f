//! The event bus over an executor.

use core::future::Future;
use core::time::Duration;
use std::sync::Arc;

use apptheory_core::eventbus::{
    BusConfig, DeleteError, DeleteEvent, DeleteTenantError, Deleted, Erased, Event, EventKey,
    EventPage, EventQuery, GetError, InvalidInput, Measured, Published, QueryError,
};
use apptheory_core::time::Timestamp;

use super::bus::Bus;
use super::error::{HandlerError, HandlerFailed, PublishFailed, TenantNotDeleted};
use super::metrics::Metrics;
use super::subscriptions::Subscriptions;
use crate::clock::{Clock, SystemClock};
use crate::execute::{StoreExecutor, drive};
use crate::ids::{DrawnId, EventIds, IdSource, RandomIds};
use crate::layer::Deadline;

/// How long one operation may take unless configured otherwise: 5 s. Publishing waits at most 0.7 s
/// between its four attempts by default, and a page takes at most ten requests; beside the 29 s
/// that API Gateway gives a Lambda function, this leaves time to answer.
pub const OPERATION_BUDGET: Duration = Duration::from_secs(5);

/// A [`BusConfig`] at work: on a table, over an executor, by a clock.
///
/// Make one per table and process, and share it.
#[derive(Debug)]
pub struct EventBus<X, C = SystemClock> {
    bus: BusConfig,
    executor: X,
    clock: C,
    ids: Arc<EventIds>,
    metrics: Metrics,
    subscriptions: Arc<Subscriptions>,
    budget: Duration,
    ends_at: Option<Timestamp>,
}

impl<X> EventBus<X> {
    /// The bus over `executor`, by the system clock.
    pub fn new(bus: BusConfig, executor: X) -> Self {
        Self {
            bus,
            executor,
            clock: SystemClock,
            ids: EventIds::new(RandomIds),
            metrics: Metrics::default(),
            subscriptions: Arc::default(),
            budget: OPERATION_BUDGET,
            ends_at: None,
        }
    }
}

impl<X, C> EventBus<X, C> {
    /// The same by another clock.
    pub fn with_clock<D: Clock>(self, clock: D) -> EventBus<X, D> {
        let Self { bus, executor, ids, metrics, subscriptions, budget, ends_at, .. } = self;
        EventBus { bus, executor, clock, ids, metrics, subscriptions, budget, ends_at }
    }

    /// The same with other ids.
    #[must_use]
    pub fn with_ids(self, ids: impl IdSource + 'static) -> Self {
        Self { ids: EventIds::new(ids), ..self }
    }

    /// The same with another time for each operation, instead of [`OPERATION_BUDGET`]. An attempt
    /// that would start after that is not waited for, and a store that has not answered by then
    /// counts as failed with a time-out. Deleting a tenant takes this time per hundred events.
    #[must_use]
    pub fn with_budget(self, budget: Duration) -> Self {
        Self { budget, ..self }
    }

    /// The same with a hook that is given a metric for every operation that tells one, when it is
    /// over and before it returns. Keep it short: it runs on the caller's path. A panic in it is
    /// caught.
    #[must_use]
    pub fn with_metrics(
        self,
        hook: impl Fn(apptheory_core::eventbus::BusMetric) + Send + Sync + 'static,
    ) -> Self {
        Self { metrics: Metrics::to(hook), ..self }
    }

    /// The same bus for as long as until `ends_at`: for one Lambda invocation its own deadline,
    /// less what is needed to respond. No operation gets more time than that, whatever its budget.
    pub fn until(&self, ends_at: Timestamp) -> EventBus<&X, &C> {
        EventBus {
            bus: self.bus.clone(),
            executor: &self.executor,
            clock: &self.clock,
            ids: Arc::clone(&self.ids),
            metrics: self.metrics.clone(),
            subscriptions: Arc::clone(&self.subscriptions),
            budget: self.budget,
            ends_at: Some(self.ends_at.map_or(ends_at, |earlier| earlier.min(ends_at))),
        }
    }

    /// The configuration.
    pub const fn config(&self) -> &BusConfig {
        &self.bus
    }

    /// Who carries out the effects.
    pub const fn executor(&self) -> &X {
        &self.executor
    }
}

impl<X, C: Clock> EventBus<X, C> {
    /// Runs the handlers that are subscribed to an event's type, one after the other.
    ///
    /// Call it for the events that the table's stream tells of:
    ///
    /// ```
    /// use apptheory::eventbus::{Bus, EventBus};
    /// # use apptheory::memory::MemoryStore;
    /// use apptheory_core::eventbus::{BusConfig, EventChange};
    /// # use apptheory_core::time::Timestamp;
    ///
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// let bus = EventBus::new(BusConfig::builder().build()?, MemoryStore::default());
    /// bus.subscribe("order.created", |event| async move {
    ///     if event.tenant_id == "t1" { Ok(()) } else { Err("an unexpected tenant".into()) }
    /// })?;
    ///
    /// let record = serde_json::json!({"eventName": "INSERT", "dynamodb": {"NewImage": {
    ///     "PartitionKey": {"S": "t1#order.created"}, "SortKey": {"S": "1767225600000000000#e1"},
    ///     "ID": {"S": "e1"}, "TenantID": {"S": "t1"}, "EventType": {"S": "order.created"},
    /// }}});
    /// if let EventChange::Inserted(event) = bus.config().codec().decode_stream_record(&record)? {
    ///     bus.deliver(&event).await?;
    /// }
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// # }).unwrap();
    /// ```
    ///
    /// # Errors
    ///
    /// [`HandlerFailed`] tells of the first handler that failed; those after it have not run.
    /// Streams deliver at least once, so have the record delivered again.
    pub async fn deliver(&self, event: &Event) -> Result<(), HandlerFailed> {
        self.subscriptions.deliver(event).await
    }

    /// When an operation that starts now has to end.
    fn deadline(&self) -> Timestamp {
        let budgeted = self.clock.now().saturating_add(self.budget);
        self.ends_at.map_or(budgeted, |ends_at| ends_at.min(budgeted))
    }

    fn in_time(&self) -> Deadline<&X, &C> {
        Deadline::at(&self.executor, &self.clock, self.deadline())
    }

    fn conclude<T, E>(&self, concluded: Measured<T, E>) -> Result<T, E> {
        self.metrics.tell(concluded.metric);
        concluded.result
    }
}

impl<X: StoreExecutor + Send, C: Clock> EventBus<X, C> {
    async fn delete_with(
        &self,
        machine: DeleteEvent,
        tenant_id: Option<&str>,
    ) -> Result<Deleted, DeleteError> {
        let machine = match tenant_id {
            Some(tenant_id) => machine.in_tenant(tenant_id),
            None => machine,
        };
        self.conclude(drive(machine, &self.in_time()).await)
    }

    /// Deletes a batch of a tenant's events, those after the batch that returned `cursor`.
    async fn delete_batch(
        &self,
        tenant_id: &str,
        cursor: Option<String>,
    ) -> Result<Erased, DeleteTenantError> {
        let in_time = self.in_time();
        let (now, seed) = (self.clock.now(), self.ids.entropy());
        // The low half of an id is as random as the id.
        let machine = self.bus.delete_tenant(tenant_id, now, seed as u64);
        let machine = machine.with_deadline(in_time.ends_at());
        let machine = match cursor {
            Some(cursor) => machine.after(cursor),
            None => machine,
        };
        drive(machine, &in_time).await
    }
}

impl<X: StoreExecutor + Send, C: Clock> Bus for EventBus<X, C> {
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
        let in_time = self.in_time();
        let (event, now, entropy) = self.ids.name(event, &self.clock);
        let machine = self.bus.publish(event, now, entropy);
        let machine = machine.with_deadline(in_time.ends_at());
        Ok(self.conclude(drive(machine, &in_time).await)?)
    }

    async fn query(&self, query: &EventQuery) -> Result<EventPage, QueryError> {
        self.conclude(drive(self.bus.query(query), &self.in_time()).await)
    }

    async fn get(&self, id: &str, tenant_id: Option<&str>) -> Result<Event, GetError> {
        let machine = self.bus.get(id);
        let machine = match tenant_id {
            Some(tenant_id) => machine.in_tenant(tenant_id),
            None => machine,
        };
        drive(machine, &self.in_time()).await
    }

    async fn get_by_key(&self, key: EventKey) -> Result<Event, GetError> {
        drive(self.bus.get_by_key(key), &self.in_time()).await
    }

    async fn delete(&self, id: &str, tenant_id: Option<&str>) -> Result<Deleted, DeleteError> {
        self.delete_with(self.bus.delete(id), tenant_id).await
    }

    async fn delete_all(&self, id: &str, tenant_id: Option<&str>) -> Result<Deleted, DeleteError> {
        self.delete_with(self.bus.delete_all(id), tenant_id).await
    }

    /// Deletes batch after batch, each in the time of one operation, and starts over until it finds
    /// nothing: the index that finds a tenant's events lags a moment behind the table, which may
    /// also have an event counted twice.
    async fn delete_tenant(&self, tenant_id: &str) -> Result<u64, TenantNotDeleted> {
        let (mut deleted, mut before, mut cursor) = (0_u64, 0, None);
        loop {
            match self.delete_batch(tenant_id, cursor.take()).await {
                Ok(erased) => {
                    deleted = deleted.saturating_add(erased.deleted);
                    cursor = erased.next;
                }
                Err(error) => {
                    if let DeleteTenantError::Store { deleted: of_batch, .. } = error {
                        deleted = deleted.saturating_add(of_batch);
                    }
                    return Err(TenantNotDeleted { deleted, error });
                }
            }
            if cursor.is_none() {
                if deleted == before {
                    return Ok(deleted);
                }
                before = deleted;
            }
        }
    }
}
