//! Allocations, counted for each thread by its global allocator.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use core::time::Duration;
use std::sync::Arc;

use allocation_counter::{measure, opt_out};
use apptheory::app::events::{DynamoDbChange, KinesisMessage, SqsMessage};
use apptheory::app::{App, AppService, Context, Invocation, Next};
use apptheory::eventbus::{BusConfig, Event, EventQuery, Ulid};
use apptheory::limiter::{
    Attempt, Basis, Coverage, Decision, FixedWindow, Limiter, RateLimitKey, Recall,
};
use apptheory::machine::{Effect, Machine, Step};
use apptheory::machine::{Interpret, run};
use apptheory::store::memory::Memory;
use apptheory::store::wire::{Reply, Wire as _};
use apptheory::store::{Item, KeyCursor, Sleep, StoreRequest, Value};
use apptheory::time::Timestamp;
use apptheory_proptests::limit::{Admission, Limit, Writing};
use apptheory_proptests::world::{attempt, seconds, the_key};
use futures_util::FutureExt as _;

const NOON: i64 = 1_767_268_800;

/// The store in memory, whose own allocations do not count.
struct Uncounted(Memory);

impl<E: Effect> Interpret<E> for Uncounted
where
    Memory: Interpret<E>,
{
    fn interpret(&mut self, effect: &E) -> E::Outcome {
        let mut outcome = None;
        opt_out(|| outcome = Some(self.0.interpret(effect)));
        outcome.unwrap()
    }
}

/// Waits a second, a number of times.
struct Naps {
    left: u32,
    now: Timestamp,
}

impl Machine for Naps {
    type Output = Timestamp;
    type Request = StoreRequest<Self>;

    fn start(self) -> Step<Self> {
        if self.left == 0 {
            return Step::Done(self.now);
        }
        let nap = Sleep { duration: Duration::from_secs(1) };
        self.ask(nap, |naps, now| Self { left: naps.left - 1, now }.start())
    }
}

#[test]
fn the_kernel_allocates_nothing() {
    let mut store = Memory::default();
    let naps = Naps { left: 1_000, now: seconds(0) };
    let mut woken = None;
    let counted = measure(|| woken = Some(run(naps, &mut store)));
    assert_eq!(woken, Some(seconds(1_000)));
    assert_eq!(store.now(), seconds(1_000));
    assert_eq!(counted.count_total, 0);
}

/// A limiter on its table, with the cache of one instance.
struct Instance {
    limiter: Limiter,
    store: Uncounted,
    recall: Recall,
}

impl Instance {
    fn new(limit: &Limit) -> Self {
        let limiter = limit.fail_closed().deny_cache().build();
        let store = Uncounted(Memory::default().with_table(limiter.table()));
        Self { limiter, store, recall: Recall::default() }
    }

    /// Decides, and returns the number of allocations: of the machine, the texts of its effects,
    /// and the decision; not of the store, nor of the cache.
    fn decide(&mut self, second: i64) -> (Decision, u64) {
        let request = Admission { at: seconds(NOON + second), cost: 1 };
        self.store.0.set_time(request.at);
        let attempt: Attempt = attempt(&the_key(), request);
        let mut concluded = None;
        let counted = measure(|| {
            let machine = self.limiter.check_and_increment(attempt, &self.recall);
            concluded = Some(run(machine, &mut self.store));
        });
        let concluded = concluded.unwrap();
        self.recall.learn(concluded.learned);
        (concluded.decision.unwrap(), counted.count_total)
    }
}

/// Asserts the most allocations of a decision, when it is allowed and when it is refused.
#[track_caller]
fn assert_allocations(limit: &Limit, allowed: u64, refused: u64) {
    let mut instance = Instance::new(limit);
    instance.decide(0); // creates the item
    let (decision, counted) = instance.decide(0);
    assert_eq!((decision.allowed, decision.basis), (true, Basis::Counted));
    let (denied, counted_denied) = instance.decide(0);
    assert_eq!((denied.allowed, denied.basis), (false, Basis::Counted));
    let taken = (counted, counted_denied);
    assert!(counted <= allowed && counted_denied <= refused, "{taken:?}: {limit:?}");
}

#[test]
fn a_fixed_window() {
    assert_allocations(&Limit::Fixed { window: 60, limit: 2 }, 12, 13);
}

