//! Buffered responses, and failed invocations.

use core::sync::atomic::{AtomicUsize, Ordering};
use std::collections::BTreeMap;
use std::sync::Arc;

use apptheory::app::{App, AppService, BodyStream, Context, Json, Response};
use apptheory::events::Shape;
use apptheory::ids::IdSource;
use apptheory::lambda::InvokeMode;
use apptheory_core::error::AppError;
use serde_json::json;
use tokio::sync::Semaphore;

use super::server::RuntimeApi;
use super::{event, url_event};

fn app() -> AppService {
    let app = App::new()
        .get("/hello", async || "hello")
        .get("/trace", async |context: Context| context.trace_id().to_owned())
        .get("/stream", async || Response::html_stream(200, BodyStream::from_chunks(["a", "b"])))
        .get("/late", async || {
            let late = futures_util::stream::iter([Ok("a"), Err(AppError::conflict("late"))]);
            Response::html_stream(200, BodyStream::new(late))
        })
        .get("/large", async || Response::binary(200, vec![0; 5 << 20], "image/png"))
        .get("/endless", async || {
            let chunks =
                futures_util::stream::repeat_with(|| Ok::<_, AppError>(vec![b'a'; 1 << 20]));
            Response::html_stream(200, BodyStream::new(chunks))
        })
        .get("/panic", async || -> &'static str { panic!("boom") })
        .build();
    app.unwrap()
}

async fn buffered(path: &str) -> serde_json::Value {
    let mut api = RuntimeApi::listen().await;
    let _function = api.start(app(), InvokeMode::Buffered);
    let mut response = api.invoke(&url_event(path)).await;
    assert_eq!(response.resource(), "r1/response");
    assert!(!response.headers.contains_key("lambda-runtime-function-response-mode"));
    let answer = response.json().await;
    response.answer(202, &[], b"").await;
    api.poll().await;
    answer
}

#[tokio::test]
async fn answers_are_posted_and_then_the_next_invocation_is_asked_for() {
    let mut api = RuntimeApi::listen().await;
    let _function = api.start(app(), InvokeMode::Buffered);
    for id in ["r1", "r2"] {
        let fields = [("Lambda-Runtime-Invocation-Id", "i7"), ("Lambda-Runtime-Deadline-Ms", "x")];
        api.poll().await.hand_out(id, &fields, &url_event("/hello")).await;
        let mut response = api.request().await;
        assert_eq!(response.resource(), format!("{id}/response"));
        assert_eq!(response.headers["lambda-runtime-invocation-id"], "i7");
        assert_eq!(response.headers["content-type"], "application/json");
        assert_eq!(response.headers["host"], api.address());
        assert_eq!(response.json().await["body"], "hello");
        assert!(api.try_request().is_none(), "the next one has to wait for the answer");
        response.answer(200, &[], br#"{"status":"OK"}"#).await;
    }
    api.poll().await;
}

#[tokio::test]
async fn streams_are_collected() {
    let answer = buffered("/stream").await;
    assert_eq!((&answer["statusCode"], &answer["body"]), (&json!(200), &json!("ab")));
    let answer = buffered("/late").await;
    assert_eq!(answer["statusCode"], 409);
}

#[tokio::test]
async fn what_is_more_than_lambda_takes_is_413() {
    // 5 MB are 6.7 MB of base64.
    for path in ["/large", "/endless"] {
        let answer = buffered(path).await;
        assert_eq!(answer["statusCode"], 413, "{path}");
        let body: serde_json::Value =
            serde_json::from_str(answer["body"].as_str().unwrap()).unwrap();
        assert_eq!(body["error"]["code"], "app.too_large");
        assert_eq!(body["error"]["request_id"], "url-1");
    }
}

#[tokio::test]
async fn a_handler_that_panics_is_500() {
    let answer = buffered("/panic").await;
    assert_eq!(answer["statusCode"], 500);
    assert!(!answer.to_string().contains("boom"));
}

/// A source of ids that panics outside of every handler's guard.
#[derive(Debug)]
struct NoIds;

impl IdSource for NoIds {
    fn next_id(&self) -> u128 {
        panic!("boom")
    }
}

#[tokio::test]
async fn a_panic_anywhere_fails_one_invocation() {
    let failures = Arc::new(AtomicUsize::new(0));
    let told = Arc::clone(&failures);
    let app = App::new().ids(NoIds).get("/hello", async || "hello").on_failure(move |_| {
        told.fetch_add(1, Ordering::SeqCst);
    });
    let mut api = RuntimeApi::listen().await;
    let _function = api.start(app.build().unwrap(), InvokeMode::Streaming);
    let mut without_id = event("/hello");
    without_id["requestContext"]["requestId"] = json!("");
    // An id that is too long to be sent back is ignored, so the next invocation is fetched.
    let id = "r".repeat(129);
    api.poll().await.hand_out(&id, &[], &without_id.to_string()).await;
    let mut error = api.request().await;
    assert_eq!(error.resource(), format!("{id}/error"));
    assert_eq!(error.headers["lambda-runtime-function-error-type"], "Function.Panicked");
    assert!(!error.text().await.contains("boom"));
    error.answer(202, &[], b"").await;
    assert_eq!(failures.load(Ordering::SeqCst), 1);
    let answer = api.invoke(&url_event("/hello")).await.accept().await;
    assert_eq!(answer.chunks.last().unwrap(), b"hello");
}

#[tokio::test]
async fn an_event_of_any_kind_has_an_answer_or_an_error_with_its_code() {
    let app = App::new()
        .on(Shape::member("numbers"), async |Json(task): Json<BTreeMap<String, Vec<u8>>>| {
            Json(task.values().flatten().map(|n| u32::from(*n)).sum::<u32>())
        })
        .otherwise(async |context: Context| -> Result<(), AppError> {
            Err(match context.json_value()?.as_u64() {
                Some(client) if client < 500 => AppError::conflict("taken"),
                Some(_) | None => AppError::new("stock.empty", "secret").with_status(503),
            })
        });
    let app = app.build().unwrap();
    let mut api = RuntimeApi::listen().await;
    let _function = api.start(app, InvokeMode::Streaming);
    let mut answer = api.invoke(r#"{"numbers":[3,4]}"#).await;
    assert_eq!(answer.resource(), "r1/response");
    assert_eq!(answer.json().await, json!(7));
    answer.answer(202, &[], b"").await;
    for (event, code, message) in [
        ("409", "app.conflict", "taken"),
        ("503", "stock.empty", "internal error"),
        // An event that looks like a request is not served: there is no handler of requests.
        (&*url_event("/hello"), "stock.empty", "internal error"),
    ] {
        let mut error = api.invoke(event).await;
        assert_eq!(error.resource(), "r1/error");
        assert_eq!(error.headers["lambda-runtime-function-error-type"], code);
        let body = error.json().await;
        assert_eq!(body, json!({"errorType": code, "errorMessage": message}), "{event}");
        error.answer(202, &[], b"").await;
    }
}

#[tokio::test]
async fn unknown_and_malformed_events_fail_as_invalid_events() {
    let mut api = RuntimeApi::listen().await;
    let _function = api.start(app(), InvokeMode::Streaming);
    let mut wrong = event("/hello");
    wrong["rawPath"] = json!(7);
    for (event, message) in [
        ("", "apptheory: empty event"),
        ("{}", "nothing is registered for this event, an object without members"),
        ("[1]", "nothing is registered for this event, a list"),
        (r#"{"rawPath":"#, "apptheory: parse event envelope: "),
        (&*wrong.to_string(), "apptheory: parse lambda url event: "),
    ] {
        let mut error = api.invoke(event).await;
        assert_eq!(error.resource(), "r1/error");
        let error_type = "Function.InvalidEvent";
        assert_eq!(error.headers["lambda-runtime-function-error-type"], error_type);
        let body = error.json().await;
        assert_eq!(body["errorType"], error_type);
        assert!(body["errorMessage"].as_str().unwrap().starts_with(message), "{event}: {body}");
        error.answer(202, &[], b"").await;
    }
    let id = [("Lambda-Runtime-Aws-Request-Id", "r1")];
    api.poll().await.answer(200, &id, b"\xff").await;
    let mut error = api.request().await;
    assert_eq!(error.resource(), "r1/error");
    assert_eq!(error.json().await["errorMessage"], "the event is not UTF-8");
}

#[tokio::test]
async fn requests_without_a_trace_get_that_of_their_invocation() {
    let mut api = RuntimeApi::listen().await;
    let _function = api.start(app(), InvokeMode::Buffered);
    let root = "1-67891233-abcdef012345678912345678";
    let own = "1-67891234-abcdef012345678912345678";
    let mut traced = event("/trace");
    traced["headers"] = json!({"X-Amzn-Trace-Id": format!("Root={own}")});
    for (event, expected) in [(event("/trace"), root), (traced, own)] {
        let trace = format!("Root={root};Parent=53995c3f42cd8ad8;Sampled=1");
        let fields = [("Lambda-Runtime-Trace-Id", &*trace)];
        api.poll().await.hand_out("r1", &fields, &event.to_string()).await;
        let mut response = api.request().await;
        assert_eq!(response.json().await["body"], expected);
        response.answer(202, &[], b"").await;
    }
}

#[tokio::test]
async fn as_many_are_handled_at_the_same_time_as_lambda_says() {
    let (running, gate) = (Arc::new(AtomicUsize::new(0)), Arc::new(Semaphore::new(0)));
    let (counter, pass) = (Arc::clone(&running), Arc::clone(&gate));
    let app = App::new().get("/", move || {
        let (counter, pass) = (Arc::clone(&counter), Arc::clone(&pass));
        async move {
            counter.fetch_add(1, Ordering::SeqCst);
            pass.acquire().await.unwrap().forget();
            "done"
        }
    });
    let mut api = RuntimeApi::listen().await;
    let variables = [("AWS_LAMBDA_MAX_CONCURRENCY", "3")];
    let runtime = api.runtime(app.build().unwrap(), &variables);
    let _function = tokio::spawn(runtime.run());

    for id in ["r1", "r2", "r3"] {
        api.poll().await.hand_out(id, &[], &url_event("/")).await;
    }
    while running.load(Ordering::SeqCst) < 3 {
        tokio::task::yield_now().await;
    }
    assert!(api.try_request().is_none(), "nobody is left to ask for a fourth");
    gate.add_permits(1);
    let mut first = api.request().await;
    assert_eq!(first.json().await["body"], "done");
    first.answer(202, &[], b"").await;
    api.poll().await;
}
