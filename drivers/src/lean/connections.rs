//! Connections to a server: opened when they are needed, and kept while they are idle.

use core::time::Duration;
use std::io;
use std::sync::{Arc, OnceLock};

use apptheory_core::time::Timestamp;
use bytes::Bytes;
use http::response::Parts;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::client::conn::http1;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_util::either::Either;

use super::body::{self, Incomplete};
use super::endpoint::Endpoint;
use super::sign::Unsigned;
use crate::causes::causes;
use crate::clock::{Clock as _, SystemClock, before};
use crate::connection;
use crate::https::{AMAZON_ROOTS, BundleError, Roots, TRUST, Untrusted, is_untrusted};
use crate::snapshot::Forgotten;

/// How long it may take to connect: the AWS SDK's default.
const CONNECT_TIME: Duration = Duration::from_millis(3_100);

/// How long an idle connection is kept: as long as the AWS SDK does. A server or a network in
/// between may forget it earlier without a word.
const IDLE_TIME: Duration = Duration::from_secs(90);

/// How many idle connections are kept.
const MAX_IDLE: usize = 64;

pub(super) type Body = Full<Bytes>;

type Connection = connection::Connection<Either<TcpStream, TlsStream<TcpStream>>, Body>;

/// Why a request has no reply.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error("cannot connect")]
    Connect(#[source] io::Error),
    #[error("no connection within {CONNECT_TIME:?}")]
    ConnectTime,
    #[error(transparent)]
    Untrusted(Untrusted<io::Error>),
    #[error(transparent)]
    Trust(#[from] BundleError),
    #[error("the connection broke")]
    Broken(#[from] hyper::Error),
    #[error("the request cannot be signed")]
    Unsigned(#[from] Unsigned),
    /// The head of the reply came, but not all of its body.
    #[error("the reply with status {} is incomplete", head.status)]
    Reply { head: Box<Parts>, source: Incomplete },
}

impl Failure {
    /// Returns `timeout` or `unavailable`.
    pub(crate) const fn kind(&self) -> &'static str {
        match self {
            Self::ConnectTime | Self::Reply { source: Incomplete::Stalled, .. } => "timeout",
            Self::Connect(_)
            | Self::Untrusted(_)
            | Self::Trust(_)
            | Self::Broken(_)
            | Self::Unsigned(_)
            | Self::Reply { source: Incomplete::Broken(_) | Incomplete::TooLarge, .. } => {
                "unavailable"
            }
        }
    }

    /// Returns whether another attempt may succeed.
    pub(super) fn is_transient(&self) -> bool {
        match self {
            Self::Connect(_)
            | Self::ConnectTime
            | Self::Reply { source: Incomplete::Stalled, .. } => true,
            Self::Broken(error) | Self::Reply { source: Incomplete::Broken(error), .. } => {
                is_of_connection(error)
            }
            Self::Untrusted(_)
            | Self::Trust(_)
            | Self::Unsigned(_)
            | Self::Reply { source: Incomplete::TooLarge, .. } => false,
        }
    }
}

/// Returns whether a connection is to blame, and not a reply that is not HTTP: the AWS SDK sends
/// again after the same errors.
fn is_of_connection(error: &hyper::Error) -> bool {
    error.is_closed()
        || error.is_canceled()
        || error.is_timeout()
        || error.is_incomplete_message()
        || causes(error).any(|cause| cause.is::<io::Error>())
}

/// The connections to one server.
pub(super) struct Connections {
    endpoint: Endpoint,
    tls: OnceLock<TlsConnector>,
    /// A snapshot of the process must not contain connections.
    idle: Forgotten<Vec<Idle>>,
}

struct Idle {
    connection: Connection,
    since: Timestamp,
}

impl Connections {
    pub(super) fn new(endpoint: Endpoint) -> Self {
        Self { endpoint, tls: OnceLock::new(), idle: Forgotten::default() }
    }

    pub(super) const fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// Sends a request, and reads the whole reply. The request is sent again only if no byte of it
    /// left: the server had closed an idle connection.
    ///
    /// A connection is owned by its exchange, and idle again only after the whole reply. If this
    /// future is dropped, its connection is closed.
    pub(super) async fn send(
        &self,
        mut request: Request<Body>,
    ) -> Result<Response<Bytes>, Failure> {
        while let Some(mut connection) = self.take_idle() {
            if !connection.is_ready().await {
                continue;
            }
            match connection.send(request).await {
                Ok(reply) => return self.read(connection, reply).await,
                Err(mut error) => match error.take_message() {
                    Some(unsent) => request = unsent,
                    None => return Err(error.into_error().into()),
                },
            }
        }
        let mut connection = self.open().await?;
        let reply = connection.send(request).await.map_err(|error| error.into_error())?;
        self.read(connection, reply).await
    }

    async fn read(
        &self,
        mut connection: Connection,
        reply: Response<Incoming>,
    ) -> Result<Response<Bytes>, Failure> {
        let (head, body) = reply.into_parts();
        match connection.run(body::read(body, &SystemClock)).await {
            Ok(body) => {
                self.keep(connection);
                Ok(Response::from_parts(head, body))
            }
            Err(source) => Err(Failure::Reply { head: Box::new(head), source }),
        }
    }

    fn take_idle(&self) -> Option<Connection> {
        let oldest = SystemClock.now().saturating_sub(IDLE_TIME);
        self.idle.with(Vec::new, |idle| {
            let Idle { connection, since } = idle.pop()?;
            if since >= oldest {
                return Some(connection);
            }
            // All others have been idle for longer.
            idle.clear();
            None
        })
    }

    fn keep(&self, connection: Connection) {
        let idle = Idle { connection, since: SystemClock.now() };
        self.idle.with(Vec::new, |all| {
            if all.len() < MAX_IDLE {
                all.push(idle);
            }
        });
    }

    async fn open(&self) -> Result<Connection, Failure> {
        let opened = before(SystemClock.sleep(CONNECT_TIME), async {
            let Endpoint { host, port, is_https, .. } = &self.endpoint;
            let socket = TcpStream::connect((&**host, *port)).await.map_err(Failure::Connect)?;
            socket.set_nodelay(true).map_err(Failure::Connect)?;
            let socket = if *is_https {
                Either::Right(self.secure(socket).await?)
            } else {
                Either::Left(socket)
            };
            Ok(Connection::new(socket, &http1::Builder::new()).await?)
        });
        opened.await.unwrap_or(Err(Failure::ConnectTime))
    }

    async fn secure(&self, socket: TcpStream) -> Result<TlsStream<TcpStream>, Failure> {
        let host = &self.endpoint.host;
        let roots = TRUST.roots_for(&self.endpoint.origin)?;
        let name = ServerName::try_from(host.clone());
        let name = name.map_err(|error| Failure::Connect(io::Error::other(error)))?;
        let connector = match self.tls.get() {
            Some(connector) => connector,
            None => {
                let connector = connector(roots).map_err(Failure::Connect)?;
                self.tls.get_or_init(|| connector)
            }
        };
        connector.connect(name, socket).await.map_err(|source| {
            if !is_untrusted(&source) {
                return Failure::Connect(source);
            }
            Failure::Untrusted(Untrusted { host: host.clone(), roots: roots.name(), source })
        })
    }
}

/// Returns a connector that trusts these roots.
fn connector(roots: Roots<'_>) -> io::Result<TlsConnector> {
    let mut store = RootCertStore::empty();
    let pem = match roots {
        Roots::Amazon => AMAZON_ROOTS.as_bytes(),
        Roots::Bundle(pem) => pem,
        Roots::System => {
            store.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
            &[]
        }
    };
    // The certificates of a bundle were checked when it was read.
    store.add_parsable_certificates(CertificateDer::pem_slice_iter(pem).flatten());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider);
    let config = config.with_safe_default_protocol_versions().map_err(io::Error::other)?;
    Ok(Arc::new(config.with_root_certificates(store).with_no_client_auth()).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reply_that_stalls_is_a_time_out_and_one_that_is_too_large_is_not_asked_for_again() {
        let failure = |source| {
            let (head, ()) = Response::new(()).into_parts();
            Failure::Reply { head: Box::new(head), source }
        };
        for (source, kind, is_transient) in
            [(Incomplete::Stalled, "timeout", true), (Incomplete::TooLarge, "unavailable", false)]
        {
            let failure = failure(source);
            assert_eq!((failure.kind(), failure.is_transient()), (kind, is_transient), "{failure}");
        }
    }
}
