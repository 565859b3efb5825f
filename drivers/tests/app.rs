//! An application among tower services: in front of one, behind one, and as one.
#![expect(clippy::expect_used, reason = "a test ends where its stage cannot be set")]

use core::convert::Infallible;
use core::num::NonZeroU64;
use core::time::Duration;

use apptheory::app::{Answer, App, AppService, BodyStream, Context, Invocation, Next, Response};
use apptheory::clock::VirtualClock;
use apptheory::time::Timestamp;
use apptheory_core::error::AppError;
use apptheory_core::http::RawRequest;
use apptheory_core::http::exchange::{Cors, Limits};
use axum::Router;
use axum::extract::{Extension, Path, Query};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::{get, post};
use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use http_body_util::{BodyExt as _, Full};
use tower::{Service as _, ServiceExt as _, service_fn};

fn request(method: &str, target: &str, body: &str) -> http::Request<Full<Bytes>> {
    let builder = http::Request::builder().method(method).uri(target);
    builder.body(Full::from(body.to_owned())).expect("a request")
}

async fn call(
    app: &AppService,
    request: http::Request<Full<Bytes>>,
) -> (http::response::Parts, Bytes) {
    let response = app.clone().oneshot(request).await.expect("it never fails");
    let (parts, body) = response.into_parts();
    (parts, body.collect().await.expect("a whole body").to_bytes())
}

#[tokio::test]
async fn an_app_is_a_tower_service() {
    let app = App::new()
        .post("/echo/{name}", async |context: Context| {
            let body = String::from_utf8_lossy(context.body()).into_owned();
            let (name, queried) = (context.param("name"), context.query_all("q").join("|"));
            Response::text(201, format!("{name} {queried} {} {body}", context.header("x-multi")))
                .with_header("x-twice", "1")
                .with_cookie("a=1")
                .with_cookie("b=2")
        })
        .build()
        .expect("an app");
    let mut echo = request("POST", "/echo/a%20b?q=1&q=x+y", "hello");
    echo.headers_mut().append("X-Multi", "m".parse().expect("a value"));
    let (parts, body) = call(&app, echo).await;
    assert_eq!((parts.status, body), (StatusCode::CREATED, "a%20b 1|x y m hello".into()));
    let cookies: Vec<_> = parts.headers.get_all("set-cookie").iter().collect();
    assert_eq!(cookies, ["a=1", "b=2"]);

    let (parts, _) = call(&app, request("GET", "/echo/a", "")).await;
    assert_eq!((parts.status.as_u16(), &parts.headers["allow"]), (405, &"POST".parse().unwrap()));
    let (_, body) = call(&app, request("POST", "/echo/%61?q=%zz;", "")).await;
    assert_eq!(body, "a %zz;  ");
}

#[tokio::test]
async fn bodies_are_read_no_further_than_their_limit() {
    let limits = Limits { max_request_bytes: NonZeroU64::new(4), ..Limits::default() };
    let app = App::new().limits(limits).post("/", async || "read").build().expect("an app");
    for (body, status) in [("1234", 200), ("12345", 413)] {
        let (parts, _) = call(&app, request("POST", "/", body)).await;
        assert_eq!(parts.status.as_u16(), status);
    }
    // The second chunk exceeds the limit; a third would hang.
    let chunks = stream::iter(["1234", "5"]).map(Ok::<_, Infallible>).chain(stream::pending());
    let frames = chunks.map(|chunk| chunk.map(|text| http_body::Frame::data(Bytes::from(text))));
    let endless = http::Request::post("/").body(http_body_util::StreamBody::new(frames));
    let response = app.respond(endless.expect("a request")).await;
    assert_eq!(response.status().as_u16(), 413);
}

#[tokio::test]
async fn streams_pass_chunk_by_chunk_and_break_off_with_their_error() {
    let app = App::new()
        .get("/", async || {
            let items = [Ok("b"), Err(AppError::conflict("late"))];
            Response::text(200, "a").with_stream(BodyStream::new(stream::iter(items)))
        })
        .build()
        .expect("an app");
    let response = app.respond(request("GET", "/", "")).await;
    assert_eq!(response.status().as_u16(), 200);
    let mut body = response.into_body();
    for chunk in ["a", "b"] {
        let frame = body.frame().await.expect("a frame").expect("no error");
        assert_eq!(frame.into_data().expect("data"), chunk);
    }
    let error = body.frame().await.expect("a frame").expect_err("the error");
    assert_eq!(error.code(), "app.conflict");
    assert!(body.frame().await.is_none());
}

