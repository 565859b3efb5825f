//! Every invocation ends: with handlers that never finish, and a Runtime API that never reads.

use core::future::{pending, ready};
use core::time::Duration;
use std::sync::Arc;

use apptheory::app::events::{EventBridgeMessage, SnsNotification, SqsMessage};
use apptheory::app::{App, BodyStream, Response};
use apptheory::lambda::InvokeMode;
use apptheory_core::error::AppError;
use apptheory_core::events::Rule;
use futures_util::{StreamExt as _, stream};
use serde_json::{Value as Json, json};
use tokio::sync::mpsc;

use super::server::{Exchange, RuntimeApi};
use super::time::{clock, in_seconds};
use super::url_event;

/// Sends an event with a deadline in ten seconds: work stops half a second earlier.
async fn hand_out(poll: Exchange, id: &str, event: &str) {
    poll.hand_out(id, &[("Lambda-Runtime-Deadline-Ms", &in_seconds(10))], event).await;
}

const WORK: Duration = Duration::from_millis(9_500);
const REST: Duration = Duration::from_millis(500);

/// Checks that the next invocation is taken, and gets a response.
async fn still_works(api: &mut RuntimeApi) {
    api.poll().await.hand_out("r2", &[], &url_event("/hello")).await;
    let mut response = api.request().await;
    assert_eq!(response.resource(), "r2/response");
    assert_eq!(response.json().await["body"], "hello");
    response.answer(202, &[], b"").await;
}

#[tokio::test]
async fn ten_handlers_that_never_end_do_not_stop_a_function() {
    let clock = clock();
    let (call, mut calls) = mpsc::unbounded_channel();
    let hang = move || {
        call.send(()).unwrap();
        pending::<()>()
    };
    let app = App::new().clock(clock.clone()).get("/hang", hang).get("/hello", async || "hello");
    let mut api = RuntimeApi::listen().await;
    let concurrency = [("AWS_LAMBDA_MAX_CONCURRENCY", "10")];
    let _function = tokio::spawn(api.runtime(app.build().unwrap(), &concurrency).run());
    let mut polls = Vec::new();
    for _ in 0..10 {
        polls.push(api.poll().await);
    }
    for (n, poll) in polls.drain(..).enumerate() {
        hand_out(poll, &format!("r{n}"), &url_event("/hang")).await;
        calls.recv().await.unwrap();
    }
    assert!(api.try_request().is_none());
    clock.advance(WORK);
    let mut answered = 0;
    while answered < 10 {
        let mut request = api.request().await;
        if request.method == "GET" {
            polls.push(request);
            continue;
        }
        assert_eq!(request.json().await["statusCode"], 504);
        request.answer(202, &[], b"").await;
        answered += 1;
    }
    let poll = polls.pop();
    let poll = if let Some(poll) = poll { poll } else { api.poll().await };
    poll.hand_out("r10", &[], &url_event("/hello")).await;
    let mut response = loop {
        let request = api.request().await;
        if request.method == "POST" {
            break request;
        }
    };
    assert_eq!(response.resource(), "r10/response");
    assert_eq!(response.json().await["body"], "hello");
}

/// Returns an application whose handlers of every kind never finish, and report when they begin.
fn hanging() -> (App, mpsc::UnboundedReceiver<()>) {
    let (call, calls) = mpsc::unbounded_channel();
    let hang = move || {
        call.send(()).unwrap();
        pending::<()>()
    };
    let [sqs, sns, bridge, socket] = [(); 4].map(|()| hang.clone());
    let app = App::new()
        .get("/hang", hang)
        .get("/hello", async || "hello")
        .sqs("q", move |_: Arc<SqsMessage>| sqs())
        .sns("t", move |_: Arc<SnsNotification>| sns())
        .event_bridge(Rule::source("shop").detail_type("Order"), {
            move |_: Arc<EventBridgeMessage>| bridge()
        })
        .websocket("a", socket);
    (app, calls)
}

#[tokio::test]
async fn a_handler_of_any_kind_that_never_ends_is_dropped() {
    let message = |id: &str| {
        json!({"messageId": id, "body": "hi", "eventSource": "aws:sqs",
            "eventSourceARN": "arn:aws:sqs:us-east-1:123456789012:q"})
    };
    let arn = "arn:aws:sns:us-east-1:123456789012:t";
    let sns = json!({"Records": [{"EventSource": "aws:sns", "EventVersion": "1.0",
        "EventSubscriptionArn": arn, "Sns": {"Type": "Notification", "MessageId": "m1",
        "Subject": null, "Message": "hi", "TopicArn": arn}}]});
    let bridge = json!({"version": "0", "id": "e1", "detail-type": "Order", "source": "shop",
        "account": "123456789012", "time": "2026-01-01T00:00:00Z", "region": "us-east-1",
        "resources": [], "detail": {}});
    let socket = json!({"isBase64Encoded": false, "requestContext": {"routeKey": "a",
        "eventType": "MESSAGE", "connectionId": "c1=", "stage": "dev", "requestId": "s1",
        "domainName": "a.execute-api.us-east-1.amazonaws.com"}});
    let timed_out = json!({"errorType": "Function.TimedOut",
        "errorMessage": "the event was not handled in time"});
    let failures = json!({"batchItemFailures": [{"itemIdentifier": "1"}, {"itemIdentifier": "2"}]});
    for (event, resource, answer) in [
        (json!({"Records": [message("1"), message("2")]}), "r1/response", failures),
        (sns, "r1/error", timed_out.clone()),
        (bridge, "r1/error", timed_out.clone()),
        (socket, "r1/error", timed_out),
    ] {
        let clock = clock();
        let (app, mut calls) = hanging();
        let mut api = RuntimeApi::listen().await;
        let app = app.clock(clock.clone()).build().unwrap();
        let _function = api.start(app, InvokeMode::Buffered);
        hand_out(api.poll().await, "r1", &event.to_string()).await;
        calls.recv().await.unwrap();
        clock.advance(WORK);
        let mut request = api.request().await;
        assert_eq!(request.resource(), resource);
        assert_eq!(request.json().await, answer);
        request.answer(202, &[], b"").await;
        still_works(&mut api).await;
    }
}

