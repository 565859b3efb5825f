//! Stores with layers, and the creation of declared tables.

use core::time::Duration;
use std::sync::Arc;

use apptheory_core::time::Timestamp;

use super::*;
use crate::clock::{Clock as _, ManualClock};
use crate::ids::SequentialIds;
use crate::layer::{Counted, Deadline, FaultPlan, Faulty, Recording, Replay};

fn builder() -> StoreBuilder {
    let env = |name: &str| (name == "STAGE").then(|| "test".to_owned());
    let clock = ManualClock::new(Timestamp::from_unix_seconds(9));
    Store::builder().clock(clock).ids(SequentialIds::default()).env(env)
}

fn notes() -> TableDefinition {
    TableDefinition {
        name: "notes".into(),
        key: KeySchema { partition: "ID".into(), sort: None },
        indexes: vec![],
        ttl: "ttl".into(),
    }
}

fn get() -> GetItem {
    let key = Key::of("ID", Value::from("n1"));
    GetItem { table: "notes".into(), key, consistent: true }
}

fn put() -> PutItem {
    let item = Item::new().with("ID", Value::from("n1"));
    PutItem { table: "notes".into(), item, guard: Guard::absent("ID") }
}

const MISSING: Error = Error::Misconfigured(Misconfiguration::MissingTable);

#[tokio::test]
async fn layers_keep_clock_ids_environment_and_tables() {
    let store = builder().memory();
    let layers = [
        store.layer(Counted::new),
        store.layer(|store| Faulty::new(store, FaultPlan::default())),
        store.layer(Recording::new),
        store.layer(|store| {
            let clock = store.clock().clone();
            Deadline::after(store, clock, Duration::from_secs(1))
        }),
        #[cfg(feature = "tracing")]
        store.layer(crate::layer::Traced::new),
    ];
    for (id, layered) in (1..).zip(&layers) {
        assert_eq!(layered.execute(&get()).await, Err(MISSING));
        assert_eq!(layered.clock().now().unix_seconds(), 9);
        assert_eq!(layered.ids().next_id(), id);
        assert_eq!((layered.env("STAGE").as_deref(), layered.env("OTHER")), (Some("test"), None));
    }
    layers[0].declare(notes());
    for layered in &layers {
        assert!(layered.execute(&get()).await.is_ok());
    }
    store.clock().sleep(Duration::from_secs(3)).await;
    assert_eq!(layers[3].clock().now().unix_seconds(), 12);
}

#[tokio::test]
async fn a_replay_of_what_a_store_did_is_a_store() {
    let store = builder().memory();
    store.declare(notes());
    let recording = Arc::new(Recording::new(store.clone()));
    let recorded = store.layer(|_| Arc::clone(&recording));
    let written = recorded.execute(&put()).await;
    assert_eq!(recorded.execute(&Sleep { duration: Duration::from_secs(1) }).await, seconds(10));

    let replay = Arc::new(Replay::new(recording.transcript()));
    let replayed = Store::new(Arc::clone(&replay));
    assert_eq!(replayed.execute(&put()).await, written);
    assert_eq!(replayed.execute(&Sleep { duration: Duration::from_secs(1) }).await, seconds(10));
    assert_eq!(replay.finish(), Ok(()));
}

fn seconds(seconds: i64) -> Timestamp {
    Timestamp::from_unix_seconds(seconds)
}

#[tokio::test]
async fn what_is_declared_in_memory_is_there_at_once_and_kept() {
    let memory = MemoryStore::new(ManualClock::new(Timestamp::UNIX_EPOCH));
    let foreign = Store::new(memory.clone());
    foreign.declare(notes());
    assert_eq!(foreign.execute(&get()).await, Err(MISSING));
    assert_eq!(memory.usage().total().calls, 1);

    let store = builder().memory();
    store.declare(notes());
    assert!(store.execute(&put()).await.is_ok());
    store.declare(notes());
    let kept = store.execute(&get()).await.unwrap();
    assert_eq!((kept.answer, kept.at), (Some(put().item), seconds(9)));
}

#[cfg(feature = "embedded")]
#[tokio::test]
async fn what_is_declared_in_a_file_is_created_at_the_first_call() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("notes.db");
    let elsewhere = EmbeddedStore::open(&path, ManualClock::new(Timestamp::UNIX_EPOCH)).unwrap();

    let store = builder().embedded(&path).unwrap();
    assert_eq!(store.execute(&get()).await, Err(MISSING));
    store.declare(notes());
    store.execute(&Sleep { duration: Duration::ZERO }).await;
    assert_eq!(elsewhere.execute(&get()).await, Err(MISSING));
    assert!(store.layer(Counted::new).execute(&put()).await.is_ok());
    assert_eq!(elsewhere.execute(&get()).await.unwrap().answer, Some(put().item));

    // The file still has the table after it was opened again; every call fails if the schema
    // differs.
    let store = builder().embedded(&path).unwrap();
    store.declare(notes());
    assert_eq!(store.execute(&get()).await.unwrap().answer, Some(put().item));
    store.declare(TableDefinition { ttl: "expires".into(), ..notes() });
    let invalid = Err(Error::Misconfigured(Misconfiguration::InvalidRequest));
    assert_eq!(
        [store.execute(&get()).await, store.execute(&get()).await],
        [invalid.clone(), invalid]
    );

    assert!(matches!(
        Store::embedded(directory.path().join("missing").join("notes.db")),
        Err(EmbeddedError::Open { .. })
    ));
}

const _: () = {
    const fn shared_between_threads<T: Send + Sync + 'static>() {}
    shared_between_threads::<Store>();
};
