//! What an event costs in time, peers side by side.
//!
//! * `cursor`: writing, reading, sealing and opening the cursor of a tenant's page.
//! * `publish` and `page of 100`: on the in-memory store, on the embedded DynamoDB, and beside them
//!   the same request sent to the embedded DynamoDB directly.
//!
//! Run with `cargo bench -p apptheory-bench --bench eventbus`. Compare ratios within a run.

#![expect(clippy::expect_used, reason = "a benchmark that cannot be set up has to stop")]

use core::hint::black_box;

use apptheory::clock::{ManualClock, SystemClock};
use apptheory::eventbus::EventBus;
use apptheory::store::{EmbeddedStore, Store};
use apptheory_core::eventbus::{BusConfig, CursorSeal, Event, EventQuery, Ulid};
use apptheory_core::machine::{Machine, Step};
use apptheory_core::store::wire::Wire;
use apptheory_core::store::{Item, KeyCursor, StoreRequest, Value};
use apptheory_core::time::Timestamp;
use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use tokio::runtime::Runtime;

const NOW: Timestamp = Timestamp::from_unix_seconds(1_767_225_600);

fn config() -> BusConfig {
    BusConfig::builder().build().expect("valid")
}

/// An event of about half a kilobyte; the same one for the same number.
fn event(n: u128) -> Event {
    let event = Event::new("tenant-7", "order.created").id(Ulid::new(NOW, n)).published_at(NOW);
    event.tagged(["vip", "eu"]).payload(&"x".repeat(200))
}

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread().build().expect("a runtime")
}

fn embedded() -> EmbeddedStore {
    let store = EmbeddedStore::in_memory(SystemClock).expect("a store");
    store.create_table(&config().table()).expect("a table");
    store
}

fn memory() -> Store {
    Store::builder().clock(ManualClock::new(NOW)).memory()
}

fn cursor(criterion: &mut Criterion) {
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
    let seal = CursorSeal::new("a secret of thirty-two bytes....").expect("a secret");
    let sealed = seal.seal(&encoded);

    let mut group = criterion.benchmark_group("cursor");
    group.bench_function("encode", |bencher| bencher.iter(|| black_box(&cursor).encode()));
    group.bench_function("decode", |bencher| {
        bencher.iter(|| KeyCursor::decode(black_box(&encoded)).expect("a cursor"));
    });
    group.bench_function("seal", |bencher| bencher.iter(|| seal.seal(black_box(&encoded))));
    group.bench_function("open", |bencher| {
        bencher.iter(|| seal.open(black_box(&sealed)).expect("sealed").len());
    });
    group.finish();
}

fn publish(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("publish");
    let runtime = runtime();
    let mut n = 0_u128;
    let mut next = move || {
        n += 1;
        event(n)
    };
    let bus = EventBus::new(config(), &memory());
    group.bench_function("memory", |bencher| {
        bencher.iter_batched(
            &mut next,
            |event| runtime.block_on(bus.publish(event)).expect("published"),
            BatchSize::SmallInput,
        );
    });
    let store = embedded();
    let bus = EventBus::new(config(), &Store::new(store.clone()));
    group.bench_function("embedded", |bencher| {
        bencher.iter_batched(
            &mut next,
            |event| runtime.block_on(bus.publish(event)).expect("published"),
            BatchSize::SmallInput,
        );
    });
    let database = store.database();
    group.bench_function("embedded, the same put sent directly", |bencher| {
        bencher.iter_batched(
            || serde_json::from_value(same_put(next())).expect("a request"),
            |request| database.put_item(request).expect("an answer"),
            BatchSize::SmallInput,
        );
    });
    group.finish();
}

/// The put that publishing sends, as a request body.
fn same_put(event: Event) -> serde_json::Value {
    let machine = config().publish(event, NOW, 0).expect("an event");
    let Step::Ask(StoreRequest::PutItem(ask)) = machine.start() else {
        unreachable!("publishing is one put")
    };
    ask.effect().to_body()
}

fn page(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("page of 100");
    let runtime = runtime();
    let query = EventQuery::new("tenant-7").of_type("order.created");

    let bus = filled(&runtime, &memory());
    group.bench_function("memory", |bencher| {
        bencher.iter(|| {
            runtime.block_on(bus.query(black_box(&query).clone()).page()).expect("a page")
        });
    });
    let store = embedded();
    let bus = filled(&runtime, &Store::new(store.clone()));
    group.bench_function("embedded", |bencher| {
        bencher.iter(|| {
            runtime.block_on(bus.query(black_box(&query).clone()).page()).expect("a page")
        });
    });
    let Step::Ask(StoreRequest::QueryItems(ask)) = config().query(&query).expect("a query").start()
    else {
        unreachable!("a page is read by a query")
    };
    let (database, body) = (store.database(), ask.effect().to_body());
    group.bench_function("embedded, the same query sent directly", |bencher| {
        bencher.iter_batched(
            || serde_json::from_value(body.clone()).expect("a request"),
            |request| database.query(request).expect("an answer"),
            BatchSize::SmallInput,
        );
    });
    group.finish();
}

/// A bus with a thousand events.
fn filled(runtime: &Runtime, store: &Store) -> EventBus {
    let bus = EventBus::new(config(), store);
    for n in 0..1_000 {
        runtime.block_on(bus.publish(event(n))).expect("published");
    }
    bus
}

criterion_group!(benches, cursor, publish, page);
criterion_main!(benches);
