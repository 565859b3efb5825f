//! What a decision costs in time, peers side by side.
//!
//! * `decision`: each strategy on the in-memory executor, beside `governor`, whose keyed limiter
//!   does the arithmetic of a token bucket in process memory and stores nothing.
//! * `denied`: a refusal from the deny cache, beside one that asks the in-memory store.
//! * `embedded`: a decision on the embedded DynamoDB, beside the same conditional update sent to it
//!   directly.
//!
//! Run with `cargo bench -p apptheory-bench --bench limiter`. Compare ratios within a run.

#![expect(clippy::expect_used, reason = "a benchmark that cannot be set up has to stop")]

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
use apptheory_core::machine::{Machine, Step};
use apptheory_core::run::run;
use apptheory_core::store::StoreRequest;
use apptheory_core::store::memory::Memory;
use apptheory_core::store::wire::Wire;
use apptheory_core::time::Timestamp;
use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use dynoxide::actions::update_item::UpdateItemRequest;
use governor::{Quota as GovernorQuota, RateLimiter as Governor};

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3_600);

fn strategies() -> Vec<(&'static str, Strategy)> {
    let windows = [(MINUTE, i64::MAX), (HOUR, i64::MAX)];
    let multi = || MultiWindow::new(windows.map(|(window, limit)| Quota { limit, window }));
    let second = Duration::from_secs(1);
    vec![
        ("fixed", FixedWindow::new(MINUTE, i64::MAX).expect("valid").into()),
        ("sliding, warm", SlidingWindow::new(MINUTE, second, i64::MAX).expect("valid").into()),
        ("multi", multi().expect("valid").into()),
        ("packed", multi().and_then(|m| m.with_layout(Layout::Packed)).expect("valid").into()),
        ("token bucket", TokenBucket::new(MINUTE, 60_000_000_000, u32::MAX).expect("valid").into()),
    ]
}

fn key() -> RateLimitKey {
    RateLimitKey::new("tenant-7", "/orders", "POST").expect("valid")
}

fn now() -> Timestamp {
    Timestamp::from_unix_seconds(1_767_225_630)
}

/// Tables in memory, now.
fn memory() -> Memory {
    let mut memory = Memory::default();
    memory.set_time(now());
    memory
}

fn decision(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("decision");
    for (name, strategy) in strategies() {
        let limiter = Limiter::fail_closed(strategy).build();
        let mut store = memory().with_table(limiter.table());
        let mut recall = Recall::default();
        let mut id = 0_u128;
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                id += 1;
                let attempt = Attempt::new(key(), now()).with_id(DecisionId(id));
                let concluded = run(limiter.check_and_increment(attempt, &recall), &mut store);
                recall.learn(concluded.learned);
                black_box(concluded.decision)
            });
        });
    }
    let governor = Governor::keyed(GovernorQuota::per_second(NonZeroU32::MAX));
    group.bench_function("governor, keyed", |bencher| {
        bencher.iter(|| black_box(governor.check_key(&black_box("tenant-7#/orders#POST")).is_ok()));
    });
    group.finish();
}

fn denied(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("denied");
    for (name, cached) in [("deny cache", true), ("store", false)] {
        let builder = Limiter::fail_closed(FixedWindow::new(MINUTE, 1).expect("valid"));
        let limiter = if cached { builder.deny_cache().build() } else { builder.build() };
        let mut store = memory().with_table(limiter.table());
        let mut recall = Recall::default();
        for _ in 0..2 {
            let machine = limiter.check_and_increment(Attempt::new(key(), now()), &recall);
            recall.learn(run(machine, &mut store).learned);
        }
        let key = key();
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                let attempt = Attempt::new(key.clone(), now());
                let concluded = run(limiter.check_and_increment(attempt, &recall), &mut store);
                black_box(concluded.decision)
            });
        });
    }
    let governor = Governor::keyed(GovernorQuota::per_hour(NonZeroU32::MIN));
    let _ = governor.check_key(&"tenant-7#/orders#POST");
    group.bench_function("governor, keyed", |bencher| {
        bencher
            .iter(|| black_box(governor.check_key(&black_box("tenant-7#/orders#POST")).is_err()));
    });
    group.finish();
}

fn embedded(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("embedded");
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let strategy = FixedWindow::new(MINUTE, i64::MAX).expect("valid");
    let limiter = Limiter::fail_closed(strategy).build();
    let store = EmbeddedStore::in_memory(SystemClock).expect("a store");
    store.create_table(&limiter.table()).expect("a table");

    group.bench_function("decision", |bencher| {
        bencher.iter(|| {
            let attempt = Attempt::new(key(), now());
            let machine = limiter.check_and_increment(attempt, &Recall::with_capacity(0));
            black_box(runtime.block_on(drive(machine, &store)))
        });
    });
    let database = store.database();
    group.bench_function("the same update, sent directly", |bencher| {
        bencher.iter_batched(
            || same_update(&limiter),
            |request| black_box(database.update_item(request).expect("an answer")),
            BatchSize::SmallInput,
        );
    });
    group.finish();
}

/// The update that the limiter sends, as a request of the embedded database's own.
fn same_update(limiter: &Limiter) -> UpdateItemRequest {
    let machine =
        limiter.check_and_increment(Attempt::new(key(), now()), &Recall::with_capacity(0));
    let Step::Ask(StoreRequest::UpdateItem(ask)) = machine.start() else {
        unreachable!("a fixed window starts with its update")
    };
    serde_json::from_value(ask.effect().to_body()).expect("a request")
}

criterion_group!(benches, decision, denied, embedded);
criterion_main!(benches);
