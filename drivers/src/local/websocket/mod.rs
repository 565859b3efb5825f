//! WebSockets, served as API Gateway serves them to a function.
//!
//! A connection becomes events: `$connect` for its handshake, one for every message, and
//! `$disconnect` for its end, whatever the reason. The application gets them through
//! [`App::invoke`], as on AWS.

mod handshake;
mod management;
mod socket;

use core::net::SocketAddr;
use core::time::Duration;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use apptheory_core::gateway::{Connection, RouteSelection};
use apptheory_core::http::RawRequest;
use apptheory_core::local::{ConnectAnswer, WebSocketPeer, handshake_key};
use apptheory_core::time::Timestamp;
use bytes::Bytes;
use futures_util::future::join;
use http_body_util::Full;
use hyper::body::{Body as _, Incoming};
use hyper::upgrade::OnUpgrade;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::{CancellationToken, DropGuard};

use super::connection::BUFFERED_TIME;
use super::error::{ServerProblem, report};
use crate::app::{AppService, Invocation};
use crate::clock::Clock as _;
use socket::{End, Socket};

/// The largest frame of a message: 32 KiB (API Gateway limit). A larger frame closes the connection
/// with 1009, and so does a message above
/// [`MAX_DATA_BYTES`](apptheory_core::gateway::MAX_DATA_BYTES).
pub const MAX_FRAME_BYTES: usize = 32 << 10;

/// How long a connection may be silent in both directions before it is closed with 1001: 10 min
/// (API Gateway limit).
pub const IDLE_TIME: Duration = Duration::from_secs(600);

/// How long a connection may last before it is closed with 1001: 2 h (API Gateway limit).
pub const LIFETIME: Duration = Duration::from_secs(7_200);

/// How many messages of a connection may wait for the handler. With more, the server stops reading
/// from the connection.
const WAITING_MESSAGES: usize = 16;

/// Connects the WebSockets of a server with its application.
pub(super) struct Gateway {
    app: AppService,
    domain: String,
    selection: RouteSelection,
    established: Mutex<BTreeMap<String, Established>>,
}

/// A connection that can be sent to. Dropping it closes the connection.
struct Established {
    known: Connection,
    posts: mpsc::Sender<Post>,
    _closes: DropGuard,
}

/// Data to send to a client.
struct Post {
    data: Vec<u8>,
    /// Completes when the data is sent.
    sent: oneshot::Sender<()>,
}

/// A connection during its handshake.
pub(super) struct Opening {
    client: Arc<WebSocketPeer>,
    upgrade: OnUpgrade,
    posts: mpsc::Receiver<Post>,
    /// Cancelled when the connection is to be closed.
    closing: CancellationToken,
}

/// Passes a connection from its handshake to the task that runs it.
#[derive(Clone, Default)]
pub(super) struct Slot(Arc<Mutex<Option<Opening>>>);

impl Slot {
    fn put(&self, opening: Opening) {
        *locked(&self.0) = Some(opening);
    }

    pub(super) fn take(&self) -> Option<Opening> {
        locked(&self.0).take()
    }
}

impl Gateway {
    pub(super) fn new(app: AppService, domain: String, selection: RouteSelection) -> Self {
        Self { app, domain, selection, established: Mutex::default() }
    }

    pub(super) const fn app(&self) -> &AppService {
        &self.app
    }

    /// Responds to a handshake as the route `$connect` decides; without such a route, every client
    /// is accepted.
    ///
    /// The connection is put into `slot` first: a client that does not wait for the response, while
    /// the handler runs, is disconnected like any other.
    pub(super) async fn connect(
        &self,
        mut upgraded: http::Request<Incoming>,
        request: &RawRequest<'_>,
        peer: SocketAddr,
        slot: &Slot,
    ) -> http::Response<Full<Bytes>> {
        let key = match handshake_key(request) {
            Ok(key) => key,
            Err(status) => return handshake::refuse(status),
        };
        // A body would be read as the first frames.
        if !upgraded.body().is_end_stream() {
            return handshake::refuse(400);
        }
        let upgrade = hyper::upgrade::on(&mut upgraded);
        let client = Arc::new(self.client(request, peer));
        let (posts, posted) = mpsc::channel(1);
        let closing = CancellationToken::new();
        let _closes = closing.clone().drop_guard();
        slot.put(Opening { client: Arc::clone(&client), upgrade, posts: posted, closing });
        let answer = self.ask(&client, request).await;
        if !answer.lets_in() {
            slot.take();
            return handshake::refuse(answer.status);
        }
        let known = client.connection();
        self.established().insert(client.id.clone(), Established { known, posts, _closes });
        handshake::switch(key, answer.protocol.as_deref())
    }

