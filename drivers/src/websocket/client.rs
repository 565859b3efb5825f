//! Clients of the management API, and their factories.

use core::fmt;
use core::future::{Future, ready};
use core::pin::Pin;
use std::sync::Arc;

use apptheory_core::gateway::{self, Connection};

/// The future of an operation on a connection.
pub type ClientFuture<'c, T> = Pin<Box<dyn Future<Output = Result<T, gateway::Error>> + Send + 'c>>;

/// A type-erased client. Clones share the same client.
pub type WebSocketClient = Arc<dyn WebSocketManagementClient>;

/// Sends to, describes and closes connections of one WebSocket API. Implement it for a server other
/// than API Gateway.
///
/// Ids are trimmed; a blank id is refused before anything is sent. A connection that is closed, or
/// not yet established, is [gone](gateway::Error::is_gone): remove it from your records. A
/// connection is not established before `$connect` was handled.
pub trait WebSocketManagementClient: fmt::Debug + Send + Sync {
    /// Returns the API's endpoint, as configured.
    fn endpoint(&self) -> &str;

    /// Sends data to a connection: at most
    /// [`MAX_DATA_BYTES`](apptheory_core::gateway::MAX_DATA_BYTES) bytes; it may be empty.
    ///
    /// # Errors
    ///
    /// [`gateway::Error`]. If the outcome is lost, the client may have got the data.
    fn post_to_connection<'c>(
        &'c self,
        connection_id: &'c str,
        data: &'c [u8],
    ) -> ClientFuture<'c, ()>;

    /// Describes a connection.
    ///
    /// # Errors
    ///
    /// [`gateway::Error`].
    fn get_connection<'c>(&'c self, connection_id: &'c str) -> ClientFuture<'c, Connection>;

    /// Closes a connection.
    ///
    /// # Errors
    ///
    /// [`gateway::Error`]. If the outcome is lost, the connection may be closed.
    fn delete_connection<'c>(&'c self, connection_id: &'c str) -> ClientFuture<'c, ()>;
}

/// The future of creating a client.
pub type FactoryFuture<'f> =
    Pin<Box<dyn Future<Output = Result<WebSocketClient, gateway::Error>> + Send + 'f>>;

/// Creates clients for endpoints, or returns cached ones.
///
/// A function or closure from an endpoint to a client or an error is a factory.
///
/// ```
/// use apptheory::app::App;
/// use apptheory::websocket::FakeWebSocketClients;
///
/// let clients = FakeWebSocketClients::new();
/// let app = App::new().websocket_clients(clients);
/// ```
pub trait WebSocketClientFactory: Send + Sync {
    /// Returns the client for an endpoint, which is empty if the event does not name one.
    ///
    /// # Errors
    ///
    /// [`gateway::Error`]. A failure is not cached: the next send asks again.
    fn client<'f>(&'f self, endpoint: &'f str) -> FactoryFuture<'f>;
}

impl<F> WebSocketClientFactory for F
where
    F: Fn(&str) -> Result<WebSocketClient, gateway::Error> + Send + Sync,
{
    fn client<'f>(&'f self, endpoint: &'f str) -> FactoryFuture<'f> {
        Box::pin(ready(self(endpoint)))
    }
}
