//! Publishing, deleting and storing, also with faults of the store.

use apptheory::eventbus::{BusConfig, Event, EventQuery, PublishOutcome};
use apptheory::execute::drive;
use apptheory::layer::{FaultPlan, Faulty};
use apptheory::machine::run;
use apptheory::store;
use apptheory::store::MemoryStore;
use apptheory::store::memory::Memory;
use apptheory::time::Timestamp;
use apptheory_proptests::cases;
use proptest::prelude::*;

use super::model::{any_event, bus, event, events, names, now};

/// The fault of a call, if any.
#[derive(Clone, Copy, Debug)]
struct Trouble {
    error: store::Error,
    applied: bool,
}

fn troubles() -> impl Strategy<Value = Vec<Option<Trouble>>> {
    let error = prop::sample::select(vec![
        (store::Error::Throttled, false),
        (store::Error::Conflict, false),
        (store::Error::Unavailable, false),
        (store::Error::Unavailable, true),
        (store::Error::Timeout, false),
        (store::Error::Timeout, true),
    ]);
    let trouble = error.prop_map(|(error, applied)| Trouble { error, applied });
    prop::collection::vec(prop::option::weighted(0.7, trouble), 0..12)
}

fn plan(troubles: &[Option<Trouble>]) -> FaultPlan {
    troubles.iter().zip(1..).fold(FaultPlan::default(), |plan, (trouble, call)| match trouble {
        None => plan,
        Some(Trouble { error, applied: true }) => plan.lose_reply(call, *error),
        Some(Trouble { error, applied: false }) => plan.fail(call, *error),
    })
}

proptest! {
    #![proptest_config(cases(256))]

    #[test]
    fn an_event_is_published_once(
        bus in bus(),
        event in event(),
        troubles in troubles(),
        seed in any::<u128>(),
    ) {
        let memory = MemoryStore::default().with_table(bus.table());
        let store = Faulty::new(memory.clone(), plan(&troubles));
        block_on(async {
            let mut tries = 0;
            let published = loop {
                tries += 1;
                match drive(bus.publish(event.clone(), now(), seed).unwrap(), &store).await.result {
                    Ok(published) => break published,
                    Err(_) => prop_assert!(tries <= troubles.len(), "the troubles are over"),
                }
            };
            prop_assert_eq!(memory.items(bus.table_name()).len(), 1);
            let writes = memory.usage().operation("PutItem").calls;
            prop_assert_eq!(published.outcome == PublishOutcome::Created, writes == 1);
            Ok(())
        })?;
    }

    #[test]
    fn what_is_published_is_found(bus in bus(), event in any_event(), seed in any::<u128>()) {
        let mut memory = Memory::default().with_table(bus.table());
        let published = run(bus.publish(event, now(), seed).unwrap(), &mut memory).result.unwrap().event;
        let by_key = bus.get_by_key(published.key.clone().unwrap()).unwrap();
        let by_key = run(by_key, &mut memory).unwrap();
        let by_id = bus.get(&published.id, Some(&published.tenant_id)).unwrap();
        let by_id = run(by_id, &mut memory);
        prop_assert_eq!(by_id.as_ref(), Ok(&by_key));
        // A set of tags has no order.
        let sorted = |mut event: Event| {
            event.tags.sort();
            event
        };
        prop_assert_eq!(sorted(by_key.clone()), sorted(published));
        // The JSON form leaves only the TTL out.
        let read = Event::from_json(&by_key.to_json().unwrap(), now()).unwrap();
        prop_assert_eq!(Event { ttl: by_key.ttl, ..read }, by_key);
    }

    #[test]
    fn a_tenant_is_forgotten_and_no_other(
        bus in bus(),
        events in events(25),
        troubles in troubles(),
    ) {
        let memory = MemoryStore::default().with_table(bus.table());
        for event in &events {
            block_on(drive(bus.publish(event.clone(), now(), 7).unwrap(), &memory)).result.unwrap();
        }
        let store = Faulty::new(memory.clone(), plan(&troubles));
        block_on(async {
            for _ in 0..100 {
                let machine = bus.delete_tenant("t1", now(), 7).unwrap();
                if drive(machine, &store).await.is_ok() {
                    break;
                }
            }
        });
        let left = |tenant: &str| all_of(&bus, &memory, tenant);
        let kept: Vec<Event> =
            events.iter().filter(|event| event.tenant_id == "t2").cloned().collect();
        prop_assert!(left("t1").is_empty());
        prop_assert_eq!(left("t2").len(), kept.len());
        prop_assert_eq!(memory.items(bus.table_name()).len(), kept.len());
    }

    #[test]
    fn deleting_every_copy_leaves_the_others(bus in bus(), events in events(25), id in "[a-c]#?") {
        let mut memory = Memory::default().with_table(bus.table());
        for event in &events {
            run(bus.publish(event.clone(), now(), 7).unwrap(), &mut memory).result.unwrap();
        }
        let copies: Vec<&Event> = events.iter().filter(|event| event.id == id).collect();
        let newest: Option<Timestamp> = copies.iter().filter_map(|event| event.published_at).max();
        let found = run(bus.get(&id, None).unwrap(), &mut memory).ok();
        prop_assert_eq!(found.and_then(|event| event.published_at), newest);
        let deleted = run(bus.delete_all(&id, None).unwrap(), &mut memory).result;
        prop_assert_eq!(deleted.map_or(0, |deleted| deleted.copies), copies.len() as u64);
        prop_assert_eq!(memory.items(bus.table_name()).len(), events.len() - copies.len());
    }
}

fn all_of(bus: &BusConfig, memory: &MemoryStore, tenant: &str) -> Vec<String> {
    let query = EventQuery::new(tenant).limit(1000);
    names(&block_on(drive(bus.query(&query).unwrap(), memory)).result.unwrap().events)
}

fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(work)
}
