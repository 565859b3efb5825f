//! An HTTP/1.1 connection that its owner drives.

use core::future::{Future, poll_fn};
use core::pin::{Pin, pin};
use core::task::Poll;

use futures_util::FutureExt as _;
use futures_util::future::Fuse;
use http::{Request, Response};
use http_body::Body;
use hyper::body::Incoming;
use hyper::client::conn::TrySendError;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};

/// A connection over a socket `S` for requests with a body `B`. It makes no progress in the
/// background, and dropping it drops what is still being sent.
pub(crate) struct Connection<S, B>
where
    S: AsyncRead + AsyncWrite + Unpin,
    B: Body<Data: Send, Error: Into<Box<dyn core::error::Error + Send + Sync>>> + 'static,
{
    requests: SendRequest<B>,
    driver: Driver<S, B>,
}

/// Reads from and writes to the socket. Fused: polling it after its end does nothing.
type Driver<S, B> = Pin<Box<Fuse<http1::Connection<TokioIo<S>, B>>>>;

impl<S, B> Connection<S, B>
where
    S: AsyncRead + AsyncWrite + Unpin,
    B: Body<Data: Send, Error: Into<Box<dyn core::error::Error + Send + Sync>>> + 'static,
{
    /// Starts to use a socket.
    pub(crate) async fn new(socket: S, builder: &http1::Builder) -> Result<Self, hyper::Error> {
        let (requests, driver) = builder.handshake(TokioIo::new(socket)).await?;
        Ok(Self { requests, driver: Box::pin(driver.fuse()) })
    }

    /// Returns whether another request can be sent: the previous exchange is done, and the
    /// connection is open.
    pub(crate) async fn is_ready(&mut self) -> bool {
        drive(&mut self.driver, self.requests.ready()).await.is_ok()
    }

    /// Sends a request, and waits for the head of the reply. The body may still be in flight then.
    /// The error returns the request if no byte of it was sent.
    pub(crate) async fn send(
        &mut self,
        request: Request<B>,
    ) -> Result<Response<Incoming>, TrySendError<Request<B>>> {
        let answer = self.requests.try_send_request(request);
        drive(&mut self.driver, answer).await
    }

    /// Drives the connection until `future` is done.
    pub(crate) async fn run<F: Future>(&mut self, future: F) -> F::Output {
        drive(&mut self.driver, future).await
    }
}

/// Runs a future that depends on the driver's progress.
async fn drive<D: Future + Unpin, F: Future>(driver: &mut D, future: F) -> F::Output {
    let mut future = pin!(future);
    poll_fn(|context| {
        // The future itself reports how the connection ended.
        let _: Poll<D::Output> = driver.poll_unpin(context);
        future.as_mut().poll(context)
    })
    .await
}
