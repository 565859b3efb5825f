//! Scenarios with the same results on every bus.

use std::collections::BTreeSet;

use apptheory::eventbus::EventBus;
use apptheory::store::aws::TableCreation;
use apptheory_core::eventbus::{
    BusConfig, ErrorKind, Event, EventQuery, Order, PublishOutcome, Ulid,
};
use futures_util::{StreamExt, TryStreamExt};

use crate::support::{NOW, block_on, serve, store_at};
use crate::{
    Standing, bus_over, clock, config, embedded, event, ids, memory, publish_numbers, seconds,
};

#[test]
fn every_scenario_passes_on_the_memory_store() {
    let clock = clock();
    block_on(all(&bus_over(config(), memory(&clock), &clock)));
}

#[test]
fn every_scenario_passes_on_the_embedded_store() {
    let clock = clock();
    block_on(all(&bus_over(config(), embedded(&clock), &clock)));
}

#[test]
fn every_scenario_passes_on_the_aws_store() {
    block_on(serve(dynoxide::Database::memory().unwrap(), async |url| {
        let store = store_at(&url);
        let created = store.create_tables([&config().table()]).await;
        assert_eq!(created, Ok(vec![TableCreation::Created]));
        all(&bus_over(config(), store, &Standing)).await;
    }));
}

#[test]
fn sealed_cursors_are_followed_and_plain_ones_refused() {
    let clock = clock();
    let store = embedded(&clock);
    let sealed =
        BusConfig::builder().table_name("events").cursor_secret("old").cursor_secret("new");
    let (plain, sealed) = (
        bus_over(config(), store.clone(), &clock),
        bus_over(sealed.build().unwrap(), store, &clock),
    );
    block_on(async {
        publish_numbers(&plain, 0..5).await;
        let query = EventQuery::new("t1").limit(2);
        let all: Vec<Event> = sealed.query(query.clone()).events().try_collect().await.unwrap();
        assert_eq!(all.len(), 5);

        let cursor = plain.query(query.clone()).page().await.unwrap().next.unwrap();
        let refused = sealed.query(query.after(cursor)).page().await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::InvalidCursor);
    });
}

/// Runs every scenario, on a bus without events.
async fn all(bus: &EventBus) {
    an_event_is_published_once(bus).await;
    queries_select_and_order(bus).await;
    streams_follow_cursors_to_the_end(bus).await;
    many_events_are_published_in_order(bus).await;
    what_is_deleted_is_gone(bus).await;
    bad_input_is_refused(bus).await;
}

async fn an_event_is_published_once(bus: &EventBus) {
    let new = bus.new_event(" t1 ", " order.created ").source("shop").tagged(["a", "b"]);
    let new = new.metadata("k", "v").correlation_id("c").payload("first");
    assert_eq!(new.id, Ulid::new(NOW, new.id.parse::<Ulid>().unwrap().entropy()).to_string());

    let published = bus.publish(new.clone()).await.unwrap();
    assert_eq!(published.outcome, PublishOutcome::Created);
    let again = bus.publish(new.clone().payload("second")).await.unwrap();
    assert_eq!(again.outcome, PublishOutcome::Deduplicated);
    // A ULID contains the time of publication, so a retry without that time is a duplicate, too.
    let retry = Event { published_at: None, ..new };
    assert_eq!(bus.publish(retry).await.unwrap().outcome, PublishOutcome::Deduplicated);

    let event = published.event;
    assert_eq!(bus.get(&event.id, None).await.as_ref(), Ok(&event));
    assert_eq!(bus.get(&event.id, Some("t1")).await.as_ref(), Ok(&event));
    assert_eq!(bus.get_by_key(event.key.clone().unwrap()).await.as_ref(), Ok(&event));
    assert_eq!(event.payload_as::<String>().unwrap(), "first");
    assert_eq!((event.tenant_id.as_str(), event.event_type.as_str()), ("t1", "order.created"));

    let other = bus.get(&event.id, Some("t2")).await.unwrap_err();
    assert_eq!(other.kind(), ErrorKind::NotFound);
    assert_eq!(bus.delete_tenant("t1").await, Ok(1));
}

