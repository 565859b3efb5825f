//! The event bus on a store.

use core::error::Error as StdError;
use core::future::Future;
use core::time::Duration;
use std::sync::Arc;

use apptheory_core::eventbus::{
    BusConfig, BusMetric, DeleteEvent, Deleted, Error, Event, EventKey, EventPage, EventQuery,
    Measured, PublishOutcome, Published,
};
use apptheory_core::time::Timestamp;
use futures_util::stream::{self, Stream, StreamExt as _};

use super::metrics::Metrics;
use super::query::BusQuery;
use super::subscriptions::Subscriptions;
use crate::clock::{Clock as _, SharedClock};
use crate::execute::drive;
use crate::ids::{DrawnId, EventIds};
use crate::layer::{Deadline, EachInTime};
use crate::store::Store;

/// The default time limit of one operation: 5 s. Publishing waits at most 0.7 s between its four
/// attempts by default, and a page takes at most ten requests, so that there is time left to
/// respond within the 29 s of API Gateway.
pub const OPERATION_BUDGET: Duration = Duration::from_secs(5);

/// How many events [`EventBus::publish_all`] publishes concurrently: 25.
pub const PUBLISH_CONCURRENCY: usize = 25;

/// An event bus: a table of events on a store, to publish to and read from.
///
/// Clones share the same bus, and are cheap.
///
/// ```
/// use apptheory::Store;
/// use apptheory::eventbus::{Event, EventBus};
/// use futures_util::TryStreamExt;
///
/// # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(async {
/// let bus = EventBus::on(&Store::memory());
/// bus.publish(Event::new("t1", "note.written").payload("hello")).await?;
///
/// let notes: Vec<Event> = bus.query("t1").of_type("note.written").events().try_collect().await?;
/// assert_eq!(notes[0].payload_as::<String>()?, "hello");
/// # Ok::<(), apptheory::eventbus::Error>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct EventBus {
    config: Result<BusConfig, Error>,
    store: Store,
    ids: Arc<EventIds>,
    metrics: Metrics,
    subscriptions: Arc<Subscriptions>,
    delivers: bool,
    budget: Duration,
    ends_at: Option<Timestamp>,
}

impl EventBus {
    /// Creates a bus on a store, configured by the store's environment variables, and declares its
    /// table. If the configuration is invalid, every operation returns that error.
    #[must_use]
    pub fn on(store: &Store) -> Self {
        Self::configured(BusConfig::builder().env(|name| store.env(name)).build(), store)
    }

    /// Creates a bus with a configuration of your own, and declares its table. If DynamoDB does not
    /// allow the table's name, every operation returns that error.
    #[must_use]
    pub fn new(config: BusConfig, store: &Store) -> Self {
        Self::configured(Ok(config), store)
    }

    fn configured(config: Result<BusConfig, Error>, store: &Store) -> Self {
        let config = config.and_then(|config| config.check_table_name().map(|()| config));
        if let Ok(config) = &config {
            store.declare(config.table());
        }
        Self {
            config,
            store: store.clone(),
            ids: Arc::default(),
            metrics: Metrics::default(),
            subscriptions: Arc::default(),
            delivers: false,
            budget: OPERATION_BUDGET,
            ends_at: None,
        }
    }

    /// Sets the time limit of each operation, instead of [`OPERATION_BUDGET`]. An attempt that
    /// would start later is not made, and a store that does not respond in time counts as a
    /// timeout. When a tenant is deleted, the limit applies to each request.
    #[must_use]
    pub fn with_budget(self, budget: Duration) -> Self {
        Self { budget, ..self }
    }

    /// Calls `hook` with a metric of each operation, before the operation returns. The hook runs on
    /// the caller's task, so keep it short. Its panics are caught.
    #[must_use]
    pub fn with_metrics(self, hook: impl Fn(BusMetric) + Send + Sync + 'static) -> Self {
        Self { metrics: Metrics::to(hook), ..self }
    }

    /// Runs subscribers when an event is published, for tables without a stream. Subscribers run on
    /// the publisher's task, after the event is stored and before publishing returns. An event that
    /// was already published does not run them again. A subscriber may use the bus itself.
    #[must_use]
    pub fn delivering(self) -> Self {
        Self { delivers: true, ..self }
    }

    /// Returns a bus whose operations end by `ends_at`, whatever their budget. In a Lambda
    /// invocation, pass the deadline less the time that the response takes.
    #[must_use]
    pub fn until(&self, ends_at: Timestamp) -> Self {
        let ends_at = self.ends_at.map_or(ends_at, |earlier| earlier.min(ends_at));
        Self { ends_at: Some(ends_at), ..self.clone() }
    }

