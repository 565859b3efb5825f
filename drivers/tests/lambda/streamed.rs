//! Streamed responses: what is sent, and when.

use core::num::NonZeroU64;

use apptheory::app::{App, AppService, BodyStream, Response};
use apptheory::lambda::InvokeMode;
use apptheory_core::error::AppError;
use apptheory_core::events::rest_streaming_variable;
use apptheory_core::http::exchange::{Limits, Pipeline};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::stream;
use serde_json::{Value as Json, json};

use super::server::{RuntimeApi, Streamed};
use super::{event, fed, url_event};

/// Returns what a function in a mode streams for an event.
async fn streamed(app: AppService, mode: InvokeMode, event: &str) -> Streamed {
    let mut api = RuntimeApi::listen().await;
    let _function = api.start(app, mode);
    let response = api.invoke(event).await;
    assert_eq!(response.resource(), "r1/response");
    let streamed = response.accept().await;
    api.poll().await;
    streamed
}

/// Returns what `/` streams, to a function URL.
async fn stream_of(response: impl Fn() -> Response + Send + Sync + 'static) -> Streamed {
    let respond = move || core::future::ready(response());
    let limits = Limits { max_response_bytes: NonZeroU64::new(5), ..Limits::default() };
    let app = App::new().limits(limits).get("/", respond).build().unwrap();
    streamed(app, InvokeMode::Streaming, &url_event("/")).await
}

impl Streamed {
    fn prelude(&self) -> Json {
        serde_json::from_slice(&self.chunks[0]).unwrap()
    }

    /// Returns the chunks after prelude and delimiter.
    fn data(&self) -> Vec<&str> {
        assert_eq!(self.chunks[1], [0; 8], "the delimiter is a write of its own");
        self.chunks[2..].iter().map(|chunk| core::str::from_utf8(chunk).unwrap()).collect()
    }

    /// Returns the error in the trailers: its type, and its body.
    fn error(&self) -> (&str, Json) {
        let body = STANDARD.decode(&self.trailers["lambda-runtime-function-error-body"]).unwrap();
        let error_type = &self.trailers["lambda-runtime-function-error-type"];
        (error_type, serde_json::from_slice(&body).unwrap())
    }
}

fn failing_after(chunks: &'static [&'static str], error: AppError) -> BodyStream {
    let chunks = chunks.iter().copied().map(Ok).chain([Err(error)]);
    BodyStream::new(stream::iter(chunks))
}

#[tokio::test]
async fn every_chunk_is_sent_before_the_next_one_is_made() {
    let (app, feed) = fed();
    let mut api = RuntimeApi::listen().await;
    let _function = api.start(app, InvokeMode::Streaming);
    api.poll()
        .await
        .hand_out("r1", &[("Lambda-Runtime-Invocation-Id", "i7")], &url_event("/"))
        .await;
    assert!(api.try_request().is_none(), "nothing is opened before the first chunk");
    feed.send("<h1>");

    let mut response = api.request().await;
    assert_eq!(response.resource(), "r1/response");
    for (name, value) in [
        ("lambda-runtime-function-response-mode", "streaming"),
        ("transfer-encoding", "chunked"),
        ("content-type", "application/vnd.awslambda.http-integration-response"),
        ("trailer", "Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body"),
        ("lambda-runtime-invocation-id", "i7"),
    ] {
        assert_eq!(response.headers[name], value);
    }
    let prelude: Json = serde_json::from_slice(&response.chunk().await.unwrap()).unwrap();
    assert_eq!(
        prelude,
        json!({
            "statusCode": 200,
            "headers": {"content-type": "text/html; charset=utf-8", "x-request-id": "url-1"},
            "cookies": [],
        })
    );
    assert_eq!(response.chunk().await.unwrap(), [0; 8]);
    assert_eq!(response.text_chunk().await, "<h1>");
    for chunk in ["Hello", "</h1>"] {
        feed.send(chunk);
        assert_eq!(response.text_chunk().await, chunk);
    }
    // Nothing to write, and the body continues.
    feed.send("");
    feed.send("!");
    assert_eq!(response.text_chunk().await, "!");
    drop(feed);
    let rest = response.accept().await;
    assert!(rest.chunks.is_empty() && rest.trailers.is_empty());
    api.poll().await;
}

