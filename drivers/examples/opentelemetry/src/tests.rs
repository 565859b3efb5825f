//! The function between a Runtime API and a collector, both on loopback.
#![allow(
    clippy::panic,
    clippy::unwrap_used,
    dead_code,
    reason = "it ends a test; the Runtime API has more users"
)]

#[path = "../../../tests/lambda/server.rs"]
mod server;

use apptheory::lambda::InvokeMode;
use axum::Router;
use axum::body::Bytes;
use axum::routing::post;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message as _;
use server::RuntimeApi;
use tokio::net::TcpListener;
use tokio::sync::mpsc;

use super::*;

const TRACE: &str = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1";

/// Starts a collector, and returns the spans that it receives.
async fn collector() -> (String, mpsc::UnboundedReceiver<Vec<Span>>) {
    let (sender, spans) = mpsc::unbounded_channel();
    let collect = move |body: Bytes| {
        let request = ExportTraceServiceRequest::decode(body).unwrap();
        let scopes = request.resource_spans.into_iter().flat_map(|of| of.scope_spans);
        sender.send(scopes.flat_map(|scope| scope.spans).collect()).unwrap();
        async {}
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/v1/traces", listener.local_addr().unwrap());
    tokio::spawn(async move {
        axum::serve(listener, Router::new().route("/v1/traces", post(collect))).await
    });
    (url, spans)
}

/// Creates a function that sends its spans to a URL.
fn function(url: &str) -> (AppService, tracing::subscriber::DefaultGuard) {
    let exporter = SpanExporter::builder().with_http().with_endpoint(url).build().unwrap();
    let (spans, layer) = Spans::to(exporter);
    let guard = tracing::subscriber::set_default(tracing_subscriber::registry().with(layer));
    (app(spans, &Store::memory()).build().unwrap(), guard)
}

fn named<'s>(spans: &'s [Span], name: &str) -> Vec<&'s Span> {
    spans.iter().filter(|span| span.name == name).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn message(id: &str) -> serde_json::Value {
    json!({"eventSource": "aws:sqs", "messageId": id, "eventSourceARN": "arn:aws:sqs:r:1:orders",
        "body": "tea"})
}

#[tokio::test]
async fn spans_are_with_the_collector_before_the_next_invocation_is_asked_for() {
    let (url, mut collected) = collector().await;
    let (app, _guard) = function(&url);
    let mut api = RuntimeApi::listen().await;
    let _function = api.start(app, InvokeMode::Buffered);
    let event = json!({"Records": [message("m1"), message("m2")]}).to_string();
    let trace = [("Lambda-Runtime-Trace-Id", TRACE)];
    api.poll().await.hand_out("r1", &trace, &event).await;
    let mut answer = api.request().await;
    assert_eq!(answer.json().await, json!({"batchItemFailures": []}));
    assert!(collected.try_recv().is_err(), "the answer is on its way");
    answer.answer(202, &[], b"").await;
    api.poll().await;

    let spans = collected.try_recv().unwrap();
    let [invocation] = &*named(&spans, "invocation") else { panic!("one invocation: {spans:?}") };
    assert_eq!(hex(&invocation.parent_span_id), "53995c3f42cd8ad8");
    for span in &spans {
        assert_eq!(hex(&span.trace_id), "5759e988bd862e3fe1be46a994272793", "{}", span.name);
    }
    let (records, shipped) = (named(&spans, "record"), named(&spans, "ship"));
    assert_eq!((records.len(), shipped.len()), (2, 2));
    for (record, ship) in records.into_iter().zip(shipped) {
        assert_eq!(record.parent_span_id, invocation.span_id);
        assert_eq!(ship.parent_span_id, record.span_id);
    }
}

#[tokio::test]
async fn nothing_is_sent_of_a_trace_that_is_not_sampled() {
    let (url, mut collected) = collector().await;
    let (app, _guard) = function(&url);
    let mut api = RuntimeApi::listen().await;
    let _function = api.start(app, InvokeMode::Buffered);
    let mut next = api.poll().await;
    for (trace, is_sent) in [(TRACE.replace("Sampled=1", "Sampled=0"), false), ("".into(), true)] {
        let event = json!({"Records": [message("m1")]}).to_string();
        next.hand_out("r1", &[("Lambda-Runtime-Trace-Id", &*trace)], &event).await;
        let mut answer = api.request().await;
        answer.text().await;
        answer.answer(202, &[], b"").await;
        next = api.poll().await;
        assert_eq!(collected.try_recv().is_ok(), is_sent, "{trace}");
    }
}

#[tokio::test]
async fn a_collector_that_is_away_fails_nothing() {
    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/v1/traces", nobody.local_addr().unwrap());
    drop(nobody);
    let (app, _guard) = function(&url);
    let mut api = RuntimeApi::listen().await;
    let _function = api.start(app, InvokeMode::Buffered);
    for _ in 0..2 {
        let event = json!({"Records": [message("m1")]}).to_string();
        let mut answer = api.invoke(&event).await;
        assert_eq!(answer.json().await, json!({"batchItemFailures": []}));
        answer.answer(202, &[], b"").await;
    }
}
