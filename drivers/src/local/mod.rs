//! A local server for development and tests.
//!
//! Needs the feature `local`.
//!
//! The server stands in for the service in front of a function: it limits what a connection may
//! send, and decides when connections end. Responses pass the same frames as on Lambda, so that
//! what is refused or cut off there is refused or cut off here. Routes and handlers are those of
//! the [`AppService`].
//!
//! ```
//! use apptheory::app::App;
//! use apptheory::local::Server;
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
//! let app = App::new().get("/", async || "hello").build()?;
//! let server = Server::bind(app, 0).await?;
//! println!("listening on http://{}", server.address());
//! let stop = async {}; // a signal, usually
//! server.serve(stop).await;
//! # Ok::<(), Box<dyn core::error::Error>>(())
//! # }).unwrap();
//! ```
//!
//! | Case | Behavior |
//! |---|---|
//! | protocol | HTTP/1.1 with keep-alive, and 1.0 |
//! | head of a request | up to [`MAX_HEAD_BYTES`] and 100 headers; 431 above |
//! | body of a request | up to [`MAX_BODY_BYTES`], or the application's own limit; 413 above |
//! | malformed request | 400, and the connection is closed |
//! | transfer coding that is not `chunked` | 501 |
//! | head, also of the next request, not complete within [`READ_TIME`] | the connection is closed |
//! | body not complete within [`READ_TIME`] | 408 |
//! | more than [`MAX_CONNECTIONS`] | 503, and the connection is closed |
//! | client disconnects | its handler or stream is dropped |
//! | error before the first chunk | the response is the error's |
//! | error after the first chunk | the body is cut off; with `TE: trailers`, it ends with the same trailers as on Lambda |
//!
//! `POST /2015-03-31/functions/function/invocations` invokes the application with any event, and
//! responds as Lambda does:
//!
//! ```text
//! aws lambda invoke --endpoint-url http://localhost:3000 --function-name function \
//!     --payload file://event.json answer.json
//! ```
//!
//! An event names its own caller and address, so only programs on this machine may send one, and
//! nobody may if the server is [open](Server::open_to_every_host_and_page): other clients get the
//! application's response for that path. A proxy on this machine must not forward the path.
//!
//! A page of any web site can make a developer's browser send requests to this machine. Requests
//! that such a page must not send are refused before the application sees them:
//!
//! | Request | Refused with |
//! |---|---|
//! | without a `host`, with several, or with a malformed `host` | 400 |
//! | for a host other than `localhost`, a loopback address, or the address that the server listens on, such as a name that DNS rebinds to this machine | 421 |
//! | other than `GET`, `HEAD`, `OPTIONS` and `TRACE`, for a WebSocket, or to `/@connections`, from a page of another origin (`origin`, `null` included, or `sec-fetch-site`) | 403 |
//!
//! Pages of this server, programs other than browsers, and origins that the application's
//! [CORS](apptheory_core::http::exchange::Cors) lists by name are not refused.
//! [`open_to_every_host_and_page`](Server::open_to_every_host_and_page) disables the last two rows.
//!
//! The server uses the application's clock. Do not use a
//! [`ManualClock`](crate::clock::ManualClock), with which every time limit expires at once; tests
//! use a [`VirtualClock`](crate::clock::VirtualClock).
//!
//! An application with [routes for WebSockets](crate::app::App::websocket) is also served as behind
//! a WebSocket API, on every path. With the feature `websocket` or `aws-lean`, its handlers send to
//! this server, whatever factory of clients it has.
//!
//! | Case | Behavior |
//! |---|---|
//! | handshake | accepted if `$connect` responds with 2xx or is not registered; else refused with its status, or 502 |
//! | text message | goes to the route that `$request.body.action` [names](Server::with_route_selection), else to `$default`, one after the other |
//! | message without a route, failed invocation | the client is notified |
//! | response to a message | is dropped: there are no route responses |
//! | binary message | the connection is closed with 1003 |
//! | frame above [`MAX_FRAME_BYTES`], message above 128 KiB | the connection is closed with 1009 |
//! | silence for [`IDLE_TIME`], age of [`LIFETIME`], stop of the server | the connection is closed with 1001 |
//! | end of the connection, for any reason | `$disconnect`, once; not when the server is dropped |
//! | `POST`, `GET`, `DELETE /@connections/{id}` | API Gateway's management API, including its errors |

mod connection;
mod error;
mod invocation;
mod refusal;
mod request_body;
mod signal;
mod transport;
mod websocket;

