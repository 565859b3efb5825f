//! Layers of tower around handlers.

use core::fmt;
use core::task::{Context as Waiting, Poll};

use apptheory_core::error::AppError;
use apptheory_core::http::{Cookies, Request};
use bytes::Bytes;
use http::HeaderMap;
use http_body::Body as HttpBody;
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use tower::{Layer, Service, ServiceExt as _};

use super::chain::Next;
use super::context::Context;
use super::events::BoxError;
use super::middleware::Middleware;
use super::mount::answer;
use super::service::AppBody;
use super::subject::ContextKind;
use super::wire::{http_head, http_request, text};
use super::{Answer, BoxFuture, Response};

/// Makes a middleware of a layer of [tower](https://docs.rs/tower), such as those of `tower-http`, for
/// handlers of requests. Put it around a router that holds nothing else: a record that comes to it
/// fails, and a message of a WebSocket is answered with a masked 500.
///
/// The layer is applied once, to a service that runs what comes next, and its service is cloned for
/// each request: whatever its clones share, such as the permits of a concurrency limit, all requests
/// share. Handlers see the header fields and the body as the layer leaves them, and find what it left
/// among the request's extensions as `Extension<http::Extensions>`; the route, the caller and the query
/// stay as they were. A body that a layer makes larger than the application's
/// [limit](super::App::limits), or than 64 MiB without one, is answered with 413. The layer finds the [`Context`] among the extensions. An error of the layer is a
/// masked 500.
///
/// ```
/// use apptheory::app::App;
/// use http::{HeaderValue, header::X_FRAME_OPTIONS};
/// use tower_http::set_header::SetResponseHeaderLayer;
///
/// let deny = SetResponseHeaderLayer::if_not_present(X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
/// let app = App::new().layer(apptheory::tower(deny)).get("/", async || "hello").build()?;
/// # Ok::<(), apptheory::app::BuildError>(())
/// ```
pub fn tower<L, B>(layer: L) -> TowerLayer<L::Service>
where
    L: Layer<HandlerService>,
    L::Service: Service<http::Request<Full<Bytes>>, Response = http::Response<B>>,
    L::Service: Clone + Send + Sync + 'static,
    <L::Service as Service<http::Request<Full<Bytes>>>>::Future: Send,
    <L::Service as Service<http::Request<Full<Bytes>>>>::Error: Into<BoxError>,
    B: HttpBody<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    TowerLayer(layer.layer(HandlerService(())))
}

/// A layer of tower as a middleware; made by [`tower`](tower()).
#[derive(Clone)]
pub struct TowerLayer<V>(V);

/// What a layer of tower goes around: the service that runs what comes next.
#[derive(Clone, Debug)]
pub struct HandlerService(());

/// What travels through a layer beside the request.
#[derive(Clone)]
struct Passing {
    context: Context,
    next: Next,
    sent: HeaderMap,
}

/// What travels back beside the response.
#[derive(Clone)]
struct Answered {
    error: Option<AppError>,
    is_base64: bool,
}

impl<V, B> Middleware for TowerLayer<V>
where
    V: Service<http::Request<Full<Bytes>>, Response = http::Response<B>>,
    V: Clone + Send + Sync + 'static,
    V::Future: Send,
    V::Error: Into<BoxError>,
    B: HttpBody<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    async fn handle(&self, context: Context, next: Next) -> Answer {
        let request = context.request().filter(|_| context.kind() == ContextKind::Request);
        let request = request.ok_or_else(|| AppError::internal().with_cause(NotARequest))?;
        let mut request = http_request(request)?;
        let extensions = request.extensions_mut();
        if let Some(left) = context.extension::<http::Extensions>() {
            extensions.extend((*left).clone());
        }
        extensions.insert(context.clone());
        let sent = request.headers().clone();
        request.extensions_mut().insert(Passing { context, next, sent });
        let mut answered = self.0.clone().oneshot(request).await.map_err(AppError::from_error)?;
        let kept = answered.extensions_mut().remove::<Answered>();
        let response = answer(answered, u64::MAX).await?;
        Ok(match kept {
            Some(Answered { error, is_base64 }) => Response { error, is_base64, ..response },
            None => response,
        })
    }
}

impl<B> Service<http::Request<B>> for HandlerService
where
    B: HttpBody + Send + 'static,
    B::Data: Send,
    B::Error: Into<BoxError>,
{
    type Response = http::Response<AppBody>;
    type Error = AppError;
    type Future = BoxFuture<Result<Self::Response, AppError>>;

    fn poll_ready(&mut self, _: &mut Waiting<'_>) -> Poll<Result<(), AppError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<B>) -> Self::Future {
        Box::pin(async move {
            let (mut parts, body) = request.into_parts();
            let passing = parts.extensions.remove::<Passing>();
            let Passing { context, next, sent } =
                passing.ok_or_else(|| AppError::internal().with_cause(ExtensionsLost))?;
            let body = Limited::new(body, context.max_changed_bytes()).collect().await;
            let body = body.map_err(unread)?.to_bytes();
            let context = changed(context, &sent, &parts.headers, &body);
            context.extend(parts.extensions);
            respond(next.run(context).await)
        })
    }
}

/// The error of a body that a layer makes, which is the client's where it is too large.
fn unread(error: BoxError) -> AppError {
    match error.is::<LengthLimitError>() {
        true => AppError::too_large().with_cause(LayerTooLarge),
        false => AppError::from_error(error),
    }
}

/// The context of the request as a layer left it.
fn changed(context: Context, sent: &HeaderMap, left: &HeaderMap, body: &[u8]) -> Context {
    if sent == left && context.body() == body {
        return context;
    }
    context.with_request(|request: &mut Request| {
        for name in sent.keys().chain(left.keys()) {
            if sent.get_all(name) != left.get_all(name) {
                request.headers.remove(name.as_str());
                for value in left.get_all(name) {
                    request.headers.append(name.as_str(), text(value));
                }
            }
        }
        request.cookies = Cookies::parse(request.headers.get_all("cookie").iter());
        request.body = body.to_vec();
    })
}

fn respond(response: Response) -> Result<http::Response<AppBody>, AppError> {
    // What HTTP cannot carry is an error here as it is further out.
    let response = response.normalize().map_err(AppError::from_error)?;
    let mut head = http_head(response.status, &response.headers, &response.cookies);
    let Response { error, is_base64, .. } = response;
    head.extensions_mut().insert(Answered { error, is_base64 });
    Ok(head.map(|()| AppBody::new(response.body, response.stream)))
}

impl<V> fmt::Debug for TowerLayer<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TowerLayer").finish_non_exhaustive()
    }
}

/// A layer made a body that is too large, as one that decompresses does.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("a layer of tower made a body that is larger than the limit of requests")]
struct LayerTooLarge;

/// A layer is around handlers of something else than requests, which it knows nothing about.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("a layer of tower is for requests: put it around a router that holds nothing else")]
struct NotARequest;

/// A layer made a new request, without the extensions of the one that it got.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("a layer of tower dropped the extensions of its request")]
struct ExtensionsLost;
