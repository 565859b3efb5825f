//! Rooms: who is in one, and what everybody in it gets.

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

/// The connections of one topic; made by [`Connections::room`]. Clones are the same room, and
/// cheap.
///
/// A connection is in one room at a time. It is there until it leaves, or is found to be gone when
/// something is sent to it, or for at least two hours, the longest that API Gateway keeps one,
/// after it [joined](Self::join) or was [touched](Self::touch).
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

/// A room, and what sends to it; made by [`Room::through`].
#[derive(Clone, Debug)]
pub struct RoomSender {
    room: Room,
    broadcaster: Broadcaster,
}

/// What became of a broadcast to a room: who did not get it, and why.
#[derive(Clone, Debug, Default)]
pub struct RoomReport {
    /// What became of each connection in the room.
    pub sent: BroadcastReport,
    /// Connections that are gone, and could not be removed. They expire, or the next broadcast
    /// tries again.
    pub not_removed: Vec<(String, Error)>,
}

/// A broadcast did not reach everybody in a room, because who is in it was not found to the end, or
/// because there was nothing to send or to send with.
#[derive(Clone, Debug, thiserror::Error)]
pub enum BroadcastError {
    /// The value has no JSON form, or there is no client to send with. Nothing was sent.
    #[error(transparent)]
    Send(#[from] gateway::Error),
    /// The rest of the room was not found: the store did not answer, or the topic is blank or too
    /// long.
    #[error("the room was not found to its end; {} connections got it: {error}", .report.sent.delivered)]
    Room {
        /// Why.
        #[source]
        error: Error,
        /// What became of those who were found.
        report: Box<RoomReport>,
    },
}

/// As the error of the registry or of the management API.
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

    /// Lets a connection in: on `$connect`. It leaves the room that it was in.
    ///
    /// # Errors
    ///
    /// [`Error`] for a blank or over-long topic, or of the store.
    pub async fn join(&self, socket: &WebSocket) -> Result<(), Error> {
        self.connections.register(&socket.connection().connection_id, &self.topic).await
    }

    /// Keeps a connection in the room for longer: on a message from it. One that is in no room is
    /// let in, as one that was taken for gone before it was established.
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

    /// Lets a connection out: on `$disconnect`.
    ///
    /// # Errors
    ///
    /// [`Error`] of the store.
    pub async fn leave(&self, socket: &WebSocket) -> Result<(), Error> {
        self.connections.remove(&socket.connection().connection_id).await
    }

    /// Sends to the room with a [client](super::WebSocketClient), or with a [`Broadcaster`] that
    /// has settings of its own: for handlers that are not on a socket of the room's API. On one, it
    /// is [`WebSocket::broadcast`].
    pub fn through(&self, client: impl Into<Broadcaster>) -> RoomSender {
        let clock = self.connections.store().clock().clone();
        RoomSender { room: self.clone(), broadcaster: client.into().with_clock(clock) }
    }
}

impl RoomSender {
    /// Sends a value as JSON to everybody in the room, as [`send`](Self::send) does.
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

    /// Sends data to everybody in the room, page by page, and removes those that are gone; but not
    /// those of the last half minute, whose `$connect` may still be at work.
    ///
    /// # Errors
    ///
    /// [`BroadcastError`]. What becomes of a single connection is no error, and is reported.
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

/// How many connections are found, and sent to, before the next are looked for.
const PAGE: NonZeroU32 = match NonZeroU32::new(100) {
    Some(number) => number,
    None => NonZeroU32::MIN,
};
