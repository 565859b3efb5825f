//! The guide's page of costs is what a store counts: each row is an operation that is carried out
//! here, on tables in memory that count calls and capacity by DynamoDB's rules. That an embedded
//! DynamoDB counts the same is shown by `tests/eventbus/costs.rs` and the property tests of
//! `proptests`.
//!
//! `UPDATE_SNAPSHOTS=1 cargo test --workspace --all-features --test costs` writes the tables of the
//! page.
#![expect(clippy::unwrap_used, reason = "it ends a test")]

use std::fmt::Write as _;
use std::fs;
use std::num::NonZeroU32;
use std::path::Path;
use std::time::Duration;

use apptheory::clock::VirtualClock;
use apptheory::ids::SequentialIds;
use apptheory::limiter::{
    Attempt, FixedWindow, Limiter, LimiterBuilder, MultiWindow, Quota, RateLimitKey, RateLimiter,
    SlidingWindow, TokenBucket,
};
use apptheory::prelude::*;
use apptheory::store::StoreUsage;
use apptheory::testkit::TestApp;
use apptheory::time::Timestamp;
use apptheory::websocket::Connections;

const PAGE: &str = "drivers/docs/costs.md";

/// Dollars for a million write and read request units: DynamoDB on demand, tables of the standard
/// class in us-east-1, since November 2024 (<https://aws.amazon.com/dynamodb/pricing/on-demand/>).
const WRITE_PRICE: f64 = 0.625;
const READ_PRICE: f64 = 0.125;

/// 2026-01-01T00:00:00Z: the beginning of every window.
const START: Timestamp = Timestamp::from_unix_seconds(1_767_225_600);

/// A store in virtual time, and a table of the page about it.
struct Costs {
    clock: VirtualClock,
    store: Store,
    counted: StoreUsage,
    table: String,
}

impl Costs {
    fn new() -> Self {
        let clock = VirtualClock::new(START);
        let store = Store::builder().clock(clock.clone()).ids(SequentialIds::default());
        Self::of(store.env(|_| None).memory(), clock)
    }

    fn of(store: Store, clock: VirtualClock) -> Self {
        let table = "| Operation | Calls | Write units | Read units | $ per million |\n\
                     |---|---|---|---|---|\n";
        Self { counted: store.usage().unwrap(), clock, store, table: table.to_owned() }
    }

    /// Adds a row with what the work costs.
    fn row<T>(&mut self, operation: &str, work: impl Future<Output = T>) -> T {
        self.counted = self.store.usage().unwrap();
        let output = self.clock.run(work);
        self.add(operation);
        output
    }

    /// Adds a row with what the store counted since the row before.
    fn add(&mut self, operation: &str) {
        let now = self.store.usage().unwrap();
        let spent = now.since(&self.counted).total();
        self.counted = now;
        let (writes, reads) = (spent.consumed.write_units, spent.consumed.read_units());
        let price = f64::from(u32::try_from(writes).unwrap()) * WRITE_PRICE + reads * READ_PRICE;
        let calls = spent.calls;
        writeln!(self.table, "| {operation} | {calls} | {writes} | {reads} | {price:.3} |")
            .unwrap();
    }

    /// A limiter as a process has it that has just started.
    fn limiter(&self, name: &str, limiter: LimiterBuilder) -> RateLimiter {
        RateLimiter::new(limiter.named(name).unwrap().build(), &self.store)
    }

    /// Adds a row with what a decision costs.
    fn decision(&mut self, operation: &str, limiter: &RateLimiter, allowed: bool) {
        let decision = self.row(operation, limiter.check_and_increment(attempt(limiter)));
        assert_eq!(decision.unwrap().allowed, allowed, "{operation}");
    }
}

fn attempt(limiter: &RateLimiter) -> Attempt {
    limiter.attempt(RateLimitKey::new("ann", "/orders", "POST").unwrap())
}

const MINUTE: Duration = Duration::from_secs(60);

fn limits() -> String {
    let mut costs = Costs::new();
    let bucket = || Limiter::fail_closed(TokenBucket::new(MINUTE, 2, 2).unwrap());
    let limiter = costs.limiter("bucket", bucket());
    costs.decision("`per_minute`: the first request of a key", &limiter, true);
    costs.decision("`per_minute`: allowed", &limiter, true);
    costs.decision("`per_minute`: refused", &limiter, false);
    costs.clock.advance(MINUTE / 2);
    let other = costs.limiter("bucket", bucket());
    costs.decision("`per_minute`: allowed, the first of a key in another process", &other, true);

    let fixed = || Limiter::fail_closed(FixedWindow::per_minute(1));
    let limiter = costs.limiter("fixed", fixed().deny_cache());
    costs.decision("`fixed`: allowed", &limiter, true);
    costs.decision("`fixed`: refused", &limiter, false);
    costs.decision("`fixed` with `deny_cache()`: refused again", &limiter, false);

    let sliding = SlidingWindow::new(MINUTE, MINUTE / 10, 2).unwrap();
    let limiter = costs.limiter("sliding", Limiter::fail_closed(sliding));
    costs.decision("`sliding`: the first request of a key in a process", &limiter, true);
    costs.decision("`sliding`: allowed", &limiter, true);
    costs.decision("`sliding`: refused", &limiter, false);
    costs.clock.advance(MINUTE / 10);
    costs.decision("`sliding`: refused by ended sub-windows alone", &limiter, false);

    let quota = |limit, window| Quota { limit, window };
    let quotas = [quota(1, MINUTE), quota(9, MINUTE * 60), quota(99, MINUTE * 60 * 24)];
    for (name, quotas) in [("two", &quotas[..2]), ("three", &quotas[..])] {
        let windows = MultiWindow::new(quotas.iter().copied()).unwrap();
        let limiter = costs.limiter(name, Limiter::fail_closed(windows));
        costs.decision(&format!("`windows`: {name}, allowed"), &limiter, true);
        costs.decision(&format!("`windows`: {name}, refused"), &limiter, false);
    }
    costs.table
}