async fn queries_select_and_order(bus: &EventBus) {
    for n in 0..6 {
        let tags: &[&str] = if n % 2 == 0 { &["even", "all"] } else { &["all"] };
        let kind = if n < 3 { "low" } else { "high" };
        let event = Event { event_type: kind.into(), ..event(n).tagged(tags.to_vec()) };
        bus.publish(event).await.unwrap();
    }
    // Two more at one instant: they are sorted by id.
    bus.publish(event(5).id("e00005b")).await.unwrap();

    let tenant = || EventQuery::new("t1");
    let cases: [(EventQuery, &[&str]); 9] = [
        (tenant(), &["e00005b", "e00005", "e00004", "e00003", "e00002", "e00001", "e00000"]),
        (tenant().of_type(" low "), &["e00002", "e00001", "e00000"]),
        (tenant().of_type("low").ordered(Order::OldestFirst), &["e00000", "e00001", "e00002"]),
        (tenant().tagged(["even", " all "]), &["e00004", "e00002", "e00000"]),
        (tenant().since(seconds(2)).until(seconds(4)), &["e00004", "e00003", "e00002"]),
        (tenant().of_type("high").until(seconds(3)), &["e00003"]),
        (tenant().of_type("high").since(seconds(5)), &["e00005"]),
        (tenant().since(seconds(4)).until(seconds(3)), &[]),
        (EventQuery::new("t2"), &[]),
    ];
    for (query, expected) in cases {
        let whole = bus.query(query.clone()).page().await.unwrap().events;
        assert_eq!(ids(&whole), expected, "{query:?}");
        let paged = bus.query(query.clone().limit(1)).events();
        let paged: Vec<Event> = paged.try_collect().await.unwrap();
        // Across pages, the tenant's index orders events of one instant in its own way.
        assert!(paged.iter().map(|e| e.published_at).eq(whole.iter().map(|e| e.published_at)));
        let sorted = |events| ids(events).into_iter().collect::<BTreeSet<_>>();
        assert_eq!((paged.len(), sorted(&paged)), (whole.len(), sorted(&whole)), "{query:?}");
    }
    assert_eq!(bus.delete_tenant("t1").await, Ok(7));
}

async fn streams_follow_cursors_to_the_end(bus: &EventBus) {
    publish_numbers(bus, 0..25).await;
    for query in [EventQuery::new("t1"), EventQuery::new("t1").of_type("e")] {
        let query = query.limit(10);
        let pages: Vec<_> = bus.query(query.clone()).pages().try_collect().await.unwrap();
        let sizes: Vec<usize> = pages.iter().map(|page| page.events.len()).collect();
        assert_eq!(sizes, [10, 10, 5]);
        assert!(pages.iter().take(2).all(|page| page.next.is_some()));

        let events: Vec<Event> = bus.query(query.clone()).events().try_collect().await.unwrap();
        let newest_first: Vec<String> = (0..25).rev().map(|n| event(n).id).collect();
        assert_eq!(ids(&events), newest_first);

        let mut broken = Box::pin(bus.query(query.after("!!")).events());
        assert_eq!(broken.next().await.unwrap().unwrap_err().kind(), ErrorKind::InvalidCursor);
        assert!(broken.next().await.is_none());
    }
    assert_eq!(bus.delete_tenant("t1").await, Ok(25));
}