use core::future::Future;
use core::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use core::pin::pin;
use core::time::Duration;
use std::io;
use std::sync::Arc;

use apptheory_core::gateway::RouteSelection;
use apptheory_core::local::Origins;
use futures_util::future::{Either, select};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

pub use connection::{BUFFERED_TIME, MAX_HEAD_BYTES};
pub use error::{ListenError, ServerProblem};
pub use request_body::MAX_BODY_BYTES;
pub use signal::stop_signal;
pub use transport::READ_TIME;
pub use websocket::{IDLE_TIME, LIFETIME, MAX_FRAME_BYTES};

use crate::app::AppService;
use crate::clock::Clock as _;
use connection::Front;
use error::report;
use websocket::{Gateway, Slot};

/// The most concurrent connections, including WebSockets: 256, many times the six that a browser
/// opens to one host. Further connections get a 503 and are closed.
pub const MAX_CONNECTIONS: usize = 256;

/// The default time for connections to finish after the server was told to stop: 10 s.
pub const DRAIN_TIME: Duration = Duration::from_secs(10);

/// An application bound to a port, ready to serve.
///
/// ```no_run
/// use apptheory::app::App;
/// use apptheory::local::{Server, stop_signal};
///
/// # async fn serve() -> Result<(), Box<dyn std::error::Error>> {
/// let app = App::new().get("/", async || "hello").build()?;
/// Server::bind(app, 3000).await?.serve(stop_signal()?).await;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Server {
    app: AppService,
    listener: TcpListener,
    address: SocketAddr,
    is_buffered: bool,
    is_open: bool,
    drain_time: Duration,
    route_selection: RouteSelection,
}

impl Server {
    /// Listens on a port of the loopback address 127.0.0.1; with port 0 the system chooses one.
    ///
    /// # Errors
    ///
    /// [`ListenError`] if the port is in use, or needs privileges.
    pub async fn bind(app: AppService, port: u16) -> Result<Self, ListenError> {
        Self::listen(app, SocketAddr::from((Ipv4Addr::LOCALHOST, port))).await
    }

    /// Listens on any address. If other machines can reach it, that is
    /// [reported](crate::app::App::on_failure) as [`ServerProblem::Exposed`], because this server has
    /// neither TLS nor authentication. It serves requests for the address that a client reached,
    /// and for `localhost`, but not for other names of this machine.
    ///
    /// # Errors
    ///
    /// [`ListenError`] if the address is in use, does not belong to this machine, or needs
    /// privileges.
    pub async fn bind_exposed(app: AppService, address: SocketAddr) -> Result<Self, ListenError> {
        let server = Self::listen(app, address).await?;
        if !server.address.ip().to_canonical().is_loopback() {
            report(&server.app, ServerProblem::Exposed(server.address));
        }
        Ok(server)
    }

    async fn listen(app: AppService, address: SocketAddr) -> Result<Self, ListenError> {
        let failed = |source| ListenError { address, source };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let app = managing_connections_at(app.with_stocked_ids(), address);
        Ok(Self {
            app,
            listener,
            address,
            is_buffered: false,
            is_open: false,
            drain_time: DRAIN_TIME,
            route_selection: RouteSelection::default(),
        })
    }

    /// Buffers streams, as services without streaming do: responses have a length, and an error
    /// replaces a stream that fails or exceeds the application's limit. As behind API Gateway,
    /// requests have a deadline of [`BUFFERED_TIME`], so that streams that observe a deadline end.
    #[must_use]
    pub fn buffered(self) -> Self {
        Self { is_buffered: true, ..self }
    }

    /// Serves requests for any host, and allows pages of every origin what the server's own pages
    /// may do. Use it only if no browser that visits other sites can reach the server, or behind a
    /// proxy that rewrites the host: otherwise any page can read and change the application's data.
    /// To allow a single front end, list its origin in the application's
    /// [CORS](apptheory_core::http::exchange::Cors) instead.
    #[must_use]
    pub fn open_to_every_host_and_page(self) -> Self {
        Self { is_open: true, ..self }
    }

    /// Sets how long connections may take to finish, instead of [`DRAIN_TIME`].
    #[must_use]
    pub fn with_drain_time(self, drain_time: Duration) -> Self {
        Self { drain_time, ..self }
    }

    /// Sets the expression that selects the route of a WebSocket message; by default
    /// `$request.body.action`.
    #[must_use]
    pub fn with_route_selection(self, route_selection: RouteSelection) -> Self {
        Self { route_selection, ..self }
    }