fn idempotency() -> String {
    async fn pay(Json(amount): Json<i64>) -> Result<&'static str, AppError> {
        if amount > 0 { Ok("paid") } else { Err(AppError::conflict("there is no money")) }
    }
    let app = TestApp::new(|store: &Store| {
        let once = Idempotent::new("payments", store).shared_by_anonymous();
        let record = async |Json(_): Json<i64>| ();
        App::new()
            .post("/payments", pay.layer(once))
            .sqs("orders", record.layer(Idempotent::new("orders", store)))
    });
    let mut costs = Costs::of(app.store().clone(), VirtualClock::new(START));
    let send = |key: &str, amount: i64, status: u16| {
        let request = app.post("/payments").header("idempotency-key", key).json(&amount);
        request.send().assert_status(status);
    };
    send("k1", 7, 200);
    costs.add("a request: the work is done, and its answer kept");
    send("k1", 7, 200);
    costs.add("the same request again: the kept answer");
    send("k2", 0, 409);
    costs.add("a request whose handler fails: the lease is given back");
    app.sqs("orders", ["7"]).assert_ok();
    costs.add("a record: it is handled");
    app.sqs("orders", ["7"]).assert_ok();
    costs.add("the same record again");
    costs.table
}

fn event_bus() -> String {
    let mut costs = Costs::new();
    let bus = EventBus::on(&costs.store);
    // A little less than a kilobyte, stored.
    let event = |n: u32| {
        let event = Event::new("shop", "order.created").id(format!("event-{n:03}"));
        event
            .published_at(START.saturating_add(Duration::from_secs(n.into())))
            .payload(&"x".repeat(600))
    };
    let published = costs.row("publish", bus.publish(event(0))).unwrap();
    costs.row("publish the same event again", bus.publish(event(0))).unwrap();
    for n in 1..100 {
        costs.clock.run(bus.publish(event(n))).unwrap();
    }
    let page = costs.row("a page of 100, of a tenant", bus.query("shop").page()).unwrap();
    assert_eq!(page.events.len(), 100);
    let of_type = bus.query("shop").of_type("order.created").limit(20);
    let page = costs.row("a page of 20, of a type", of_type.page()).unwrap();
    assert_eq!(page.events.len(), 20);
    costs.row("get by id", bus.get("event-001", Some("shop"))).unwrap();
    costs.row("get by key", bus.get_by_key(published.event.key.unwrap())).unwrap();
    costs.row("delete by id", bus.delete("event-001", Some("shop"))).unwrap();
    assert_eq!(costs.row("delete a tenant of 99 events", bus.delete_tenant("shop")), Ok(99));
    costs.table
}

fn connections() -> String {
    let mut costs = Costs::new();
    let connections = Connections::on(&costs.store);
    costs.row("`$connect`: join a room", connections.register("c000=", "room")).unwrap();
    costs.row("a message: stay in the room", connections.touch("c000=")).unwrap();
    for n in 1..100 {
        costs.clock.run(connections.register(&format!("c{n:03}="), "room")).unwrap();
    }
    let hundred = NonZeroU32::new(100).unwrap();
    let listed =
        costs.row("list a room of 100, to send to it", connections.list("room", hundred, None));
    assert_eq!(listed.unwrap().connections.len(), 100);
    costs.row("`$disconnect`: leave the room", connections.remove("c000=")).unwrap();
    costs.table
}

#[test]
fn the_page_says_what_the_store_counts() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(PAGE);
    let there = fs::read_to_string(&path).unwrap();
    let mut now = there.clone();
    for (name, table) in [
        ("limits", limits()),
        ("idempotency", idempotency()),
        ("event bus", event_bus()),
        ("connections", connections()),
    ] {
        let (begin, end) = (format!("<!-- costs: {name} -->\n\n"), "\n<!-- end of costs -->");
        let (before, rest) = now.split_once(&begin).unwrap_or_else(|| panic!("no {begin}"));
        let (_, after) = rest.split_once(end).unwrap();
        now = format!("{before}{begin}{table}{end}{after}");
    }
    for price in [WRITE_PRICE, READ_PRICE] {
        assert!(there.contains(&format!("${price}")), "{price}");
    }
    if std::env::var_os("UPDATE_SNAPSHOTS").is_some_and(|value| value == "1") {
        fs::write(&path, now).unwrap();
        return;
    }
    let differs = there.lines().zip(now.lines()).find(|(there, now)| there != now);
    assert!(
        there == now,
        "{PAGE} is not what the store counts, at {differs:?}: write it with\n\
         UPDATE_SNAPSHOTS=1 cargo test --workspace --all-features --test costs"
    );
}
