//! Feeds: in order, with late events and reconnections.

use core::time::Duration;

use apptheory::clock::{Clock as _, VirtualClock};
use apptheory::eventbus::{EventBus, Feed, UNREADABLE};
use apptheory::execute::Execute as _;
use apptheory::store::Store;
use apptheory_core::eventbus::{BusConfig, ErrorKind, Event, EventQuery};
use apptheory_core::store::{Item, PutItem, Value};
use apptheory_core::stream::sse::SseEvent;
use futures_util::future::{Either, join, select};
use futures_util::{Stream, StreamExt as _};

use crate::NOW;

fn store_bus(clock: &VirtualClock) -> EventBus {
    let bus = BusConfig::builder().table_name("events").build().unwrap();
    EventBus::new(bus, &Store::builder().clock(clock.clone()).memory())
}

/// Returns an event of a type, published `millis` after the start.
fn event(id: &str, event_type: &str, millis: u64) -> Event {
    let at = NOW.saturating_add(Duration::from_millis(millis));
    Event::new("t1", event_type).id(id).published_at(at)
}

/// Returns the items that are yielded until `seconds` after the start.
async fn until<T>(clock: &VirtualClock, seconds: u64, items: impl Stream<Item = T>) -> Vec<T> {
    let end = NOW.saturating_add(Duration::from_secs(seconds));
    let mut items = core::pin::pin!(items);
    let mut given = Vec::new();
    loop {
        let sleep = Box::pin(clock.sleep(clock.now().until(end)));
        match select(items.next(), sleep).await {
            Either::Left((Some(item), _)) => given.push(item),
            Either::Left((None, _)) | Either::Right(_) => return given,
        }
    }
}

fn feed(bus: &EventBus, last_id: &str) -> Feed {
    Feed::new(bus, EventQuery::new("t1").limit(2)).after(last_id)
}

/// Returns the ids of the events that a feed yields until then, with their cursors.
async fn read(
    bus: &EventBus,
    clock: &VirtualClock,
    last_id: &str,
    seconds: u64,
) -> Vec<(String, String)> {
    let events = feed(bus, last_id).follow().await.unwrap();
    let given = until(clock, seconds, events).await;
    let pairs = given.into_iter().map(|item| {
        let (event, cursor) = item.unwrap();
        (event.id, cursor.unwrap_or_default())
    });
    pairs.collect()
}

fn ids(pairs: &[(String, String)]) -> Vec<&str> {
    pairs.iter().map(|(id, _)| id.as_str()).collect()
}

/// Publishes each event at its number of seconds after the start.
async fn publish_at(bus: &EventBus, clock: &VirtualClock, events: Vec<(u64, Event)>) {
    for (seconds, event) in events {
        let at = NOW.saturating_add(Duration::from_secs(seconds));
        clock.sleep(clock.now().until(at)).await;
        bus.publish(event).await.unwrap();
    }
}

#[test]
fn history_and_what_is_published_follow_in_order_and_go_on_behind_any_cursor() {
    let clock = VirtualClock::new(NOW);
    let bus = store_bus(&clock);
    let history = (0..5).map(|n| (0, event(&format!("h{n}"), "a", n * 10)));
    let live = [(3, event("l0", "b", 3_000)), (4, event("l1", "a", 4_000))];
    let publishing = publish_at(&bus, &clock, history.chain(live).collect());
    let (given, ()) = clock.run(join(
        async {
            clock.sleep(Duration::from_secs(1)).await;
            read(&bus, &clock, "", 20).await
        },
        publishing,
    ));
    assert_eq!(ids(&given), ["h0", "h1", "h2", "h3", "h4", "l0", "l1"]);

    // Whichever event a reader saw last, the rest follows.
    for (index, (_, cursor)) in given.iter().enumerate() {
        let clock = clock.clone();
        let seconds = NOW.until(clock.now()).as_secs() + 5;
        let rest = clock.run(read(&bus, &clock, cursor, seconds));
        assert_eq!(ids(&rest), ids(&given[index + 1..]), "after {index}");
    }
}

#[test]
fn late_arrivals_within_the_overlap_are_given_once() {
    let clock = VirtualClock::new(NOW);
    let bus = store_bus(&clock);
    let events = vec![
        (0, event("e0", "a", 0)),
        (1, event("e5", "a", 5_000)),
        (1, event("e6", "a", 6_000)),
        (3, event("late", "b", 4_100)),
        (5, event("later", "a", 5_500)),
        (5, event("same instant", "a", 6_000)),
        (9, event("e7", "a", 7_000)),
    ];
    let reading = read(&bus, &clock, "", 20);
    let (given, ()) = clock.run(join(reading, publish_at(&bus, &clock, events)));
    assert_eq!(ids(&given), ["e0", "e5", "e6", "late", "later", "same instant", "e7"]);
}

