//! A connection to the Runtime API.

use core::future::{Future, poll_fn};
use core::pin::{Pin, pin};
use core::sync::atomic::{AtomicBool, Ordering};
use core::task::Poll;
use std::io;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::FutureExt as _;
use futures_util::future::Fuse;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Either, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio_util::io::InspectReader;

use super::frames::FrameBody;

/// The body of a request: complete, or frames as they are made.
pub(super) type Body = Either<Full<Bytes>, FrameBody>;

/// A connection that its owner drives: it makes no progress in the background, and dropping it
/// drops what is still being sent.
pub(super) struct Connection {
    requests: SendRequest<Body>,
    driver: Driver,
    /// Whether any byte came back since the last request.
    was_answered: Arc<AtomicBool>,
}

/// Reads from and writes to the socket. Fused: polling it after its end does nothing.
type Driver = Pin<Box<Fuse<http1::Connection<TokioIo<Socket>, Body>>>>;

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
        let (requests, driver) = builder.handshake(TokioIo::new(socket)).await?;
        Ok(Self { requests, driver: Box::pin(driver.fuse()), was_answered })
    }

    /// Returns whether another request can be sent: the previous exchange is done, and the
    /// connection is open.
    pub(super) async fn is_ready(&mut self) -> bool {
        drive(&mut self.driver, self.requests.ready()).await.is_ok()
    }

    /// Sends a request, and waits for the head of the reply. The body may still be in flight then.
    pub(super) async fn send(
        &mut self,
        request: Request<Body>,
    ) -> Result<Response<Incoming>, hyper::Error> {
        self.was_answered.store(false, Ordering::Relaxed);
        let answer = self.requests.send_request(request);
        drive(&mut self.driver, answer).await
    }

    /// Returns whether any byte came back since the last request, even an incomplete head.
    pub(super) fn was_answered(&self) -> bool {
        self.was_answered.load(Ordering::Relaxed)
    }

    /// Reads the body of a reply.
    pub(super) async fn read(&mut self, body: Incoming) -> Result<Bytes, hyper::Error> {
        Ok(drive(&mut self.driver, body.collect()).await?.to_bytes())
    }

    /// Drives the connection until `future` is done.
    pub(super) async fn run<F: Future>(&mut self, future: F) -> F::Output {
        drive(&mut self.driver, future).await
    }
}

/// Runs a future that depends on the driver's progress.
async fn drive<F: Future>(driver: &mut Driver, future: F) -> F::Output {
    let mut future = pin!(future);
    poll_fn(|context| {
        // The future itself reports how the connection ended.
        let _: Poll<hyper::Result<()>> = driver.as_mut().poll(context);
        future.as_mut().poll(context)
    })
    .await
}
