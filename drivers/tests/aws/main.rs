//! The AWS executor against DynamoDB's protocol on loopback: an embedded DynamoDB behind its HTTP
//! server for what works, servers that misbehave for what does not.
#![expect(clippy::unwrap_used, reason = "a test ends where its stage cannot be set")]

mod effects;
mod failures;
mod tables;

use core::future::Future;
use core::time::Duration;

use apptheory::aws::AwsStore;
use apptheory::aws::aws_sdk_dynamodb::Client;
use apptheory::aws::aws_sdk_dynamodb::config::retry::RetryConfig;
use apptheory::aws::aws_sdk_dynamodb::config::{
    BehaviorVersion, Builder, Config, Credentials, Region,
};
use apptheory::clock::ManualClock;
use apptheory_core::store::{IndexDefinition, Item, Key, KeySchema, TableDefinition, Value};
use apptheory_core::time::Timestamp;
use dynoxide::Database;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

const NOW: i64 = 1_767_225_600;

/// Runs `test` against an embedded DynamoDB in which the table `events` exists.
fn with_dynamo<F: Future>(test: impl FnOnce(AwsStore<ManualClock>) -> F) -> F::Output {
    block_on(async {
        let (stop, stopped) = oneshot::channel::<()>();
        let (listener, url) = loopback().await;
        let database = Database::memory().unwrap();
        let server =
            tokio::spawn(dynoxide::server::serve_with_shutdown(listener, database, async {
                let _ = stopped.await;
            }));

        let store = store_at(&url);
        store.create_table(&events_table()).await.unwrap();
        let output = test(store).await;
        drop(stop);
        server.await.unwrap().unwrap();
        output
    })
}

/// A listener on a port that the OS chose, and its URL.
async fn loopback() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    (listener, url)
}

fn block_on<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

/// A store that sends to `url`, with three attempts per call and no time to lose between them.
fn store_at(url: &str) -> AwsStore<ManualClock> {
    let clock = ManualClock::new(Timestamp::from_unix_seconds(NOW));
    AwsStore::new(Client::from_conf(config().build())).with_endpoint_url(url).with_clock(clock)
}

fn config() -> Builder {
    let retries = RetryConfig::standard()
        .with_max_attempts(3)
        .with_initial_backoff(Duration::from_millis(1))
        .with_max_backoff(Duration::from_millis(1));
    Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("eu-central-1"))
        .credentials_provider(Credentials::new("id", "secret", None, None, "test"))
        .retry_config(retries)
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

/// An event of tenant `t1`, sorted by its id.
fn event(id: &str) -> Item {
    key(id)
        .to_item()
        .with("TenantID", Value::from("t1"))
        .with("SortKey", Value::from(id))
        .with("Payload", Value::B(vec![0, 255]))
}
