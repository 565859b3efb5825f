//! The registry of connections on a store.

use core::num::NonZeroU32;

use apptheory_core::registry::{ConnectionPage, Error, RegistryConfig, Touched};

use super::room::Room;
use crate::clock::Clock as _;
use crate::execute::drive;
use crate::store::Store;

/// The registry of connections: a table of connections by topic, on a store. Clones share the same
/// table, and are cheap.
///
/// Handlers of WebSocket routes use a [room](Self::room); use the registry directly in code that
/// knows connections by their ids. The time limit of calls is that of the store's executor.
///
/// ```
/// use apptheory::Store;
/// use apptheory::registry::Touched;
/// use apptheory::websocket::Connections;
///
/// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
/// let connections = Connections::on(&Store::memory());
/// connections.register("c1=", "news").await?; // on `$connect`
/// assert_eq!(connections.touch("c1=").await?, Touched::Kept); // on a message
/// connections.remove("c1=").await?; // on `$disconnect`
/// # Ok::<(), apptheory::registry::Error>(())
/// # }).unwrap();
/// ```
#[derive(Clone, Debug)]
pub struct Connections {
    registry: RegistryConfig,
    store: Store,
}

impl Connections {
    /// Creates a registry on a store, configured by the store's environment variables, and declares
    /// its table.
    #[must_use]
    pub fn on(store: &Store) -> Self {
        Self::new(RegistryConfig::builder().env(|name| store.env(name)).build(), store)
    }

    /// Creates a registry with a configuration of your own, and declares its table.
    #[must_use]
    pub fn new(registry: RegistryConfig, store: &Store) -> Self {
        store.declare(registry.table());
        Self { registry, store: store.clone() }
    }

    /// Adds a connection. Call it on `$connect`.
    ///
    /// # Errors
    ///
    /// [`Error`] for a blank or over-long text, or an error of the store.
    pub async fn register(&self, connection_id: &str, topic: &str) -> Result<(), Error> {
        let register = self.registry.register(connection_id, topic, self.store.clock().now())?;
        drive(register, &self.store).await
    }

    /// Extends the time that a connection is kept. Call it on its messages.
    ///
    /// # Errors
    ///
    /// As [`register`](Self::register).
    pub async fn touch(&self, connection_id: &str) -> Result<Touched, Error> {
        let touch = self.registry.touch(connection_id, self.store.clock().now())?;
        drive(touch, &self.store).await
    }

    /// Removes a connection. Call it on `$disconnect`, and when the connection is gone.
    ///
    /// # Errors
    ///
    /// As [`register`](Self::register).
    pub async fn remove(&self, connection_id: &str) -> Result<(), Error> {
        drive(self.registry.remove(connection_id)?, &self.store).await
    }

    /// Reads a page of a topic's connections, after the cursor of the previous page.
    ///
    /// # Errors
    ///
    /// [`Error`] for a blank or over-long topic, or a cursor of another topic, or an error of the
    /// store.
    pub async fn list(
        &self,
        topic: &str,
        limit: NonZeroU32,
        cursor: Option<&str>,
    ) -> Result<ConnectionPage, Error> {
        let list = self.registry.list(topic, limit, cursor, self.store.clock().now())?;
        drive(list, &self.store).await
    }

    /// Returns the room of a topic.
    #[must_use]
    pub fn room(&self, topic: &str) -> Room {
        Room::new(self.clone(), topic)
    }

    pub(super) const fn store(&self) -> &Store {
        &self.store
    }
}
