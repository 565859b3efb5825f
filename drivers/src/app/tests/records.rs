//! Records: handlers of requests handle them too, and what cannot be read fails alone.

use core::time::Duration;
use std::sync::{Arc, Mutex};

use apptheory_core::error::AppError;
use apptheory_core::events::Rule;
use serde_json::{Value, json};

use super::clock;
use crate::app::events::{DynamoDbChange, KinesisMessage, SnsNotification, SqsMessage};
use crate::app::*;
use crate::clock::{Clock as _, VirtualClock};

#[derive(Clone)]
struct Shop {
    shipped: Arc<Mutex<Vec<String>>>,
}

#[derive(serde::Deserialize)]
struct Order {
    item: String,
}

/// One function for a request, a message and every record.
async fn ship(State(shop): State<Shop>, Json(order): Json<Order>) -> Result<(), AppError> {
    match &*order.item {
        "gone" => Err(AppError::conflict("out of stock")),
        "panic" => panic!("boom"),
        item => {
            shop.shipped.lock().unwrap().push(item.to_owned());
            Ok(())
        }
    }
}

fn app(clock: &VirtualClock) -> (App<Shop>, Shop) {
    let shop = Shop { shipped: Arc::default() };
    (App::with_state(shop.clone()).clock(clock.clone()), shop)
}

fn invoke(app: &AppService, clock: &VirtualClock, event: &Value) -> Result<Value, String> {
    let answer = clock.run(app.invoke(&event.to_string(), Invocation::default()));
    answer.map(|json| serde_json::from_str(&json).unwrap()).map_err(|error| error.to_string())
}

fn messages(bodies: &[&str]) -> Value {
    let records = bodies.iter().enumerate().map(|(at, body)| {
        json!({"eventSource": "aws:sqs", "messageId": (at + 1).to_string(),
            "eventSourceARN": "arn:q", "body": body})
    });
    json!({"Records": records.collect::<Vec<_>>()})
}

fn failed(ids: &[&str]) -> Value {
    let ids = ids.iter().map(|id| json!({"itemIdentifier": id}));
    json!({"batchItemFailures": ids.collect::<Vec<_>>()})
}

#[test]
fn one_function_handles_requests_messages_and_records() {
    let clock = clock();
    let (app, shop) = app(&clock);
    let app = app
        .post("/ship", ship)
        .websocket("ship", ship)
        .sqs("q", ship)
        .kinesis("s", ship)
        .sns("t", ship)
        .dynamodb("table", async |change: Arc<DynamoDbChange>, Json(whole): Json<Value>| {
            assert_eq!(whole["eventName"], *change.event_name);
        })
        .event_bridge(Rule::source("shop"), async |Json(event): Json<Value>| {
            Json(event["detail"].clone())
        })
        .build()
        .unwrap();
    let order = |item: &str| json!({"item": item}).to_string();
    for (event, answer) in [
        (messages(&[&order("by sqs")]), failed(&[])),
        (
            json!({"Records": [{"eventSource": "aws:kinesis", "eventSourceARN": "a:stream/s",
                "kinesis": {"sequenceNumber": "1", "data": "eyJpdGVtIjoiYnkga2luZXNpcyJ9"}}]}),
            failed(&[]),
        ),
        (
            json!({"Records": [{"EventSource": "aws:sns", "Sns": {"MessageId": "m",
                "TopicArn": "a:t", "Message": order("by sns")}}]}),
            json!([null]),
        ),
        (
            json!({"Records": [{"eventSource": "aws:dynamodb", "eventName": "INSERT",
                "eventSourceARN": "a:table/table/stream/x", "dynamodb": {"SequenceNumber": "1"}}]}),
            failed(&[]),
        ),
        (json!({"source": "shop", "detail-type": "t", "detail": {"n": 1}}), json!({"n": 1})),
    ] {
        assert_eq!(invoke(&app, &clock, &event), Ok(answer));
    }
    let sent = json!({"body": order("by socket"), "requestContext": {"routeKey": "ship",
        "connectionId": "c=", "stage": "dev", "domainName": "a.execute-api.us-east-1.amazonaws.com"}});
    assert_eq!(invoke(&app, &clock, &sent).unwrap()["statusCode"], 204);
    let posted = json!({"rawPath": "/ship", "headers": {"content-type": "application/json"},
        "requestContext": {"http": {"method": "POST"}}, "body": order("by http")});
    assert_eq!(invoke(&app, &clock, &posted).unwrap()["statusCode"], 204);
    let shipped = ["by sqs", "by kinesis", "by sns", "by socket", "by http"];
    assert_eq!(*shop.shipped.lock().unwrap(), shipped);
}

