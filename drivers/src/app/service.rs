//! Applications as tower services.

use core::convert::Infallible;
use core::fmt;
use core::pin::Pin;
use core::task::{Context as Waiting, Poll};

use apptheory_core::error::AppError;
use bytes::{Buf as _, Bytes};
use futures_util::stream::Stream;
use http_body::{Body as HttpBody, Frame, SizeHint};
use http_body_util::BodyExt as _;
use tower::Service;

use super::invocation::Invocation;
use super::wire::{http_head, raw_request};
use super::{AppService, BodyStream, BoxFuture, Context};

/// The body of an application's response: the buffered part, then the streamed one. An error ends
/// it early, so that the client sees an incomplete body.
///
/// Needs the feature `tower`.
pub struct AppBody {
    whole: Bytes,
    stream: Option<BodyStream>,
}

impl AppService {
    /// Serves a request of the `http` crate.
    ///
    /// The invocation is the [`Invocation`] among the request's extensions, if an outer layer puts
    /// one there. With the feature `lambda_runtime`, a `lambda_runtime::Context` works as well:
    /// `lambda_http` sets it, so that its functions have deadline, ids and trace. An application
    /// that is [mounted](super::App::mount) in another one has the outer one's invocation. Without
    /// any of these a request has no deadline: put a [`Timeout`](super::Timeout) around the
    /// handlers.
    ///
    /// ```
    /// use apptheory::app::{App, Context, Invocation};
    ///
    /// let id = async |context: Context| context.invocation().request_id.clone();
    /// let app = App::new().get("/", id);
    /// let app = app.build()?;
    /// let invocation = Invocation { request_id: "r1".into(), ..Invocation::default() };
    /// let mut request = http::Request::new(http_body_util::Empty::<bytes::Bytes>::new());
    /// request.extensions_mut().insert(invocation);
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// let response = app.respond(request).await;
    /// # assert_eq!(http_body_util::BodyExt::collect(response).await?.to_bytes(), "r1");
    /// # Ok::<(), apptheory::error::AppError>(())
    /// # }).unwrap();
    /// # Ok::<(), apptheory::app::BuildError>(())
    /// ```
    pub async fn respond<B>(&self, request: http::Request<B>) -> http::Response<AppBody>
    where
        B: HttpBody,
    {
        let (parts, body) = request.into_parts();
        let response = match self.read(body).await {
            Some(body) => {
                let invocation = self.invocation(&parts.extensions);
                let outer = parts.extensions.get::<Context>();
                self.serve_finished(self.take_over(raw_request(&parts, body), invocation, outer))
                    .await
            }
            // The client disconnected while sending its body, and will not see this.
            None => super::Response::new(400),
        };
        let head = http_head(response.status, &response.headers, &response.cookies);
        head.map(|()| AppBody::new(response.body, response.stream))
    }

    /// Returns the invocation from a request's extensions.
    fn invocation(&self, extensions: &http::Extensions) -> Invocation {
        if let Some(invocation) = extensions.get::<Invocation>() {
            return invocation.clone();
        }
        #[cfg(feature = "lambda_runtime")]
        if let Some(context) = extensions.get::<lambda_runtime::Context>() {
            return crate::lambda::invocation(context.clone(), self);
        }
        // A mounted application serves the outer one's invocation.
        let outer = extensions.get::<Context>();
        outer.map_or_else(Invocation::default, |context| context.invocation().clone())
    }

    /// Reads a body, up to one byte more than the limit.
    async fn read<B: HttpBody>(&self, body: B) -> Option<Vec<u8>> {
        let most = self.settings().limits.max_request_bytes;
        let most =
            most.map_or(usize::MAX, |most| usize::try_from(most.get()).unwrap_or(usize::MAX));
        let mut read = Vec::new();
        let mut body = core::pin::pin!(body);
        while let Some(frame) = body.frame().await {
            if let Ok(mut data) = frame.ok()?.into_data() {
                while data.has_remaining() {
                    let chunk = data.chunk();
                    read.extend_from_slice(chunk);
                    let len = chunk.len();
                    data.advance(len);
                }
            }
            if read.len() > most {
                break;
            }
        }
        Some(read)
    }
}

/// An application is always ready, and never fails.
impl<B> Service<http::Request<B>> for AppService
where
    B: HttpBody + Send + 'static,
    B::Data: Send,
{
    type Response = http::Response<AppBody>;
    type Error = Infallible;
    type Future = BoxFuture<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Waiting<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<B>) -> Self::Future {
        let app = self.clone();
        Box::pin(async move { Ok(app.respond(request).await) })
    }
}

impl AppBody {
    pub(super) fn new(whole: Vec<u8>, stream: Option<BodyStream>) -> Self {
        Self { whole: Bytes::from(whole), stream }
    }
}

impl fmt::Debug for AppBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AppBody")
            .field("len", &self.whole.len())
            .field("stream", &self.stream)
            .finish()
    }
}

impl HttpBody for AppBody {
    type Data = Bytes;
    type Error = AppError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        waiting: &mut Waiting<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, AppError>>> {
        if !self.whole.is_empty() {
            return Poll::Ready(Some(Ok(Frame::data(core::mem::take(&mut self.whole)))));
        }
        let Some(stream) = &mut self.stream else { return Poll::Ready(None) };
        let chunk = core::task::ready!(Pin::new(stream).poll_next(waiting));
        Poll::Ready(chunk.map(|chunk| chunk.map(Frame::data)))
    }

    fn is_end_stream(&self) -> bool {
        self.whole.is_empty() && self.stream.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        let whole = u64::try_from(self.whole.len()).unwrap_or(u64::MAX);
        if self.stream.is_none() {
            return SizeHint::with_exact(whole);
        }
        let mut hint = SizeHint::new();
        hint.set_lower(whole);
        hint
    }
}
