//! A connection to the Runtime API.

use core::future::Future;
use core::sync::atomic::{AtomicBool, Ordering};
use std::io;
use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Either, Full};
use hyper::body::Incoming;
use hyper::client::conn::TrySendError;
use hyper::client::conn::http1;
use tokio::net::TcpStream;
use tokio_util::io::InspectReader;

use super::frames::FrameBody;
use crate::connection;

/// The body of a request: complete, or frames as they are made.
pub(super) type Body = Either<Full<Bytes>, FrameBody>;

/// A connection that records whether the Runtime API answers.
pub(super) struct Connection {
    connection: connection::Connection<Socket, Body>,
    /// Whether any byte came back since the last request.
    was_answered: Arc<AtomicBool>,
}

/// A socket that records whether bytes were read from it.
type Socket = InspectReader<TcpStream, Box<dyn FnMut(&[u8]) + Send>>;

/// Why a request has no reply.
#[derive(Debug, thiserror::Error)]
pub(super) enum ConnectionError {
    /// The server does not listen.
    #[error("cannot connect: {0}")]
    Connect(#[source] io::Error),
    /// The request is malformed.
    #[error(transparent)]
    Request(#[from] http::Error),
    /// The connection broke.
    #[error(transparent)]
    Broken(#[from] hyper::Error),
}

/// The most bytes buffered for the socket, beside the chunk being written: hyper pulls another
/// chunk only below this size. The head of a reply has to fit, too: Lambda's may hold a client
/// context of 3583 bytes.
const BUFFER_BYTES: usize = 64 << 10;

impl Connection {
    pub(super) async fn open(host: &str) -> Result<Self, ConnectionError> {
        let stream = TcpStream::connect(host).await.map_err(ConnectionError::Connect)?;
        // Send small chunks at once.
        stream.set_nodelay(true).map_err(ConnectionError::Connect)?;
        let was_answered = Arc::new(AtomicBool::new(false));
        let heard = Arc::clone(&was_answered);
        let listen = move |bytes: &[u8]| {
            if !bytes.is_empty() {
                heard.store(true, Ordering::Relaxed);
            }
        };
        let socket: Socket = InspectReader::new(stream, Box::new(listen));
        let mut builder = http1::Builder::new();
        builder.max_buf_size(BUFFER_BYTES);
        let connection = connection::Connection::new(socket, &builder).await?;
        Ok(Self { connection, was_answered })
    }

    /// Returns whether another request can be sent: the previous exchange is done, and the
    /// connection is open.
    pub(super) async fn is_ready(&mut self) -> bool {
        self.connection.is_ready().await
    }

    /// Sends a request, and waits for the head of the reply. The body may still be in flight then.
    pub(super) async fn send(
        &mut self,
        request: Request<Body>,
    ) -> Result<Response<Incoming>, hyper::Error> {
        self.was_answered.store(false, Ordering::Relaxed);
        self.connection.send(request).await.map_err(TrySendError::into_error)
    }

    /// Returns whether any byte came back since the last request, even an incomplete head.
    pub(super) fn was_answered(&self) -> bool {
        self.was_answered.load(Ordering::Relaxed)
    }

    /// Reads the body of a reply.
    pub(super) async fn read(&mut self, body: Incoming) -> Result<Bytes, hyper::Error> {
        Ok(self.run(body.collect()).await?.to_bytes())
    }

    /// Drives the connection until `future` is done.
    pub(super) async fn run<F: Future>(&mut self, future: F) -> F::Output {
        self.connection.run(future).await
    }
}
