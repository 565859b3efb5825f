//! An application under AWS's own runtime, as a service.

use core::future::pending;
use core::time::Duration;
use std::io;
use std::sync::{Arc, Mutex};

use apptheory::app::{App, BodyStream, Context, Function, Invocation, Response};
use apptheory::clock::{Clock as _, VirtualClock};
use apptheory::error::AppError;
use apptheory::lambda::service;
use apptheory::time::Timestamp;
use futures_util::StreamExt as _;
use lambda_runtime::{Config, FunctionResponse, LambdaEvent};
use serde_json::json;
use serde_json::value::to_raw_value;
use tower::Service as _;

use super::after::Seen;
use super::flush::Flushes;

fn app() -> App {
    App::new()
        .get("/", async |context: Context| {
            let left = context.remaining().unwrap().as_secs();
            let Invocation { request_id, trace, .. } = context.invocation();
            format!("{request_id} {trace} {}", left / 60)
        })
        .get("/page", async || {
            Response::html_stream(200, BodyStream::from_chunks(["<h1>", "Hello"]))
        })
        .sqs("orders", async |context: Context| {
            context.body().starts_with(b"4").then_some(()).ok_or_else(AppError::not_found)
        })
}

fn context() -> lambda_runtime::Context {
    let mut context = lambda_runtime::Context::default();
    context.request_id = "r1".to_owned();
    context.xray_trace_id = Some("Root=1".to_owned());
    // In 2200.
    context.deadline = 7_258_118_400_000;
    context
}

async fn answer(
    event: &serde_json::Value,
) -> FunctionResponse<Box<serde_json::value::RawValue>, BodyStream> {
    let event = LambdaEvent::new(to_raw_value(event).unwrap(), context());
    service(app()).unwrap().call(event).await.unwrap()
}

