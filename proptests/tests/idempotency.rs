//! Work runs one at a time and is done once, whatever fails in between; connections are found page
//! by page until they expire.

use std::collections::BTreeSet;
use std::num::NonZeroU32;
use std::time::Duration;

use apptheory::idempotency::{
    Acquisition, AttributeStyle, Completion, ErrorKind, IdempotencyConfig, IdempotencyKey, Lease,
    Owner, Released,
};
use apptheory::layer::Fault;
use apptheory::machine::{Machine, Step, run};
use apptheory::registry::RegistryConfig;
use apptheory::store::{self, StoreRequest};
use apptheory::testkit::World;
use apptheory::time::Timestamp;
use apptheory_proptests::cases;
use apptheory_proptests::world::seconds;
use proptest::prelude::*;
use proptest::sample::select;

#[derive(Clone, Copy, Debug)]
enum Act {
    /// Requests a lease of some seconds for the work, with one of two payloads.
    Acquire(bool, u64),
    /// Completes one of the leases.
    Complete(usize),
    Release(usize),
    /// Lets seconds pass.
    Wait(i64),
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        4 => (any::<bool>(), 1..6_u64).prop_map(|(same, lease)| Act::Acquire(same, lease)),
        2 => (0..4_usize).prop_map(Act::Complete),
        1 => (0..4_usize).prop_map(Act::Release),
        2 => (1..8_i64).prop_map(Act::Wait),
        1 => Just(Act::Wait(TTL)),
    ]
}

fn fault() -> impl Strategy<Value = Option<Fault>> {
    prop_oneof![4 => Just(None), 1 => select(Fault::ALL.to_vec()).prop_map(Some)]
}

/// How long results are kept, in seconds.
const TTL: i64 = 20;

/// Runs a machine whose first call has a fault.
fn with<M: Machine<Request = StoreRequest<M>>>(
    world: &mut World,
    mut fault: Option<Fault>,
    machine: M,
) -> M::Output {
    let mut step = machine.start();
    loop {
        step = match step {
            Step::Ask(request) => world.step(request, fault.take()),
            Step::Done(output) => return output,
        };
    }
}

