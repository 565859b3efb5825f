//! Tower layers around handlers.

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

/// Wraps a [tower](https://docs.rs/tower) layer, such as one of `tower-http`, as a middleware for
/// handlers of requests. Put it around a router with nothing else: records that reach it fail, and
/// WebSocket messages get a masked 500.
///
/// Needs the feature `tower`.
///
/// The layer is applied once, to a service that runs the rest of the chain. The resulting service
/// is cloned for each request; what its clones share, such as the permits of a concurrency limit,
/// all requests share. Handlers see headers and body as the layer changed them, and the request
/// extensions that it set as `Extension<http::Extensions>`; route, caller and query do not change.
/// A body that a layer makes larger than the application's [limit](super::App::limits), or than 64
/// MiB without a limit, gets a 413. The layer finds the [`Context`] among the extensions. An error
/// of the layer is a masked 500.
///
/// ```
/// use apptheory::app::App;
/// use http::{HeaderValue, header::X_FRAME_OPTIONS};
/// use tower_http::set_header::SetResponseHeaderLayer;
///
/// let deny = HeaderValue::from_static("DENY");
/// let deny = SetResponseHeaderLayer::if_not_present(X_FRAME_OPTIONS, deny);
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

/// A tower layer as a middleware; made by [`tower`](tower()).
///
/// Needs the feature `tower`.
#[derive(Clone)]
pub struct TowerLayer<V>(V);

/// The service inside a tower layer: it runs the rest of the chain.
///
/// Needs the feature `tower`.
#[derive(Clone, Debug)]
pub struct HandlerService(());

/// State that passes through a layer along with the request.
#[derive(Clone)]
struct Passing {
    context: Context,
    next: Next,
    sent: HeaderMap,
}

/// State that passes back along with the response.
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

/// Returns the error for a body that a layer made; a body that is too large is the client's
/// mistake.
fn unread(error: BoxError) -> AppError {
    match error.is::<LengthLimitError>() {
        true => AppError::too_large().with_cause(LayerTooLarge),
        false => AppError::from_error(error),
    }
}

/// Returns the context of the request as the layer changed it.
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
    // Headers that HTTP cannot carry are an error here, as they are in the pipeline.
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

/// A layer made a request body that is too large, for instance by decompressing it.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("a tower layer made the request's body larger than the limit")]
struct LayerTooLarge;

/// A layer is around handlers of messages or records.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("a tower layer works for requests only: put it around a router that has nothing else")]
struct NotARequest;

/// A layer replaced the request, and dropped the extensions of the original.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("a tower layer dropped the extensions of its request")]
struct ExtensionsLost;
