//! Records of services that send them in their own ways, from the event to the answer.

use std::sync::{Arc, Mutex};

use apptheory_core::error::AppError;
use apptheory_core::events::Shape;
use serde_json::{Value, json};

use crate::app::events::{
    ActiveMqMessage, AnyEvent, CodeCommitPush, Disposition, DocumentDbChange, KafkaMessage,
    RabbitMqMessage, S3Object, SesMail,
};
use crate::app::*;
use crate::testkit::TestApp;
use crate::testkit::events::{DocumentChange, KafkaEntry, MailEntry, S3Entry, kafka, s3};

/// What handlers write down, in order.
#[derive(Clone, Default)]
struct Seen(Arc<Mutex<Vec<String>>>);

impl Seen {
    fn see(&self, text: impl Into<String>) {
        self.0.lock().unwrap().push(text.into());
    }

    fn take(&self) -> Vec<String> {
        core::mem::take(&mut self.0.lock().unwrap())
    }
}

/// A text that says whether its record fails.
async fn number(State(seen): State<Seen>, text: String) -> Result<(), AppError> {
    seen.see(&*text);
    match &*text {
        "panic" => panic!("boom"),
        "bad" => Err(AppError::conflict("out of stock")),
        _ => Ok(()),
    }
}

#[test]
fn partitions_of_kafka_fail_from_an_offset_on() {
    let seen = Seen::default();
    let app = TestApp::new(|_| App::with_state(seen.clone()).kafka("clicks", number));
    app.kafka("clicks", ["1", "2"]).assert_ok();
    assert_eq!(seen.take(), ["1", "2"]);

    let at = |partition, text: &str| KafkaEntry::new(text).partition(partition);
    let entries = [at(0, "1"), at(0, "bad"), at(0, "2"), at(1, "3"), at(2, "panic"), at(2, "4")];
    let answer = app.kafka("clicks", entries);
    answer.assert_failures(["clicks-0:1", "clicks-0:2", "clicks-2:0", "clicks-2:1"]);
    let first: Value = answer.answer::<Value>()["batchItemFailures"][0].clone();
    assert_eq!(first, json!({"itemIdentifier": {"partition": "clicks-0", "offset": 1}}));
    assert_eq!(seen.take(), ["1", "bad", "3", "panic"]);
    app.kafka("others", ["1"]).assert_failures(["others-0:0"]);
}

#[test]
fn a_record_of_kafka_is_typed() {
    async fn check(record: Arc<KafkaMessage>, Json(value): Json<Value>) {
        assert_eq!(
            (record.key.as_deref(), record.header("h")),
            (Some(&b"k"[..]), Some(&[0xff][..]))
        );
        assert_eq!((&*record.topic, record.partition, record.offset), ("t", 7, 0));
        assert_eq!(value, json!({"n": 1}));
    }
    async fn forget(record: Arc<KafkaMessage>) -> Result<(), AppError> {
        record.value.is_none().then_some(()).ok_or_else(AppError::internal)
    }
    let app = TestApp::new(|_| App::new().kafka("t", check).kafka("deletions", forget));
    let entry = KafkaEntry::json(&json!({"n": 1})).key("k").header("h", [0xff]).partition(7);
    app.kafka("t", [entry]).assert_ok();
    app.kafka("deletions", [KafkaEntry::tombstone("k")]).assert_ok();
}