#[tokio::test]
async fn responses_without_a_body_have_a_head() {
    let found = || {
        let response = Response::new(302).with_header("location", "/next");
        response.with_cookie("a=1; Path=/").with_cookie("b=2")
    };
    let answer = stream_of(found).await;
    let prelude = answer.prelude();
    assert_eq!(prelude["statusCode"], 302);
    assert_eq!(prelude["headers"]["location"], "/next");
    assert_eq!(prelude["cookies"], json!(["a=1; Path=/", "b=2"]));
    assert!(answer.data().is_empty() && answer.trailers.is_empty());

    // 204 has no body, whatever the handler returns.
    let answer = stream_of(|| Response::html_stream(204, BodyStream::from_chunks(["a"]))).await;
    assert_eq!(answer.prelude()["statusCode"], 204);
    assert!(answer.data().is_empty());
    // A stream without chunks.
    let answer = stream_of(|| Response::html_stream(200, BodyStream::from_chunks([""; 0]))).await;
    assert!(answer.data().is_empty() && answer.trailers.is_empty());
    // An empty chunk alone.
    let answer = stream_of(|| Response::html_stream(200, BodyStream::from_chunks([""]))).await;
    assert!(answer.data().is_empty() && answer.trailers.is_empty());
}

#[tokio::test]
async fn what_fails_before_the_first_chunk_is_answered() {
    let answer =
        stream_of(|| Response::html_stream(200, failing_after(&[], AppError::conflict("c")))).await;
    assert_eq!(answer.prelude()["statusCode"], 409);
    let body = r#"{"error":{"code":"app.conflict","message":"c","request_id":"url-1"}}"#;
    assert_eq!(answer.data(), [body]);
    assert!(answer.trailers.is_empty());
}

#[tokio::test]
async fn what_fails_later_follows_in_trailers() {
    let foreign = || AppError::internal().with_cause(std::io::Error::other("secret"));
    let answer =
        stream_of(move || Response::html_stream(200, failing_after(&["a"], foreign()))).await;
    assert_eq!(answer.data(), ["a"]);
    let internal = json!({"errorType": "app.internal", "errorMessage": "internal error"});
    assert_eq!(answer.error(), ("app.internal", internal));

    // An empty chunk is still a chunk, and a prefix comes before any.
    let bad = || AppError::new("my.code", "bad");
    let answer = stream_of(move || Response::html_stream(200, failing_after(&[""], bad()))).await;
    assert_eq!((answer.data().len(), answer.error().0), (0, "my.code"));
    let answer = stream_of(move || Response::html(200, "p").with_stream(failing_after(&[], bad())));
    let answer = answer.await;
    assert_eq!((answer.data(), answer.error().0), (vec!["p"], "my.code"));

    let panics = || {
        BodyStream::new(stream::iter((0..2).map(|n| -> Result<&str, AppError> {
            assert_eq!(n, 0);
            Ok("a")
        })))
    };
    let answer = stream_of(move || Response::html_stream(200, panics())).await;
    assert_eq!((answer.data(), answer.error().0), (vec!["a"], "app.internal"));
}

#[tokio::test]
async fn the_limit_holds_before_and_after_the_head() {
    let first = || Response::html_stream(200, BodyStream::from_chunks(["abcdef", "a"]));
    let answer = stream_of(first).await;
    assert_eq!(answer.prelude()["statusCode"], 413);
    assert!(answer.trailers.is_empty());

    let later = || Response::html_stream(200, BodyStream::from_chunks(["abc", "def", "g"]));
    let answer = stream_of(later).await;
    assert_eq!((answer.data(), answer.error().0), (vec!["abc"], "app.too_large"));
}

