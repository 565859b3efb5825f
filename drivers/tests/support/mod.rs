//! An embedded DynamoDB behind its HTTP server on loopback, and an AWS executor that uses it.

use core::future::Future;
use core::time::Duration;

use apptheory::clock::ManualClock;
use apptheory::store::AwsStore;
use apptheory::store::aws::aws_sdk_dynamodb::Client;
use apptheory::store::aws::aws_sdk_dynamodb::config::retry::RetryConfig;
use apptheory::store::aws::aws_sdk_dynamodb::config::{
    BehaviorVersion, Builder, Config, Credentials, Region,
};
use apptheory_core::time::Timestamp;
use dynoxide::Database;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

/// 2026-01-01T00:00:00Z.
pub(crate) const NOW: Timestamp = Timestamp::from_unix_seconds(1_767_225_600);

/// Runs `test` with the URL at which `database` is served.
pub(crate) async fn serve<F: Future>(
    database: Database,
    test: impl FnOnce(String) -> F,
) -> F::Output {
    let (stop, stopped) = oneshot::channel::<()>();
    let (listener, url) = loopback().await;
    let server = tokio::spawn(dynoxide::server::serve_with_shutdown(listener, database, async {
        let _ = stopped.await;
    }));
    let output = test(url).await;
    drop(stop);
    server.await.unwrap().unwrap();
    output
}

/// Returns a listener on a port that the OS chose, and its URL.
pub(crate) async fn loopback() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    (listener, url)
}

pub(crate) fn block_on<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

/// Returns a store that sends to `url`, with three attempts per call and no pauses between them.
pub(crate) fn store_at(url: &str) -> AwsStore<ManualClock> {
    let client = Client::from_conf(config().build());
    AwsStore::new(client).with_endpoint_url(url).with_clock(ManualClock::new(NOW))
}

pub(crate) fn config() -> Builder {
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
