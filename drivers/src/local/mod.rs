//! A server on this machine, for development and for tests.
//!
//! It stands in for the service in front of a function: it decides what a connection may send, and
//! when connections end. Responses go through the same frames as on Lambda, so that what is refused
//! there is refused here, and what is cut off there is cut off here. It refuses to know routes and
//! handlers: those are the [`AppService`]'s.
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
//! | | |
//! |---|---|
//! | protocol | HTTP/1.1 with keep-alive, and 1.0 |
//! | head of a request | up to [`MAX_HEAD_BYTES`], and a hundred fields; 431 beyond |
//! | body of a request | up to [`MAX_BODY_BYTES`], or what the application's own limit says; 413 beyond |
//! | malformed request | 400, and the connection ends |
//! | transfer coding that is not `chunked` | 501 |
//! | head that is not complete within [`READ_TIME`], also of the next request | the connection ends |
//! | body that is not | 408 |
//! | more than [`MAX_CONNECTIONS`] | 503, and the connection ends |
//! | handler or stream | dropped as soon as its client is gone |
//! | error before the first chunk | answered in place of the response |
//! | error after it | the body is cut off; behind `TE: trailers` it ends with the trailers that Lambda gets |
//!
//! `POST /2015-03-31/functions/function/invocations` invokes the application with an event of any kind,
//! and answers what Lambda answers: `aws lambda invoke --endpoint-url http://localhost:{port}
//! --function-name function --payload file://event.json answer.json`. An event names its own caller
//! and address, so only programs on this machine may send one, and no client may where the server is
//! [open](Server::open_to_every_host_and_page): the others get what the application answers. A proxy
//! on this machine must not pass the path on.
//!
//! A page of any site can have a developer's browser send requests to this machine. What such a page
//! must not do is refused before the application sees it:
//!
//! | request | |
//! |---|---|
//! | without a `host`, with several, or with one that cannot be read | 400 |
//! | for a host that is not `localhost`, a loopback address, or the address that is listened on, such as a name that DNS rebinds to this machine | 421 |
//! | other than `GET`, `HEAD`, `OPTIONS` and `TRACE`, for a WebSocket, or to `/@connections`, from a page of another origin (`origin`, `null` included, or `sec-fetch-site`) | 403 |
//!
//! Pages of this server, programs that are no browsers, and origins that the application's
//! [CORS](apptheory_core::http::exchange::Cors) lists by name are not refused.
//! [`open_to_every_host_and_page`](Server::open_to_every_host_and_page) turns the last two rows off.
//!
//! Time is the application's clock's. A [`ManualClock`](crate::clock::ManualClock) does not fit, as
//! every time limit is over at once: [`VirtualClock`](crate::clock::VirtualClock) is for tests.
//!
//! An application with [routes for WebSockets](crate::app::App::websocket) is also served as
//! behind a WebSocket API, on every path. With the feature `websocket`, what its handlers send goes
//! to this server, whatever factory of clients it has.
//!
//! | | |
//! |---|---|
//! | handshake | let in when `$connect` answers 2xx, or is not registered; else refused with its status, or 502 |
//! | text message | to the route that `$request.body.action` [names](Server::with_route_selection), else to `$default`, one after the other |
//! | message that nobody serves, failed invocation | the client is told so |
//! | answer to a message | nobody gets it: there are no route responses |
//! | binary message | closed with 1003 |
//! | frame over [`MAX_FRAME_BYTES`], message over 128 KiB | closed with 1009 |
//! | silence for [`IDLE_TIME`], age of [`LIFETIME`], server that stops | closed with 1001 |
//! | end, whoever caused it | `$disconnect`, once; not when the server is dropped |
//! | `POST`, `GET`, `DELETE /@connections/{id}` | API Gateway's management API, its errors included |

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
pub use error::{ListenError, Trouble};
pub use request_body::MAX_BODY_BYTES;
pub use signal::stop_signal;
pub use transport::READ_TIME;
pub use websocket::{IDLE_TIME, LIFETIME, MAX_FRAME_BYTES};

use crate::app::AppService;
use crate::clock::Clock as _;
use connection::Front;
use error::tell;
use websocket::{Gateway, Slot};

/// How many connections there are at a time, WebSockets included: 256, many times the six that a
/// browser opens to one host. The next one is answered 503, and ends.
pub const MAX_CONNECTIONS: usize = 256;

/// How long connections may take to finish after the server was told to stop, unless configured
/// otherwise: 10 s.
pub const DRAIN_TIME: Duration = Duration::from_secs(10);

