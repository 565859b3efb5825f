//! The AWS executor against DynamoDB's protocol on loopback: an embedded DynamoDB behind its HTTP
//! server for successes, misbehaving servers for failures.
#![expect(clippy::unwrap_used, reason = "a test ends where its stage cannot be set")]

mod effects;
mod failures;
mod lost_replies;
mod own_client;
mod sliding;
#[path = "../support/mod.rs"]
mod support;
mod tables;

use core::future::Future;

use apptheory::clock::ManualClock;
use apptheory::store::AwsStore;
use apptheory_core::store::{IndexDefinition, Item, Key, KeySchema, TableDefinition, Value};
use dynoxide::Database;
use support::{block_on, config, loopback, serve, store_at};

/// Runs `test` against an embedded DynamoDB with the table `events`.
fn with_dynamo<F: Future>(test: impl FnOnce(AwsStore<ManualClock>) -> F) -> F::Output {
    block_on(serve(Database::memory().unwrap(), async |url| {
        let store = store_at(&url);
        store.create_table(&events_table()).await.unwrap();
        test(store).await
    }))
}

/// The table `events` with keys `ID`, and the index `tenants` with keys `TenantID`, `SortKey`.
fn events_table() -> TableDefinition {
    TableDefinition {
        name: "events".into(),
        key: KeySchema { partition: "ID".into(), sort: None },
        indexes: vec![IndexDefinition {
            name: "tenants".into(),
            key: KeySchema { partition: "TenantID".into(), sort: Some("SortKey".into()) },
        }],
        ttl: "ttl".into(),
    }
}

fn key(id: &str) -> Key {
    Key::of("ID", Value::from(id))
}

/// Returns an event of tenant `t1`, sorted by its id.
fn event(id: &str) -> Item {
    key(id)
        .to_item()
        .with("TenantID", Value::from("t1"))
        .with("SortKey", Value::from(id))
        .with("Payload", Value::B(vec![0, 255]))
}
