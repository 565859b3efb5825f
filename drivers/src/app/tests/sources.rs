//! Records of services with formats of their own, from the event to the result.

use std::sync::{Arc, Mutex};

use apptheory_core::error::AppError;
use apptheory_core::events::{Change, CloudWatchLogs, Shape, Transformed};
use serde_json::{Value, json};

use crate::app::events::{
    ActiveMqMessage, AnyEvent, CodeCommitPush, Disposition, DocumentDbChange, KafkaMessage,
    RabbitMqMessage, S3Object, SesMail,
};
use crate::app::*;
use crate::testkit::TestApp;
use crate::testkit::events::{DocumentChange, KafkaEntry, MailEntry, S3Entry, kafka, s3};

/// What handlers record, in order.
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

/// Handles a text that says whether its record fails.
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

    // No record of an event runs if the event will fail.
    let event = json!({"eventSource": "aws:rmq", "rmqMessagesByQueue": {
        "orders::/": [{"data": "MQ=="}], "others::/": [{"data": "Mg=="}]}});
    app.invoke(&event).assert_error("apptheory: event workload failed");
    assert_eq!(seen.take(), [""; 0]);
    assert!(told.take()[0].contains(r#"nothing is registered for "others""#));
    // A malformed message is reported, whether or not its source is known.
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
fn records_of_firehose_come_back_one_by_one() {
    async fn transform(text: String) -> Result<Transformed, AppError> {
        match &*text {
            "drop" => Ok(Transformed::dropped()),
            "bad" => Err(AppError::conflict("secret=42")),
            "panic" => panic!("boom"),
            "large" => Ok(Transformed::ok("x".repeat(4 << 20))),
            text => Ok(Transformed::ok(text.to_uppercase()).partition_key("len", "2")),
        }
    }
    /// Responds with something that Firehose does not accept.
    async fn meddle(context: Context, next: Next) -> Answer {
        if context.body() == b"meddle" {
            Response::json(200, &1)
        } else {
            Ok(next.run(context).await)
        }
    }
    let told = Seen::default();
    let tell = told.clone();
    let app = TestApp::new(|_| {
        App::new()
            .layer(meddle)
            .firehose("clicks", transform)
            .on_failure(move |failure| tell.see(failure.to_string()))
    });
    let data = ["hi", "drop", "bad", "panic", "meddle", "yo"];
    app.firehose("clicks", data).assert_answer(&json!({"records": [
        {"recordId": "record-1", "result": "Ok", "data": "SEk=",
            "metadata": {"partitionKeys": {"len": "2"}}},
        {"recordId": "record-2", "result": "Dropped"},
        {"recordId": "record-3", "result": "ProcessingFailed"},
        {"recordId": "record-4", "result": "ProcessingFailed"},
        {"recordId": "record-5", "result": "ProcessingFailed"},
        {"recordId": "record-6", "result": "Ok", "data": "WU8=",
            "metadata": {"partitionKeys": {"len": "2"}}},
    ]}));
    assert_eq!(told.take().len(), 3);

    // 4 MiB are more than 5 in base64: two of them do not fit into the response.
    let answer = app.firehose("clicks", ["large", "hi", "large"]);
    assert!(answer.text().len() < 6 << 20);
    let records = answer.answer::<Value>()["records"].clone();
    let results: Vec<_> = (0..3).map(|n| records[n]["result"].as_str().unwrap()).collect();
    assert_eq!(results, ["Ok", "Ok", "ProcessingFailed"]);
    assert!(told.take()[0].contains("1 transformed records do not fit"), "the failure hook");
    let other = app.firehose("others", ["hi"]);
    assert_eq!(other.answer::<Value>()["records"][0]["result"], "ProcessingFailed");
}

#[test]
fn logs_are_delivered_to_the_function_itself() {
    let seen = Seen::default();
    let app = TestApp::new(|_| {
        let handler =
            async |State(seen): State<Seen>, logs: Arc<CloudWatchLogs>, Json(all): Json<Value>| {
                assert_eq!(all["logGroup"], *logs.log_group);
                seen.see(format!("{} {}", logs.log_group, logs.log_events[0].message));
            };
        App::with_state(seen.clone()).cloudwatch_logs(handler).on_failure(|_| {})
    });
    app.log_subscription("/shop", ["hi"]).assert_answer(&());
    assert_eq!(seen.take(), ["/shop hi"]);
    app.invoke(&json!({"awslogs": {"data": "aGk="}})).assert_error("event workload failed");
}

/// Returns an aggregate of records with the partition key `k`, and the MD5 digest of its message.
fn aggregate(records: &[&str], digest: u128) -> Vec<u8> {
    let field = |tag: u8, bytes: &[u8]| {
        [&[tag << 3 | 2, u8::try_from(bytes.len()).unwrap()][..], bytes].concat()
    };
    let records =
        records.iter().map(|data| field(3, &[&[8, 0][..], &field(3, data.as_bytes())].concat()));
    let message = [field(1, b"k")].into_iter().chain(records).collect::<Vec<_>>().concat();
    [&[0xf3, 0x89, 0x9a, 0xc2][..], &message, &digest.to_be_bytes()].concat()
}

#[test]
fn every_record_in_an_aggregate_is_handled() {
    let seen = Seen::default();
    let app = TestApp::new(|_| App::with_state(seen.clone()).kinesis("s", number));
    let good = aggregate(&["1", "2"], 0x00f3dca4_85c89b1d_564590a7_c7247805);
    app.kinesis("s", [good, b"3".into()]).assert_ok();
    assert_eq!(seen.take(), ["1", "2", "3"]);
    // The whole aggregate is retried.
    let bad = aggregate(&["1", "bad", "2"], 0x5dc1fa98_0e1ec72f_73cb1e0b_d312b086);
    app.kinesis("s", [bad, b"3".into()]).assert_failures(["1"]);
    assert_eq!(seen.take(), ["1", "bad", "3"]);
    // A record that only begins like an aggregate is an ordinary record.
    let damaged = [&[0xf3, 0x89, 0x9a, 0xc2][..], &[0; 20]].concat();
    let app = TestApp::new(|_| {
        App::new().kinesis("s", async |context: Context, Body(body): Body| {
            assert_eq!(body.len(), 24);
            assert!(context.record().is_some());
        })
    });
    app.kinesis("s", [damaged]).assert_ok();
}

#[test]
fn changes_of_tables_come_through_kinesis() {
    #[derive(serde::Deserialize)]
    struct Order {
        item: String,
    }
    async fn see(State(seen): State<Seen>, change: Change<Order>) {
        let item = change.old.map(|order| order.item);
        seen.see(format!("{item:?} {}", change.is_expiry));
    }
    let seen = Seen::default();
    let app = TestApp::new(|_| App::with_state(seen.clone()).kinesis("s", see).on_failure(|_| {}));
    let change = json!({"eventSource": "aws:dynamodb", "eventName": "REMOVE", "tableName": "orders",
        "userIdentity": {"type": "Service", "principalId": "dynamodb.amazonaws.com"},
        "dynamodb": {"OldImage": {"item": {"S": "tea"}}}});
    app.kinesis("s", [change.to_string(), "{}".into(), "hi".into()]).assert_failures(["2", "3"]);
    assert_eq!(seen.take(), [r#"Some("tea") true"#]);
}

#[test]
fn forms_come_in_records_and_messages_without_a_media_type() {
    #[derive(serde::Deserialize)]
    struct Order {
        item: String,
    }
    async fn see(State(seen): State<Seen>, Form(order): Form<Order>) {
        seen.see(order.item);
    }
    let seen = Seen::default();
    let app =
        TestApp::new(|_| App::with_state(seen.clone()).sqs("q", see).websocket("$default", see));
    app.sqs("q", ["item=green+tea", "amount=1", ""]).assert_failures(["msg-2", "msg-3"]);
    app.websocket().connect("/").send("item=black+tea").close();
    assert_eq!(seen.take(), ["green tea", "black tea"]);
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

    // With a handler, shapes are not checked.
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

#[test]
fn builders_write_what_aws_lambda_events_reads() {
    use aws_lambda_events::{kafka::KafkaEvent, s3::S3Event};
    let event: KafkaEvent = serde_json::from_value(kafka("t", ["x"])).unwrap();
    assert_eq!(event.records["t-0"][0].offset, 0);
    let event: S3Event = serde_json::from_value(s3("b", ["a b"])).unwrap();
    assert_eq!(event.records[0].s3.object.key.as_deref(), Some("a+b"));
}
