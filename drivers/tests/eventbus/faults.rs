//! The effects of faults and deadlines on the bus.

use core::sync::atomic::{AtomicU64, Ordering};
use core::time::Duration;
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use apptheory::clock::Clock as _;
use apptheory::layer::{Counted, FaultPlan, Faulty};
use apptheory_core::error::Happened;
use apptheory_core::eventbus::{ErrorKind, Event, EventQuery, PublishOutcome};
use apptheory_core::store::{self, Item, Misconfiguration, Value};
use futures_util::{StreamExt, TryStreamExt};

use crate::support::{NOW, block_on};
use crate::{bus_over, clock, config, embedded, event, ids, memory, publish_numbers};

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Mishap {
    None,
    Throttled,
    Unavailable,
    /// The write happens, its reply is lost.
    Lost,
}

const MISHAPS: [Mishap; 4] = [Mishap::None, Mishap::Throttled, Mishap::Unavailable, Mishap::Lost];

/// Returns every combination of results of a publish's four attempts.
fn all_mishaps() -> impl Iterator<Item = [Mishap; 4]> {
    let every = (0..256_usize).map(|n| [n / 64, n / 16 % 4, n / 4 % 4, n % 4]);
    every.map(|digits| digits.map(|digit| MISHAPS[digit]))
}

fn plan(mishaps: [Mishap; 4]) -> FaultPlan {
    (1..).zip(mishaps).fold(FaultPlan::default(), |plan, (call, mishap)| match mishap {
        Mishap::None => plan,
        Mishap::Throttled => plan.fail(call, store::Error::Throttled),
        Mishap::Unavailable => plan.fail(call, store::Error::Unavailable),
        Mishap::Lost => plan.lose_reply(call, store::Error::Timeout),
    })
}

#[test]
fn publishing_under_faults_leaves_exactly_one_event() {
    for mishaps in all_mishaps() {
        let clock = clock();
        let store = memory(&clock);
        let bus = bus_over(config(), Faulty::new(store.clone(), plan(mishaps)), &clock);
        let result = block_on(bus.publish(event(1)));

        let answered = mishaps.iter().position(|mishap| *mishap == Mishap::None);
        let was_written =
            mishaps.iter().take(answered.unwrap_or(4)).any(|mishap| *mishap == Mishap::Lost);
        let items = store.items(config().table_name()).len();
        match (answered, result) {
            (Some(_), Ok(published)) => {
                let outcome = if was_written {
                    PublishOutcome::Deduplicated
                } else {
                    PublishOutcome::Created
                };
                assert_eq!((published.outcome, items), (outcome, 1), "{mishaps:?}");
            }
            (None, Err(error)) => {
                assert!(error.to_string().contains("after 4 attempts"), "{mishaps:?}: {error}");
                assert_eq!(items, usize::from(was_written), "{mishaps:?}");
                let in_doubt = mishaps.iter().any(|mishap| *mishap != Mishap::Throttled);
                let happened = if in_doubt { Happened::Unknown } else { Happened::No };
                assert_eq!(error.happened(), happened, "{mishaps:?}");
                // Publishing it again detects the first copy, and keeps one.
                assert!(block_on(bus.publish(event(1))).is_ok());
                assert_eq!(store.items(config().table_name()).len(), 1);
            }
            (answered, result) => panic!("{mishaps:?}: {answered:?} {result:?}"),
        }
    }
}

#[test]
fn a_lost_reply_of_a_real_store_is_a_duplicate_too() {
    let clock = clock();
    let plan = FaultPlan::default().lose_reply(1, store::Error::Timeout);
    let bus = bus_over(config(), Faulty::new(embedded(&clock), plan), &clock);
    block_on(async {
        let published = bus.publish(event(1)).await.unwrap();
        assert_eq!(published.outcome, PublishOutcome::Deduplicated);
        let all: Vec<Event> = bus.query("t1").events().try_collect().await.unwrap();
        assert_eq!(ids(&all), ["e00001"]);
    });
}

#[test]
fn retries_fit_the_deadline() {
    let throttled =
        || (1..=100).fold(FaultPlan::default(), |plan, n| plan.fail(n, store::Error::Throttled));
    for budget in [0, 1, 50, 100, 200, 5_000].map(Duration::from_millis) {
        for seed in 0..20 {
            let clock = clock();
            let store = Arc::new(Counted::new(Faulty::new(memory(&clock), throttled())));
            let bus = bus_over(config(), Arc::clone(&store), &clock).with_budget(budget);
            let result = block_on(bus.publish(event(seed)));
            let error = result.unwrap_err();
            let attempts = (1..=4_u32).find(|n| error.to_string().contains(&format!("after {n} ")));
            let attempts = attempts.unwrap();
            assert!(clock.now() <= NOW.saturating_add(budget), "{budget:?}");
            assert_eq!(store.calls(), if budget.is_zero() { 0 } else { attempts.into() });
            if budget == Duration::from_secs(5) {
                assert_eq!(attempts, 4, "all retries fit the default budget");
            }
        }
    }
}

#[test]
fn nothing_outlives_the_invocation() {
    let clock = clock();
    let store = Arc::new(Counted::new(memory(&clock)));
    let bus = bus_over(config(), Arc::clone(&store), &clock);
    block_on(async {
        let invocation = bus.until(NOW.saturating_add(Duration::from_secs(1)));
        publish_numbers(&invocation, 0..3).await;
        let before = store.calls();
        clock.advance(Duration::from_secs(1));
        assert!(invocation.publish(event(9)).await.is_err());
        assert!(invocation.query("t1").page().await.is_err());
        assert!(invocation.get("e00001", None).await.is_err());
        assert!(invocation.delete("e00001", None).await.is_err());
        let interrupted = invocation.delete_tenant("t1").await.unwrap_err();
        assert_eq!(interrupted.deleted(), 0);
        assert_eq!(store.calls(), before, "no call is made when the time is up");
        assert!(bus.publish(event(9)).await.is_ok(), "the bus itself goes on");
    });
}

