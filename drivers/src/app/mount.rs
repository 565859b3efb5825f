//! Tower services as parts of an application.

use apptheory_core::error::AppError;
use bytes::Bytes;
use futures_util::TryStreamExt as _;
use http_body::Body as HttpBody;
use http_body_util::{BodyDataStream, BodyExt as _, Full};
use tower::{Service, ServiceExt as _};

use super::context::Context;
use super::events::BoxError;
use super::handler::Layered;
use super::kind::Http;
use super::router::Router;
use super::target::Target;
use super::wire::{http_request, response};
use super::{Answer, App, BodyStream, BoxFuture};

/// Defines `mount` for applications and routers.
macro_rules! mounts {
    ($($owner:ident)+) => {$(
        impl<S: Send + Sync + 'static> $owner<S> {
            /// Serves every path below `prefix` with a tower service, such as an axum `Router`, for
            /// the methods of RFC 9110 §9.3 that carry requests to resources, and PATCH. Use it to
            /// move an axum application to Lambda, or to combine both.
            ///
            /// The service sees whole paths including the prefix, in the normal form of
            /// [`UriPath`](apptheory_core::http::UriPath), the [query as the client sent
            /// it](apptheory_core::http::Request::raw_query), and one `cookie` header. The
            /// request's [`Context`] is among the request extensions; middleware runs around the
            /// service. Errors of the service are masked, and trailers of its responses are
            /// dropped. Routes of the application below the prefix have priority.
            ///
            /// A request with more headers than the `http` crate holds (24,576 names) gets a 431,
            /// and a request whose target has 64 KiB or more a 414.
            ///
            /// ```
            /// use apptheory::app::{App, Invocation};
            /// use apptheory::http::RawRequest;
            /// use axum::Router;
            /// use axum::routing::get;
            ///
            /// let pages = Router::new().route("/pages/about", get(async || "about"));
            /// let app = App::new().mount("/pages", pages).build()?;
            /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
            /// let request = RawRequest::new("GET", "/pages/about");
            /// let about = app.serve(request, Invocation::default()).await;
            /// assert_eq!(about.body, b"about");
            /// # });
            /// # Ok::<(), apptheory::app::BuildError>(())
            /// ```
            #[must_use]
            pub fn mount<V, B>(mut self, prefix: &str, service: V) -> Self
            where
                V: Service<http::Request<Full<Bytes>>, Response = http::Response<B>>,
                V: Clone + Send + Sync + 'static,
                V::Future: Send,
                V::Error: Into<BoxError>,
                B: HttpBody<Data = Bytes> + Send + 'static,
                B::Error: Into<BoxError>,
            {
                let below = format!("{}/{{path+}}", prefix.trim_end_matches('/'));
                for pattern in [prefix.to_owned(), below] {
                    let target = Target::AnyMethod { pattern };
                    self.router().add(target, mounted(service.clone()));
                }
                self
            }
        }
    )+};
}

mounts!(Router App);

/// Wraps a service as a handler without state.
fn mounted<S, V, B>(service: V) -> Layered<S, Http>
where
    S: Send + Sync + 'static,
    V: Service<http::Request<Full<Bytes>>, Response = http::Response<B>>,
    V: Clone + Send + Sync + 'static,
    V::Future: Send,
    V::Error: Into<BoxError>,
    B: HttpBody<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    Layered::of(move |context: Context, _| -> BoxFuture<Answer> {
        let service = service.clone();
        Box::pin(async move {
            let mut request = http_request(&context.expect_call()?.request)?;
            request.extensions_mut().insert(context);
            let response = service.oneshot(request).await.map_err(AppError::from_error)?;
            answer(response, MAX_WHOLE_BYTES).await
        })
    })
}

/// Converts the response of an inner service. A body that is complete and at most `most_whole`
/// bytes long is buffered, others are streamed.
pub(super) async fn answer<B>(answered: http::Response<B>, most_whole: u64) -> Answer
where
    B: HttpBody<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    let (parts, body) = answered.into_parts();
    let mut response = response(&parts);
    if body.size_hint().exact().is_some_and(|len| len <= most_whole) {
        // A small body that is already complete is not streamed.
        let body = body.collect().await.map_err(AppError::from_error)?;
        response.body = body.to_bytes().into();
    } else {
        let chunks = BodyDataStream::new(body).map_err(AppError::from_error);
        response.stream = Some(BodyStream::new(chunks));
    }
    Ok(response)
}

/// The largest body in bytes that is buffered; larger ones are streamed, within the application's
/// limit.
const MAX_WHOLE_BYTES: u64 = 64 << 10;
