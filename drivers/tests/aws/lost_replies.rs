//! Writes that were executed and whose replies were lost: behind a proxy that hangs up.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use apptheory::clock::ManualClock;
use apptheory::execute::{Execute as _, StoreExecutor, drive};
use apptheory::store::AwsStore;
use apptheory::store::aws::aws_sdk_dynamodb::Client;
use apptheory::store::aws::aws_sdk_dynamodb::config::retry::RetryConfig;
use apptheory_core::idempotency::{
    Acquire, Acquisition, Complete, Completion, Error, ErrorKind, IdempotencyConfig,
    IdempotencyKey, Owner, Release, Released,
};
use apptheory_core::store::{self, Assignment, GetItem, Guard, UpdateItem};
use dynoxide::Database;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};

use crate::support::NOW;
use crate::{CLIENTS, block_on, config, events_table, key as event_key, loopback, serve, store_at};

/// Forwards requests to `upstream`, and hangs up instead of replying to those with these numbers.
struct Proxy {
    upstream: String,
    lost: BTreeSet<u32>,
    requests: AtomicU32,
}

impl Proxy {
    /// Starts to lose the replies of these requests; the first one is number 1. Returns the proxy's
    /// URL.
    async fn losing(upstream: &str, lost: &[u32]) -> (String, Arc<Self>) {
        let (listener, url) = loopback().await;
        let upstream = upstream.trim_start_matches("http://").to_owned();
        let lost = lost.iter().copied().collect();
        let proxy = Arc::new(Self { upstream, lost, requests: AtomicU32::new(0) });
        tokio::spawn(Arc::clone(&proxy).accept(listener));
        (url, proxy)
    }

    async fn accept(self: Arc<Self>, listener: TcpListener) {
        while let Ok((client, _)) = listener.accept().await {
            tokio::spawn(Arc::clone(&self).pass_on(BufReader::new(client)));
        }
    }

    async fn pass_on(self: Arc<Self>, mut client: BufReader<TcpStream>) {
        let upstream = TcpStream::connect(&self.upstream).await.unwrap();
        let mut upstream = BufReader::new(upstream);
        while let Some(request) = message(&mut client).await {
            upstream.write_all(&request).await.unwrap();
            let reply = message(&mut upstream).await.unwrap();
            let number = self.requests.fetch_add(1, Ordering::Relaxed) + 1;
            if self.lost.contains(&number) {
                return;
            }
            client.write_all(&reply).await.unwrap();
        }
    }

    fn requests(&self) -> u32 {
        self.requests.load(Ordering::Relaxed)
    }
}

/// Reads an HTTP/1.1 message with a body of known length; `None` at the end of the connection.
async fn message(from: &mut BufReader<TcpStream>) -> Option<Vec<u8>> {
    let (mut bytes, mut length) = (Vec::new(), 0);
    loop {
        let start = bytes.len();
        if from.read_until(b'\n', &mut bytes).await.unwrap_or(0) == 0 {
            return None;
        }
        let line = String::from_utf8_lossy(&bytes[start..]).to_ascii_lowercase();
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        if line == "\r\n" {
            break;
        }
    }
    let mut body = vec![0; length];
    from.read_exact(&mut body).await.ok()?;
    bytes.extend(body);
    Some(bytes)
}

fn key() -> IdempotencyKey {
    IdempotencyKey::new("scope", "key").unwrap()
}

async fn acquire(store: &impl StoreExecutor, owner: u128) -> Result<Acquisition, Error> {
    let lasts = Some(Duration::from_secs(30));
    let idempotency = IdempotencyConfig::builder().build();
    let acquire: Acquire = idempotency.acquire(key(), "h", Owner::new(owner), NOW, lasts);
    drive(acquire, store).await
}

/// Returns the same store without retries by the SDK.
fn once_at(url: &str) -> AwsStore<ManualClock> {
    let client = Client::from_conf(config().retry_config(RetryConfig::disabled()).build());
    AwsStore::new(client).with_endpoint_url(url).with_clock(ManualClock::new(NOW))
}

/// Creates the table of leases in a DynamoDB, and runs `test` with its URL.
fn with_leases(test: impl AsyncFnOnce(String)) {
    block_on(serve(Database::memory().unwrap(), async |url| {
        let idempotency = IdempotencyConfig::builder().build();
        store_at(&url).create_table(&idempotency.table()).await.unwrap();
        test(url).await;
    }));
}

/// Loses the first reply to a lease, and the first to its completion; `store_at` connects to a URL.
async fn lose_first_replies<X: StoreExecutor>(url: String, store_at: impl AsyncFn(&str) -> X) {
    let (lossy, proxy) = Proxy::losing(&url, &[1]).await;
    let store = store_at(&lossy).await;
    let Ok(Acquisition::Acquired(lease)) = acquire(&store, 1).await else {
        unreachable!("it is its own")
    };
    assert_eq!(proxy.requests(), 2);
    let refused = acquire(&store, 2).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::InProgress, "it is somebody else's");

    let (lossy, proxy) = Proxy::losing(&url, &[1]).await;
    let complete: Complete = IdempotencyConfig::builder().build().complete(lease, *b"done", NOW);
    let completed = drive(complete, &store_at(&lossy).await).await;
    assert_eq!((completed, proxy.requests()), (Ok(Completion::Stored), 2));
    let result = Some(b"done".to_vec());
    assert_eq!(acquire(&store, 3).await, Ok(Acquisition::Completed { result }));
}

#[test]
fn the_holder_of_a_lease_is_not_refused_by_itself() {
    // The put is retried, by a client or by the machine.
    for client in CLIENTS {
        with_leases(async |url| {
            lose_first_replies(url, async |url: &str| client.at(url).await.0).await;
        });
    }
    with_leases(async |url| lose_first_replies(url, async |url: &str| once_at(url)).await);
}

#[test]
fn what_was_given_back_is_given_back() {
    for client in CLIENTS {
        with_leases(async |url| {
            let Ok(Acquisition::Acquired(lease)) = acquire(&store_at(&url), 1).await else {
                panic!("nobody else is there")
            };
            let (lossy, _) = Proxy::losing(&url, &[1]).await;
            let release: Release = IdempotencyConfig::builder().build().release(lease);
            let released = drive(release, &client.at(&lossy).await.0).await;
            assert_eq!(released, Ok(Released::Released));
            assert!(matches!(acquire(&store_at(&url), 2).await, Ok(Acquisition::Acquired(_))));
        });
    }
}

#[test]
fn an_addition_whose_reply_is_lost_is_not_sent_again() {
    for client in CLIENTS {
        block_on(serve(Database::memory().unwrap(), async |url| {
            store_at(&url).create_table(&events_table()).await.unwrap();
            // On a connection that has been used before, too.
            let (lossy, proxy) = Proxy::losing(&url, &[2]).await;
            let (store, _) = client.at(&lossy).await;
            let add = UpdateItem {
                table: "events".into(),
                key: event_key("e1"),
                assignments: vec![Assignment::add("Count", 1)],
                guard: Guard::Always,
            };
            store.execute(&add).await.unwrap();
            assert_eq!(store.execute(&add).await, Err(store::Error::Unavailable));
            assert_eq!(proxy.requests(), 2, "{client:?}");
            let get = GetItem { table: "events".into(), key: event_key("e1"), consistent: true };
            let item = store.execute(&get).await.unwrap().answer.unwrap();
            assert_eq!(item.integer("Count"), Some(2));
        }));
    }
}