#[test]
fn what_cannot_be_read_fails_alone_and_says_where() {
    let clock = clock();
    let (app, shop) = app(&clock);
    let told = Arc::new(Mutex::new(Vec::new()));
    let tell = Arc::clone(&told);
    let app = app
        .sqs("q", ship)
        .on_failure(move |failure| tell.lock().unwrap().push(failure.to_string()))
        .build()
        .unwrap();
    let event = messages(&[
        r#"{"item":"tea"}"#,
        r#"{"item":7}"#,
        "{",
        "",
        r#"{"item":"gone"}"#,
        r#"{"item":"panic"}"#,
        r#"{"item":"ink"}"#,
    ]);
    assert_eq!(invoke(&app, &clock, &event), Ok(failed(&["2", "3", "4", "5", "6"])));
    assert_eq!(*shop.shipped.lock().unwrap(), ["tea", "ink"]);
    let told = told.lock().unwrap();
    for (told, part) in told.iter().zip([
        "invalid json of item: expected a string",
        "invalid json at line 1, column 1",
        "Request body is empty",
        "app.conflict: out of stock",
        "a handler panicked: boom",
    ]) {
        assert!(told.contains(part), "{told}");
    }
    assert_eq!(told.len(), 5);
}

#[test]
fn a_middleware_decides_whether_a_record_was_handled() {
    /// Answers what the body says, without asking the handler.
    async fn instead(context: Context, next: Next) -> Answer {
        match context.body() {
            b"done" => Ok(Response::text(200, "not JSON")),
            b"503" => Ok(Response::new(503)),
            b"sign in" => Ok(Response::new(302).with_header("location", "/sign-in")),
            b"refuse" => Err(AppError::forbidden()),
            b"mend" => Ok(Response { error: None, ..Response::new(200) }),
            _ => Ok(next.run(context).await),
        }
    }
    let clock = clock();
    let app = App::new()
        .clock(clock.clone())
        .layer(instead)
        .sqs("q", async |_: Arc<SqsMessage>| AppError::conflict("always"))
        .sns("t", async |_: Arc<SnsNotification>| "null".parse::<Value>().unwrap())
        .on_failure(|_| {})
        .build()
        .unwrap();
    let event = messages(&["done", "503", "refuse", "mend", "else", "sign in"]);
    assert_eq!(invoke(&app, &clock, &event), Ok(failed(&["2", "3", "5", "6"])));
    // Of events that are answered, the answer has to be JSON.
    let notify = |text: &str| {
        json!({"Records": [{"EventSource": "aws:sns", "Sns": {"MessageId": "m",
            "TopicArn": "a:t", "Message": text}}]})
    };
    assert!(invoke(&app, &clock, &notify("done")).is_err());
    assert_eq!(invoke(&app, &clock, &notify("mend")), Ok(json!([null])));
    assert_eq!(invoke(&app, &clock, &notify("else")), Ok(json!([null])));
}

#[test]
fn a_timeout_fails_a_record() {
    let clock = clock();
    let app = App::new()
        .clock(clock.clone())
        .kinesis("s", slow.layer(Timeout::after(Duration::from_millis(20))))
        .on_failure(|failure| assert_eq!(failure.error.code(), "app.timeout"))
        .build()
        .unwrap();
    async fn slow(record: Arc<KinesisMessage>, context: Context) {
        let millis = if record.data == b"hi" { 10 } else { 30 };
        context.clock().sleep(Duration::from_millis(millis)).await;
    }
    let record = |number: &str, data: &str| {
        json!({"eventSource": "aws:kinesis", "eventSourceARN": "a:stream/s",
            "kinesis": {"sequenceNumber": number, "data": data}})
    };
    let event = json!({"Records": [record("1", "aGk="), record("2", "eW8=")]});
    assert_eq!(invoke(&app, &clock, &event), Ok(failed(&["2"])));
}