    fn client(&self, request: &RawRequest<'_>, address: SocketAddr) -> WebSocketPeer {
        WebSocketPeer {
            id: self.app.new_id(),
            address,
            agent: request.headers.get("user-agent").unwrap_or_default().to_owned(),
            connected_at: self.app.clock().now(),
            domain: self.domain.clone(),
        }
    }

    async fn ask(&self, client: &WebSocketPeer, request: &RawRequest<'_>) -> ConnectAnswer {
        if !self.app.has_websocket_route("$connect") {
            return ConnectAnswer::WELCOME;
        }
        let request_id = self.app.new_id();
        let event = client.connect(&request_id, client.connected_at, request);
        ConnectAnswer::read(self.invoke(client, request_id, &event).await.as_deref())
    }

    /// Runs a connection to its end. `$disconnect` is sent when all messages are handled, during
    /// the closing handshake.
    pub(super) async fn carry(&self, opening: Opening, stopping: &CancellationToken) {
        let Opening { client, upgrade, posts, closing } = opening;
        let Ok(upgraded) = upgrade.await else {
            self.forget(&client.id);
            return self.disconnect(&client, &End::Lost).await;
        };
        let clock = self.app.clock().clone();
        let mut socket = Socket::new(upgraded, clock, client.connected_at).await;
        let (messages, arrived) = mpsc::channel(WAITING_MESSAGES);
        let (tell_end, end) = oneshot::channel();
        let talk = async {
            let is_active = |at| self.note_activity(&client.id, at);
            let end = socket.talk(messages, posts, &closing, stopping, is_active).await;
            self.forget(&client.id);
            // Joined below.
            let _ = tell_end.send(end.clone());
            socket.close(&end).await;
        };
        let serve = async {
            self.handle(&client, arrived).await;
            self.disconnect(&client, &end.await.unwrap_or(End::Lost)).await;
        };
        join(talk, serve).await;
    }

    async fn disconnect(&self, client: &WebSocketPeer, end: &End) {
        if self.app.has_websocket_route("$disconnect") {
            let request_id = self.app.new_id();
            let event =
                client.disconnect(&request_id, self.app.clock().now(), end.code(), end.reason());
            self.invoke(client, request_id, &event).await;
        }
    }

    /// Handles the messages of a connection, one after the other.
    async fn handle(&self, client: &WebSocketPeer, mut messages: mpsc::Receiver<String>) {
        let is_served = |route_key: &str| self.app.has_websocket_route(route_key);
        while let Some(message) = messages.recv().await {
            let request_id = self.app.new_id();
            let Some(route_key) = self.selection.route(&message, is_served) else {
                self.notify(client, &request_id, "Forbidden").await;
                continue;
            };
            let now = self.app.clock().now();
            let event = client.message(&route_key, &request_id, now, &message);
            if self.invoke(client, request_id.clone(), &event).await.is_none() {
                self.notify(client, &request_id, "Internal server error").await;
            }
        }
    }

    /// Notifies a client of a failed message, with API Gateway's text.
    async fn notify(&self, client: &WebSocketPeer, request_id: &str, message: &str) {
        if let Some(posts) = self.posts(&client.id) {
            let data = client.notice(request_id, message).into_bytes();
            // The client may be gone.
            let _ = posts.send(Post { data, sent: oneshot::channel().0 }).await;
        }
    }

    /// Returns the response to an event; `None` if the invocation fails.
    async fn invoke(
        &self,
        client: &WebSocketPeer,
        request_id: String,
        event: &str,
    ) -> Option<String> {
        let deadline = self.app.clock().now().saturating_add(BUFFERED_TIME);
        let (deadline, peer) = (Some(deadline), Some(client.address));
        let invocation = Invocation { request_id, deadline, peer, ..Invocation::default() };
        let invoked = self.app.invoke(event, invocation).await;
        self.app.flush().await;
        invoked.map_err(|error| report(&self.app, ServerProblem::NotInvoked(error))).ok()
    }

    fn note_activity(&self, connection_id: &str, at: Timestamp) {
        if let Some(established) = self.established().get_mut(connection_id) {
            established.known.last_active_at = Some(at);
        }
    }

    /// Returns the channel to a connection.
    fn posts(&self, connection_id: &str) -> Option<mpsc::Sender<Post>> {
        self.established().get(connection_id.trim()).map(|found| found.posts.clone())
    }

    /// Removes a connection from those that can be sent to, which closes it.
    fn forget(&self, connection_id: &str) -> Option<Established> {
        self.established().remove(connection_id.trim())
    }

    fn established(&self) -> MutexGuard<'_, BTreeMap<String, Established>> {
        locked(&self.established)
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing panics while the lock is held, so a poisoned lock is still consistent.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
