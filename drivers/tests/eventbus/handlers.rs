//! Subscribers: which events they get, in which order, and what a failure does.

use std::sync::{Arc, Mutex};

use apptheory::eventbus::EventBus;
use apptheory::store::Store;
use apptheory_core::error::Happened;
use apptheory_core::eventbus::{ErrorKind, Event, EventChange, PublishOutcome};
use serde_json::json;

use crate::support::block_on;
use crate::{bus_over, clock, config, event, memory};

type Log = Arc<Mutex<Vec<String>>>;

/// Subscribes a handler that records its name and the event's id, after yielding to other tasks.
fn log(bus: &EventBus, event_type: &str, name: &'static str, log: &Log) {
    let log = Arc::clone(log);
    bus.subscribe(event_type, move |event| {
        let log = Arc::clone(&log);
        async move {
            tokio::task::yield_now().await;
            log.lock().unwrap().push(format!("{name} {}", event.id));
            Ok(())
        }
    })
    .unwrap();
}

/// Returns a bus that runs subscribers itself.
fn delivering() -> EventBus {
    EventBus::new(config(), &Store::memory()).delivering()
}

fn typed(n: u32, event_type: &str) -> Event {
    Event { event_type: event_type.into(), ..event(n) }
}

#[test]
fn handlers_run_in_order_once_per_new_event_of_their_type() {
    let bus = delivering();
    let seen = Log::default();
    log(&bus, " a ", "first", &seen);
    log(&bus, "b", "other", &seen);
    log(&bus, "a", "second", &seen);
    block_on(async {
        for event in [typed(1, " a "), typed(1, "a"), typed(2, "b"), typed(3, "c")] {
            bus.publish(event).await.unwrap();
        }
    });
    assert_eq!(*seen.lock().unwrap(), ["first e00001", "second e00001", "other e00002"]);
}

#[test]
fn the_first_failure_ends_the_handling_and_carries_the_event() {
    for panics in [false, true] {
        let bus = delivering();
        let seen = Log::default();
        log(&bus, "a", "before", &seen);
        bus.subscribe("a", move |_| async move {
            assert!(!panics, "a broken handler");
            Err("out of paper".into())
        })
        .unwrap();
        log(&bus, "a", "after", &seen);

        let failed = block_on(bus.publish(typed(1, "a"))).unwrap_err();
        assert_eq!((failed.kind(), failed.happened()), (ErrorKind::Handler, Happened::Yes));
        let why = if panics { "it panicked" } else { "out of paper" };
        assert_eq!(failed.to_string(), format!("handler 1 of a failed: {why}"));
        assert_eq!(*seen.lock().unwrap(), ["before e00001"]);

        // The event is kept, and the bus still works.
        assert_eq!(block_on(bus.get("e00001", None)).unwrap().id, "e00001");
        let again = block_on(bus.publish(typed(1, "a"))).unwrap();
        assert_eq!(again.outcome, PublishOutcome::Deduplicated);
        assert_eq!(seen.lock().unwrap().len(), 1);
    }
}

#[test]
fn a_panic_before_the_first_await_is_caught_too() {
    let bus = delivering();
    let broken = |event: Arc<Event>| -> core::future::Ready<_> {
        assert_ne!(event.id, "e00001", "a broken handler");
        core::future::ready(Ok(()))
    };
    bus.subscribe("a", broken).unwrap();
    let failed = block_on(bus.publish(typed(1, "a")));
    assert_eq!(failed.unwrap_err().kind(), ErrorKind::Handler);
    assert!(block_on(bus.publish(typed(2, "a"))).is_ok());
}

#[test]
fn publishers_do_not_wait_for_the_handlers_of_others() {
    let bus = delivering();
    let (open, gate) = tokio::sync::watch::channel(false);
    bus.subscribe("slow", move |_| {
        let mut gate = gate.clone();
        async move {
            gate.wait_for(|is_open| *is_open).await?;
            Ok(())
        }
    })
    .unwrap();
    block_on(async {
        let other = bus.clone();
        let slow = tokio::spawn(async move { other.publish(typed(1, "slow")).await });
        tokio::task::yield_now().await;
        assert!(bus.publish(typed(2, "quick")).await.is_ok());
        assert!(bus.get("e00001", None).await.is_ok(), "stored before it is handled");
        assert!(!slow.is_finished());
        open.send_replace(true);
        assert!(slow.await.unwrap().is_ok());
    });
}

#[test]
fn a_table_bus_runs_handlers_for_stream_records_only() {
    let clock = clock();
    let store = memory(&clock);
    let bus = bus_over(config(), store.clone(), &clock);
    let seen = Log::default();
    log(&bus, "a", "handler", &seen);
    block_on(async {
        let published = bus.publish(typed(1, "a")).await.unwrap().event;
        assert!(seen.lock().unwrap().is_empty(), "publishing to a table runs no handlers");

        for item in store.items(config().table_name()) {
            let record = json!({"eventName": "INSERT", "dynamodb": {"NewImage": item.to_json()}});
            let change = bus.config().unwrap().codec().decode_stream_record(&record).unwrap();
            assert_eq!(change, EventChange::Inserted(published.clone()));
            bus.deliver(&published).await.unwrap();
            bus.until(published.created_at.unwrap()).deliver(&published).await.unwrap();
        }
    });
    assert_eq!(*seen.lock().unwrap(), ["handler e00001", "handler e00001"]);
}
