//! Allocations for payloads of 1 MB, the size of asynchronous invocations: they are copied a few
//! times, and never piece by piece.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;

use allocation_counter::{AllocationInfo, measure};
use apptheory::app::events::{AnyEvent, EventBridgeMessage, SnsNotification, SqsMessage};
use apptheory::app::{App, AppService, Invocation, Json};
use apptheory::events::{Rule, Shape};
use apptheory::lambda::Runtime;
use futures_util::FutureExt as _;
use serde_json::{Value, json};

/// The largest payload of an asynchronous invocation (*AWS Lambda Developer Guide*, "Lambda
/// quotas"), and of an SQS message.
const MOST: usize = 1 << 20;

/// Allocations that do not depend on the payload's length.
const REST: u64 = 32 << 10;

#[derive(serde::Deserialize)]
struct Order {
    note: String,
}

fn app() -> AppService {
    App::new()
        .on(Shape::member("order"), async |Json(event): Json<Value>| {
            assert!(!event["order"]["note"].as_str().unwrap().is_empty());
        })
        .event_bridge(Rule::source("shop"), async |message: Arc<EventBridgeMessage>| {
            assert_eq!(message.source, "shop");
        })
        .sqs("orders", async |Json(order): Json<Order>| assert!(!order.note.is_empty()))
        .sqs("texts", async |message: Arc<SqsMessage>| assert!(!message.body.is_empty()))
        .sns("orders", async |note: Arc<SnsNotification>| assert!(!note.message.is_empty()))
        .otherwise(async |event: AnyEvent| assert!(!event.as_json().is_empty()))
        .build()
        .unwrap()
}

/// Returns events, each with a text of a length, and how many copies of that text may exist at the
/// same time, beside the event itself.
fn events(len: usize) -> [(&'static str, String, u64); 6] {
    let note = "n".repeat(len);
    let message = |queue: &str, body: &str| {
        json!({"Records": [{"eventSource": "aws:sqs", "messageId": "1", "body": body,
            "eventSourceARN": format!("arn:aws:sqs:r:1:{queue}")}]})
    };
    let notification = json!({"Records": [{"EventSource": "aws:sns", "Sns": {
        "MessageId": "1", "TopicArn": "arn:aws:sns:r:1:orders", "Message": note}}]});
    let event =
        json!({"id": "1", "source": "shop", "detail-type": "placed", "detail": {"note": note}});
    let order = json!({ "note": note }).to_string();
    [
        ("any", json!({ "text": note }).to_string(), 1),
        ("on, as JSON", json!({"order": {"note": note}}).to_string(), 3),
        ("event_bridge", event.to_string(), 3),
        ("sqs", message("texts", &note).to_string(), 2),
        ("sqs, as JSON", message("orders", &order).to_string(), 3),
        ("sns", notification.to_string(), 2),
    ]
}

fn counted(app: &AppService, event: &str) -> AllocationInfo {
    let mut answer = None;
    let info = measure(|| answer = app.invoke(event, Invocation::default()).now_or_never());
    answer.unwrap().unwrap();
    info
}

#[test]
fn an_event_of_1_mb_is_copied_a_few_times_and_never_piece_by_piece() {
    let app = app();
    for ((name, small, _), (_, large, copies)) in events(1 << 10).into_iter().zip(events(MOST)) {
        // Run once before counting.
        counted(&app, &small);
        let (few, many) = (counted(&app, &small), counted(&app, &large));
        let most = copies * u64::try_from(large.len()).unwrap() + REST;
        assert!(many.bytes_max <= most, "{name}: {many:?}");
        assert!(many.count_total <= few.count_total + 4, "{name}: {few:?} {many:?}");
    }
}

/// Plays the Runtime API: sends an event, reads the response, and ends the function.
fn serve(api: &TcpListener, event: &str) {
    let mut stream = BufReader::new(api.accept().unwrap().0);
    assert!(request(&mut stream).starts_with("GET /2018-06-01/runtime/invocation/next "));
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-length: {}\r\nlambda-runtime-aws-request-id: r1\r\n\r\n",
        event.len()
    );
    stream.get_mut().write_all(head.as_bytes()).unwrap();
    stream.get_mut().write_all(event.as_bytes()).unwrap();
    assert!(request(&mut stream).starts_with("POST /2018-06-01/runtime/invocation/r1/response "));
    stream.get_mut().write_all(b"HTTP/1.1 202 A\r\ncontent-length: 0\r\n\r\n").unwrap();
    request(&mut stream);
    stream.get_mut().write_all(b"HTTP/1.1 500 E\r\ncontent-length: 0\r\n\r\n").unwrap();
}

/// Reads a request, and returns its first line.
fn request(stream: &mut BufReader<TcpStream>) -> String {
    let mut lines = stream.by_ref().lines().map(Result::unwrap);
    let head: Vec<_> = lines.by_ref().take_while(|line| !line.is_empty()).collect();
    let len = head.iter().find_map(|line| line.strip_prefix("content-length: "));
    let mut body = vec![0; len.map_or(0, |len| len.parse().unwrap())];
    stream.read_exact(&mut body).unwrap();
    head[0].clone()
}

/// Returns the allocations of an invocation on Lambda, until there are no more events.
fn invoked(event: String) -> AllocationInfo {
    let api = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = api.local_addr().unwrap().to_string();
    let serving = thread::spawn(move || serve(&api, &event));
    let look_up = move |name: &str| (name == "AWS_LAMBDA_RUNTIME_API").then(|| address.clone());
    let function = Runtime::new(app()).env(look_up);
    // The worker is a task of this thread, whose allocations are counted.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let info = measure(|| assert!(runtime.block_on(function.run()).is_err()));
    serving.join().unwrap();
    info
}

#[test]
fn lambdas_loop_keeps_an_event_of_1_mb_a_few_times_at_most() {
    let [(_, small, _), ..] = events(1 << 10);
    let [(_, large, copies), ..] = events(MOST);
    invoked(small.clone());
    let len = u64::try_from(large.len()).unwrap();
    let (few, many) = (invoked(small), invoked(large));
    // The event is received in pieces, which are joined once.
    let most = (copies + 2) * len + 8 * REST;
    assert!(many.bytes_max <= most, "{many:?}");
    // A piece is one read of a socket: at least 8 KiB, if there are more.
    assert!(many.count_total <= few.count_total + len / (4 << 10), "{few:?} {many:?}");
}