async fn many_events_are_published_in_order(bus: &EventBus) {
    let refused = Event { tenant_id: " ".into(), ..event(3) };
    let events = (0..60).map(|n| if n == 3 { refused.clone() } else { event(n % 50) });
    let results: Vec<_> = bus.publish_all(events).collect().await;
    assert_eq!(results.len(), 60);
    for (n, result) in (0_u32..).zip(results) {
        if n == 3 {
            assert_eq!(result.unwrap_err().kind(), ErrorKind::InvalidInput);
            continue;
        }
        // The last ten are published again, except for the one that was refused the first time.
        let is_again = n >= 50 && n != 53;
        let outcome = if is_again { PublishOutcome::Deduplicated } else { PublishOutcome::Created };
        let published = result.unwrap();
        assert_eq!((published.outcome, published.event.id), (outcome, event(n % 50).id));
    }
    let all: Vec<Event> = bus.query("t1").events().try_collect().await.unwrap();
    assert_eq!(ids(&all).into_iter().collect::<BTreeSet<_>>().len(), 50);
    assert_eq!(bus.delete_tenant("t1").await, Ok(50));
}

async fn what_is_deleted_is_gone(bus: &EventBus) {
    for (n, id) in [(0, "a"), (1, "a"), (2, "a"), (3, "b")] {
        bus.publish(event(n).id(id)).await.unwrap();
    }
    bus.publish(Event { tenant_id: "t2".into(), ..event(4).id("a") }).await.unwrap();

    assert_eq!(bus.delete("a", Some("t1")).await.unwrap().copies, 1);
    assert_eq!(bus.get("a", Some("t1")).await.unwrap().published_at, Some(seconds(1)));
    assert_eq!(bus.delete_all("a", None).await.unwrap().copies, 3);
    for gone in [bus.delete("a", None).await, bus.delete_all("a", None).await] {
        assert_eq!(gone.unwrap_err().to_string(), "event not found: a");
    }
    assert_eq!(bus.delete_tenant("t1").await, Ok(1));
    assert_eq!(bus.delete_tenant("t1").await, Ok(0));
    assert_eq!(bus.get("b", None).await.unwrap_err().kind(), ErrorKind::NotFound);
}

async fn bad_input_is_refused(bus: &EventBus) {
    let texts = [
        (Event { event_type: " ".into(), ..event(0) }, "event type cannot be empty"),
        (Event { tenant_id: "".into(), ..event(0) }, "tenant ID cannot be empty"),
        (Event { tenant_id: "a#b".into(), ..event(0) }, "tenant ID must not contain '#'"),
        (Event { event_type: "a#b".into(), ..event(0) }, "event type must not contain '#'"),
    ];
    for (event, text) in texts {
        assert_eq!(bus.publish(event).await.unwrap_err().to_string(), text);
    }
    let large = event(0).payload(&"x".repeat(400 * 1024));
    let early = event(0).published_at(apptheory_core::time::Timestamp::UNIX_EPOCH);
    for event in [large, early] {
        let refused = bus.publish(event).await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::InvalidInput);
    }
    let untold = bus.query(" ").page().await.unwrap_err();
    assert_eq!(untold.to_string(), "tenant_id is required for queries");
    let tagged = |tags: u32| EventQuery::new("t1").tagged((0..tags).map(|n| n.to_string()));
    assert!(bus.query(tagged(100)).page().await.unwrap().events.is_empty());
    let overloaded = bus.query(tagged(101)).page().await.unwrap_err();
    assert_eq!(overloaded.to_string(), "the query has 101 tags; 100 are allowed");
    assert_eq!(bus.get(" ", None).await.unwrap_err().to_string(), "event ID cannot be empty");
    assert_eq!(bus.delete(" ", None).await.unwrap_err().to_string(), "event ID cannot be empty");
    let untenanted = bus.delete_tenant(" ").await.unwrap_err();
    assert_eq!((untenanted.deleted(), untenanted.kind()), (0, ErrorKind::InvalidInput));
    let untyped = bus.subscribe(" ", async |_| Ok(())).unwrap_err();
    assert_eq!(untyped.to_string(), "event type cannot be empty");

    let found: Vec<Event> = bus.query("t1").events().try_collect().await.unwrap();
    assert!(found.is_empty(), "nothing is written half");
}
