//! What a handler answers on.

use core::fmt;
use std::sync::Arc;

use apptheory_core::error::AppError;
use apptheory_core::events::WebSocketConnection;
use apptheory_core::gateway::{self, ConnectionOperation, ErrorKind, json_message};
use serde::Serialize;
use tokio::sync::OnceCell;

use crate::app::kind::Socket as SocketKind;
use crate::app::{Context, FromContext, OptionalFromContext};
use crate::websocket::{BroadcastError, Room, RoomReport, WebSocketClient, WebSocketClientFactory};

/// The connection that an event is about: which one it is, and the way to send to it. Clones are the
/// same connection.
///
/// As an extractor it is for handlers of WebSocket routes. A handler of requests and messages takes an
/// `Option<WebSocket>`, which is `None` for a request.
///
/// While `$connect` is handled there is no connection yet: sending to it then fails as
/// [gone](gateway::Error::is_gone). Behind a custom domain with an API mapping, events do not say where
/// the API is: configure the endpoint of the
/// [factory](crate::app::App::websocket_clients).
#[derive(Clone)]
pub struct WebSocket(Arc<Socket>);

struct Socket {
    connection: WebSocketConnection,
    clients: Option<Arc<dyn WebSocketClientFactory>>,
    client: OnceCell<WebSocketClient>,
}

impl WebSocket {
    pub(super) fn new(
        connection: WebSocketConnection,
        clients: Option<Arc<dyn WebSocketClientFactory>>,
    ) -> Self {
        Self(Arc::new(Socket { connection, clients, client: OnceCell::new() }))
    }

    /// Returns which connection it is, how its event came, and where it is managed.
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

    /// Sends a value as JSON, in the spelling of [`json_message`].
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

    /// Sends a value as JSON to everybody in a room, the connection itself among them if it is there.
    /// Those that are gone are removed from the room, and the report says who did not get it.
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

    /// Returns the client of the connection's API, for its other connections. It is made when it is
    /// first asked for, once for each event; a failure is not kept.
    ///
    /// # Errors
    ///
    /// [`gateway::Error`] of the kind [`MissingFactory`](ErrorKind::MissingFactory), or the
    /// factory's.
    pub async fn client(&self) -> Result<&WebSocketClient, gateway::Error> {
        let Socket { connection, clients, client } = &*self.0;
        client
            .get_or_try_init(|| async {
                let clients = clients.as_ref().ok_or(ErrorKind::MissingFactory)?;
                clients.client(&connection.management_endpoint).await
            })
            .await
    }
}

impl Context {
    /// Returns the connection that the request is about; `None` unless it came on a WebSocket.
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

/// A handler of HTTP requests asks for a WebSocket: a mistake of the application.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the request did not come on a WebSocket")]
struct NotOnAWebSocket;

impl fmt::Debug for WebSocket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("WebSocket").field(&self.0.connection).finish()
    }
}