#[tokio::test]
async fn heads_that_cannot_be_sent_are_500() {
    for response in [
        || Response::html_stream(200, BodyStream::from_chunks(["a"])).with_header("x", "a\r\nb: c"),
        || Response::text(200, "a").with_header("x", "y".repeat(16 << 10)),
        || Response::text(200, "a").with_cookie("a=1\r\nb: 2"),
        || Response {
            is_base64: true,
            ..Response::html_stream(200, BodyStream::from_chunks(["a"]))
        },
    ] {
        let answer = stream_of(response).await;
        assert_eq!(answer.prelude()["statusCode"], 500);
        assert!(answer.data()[0].contains("app.internal"));
    }
}

#[tokio::test]
async fn only_what_is_deployed_to_stream_is_streamed() {
    let app = || {
        let chunks = async || Response::html_stream(200, BodyStream::from_chunks(["a", "b"]));
        App::new().pipeline(Pipeline::Bare).get("/sse", chunks).build().unwrap()
    };
    let variable = rest_streaming_variable("GET", "/sse");
    let mut rest = json!({
        "httpMethod": "GET", "resource": "/sse", "path": "/sse", "requestContext": {"stage": "v1"},
    });
    let mut api_v2 = event("/sse");
    api_v2["routeKey"] = json!("$default");
    api_v2["requestContext"]["domainName"] = json!("localhost");

    for (event, mode) in [
        (url_event("/sse"), InvokeMode::Buffered),
        (api_v2.to_string(), InvokeMode::Streaming),
        (rest.to_string(), InvokeMode::StreamingForced),
    ] {
        let mut api = RuntimeApi::listen().await;
        let _function = api.start(app(), mode);
        let mut response = api.invoke(&event).await;
        assert_eq!(response.json().await["body"], "ab", "{event}");
    }

    let answer = streamed(app(), InvokeMode::StreamingForced, &api_v2.to_string()).await;
    assert_eq!(answer.data(), ["a", "b"]);
    rest["stageVariables"] = json!({variable: "1"});
    let answer = streamed(app(), InvokeMode::Streaming, &rest.to_string()).await;
    let html = "text/html; charset=utf-8";
    assert_eq!(
        answer.prelude(),
        json!({
            "statusCode": 200,
            "headers": {"content-type": html},
            "multiValueHeaders": {"content-type": [html]},
        })
    );
    // A malformed body gets framed error responses, too.
    let mut malformed = event("/sse");
    malformed["body"] = json!("?");
    malformed["isBase64Encoded"] = json!(true);
    let answer = streamed(app(), InvokeMode::Streaming, &malformed.to_string()).await;
    assert_eq!(answer.prelude()["statusCode"], 400);
}

#[tokio::test]
async fn a_producer_is_never_far_ahead_of_the_wire() {
    use core::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::Arc;

    const CHUNK: usize = 16 << 10;
    let made = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&made);
    let endless = move || {
        let counter = Arc::clone(&counter);
        let chunks = stream::repeat_with(move || {
            counter.fetch_add(1, Ordering::SeqCst);
            Ok::<_, AppError>(vec![b'a'; CHUNK])
        });
        core::future::ready(Response::html_stream(200, BodyStream::new(chunks)))
    };
    let app = App::new().get("/", endless).build().unwrap();
    let mut api = RuntimeApi::listen().await;
    let _function = api.start(app, InvokeMode::Streaming);
    // The head is read, and nothing of the body.
    let mut response = api.invoke(&url_event("/")).await;
    // Sockets buffer some chunks; an unbounded producer would never stop.
    let mut before = usize::MAX;
    for _ in 0..10_000 {
        tokio::task::yield_now().await;
        before = made.load(Ordering::SeqCst);
    }
    for _ in 0..10_000 {
        tokio::task::yield_now().await;
    }
    assert_eq!(made.load(Ordering::SeqCst), before, "it waits");
    assert!(before * CHUNK < 64 << 20, "{before} chunks were made for a reader of none");
    // Reading lets it continue.
    for _ in 0..before + 100 {
        response.chunk().await.unwrap();
    }
    assert!(made.load(Ordering::SeqCst) > before);
}
