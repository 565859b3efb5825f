//! The event bus: cursors, publishing, pages.

use core::hint::black_box;
use core::time::Duration;

use apptheory::clock::{ManualClock, SystemClock};
use apptheory::eventbus::EventBus;
use apptheory::store::{EmbeddedStore, Store};
use apptheory_core::eventbus::{BusConfig, CursorSeal, Event, EventQuery, MemoryBus, Ulid};
use apptheory_core::machine::{Machine as _, Step};
use apptheory_core::store::{Item, KeyCursor, Value};
use apptheory_core::time::Timestamp;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE;
use tokio::runtime::{Builder, Runtime};

use crate::measure::{Contender, Effort};
use crate::table::{Group, Row, alone, beside};

pub(crate) const GROUP: Group = Group {
    name: "bus",
    title: "The event bus",
    how: "Cursors of a tenant's page: base64 encodes and decodes the bytes alone, without reading or writing the JSON in them. \
          Events of half a kilobyte are published and read by pages of 100, from a table of 1,000 in memory and on \
          the embedded DynamoDB, which is asked the same directly. `MemoryBus` holds 100,000 events of 100 tenants.",
    run,
};

const NOW: Timestamp = Timestamp::from_unix_seconds(1_767_225_600);

fn run(effort: Effort) -> Vec<Row> {
    let runtime = Builder::new_current_thread().build().expect("a runtime");
    let mut rows = cursors(effort);
    rows.extend(publishing(effort, &runtime));
    rows.extend(pages(effort, &runtime));
    rows.extend(memory_bus(effort));
    rows
}

fn cursors(effort: Effort) -> Vec<Row> {
    let text = |text: &str| Value::from(text);
    let cursor = KeyCursor {
        last_key: Item::new()
            .with("PartitionKey", text("tenant-7#order.created"))
            .with("SortKey", text("1767225600000000000#01KDVDNA000000000000000001"))
            .with("TenantID", text("tenant-7"))
            .with("PublishedAt", text("2026-01-01T00:00:00.000000000Z")),
        index: Some("tenant-timestamp-index".into()),
        sort: Some("DESC".into()),
    };
    let encoded = cursor.encode();
    let bytes = URL_SAFE.decode(&encoded).expect("a cursor is base64");
    let seal = CursorSeal::new("a secret of thirty-two bytes....").expect("a secret");
    let sealed = seal.seal(&encoded);
    let mut rows = beside(
        effort,
        "a cursor is written",
        Contender::new("apptheory", || black_box(&cursor).encode()),
        [Contender::new("base64 alone", || URL_SAFE.encode(black_box(&bytes)))],
    );
    rows.extend(beside(
        effort,
        "a cursor is read",
        Contender::new("apptheory", || KeyCursor::decode(black_box(&encoded)).expect("a cursor")),
        [Contender::new("base64 alone", || URL_SAFE.decode(black_box(&encoded)))],
    ));
    let sealing = Contender::new("apptheory", || seal.seal(black_box(&encoded)));
    rows.extend(alone(effort, "a cursor is sealed", sealing));
    let opening =
        Contender::new("apptheory", || seal.open(black_box(&sealed)).expect("sealed").len());
    rows.extend(alone(effort, "a sealed cursor is opened", opening));
    rows
}

fn publishing(effort: Effort, runtime: &Runtime) -> Vec<Row> {
    // Every event is new, for each contender.
    let n = core::cell::Cell::new(0);
    let next = || event(n.replace(n.get() + 1));
    let bus = EventBus::new(config(), &memory());
    let mut rows = alone(
        effort,
        "publishing, in memory",
        Contender::using("apptheory", next, |event| {
            runtime.block_on(bus.publish(event)).expect("published")
        }),
    );
    let store = embedded();
    let bus = EventBus::new(config(), &Store::new(store.clone()));
    let database = store.database();
    rows.extend(beside(
        effort,
        "publishing, embedded DynamoDB",
        Contender::using("apptheory", next, |event| {
            runtime.block_on(bus.publish(event)).expect("published")
        }),
        [Contender::using(
            "the same put, sent directly",
            || serde_json::from_slice(&same_put(next())).expect("a request"),
            |request| database.put_item(request).expect("an answer"),
        )],
    ));
    rows
}

/// Returns the put that publishing sends, as a request body.
fn same_put(event: Event) -> Vec<u8> {
    let machine = config().publish(event, NOW, 0).expect("an event");
    let Step::Ask(ask) = machine.start() else { unreachable!("publishing is one put") };
    ask.body()
}

fn pages(effort: Effort, runtime: &Runtime) -> Vec<Row> {
    let query = EventQuery::new("tenant-7").of_type("order.created");
    let page = |bus: &EventBus| {
        let page = runtime.block_on(bus.query(black_box(&query).clone()).page());
        assert_eq!(page.as_ref().map(|page| page.events.len()), Ok(100));
        page
    };
    let in_memory = filled(runtime, &memory());
    let mut rows =
        alone(effort, "a page of 100, in memory", Contender::new("apptheory", || page(&in_memory)));
    let store = embedded();
    let bus = filled(runtime, &Store::new(store.clone()));
    let Step::Ask(ask) = config().query(&query).expect("a query").start() else {
        unreachable!("a page is read by a query")
    };
    let (database, body) = (store.database(), ask.body());
    rows.extend(beside(
        effort,
        "a page of 100, embedded DynamoDB",
        Contender::new("apptheory", || page(&bus)),
        [Contender::using(
            "the same query, sent directly",
            || serde_json::from_slice(&body).expect("a request"),
            |request| database.query(request).expect("an answer"),
        )],
    ));
    rows
}

fn memory_bus(effort: Effort) -> Vec<Row> {
    let mut bus = MemoryBus::default();
    let events = effort.at_most(100_000);
    let tenants = events / 1_000;
    for n in 0..events {
        let at = NOW.saturating_add(Duration::from_millis(n.try_into().expect("few")));
        let event = Event::new(format!("tenant-{}", n % tenants), "order.created")
            .id(Ulid::new(at, n.try_into().expect("few")))
            .published_at(at)
            .payload(&"x".repeat(200));
        bus.publish(event, at, 0).expect("published");
    }
    let first = EventQuery::new("tenant-0").of_type("order.created");
    let next = bus.query(&first).expect("a page").next.expect("there are more");
    let later = first.clone().after(next);
    let queries = [("the first page of 100", first), ("the second", later)];
    let rows = queries.map(|(which, query)| {
        alone(
            effort,
            format!("{which}, `MemoryBus` of {events} events"),
            Contender::new("apptheory", || bus.query(black_box(&query)).expect("a page")),
        )
    });
    rows.concat()
}

fn config() -> BusConfig {
    BusConfig::builder().build().expect("valid")
}

/// Returns an event of about half a kilobyte; the same one for the same number.
fn event(n: u128) -> Event {
    let event = Event::new("tenant-7", "order.created").id(Ulid::new(NOW, n)).published_at(NOW);
    event.tagged(["vip", "eu"]).payload(&"x".repeat(200))
}

fn embedded() -> EmbeddedStore {
    let store = EmbeddedStore::in_memory(SystemClock).expect("a store");
    store.create_table(&config().table()).expect("a table");
    store
}

fn memory() -> Store {
    Store::builder().clock(ManualClock::new(NOW)).memory()
}

/// Returns a bus with a thousand events.
fn filled(runtime: &Runtime, store: &Store) -> EventBus {
    let bus = EventBus::new(config(), store);
    for n in 0..1_000 {
        runtime.block_on(bus.publish(event(n))).expect("published");
    }
    bus
}