#[test]
fn a_failed_page_can_be_taken_up_again() {
    let clock = clock();
    let store = memory(&clock);
    let filled = bus_over(config(), store.clone(), &clock);
    let plan = FaultPlan::default().fail(3, store::Error::Unavailable);
    let bus = bus_over(config(), Faulty::new(store.clone(), plan), &clock);
    let query = EventQuery::new("t1").limit(10);
    block_on(async {
        publish_numbers(&filled, 0..45).await;
        let results: Vec<_> = bus.query(query.clone()).events().collect().await;
        let (events, errors): (Vec<_>, Vec<_>) = results.into_iter().partition(Result::is_ok);
        let mut events: Vec<Event> = events.into_iter().map(Result::unwrap).collect();
        assert_eq!((events.len(), errors.len()), (20, 1));

        let interrupted = errors.into_iter().next().unwrap().unwrap_err();
        assert!(interrupted.is_retryable());
        let rest = query.after(interrupted.cursor().unwrap());
        events.extend(bus.query(rest).events().try_collect::<Vec<Event>>().await.unwrap());
        let newest_first: Vec<String> = (0..45).rev().map(|n| event(n).id).collect();
        assert_eq!(ids(&events), newest_first);
    });
}

#[test]
fn an_interrupted_erasure_goes_on() {
    let clock = clock();
    let store = memory(&clock);
    let denied = store::Error::Misconfigured(Misconfiguration::AccessDenied);
    let plan = FaultPlan::default().fail(2, store::Error::Throttled).fail(150, denied);
    let bus = bus_over(config(), Faulty::new(store.clone(), plan), &clock);
    block_on(async {
        publish_numbers(&bus_over(config(), store.clone(), &clock), 0..230).await;
        let interrupted = bus.delete_tenant("t1").await.unwrap_err();
        assert_eq!(interrupted.kind(), ErrorKind::Store);
        // Of the 149 calls before, two were reads and one was throttled.
        assert_eq!(interrupted.deleted(), 146);
        assert_eq!(bus.delete_tenant("t1").await, Ok(230 - 146));
        assert!(store.items(config().table_name()).is_empty());
    });
}

#[test]
fn unreadable_items_are_reported_and_hide_no_events() {
    let clock = clock();
    let store = memory(&clock);
    let bus = bus_over(config(), store.clone(), &clock);
    block_on(async {
        publish_numbers(&bus, 0..5).await;
        let foreign = bus.publish(event(7)).await.unwrap().event;
        let foreign: Item = config().codec().encode(&foreign).with("Payload", Value::from("text"));
        store.seed(config().table_name(), [foreign]).unwrap();

        let results: Vec<_> = bus.query("t1").limit(2).events().collect().await;
        let read: BTreeSet<String> = results.iter().flatten().map(|e| e.id.clone()).collect();
        assert_eq!(read, (0..5).map(|n| event(n).id).collect());
        let told: Vec<_> = results.iter().filter_map(|result| result.as_ref().err()).collect();
        assert_eq!(told.len(), 1);
        assert_eq!(told[0].unreadable_item().unwrap().attribute, "Payload");
    });
}

#[test]
fn operations_emit_metrics_and_a_panicking_hook_is_contained() {
    let clock = clock();
    let told = Arc::new(Mutex::new(Vec::new()));
    let names = Arc::clone(&told);
    let bus = bus_over(config(), memory(&clock), &clock)
        .with_metrics(move |record| names.lock().unwrap().push((record.name, record.tags)));
    let panicking =
        bus_over(config(), memory(&clock), &clock).with_metrics(|_| panic!("a broken hook"));
    block_on(async {
        bus.publish(event(1)).await.unwrap();
        bus.publish(event(1)).await.unwrap();
        bus.query("t1").page().await.unwrap();
        bus.query("t1").after("!!").page().await.unwrap_err();
        bus.get("e00001", None).await.unwrap();
        bus.delete("e00001", None).await.unwrap();
        assert_eq!(panicking.publish(event(1)).await.unwrap().outcome, PublishOutcome::Created);
    });
    let told = told.lock().unwrap();
    let names: Vec<&str> = told.iter().map(|(name, _)| *name).collect();
    let expected =
        ["PublishSuccess", "PublishDeduped", "QuerySuccess", "QueryError", "DeleteSuccess"];
    assert_eq!(names, expected);
    assert!(told.iter().all(|(_, tags)| tags["table_name"] == "events"));
}

#[test]
fn events_are_taken_only_as_there_is_room_for_them() {
    let clock = clock();
    let bus = bus_over(config(), memory(&clock), &clock);
    let taken = AtomicU64::new(0);
    let endless = (0..).inspect(|_| {
        taken.fetch_add(1, Ordering::Relaxed);
    });
    block_on(async {
        let first: Vec<_> = bus.publish_all(endless.map(event)).take(10).collect().await;
        assert!(first.iter().all(Result::is_ok));
    });
    let taken = taken.load(Ordering::Relaxed);
    assert!((10..=10 + 25).contains(&taken), "{taken} events were taken for 10 results");
}