/// Returns an axum app whose responses show its own state.
fn pages() -> Router {
    Router::new()
        .route("/pages/{name}", get(async |Path(name): Path<String>| format!("page {name}")))
        .route(
            "/pages/search",
            get(async |Query(terms): Query<Vec<(String, String)>>, headers: HeaderMap| {
                format!("{terms:?} {}", headers["x-asked"].to_str().expect("text"))
            }),
        )
        .route(
            "/pages",
            post(async |Extension(context): Extension<Context>, body: String| {
                ([("set-cookie", "a=1")], format!("{body} for {}", context.get("tenant").is_some()))
            }),
        )
}

async fn serve(app: &AppService, request: RawRequest<'_>) -> Response {
    app.serve(request, Invocation::default()).await
}

#[tokio::test]
async fn an_axum_router_is_mounted_with_the_pipeline_around_it() {
    async fn tenant(context: Context, next: Next) -> Answer {
        context.set("tenant", "t1");
        Ok(next.run(context).await.with_header("x-layer", "1"))
    }
    let app = App::new()
        .cors(Cors::default())
        .layer(tenant)
        .get("/pages/own", async || "own")
        .mount("/pages", pages())
        .build()
        .expect("an app");

    let page = serve(&app, RawRequest::new("GET", "/pages/a%20b")).await;
    assert_eq!((page.status, page.body.as_slice()), (200, b"page a b".as_slice()));
    assert_eq!(page.headers.first("x-layer"), "1");
    assert!(page.headers.contains("x-request-id") && page.stream.is_none());
    let decoded = serve(&app, RawRequest::new("GET", "/pages/a b\u{e9}")).await;
    assert_eq!(decoded.body, "page a bé".as_bytes());

    let mut search = RawRequest::new("GET", "/pages/search?q=a+b&q=%26&r=");
    search.headers.append("X-Asked", "yes");
    let found = serve(&app, search).await;
    let expected = r#"[("q", "a b"), ("q", "&"), ("r", "")] yes"#;
    assert_eq!(String::from_utf8_lossy(&found.body), expected);

    let mut create = RawRequest::new("POST", "/pages");
    create.body = b"note".as_slice().into();
    let created = serve(&app, create).await;
    assert_eq!(created.body, b"note for true");
    assert_eq!(created.cookies, ["a=1"]);

    assert_eq!(serve(&app, RawRequest::new("GET", "/pages/own")).await.body, b"own");
    assert_eq!(serve(&app, RawRequest::new("DELETE", "/pages/a")).await.status, 405);
    let odd = serve(&app, RawRequest::new("PURGE", "/pages/a")).await;
    assert_eq!(odd.status, 405, "not a method that a mounted service gets");
}

#[tokio::test]
async fn errors_of_mounted_services_are_masked() {
    let broken = service_fn(async |_: http::Request<Full<Bytes>>| {
        Err::<http::Response<Full<Bytes>>, _>(std::io::Error::other("no route to host"))
    });
    let app = App::new().mount("/", broken).build().expect("an app");
    for path in ["/", "/a/b"] {
        let response = serve(&app, RawRequest::new("GET", path)).await;
        assert_eq!(response.status, 500);
        assert!(!String::from_utf8_lossy(&response.body).contains("route"));
    }
}

#[tokio::test]
async fn an_app_is_mounted_in_an_app() {
    let inner = App::new().get("/v1/inner", async || "inner").build().expect("an app");
    let outer = App::new().mount("/v1", inner).build().expect("an app");
    let response = serve(&outer, RawRequest::new("GET", "/v1/inner")).await;
    assert_eq!(response.body, b"inner");
    let mut outer = outer;
    let ready: &mut AppService = tower::ServiceExt::<http::Request<Full<Bytes>>>::ready(&mut outer)
        .await
        .expect("always ready");
    let response = ready.call(request("GET", "/v1/nowhere", "")).await.expect("it never fails");
    assert_eq!(response.status().as_u16(), 404);
}