    /// Returns the bus's configuration.
    ///
    /// # Errors
    ///
    /// [`Error`] of kind [`Configuration`](apptheory_core::eventbus::ErrorKind::Configuration) if
    /// it is invalid.
    pub fn config(&self) -> Result<&BusConfig, Error> {
        self.config.as_ref().map_err(Error::clone)
    }

    /// Returns the store that the bus is on.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Subscribes `handler` to new events of a type, which is trimmed. Subscriptions last as long
    /// as the bus; subscribing the same handler twice runs it twice. Handlers run when the bus is
    /// given the table's stream, see [`deliver`](Self::deliver), or when it publishes, if it is
    /// [delivering](Self::delivering).
    ///
    /// # Errors
    ///
    /// [`Error`] for a blank type.
    pub fn subscribe<F, R>(&self, event_type: &str, handler: F) -> Result<(), Error>
    where
        F: Fn(Arc<Event>) -> R + Send + Sync + 'static,
        R: Future<Output = Result<(), Box<dyn StdError + Send + Sync>>> + Send + 'static,
    {
        self.subscriptions.subscribe(event_type, handler)
    }

    /// Runs the handlers that are subscribed to the event's type, one after the other.
    ///
    /// Call it for new events in the table's stream; [`App::eventbus`](crate::app::App::eventbus)
    /// does so.
    ///
    /// ```
    /// use apptheory::eventbus::{EventBus, EventChange};
    /// use apptheory::store::Store;
    ///
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// let bus = EventBus::on(&Store::memory());
    /// bus.subscribe("order.created", |event| async move {
    ///     if event.tenant_id == "t1" { Ok(()) } else { Err("an unexpected tenant".into()) }
    /// })?;
    ///
    /// let record = serde_json::json!({"eventName": "INSERT", "dynamodb": {"NewImage": {
    ///     "PartitionKey": {"S": "t1#order.created"}, "SortKey": {"S": "1767225600000000000#e1"},
    ///     "ID": {"S": "e1"}, "TenantID": {"S": "t1"}, "EventType": {"S": "order.created"},
    /// }}});
    /// if let EventChange::Inserted(event) = bus.config()?.codec().decode_stream_record(&record)? {
    ///     bus.deliver(&event).await?;
    /// }
    /// # Ok::<(), apptheory::eventbus::Error>(())
    /// # }).unwrap();
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error`] of kind [`Handler`](apptheory_core::eventbus::ErrorKind::Handler) for the first
    /// handler that failed; later handlers have not run. Let the stream deliver the record again,
    /// which repeats the handlers that have run.
    pub async fn deliver(&self, event: &Event) -> Result<(), Error> {
        self.subscriptions.deliver(event).await
    }

    /// Creates an event with a new id, created and published now. Publishing it again, for instance
    /// after a timeout, finds the first copy.
    #[must_use]
    pub fn new_event(&self, tenant_id: &str, event_type: &str) -> Event {
        let DrawnId { id, now, .. } = self.ids.draw(&self.store);
        let event = Event::new(tenant_id, event_type).id(id).published_at(now);
        Event { created_at: Some(now), ..event }
    }

    /// Publishes an event, unless it was already published. An event without an id or a publication
    /// time gets them here; to be able to retry safely, create the event with
    /// [`new_event`](Self::new_event) or set both, because a copy is recognized by them.
    ///
    /// # Errors
    ///
    /// [`Error`]; [`Error::happened`] says whether the event was published nevertheless.
    pub async fn publish(&self, event: Event) -> Result<Published, Error> {
        let in_time = self.in_time();
        let (event, now, entropy) = self.ids.name(event, &self.store);
        let machine = self.config()?.publish(event, now, entropy)?.with_deadline(in_time.ends_at());
        let published = self.conclude(drive(machine, &in_time).await)?;
        if self.delivers && published.outcome == PublishOutcome::Created {
            self.deliver(&published.event).await?;
        }
        Ok(published)
    }

    /// Publishes events, [`PUBLISH_CONCURRENCY`] at a time, and yields one result per event, in
    /// order. Events are taken from the iterator only as the stream is polled, so that neither
    /// events nor results pile up.
    pub fn publish_all<I>(&self, events: I) -> impl Stream<Item = Result<Published, Error>> + Send
    where
        I: IntoIterator<Item = Event>,
        I::IntoIter: Send,
    {
        stream::iter(events).map(|event| self.publish(event)).buffered(PUBLISH_CONCURRENCY)
    }

    /// Starts a query of a tenant's events. Pass a tenant id such as `"tenant-7"`, or an
    /// [`EventQuery`].
    ///
    /// ```
    /// use apptheory::eventbus::{Event, EventBus};
    /// use futures_util::TryStreamExt as _;
    ///
    /// # async fn newest(bus: EventBus) -> Result<(), apptheory::eventbus::Error> {
    /// let page = bus.query("tenant-7").of_type("order.created").limit(10).page().await?;
    /// let vips: Vec<Event> = bus.query("tenant-7").tagged(["vip"]).events().try_collect().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn query(&self, query: impl Into<EventQuery>) -> BusQuery {
        BusQuery::new(self.clone(), query.into())
    }

    pub(super) async fn page(&self, query: &EventQuery) -> Result<EventPage, Error> {
        self.conclude(drive(self.config()?.query(query)?, &self.in_time()).await)
    }

    /// Reads the newest event with an id, optionally of one tenant. The index of ids is eventually
    /// consistent: use [`get_by_key`](Self::get_by_key) for an event that was just published.
    ///
    /// # Errors
    ///
    /// [`Error`] of kind [`NotFound`](apptheory_core::eventbus::ErrorKind::NotFound) if there is no
    /// such event, or an error of the store.
    pub async fn get(&self, id: &str, tenant_id: Option<&str>) -> Result<Event, Error> {
        drive(self.config()?.get(id, tenant_id)?, &self.in_time()).await
    }

    /// Reads the event with a key that publishing returned, also immediately after it was
    /// published.
    ///
    /// # Errors
    ///
    /// [`Error`] of kind [`NotFound`](apptheory_core::eventbus::ErrorKind::NotFound) if there is no
    /// such event, or an error of the store.
    pub async fn get_by_key(&self, key: EventKey) -> Result<Event, Error> {
        drive(self.config()?.get_by_key(key)?, &self.in_time()).await
    }

    /// Deletes the newest event with an id, optionally of one tenant.
    ///
    /// # Errors
    ///
    /// [`Error`] of kind [`NotFound`](apptheory_core::eventbus::ErrorKind::NotFound) if there is no
    /// such event, or an error of the store.
    pub async fn delete(&self, id: &str, tenant_id: Option<&str>) -> Result<Deleted, Error> {
        self.delete_with(self.config()?.delete(id, tenant_id)?).await
    }

    /// Deletes every event with an id, optionally of one tenant.
    ///
    /// # Errors
    ///
    /// [`Error`] of kind [`NotFound`](apptheory_core::eventbus::ErrorKind::NotFound) if there is no
    /// such event, or an error of the store.
    pub async fn delete_all(&self, id: &str, tenant_id: Option<&str>) -> Result<Deleted, Error> {
        self.delete_with(self.config()?.delete_all(id, tenant_id)?).await
    }

    /// Deletes all events of a tenant, for instance on a request for erasure, and returns the
    /// number of deletions. Stop publishing for the tenant first.
    ///
    /// # Errors
    ///
    /// [`Error`]; [`Error::deleted`] is the number of deletions before it failed. Call it again to
    /// delete the rest.
    pub async fn delete_tenant(&self, tenant_id: &str) -> Result<u64, Error> {
        // The low half of an id is as random as the whole id.
        let seed = self.store.ids().next_id() as u64;
        let now = self.store.clock().now();
        let machine = self.config()?.delete_tenant(tenant_id, now, seed)?;
        let machine = match self.ends_at {
            Some(ends_at) => machine.with_deadline(ends_at),
            None => machine,
        };
        drive(machine, &EachInTime::new(&self.store, self.budget, self.ends_at)).await
    }

    async fn delete_with(&self, machine: DeleteEvent) -> Result<Deleted, Error> {
        self.conclude(drive(machine, &self.in_time()).await)
    }

    /// Returns the store with the time limit of an operation that starts now.
    fn in_time(&self) -> Deadline<&Store, &SharedClock> {
        let clock = self.store.clock();
        let budgeted = clock.now().saturating_add(self.budget);
        let ends_at = self.ends_at.map_or(budgeted, |ends_at| ends_at.min(budgeted));
        Deadline::at(&self.store, clock, ends_at)
    }

    fn conclude<T>(&self, measured: Measured<T, Error>) -> Result<T, Error> {
        self.metrics.record(measured.metric);
        measured.result
    }
}
