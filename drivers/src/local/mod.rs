//! A server on this machine, for development and for tests.
//!
//! It stands in for the service in front of a function: it decides what a connection may send, and
//! when connections end. Responses go through the same frames as on Lambda, so that what is refused
//! there is refused here, and what is cut off there is cut off here. It refuses to know routes and
//! handlers: those are the [`App`]'s.
//!
//! ```
//! use apptheory::app::App;
//! use apptheory::local::Server;
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
//! let app = App::builder().get("/", async || "hello").build()?;
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
//! | handler or stream | dropped as soon as its client is gone |
//! | error before the first chunk | answered in place of the response |
//! | error after it | the body is cut off; behind `TE: trailers` it ends with the trailers that Lambda gets |

mod body;
mod connection;
mod error;

use core::future::Future;
use core::net::{Ipv4Addr, SocketAddr};
use core::pin::pin;
use core::time::Duration;
use std::io;

use apptheory_core::http::AppError;
use futures_util::future::{Either, select};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

pub use connection::{BUFFERED_TIME, MAX_BODY_BYTES, MAX_HEAD_BYTES};
pub use error::{ListenError, Trouble};

use crate::app::{App, Failure};
use crate::clock::Clock as _;

/// How long connections may take to finish after the server was told to stop, unless configured
/// otherwise: 10 s.
pub const DRAIN_TIME: Duration = Duration::from_secs(10);

/// An application on a port, ready to be served.
#[derive(Debug)]
pub struct Server {
    app: App,
    listener: TcpListener,
    address: SocketAddr,
    is_buffered: bool,
    drain_time: Duration,
}

impl Server {
    /// Listens on a port of the loopback address 127.0.0.1; 0 lets the system choose one.
    ///
    /// # Errors
    ///
    /// [`ListenError`] when the port is taken, or not for everyone to use.
    pub async fn bind(app: App, port: u16) -> Result<Self, ListenError> {
        Self::listen(app, SocketAddr::from((Ipv4Addr::LOCALHOST, port))).await
    }

    /// Listens on any address. One that other machines can reach is
    /// [told](crate::app::AppBuilder::on_failure) as [`Trouble::Exposed`]: this server knows neither
    /// TLS nor clients that mean harm.
    ///
    /// # Errors
    ///
    /// [`ListenError`] when the address is taken, not this machine's, or not for everyone to use.
    pub async fn bind_exposed(app: App, address: SocketAddr) -> Result<Self, ListenError> {
        let server = Self::listen(app, address).await?;
        if !server.address.ip().to_canonical().is_loopback() {
            tell(&server.app, Trouble::Exposed(server.address));
        }
        Ok(server)
    }

    async fn listen(app: App, address: SocketAddr) -> Result<Self, ListenError> {
        let failed = |source| ListenError { address, source };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        Ok(Self { app, listener, address, is_buffered: false, drain_time: DRAIN_TIME })
    }

    /// Answers streams in one piece, as services do that do not stream: with their length, and with
    /// an error in place of a stream that fails or exceeds the application's limit. As behind API
    /// Gateway, requests are told that they have [`BUFFERED_TIME`]: streams that heed a deadline
    /// end.
    #[must_use]
    pub fn buffered(self) -> Self {
        Self { is_buffered: true, ..self }
    }

    /// Gives connections another time to finish than [`DRAIN_TIME`].
    #[must_use]
    pub fn with_drain_time(self, drain_time: Duration) -> Self {
        Self { drain_time, ..self }
    }

    /// Where it listens.
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
        let mut connections = JoinSet::new();
        let graceful = GracefulShutdown::new();
        let mut stop = pin!(stop);
        loop {
            let accepted = match select(stop.as_mut(), pin!(self.listener.accept())).await {
                Either::Left(((), _)) => break,
                Either::Right((accepted, _)) => accepted,
            };
            while connections.try_join_next().is_some() {}
            match accepted {
                Ok((stream, peer)) => self.spawn(stream, peer, &graceful, &mut connections),
                Err(error) if is_of_connection(&error) => {}
                Err(error) => {
                    tell(&self.app, Trouble::NotAccepted(error));
                    let pause = self.app.clock().sleep(ACCEPT_PAUSE);
                    if let Either::Left(((), _)) = select(stop.as_mut(), pin!(pause)).await {
                        break;
                    }
                }
            }
        }
        let Self { app, listener, drain_time, .. } = self;
        drop(listener);
        let drained = pin!(graceful.shutdown());
        if let Either::Right(_) = select(drained, pin!(app.clock().sleep(drain_time))).await {
            while connections.try_join_next().is_some() {}
            tell(&app, Trouble::CutOff { connections: connections.len() });
        }
        connections.shutdown().await;
    }

    fn spawn(
        &self,
        stream: TcpStream,
        peer: SocketAddr,
        graceful: &GracefulShutdown,
        connections: &mut JoinSet<()>,
    ) {
        let app = self.app.clone();
        let connection = connection::serve(app.clone(), stream, peer, self.is_buffered);
        let connection = graceful.watch(connection);
        connections.spawn(async move {
            // Of all that can end a connection early, only what a client did wrong is news: that it
            // left is not, and streams that fail are told of where they do.
            if let Err(error) = connection.await
                && error.is_parse()
            {
                tell(&app, Trouble::Malformed(error));
            }
        });
    }
}

/// Tells the application of trouble that is no request's.
fn tell(app: &App, trouble: Trouble) {
    let error = AppError::internal().with_cause(trouble);
    app.tell(Failure { request_id: String::new(), error });
}

/// Whether accepting failed for one connection only, which its client has given up.
fn is_of_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};

    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted)
}

/// How long to wait before accepting again, when the system has no resources left for connections:
/// the next attempt would fail like the last.
const ACCEPT_PAUSE: Duration = Duration::from_secs(1);
