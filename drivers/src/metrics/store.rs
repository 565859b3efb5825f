//! Metrics of a store.

use std::sync::{Mutex, PoisonError};

use apptheory_core::store::wire::Wire as _;
use apptheory_core::store::{
    BatchGetItem, Conclusion, DeleteItem, GetItem, PutItem, QueryItems, StoreEffect, StoreUsage,
    TransactWriteItems, UpdateItem,
};

use super::{By, Counter, Dimension, Error, Histogram, Metrics, Unit};
use crate::execute::Execute;
use crate::store::Store;

impl Store {
    /// Returns the store with metrics of its calls. Create services on the returned store.
    ///
    /// Each metric is written in total and by `operation`, such as `UpdateItem`:
    ///
    /// | Metric | Unit | Counts |
    /// |---|---|---|
    /// | `StoreCalls` | `Count` | calls, with or without a reply |
    /// | `StoreFailures` | `Count` | calls that were refused, failed or timed out |
    /// | `StoreReadUnits`, `StoreWriteUnits` | `Count` | [capacity units](Self::usage) that the store reported; use their sum |
    ///
    /// ```
    /// use apptheory::eventbus::EventBus;
    /// use apptheory::metrics::Metrics;
    /// use apptheory::store::Store;
    ///
    /// # fn main() -> Result<(), apptheory::metrics::Error> {
    /// let metrics = Metrics::builder("Shop").build()?;
    /// // In production, `Store::aws().await.measured(&metrics)?`.
    /// let store = Store::memory().measured(&metrics)?;
    /// let bus = EventBus::on(&store);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::Twice`] if one of the names is taken: a set of metrics has one store.
    pub fn measured(&self, metrics: &Metrics) -> Result<Self, Error> {
        let operations = Dimension::new("operation", OPERATIONS)?;
        let by = || metrics.by([operations.clone()]);
        let (calls, failures) = (by().counter("StoreCalls")?, by().counter("StoreFailures")?);
        let units = Units {
            read: by().histogram("StoreReadUnits", Unit::Count)?,
            write: by().histogram("StoreWriteUnits", Unit::Count)?,
            seen: Mutex::new(self.usage().unwrap_or_default()),
        };
        let store = self.clone();
        metrics.observe(move || units.measure(store.usage().unwrap_or_default()));
        Ok(self.layer(|store| MeasuredStore { store, calls, failures }))
    }
}

const OPERATIONS: [&str; 7] = [
    GetItem::OPERATION,
    BatchGetItem::OPERATION,
    QueryItems::OPERATION,
    PutItem::OPERATION,
    UpdateItem::OPERATION,
    DeleteItem::OPERATION,
    TransactWriteItems::OPERATION,
];

impl Metrics {
    /// Calls `observer` before each flush.
    fn observe(&self, observer: impl Fn() + Send + Sync + 'static) {
        let mut observers = self.shared.observers.lock().unwrap_or_else(PoisonError::into_inner);
        observers.push(Box::new(observer));
    }
}

/// Capacity units that a store consumes.
struct Units {
    read: By<Histogram, 1>,
    write: By<Histogram, 1>,
    /// The usage that was already measured.
    seen: Mutex<StoreUsage>,
}

impl Units {
    fn measure(&self, usage: StoreUsage) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        for (operation, since) in usage.since(&seen).iter() {
            let (read, write) = (since.consumed.read_units(), since.consumed.write_units);
            if read > 0.0 {
                self.read.with([operation]).record(read);
            }
            if write > 0 {
                self.write.with([operation]).record(write as f64);
            }
        }
        *seen = usage;
    }
}

/// Counts calls, and calls without a reply.
struct MeasuredStore {
    store: Store,
    calls: By<Counter, 1>,
    failures: By<Counter, 1>,
}

