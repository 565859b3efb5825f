//! Connections to a server: opened when they are needed, and kept while they are idle.

use core::error::Error;
use core::time::Duration;
use std::io;
use std::sync::{Arc, OnceLock};

use apptheory_core::time::Timestamp;
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_util::either::Either;

use super::endpoint::Endpoint;
use super::sign::Unsigned;
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

/// The largest reply: that of a batch or transaction of 16 MB, whose JSON escapes may be longer.
const MAX_REPLY_BYTES: usize = 64 << 20;

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
    /// It broke in the reply, or the reply is too large.
    #[error("the reply cannot be read")]
    Reply(#[source] Box<dyn Error + Send + Sync>),
}

impl Failure {
    /// Returns `timeout` or `unavailable`.
    pub(crate) const fn kind(&self) -> &'static str {
        match self {
            Self::ConnectTime => "timeout",
            Self::Connect(_)
            | Self::Untrusted(_)
            | Self::Trust(_)
            | Self::Broken(_)
            | Self::Unsigned(_)
            | Self::Reply(_) => "unavailable",
        }
    }

    /// Returns whether another attempt may succeed.
    pub(super) const fn is_transient(&self) -> bool {
        !matches!(self, Self::Untrusted(_) | Self::Trust(_) | Self::Unsigned(_))
    }
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
        let body = connection.run(Limited::new(body, MAX_REPLY_BYTES).collect()).await;
        let body = body.map_err(Failure::Reply)?.to_bytes();
        self.keep(connection);
        Ok(Response::from_parts(head, body))
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
