//! Connections by topic, in a table.

use core::num::NonZeroU32;
use core::time::Duration;
use std::sync::Arc;

use apptheory::clock::VirtualClock;
use apptheory::layer::{FaultPlan, Faulty};
use apptheory::store::{MemoryStore, Store};
use apptheory::websocket::{Broadcaster, Connections, FakeWebSocketManagementClient};
use apptheory_core::gateway::Connection;
use apptheory_core::registry::{ErrorKind, RegistryConfig, Touched};
use apptheory_core::store;
use apptheory_core::time::Timestamp;

fn stage() -> (Connections, MemoryStore<VirtualClock>, VirtualClock) {
    let clock = VirtualClock::new(Timestamp::from_unix_seconds(1_767_225_600));
    let registry = RegistryConfig::builder().build();
    let memory = MemoryStore::new(clock.clone()).with_table(registry.table());
    let store = Store::builder().clock(clock.clone()).executor(memory.clone());
    (Connections::new(registry, &store), memory, clock)
}

fn broadcaster(clock: &VirtualClock) -> (Broadcaster, FakeWebSocketManagementClient) {
    let fake = FakeWebSocketManagementClient::strict("https://ws.example.com");
    (Broadcaster::new(Arc::new(fake.clone())).with_clock(clock.clone()), fake)
}

#[test]
fn a_connection_is_listed_until_it_leaves_or_expires() {
    let (connections, _, clock) = stage();
    clock.run(async {
        let listed = async |topic: &str| {
            let page = connections.list(topic, NonZeroU32::new(9).unwrap(), None).await.unwrap();
            let ids = page.connections.into_iter().map(|connection| connection.connection_id);
            ids.collect::<Vec<_>>()
        };
        for (id, topic) in [("b", "news"), ("a", "news"), ("c", "sports")] {
            connections.register(id, topic).await.unwrap();
        }
        assert_eq!(listed("news").await, ["a", "b"]);
        connections.remove("a").await.unwrap();
        assert_eq!(listed("news").await, ["b"]);
        assert_eq!(connections.touch("a").await, Ok(Touched::Unknown));

        clock.advance(Duration::from_secs(2 * 3600));
        assert_eq!(connections.touch("b").await, Ok(Touched::Kept));
        clock.advance(Duration::from_secs(3600));
        assert_eq!((listed("news").await, listed("sports").await), (vec!["b".to_owned()], vec![]));
        let blank = connections.register("d", " ").await.unwrap_err();
        assert_eq!(blank.kind(), ErrorKind::InvalidInput);
    });
}

#[test]
fn everybody_of_a_topic_gets_the_message_and_the_gone_are_forgotten() {
    let (connections, store, clock) = stage();
    let (broadcaster, fake) = broadcaster(&clock);
    // More than a page.
    for number in 0..250 {
        let id = format!("c{number:03}");
        clock.run(connections.register(&id, "news")).unwrap();
        if number % 10 != 0 {
            fake.connect(&id, Connection::default());
        }
    }
    let broadcast = || clock.run(connections.broadcast(&broadcaster, "news", b"hi")).unwrap();
    // Whoever is gone now may be about to be there: `$connect` may still be at work.
    assert_eq!(broadcast().sent.gone.len(), 25);
    assert_eq!(store.items(&"connections".into()).len(), 250);
    clock.advance(Duration::from_secs(30));
    let report = broadcast();
    assert_eq!((report.sent.delivered, report.sent.gone.len()), (225, 25));
    assert!(report.not_removed.is_empty() && report.interrupted.is_none());
    assert_eq!(store.items(&"connections".into()).len(), 225);
    let again = broadcast();
    assert_eq!((again.sent.delivered, again.sent.gone.len()), (225, 0));
    let nobody = clock.run(connections.broadcast(&broadcaster, "chess", b"hi")).unwrap();
    assert_eq!(nobody.sent.delivered, 0);
}

#[test]
fn what_the_store_does_not_answer_is_reported_beside_what_was_sent() {
    let (connections, store, clock) = stage();
    let (broadcaster, fake) = broadcaster(&clock);
    for id in ["a", "b", "c"] {
        clock.run(connections.register(id, "news")).unwrap();
    }
    fake.connect("c", Connection::default());
    clock.advance(Duration::from_secs(30));
    let broadcast = |plan: FaultPlan| {
        let registry = RegistryConfig::builder().build();
        let faulty = Faulty::new(store.clone(), plan);
        let faulty = Store::builder().clock(clock.clone()).executor(faulty);
        let connections = Connections::new(registry, &faulty);
        clock.run(connections.broadcast(&broadcaster, "news", b"hi")).unwrap()
    };
    // The query is answered, removing the first that is gone is not.
    let report = broadcast(FaultPlan::default().fail(2, store::Error::Throttled));
    assert_eq!((report.sent.delivered, report.sent.gone.len()), (1, 2));
    let not_removed: Vec<_> = report.not_removed.iter().map(|(id, _)| id.as_str()).collect();
    assert_eq!((not_removed, report.interrupted), (vec!["a"], None));
    let report = broadcast(FaultPlan::default().fail(1, store::Error::Unavailable));
    assert_eq!(report.sent.delivered, 0);
    assert!(report.interrupted.is_some());
    // The next broadcast finds what was left.
    assert_eq!(broadcast(FaultPlan::default()).sent.gone, ["a"]);
}
