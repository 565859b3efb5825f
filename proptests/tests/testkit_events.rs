//! Applications read what the test kit's builders put into events and callers, and results name
//! exactly the failed records.
#![expect(clippy::panic, reason = "a test ends where an event is none")]

use std::collections::{BTreeMap, BTreeSet};

use apptheory::App;
use apptheory::app::events::{DynamoDbChange, KinesisMessage, SqsMessage};
use apptheory::error::AppError;
use apptheory::events::{
    BatchEvent, BatchSource, Change, CustomResource, DynamoDbRecord, EventInput, KinesisRecord,
    LambdaEvent, ResourceChange, Rule, SqsRecord, WebSocketEvent,
};
use apptheory::http::Request;
use apptheory::testkit::events::{
    self, EventBridgeEntry, ItemChange, KinesisEntry, SnsEntry, SqsEntry,
};
use apptheory::testkit::{TestApp, Via, requests};
use apptheory_proptests::cases;
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};
use std::sync::Arc;

fn batch(event: &str) -> BatchEvent<'_> {
    match LambdaEvent::read(event) {
        Ok(LambdaEvent::Batch(batch)) => batch,
        other => panic!("no batch: {event}: {other:?}"),
    }
}

/// Generates a name of a queue, stream, table or topic.
fn name() -> impl Strategy<Value = String> {
    "[a-zA-Z0-9_-]{1,9}"
}

/// Generates any value of an item's attribute.
fn json_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "\\PC{0,6}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..3).prop_map(Value::from),
            btree_map("\\PC{0,3}", inner, 0..3)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

fn item() -> impl Strategy<Value = Value> {
    btree_map("\\PC{1,3}", json_value(), 0..4)
        .prop_map(|members| Value::Object(members.into_iter().collect()))
}

/// Generates properties as CloudFormation writes them: texts, in lists and objects.
fn properties() -> impl Strategy<Value = Value> {
    let text = "\\PC{0,6}".prop_map(Value::from);
    let value = text.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..3).prop_map(Value::from),
            btree_map("\\PC{1,3}", inner, 0..3)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    });
    btree_map("[A-Z][a-z]{0,3}", value, 0..4)
        .prop_map(|members| Value::Object(members.into_iter().collect()))
}

