//! Fake clients, for tests.

use core::future::ready;
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use apptheory_core::gateway::{self, Connection, ConnectionOperation, MAX_DATA_BYTES};

use super::client::{
    ClientFuture, FactoryFuture, WebSocketClient, WebSocketClientFactory, WebSocketManagementClient,
};

/// A client that records calls, and responds as planned. Clones share the same client.
///
/// Every call is [recorded](Self::calls), also if it fails; a blank id is refused and not recorded.
/// The response is the first of: the next one [scripted](Self::script) for the operation; its
/// [standing error](Self::fail); the state of the connection. A lenient client treats every
/// connection as open, except for describing it, which fails as [not
/// found](gateway::ErrorKind::NotFound) unless it was connected. A [strict](Self::strict) client
/// has only connections that [were connected](Self::connect).
///
/// ```
/// use apptheory::websocket::{FakeWebSocketManagementClient, WebSocketManagementClient};
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let client = FakeWebSocketManagementClient::new("https://example.com/prod");
/// client.post_to_connection("c1", b"hello").await?;
/// assert_eq!(client.received("c1"), [b"hello"]);
/// # Ok::<(), apptheory::gateway::Error>(())
/// # }).unwrap();
/// ```
#[derive(Clone, Debug)]
pub struct FakeWebSocketManagementClient {
    endpoint: Arc<str>,
    is_strict: bool,
    state: Arc<Mutex<State>>,
    journal: Journal,
}

/// A recorded call.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RecordedCall {
    /// The client's endpoint.
    pub endpoint: String,
    /// The operation.
    pub operation: ConnectionOperation,
    /// The connection's id, trimmed.
    pub connection_id: String,
    /// The data that was sent; empty for other operations.
    pub data: Vec<u8>,
}

#[derive(Debug, Default)]
struct State {
    connections: BTreeMap<String, Connection>,
    received: BTreeMap<String, Vec<Vec<u8>>>,
    errors: BTreeMap<ConnectionOperation, gateway::Error>,
    scripts: BTreeMap<ConnectionOperation, VecDeque<Result<(), gateway::Error>>>,
}

/// The calls of one client, or of all clients of a factory, in order.
type Journal = Arc<Mutex<Vec<RecordedCall>>>;

impl FakeWebSocketManagementClient {
    /// Creates a lenient client for an endpoint, which is trimmed.
    #[must_use]
    pub fn new(endpoint: &str) -> Self {
        Self {
            endpoint: endpoint.trim().into(),
            is_strict: false,
            state: Arc::default(),
            journal: Journal::default(),
        }
    }

    /// Creates a client that responds as API Gateway does: unknown connections are gone, and data
    /// of more than 128 KiB is too large.
    #[must_use]
    pub fn strict(endpoint: &str) -> Self {
        Self { is_strict: true, ..Self::new(endpoint) }
    }

    /// Establishes a connection.
    pub fn connect(&self, connection_id: &str, connection: Connection) {
        self.state().connections.insert(connection_id.trim().to_owned(), connection);
    }

    /// Ends a connection, as if its client had left.
    pub fn disconnect(&self, connection_id: &str) {
        self.state().connections.remove(connection_id.trim());
    }

    /// Returns whether a connection was [established](Self::connect) and has not ended.
    #[must_use]
    pub fn is_connected(&self, connection_id: &str) -> bool {
        self.state().connections.contains_key(connection_id.trim())
    }

    /// Returns the data that a connection has got so far, in order, without calls that failed.
    #[must_use]
    pub fn received(&self, connection_id: &str) -> Vec<Vec<u8>> {
        self.state().received.get(connection_id.trim()).cloned().unwrap_or_default()
    }

    /// Makes an operation fail from now on; `None` ends that. A connection whose closing fails
    /// stays open.
    pub fn fail(&self, operation: ConnectionOperation, error: impl Into<Option<gateway::Error>>) {
        let mut state = self.state();
        match error.into() {
            Some(error) => state.errors.insert(operation, error),
            None => state.errors.remove(&operation),
        };
    }

    /// Scripts the responses to the next calls of an operation, one by one: `Ok` stands for the
    /// state of the connection.
    pub fn script(
        &self,
        operation: ConnectionOperation,
        outcomes: impl IntoIterator<Item = Result<(), gateway::Error>>,
    ) {
        self.state().scripts.entry(operation).or_default().extend(outcomes);
    }

    /// Returns all recorded calls, in order.
    #[must_use]
    pub fn calls(&self) -> Vec<RecordedCall> {
        let journal = locked(&self.journal);
        journal.iter().filter(|call| *call.endpoint == *self.endpoint).cloned().collect()
    }

