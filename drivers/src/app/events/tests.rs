//! Tests of events, from the view of handlers and services.

mod batches;
mod single;
mod windows;

use core::time::Duration;
use std::sync::{Arc, Mutex};

use apptheory_core::events::{HttpSource, Rule};
use serde_json::json;

use super::*;
use crate::app::App;
use crate::clock::Clock as _;
use crate::testkit::TestApp;

/// What handlers and hooks record, in order.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    fn note(&self, line: impl ToString) {
        self.0.lock().unwrap().push(line.to_string());
    }

    fn take(&self) -> Vec<String> {
        core::mem::take(&mut self.0.lock().unwrap())
    }
}

/// Handles a body: `fail`, `panic`, a number of milliseconds to wait, or anything else.
async fn handle(message: Arc<SqsMessage>, context: Context) -> Result<(), BoxError> {
    match message.body.as_ref() {
        "fail" => Err("out of stock".into()),
        "panic" => panic!("boom"),
        body => {
            let millis = body.parse().unwrap_or_default();
            context.clock().sleep(Duration::from_millis(millis)).await;
            Ok(())
        }
    }
}

#[test]
fn handlers_that_would_never_run_do_not_build() {
    async fn notified(_: Arc<SnsNotification>) {}
    async fn published(_: Arc<EventBridgeMessage>) {}
    async fn connected() {}
    let mend = "remove one of the two, or let one handler do the work of both";
    for (builder, expected) in [
        (
            App::new().sqs("orders", handle).sqs(" orders ", handle),
            format!(
                "sqs(\" orders \") would never run its handler: the queue \"orders\" has a handler \
                 already; {mend}"
            ),
        ),
        (
            App::new().sns("news", notified).sns("news", notified),
            format!(
                "sns(\"news\") would never run its handler: the topic \"news\" has a handler \
                 already; {mend}"
            ),
        ),
        (
            App::new().websocket("$connect", connected).websocket("$connect", connected),
            format!(
                "the WebSocket route \"$connect\" has a handler already: {mend}"
            ),
        ),
        (
            App::new().kinesis(" ", async |_: Arc<KinesisMessage>| ()),
            "kinesis(\" \") would never run its handler: the stream is blank; name one, or remove \
             the handler"
                .into(),
        ),
        (
            App::new().dynamodb("", async |_: Arc<DynamoDbChange>| ()),
            "dynamodb(\"\") would never run its handler: the table is blank; name one, or remove \
             the handler"
                .into(),
        ),
        (
            App::new()
                .event_bridge(Rule::source("app"), published)
                .event_bridge(Rule::source("app").detail_type("made"), published),
            "event_bridge(Rule::source(\"app\").detail_type(\"made\")) would never run its handler: \
             Rule::source(\"app\"), registered before it, selects the same events; register the \
             narrower rule first, or remove one of the two"
                .into(),
        ),
        (
            App::new().event_bridge(Rule::schedule("", "nightly"), published),
            "event_bridge(Rule::schedule(\"\", \"nightly\")) would never run its handler: the rule is \
             blank; name one, or remove the handler"
                .into(),
        ),
    ] {
        let error = builder.build().unwrap_err().to_string();
        assert_eq!(error.split_once("; see apptheory::guide::").unwrap().0, expected);
    }
}

#[test]
fn what_asks_an_authorizer_reaches_no_handler() {
    async fn served() {
        panic!("a handler ran");
    }
    let app = TestApp::new(|_| App::new().get("/orders", served).websocket("$connect", served));
    let service = app.service();
    let arn = "arn:aws:execute-api:eu-west-1:111122223333:abc123/prod/GET/orders";
    for event in [
        json!({"type": "REQUEST", "methodArn": arn, "path": "/orders", "httpMethod": "GET",
            "requestContext": {"stage": "prod"}}),
        json!({"version": "2.0", "type": "REQUEST", "routeArn": arn, "routeKey": "GET /orders",
            "rawPath": "/orders", "requestContext": {"http": {"method": "GET"}}}),
        json!({"type": "REQUEST", "methodArn": arn, "headers": {}, "requestContext":
            {"connectionId": "c=", "routeKey": "$connect", "eventType": "CONNECT"}}),
    ] {
        let event = event.to_string();
        let none = Invocation::default;
        let refused = app.run(service.invoke(&event, none())).unwrap_err().to_string();
        let seen = "nothing is registered for this event, an event of authorizer";
        assert!(refused.starts_with(seen), "{event}: {refused}");
        let answers = [
            app.run(service.serve_websocket(&event, none())),
            app.run(service.serve_event(HttpSource::ApiGatewayV1, &event, none())),
            app.run(service.serve_event(HttpSource::ApiGatewayV2, &event, none())),
        ];
        for answer in answers {
            assert_eq!(answer.unwrap_err().to_string(), "apptheory: unknown event type", "{event}");
        }
    }
}
