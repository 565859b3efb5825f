//! Records: handlers of requests can handle them, and a malformed record fails alone.

use core::time::Duration;
use std::sync::{Arc, Mutex};

use apptheory_core::error::AppError;
use apptheory_core::events::Rule;
use serde_json::{Value, json};

use crate::app::events::{DynamoDbChange, KinesisMessage, SnsNotification, SqsMessage};
use crate::app::*;
use crate::clock::Clock as _;
use crate::testkit::TestApp;
use crate::testkit::events::{EventBridgeEntry, ItemChange, SnsEntry};

#[derive(Clone, Default)]
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

#[test]
fn one_function_handles_requests_messages_and_records() {
    let shop = Shop::default();
    let app = TestApp::new(|_| {
        App::with_state(shop.clone())
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
    });
    let order = |item: &str| json!({"action": "ship", "item": item});
    app.sqs("q", [order("by sqs").to_string()]).assert_ok();
    app.kinesis("s", [order("by kinesis").to_string()]).assert_ok();
    app.sns("t", [order("by sns").to_string()]).assert_answer(&[()]);
    app.dynamodb("table", [ItemChange::insert(&json!({}))]).assert_ok();
    let event = EventBridgeEntry::new("shop", "t").detail(&json!({"n": 1}));
    app.event_bridge(event).assert_answer(&json!({"n": 1}));
    app.websocket().connect("/").send(&order("by socket").to_string());
    app.post("/ship").json(&order("by http")).send().assert_status(204);
    let shipped = ["by sqs", "by kinesis", "by sns", "by socket", "by http"];
    assert_eq!(*shop.shipped.lock().unwrap(), shipped);
}

#[test]
fn what_cannot_be_read_fails_alone_and_says_where() {
    let (shop, told) = (Shop::default(), Arc::new(Mutex::new(Vec::new())));
    let tell = Arc::clone(&told);
    let app = TestApp::new(|_| {
        App::with_state(shop.clone())
            .sqs("q", ship)
            .on_failure(move |failure| tell.lock().unwrap().push(failure.to_string()))
    });
    let messages = [
        r#"{"item":"tea"}"#,
        r#"{"item":7}"#,
        "{",
        "",
        r#"{"item":"gone"}"#,
        r#"{"item":"panic"}"#,
        r#"{"item":"ink"}"#,
    ];
    app.sqs("q", messages).assert_failures(["msg-2", "msg-3", "msg-4", "msg-5", "msg-6"]);
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
    /// Responds with the body, without calling the handler.
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
    let app = TestApp::new(|_| {
        App::new()
            .layer(instead)
            .sqs("q", async |_: Arc<SqsMessage>| AppError::conflict("always"))
            .sns("t", async |_: Arc<SnsNotification>| "null".parse::<Value>().unwrap())
            .on_failure(|_| {})
    });
    let failed = ["msg-2", "msg-3", "msg-5", "msg-6"];
    app.sqs("q", ["done", "503", "refuse", "mend", "else", "sign in"]).assert_failures(failed);
    // Events with a result need JSON.
    app.sns("t", ["done"]).assert_error("apptheory: event workload failed");
    app.sns("t", [SnsEntry::new("mend"), "else".into()]).assert_answer(&[(), ()]);
}

#[test]
fn a_timeout_fails_a_record() {
    async fn slow(record: Arc<KinesisMessage>, context: Context) {
        let millis = if record.data == b"hi" { 10 } else { 30 };
        context.clock().sleep(Duration::from_millis(millis)).await;
    }
    let app = TestApp::new(|_| {
        App::new()
            .kinesis("s", slow.layer(Timeout::after(Duration::from_millis(20))))
            .on_failure(|failure| assert_eq!(failure.error.code(), "app.timeout"))
    });
    app.kinesis("s", ["hi", "yo"]).assert_failures(["2"]);
}