#[test]
fn a_remembered_denial() {
    let mut instance = Instance::new(&Limit::Fixed { window: 60, limit: 1 });
    instance.decide(0);
    instance.decide(1);
    let (decision, counted) = instance.decide(2);
    assert_eq!(decision.basis, Basis::LocalDeny);
    assert_eq!(counted, 0);
}

#[test]
fn a_sliding_window() {
    for (coverage, allowed, refused) in
        [(Coverage::Aligned, 13, 14), (Coverage::Conservative, 13, 14)]
    {
        let limit = Limit::Sliding { parts: 3, granularity: 20, coverage, limit: 2 };
        assert_allocations(&limit, allowed, refused);
    }
}

#[test]
fn a_cold_sliding_window() {
    let coverage = Coverage::Aligned;
    let limit = Limit::Sliding { parts: 60, granularity: 1, coverage, limit: 9 };
    assert!(Instance::new(&limit).decide(0).1 <= 270);
}

#[test]
fn several_windows() {
    let quotas = vec![(60, 2), (3_600, 9)];
    let multi = |writing| Limit::Multi { writing, quotas: quotas.clone() };
    assert_allocations(&multi(Writing::Transaction), 48, 49);
    // Every count is needed, also for an allowed request: the decision says when room is restored.
    assert_allocations(&multi(Writing::Packed), 55, 56);
    assert_allocations(&multi(Writing::OneByOne), 44, 53);
}

#[test]
fn a_token_bucket() {
    assert_allocations(&Limit::Bucket { period: 60, limit: 2, burst: 2 }, 11, 12);
}

#[test]
fn a_key() {
    for (operation, most) in [("POST", 2), ("a#b", 6)] {
        let mut key = None;
        let counted = measure(|| key = RateLimitKey::new("tenant-7", "/orders", operation).ok());
        assert_eq!(key.unwrap().operation(), operation);
        assert!(counted.count_total <= most, "{operation}: {}", counted.count_total);
    }
}

/// All allocations of a decision in a process: its key, its machine, and the store in memory.
#[test]
fn a_fixed_window_all_in() {
    let limiter = Limiter::fail_closed(FixedWindow::per_minute(9)).build();
    let mut store = Memory::default().with_table(limiter.table());
    let recall = Recall::default();
    let mut decide = || {
        let key = RateLimitKey::new("tenant-7", "/orders", "POST").unwrap();
        run(limiter.check_and_increment(Attempt::new(key, seconds(NOON)), &recall), &mut store)
    };
    assert_eq!(decide().decision.unwrap().remaining(), Some(8));
    let mut decided = None;
    let counted = measure(|| decided = Some(decide()));
    assert_eq!(decided.unwrap().decision.unwrap().remaining(), Some(7));
    assert!(counted.count_total <= 24, "{}", counted.count_total);
}

/// The most allocations of a page of 100 events, from the query to the events, including the store
/// in memory. Each event is copied out of the store with its texts, and nothing is copied twice.
#[test]
fn a_page_of_events() {
    let bus = BusConfig::builder().build().unwrap();
    let mut store = Memory::default().with_table(bus.table());
    let at = Timestamp::from_unix_seconds(NOON);
    for n in 0..150 {
        let event = Event::new("tenant-7", "order.created").id(Ulid::new(at, n)).published_at(at);
        let event = event.tagged(["vip", "eu"]).payload(&"x".repeat(200));
        run(bus.publish(event, at, n).unwrap(), &mut store).result.unwrap();
    }
    let by_tenant = EventQuery::new("tenant-7");
    for query in [by_tenant.clone(), by_tenant.of_type("order.created")] {
        let mut page = None;
        let counted = measure(|| page = run(bus.query(&query).unwrap(), &mut store).result.ok());
        assert_eq!(page.unwrap().events.len(), 100);
        assert!(counted.count_total <= 1_360, "{}", counted.count_total);
    }
}

#[test]
fn a_cursor() {
    let cursor = KeyCursor {
        last_key: Item::new()
            .with("PartitionKey", Value::from("tenant-7#order.created"))
            .with("SortKey", Value::from("1767225600000000000#01KDVDNA000000000000000001"))
            .with("TenantID", Value::from("tenant-7"))
            .with("PublishedAt", Value::from("2026-01-01T00:00:00.000000000Z")),
        index: Some("tenant-timestamp-index".into()),
        sort: Some("DESC".into()),
    };
    let mut text = String::new();
    let counted = measure(|| text = cursor.encode());
    assert!(counted.count_total <= 2, "{}", counted.count_total);
    let mut read = None;
    let counted = measure(|| read = KeyCursor::decode(&text).unwrap());
    assert_eq!(read, Some(cursor));
    assert!(counted.count_total <= 13, "{}", counted.count_total);
}