#[tokio::test]
async fn a_mounted_app_serves_the_invocation_of_the_other() {
    let inner = App::new().get("/v1/id", async |context: Context| {
        let trace = apptheory::trace::current();
        format!("{} {}", context.invocation().request_id, trace.x_amzn_trace_id())
    });
    let outer = App::new().mount("/v1", inner.build().expect("an app")).build().expect("an app");
    let invocation =
        Invocation { request_id: "r1".into(), trace: "Root=1".into(), ..Invocation::default() };
    let response = outer.serve(RawRequest::new("GET", "/v1/id"), invocation).await;
    assert_eq!(response.body, b"r1 Root=1");
}

#[tokio::test]
async fn a_layer_in_front_says_what_invocation_a_request_is_of() {
    let clock = VirtualClock::new(Timestamp::UNIX_EPOCH);
    let app = App::new()
        .get("/", async |context: Context| {
            let Invocation { request_id, .. } = context.invocation();
            format!("{request_id} {} {:?}", context.trace_id(), context.remaining().is_some())
        })
        .get("/stream", async || {
            let chunks = stream::pending::<Result<&str, AppError>>();
            Response::text(200, "").with_stream(BodyStream::new(chunks))
        })
        .clock(clock.clone())
        .build()
        .expect("an app");
    let invocation = Invocation {
        request_id: "r1".into(),
        trace: "Root=1-67891233-abcdef012345678912345678;Sampled=1".into(),
        deadline: Some(Timestamp::from_unix_seconds(10)),
        ..Invocation::default()
    };
    let (_, body) = call(&app, request("GET", "/", "")).await;
    assert_eq!(body, "  false");
    let layered = tower::ServiceBuilder::new()
        .map_request(move |mut request: http::Request<Full<Bytes>>| {
            request.extensions_mut().insert(invocation.clone());
            request
        })
        .service(app.clone());
    let response = layered.clone().oneshot(request("GET", "/", "")).await.expect("it never fails");
    let body = response.into_body().collect().await.expect("a whole body").to_bytes();
    assert_eq!(body, "r1 1-67891233-abcdef012345678912345678 true");

    // A stream that has not ended is cut off before the deadline.
    let response = layered.oneshot(request("GET", "/stream", "")).await.expect("it never fails");
    clock.advance(Duration::from_secs(10));
    let error = response.into_body().frame().await.expect("an end").expect_err("the error");
    assert_eq!(error.code(), "app.timeout");
}

#[cfg(feature = "lambda_runtime")]
#[tokio::test]
async fn under_lambda_http_nothing_of_the_invocation_is_lost() {
    let app = App::new()
        .get("/", async |context: Context| {
            let Invocation { request_id, is_cold_start, tenant_id, .. } = context.invocation();
            let trace = context.trace();
            let trace = trace.x_amzn_trace_id();
            format!("{request_id} {trace} {tenant_id:?} {is_cold_start} {:?}", context.remaining())
        })
        .clock(VirtualClock::new(Timestamp::UNIX_EPOCH))
        .build()
        .expect("an app");
    let mut adapter = lambda_http::Adapter::from(app);
    for is_cold in [true, false] {
        let event = r#"{"version":"2.0","routeKey":"$default","rawPath":"/","rawQueryString":"",
            "headers":{},"isBase64Encoded":false,"requestContext":{"accountId":"1","stage":"$default",
            "domainName":"d","requestId":"q","timeEpoch":1583348638390,
            "http":{"method":"GET","path":"/","sourceIp":"192.0.2.1","protocol":"HTTP/1.1"}}}"#;
        let event: lambda_http::request::LambdaRequest =
            serde_json::from_str(event).expect("an event");
        let mut context = lambda_http::Context::default();
        context.request_id = "r1".into();
        context.xray_trace_id = Some("Root=1;Lineage=1:2".into());
        context.tenant_id = Some("t1".into());
        context.deadline = 3_000;
        let answer = adapter.call(lambda_http::LambdaEvent::new(event, context)).await;
        let answer = serde_json::to_value(answer.expect("it never fails")).expect("JSON");
        let expected = format!("r1 Root=1;Lineage=1:2 Some(\"t1\") {is_cold} Some(3s)");
        assert_eq!(answer["body"], expected);
    }
}
