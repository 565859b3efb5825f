//! What a client of the management API does, and who makes one.

use core::fmt;
use core::future::{Future, ready};
use core::pin::Pin;
use std::sync::Arc;

use apptheory_core::gateway::{self, Connection};

/// The result of an operation on a connection.
pub type ClientFuture<'c, T> = Pin<Box<dyn Future<Output = Result<T, gateway::Error>> + Send + 'c>>;

/// A client of any type. Clones are the same client.
pub type WebSocketClient = Arc<dyn WebSocketManagementClient>;

/// Sends to, asks about and closes the connections of one WebSocket API.
///
/// Ids are trimmed; a blank one is refused before anything is sent. A connection that is closed, or
/// not established yet, is [gone](gateway::Error::is_gone): forget it. While the route of
/// `$connect` runs there is no connection yet.
pub trait WebSocketManagementClient: fmt::Debug + Send + Sync {
    /// Where the API is, as it was configured.
    fn endpoint(&self) -> &str;

    /// Sends data to a connection: at most
    /// [`MAX_DATA_BYTES`](apptheory_core::gateway::MAX_DATA_BYTES) bytes, or none at all.
    ///
    /// # Errors
    ///
    /// [`gateway::Error`]. If the outcome is lost, the client may have got the data.
    fn post_to_connection<'c>(
        &'c self,
        connection_id: &'c str,
        data: &'c [u8],
    ) -> ClientFuture<'c, ()>;

    /// Asks about a connection.
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

/// The result of making a client.
pub type FactoryFuture<'f> =
    Pin<Box<dyn Future<Output = Result<WebSocketClient, gateway::Error>> + Send + 'f>>;

/// Makes clients for endpoints, or hands out those that it made before.
///
/// A function or closure of an endpoint that returns a client or an error is one.
pub trait WebSocketClientFactory: Send + Sync {
    /// The client for an endpoint, which is empty where the event does not tell one.
    ///
    /// # Errors
    ///
    /// [`gateway::Error`]. It is not remembered: the next send asks again.
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