/// An application on a port, ready to be served.
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
    /// Listens on a port of the loopback address 127.0.0.1; 0 lets the system choose one.
    ///
    /// # Errors
    ///
    /// [`ListenError`] when the port is taken, or not for everyone to use.
    pub async fn bind(app: AppService, port: u16) -> Result<Self, ListenError> {
        Self::listen(app, SocketAddr::from((Ipv4Addr::LOCALHOST, port))).await
    }

    /// Listens on any address. One that other machines can reach is
    /// [told](crate::app::App::on_failure) as [`Trouble::Exposed`]: this server knows neither
    /// TLS nor users. It answers for the address that a client reached, and for `localhost`, but not
    /// for other names of this machine.
    ///
    /// # Errors
    ///
    /// [`ListenError`] when the address is taken, not this machine's, or not for everyone to use.
    pub async fn bind_exposed(app: AppService, address: SocketAddr) -> Result<Self, ListenError> {
        let server = Self::listen(app, address).await?;
        if !server.address.ip().to_canonical().is_loopback() {
            tell(&server.app, Trouble::Exposed(server.address));
        }
        Ok(server)
    }

    async fn listen(app: AppService, address: SocketAddr) -> Result<Self, ListenError> {
        let failed = |source| ListenError { address, source };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let app = managing_connections_at(app, address);
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

    /// Answers streams in one piece, as services do that do not stream: with their length, and with
    /// an error in place of a stream that fails or exceeds the application's limit. As behind API
    /// Gateway, requests are told that they have [`BUFFERED_TIME`]: streams that heed a deadline
    /// end.
    #[must_use]
    pub fn buffered(self) -> Self {
        Self { is_buffered: true, ..self }
    }

    /// Answers requests for any host, and lets pages of every origin do what the server's own may.
    /// Choose it only where no browser that visits other sites can reach the server, or behind a
    /// proxy that renames the host: any page could otherwise read and change whatever the
    /// application holds. To let one front end in, list its origin in the application's
    /// [CORS](apptheory_core::http::exchange::Cors) instead.
    #[must_use]
    pub fn open_to_every_host_and_page(self) -> Self {
        Self { is_open: true, ..self }
    }

    /// Gives connections another time to finish than [`DRAIN_TIME`].
    #[must_use]
    pub fn with_drain_time(self, drain_time: Duration) -> Self {
        Self { drain_time, ..self }
    }

    /// Selects the routes of WebSocket messages by another expression than `$request.body.action`.
    #[must_use]
    pub fn with_route_selection(self, route_selection: RouteSelection) -> Self {
        Self { route_selection, ..self }
    }

    /// Returns where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `stop` is over.
    ///
    /// Then no connection is accepted any more, idle ones end, and requests at hand are answered.
    /// What is not finished within the drain time, by the application's clock, is dropped; streams
    /// that do not end by themselves always are. Dropping the future drops everything at once.
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
                        tell(&app, Trouble::Full);
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
                    tell(&app, Trouble::NotAccepted(error));
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
            tell(&app, Trouble::CutOff { connections: connections.len() });
        }
        connections.shutdown().await;
        app.flush().await;
    }
}

/// Says to a client that there is no room for it. Nothing is waited for: what a new connection is
/// sent fits into the system's buffers.
fn turn_away(app: &AppService, stream: TcpStream) {
    use std::io::Write as _;

    if let Ok(mut stream) = stream.into_std() {
        // A client that is gone need not know.
        let _ = stream.write_all(&refusal::of_connection(app));
    }
}

/// Serves a connection, whatever it becomes.
fn spawn(
    front: Front,
    stream: TcpStream,
    stopping: &CancellationToken,
    connections: &mut JoinSet<()>,
) {
    let (gateway, slot) = (Arc::clone(&front.gateway), front.slot.clone());
    let stopping = stopping.clone();
    connections.spawn(async move {
        // Of all that can end a connection early, only what a client did wrong is news: that it
        // left is not, and streams that fail are told of where they do.
        if let Err(error) = connection::serve(front, stream, &stopping).await
            && error.is_parse()
        {
            tell(gateway.app(), Trouble::Malformed(error));
        }
        if let Some(opening) = slot.take() {
            gateway.carry(opening, &stopping).await;
        }
    });
}

/// The same application, whose messages to connections come to the server at an address.
#[cfg(feature = "websocket")]
fn managing_connections_at(app: AppService, address: SocketAddr) -> AppService {
    use aws_credential_types::Credentials;

    use crate::websocket::AwsWebSocketClients;

    // Nobody looks at the signature, but there has to be one.
    let credentials = Credentials::new("local", "local", None, None, "apptheory::local");
    let clients = AwsWebSocketClients::new()
        .with_endpoint(format!("http://{}", reached_at(address)))
        .with_region("us-east-1")
        .with_credentials(credentials);
    app.with_websocket_clients(clients)
}

#[cfg(not(feature = "websocket"))]
const fn managing_connections_at(app: AppService, _: SocketAddr) -> AppService {
    app
}

/// Where this machine reaches what listens on an address, which may be any of its addresses.
fn reached_at(mut address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        address.set_ip(match address {
            SocketAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
            SocketAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
        });
    }
    address
}

/// Whether accepting failed for one connection only, which its client has given up.
fn is_of_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};

    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted)
}

/// How long to wait before accepting again, when the system has no resources left for connections:
/// the next attempt would fail like the last.
const ACCEPT_PAUSE: Duration = Duration::from_secs(1);