    /// Records a call; returns its response unless that depends on the connection.
    fn take(
        &self,
        operation: ConnectionOperation,
        connection_id: &str,
        data: &[u8],
    ) -> Result<String, gateway::Error> {
        // Large data is recorded; only a strict fake refuses it.
        let id = operation.check(connection_id, &[])?.to_owned();
        locked(&self.journal).push(RecordedCall {
            endpoint: String::from(&*self.endpoint),
            operation,
            connection_id: id.clone(),
            data: data.to_vec(),
        });
        let mut state = self.state();
        match state.scripts.get_mut(&operation).and_then(VecDeque::pop_front) {
            Some(outcome) => outcome?,
            None => state.errors.get(&operation).map_or(Ok(()), |error| Err(error.clone()))?,
        }
        Ok(id)
    }

    fn post(&self, connection_id: &str, data: &[u8]) -> Result<(), gateway::Error> {
        const OPERATION: ConnectionOperation = ConnectionOperation::PostToConnection;
        let id = self.take(OPERATION, connection_id, data)?;
        if self.is_strict && data.len() > MAX_DATA_BYTES {
            return Err(gateway::Error::new(OPERATION, gateway::ErrorKind::PayloadTooLarge));
        }
        let mut state = self.state();
        if self.is_strict && !state.connections.contains_key(&id) {
            return Err(gateway::Error::new(OPERATION, gateway::ErrorKind::Gone));
        }
        state.received.entry(id).or_default().push(data.to_vec());
        Ok(())
    }

    fn get(&self, connection_id: &str) -> Result<Connection, gateway::Error> {
        const OPERATION: ConnectionOperation = ConnectionOperation::GetConnection;
        let id = self.take(OPERATION, connection_id, &[])?;
        let found = self.state().connections.get(&id).cloned();
        let missing =
            if self.is_strict { gateway::ErrorKind::Gone } else { gateway::ErrorKind::NotFound };
        found.ok_or_else(|| gateway::Error::new(OPERATION, missing))
    }

    fn delete(&self, connection_id: &str) -> Result<(), gateway::Error> {
        const OPERATION: ConnectionOperation = ConnectionOperation::DeleteConnection;
        let id = self.take(OPERATION, connection_id, &[])?;
        match self.state().connections.remove(&id) {
            None if self.is_strict => Err(gateway::Error::new(OPERATION, gateway::ErrorKind::Gone)),
            Some(_) | None => Ok(()),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        locked(&self.state)
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing panics while the lock is held, so a poisoned lock is still consistent.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl WebSocketManagementClient for FakeWebSocketManagementClient {
    fn endpoint(&self) -> &str {
        &self.endpoint
    }

    fn post_to_connection<'c>(&'c self, id: &'c str, data: &'c [u8]) -> ClientFuture<'c, ()> {
        Box::pin(ready(self.post(id, data)))
    }

    fn get_connection<'c>(&'c self, id: &'c str) -> ClientFuture<'c, Connection> {
        Box::pin(ready(self.get(id)))
    }

    fn delete_connection<'c>(&'c self, id: &'c str) -> ClientFuture<'c, ()> {
        Box::pin(ready(self.delete(id)))
    }
}

/// Fake clients, one per endpoint. Clones share the same factory.
#[derive(Clone, Debug, Default)]
pub struct FakeWebSocketClients {
    clients: Arc<Mutex<BTreeMap<String, FakeWebSocketManagementClient>>>,
    is_strict: bool,
    /// The state of the clients, if they share one.
    shared: Option<Arc<Mutex<State>>>,
    journal: Journal,
}

impl FakeWebSocketClients {
    /// Creates a factory of lenient clients.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Creates a factory of [strict](FakeWebSocketManagementClient::strict) clients.
    #[must_use]
    pub fn strict() -> Self {
        Self { is_strict: true, ..Self::default() }
    }

    /// Creates a factory of strict clients that know the same connections, whatever their
    /// endpoints, as on a local server.
    #[cfg(feature = "testkit")]
    pub(crate) fn of_one_api() -> Self {
        Self { shared: Some(Arc::default()), ..Self::strict() }
    }

    /// Returns the client for an endpoint, which is trimmed: the same one that the application
    /// sends with.
    #[must_use]
    pub fn at(&self, endpoint: &str) -> FakeWebSocketManagementClient {
        let endpoint = endpoint.trim();
        let mut clients = locked(&self.clients);
        let client =
            clients.entry(endpoint.to_owned()).or_insert_with(|| FakeWebSocketManagementClient {
                endpoint: endpoint.into(),
                is_strict: self.is_strict,
                state: self.shared.clone().unwrap_or_default(),
                journal: Arc::clone(&self.journal),
            });
        client.clone()
    }

    /// Returns the endpoints that clients were created for.
    #[must_use]
    pub fn endpoints(&self) -> Vec<String> {
        locked(&self.clients).keys().cloned().collect()
    }

    /// Returns all recorded calls of the clients, in order.
    #[must_use]
    pub fn calls(&self) -> Vec<RecordedCall> {
        locked(&self.journal).clone()
    }
}

impl WebSocketClientFactory for FakeWebSocketClients {
    fn client<'f>(&'f self, endpoint: &'f str) -> FactoryFuture<'f> {
        let client: WebSocketClient = Arc::new(self.at(endpoint));
        Box::pin(ready(Ok(client)))
    }
}