#[tokio::test]
async fn a_request_that_never_ends_is_504_where_answers_are_streamed() {
    let clock = clock();
    let (app, mut calls) = hanging();
    let mut api = RuntimeApi::listen().await;
    let _function = api.start(app.clock(clock.clone()).build().unwrap(), InvokeMode::Streaming);
    hand_out(api.poll().await, "r1", &url_event("/hang")).await;
    calls.recv().await.unwrap();
    clock.advance(WORK);
    let answer = api.request().await.accept().await;
    let prelude: Json = serde_json::from_slice(&answer.chunks[0]).unwrap();
    assert_eq!((&prelude["statusCode"], answer.trailers.len()), (&json!(504), 0));
    api.poll().await;
}

/// Returns an application with immediate responses: a small one, one that fills every buffer, and
/// one without an end, whose producer drops `held`.
fn answering(held: mpsc::Sender<()>) -> App {
    App::new()
        .get("/hello", async || "hello")
        .get("/large", async || Response::text(200, "a".repeat(5 << 20)))
        .get("/endless", move || {
            let held = held.clone();
            let chunks = stream::repeat_with(|| Ok::<_, AppError>(vec![b'a'; 16 << 10]));
            let chunks = chunks.inspect(move |_| assert!(!held.is_closed()));
            ready(Response::html_stream(200, BodyStream::new(chunks)))
        })
}

#[tokio::test]
async fn an_answer_that_is_not_read_ends_at_the_deadline() {
    for (path, mode) in [
        ("/hello", InvokeMode::Buffered),
        ("/large", InvokeMode::Buffered),
        ("/hello", InvokeMode::Streaming),
        ("/large", InvokeMode::Streaming),
        ("/endless", InvokeMode::Streaming),
    ] {
        let clock = clock();
        let (held, mut dropped) = mpsc::channel(1);
        let app = answering(held).clock(clock.clone()).build().unwrap();
        let mut api = RuntimeApi::listen().await;
        let function = api.start(app, mode);
        hand_out(api.poll().await, "r1", &url_event(path)).await;
        // Its head is read, and nothing else.
        let response = api.request().await;
        assert_eq!(response.resource(), "r1/response", "{path} {mode:?}");
        clock.advance(WORK);
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        assert!(api.try_request().is_none(), "{path} {mode:?}: there is time left");
        clock.advance(REST);
        // The connection is closed, and the next invocation is fetched over another one.
        response.drain().await;
        let poll = api.poll().await;
        function.abort();
        assert!(function.await.unwrap_err().is_cancelled());
        drop(poll);
        assert_eq!(dropped.recv().await, None, "{path}: nobody makes chunks any more");
    }
}

#[tokio::test]
async fn a_failure_that_is_not_read_ends_at_the_deadline() {
    let clock = clock();
    let (held, _) = mpsc::channel(1);
    let app = answering(held).clock(clock.clone()).build().unwrap();
    let mut api = RuntimeApi::listen().await;
    let _function = api.start(app, InvokeMode::Buffered);
    hand_out(api.poll().await, "r1", "{}").await;
    let error = api.request().await;
    assert_eq!(error.resource(), "r1/error");
    clock.advance(WORK + REST);
    error.drain().await;
    still_works(&mut api).await;
}

#[tokio::test]
async fn a_stream_that_is_read_again_ends_in_trailers() {
    let clock = clock();
    let (held, _dropped) = mpsc::channel(1);
    let app = answering(held).clock(clock.clone()).build().unwrap();
    let mut api = RuntimeApi::listen().await;
    let _function = api.start(app, InvokeMode::Streaming);
    hand_out(api.poll().await, "r1", &url_event("/endless")).await;
    let response = api.request().await;
    clock.advance(WORK);
    // Data in flight comes first.
    let answer = response.accept().await;
    assert_eq!(answer.trailers["lambda-runtime-function-error-type"], "app.timeout");
    still_streams(&mut api).await;
}

async fn still_streams(api: &mut RuntimeApi) {
    api.poll().await.hand_out("r2", &[], &url_event("/hello")).await;
    let answer = api.request().await.accept().await;
    assert_eq!(answer.chunks[2], b"hello");
}
