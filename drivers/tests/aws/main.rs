//! The executors on DynamoDB, through the AWS SDK and without it, against DynamoDB's protocol on
//! loopback: an embedded DynamoDB behind its HTTP server for successes, misbehaving servers for
//! failures.
#![expect(clippy::unwrap_used, reason = "a test ends where its stage cannot be set")]

mod effects;
mod failures;
mod lean;
mod lost_replies;
mod own_client;
#[path = "../support/raw_server.rs"]
mod raw_server;
mod sliding;
#[path = "../support/mod.rs"]
mod support;
mod tables;

use core::future::Future;

use apptheory::clock::{Clock, ManualClock};
use apptheory::store::{AwsStore, Store};
use apptheory_core::store::{
    IndexDefinition, Item, Key, KeySchema, StoreUsage, TableDefinition, Value,
};
use dynoxide::Database;
use support::{NOW, block_on, config, loopback, serve, store_at};

/// A client of DynamoDB, with three attempts per call and no pauses between them.
#[derive(Clone, Copy, Debug)]
enum Client {
    Sdk,
    Lean,
}

const CLIENTS: [Client; 2] = [Client::Sdk, Client::Lean];

impl Client {
    /// Returns a store that sends to `url`, and its usage.
    async fn at(self, url: &str) -> (Store, Box<dyn Fn() -> StoreUsage>) {
        match self {
            Self::Sdk => {
                let sdk = store_at(url);
                let store = Store::builder().clock(ManualClock::new(NOW)).executor(sdk.clone());
                (store, Box::new(move || sdk.usage()))
            }
            Self::Lean => {
                let store = lean_at(url, ManualClock::new(NOW)).await;
                let same = store.clone();
                (store, Box::new(move || same.usage().unwrap()))
            }
        }
    }
}

/// Returns a store without the SDK that sends to `url`.
async fn lean_at(url: &str, clock: impl Clock + 'static) -> Store {
    lean_in(&[("AWS_ENDPOINT_URL", url)], clock).await
}

/// Returns a store without the SDK, in an environment with these variables besides those that a
/// function has.
async fn lean_in(variables: &[(&str, &str)], clock: impl Clock + 'static) -> Store {
    let always = [
        ("AWS_REGION", "eu-central-1"),
        ("AWS_ACCESS_KEY_ID", "id"),
        ("AWS_SECRET_ACCESS_KEY", "secret"),
    ];
    let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    let all: Vec<_> = variables.iter().chain(&always).map(owned).collect();
    let env = move |asked: &str| {
        all.iter().find(|(name, _)| name == asked).map(|(_, value)| value.clone())
    };
    Store::builder().clock(clock).env(env).aws_lean().await
}

/// Runs `test` through each client, against an embedded DynamoDB with the table `events`.
fn with_each_client(test: impl AsyncFn(Store, &dyn Fn() -> StoreUsage)) {
    for client in CLIENTS {
        block_on(serve(Database::memory().unwrap(), async |url| {
            store_at(&url).create_table(&events_table()).await.unwrap();
            let (store, usage) = client.at(&url).await;
            test(store, &usage).await;
        }));
    }
}

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
