//! Broadcasts: sending the same data to many connections.

use core::num::NonZeroUsize;
use core::pin::pin;
use core::time::Duration;

use apptheory_core::gateway::{self, BroadcastReport, ConnectionOperation, ErrorKind};
use futures_util::future::{Either, select};
use futures_util::stream::{self, StreamExt as _};

use super::client::WebSocketClient;
use crate::clock::{Clock, SharedClock, SystemClock};

/// The default number of connections that are sent to concurrently: 16. A message takes some
/// milliseconds, so a thousand connections take less than a second, and a single function stays far
/// below the account's request quota.
pub const DEFAULT_CONCURRENCY: NonZeroUsize = match NonZeroUsize::new(16) {
    Some(number) => number,
    None => NonZeroUsize::MIN,
};

/// The default time limit for one connection: 5 s. That is enough for three attempts, and a small
/// part of the 29 s that API Gateway gives a handler.
pub const SEND_BUDGET: Duration = Duration::from_secs(5);

/// Sends the same data to many connections concurrently. A connection that fails, or is slow, does
/// not delay the others.
///
/// If a client does not read, API Gateway responds late, or that the buffer is full. Such a
/// connection is dropped after its [time limit](Self::with_budget) and reported as a timeout; its
/// client may still have got the data. To cancel, drop the future: connections that were not sent
/// to yet are skipped.
///
/// ```
/// use std::sync::Arc;
/// use apptheory::gateway::Connection;
/// use apptheory::websocket::{Broadcaster, FakeWebSocketManagementClient};
///
/// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
/// let client = FakeWebSocketManagementClient::strict("https://ws.example.com");
/// client.connect("c1=", Connection::default());
/// let broadcaster = Broadcaster::new(Arc::new(client));
/// let report = broadcaster.send(["c1=", "c2="].map(String::from), b"news").await;
/// assert_eq!((report.delivered, &*report.gone), (1, &["c2=".to_owned()][..]));
/// # });
/// ```
#[derive(Clone, Debug)]
pub struct Broadcaster {
    client: WebSocketClient,
    concurrency: NonZeroUsize,
    budget: Duration,
    clock: SharedClock,
}

/// Creates a broadcaster with the defaults.
impl From<WebSocketClient> for Broadcaster {
    fn from(client: WebSocketClient) -> Self {
        Self::new(client)
    }
}

impl Broadcaster {
    /// Creates a broadcaster that sends with `client`, on the system clock.
    #[must_use]
    pub fn new(client: WebSocketClient) -> Self {
        let clock = SharedClock::new(SystemClock);
        Self { client, concurrency: DEFAULT_CONCURRENCY, budget: SEND_BUDGET, clock }
    }

    /// Uses `clock` instead of the system clock.
    #[must_use]
    pub fn with_clock(self, clock: impl Clock + 'static) -> Self {
        Self { clock: SharedClock::new(clock), ..self }
    }

    /// Sets how many connections are sent to concurrently, instead of [`DEFAULT_CONCURRENCY`].
    #[must_use]
    pub fn with_concurrency(self, concurrency: NonZeroUsize) -> Self {
        Self { concurrency, ..self }
    }

    /// Sets the time limit for one connection, instead of [`SEND_BUDGET`].
    #[must_use]
    pub fn with_budget(self, budget: Duration) -> Self {
        Self { budget, ..self }
    }

    /// Sends `data` to each of `connection_ids`. The report has the same order. Remove connections
    /// that are gone from your records.
    pub async fn send(
        &self,
        connection_ids: impl IntoIterator<Item = String>,
        data: &[u8],
    ) -> BroadcastReport {
        let sends = connection_ids.into_iter().enumerate().map(|(at, id)| async move {
            let outcome = self.post(&id, data).await;
            (at, id, outcome)
        });
        let sends = stream::iter(sends).buffer_unordered(self.concurrency.get());
        let mut sent: Vec<_> = sends.collect().await;
        sent.sort_unstable_by_key(|(at, ..)| *at);
        let mut report = BroadcastReport::default();
        sent.into_iter().for_each(|(_, id, outcome)| report.note(id, outcome));
        report
    }

    async fn post(&self, connection_id: &str, data: &[u8]) -> Result<(), gateway::Error> {
        let post = self.client.post_to_connection(connection_id, data);
        // Poll the response before the alarm, so that a response in the last moment counts.
        match select(post, pin!(self.clock.sleep(self.budget))).await {
            Either::Left((outcome, _)) => outcome,
            Either::Right(_) => {
                let operation = ConnectionOperation::PostToConnection;
                Err(gateway::Error::new(operation, ErrorKind::Transport).with_message("timeout"))
            }
        }
    }
}
