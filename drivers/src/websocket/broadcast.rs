//! The same to many connections, several at a time.

use core::num::NonZeroUsize;
use core::pin::pin;
use core::time::Duration;

use apptheory_core::gateway::{self, BroadcastReport, ConnectionOperation, ErrorKind};
use futures_util::future::{Either, select};
use futures_util::stream::{self, StreamExt as _};

use super::client::WebSocketClient;
use crate::clock::{Clock, SharedClock, SystemClock};

/// How many connections are sent to at a time unless configured otherwise: 16. A message takes some
/// milliseconds, so that a thousand connections take less than a second, and one function is far
/// from the quota of requests that all of an account's share.
pub const DEFAULT_CONCURRENCY: NonZeroUsize = match NonZeroUsize::new(16) {
    Some(number) => number,
    None => NonZeroUsize::MIN,
};

/// How long one connection is waited for unless configured otherwise: 5 s. That is enough for three
/// attempts, and a small part of the 29 s that API Gateway gives a handler.
pub const SEND_BUDGET: Duration = Duration::from_secs(5);

/// Sends the same data to many connections, several at a time. One that fails, or is slow, does not
/// keep the others from getting it.
///
/// A client that does not read makes API Gateway answer late, or that its buffer is full. It is
/// given up after its [time](Self::with_budget), is reported as failed with a time-out, and may
/// still have got the data. Cancelling is dropping the future: what was not sent to yet is not sent
/// to any more.
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

/// A broadcaster with every default.
impl From<WebSocketClient> for Broadcaster {
    fn from(client: WebSocketClient) -> Self {
        Self::new(client)
    }
}

impl Broadcaster {
    /// Makes a broadcaster through a client, by the machine's clock.
    #[must_use]
    pub fn new(client: WebSocketClient) -> Self {
        let clock = SharedClock::new(SystemClock);
        Self { client, concurrency: DEFAULT_CONCURRENCY, budget: SEND_BUDGET, clock }
    }

    /// Uses another clock.
    #[must_use]
    pub fn with_clock(self, clock: impl Clock + 'static) -> Self {
        Self { clock: SharedClock::new(clock), ..self }
    }

    /// Sends to so many connections at a time, instead of [`DEFAULT_CONCURRENCY`].
    #[must_use]
    pub fn with_concurrency(self, concurrency: NonZeroUsize) -> Self {
        Self { concurrency, ..self }
    }

    /// Gives each connection another time, instead of [`SEND_BUDGET`].
    #[must_use]
    pub fn with_budget(self, budget: Duration) -> Self {
        Self { budget, ..self }
    }

    /// Sends `data` to each of `connection_ids`. The report is in their order, whoever answered
    /// first; forget those that are gone.
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
        // An answer that is there counts, also at the last moment: it is looked at first.
        match select(post, pin!(self.clock.sleep(self.budget))).await {
            Either::Left((outcome, _)) => outcome,
            Either::Right(_) => {
                let operation = ConnectionOperation::PostToConnection;
                Err(gateway::Error::new(operation, ErrorKind::Transport).with_message("timeout"))
            }
        }
    }
}
