//! Clients that send nowhere, for tests.

use core::future::ready;
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use apptheory_core::gateway::{self, Connection, ConnectionOperation, MAX_DATA_BYTES};

use super::client::{
    ClientFuture, FactoryFuture, WebSocketClient, WebSocketClientFactory, WebSocketManagementClient,
};

/// A client that keeps what it is asked for, and answers as it is told to. Clones are the same
/// client.
///
/// Whatever is asked is [recorded](Self::calls) before it is answered, be the answer an error; a
/// blank id is refused and not recorded. Answers are, in this order: the next one that was
/// [scripted](Self::script) for the operation; its [standing error](Self::fail); and what becomes
/// of the connection. A lenient client takes every connection for open, except for asking about it:
/// that is [not found](gateway::ErrorKind::NotFound) unless it was connected. A
/// [strict](Self::strict) one knows those that [were connected](Self::connect).
#[derive(Clone, Debug)]
pub struct FakeWebSocketManagementClient {
    endpoint: Arc<str>,
    is_strict: bool,
    state: Arc<Mutex<State>>,
    journal: Journal,
}

/// Something that a fake client was asked for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RecordedCall {
    /// The client's endpoint.
    pub endpoint: String,
    /// What was asked for.
    pub operation: ConnectionOperation,
    /// The connection, its id trimmed.
    pub connection_id: String,
    /// What was sent; nothing where nothing is.
    pub data: Vec<u8>,
}

#[derive(Debug, Default)]
struct State {
    connections: BTreeMap<String, Connection>,
    received: BTreeMap<String, Vec<Vec<u8>>>,
    errors: BTreeMap<ConnectionOperation, gateway::Error>,
    scripts: BTreeMap<ConnectionOperation, VecDeque<Result<(), gateway::Error>>>,
}

/// What was asked, of one client or of all of a factory's, in order.
type Journal = Arc<Mutex<Vec<RecordedCall>>>;

impl FakeWebSocketManagementClient {
    /// A lenient client for an endpoint, which is trimmed.
    #[must_use]
    pub fn new(endpoint: &str) -> Self {
        Self::recording(endpoint, false, Journal::default())
    }

    /// A client that answers as API Gateway does: connections that are not there are gone, and data
    /// of more than 128 KiB is too large.
    #[must_use]
    pub fn strict(endpoint: &str) -> Self {
        Self::recording(endpoint, true, Journal::default())
    }

    fn recording(endpoint: &str, is_strict: bool, journal: Journal) -> Self {
        Self { endpoint: endpoint.trim().into(), is_strict, state: Arc::default(), journal }
    }

    /// Establishes a connection.
    pub fn connect(&self, connection_id: &str, connection: Connection) {
        self.state().connections.insert(connection_id.trim().to_owned(), connection);
    }

    /// Ends a connection, as a client that goes away does.
    pub fn disconnect(&self, connection_id: &str) {
        self.state().connections.remove(connection_id.trim());
    }

    /// Returns whether a connection was [established](Self::connect) and has not ended.
    #[must_use]
    pub fn is_connected(&self, connection_id: &str) -> bool {
        self.state().connections.contains_key(connection_id.trim())
    }

    /// Returns what has arrived at a connection so far, in order: unlike [`calls`](Self::calls),
    /// without what was answered with an error.
    #[must_use]
    pub fn received(&self, connection_id: &str) -> Vec<Vec<u8>> {
        self.state().received.get(connection_id.trim()).cloned().unwrap_or_default()
    }

    /// Lets an operation fail from now on; `None` mends it. A connection whose closing fails stays.
    pub fn fail(&self, operation: ConnectionOperation, error: impl Into<Option<gateway::Error>>) {
        let mut state = self.state();
        match error.into() {
            Some(error) => state.errors.insert(operation, error),
            None => state.errors.remove(&operation),
        };
    }

    /// Decides the answers to the next calls of an operation, one by one: `Ok` is whatever becomes
    /// of the connection.
    pub fn script(
        &self,
        operation: ConnectionOperation,
        outcomes: impl IntoIterator<Item = Result<(), gateway::Error>>,
    ) {
        self.state().scripts.entry(operation).or_default().extend(outcomes);
    }

    /// What was asked for so far, in order.
    #[must_use]
    pub fn calls(&self) -> Vec<RecordedCall> {
        let journal = locked(&self.journal);
        journal.iter().filter(|call| *call.endpoint == *self.endpoint).cloned().collect()
    }

    /// Records a call, and answers it unless the answer depends on the connection.
    fn take(
        &self,
        operation: ConnectionOperation,
        connection_id: &str,
        data: &[u8],
    ) -> Result<String, gateway::Error> {
        let id = connection_id.trim().to_owned();
        if id.is_empty() {
            return Err(gateway::Error::new(operation, gateway::ErrorKind::EmptyConnectionId));
        }
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
    // Nothing panics while one is locked: poisoning says nothing here.
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

/// Fake clients, one for each endpoint. Clones are the same factory.
#[derive(Clone, Debug, Default)]
pub struct FakeWebSocketClients {
    clients: Arc<Mutex<BTreeMap<String, FakeWebSocketManagementClient>>>,
    is_strict: bool,
    journal: Journal,
}

impl FakeWebSocketClients {
    /// A factory of lenient clients.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A factory of [strict](FakeWebSocketManagementClient::strict) clients.
    #[must_use]
    pub fn strict() -> Self {
        Self { is_strict: true, ..Self::default() }
    }

    /// The client for an endpoint, which is trimmed: the one that senders get.
    #[must_use]
    pub fn at(&self, endpoint: &str) -> FakeWebSocketManagementClient {
        let endpoint = endpoint.trim();
        let mut clients = locked(&self.clients);
        let client = clients.entry(endpoint.to_owned()).or_insert_with(|| {
            let journal = Arc::clone(&self.journal);
            FakeWebSocketManagementClient::recording(endpoint, self.is_strict, journal)
        });
        client.clone()
    }

    /// The endpoints that a client was made for.
    #[must_use]
    pub fn endpoints(&self) -> Vec<String> {
        locked(&self.clients).keys().cloned().collect()
    }

    /// What the clients were asked for so far, in order.
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