#[test]
fn the_first_failure_fails_an_event_that_comes_again_as_a_whole() {
    let seen = Seen::default();
    let told = Seen::default();
    let tell = told.clone();
    let app = TestApp::new(|_| {
        App::with_state(seen.clone())
            .activemq("orders", number)
            .rabbitmq("orders", number)
            .on_failure(move |failure| tell.see(failure.to_string()))
    });
    app.activemq("orders", ["1", "2"]).assert_answer(&());
    app.rabbitmq("orders", ["3"]).assert_answer(&());
    assert_eq!(seen.take(), ["1", "2", "3"]);
    let answer = app.activemq("orders", ["1", "bad", "2"]);
    answer.assert_error("apptheory: event workload failed");
    assert!(!answer.error().unwrap().to_string().contains("out of stock"));
    app.rabbitmq("orders", ["1", "panic", "2"]).assert_error("apptheory: event workload failed");
    assert_eq!(seen.take(), ["1", "bad", "1", "panic"]);
    assert!(told.take()[0].contains("out of stock"), "the application is told");

    // Nothing runs of an event that will fail.
    let event = json!({"eventSource": "aws:rmq", "rmqMessagesByQueue": {
        "orders::/": [{"data": "MQ=="}], "others::/": [{"data": "Mg=="}]}});
    app.invoke(&event).assert_error("apptheory: event workload failed");
    assert_eq!(seen.take(), [""; 0]);
    assert!(told.take()[0].contains(r#"nothing is registered for "others""#));
    // A message that cannot be read says so, whether or not it says where it is from.
    app.invoke(&json!({"eventSource": "aws:mq", "messages": [5]})).assert_error("workload failed");
    assert!(told.take()[0].contains("parse activemq message"), "why it cannot be read");
}

#[test]
fn every_source_has_its_handler_and_its_record() {
    let seen = Seen::default();
    let app = TestApp::new(|_| {
        App::with_state(seen.clone())
            .s3("photos", async |State(seen): State<Seen>, object: Arc<S3Object>| {
                seen.see(format!("{} {} {:?}", object.event_name, object.key, object.size));
            })
            .ses(async |State(seen): State<Seen>, mail: Arc<SesMail>| {
                seen.see(format!("{} {}", mail.source, mail.subject));
                Disposition::StopRule
            })
            .codecommit("shop", async |State(seen): State<Seen>, push: Arc<CodeCommitPush>| {
                seen.see(&*push.references[0].name);
            })
            .activemq("q", async |State(seen): State<Seen>, message: Arc<ActiveMqMessage>| {
                seen.see(&*message.message_id);
            })
            .rabbitmq("q", async |State(seen): State<Seen>, message: Arc<RabbitMqMessage>| {
                seen.see(&*message.virtual_host);
            })
            .documentdb("db", async |State(seen): State<Seen>, change: Arc<DocumentDbChange>| {
                seen.see(format!("{} {}", change.operation, change.collection));
            })
    });
    let objects = [S3Entry::put("a b/ü.jpg").size(7), S3Entry::delete("c+d").version_id("v")];
    app.s3("photos", objects).assert_answer(&());
    app.ses(MailEntry::new("ann@example.com", "shop@example.com").subject("hi"))
        .assert_answer(&json!({"disposition": "STOP_RULE"}));
    app.codecommit("shop", ["refs/heads/main"]).assert_answer(&());
    app.activemq("q", ["x"]).assert_answer(&());
    app.rabbitmq("q", ["x"]).assert_answer(&());
    let changes = [
        DocumentChange::insert("orders", &json!({"_id": 1})),
        DocumentChange::delete("orders", &2),
    ];
    app.documentdb("db", changes).assert_answer(&());
    assert_eq!(
        seen.take(),
        [
            "ObjectCreated:Put a b/ü.jpg Some(7)",
            "ObjectRemoved:Delete c+d None",
            "ann@example.com hi",
            "refs/heads/main",
            "ID:1",
            "/",
            "insert orders",
            "delete orders",
        ]
    );
}

#[test]
fn without_a_handler_of_its_source_an_event_is_for_any_or_refused_by_name() {
    let app = TestApp::new(|_| {
        App::new()
            .sqs("q", async || ())
            .on(Shape::records_from("aws:s3"), async || Json("by shape"))
            .on(Shape::member("records"), async |event: AnyEvent| Json(event.seen().to_string()))
    });
    app.s3("b", ["k"]).assert_answer("by shape");
    app.kafka("t", ["x"]).assert_answer("an event of kafka (by `eventSource`)");
    app.ses(MailEntry::new("a", "b")).assert_error(
        "an event of ses (by `eventSource` in the first of `Records`); registered: sqs(\"q\"), ",
    );
    app.rabbitmq("q", ["x"]).assert_error("Register a handler with `rabbitmq`, or `otherwise`");

    // With one, shapes are not asked.
    let app = TestApp::new(|_| {
        App::new().s3("b", async || ()).otherwise(async || Json("otherwise")).on_failure(|_| {})
    });
    app.s3("other", ["k"]).assert_error("apptheory: event workload failed");
    app.kafka("t", ["x"]).assert_answer("otherwise");
}

#[test]
fn sources_are_registered_once() {
    let twice = App::new().s3("b", async || ()).s3(" b ", async || ()).build().unwrap_err();
    assert!(twice.to_string().contains(r#"s3(" b ")"#), "{twice}");
    assert!(twice.to_string().contains("has a handler already"), "{twice}");
    let twice = App::new().ses(async || ()).ses(async || ()).build().unwrap_err();
    assert!(twice.to_string().contains("an earlier one takes all events"), "{twice}");
    assert!(App::new().kafka(" ", async || ()).build().is_err());
    let every = App::new().kafka("n", async || ()).rabbitmq("n", async || ()).s3("n", async || ());
    assert!(every.activemq("n", async || ()).documentdb("n", async || ()).build().is_ok());
}

#[cfg(feature = "aws_lambda_events")]
#[test]
fn builders_write_what_aws_lambda_events_reads() {
    use aws_lambda_events::{kafka::KafkaEvent, s3::S3Event};
    let event: KafkaEvent = serde_json::from_value(kafka("t", ["x"])).unwrap();
    assert_eq!(event.records["t-0"][0].offset, 0);
    let event: S3Event = serde_json::from_value(s3("b", ["a b"])).unwrap();
    assert_eq!(event.records[0].s3.object.key.as_deref(), Some("a+b"));
}