proptest! {
    #![proptest_config(cases(256))]

    #[test]
    fn messages_of_queues(
        queue in name(),
        messages in vec(
            (any::<String>(), prop::option::of("[a-z0-9-]{1,9}"), "[A-Z][a-z]{1,5}", "\\PC{0,6}"),
            1..6,
        ),
    ) {
        let entries = messages.iter().map(|(body, id, attribute, value)| {
            let entry = SqsEntry::new(body.as_str()).attribute(attribute, value);
            match id {
                Some(id) => entry.id(id),
                None => entry,
            }
        });
        let event = events::sqs(&queue, entries).to_string();
        let batch = batch(&event);
        prop_assert_eq!(batch.records().len(), messages.len());
        for ((record, number), (body, id, attribute, value)) in
            batch.records().zip(1..).zip(&messages)
        {
            prop_assert_eq!(record.name(), &queue);
            let read = SqsRecord::read(&record).expect("a message");
            let attribute = read.attribute(attribute);
            prop_assert_eq!(attribute.as_deref(), Some(&**value));
            prop_assert_eq!(&read.body, body);
            prop_assert_eq!(read.message_id, id.clone().unwrap_or_else(|| format!("msg-{number}")));
        }
    }

    #[test]
    fn records_of_streams(
        stream in name(),
        records in vec((any::<Vec<u8>>(), prop::option::of("\\PC{1,9}")), 1..12),
    ) {
        let entries = records.iter().map(|(data, key)| {
            let entry = KinesisEntry::new(data.clone());
            match key {
                Some(key) => entry.partition_key(key),
                None => entry,
            }
        });
        let event = events::kinesis(&stream, entries).to_string();
        let batch = batch(&event);
        prop_assert_eq!(batch.records().len(), records.len());
        for ((record, number), (data, key)) in batch.records().zip(1..).zip(&records) {
            prop_assert_eq!(record.name(), &stream);
            let read = KinesisRecord::read(&record).expect("a record");
            prop_assert_eq!(&read.data, data);
            prop_assert_eq!(read.partition_key, key.clone().unwrap_or_else(|| format!("pk-{number}")));
            prop_assert_eq!(read.sequence_number, number.to_string());
        }
    }

    #[test]
    fn deliveries_of_logs(stream in name(), messages in vec(any::<String>(), 0..9)) {
        let event = events::cloudwatch_logs(&stream, messages.clone()).to_string();
        let batch = batch(&event);
        let record = batch.record(0).expect("one");
        let logs = KinesisRecord::read(&record).expect("a record").cloudwatch_logs();
        let logs = logs.expect("a delivery").log_events;
        let read: Vec<_> = logs.into_iter().map(|event| event.message).collect();
        prop_assert_eq!(read, messages);
    }

    #[test]
    fn deliveries_of_logs_to_the_function_itself(
        log_group in name(),
        messages in vec(any::<String>(), 0..9),
    ) {
        let event = events::log_subscription(&log_group, messages.clone()).to_string();
        let batch = batch(&event);
        prop_assert_eq!(batch.source(), BatchSource::CloudWatchLogs);
        let record = batch.record(0).expect("one");
        let Ok(EventInput::CloudWatchLogs(logs)) = EventInput::read(batch.source(), &record) else {
            panic!("no delivery: {event}")
        };
        prop_assert_eq!(&logs.log_group, &log_group);
        let read: Vec<_> = logs.log_events.iter().map(|entry| &entry.message).collect();
        prop_assert_eq!(read, messages.iter().collect::<Vec<_>>());
    }

    #[test]
    fn changes_of_custom_resources(
        resource_type in "Custom::[a-zA-Z]{1,9}",
        id in "[a-z0-9-]{1,9}",
        kind in 0..3_u8,
        old in properties(),
        new in properties(),
    ) {
        let change = match kind {
            0 => ResourceChange::Create { properties: new },
            1 => ResourceChange::Update { physical_id: id, properties: new, old: Some(old) },
            _ => ResourceChange::Delete { physical_id: id, properties: Some(old) },
        };
        let event = events::custom_resource(&resource_type, &change).to_string();
        let read = CustomResource::<Value>::read(&event).expect("a change");
        prop_assert_eq!(read.resource_type, resource_type);
        prop_assert_eq!(read.change, change);
    }

    #[test]
    fn changes_of_tables(table in name(), kind in 0..4_u8, old in item(), new in item()) {
        let (change, old_is, new_is) = match kind {
            0 => (ItemChange::insert(&new), None, Some(&new)),
            1 => (ItemChange::modify(&old, &new), Some(&old), Some(&new)),
            2 => (ItemChange::remove(&old), Some(&old), None),
            _ => (ItemChange::expire(&old), Some(&old), None),
        };
        let event = events::dynamodb(&table, [change]).to_string();
        let batch = batch(&event);
        let record = DynamoDbRecord::read(&batch.record(0).expect("one")).expect("a change");
        prop_assert_eq!(record.table(), &table);
        let change: Change<Value> = record.change().expect("images");
        prop_assert_eq!(change.old.as_ref(), old_is);
        prop_assert_eq!(change.new.as_ref(), new_is);
        prop_assert_eq!(change.is_expiry, kind == 3);
    }

    #[test]
    fn notifications_of_topics(
        topic in name(),
        messages in vec((any::<String>(), prop::option::of("[!-~]{1,9}")), 1..5),
    ) {
        let entries = messages.iter().map(|(message, subject)| {
            let entry = SnsEntry::new(message.as_str());
            match subject {
                Some(subject) => entry.subject(subject),
                None => entry,
            }
        });
        let event = events::sns(&topic, entries).to_string();
        let Ok(LambdaEvent::Sns(read)) = LambdaEvent::read(&event) else { panic!("{event}") };
        prop_assert_eq!(read.len(), messages.len());
        for ((read, number), (message, subject)) in read.iter().zip(1..).zip(&messages) {
            prop_assert_eq!(read.topic(), &topic);
            prop_assert_eq!(&read.message, message);
            prop_assert_eq!(&read.subject, subject.as_deref().unwrap_or_default());
            prop_assert_eq!(&read.message_id, &format!("sns-{number}"));
        }
    }

    #[test]
    fn events_of_buses_and_schedules(
        source in "[a-z][a-z.]{0,8}",
        detail_type in "[A-Za-z][A-Za-z .]{0,8}[a-z]",
        detail in item(),
        id in "[a-z0-9-]{1,9}",
        (group, schedule) in (name(), name()),
    ) {
        let entry = EventBridgeEntry::new(&source, &detail_type).detail(&detail).id(&id);
        for (event, rule) in [
            (events::event_bridge(entry), Rule::source(&source).detail_type(&detail_type)),
            (events::scheduled_rule(&schedule), Rule::named(&schedule)),
            (events::schedule(&group, &schedule), Rule::schedule(&group, &schedule)),
        ] {
            let event = event.to_string();
            let Ok(LambdaEvent::EventBridge(read)) = LambdaEvent::read(&event) else {
                panic!("{event}")
            };
            prop_assert!(rule.selects(&read), "{}: {}", rule, event);
        }
        let entry = EventBridgeEntry::new(&source, &detail_type).detail(&detail).id(&id);
        let app = TestApp::new(|_| {
            let whole = async |apptheory::app::Json(event): apptheory::app::Json<Value>| {
                apptheory::app::Json(json!([event["id"], event["detail"]]))
            };
            App::new().event_bridge(Rule::source(&source), whole)
        });
        app.event_bridge(entry).assert_answer(&json!([id, detail]));
    }

    #[test]
    fn events_of_connections(
        route_key in select(vec!["$connect", "$disconnect", "$default", "say"]),
        id in "[A-Za-z0-9_=-]{1,12}",
        body in any::<String>(),
    ) {
        let event = events::websocket(route_key, &id, &body).to_string();
        let read = WebSocketEvent::read(&event).expect("an event of a connection");
        prop_assert_eq!(&read.connection.route_key, route_key);
        prop_assert_eq!(&read.connection.connection_id, &id);
        let request = read.into_request(None).expect("a message");
        prop_assert_eq!(&*request.body, body.as_bytes());
    }

    #[test]
    fn callers_are_read_as_each_service_knows_them(
        via in select(vec![Via::HttpApi, Via::HttpApiV1, Via::RestApi]),
        claims in btree_map("[a-z:]{1,8}", "\\PC{0,8}", 0..4),
        scopes in vec("[a-z:/.]{1,8}", 1..4),
        context in btree_map("[a-z]{9}", "\\PC{0,8}", 1..4),
        user in "[a-z]{1,8}",
    ) {
        let read = |event: Value| -> Request {
            let event = event.to_string();
            let Ok(LambdaEvent::Http(read)) = LambdaEvent::read(&event) else { panic!("{event}") };
            read.request.normalize(None).expect("a request")
        };
        let request = requests::get("/").via(via);
        let caller = read(request.clone().claims(&claims).scopes(scopes.clone()).event());
        let known: Option<BTreeMap<String, String>> = caller.platform.claims().expect("claims");
        prop_assert_eq!(known, Some(claims));
        prop_assert_eq!(caller.platform.scopes().expect("scopes"), Some(scopes));

        let caller = read(request.authorizer(&context).event());
        let known: Option<BTreeMap<String, String>> = caller.platform.authorizer().expect("one");
        prop_assert_eq!(known, Some(context));

        let arn = format!("arn:aws:iam::000000000000:user/{user}");
        for via in [Via::FunctionUrl, Via::HttpApi, Via::RestApi] {
            let caller = read(requests::get("/").signed_by(&arn).via(via).event());
            let known = caller.platform.iam_identity().expect("an identity");
            prop_assert_eq!(known.and_then(|caller| caller.user_arn), Some(arn.clone()));
        }
        let caller = read(requests::get("/").principal_id(&user).via(Via::RestApi).event());
        prop_assert_eq!(caller.platform.principal_id().expect("one"), Some(user));
    }

    #[test]
    fn failed_records_are_the_reported_failures(
        count in 1..9_usize,
        failing in vec(1..9_usize, 0..5),
        is_changed in any::<bool>(),
    ) {
        fn handled(is_ok: bool) -> Result<(), AppError> {
            if is_ok { Ok(()) } else { Err(AppError::conflict("taken")) }
        }
        let app = TestApp::new(|_| {
            App::new()
                .sqs("q", async |message: Arc<SqsMessage>| handled(message.body == "ok"))
                .kinesis("s", async |record: Arc<KinesisMessage>| handled(record.data == b"ok"))
                .dynamodb("t", async |change: Arc<DynamoDbChange>| {
                    handled(change.event_name == "INSERT")
                })
        });
        let failing: BTreeSet<_> = failing.into_iter().filter(|number| *number <= count).collect();
        let bodies = (1..=count).map(|number| if failing.contains(&number) { "no" } else { "ok" });
        let named = |prefix: &str| -> Vec<_> {
            failing.iter().map(|number| format!("{prefix}{number}")).collect()
        };
        app.sqs("q", bodies.clone()).assert_failures(named("msg-"));
        app.kinesis("s", bodies.clone()).assert_failures(named(""));
        let item = json!({"is": is_changed});
        let changes = bodies.map(|body| match body {
            "ok" => ItemChange::insert(&item),
            _ => ItemChange::remove(&item),
        });
        app.dynamodb("t", changes).assert_failures(named(""));
    }
}
