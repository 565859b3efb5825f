//! Layers of the tower ecosystem around handlers.
#![expect(clippy::unwrap_used, reason = "it ends a test")]

use core::num::NonZeroU64;
use core::task::{Context as Waiting, Poll};
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use apptheory::app::{
    Answer, App, AppService, BodyStream, Context, Extension, Handler as _, Html, Invocation, Next,
    Response,
};
use apptheory::error::AppError;
use apptheory::http::RawRequest;
use apptheory::http::exchange::Limits;
use apptheory::tower;
use futures_util::{StreamExt as _, stream};
use http::{HeaderName, HeaderValue, Request};
use tower_http::request_id::{MakeRequestUuid, RequestId, SetRequestIdLayer};
use tower_http::set_header::{SetRequestHeaderLayer, SetResponseHeaderLayer};

const TEAM: HeaderName = HeaderName::from_static("x-team");

async fn get(app: &AppService) -> Response {
    let mut request = RawRequest::new("GET", "/");
    request.headers.append("cookie", "a=1");
    request.headers.append("cookie", "b=2");
    app.serve(request, Invocation::default()).await
}

fn text(response: &Response) -> &str {
    core::str::from_utf8(&response.body).unwrap()
}

#[tokio::test]
async fn a_layer_changes_what_the_handler_sees_and_the_client_gets() {
    let tea = || HeaderValue::from_static("tea");
    let app = App::new()
        .layer(tower(SetRequestIdLayer::x_request_id(MakeRequestUuid)))
        .layer(tower(SetRequestHeaderLayer::overriding(TEAM, tea())))
        .layer(tower(SetResponseHeaderLayer::appending(TEAM, tea())))
        .get("/", async |context: Context, Extension(left): Extension<http::Extensions>| {
            let id = left.get::<RequestId>().unwrap().header_value().to_str().unwrap();
            assert_eq!(context.header("x-request-id"), id);
            let cookies = (
                context.header("cookie"),
                context.request().unwrap().headers.get_all("cookie").len(),
            );
            assert_eq!(cookies, ("a=1; b=2", 2));
            context.header("x-team").to_owned()
        })
        .build()
        .unwrap();
    let response = get(&app).await;
    assert_eq!(text(&response), "tea");
    assert_eq!(response.headers.get("x-team"), Some("tea"));
}

#[tokio::test]
async fn responses_pass_an_identity_layer_unchanged() {
    async fn seen(context: Context, next: Next) -> Answer {
        let response = next.run(context).await;
        let error = response.error.as_ref().map_or("none", AppError::code).to_owned();
        Ok(response.with_header("x-error", error))
    }
    let pieces = || BodyStream::new(stream::iter([Ok::<_, AppError>("<p>"), Ok("two")]));
    let app = App::new()
        .layer(seen)
        .layer(tower(tower_identity()))
        .get("/", async || {
            Response::binary(200, vec![b'x'; 100 << 10], "image/png").with_cookie("a=1")
        })
        .get("/error", async || AppError::conflict("not now"))
        .get("/stream", move || core::future::ready(Response::html_stream(200, pieces())))
        .get("/broken", async || Response::text(200, "").with_header("x-a", "line\nbreak"))
        .build()
        .unwrap();

    let whole = get(&app).await;
    assert!(whole.stream.is_none() && whole.is_base64);
    assert_eq!((whole.body.len(), &*whole.cookies), (100 << 10, &["a=1".to_owned()][..]));
    assert_eq!(whole.headers.get("x-error"), Some("none"));

    let serve = |path| app.serve(RawRequest::new("GET", path), Invocation::default());
    let error = serve("/error").await;
    assert_eq!((error.status, error.headers.get("x-error")), (409, Some("app.conflict")));
    let chunks: Vec<_> = serve("/stream").await.stream.unwrap().collect().await;
    assert_eq!(chunks.len(), 2);
    let broken = serve("/broken").await;
    assert_eq!((broken.status, broken.headers.get("x-error")), (500, Some("app.internal")));
}

/// Returns a layer that changes nothing.
fn tower_identity() -> ::tower::util::MapRequestLayer<fn(HttpRequest) -> HttpRequest> {
    ::tower::util::MapRequestLayer::new(core::convert::identity)
}

type HttpRequest = Request<http_body_util::Full<bytes::Bytes>>;

/// Counts requests in one counter for all clones, and fails from the third on.
#[derive(Clone)]
struct Two<S> {
    inner: S,
    served: Arc<AtomicUsize>,
}

