//! The registry of connections on a store.

use core::num::NonZeroU32;
use std::collections::BTreeSet;

use apptheory_core::gateway::BroadcastReport;
use apptheory_core::registry::{ConnectionPage, Error, RegistryConfig, Touched};

use super::broadcast::Broadcaster;
use crate::clock::Clock as _;
use crate::execute::drive;
use crate::store::Store;

/// Who is connected: a table of connections by topic, on a store. Clones are the same table, and
/// cheap.
///
/// How long the store may take is its executor's to decide.
///
/// ```
/// use std::sync::Arc;
///
/// use apptheory::store::Store;
/// use apptheory::websocket::{Broadcaster, Connections, FakeWebSocketManagementClient};
///
/// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
/// let connections = Connections::on(&Store::memory());
///
/// connections.register("c1=", "news").await?; // on `$connect`
/// let client = FakeWebSocketManagementClient::new("https://ws.example.com");
/// let broadcaster = Broadcaster::new(Arc::new(client));
/// let report = connections.broadcast(&broadcaster, "news", b"hello").await?;
/// assert_eq!(report.sent.delivered, 1);
/// connections.remove("c1=").await?; // on `$disconnect`
/// # Ok::<(), apptheory::registry::Error>(())
/// # }).unwrap();
/// ```
#[derive(Clone, Debug)]
pub struct Connections {
    registry: RegistryConfig,
    store: Store,
}

/// What became of a broadcast to a topic.
#[derive(Clone, Debug, Default)]
#[must_use = "it says who did not get the data"]
pub struct TopicReport {
    /// What became of each connection that was found.
    pub sent: BroadcastReport,
    /// Connections that are gone, and could not be removed. They expire, or the next broadcast
    /// tries again.
    pub not_removed: Vec<(String, Error)>,
    /// Why the rest of the topic was not found. `None` when it was, to its end.
    pub interrupted: Option<Error>,
}

impl Connections {
    /// Makes a registry on a store, configured by the store's environment, and declares its table.
    #[must_use]
    pub fn on(store: &Store) -> Self {
        Self::new(RegistryConfig::builder().env(|name| store.env(name)).build(), store)
    }

    /// Makes a registry of another configuration on a store, and declares its table.
    #[must_use]
    pub fn new(registry: RegistryConfig, store: &Store) -> Self {
        store.declare(registry.table());
        Self { registry, store: store.clone() }
    }

    /// Keeps a connection that is established: on `$connect`.
    ///
    /// # Errors
    ///
    /// [`Error`] for a blank or over-long text, or of the store.
    pub async fn register(&self, connection_id: &str, topic: &str) -> Result<(), Error> {
        let register = self.registry.register(connection_id, topic, self.store.clock().now())?;
        drive(register, &self.store).await
    }

    /// Keeps a connection for longer: on a message from it.
    ///
    /// # Errors
    ///
    /// As [`register`](Self::register).
    pub async fn touch(&self, connection_id: &str) -> Result<Touched, Error> {
        let touch = self.registry.touch(connection_id, self.store.clock().now())?;
        drive(touch, &self.store).await
    }

    /// Forgets a connection: on `$disconnect`, and when it is gone.
    ///
    /// # Errors
    ///
    /// As [`register`](Self::register).
    pub async fn remove(&self, connection_id: &str) -> Result<(), Error> {
        drive(self.registry.remove(connection_id)?, &self.store).await
    }

    /// A page of the connections of a topic, from a cursor of the page before.
    ///
    /// # Errors
    ///
    /// [`Error`] for a blank or over-long topic, a cursor of another one, or of the store.
    pub async fn list(
        &self,
        topic: &str,
        limit: NonZeroU32,
        cursor: Option<&str>,
    ) -> Result<ConnectionPage, Error> {
        let list = self.registry.list(topic, limit, cursor, self.store.clock().now())?;
        drive(list, &self.store).await
    }

    /// Sends `data` to every connection of a topic, page by page, and removes those that are gone;
    /// but not those of the last half minute, whose `$connect` may still be at work.
    ///
    /// # Errors
    ///
    /// [`Error`] for a blank or over-long topic. Whatever else goes wrong is reported,
    /// beside what did not.
    pub async fn broadcast(
        &self,
        broadcaster: &Broadcaster,
        topic: &str,
        data: &[u8],
    ) -> Result<TopicReport, Error> {
        let mut report = TopicReport::default();
        let mut cursor = None;
        loop {
            let list =
                self.registry.list(topic, PAGE, cursor.as_deref(), self.store.clock().now())?;
            let page = match drive(list, &self.store).await {
                Ok(page) => page,
                Err(error) => {
                    report.interrupted = Some(error);
                    return Ok(report);
                }
            };
            let now = self.store.clock().now();
            let opening = page.connections.iter().filter(|known| known.may_be_opening(now));
            let opening: BTreeSet<_> = opening.map(|known| known.connection_id.clone()).collect();
            let ids = page.connections.into_iter().map(|connection| connection.connection_id);
            let sent = broadcaster.send(ids, data).await;
            let gone = sent.gone.iter().filter(|id| !opening.contains(*id));
            self.remove_gone(gone, &mut report.not_removed).await?;
            report.sent.delivered = report.sent.delivered.saturating_add(sent.delivered);
            report.sent.gone.extend(sent.gone);
            report.sent.failed.extend(sent.failed);
            cursor = page.next;
            if cursor.is_none() {
                return Ok(report);
            }
        }
    }

    async fn remove_gone(
        &self,
        gone: impl Iterator<Item = &String>,
        not_removed: &mut Vec<(String, Error)>,
    ) -> Result<(), Error> {
        for id in gone {
            if let Err(error) = drive(self.registry.remove(id)?, &self.store).await {
                not_removed.push((id.clone(), error));
            }
        }
        Ok(())
    }
}

/// How many connections are found, and sent to, before the next are looked for.
const PAGE: NonZeroU32 = match NonZeroU32::new(100) {
    Some(number) => number,
    None => NonZeroU32::MIN,
};
