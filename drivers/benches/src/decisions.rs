//! Decisions of the limiter, in memory and on the embedded DynamoDB.

use core::hint::black_box;
use core::num::NonZeroU32;
use core::time::Duration;

use apptheory::clock::SystemClock;
use apptheory::execute::drive;
use apptheory::store::EmbeddedStore;
use apptheory_core::limiter::{
    Attempt, DecisionId, FixedWindow, Layout, Limiter, MultiWindow, Quota, RateLimitKey, Recall,
    SlidingWindow, Strategy, TokenBucket,
};
use apptheory_core::machine::{Machine as _, Step};
use apptheory_core::run::run as run_machine;
use apptheory_core::store::memory::Memory;
use apptheory_core::time::Timestamp;
use dynoxide::actions::update_item::UpdateItemRequest;
use governor::{Quota as GovernorQuota, RateLimiter as Governor};

use crate::measure::{Contender, Effort};
use crate::table::{Group, Row, alone, beside};

pub(crate) const GROUP: Group = Group {
    name: "decisions",
    title: "Decisions of the limiter",
    how: "One decision, its key made of three texts, through the whole machine. `governor` keeps arithmetic in \
          process memory and has no store: it is the yardstick for what a decision costs beside it. In \
          memory every counter is an item of a table, written by the conditional update that DynamoDB gets. \
          The embedded DynamoDB is asked for the same update directly.",
    run,
};

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3_600);

fn run(effort: Effort) -> Vec<Row> {
    let mut rows = counted(effort);
    rows.extend(refused(effort));
    rows.extend(embedded(effort));
    rows
}

fn strategies() -> Vec<(&'static str, Strategy)> {
    let windows = [(MINUTE, i64::MAX), (HOUR, i64::MAX)];
    let multi = || MultiWindow::new(windows.map(|(window, limit)| Quota { limit, window }));
    let second = Duration::from_secs(1);
    vec![
        ("fixed window", FixedWindow::new(MINUTE, i64::MAX).expect("valid").into()),
        ("token bucket", TokenBucket::new(MINUTE, 60_000_000_000, u32::MAX).expect("valid").into()),
        (
            "sliding window, warm",
            SlidingWindow::new(MINUTE, second, i64::MAX).expect("valid").into(),
        ),
        ("two windows", multi().expect("valid").into()),
        (
            "two windows, packed",
            multi().and_then(|multi| multi.with_layout(Layout::Packed)).expect("valid").into(),
        ),
    ]
}

fn key() -> RateLimitKey {
    RateLimitKey::new(black_box("tenant-7"), "/orders", "POST").expect("valid")
}

fn now() -> Timestamp {
    Timestamp::from_unix_seconds(1_767_225_630)
}

/// Creates the limiter's table in memory.
fn memory(limiter: &Limiter) -> Memory {
    let mut memory = Memory::default();
    memory.set_time(now());
    memory.with_table(limiter.table())
}

fn counted(effort: Effort) -> Vec<Row> {
    let rows = strategies().into_iter().flat_map(|(name, strategy)| {
        let limiter = Limiter::fail_closed(strategy).build();
        let mut store = memory(&limiter);
        let mut recall = Recall::default();
        let mut id = 0_u128;
        let governor = Governor::keyed(GovernorQuota::per_second(NonZeroU32::MAX));
        beside(
            effort,
            format!("{name}, store in memory"),
            Contender::new("apptheory", || {
                id += 1;
                let attempt = Attempt::new(key(), now()).with_id(DecisionId(id));
                let machine = limiter.check_and_increment(attempt, &recall);
                let concluded = run_machine(machine, &mut store);
                recall.learn(concluded.learned);
                concluded.decision
            }),
            [Contender::new("governor, keyed", || {
                governor.check_key(&black_box("tenant-7#/orders#POST")).is_ok()
            })],
        )
    });
    rows.collect()
}

fn refused(effort: Effort) -> Vec<Row> {
    let governor = Governor::keyed(GovernorQuota::per_hour(NonZeroU32::MIN));
    let _ = governor.check_key(&"tenant-7#/orders#POST");
    let rows = [("the deny cache", true), ("the store in memory", false)].map(|(name, cached)| {
        let builder = Limiter::fail_closed(FixedWindow::new(MINUTE, 1).expect("valid"));
        let limiter = if cached { builder.deny_cache().build() } else { builder.build() };
        let mut store = memory(&limiter);
        let mut recall = Recall::default();
        for _ in 0..2 {
            let machine = limiter.check_and_increment(Attempt::new(key(), now()), &recall);
            recall.learn(run_machine(machine, &mut store).learned);
        }
        let key = key();
        beside(
            effort,
            format!("refused by {name}, its key at hand"),
            Contender::new("apptheory", || {
                let attempt = Attempt::new(key.clone(), now());
                run_machine(limiter.check_and_increment(attempt, &recall), &mut store).decision
            }),
            [Contender::new("governor, keyed", || {
                governor.check_key(&black_box("tenant-7#/orders#POST")).is_err()
            })],
        )
    });
    rows.concat()
}

fn embedded(effort: Effort) -> Vec<Row> {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let strategy = FixedWindow::new(MINUTE, i64::MAX).expect("valid");
    let limiter = Limiter::fail_closed(strategy).build();
    let store = EmbeddedStore::in_memory(SystemClock).expect("a store");
    store.create_table(&limiter.table()).expect("a table");
    let database = store.database();
    let mut rows = beside(
        effort,
        "fixed window, embedded DynamoDB",
        Contender::new("apptheory", || {
            let attempt = Attempt::new(key(), now());
            let machine = limiter.check_and_increment(attempt, &Recall::with_capacity(0));
            runtime.block_on(drive(machine, &store))
        }),
        [Contender::using(
            "the same update, sent directly",
            || same_update(&limiter),
            |request| database.update_item(request).expect("an answer"),
        )],
    );
    rows.extend(alone(effort, "making a key", Contender::new("apptheory", key)));
    rows
}

/// Returns the update that the limiter sends, as a request of the embedded database.
fn same_update(limiter: &Limiter) -> UpdateItemRequest {
    let attempt = Attempt::new(key(), now());
    let machine = limiter.check_and_increment(attempt, &Recall::with_capacity(0));
    let Step::Ask(ask) = machine.start() else {
        unreachable!("a fixed window starts with its update")
    };
    serde_json::from_slice(&ask.body()).expect("a request")
}