impl<S, B> ::tower::Service<Request<B>> for Two<S>
where
    S: ::tower::Service<Request<B>, Error = AppError>,
    S::Future: Send + 'static,
{
    type Response = S::Response;
    type Error = apptheory::app::events::BoxError;
    type Future = apptheory::app::BoxFuture<Result<S::Response, Self::Error>>;

    fn poll_ready(&mut self, waiting: &mut Waiting<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(waiting).map_err(Into::into)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let served = self.served.fetch_add(1, Ordering::SeqCst);
        let answer = self.inner.call(request);
        Box::pin(async move {
            if served >= 2 {
                return Err(io::Error::other("the secret reason").into());
            }
            Ok(answer.await?)
        })
    }
}

#[tokio::test]
async fn requests_share_what_a_layer_holds_and_its_errors_are_masked() {
    let served = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&served);
    let two = ::tower::layer::layer_fn(move |inner| Two { inner, served: Arc::clone(&counter) });
    let app = App::new().get("/", async || "hello").layer(tower(two)).build().unwrap();
    assert_eq!([get(&app).await.status, get(&app).await.status], [200, 200]);
    let third = get(&app).await;
    assert_eq!(third.status, 500);
    assert!(!text(&third).contains("secret"), "{}", text(&third));
    assert_eq!(served.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn a_layer_may_answer_itself_and_bodies_may_change() {
    let shout = ::tower::util::MapRequestLayer::new(|request: HttpRequest| {
        request.map(|_| http_body_util::Full::new(bytes::Bytes::from_static(b"\"LOUD\"")))
    });
    async fn echo(apptheory::app::Body(body): apptheory::app::Body) -> Html<Vec<u8>> {
        Html(body)
    }
    let app = App::new().post("/", echo.layer(tower(shout))).build().unwrap();
    let request = RawRequest::new("POST", "/");
    let response = app.serve(request, Invocation::default()).await;
    assert_eq!(text(&response), "\"LOUD\"");
}

#[tokio::test]
async fn a_body_that_a_layer_makes_too_large_is_413() {
    let inflate = |bytes: usize| {
        let body = bytes::Bytes::from(vec![b'x'; bytes]);
        tower(::tower::util::MapRequestLayer::new(move |request: HttpRequest| {
            request.map(|_| http_body_util::Full::new(body.clone()))
        }))
    };
    async fn len(apptheory::app::Body(body): apptheory::app::Body) -> String {
        body.len().to_string()
    }
    let limits = Limits { max_request_bytes: NonZeroU64::new(8), ..Limits::default() };
    for (limits, bytes, status) in [
        (limits, 8, 200),
        (limits, 9, 413),
        (Limits::default(), 64 << 20, 200),
        (Limits::default(), (64 << 20) + 1, 413),
    ] {
        let app = App::new().limits(limits).post("/", len.layer(inflate(bytes))).build().unwrap();
        let response = app.serve(RawRequest::new("POST", "/"), Invocation::default()).await;
        assert_eq!(response.status, status, "{bytes}");
    }
}

#[tokio::test]
async fn a_record_handled_behind_a_tower_layer_fails() {
    let app = App::new().layer(tower(tower_identity())).sqs("orders", async || ()).build().unwrap();
    let event = r#"{"Records":[{"eventSource":"aws:sqs","messageId":"1","body":"3",
        "eventSourceARN":"arn:aws:sqs:r:1:orders"}]}"#;
    let answer = app.invoke(event, Invocation::default()).await.unwrap();
    assert_eq!(answer, r#"{"batchItemFailures":[{"itemIdentifier":"1"}]}"#);
}

#[tokio::test]
async fn a_message_handled_behind_a_tower_layer_fails_and_is_reported() {
    let told = Arc::<Mutex<Vec<String>>>::default();
    let log = Arc::clone(&told);
    let app = App::new()
        .layer(tower(tower_identity()))
        .websocket("$default", async || "never")
        .on_failure(move |failure| log.lock().unwrap().push(failure.to_string()))
        .build()
        .unwrap();
    let event = r#"{"body":"3","requestContext":{"routeKey":"$default","connectionId":"c1=",
        "stage":"dev","domainName":"a.execute-api.us-east-1.amazonaws.com"}}"#;
    let answer = app.invoke(event, Invocation::default()).await.unwrap();
    assert!(answer.contains(r#""statusCode":500"#), "{answer}");
    let told = told.lock().unwrap();
    assert!(
        told.len() == 1 && told[0].contains("a tower layer works for requests only"),
        "{told:?}"
    );
}