    /// Returns the address that the server listens on.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `stop` completes.
    ///
    /// Then no more connections are accepted, idle ones are closed, and requests in progress are
    /// finished. Requests that are not finished within the drain time, by the application's clock,
    /// are dropped, and so are endless streams. Dropping the future drops everything at once.
    pub async fn serve(self, stop: impl Future<Output = ()>) {
        let Self { app, listener, address, is_buffered, is_open, drain_time, route_selection } =
            self;
        let gateway = Gateway::new(app.clone(), reached_at(address).to_string(), route_selection);
        let gateway = Arc::new(gateway);
        let origins = Origins { listening: address, is_open };
        let stopping = CancellationToken::new();
        let mut connections = JoinSet::new();
        let mut is_full = false;
        let mut stop = pin!(stop);
        loop {
            let accepted = match select(stop.as_mut(), pin!(listener.accept())).await {
                Either::Left(((), _)) => break,
                Either::Right((accepted, _)) => accepted,
            };
            while connections.try_join_next().is_some() {}
            let was_full = core::mem::replace(&mut is_full, connections.len() >= MAX_CONNECTIONS);
            match accepted {
                Ok((stream, _)) if is_full => {
                    if !was_full {
                        report(&app, ServerProblem::Full);
                    }
                    turn_away(&app, stream);
                }
                Ok((stream, peer)) => {
                    let reached = stream.local_addr().unwrap_or(address).ip();
                    let gateway = Arc::clone(&gateway);
                    let slot = Slot::default();
                    let front = Front { gateway, origins, peer, reached, is_buffered, slot };
                    spawn(front, stream, &stopping, &mut connections);
                }
                Err(error) if is_of_connection(&error) => {}
                Err(error) => {
                    report(&app, ServerProblem::NotAccepted(error));
                    let pause = app.clock().sleep(ACCEPT_PAUSE);
                    if let Either::Left(((), _)) = select(stop.as_mut(), pin!(pause)).await {
                        break;
                    }
                }
            }
        }
        drop(listener);
        stopping.cancel();
        let drained = Box::pin(async { while connections.join_next().await.is_some() {} });
        let late = pin!(app.clock().sleep(drain_time));
        let is_late = matches!(select(drained, late).await, Either::Right(_));
        if is_late {
            while connections.try_join_next().is_some() {}
            report(&app, ServerProblem::CutOff { connections: connections.len() });
        }
        connections.shutdown().await;
        app.flush().await;
    }
}

/// Tells a client that there are too many connections. It never waits: the response fits into the
/// system's buffers of a new connection.
fn turn_away(app: &AppService, stream: TcpStream) {
    use std::io::Write as _;

    if let Ok(mut stream) = stream.into_std() {
        // The client may be gone.
        let _ = stream.write_all(&refusal::of_connection(app));
    }
}

/// Spawns a task that serves a connection.
fn spawn(
    front: Front,
    stream: TcpStream,
    stopping: &CancellationToken,
    connections: &mut JoinSet<()>,
) {
    // Its own token, because every poll of a connection locks the one that it waits for.
    let stopping = stopping.child_token();
    connections.spawn(async move {
        // Report only a client's malformed request: a client that left is normal, and failed
        // streams report themselves.
        if let Err(error) = connection::serve(&front, stream, &stopping).await
            && error.is_parse()
        {
            report(front.gateway.app(), ServerProblem::Malformed(error));
        }
        if let Some(opening) = front.slot.take() {
            front.gateway.carry(opening, &stopping).await;
        }
    });
}

/// Returns the application with WebSocket clients that send to the server at an address.
#[cfg(any(feature = "aws-lean", feature = "websocket"))]
fn managing_connections_at(app: AppService, address: SocketAddr) -> AppService {
    app.with_clients_of_local_server(format!("http://{}", reached_at(address)))
}

#[cfg(not(any(feature = "aws-lean", feature = "websocket")))]
const fn managing_connections_at(app: AppService, _: SocketAddr) -> AppService {
    app
}

/// Returns the address at which this machine reaches a listener, which may listen on all of its
/// addresses.
fn reached_at(mut address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        address.set_ip(match address {
            SocketAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
            SocketAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
        });
    }
    address
}

/// Returns whether accepting failed for a single connection, which its client has closed.
fn is_of_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};

    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted)
}

/// How long to wait before accepting again when the system has no resources left: an immediate
/// attempt would fail as well.
const ACCEPT_PAUSE: Duration = Duration::from_secs(1);