#[tokio::test]
async fn every_event_is_answered_with_what_its_invocation_says() {
    let FunctionResponse::BufferedResponse(answer_of_url) = answer(&super::event("/")).await else {
        panic!("buffered unless told otherwise");
    };
    let read: serde_json::Value = serde_json::from_str(answer_of_url.get()).unwrap();
    let body = read["body"].as_str().unwrap();
    assert!(body.starts_with("r1 Root=1 ") && !body.ends_with(" 0"), "{body}");

    let record = |id: &str, body: &str| {
        json!({"eventSource": "aws:sqs", "messageId": id, "body": body,
        "eventSourceARN": "arn:aws:sqs:r:1:orders"})
    };
    let batch = json!({"Records": [record("1", "4"), record("2", "5")]});
    let FunctionResponse::BufferedResponse(failures) = answer(&batch).await else {
        panic!("a batch has no stream");
    };
    assert_eq!(failures.get(), r#"{"batchItemFailures":[{"itemIdentifier":"2"}]}"#);
}

#[tokio::test]
async fn the_function_is_what_that_runtime_says() {
    let mut context = context();
    context.env_config = Arc::new(Config {
        function_name: "orders".to_owned(),
        memory: 128,
        version: "7".to_owned(),
        log_stream: "stream".to_owned(),
        log_group: "group".to_owned(),
    });
    let seen = Arc::new(Mutex::new(None));
    let see = Arc::clone(&seen);
    let app = App::new().otherwise(move |invocation: Invocation| {
        *see.lock().unwrap() = invocation.function;
        core::future::ready(())
    });
    let event = LambdaEvent::new(to_raw_value(&json!({"to": "nobody"})).unwrap(), context);
    drop(service(app).unwrap().call(event).await.unwrap());
    let function = seen.lock().unwrap().take().unwrap();
    let expected = Function {
        name: "orders".to_owned(),
        version: "7".to_owned(),
        memory_mb: Some(128),
        log_group: "group".to_owned(),
        log_stream: "stream".to_owned(),
    };
    assert_eq!(*function, expected);
}

#[tokio::test]
async fn a_page_is_streamed_where_the_mode_says_so() {
    let event = LambdaEvent::new(to_raw_value(&super::event("/page")).unwrap(), context());
    let mut service =
        service(app()).unwrap().with_mode(apptheory::lambda::InvokeMode::StreamingForced);
    let FunctionResponse::StreamingResponse(mut page) = service.call(event).await.unwrap() else {
        panic!("streamed");
    };
    assert_eq!(page.metadata_prelude.status_code, 200);
    let mut chunks = Vec::new();
    while let Some(chunk) = page.stream.next().await {
        chunks.push(chunk.unwrap());
    }
    assert_eq!(chunks, ["<h1>", "Hello"]);
}

#[tokio::test]
async fn late_errors_of_a_stream_end_it_and_are_reported() {
    let told = Arc::new(Mutex::new(Vec::new()));
    let tell = Arc::clone(&told);
    fn failing(error: AppError) -> Response {
        let chunks = futures_util::stream::iter([Ok("<h1>"), Err(error)]);
        Response::html_stream(200, BodyStream::new(chunks))
    }
    let clock = VirtualClock::new(Timestamp::UNIX_EPOCH);
    let app = App::new()
        .clock(clock.clone())
        .get("/client", async || failing(AppError::conflict("sold out")))
        .get("/server", async || failing(AppError::from_error(io::Error::other("no host"))))
        .get("/early", async || {
            Response::html_stream(200, BodyStream::failing(AppError::not_found()))
        })
        .get("/slow", async || {
            let chunks = futures_util::stream::iter([Ok::<_, AppError>("<h1>")]);
            Response::html_stream(
                200,
                BodyStream::new(chunks.chain(futures_util::stream::pending())),
            )
        })
        .on_failure(move |failure| tell.lock().unwrap().push(failure.to_string()));
    let mut service =
        service(app).unwrap().with_mode(apptheory::lambda::InvokeMode::StreamingForced);
    for (path, status, bytes, expected) in [
        ("/client", 200, "<h1>", Some("sold out")),
        ("/server", 200, "<h1>", Some("no host")),
        ("/early", 404, "", None),
        ("/slow", 200, "<h1>", Some("app.timeout")),
    ] {
        let mut context = context();
        context.deadline = 10_000;
        let event = LambdaEvent::new(to_raw_value(&super::event(path)).unwrap(), context);
        let FunctionResponse::StreamingResponse(mut answer) = service.call(event).await.unwrap()
        else {
            panic!("streamed");
        };
        assert_eq!(answer.metadata_prelude.status_code, status, "{path}");
        let first = answer.stream.next().await.unwrap().unwrap();
        assert!(status == 404 || first == bytes, "{path}: {first:?}");
        if path == "/slow" {
            clock.advance(Duration::from_millis(9_500));
        }
        // Its error would be written into the body.
        assert!(answer.stream.next().await.is_none(), "{path}");
        let told = core::mem::take(&mut *told.lock().unwrap());
        assert_eq!(told.len(), usize::from(expected.is_some()), "{path}: {told:?}");
        assert!(told.iter().all(|told| told.contains(expected.unwrap())), "{path}: {told:?}");
    }
}

#[tokio::test]
async fn answers_are_flushed_before_they_are_handed_over() {
    let flushes = Flushes::default();
    let service = service(flushes.of(app())).unwrap();
    for (expected, event) in [(1, super::event("/")), (2, json!({"to": "nobody"}))] {
        let event = LambdaEvent::new(to_raw_value(&event).unwrap(), context());
        drop(service.clone().call(event).await);
        assert_eq!(flushes.count(), expected);
    }

    let event = LambdaEvent::new(to_raw_value(&super::event("/page")).unwrap(), context());
    let mut service = service.with_mode(apptheory::lambda::InvokeMode::StreamingForced);
    let FunctionResponse::StreamingResponse(mut page) = service.call(event).await.unwrap() else {
        panic!("streamed");
    };
    for expected in [2, 2, 3] {
        let chunk = page.stream.next().await;
        assert_eq!((flushes.count(), chunk.is_none()), (expected, expected == 3));
    }
}

#[tokio::test]
async fn what_is_left_for_after_an_answer_is_done_before_it_is_handed_over() {
    let seen = Seen::default();
    let service = service(seen.app()).unwrap();
    let event = |path| LambdaEvent::new(to_raw_value(&super::event(path)).unwrap(), context());
    drop(service.clone().call(event("/")).await);
    assert_eq!(seen.take(), ["done", "flushed"]);

    let mut service = service.with_mode(apptheory::lambda::InvokeMode::StreamingForced);
    let FunctionResponse::StreamingResponse(mut page) = service.call(event("/page")).await.unwrap()
    else {
        panic!("streamed");
    };
    assert!(page.stream.next().await.is_some() && seen.take().is_empty());
    assert!(page.stream.next().await.is_none());
    assert_eq!(seen.take(), ["done", "flushed"]);
}

#[test]
fn an_answer_is_handed_over_in_time_although_a_flush_hangs() {
    let clock = VirtualClock::new(Timestamp::UNIX_EPOCH);
    let hanging = app().clock(clock.clone()).on_flush(pending).on_failure(|_| {});
    let mut service = service(hanging).unwrap();
    let mut context = context();
    context.deadline = 1_000;
    let event = LambdaEvent::new(to_raw_value(&super::event("/")).unwrap(), context);
    assert!(clock.run(service.call(event)).is_ok());
    assert_eq!(clock.now(), Timestamp::UNIX_EPOCH.saturating_add(Duration::from_millis(500)));
}

#[tokio::test]
async fn an_unknown_event_fails_with_the_type_invalid_event() {
    let event = LambdaEvent::new(to_raw_value(&json!({"to": "nobody"})).unwrap(), context());
    let error = service(app()).unwrap().call(event).await.err().unwrap();
    assert_eq!(error.error_type, "Function.InvalidEvent");
}