#[test]
fn an_event_dated_ahead_hides_no_late_arrivals() {
    let clock = VirtualClock::new(NOW);
    let bus = store_bus(&clock);
    let events = vec![
        (0, event("ahead", "a", 3_600_000)),
        (10, event("e10", "a", 10_000)),
        (11, event("late", "a", 9_900)),
    ];
    let reading = read(&bus, &clock, "", 20);
    let (given, ()) = clock.run(join(reading, publish_at(&bus, &clock, events)));
    assert_eq!(ids(&given), ["ahead", "e10", "late"]);
}

#[test]
fn what_arrives_later_than_the_overlap_is_missed() {
    let clock = VirtualClock::new(NOW);
    let bus = store_bus(&clock);
    let events = vec![
        (0, event("e0", "a", 0)),
        (9, event("e8", "a", 8_000)),
        (9, event("e9", "a", 9_000)),
        (11, event("too late", "a", 1)),
    ];
    let all = join(read(&bus, &clock, "", 20), publish_at(&bus, &clock, events.clone()));
    let (given, ()) = clock.run(all);
    // Reading starts over at the last event before the overlap: later arrivals behind that event
    // are seen.
    assert_eq!(ids(&given), ["e0", "e8", "e9", "too late"]);

    let clock = VirtualClock::new(NOW);
    let bus = store_bus(&clock);
    let mut events = events;
    events.insert(1, (9, event("e6", "a", 6_000)));
    let all = join(read(&bus, &clock, "", 20), publish_at(&bus, &clock, events));
    let (given, ()) = clock.run(all);
    assert_eq!(ids(&given), ["e0", "e6", "e8", "e9"]);
}

#[test]
fn equal_instants_in_a_tenants_index_are_given_once() {
    let clock = VirtualClock::new(NOW);
    let bus = store_bus(&clock);
    // The index orders them by type, pages by id.
    let ties = ["d", "c", "b", "a"].iter().enumerate();
    let mut events: Vec<_> =
        ties.map(|(n, event_type)| (0, event(&format!("e{n}"), event_type, 0))).collect();
    events.push((2, event("f", "a", 60_000)));
    events.push((5, event("g", "a", 61_000)));
    let all = join(read(&bus, &clock, "", 20), publish_at(&bus, &clock, events));
    let (given, ()) = clock.run(all);
    let mut once = ids(&given);
    once.sort_unstable();
    assert_eq!(once, ["e0", "e1", "e2", "e3", "f", "g"]);
}

#[test]
fn server_sent_events_carry_cursors_types_and_what_cannot_be_read() {
    let clock = VirtualClock::new(NOW);
    let bus = store_bus(&clock);
    clock.run(bus.publish(event("e0", "a", 0))).unwrap();
    let cursor = clock.run(read(&bus, &clock, "", 1)).swap_remove(0).1;
    let sent: Vec<SseEvent> = clock.run(async {
        put_unreadable(bus.store()).await;
        let sent = until(&clock, 10, feed(&bus, "").open().await.unwrap()).await;
        sent.into_iter().collect::<Result<_, _>>().unwrap()
    });
    let names: Vec<&str> = sent.iter().map(|event| event.event.as_str()).collect();
    assert_eq!(names, ["a", UNREADABLE]);
    assert_eq!(sent[0].id, cursor);
    let data = core::str::from_utf8(&sent[0].data).unwrap();
    assert_eq!(Event::from_json(data, NOW).unwrap().id, "e0");
}

/// Puts an item among the tenant's events that is not an event.
async fn put_unreadable(store: &Store) {
    let text = |value: &str| Value::from(value);
    let item = Item::new()
        .with("PartitionKey", text("t1#a"))
        .with("SortKey", text("1767225600000000001#x"))
        .with("TenantID", text("t1"))
        .with("PublishedAt", text("2026-01-01T00:00:00.000000001Z"))
        .with("Payload", text("no payload"));
    let put = PutItem { table: "events".into(), item, guard: apptheory_core::store::Guard::Always };
    store.execute(&put).await.unwrap();
}

#[test]
fn a_cursor_of_another_query_is_refused_before_anything_is_sent() {
    let clock = VirtualClock::new(NOW);
    let bus = store_bus(&clock);
    let error = clock.run(feed(&bus, "!!").follow()).err();
    assert_eq!(error.map(|error| error.kind()), Some(ErrorKind::InvalidCursor));
}