proptest! {
    #![proptest_config(cases(512))]

    #[test]
    fn one_at_a_time_begins_and_one_result_stands(
        acts in prop::collection::vec((act(), fault()), 0..24),
        style in select(vec![AttributeStyle::Pascal, AttributeStyle::TableTheory]),
    ) {
        let ttl = Duration::from_secs(TTL.unsigned_abs());
        let idempotency = IdempotencyConfig::builder().attribute_style(style).ttl(ttl).build();
        let mut store = World::default().with_table(idempotency.table());
        let key = IdempotencyKey::new("scope", "key").unwrap();
        let mut now = seconds(0);
        // The leases, and when they end.
        let mut leases: Vec<(Lease, Timestamp)> = Vec::new();
        // The results, and until when they are kept.
        let mut done: Option<(Vec<u8>, Timestamp)> = None;
        let mut results = 0_u8;
        let mut owner = 0;
        for (act, fault) in acts {
            let lease = |leases: &mut Vec<(Lease, Timestamp)>, nth: usize| {
                (!leases.is_empty()).then(|| leases.remove(nth % leases.len()))
            };
            match act {
                Act::Wait(by) => now = now.saturating_add(Duration::from_secs(by.unsigned_abs())),
                Act::Acquire(same, lease) => {
                    let lasts = Duration::from_secs(lease);
                    let hash = if same { "a" } else { "b" };
                    owner += 1;
                    let owner = Owner::new(owner);
                    let acquire = idempotency.acquire(key.clone(), hash, owner, now, Some(lasts));
                    let standing = done.as_ref().filter(|(_, until)| now < *until);
                    let others = leases.iter().filter(|(_, ends)| *ends > now).count();
                    match with(&mut store, fault, acquire) {
                        Ok(Acquisition::Acquired(lease)) => {
                            prop_assert!(standing.is_none(), "it was done");
                            prop_assert_eq!(others, 0, "somebody is at it");
                            leases.push((lease, now.saturating_add(lasts)));
                        }
                        Ok(Acquisition::Completed { result }) => {
                            prop_assert_eq!(result.as_ref(), standing.map(|(result, _)| result));
                        }
                        Err(error) if error.kind() == ErrorKind::InProgress => {
                            prop_assert!(standing.is_none());
                            prop_assert!(others > 0, "nobody knows that it is at it");
                        }
                        Err(error) if error.kind() == ErrorKind::PayloadDiffers => {
                            prop_assert!(standing.is_some() || others > 0);
                        }
                        Err(_) => {
                            let unwritten = |fault: Fault| !fault.error.may_have_written();
                            prop_assert!(fault.is_some_and(unwritten), "it can be asked again");
                        }
                    }
                }
                Act::Complete(nth) => {
                    let Some((lease, ends)) = lease(&mut leases, nth) else { continue };
                    results += 1;
                    let complete = idempotency.complete(lease, vec![results], now);
                    match with(&mut store, fault, complete) {
                        Ok(Completion::Stored) => {
                            done = Some((vec![results], now.saturating_add(ttl)));
                        }
                        Ok(Completion::LeaseLost) => prop_assert!(ends <= now),
                        Ok(Completion::WithoutResult) => prop_assert!(false, "it is one byte"),
                        // It is unknown whether the work was done, so nothing can be checked from
                        // here on.
                        Err(_) => return Ok(()),
                    }
                }
                Act::Release(nth) => {
                    let Some((lease, ends)) = lease(&mut leases, nth) else { continue };
                    match with(&mut store, fault, idempotency.release(lease)) {
                        Ok(Released::Released) => {}
                        Ok(Released::LeaseLost) => prop_assert!(ends <= now),
                        Err(_) => return Ok(()),
                    }
                }
            }
        }
    }

    #[test]
    fn a_topic_is_listed_whole_page_by_page(
        connections in prop::collection::btree_map("[a-e]{1,2}", (0..2_u8, 0..3_i64), 0..10),
        removed in prop::collection::btree_set("[a-e]{1,2}", 0..4),
        limit in 1..4_u32,
        ten_minutes in 0..30_i64,
    ) {
        let registry = RegistryConfig::builder().build();
        let mut store = World::default().with_table(registry.table());
        for (id, (topic, hour)) in &connections {
            let register = registry.register(id, &topic.to_string(), seconds(hour * 3_600)).unwrap();
            prop_assert_eq!(run(register, &mut store), Ok(()));
        }
        for id in &removed {
            prop_assert_eq!(run(registry.remove(id).unwrap(), &mut store), Ok(()));
        }
        let now = seconds(ten_minutes * 600);
        let (mut found, mut cursor) = (Vec::new(), None::<String>);
        loop {
            let limit = NonZeroU32::new(limit).unwrap();
            let list = registry.list("0", limit, cursor.as_deref(), now).unwrap();
            let page = run(list, &mut store).unwrap();
            prop_assert!(page.connections.len() <= limit.get() as usize);
            found.extend(page.connections.into_iter().map(|connection| connection.connection_id));
            cursor = page.next;
            if cursor.is_none() {
                break;
            }
        }
        // Two hours and ten minutes.
        let lives = |hour: i64| now < seconds(hour * 3_600 + 7_800);
        let expected: BTreeSet<_> = connections
            .iter()
            .filter(|(id, (topic, hour))| *topic == 0 && lives(*hour) && !removed.contains(*id))
            .map(|(id, _)| id.clone())
            .collect();
        prop_assert_eq!(found, expected.into_iter().collect::<Vec<_>>());
    }
}

#[test]
fn a_reply_that_is_lost_is_asked_for_again() {
    let idempotency = IdempotencyConfig::builder().build();
    let mut store = World::default().with_table(idempotency.table());
    let key = IdempotencyKey::new("scope", "key").unwrap();
    let mut acquire = |owner, now, fault| {
        let (owner, lease) = (Owner::new(owner), Some(Duration::from_secs(10)));
        with(&mut store, fault, idempotency.acquire(key.clone(), "h", owner, seconds(now), lease))
    };
    assert!(matches!(acquire(1, 0, Some(Fault::REPLY_LOST)), Ok(Acquisition::Acquired(_))));
    assert_eq!(acquire(2, 9, None).unwrap_err().kind(), ErrorKind::InProgress);
    assert!(matches!(acquire(3, 10, None), Ok(Acquisition::Acquired(_))));
    let failed = acquire(4, 10, Some(Fault { error: store::Error::Throttled, applied: false }));
    assert!(failed.is_err());
}