/// Returns a batch of records, each with its number in place of `#`.
fn batch(records: usize, record: &str) -> String {
    let records: Vec<String> = (0..records).map(|n| record.replace('#', &n.to_string())).collect();
    format!(r#"{{"Records":[{}]}}"#, records.join(","))
}

/// Asserts the most allocations per record of a batch, from the event's text to the result's, with
/// one middleware or none, without the fixed allocations of a batch.
#[track_caller]
fn assert_allocations_per_record(record: &str, plain: u64, wrapped: u64) {
    let app = |app: App| {
        app.sqs("orders", async |_: Arc<SqsMessage>| ())
            .kinesis("orders", async |_: Arc<KinesisMessage>| ())
            .dynamodb("orders", async |_: Arc<DynamoDbChange>| ())
            .build()
            .unwrap()
    };
    let per_record = |app: &AppService| {
        let count = |records| {
            let event = batch(records, record);
            let mut answer = None;
            let counted = measure(|| {
                answer = app.invoke(&event, Invocation::default()).now_or_never();
            });
            assert_eq!(answer.unwrap().unwrap(), r#"{"batchItemFailures":[]}"#);
            counted.count_total
        };
        (count(1_100) - count(100)).div_ceil(1_000)
    };
    let passes = async |context: Context, next: Next| Ok(next.run(context).await);
    let taken = (per_record(&app(App::new())), per_record(&app(App::new().layer(passes))));
    assert!(taken.0 <= plain && taken.1 <= wrapped, "{taken:?}: {record}");
}

#[test]
fn a_message_of_a_queue() {
    let record = r##"{"eventSource":"aws:sqs","messageId":"#","receiptHandle":"r","body":"b",
        "attributes":{"SentTimestamp":"1","SenderId":"2"},"eventSourceARN":"arn:orders"}"##;
    assert_allocations_per_record(record, 5, 6);
}

#[test]
fn a_record_of_a_stream() {
    let record = r##"{"eventSource":"aws:kinesis","eventID":"shard:#",
        "eventSourceARN":"arn:stream/orders",
        "kinesis":{"sequenceNumber":"#","partitionKey":"p","data":"aGk="}}"##;
    assert_allocations_per_record(record, 6, 7);
}

#[test]
fn a_change_of_a_table() {
    let record = r##"{"eventSource":"aws:dynamodb","eventID":"#","eventName":"INSERT",
        "eventSourceARN":"arn:table/orders/stream/x","dynamodb":{"SequenceNumber":"#",
        "Keys":{"PK":{"S":"k"}},"NewImage":{"PK":{"S":"k"}}}}"##;
    assert_allocations_per_record(record, 5, 6);
}

#[test]
fn the_wire_of_a_fixed_window() {
    let limiter = Limit::Fixed { window: 60, limit: 2 }.fail_closed().build();
    let request = Admission { at: seconds(NOON), cost: 1 };
    let recall = Recall::default();
    let machine = limiter.check_and_increment(attempt(&the_key(), request), &recall);
    let Step::Ask(StoreRequest::UpdateItem(ask)) = machine.start() else {
        panic!("a fixed window is one update");
    };
    let order = ask.effect();
    let mut body = Vec::new();
    let written = measure(|| body = order.to_body_bytes());
    let mut store = Memory::default().with_table(limiter.table());
    let answer = order.to_reply(&store.interpret(order).unwrap().answer).to_json().to_string();
    let mut outcome = None;
    let read = measure(|| {
        let reply = Reply::from_http(200, answer.as_bytes());
        outcome = Some(order.read_reply(reply, request.at));
    });
    assert_eq!(outcome.map(|outcome| outcome.is_ok()), Some(true));
    // The body and its placeholders; names and texts of ten attributes.
    let taken = (written.count_total, read.count_total);
    assert!(taken.0 <= 9 && taken.1 <= 19, "{taken:?}, {} bytes", body.len());
}
