//! Rooms: sending to all connections of a topic.

use core::num::NonZeroU32;
use std::collections::BTreeSet;
use std::sync::Arc;

use apptheory_core::error::AppError;
use apptheory_core::gateway::{self, BroadcastReport, json_message};
use apptheory_core::registry::{ConnectionPage, Error, Touched};
use serde::Serialize;

use super::broadcast::Broadcaster;
use super::connections::Connections;
use crate::app::WebSocket;
use crate::clock::Clock as _;

/// The connections of one topic; made by [`Connections::room`]. Clones share the same room, and are
/// cheap.
///
/// A connection is in one room at a time. It stays until it leaves, or is found to be gone when
/// something is sent to it, or for at least two hours after it [joined](Self::join) or was
/// [touched](Self::touch); API Gateway keeps no connection longer than that.
///
/// ```
/// use apptheory::Store;
/// use apptheory::app::{App, Json, State, WebSocket};
/// use apptheory::error::AppError;
/// use apptheory::websocket::{Connections, Room};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Deserialize, Serialize)]
/// struct Said {
///     text: String,
/// }
///
/// async fn enter(State(room): State<Room>, socket: WebSocket) -> Result<(), AppError> {
///     Ok(room.join(&socket).await?)
/// }
///
/// async fn say(
///     State(room): State<Room>,
///     socket: WebSocket,
///     Json(said): Json<Said>,
/// ) -> Result<(), AppError> {
///     room.touch(&socket).await?;
///     socket.broadcast(&room, &said).await?;
///     Ok(())
/// }
///
/// async fn leave(State(room): State<Room>, socket: WebSocket) -> Result<(), AppError> {
///     Ok(room.leave(&socket).await?)
/// }
///
/// let app = App::with_state(Connections::on(&Store::memory()).room("lobby"))
///     .websocket("$connect", enter)
///     .websocket("$disconnect", leave)
///     .websocket("$default", say)
///     .build()?;
/// # Ok::<(), apptheory::app::BuildError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Room {
    connections: Connections,
    topic: Arc<str>,
}

/// A room with a client to send with; made by [`Room::through`].
#[derive(Clone, Debug)]
pub struct RoomSender {
    room: Room,
    broadcaster: Broadcaster,
}

/// The result of a broadcast to a room: which connections did not get it, and why.
#[derive(Clone, Debug, Default)]
pub struct RoomReport {
    /// The result for each connection in the room.
    pub sent: BroadcastReport,
    /// Connections that are gone and could not be removed. They expire, or the next broadcast
    /// removes them.
    pub not_removed: Vec<(String, Error)>,
}

/// A broadcast did not reach everyone in a room: the list of its connections could not be read
/// completely, or there was nothing to send or to send with.
#[derive(Clone, Debug, thiserror::Error)]
pub enum BroadcastError {
    /// The value cannot be written as JSON, or there is no client to send with. Nothing was sent.
    #[error(transparent)]
    Send(#[from] gateway::Error),
    /// The rest of the room could not be read: the store did not respond, or the topic is blank or
    /// too long.
    #[error("the room could not be read completely; {} connections got the message: {error}", .report.sent.delivered)]
    Room {
        /// The reason.
        #[source]
        error: Error,
        /// The result for the connections that were read.
        report: Box<RoomReport>,
    },
}

/// Returns the error of the registry or of the management API.
impl From<BroadcastError> for AppError {
    fn from(error: BroadcastError) -> Self {
        match error {
            BroadcastError::Send(error) => error.into(),
            BroadcastError::Room { error, .. } => error.into(),
        }
    }
}

impl Room {
    pub(super) fn new(connections: Connections, topic: &str) -> Self {
        Self { connections, topic: topic.into() }
    }

    /// Adds a connection to the room, and removes it from its previous room. Call it on `$connect`.
    ///
    /// # Errors
    ///
    /// [`Error`] for a blank or over-long topic, or an error of the store.
    pub async fn join(&self, socket: &WebSocket) -> Result<(), Error> {
        self.connections.register(&socket.connection().connection_id, &self.topic).await
    }

    /// Keeps a connection in the room for longer. Call it on its messages. A connection that is in
    /// no room is added, for instance if it was removed before it was established.
    ///
    /// # Errors
    ///
    /// As [`join`](Self::join).
    pub async fn touch(&self, socket: &WebSocket) -> Result<(), Error> {
        match self.connections.touch(&socket.connection().connection_id).await? {
            Touched::Kept => Ok(()),
            Touched::Unknown => self.join(socket).await,
        }
    }

    /// Removes a connection from the room. Call it on `$disconnect`.
    ///
    /// # Errors
    ///
    /// [`Error`] of the store.
    pub async fn leave(&self, socket: &WebSocket) -> Result<(), Error> {
        self.connections.remove(&socket.connection().connection_id).await
    }

    /// Returns the room with a [client](super::WebSocketClient) to send with, or a [`Broadcaster`]
    /// with settings of its own. Use it in handlers of other events; handlers of messages call
    /// [`WebSocket::broadcast`].
    pub fn through(&self, client: impl Into<Broadcaster>) -> RoomSender {
        let clock = self.connections.store().clock().clone();
        RoomSender { room: self.clone(), broadcaster: client.into().with_clock(clock) }
    }
}

impl RoomSender {
    /// Sends a value as JSON to everyone in the room, as [`send`](Self::send) does.
    ///
    /// # Errors
    ///
    /// [`BroadcastError`].
    pub async fn broadcast<T>(&self, value: &T) -> Result<RoomReport, BroadcastError>
    where
        T: Serialize + Sync + ?Sized,
    {
        self.send(&json_message(value)?).await
    }

    /// Sends data to everyone in the room, page by page, and removes connections that are gone,
    /// except those that joined in the last 30 s, whose `$connect` may not be finished.
    ///
    /// # Errors
    ///
    /// [`BroadcastError`]. Failures of single connections are not errors: see the report.
    pub async fn send(&self, data: &[u8]) -> Result<RoomReport, BroadcastError> {
        let mut report = RoomReport::default();
        let mut cursor = None;
        loop {
            let connections = &self.room.connections;
            let page = match connections.list(&self.room.topic, PAGE, cursor.as_deref()).await {
                Ok(page) => page,
                Err(error) => {
                    return Err(BroadcastError::Room { error, report: Box::new(report) });
                }
            };
            cursor = page.next.clone();
            self.send_page(page, data, &mut report).await;
            if cursor.is_none() {
                return Ok(report);
            }
        }
    }

    async fn send_page(&self, page: ConnectionPage, data: &[u8], report: &mut RoomReport) {
        let connections = &self.room.connections;
        let now = connections.store().clock().now();
        let opening = page.connections.iter().filter(|known| known.may_be_opening(now));
        let opening: BTreeSet<_> = opening.map(|known| known.connection_id.clone()).collect();
        let ids = page.connections.into_iter().map(|connection| connection.connection_id);
        let sent = self.broadcaster.send(ids, data).await;
        for id in sent.gone.iter().filter(|id| !opening.contains(*id)) {
            if let Err(error) = connections.remove(id).await {
                report.not_removed.push((id.clone(), error));
            }
        }
        report.sent.delivered = report.sent.delivered.saturating_add(sent.delivered);
        report.sent.gone.extend(sent.gone);
        report.sent.failed.extend(sent.failed);
    }
}

/// How many connections are read, and sent to, at a time.
const PAGE: NonZeroU32 = match NonZeroU32::new(100) {
    Some(number) => number,
    None => NonZeroU32::MIN,
};
