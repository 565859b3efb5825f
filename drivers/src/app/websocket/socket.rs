//! The connection of a WebSocket handler.

use core::fmt;
use std::sync::Arc;

use apptheory_core::error::AppError;
use apptheory_core::events::WebSocketConnection;
use apptheory_core::gateway::{self, ConnectionOperation, ErrorKind, json_message};
use serde::Serialize;
use tokio::sync::OnceCell;

use super::Clients;
use crate::app::kind::Socket as SocketKind;
use crate::app::{Context, FromContext, OptionalFromContext};
use crate::websocket::{BroadcastError, Room, RoomReport, WebSocketClient};

/// The connection of a WebSocket event: its id, and the means to send to it. Clones share the same
/// connection.
///
/// ```
/// use apptheory::prelude::*;
///
/// async fn echo(socket: WebSocket, text: String) -> Result<(), AppError> {
///     socket.send(text.as_bytes()).await?;
///     Ok(())
/// }
///
/// let app = App::new().websocket("$default", echo).build()?;
/// # Ok::<(), BuildError>(())
/// ```
///
/// Handlers of WebSocket routes take it as an extractor. A handler that serves both requests and
/// messages takes an `Option<WebSocket>`, which is `None` for a request.
///
/// The connection does not exist before `$connect` was handled: sending earlier fails as
/// [gone](gateway::Error::is_gone). Behind a custom domain with an API mapping, events do not
/// contain the API's endpoint: set it on the [factory](crate::app::App::websocket_clients).
#[derive(Clone)]
pub struct WebSocket(Arc<Socket>);

struct Socket {
    connection: WebSocketConnection,
    clients: Clients,
    client: OnceCell<WebSocketClient>,
}

impl WebSocket {
    pub(super) fn new(connection: WebSocketConnection, clients: Clients) -> Self {
        Self(Arc::new(Socket { connection, clients, client: OnceCell::new() }))
    }

    /// Returns the connection's id, its event's type, and its management endpoint.
    #[must_use]
    pub fn connection(&self) -> &WebSocketConnection {
        &self.0.connection
    }

    /// Sends data to the connection.
    ///
    /// # Errors
    ///
    /// [`gateway::Error`].
    pub async fn send(&self, data: &[u8]) -> Result<(), gateway::Error> {
        let connection_id = &self.0.connection.connection_id;
        if connection_id.is_empty() {
            let operation = ConnectionOperation::PostToConnection;
            return Err(gateway::Error::new(operation, ErrorKind::EmptyConnectionId));
        }
        let client = self.client().await?;
        client.post_to_connection(connection_id, data).await
    }

    /// Sends a value as JSON, written by [`json_message`].
    ///
    /// # Errors
    ///
    /// [`gateway::Error`].
    pub async fn send_json<T>(&self, message: &T) -> Result<(), gateway::Error>
    where
        T: Serialize + Sync + ?Sized,
    {
        self.send(&json_message(message)?).await
    }

    /// Sends a value as JSON to everyone in a room, including this connection if it is in the room.
    /// Connections that are gone are removed from the room; the report lists those that did not get
    /// the message.
    ///
    /// # Errors
    ///
    /// [`BroadcastError`].
    pub async fn broadcast<T>(&self, room: &Room, value: &T) -> Result<RoomReport, BroadcastError>
    where
        T: Serialize + Sync + ?Sized,
    {
        room.through(Arc::clone(self.client().await?)).broadcast(value).await
    }

    /// Returns the client of the connection's API, for sending to other connections. The client is
    /// created at the first call, once per event; a failure is not cached.
    ///
    /// # Errors
    ///
    /// [`gateway::Error`] of kind [`MissingFactory`](ErrorKind::MissingFactory), or the factory's
    /// error.
    pub async fn client(&self) -> Result<&WebSocketClient, gateway::Error> {
        let Socket { connection, clients, client } = &*self.0;
        client.get_or_try_init(|| clients.client(&connection.management_endpoint)).await
    }
}

impl Context {
    /// Returns the connection of the message; `None` for a request.
    #[must_use]
    pub fn websocket(&self) -> Option<WebSocket> {
        self.extension::<WebSocket>().map(|socket| WebSocket::clone(&socket))
    }
}

impl<S> FromContext<S, SocketKind> for WebSocket {
    fn from_context(context: &Context, _: &S) -> Result<Self, AppError> {
        context.websocket().ok_or_else(|| AppError::internal().with_cause(NotOnAWebSocket))
    }
}

impl<S, K> OptionalFromContext<S, K> for WebSocket {
    fn optional_from_context(context: &Context, _: &S) -> Result<Option<Self>, AppError> {
        Ok(context.websocket())
    }
}

/// A middleware or an extractor of yours calls `WebSocket::from_context` for an HTTP request. A
/// handler of requests that takes a `WebSocket` does not compile.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the request did not come over a WebSocket: take an `Option<WebSocket>`")]
struct NotOnAWebSocket;

impl fmt::Debug for WebSocket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("WebSocket").field(&self.0.connection).finish()
    }
}