impl<E> Execute<E> for MeasuredStore
where
    E: StoreEffect<Outcome: Send> + Sync,
    Store: Execute<E>,
{
    async fn execute(&self, effect: &E) -> E::Outcome {
        if !E::is_call() {
            return self.store.execute(effect).await;
        }
        self.calls.with([E::NAME]).add(1);
        let unanswered = Unanswered(Some(self.failures.with([E::NAME])));
        let outcome = self.store.execute(effect).await;
        if !matches!(E::conclusion(&outcome), Conclusion::Failed(_)) {
            unanswered.answered();
        }
        outcome
    }
}

/// A call without a reply so far; dropping it counts a failure.
struct Unanswered(Option<Counter>);

impl Unanswered {
    fn answered(mut self) {
        self.0 = None;
    }
}

impl Drop for Unanswered {
    fn drop(&mut self) {
        if let Some(failures) = &self.0 {
            failures.add(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use core::time::Duration;

    use apptheory_core::store;
    use serde_json::Value as Json;

    use super::*;
    use crate::clock::{ManualClock, VirtualClock};
    use crate::eventbus::EventBus;
    use crate::layer::{Deadline, FaultPlan, Faulty};
    use crate::test_writer::TestWriter;

    fn metrics() -> (Metrics, TestWriter) {
        let written = TestWriter::default();
        (Metrics::builder("Shop").writer(written.clone()).build().unwrap(), written)
    }

    fn of_operation<'l>(lines: &'l [Json], operation: &str) -> &'l Json {
        lines.iter().find(|line| line["operation"] == operation).unwrap()
    }

    #[tokio::test]
    async fn calls_failures_and_capacity_are_measured_by_operation() {
        let (metrics, written) = metrics();
        let faulty = Store::memory()
            .layer(|s| Faulty::new(s, FaultPlan::default().fail(1, store::Error::Throttled)));
        let bus = EventBus::on(&faulty.measured(&metrics).unwrap());
        let published = bus.publish(bus.new_event("t1", "order.created")).await.unwrap();
        metrics.flush();
        let lines = written.take_json();
        let put = of_operation(&lines, "PutItem");
        assert_eq!((&put["StoreCalls"], &put["StoreFailures"]), (&2.into(), &1.into()));
        assert_eq!((&put["StoreWriteUnits"], &put["StoreReadUnits"]), (&3.into(), &Json::Null));

        bus.get(&published.event.id, Some("t1")).await.unwrap();
        metrics.flush();
        let lines = written.take_json();
        assert_eq!(lines.len(), 1);
        let read = of_operation(&lines, "Query");
        assert_eq!((&read["StoreCalls"], &read["StoreReadUnits"]), (&1.into(), &0.5.into()));
        assert_eq!(faulty.usage().unwrap().total().calls, 2);
    }

    #[tokio::test]
    async fn a_call_that_is_given_up_has_failed() {
        let (metrics, written) = metrics();
        let clock = ManualClock::new(crate::time::Timestamp::UNIX_EPOCH);
        let silent = Store::memory().layer(Silent).measured(&metrics).unwrap();
        let in_time = Deadline::after(&silent, clock, Duration::from_secs(1));
        let order = GetItem {
            table: "events".into(),
            key: store::Key::of("ID", store::Value::from("e1")),
            consistent: true,
        };
        assert_eq!(in_time.execute(&order).await, Err(store::Error::Timeout));
        metrics.flush();
        assert_eq!(of_operation(&written.take_json(), "GetItem")["StoreFailures"], 1);
    }

    /// Never replies.
    struct Silent(#[expect(dead_code, reason = "a layer wraps a store")] Store);

    impl<E: StoreEffect<Outcome: Send> + Sync> Execute<E> for Silent {
        async fn execute(&self, _: &E) -> E::Outcome {
            core::future::pending().await
        }
    }

    #[test]
    fn nothing_is_known_of_other_executors() {
        let clock = VirtualClock::new(crate::time::Timestamp::UNIX_EPOCH);
        let other = Store::new(crate::store::MemoryStore::new(clock));
        assert_eq!(other.usage(), None);
    }
}
