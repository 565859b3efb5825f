//! Events as their handlers and the services that send them see them.

use core::num::NonZeroUsize;
use core::time::Duration;
use std::sync::{Arc, Mutex};

use apptheory_core::events::HttpSource;
use apptheory_core::events::{AfterFailure, OnUnmatched, Rule};
use apptheory_core::time::Timestamp;
use serde_json::{Value, json};

use super::*;
use crate::app::{Answer, App, AppService, Json, Next, Panicked, Response};
use crate::clock::{Clock as _, VirtualClock};
use crate::ids::SequentialIds;
use crate::websocket::FakeWebSocketClients;

/// What handlers, hooks and tests write down, in order.
type Log = Arc<Mutex<Vec<String>>>;

fn log() -> (Log, impl Fn(String) + Clone + Send + Sync + 'static) {
    let log: Log = Arc::default();
    let write = Arc::clone(&log);
    (log, move |line| write.lock().unwrap().push(line))
}

fn taken(log: &Log) -> Vec<String> {
    core::mem::take(&mut log.lock().unwrap())
}

fn clock() -> VirtualClock {
    VirtualClock::new(Timestamp::UNIX_EPOCH)
}

fn builder(clock: &VirtualClock) -> App {
    App::new().clock(clock.clone()).ids(SequentialIds::default())
}

fn invoke(app: &AppService, clock: &VirtualClock, event: &Value) -> Result<Value, String> {
    invoke_before(app, clock, event, None)
}

fn invoke_before(
    app: &AppService,
    clock: &VirtualClock,
    event: &Value,
    deadline: Option<Timestamp>,
) -> Result<Value, String> {
    let invocation = Invocation { request_id: " req-1 ".into(), deadline, ..Invocation::default() };
    let answer = clock.run(app.invoke(&event.to_string(), invocation));
    answer.map(|json| serde_json::from_str(&json).unwrap()).map_err(|error| error.to_string())
}

fn failures(ids: &[&str]) -> Value {
    let failures = ids.iter().map(|id| json!({"itemIdentifier": id}));
    json!({"batchItemFailures": failures.collect::<Vec<_>>()})
}

fn message(queue: &str, id: &str, body: &str) -> Value {
    let arn = format!("arn:aws:sqs:r:1:{queue}");
    json!({"eventSource": "aws:sqs", "messageId": id, "eventSourceARN": arn, "body": body})
}

fn grouped(id: &str, group: &str, body: &str) -> Value {
    let mut message = message("q.fifo", id, body);
    message["attributes"] = json!({"MessageGroupId": group});
    message
}

fn records(records: impl IntoIterator<Item = Value>) -> Value {
    json!({"Records": records.into_iter().collect::<Vec<_>>()})
}

fn change(table: &str, name: &str, number: u8) -> Value {
    json!({"eventSource": "aws:dynamodb", "eventID": format!("e{number}"), "eventName": name,
        "eventSourceARN": format!("arn:aws:dynamodb:r:1:table/{table}/stream/x"),
        "dynamodb": {"SequenceNumber": number.to_string(), "NewImage": {"id": {"S": "secret"}}}})
}

/// Handles a body: `fail`, `panic`, a number of milliseconds to take, or anything else.
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
fn records_fail_alone_and_the_application_is_told_why() {
    let (log, write) = log();
    let clock = clock();
    let app = builder(&clock)
        .sqs("q", handle)
        .on_failure(move |failure| {
            let cause = core::error::Error::source(&failure.error).map(ToString::to_string);
            write(format!("{}: {}", failure.request_id, cause.unwrap_or_default()));
        })
        .build()
        .unwrap();
    let mut malformed = message("q", "5", "");
    malformed["body"] = json!(5);
    let event = records([
        message("q", "1", "ok"),
        message("q", "2", "fail"),
        message("elsewhere", "3", "ok"),
        message("q", "4", "panic"),
        malformed,
        message("q", "6", "ok"),
    ]);
    assert_eq!(invoke(&app, &clock, &event), Ok(failures(&["2", "3", "4", "5"])));
    let told = taken(&log);
    assert_eq!(told[0], "req-1: out of stock");
    let unregistered = "req-1: nothing is registered for \"elsewhere\": register a handler, or remove \
         the event source mapping";
    assert_eq!(told[1], unregistered);
    assert_eq!(told[2], "req-1: a handler panicked: boom");
    assert!(told[3].starts_with("req-1: apptheory: parse sqs record: "), "{}", told[3]);

    let nameless = records([message("q", " ", "fail")]);
    let error = invoke(&app, &clock, &nameless).unwrap_err();
    assert_eq!(error, "apptheory: failed record has no identifier");
}

#[test]
fn groups_keep_their_order_however_many_run_at_once() {
    let clock = clock();
    for concurrency in [1, 2, 8] {
        let (log, write) = log();
        let app = builder(&clock)
            .sqs("q.fifo", move |message: Arc<SqsMessage>, context: Context| {
                write(message.message_id.to_string());
                handle(message, context)
            })
            .event_concurrency(NonZeroUsize::new(concurrency).unwrap())
            .build()
            .unwrap();
        let event = records([
            grouped("a1", "a", "50"),
            grouped("a2", "a", "fail"),
            grouped("b1", "b", "10"),
            grouped("a3", "a", "ok"),
            grouped("b2", "b", "10"),
        ]);
        assert_eq!(invoke(&app, &clock, &event), Ok(failures(&["a2", "a3"])));
        let ran = taken(&log);
        let of = |group: &str| -> Vec<String> {
            ran.iter().filter(|id| id.starts_with(group)).cloned().collect()
        };
        assert_eq!(
            (of("a"), of("b")),
            (vec!["a1".into(), "a2".into()], vec!["b1".into(), "b2".into()])
        );
        assert_eq!(ran[1] == "b1", concurrency > 1, "{ran:?}");
    }
}

#[test]
fn what_is_not_done_in_time_is_sent_again() {
    let clock = clock();
    let (log, write) = log();
    let told = write.clone();
    let tokens = Arc::new(Mutex::new(Vec::new()));
    let keep = Arc::clone(&tokens);
    let app = builder(&clock)
        .on_failure(move |failure| {
            let cause = core::error::Error::source(&failure.error).map(ToString::to_string);
            told(cause.unwrap_or_default());
        })
        .sqs("q", move |message: Arc<SqsMessage>, context: Context| {
            let write = write.clone();
            keep.lock().unwrap().push(context.cancellation().clone());
            async move {
                let token = context.cancellation().clone();
                let id = message.message_id.to_string();
                let outcome = handle(message, context).await;
                write(format!("{id} done, cancelled: {}", token.is_cancelled()));
                outcome
            }
        })
        .event_concurrency(NonZeroUsize::new(2).unwrap())
        .reserve(Duration::from_millis(500))
        .build()
        .unwrap();
    let event = records([
        message("q", "1", "100"),
        message("q", "2", "9000"),
        message("q", "3", "300"),
        message("q", "4", "200"),
        message("q", "5", "ok"),
    ]);
    let deadline = clock.now().saturating_add(Duration::from_secs(1));
    // Half a second before the end, the second still runs and the fourth was only just begun.
    let answer = invoke_before(&app, &clock, &event, Some(deadline));
    assert_eq!(answer, Ok(failures(&["2", "4", "5"])));
    let mut expected = vec!["1 done, cancelled: false", "3 done, cancelled: false"];
    expected.extend(["the record was not handled to the end"; 3]);
    assert_eq!(taken(&log), expected);
    assert_eq!(clock.now().until(deadline), Duration::from_millis(500));
    let ended: Vec<_> = tokens.lock().unwrap().iter().map(|token| token.is_cancelled()).collect();
    assert_eq!(ended, [false, true, false, true], "what was given up hears of it");

    let expired = invoke_before(&app, &clock, &event, Some(clock.now()));
    assert_eq!(expired, Ok(failures(&["1", "2", "3", "4", "5"])));
}

#[test]
fn streams_stop_at_a_failure_if_told_so() {
    let clock = clock();
    for (after_failure, expected) in
        [(AfterFailure::Continue, &["2"][..]), (AfterFailure::SkipGroup, &["2", "3"])]
    {
        let app = builder(&clock)
            .dynamodb("t", async |change: Arc<DynamoDbChange>| {
                if change.event_name == "REMOVE" { Err(AppError::not_found()) } else { Ok(()) }
            })
            .after_failure(after_failure)
            .build()
            .unwrap();
        let event =
            records([change("t", "INSERT", 1), change("t", "REMOVE", 2), change("t", "MODIFY", 3)]);
        assert_eq!(invoke(&app, &clock, &event), Ok(failures(expected)));
    }
}

#[test]
fn kinesis_data_is_decoded_record_by_record() {
    let (log, write) = log();
    let clock = clock();
    let app = builder(&clock)
        .kinesis("s", move |record: Arc<KinesisMessage>| {
            write(String::from_utf8_lossy(&record.data).into_owned());
            core::future::ready(())
        })
        .build()
        .unwrap();
    let record = |number: &str, data: &str| {
        json!({"eventSource": "aws:kinesis", "eventID": format!("shard:{number}"),
            "eventSourceARN": "arn:aws:kinesis:r:1:stream/s",
            "kinesis": {"sequenceNumber": number, "data": data}})
    };
    let event = records([record("1", "aGk="), record("2", "aGk"), record("3", "eW8=")]);
    assert_eq!(invoke(&app, &clock, &event), Ok(failures(&["2"])));
    assert_eq!(taken(&log), ["hi", "yo"]);
}

#[test]
fn middleware_goes_around_every_record_with_values_of_its_own() {
    async fn outer(context: Context, next: Next) -> Answer {
        assert_eq!(context.get("mw"), None, "nothing of another record");
        context.set("mw", "ok");
        Ok(next.run(context).await)
    }
    async fn told(context: Context, next: Next) -> Answer {
        let response = next.run(context).await;
        let cause = response.error.as_ref().and_then(core::error::Error::source);
        assert!(
            cause.is_none_or(|cause| cause.is::<Panicked>()),
            "those around are told of a panic"
        );
        Ok(response)
    }
    async fn skip(context: Context, next: Next) -> Answer {
        match context.body() {
            b"seen" => Ok(Response::new(204)),
            b"panic early" => panic!("boom"),
            _ => Ok(next.run(context).await),
        }
    }
    let clock = clock();
    let app = builder(&clock)
        .layer(outer)
        .layer(told)
        .layer(skip)
        .sqs("q", async |message: Arc<SqsMessage>, context: Context| {
            assert_ne!(message.body, "seen");
            (context.get("mw") == Some(json!("ok"))).then_some(()).ok_or_else(AppError::not_found)
        })
        .build()
        .unwrap();
    let event = records([
        message("q", "1", "ok"),
        message("q", "2", "seen"),
        message("q", "3", "panic early"),
        message("q", "4", "ok"),
    ]);
    assert_eq!(invoke(&app, &clock, &event), Ok(failures(&["3"])));
}

fn notification(topic: &str, message: &str) -> Value {
    json!({"EventSource": "aws:sns", "Sns": {"MessageId": message, "Message": message,
        "TopicArn": format!("arn:aws:sns:r:1:{topic}")}})
}

#[test]
fn notifications_answer_together_or_fail_together() {
    let clock = clock();
    let app = builder(&clock)
        .sns("a", async |record: Arc<SnsNotification>| match record.message.as_ref() {
            "fail" => Err(BoxError::from("secret=42")),
            text => Ok(Json(json!({"handled": text}))),
        })
        .on_failure(|_| {})
        .build()
        .unwrap();
    let both = records([notification("a", "1"), notification("a", "2")]);
    assert_eq!(invoke(&app, &clock, &both), Ok(json!([{"handled": "1"}, {"handled": "2"}])));
    let unknown = records([notification("a", "1"), notification("b", "2")]);
    let error = invoke(&app, &clock, &unknown).unwrap_err();
    assert_eq!(error, "apptheory: unrecognized sns topic");
    let failing = records([notification("a", "fail")]);
    let error = invoke(&app, &clock, &failing).unwrap_err();
    assert_eq!(error, "apptheory: event workload failed");
}

#[test]
fn the_first_rule_that_fits_serves_an_event() {
    let (log, write) = log();
    let told = write.clone();
    let clock = clock();
    let nightly = |builder: App| {
        builder
            .event_bridge(
                Rule::named("nightly"),
                async |event: Arc<EventBridgeMessage>, context: Context| {
                    let summary = event.scheduled_summary(&context.delivery(), context.now());
                    Json(json!({"run": summary.run_id, "request": context.request_id()}))
                },
            )
            .event_bridge(Rule::source("app"), async |_: Arc<EventBridgeMessage>| -> () {
                panic!("secret=42")
            })
    };
    let app = nightly(builder(&clock))
        .on_log(move |record| write(serde_json::to_string(record).unwrap()))
        .on_failure(move |failure| {
            let cause = core::error::Error::source(&failure.error).map(ToString::to_string);
            told(cause.unwrap_or_default());
        })
        .build()
        .unwrap();
    let scheduled = json!({"id": "e1", "source": "aws.events", "detail-type": "Scheduled Event",
        "resources": ["arn:aws:events:r:1:rule/nightly"], "detail": {}});
    let answer = invoke(&app, &clock, &scheduled);
    assert_eq!(answer, Ok(json!({"run": "e1", "request": "req-1"})));
    let lines = taken(&log);
    assert_eq!(lines.len(), 1);
    assert!(lines[0].contains(r#""trigger":"eventbridge","correlation_id":"e1""#), "{lines:?}");

    let broken = json!({"source": "app", "detail-type": "made"});
    let error = invoke(&app, &clock, &broken).unwrap_err();
    assert_eq!(error, "apptheory: event workload failed");
    let lines = taken(&log);
    assert!(lines[0].contains(r#""error_code":"app.internal""#), "{lines:?}");
    assert!(!lines[0].contains("secret") && lines[1].contains("secret=42"), "{lines:?}");

    let other = json!({"source": "other", "detail-type": "made"});
    assert_eq!(invoke(&app, &clock, &other), Ok(Value::Null));
    let lines = taken(&log);
    assert_eq!(lines.len(), 1, "it fails nothing");
    assert!(lines[0].contains(r#""level":"warn","event":"event.unmatched","request_id":"req-1""#));
    let strict = nightly(builder(&clock)).on_unmatched(OnUnmatched::Fail).build().unwrap();
    let error = invoke(&strict, &clock, &other).unwrap_err();
    assert_eq!(error, "apptheory: unmatched eventbridge event");
}

#[test]
fn events_that_nobody_selects_are_counted_whatever_becomes_of_them() {
    let clock = clock();
    for on_unmatched in [OnUnmatched::Succeed, OnUnmatched::Fail] {
        let (log, write) = log();
        let rule = Rule::source("app");
        let app = builder(&clock)
            .event_bridge(rule, async |_: Arc<EventBridgeMessage>| ())
            .on_unmatched(on_unmatched)
            .without_correlation_tag()
            .on_metric(move |metric| {
                assert!(metric.tags.iter().all(|(name, _)| *name != "correlation_id"));
                write(metric.tag("outcome").to_owned());
            })
            .build()
            .unwrap();
        let event = json!({"id": "e", "source": "other", "detail-type": "made"});
        assert_eq!(invoke(&app, &clock, &event).is_ok(), on_unmatched == OnUnmatched::Succeed);
        invoke(&app, &clock, &json!({"source": "app", "detail-type": "made"})).unwrap();
        assert_eq!(taken(&log), ["unmatched", "success"]);
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
        assert_eq!(builder.build().unwrap_err().to_string(), expected);
    }
}

#[test]
fn what_asks_an_authorizer_reaches_no_handler() {
    async fn served() {
        panic!("a handler ran");
    }
    let clock = clock();
    let app = builder(&clock).get("/orders", served).websocket("$connect", served).build().unwrap();
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
        let refused = clock.run(app.invoke(&event, none())).unwrap_err().to_string();
        let seen = "nothing is registered for this event, an event of authorizer";
        assert!(refused.starts_with(seen), "{event}: {refused}");
        let answers = [
            clock.run(app.serve_websocket(&event, none())),
            clock.run(app.serve_event(HttpSource::ApiGatewayV1, &event, none())),
            clock.run(app.serve_event(HttpSource::ApiGatewayV2, &event, none())),
        ];
        for answer in answers {
            assert_eq!(answer.unwrap_err().to_string(), "apptheory: unknown event type", "{event}");
        }
    }
}

#[test]
fn changes_are_recorded_and_messages_if_asked_for() {
    let (log, write) = log();
    let clock = clock();
    for (observes, expected) in [(false, 2), (true, 3)] {
        let (write, spans) = (write.clone(), write.clone());
        let builder = builder(&clock)
            .dynamodb("t", async |_: Arc<DynamoDbChange>| ())
            .sqs("q", handle)
            .on_metric(move |metric| write(format!("{} {}", metric.name, metric.tag("outcome"))))
            .on_span(move |span| spans(span.name.to_string()));
        let builder = if observes { builder.observe_messages() } else { builder };
        let app = builder.build().unwrap();
        invoke(&app, &clock, &records([change("t", "MODIFY", 1), change("x", "MODIFY", 2)]))
            .unwrap();
        invoke(&app, &clock, &records([message("q", "1", "ok")])).unwrap();
        let lines = taken(&log);
        let metrics = lines.iter().filter(|line| line.starts_with("apptheory.event"));
        assert_eq!(metrics.count(), expected, "{lines:?}");
        assert_eq!(lines[..2], ["apptheory.event success", "dynamodb_stream t MODIFY"]);
        assert_eq!(lines[2], "apptheory.event error");
    }
}

#[test]
fn a_record_can_be_sent_to_connections() {
    let clock = clock();
    let clients = FakeWebSocketClients::new();
    let app = builder(&clock)
        .sqs("q", async |message: Arc<SqsMessage>, context: Context| {
            let client = context.websocket_client("https://ws.example.com").await?;
            client.post_to_connection("c1=", message.body.as_bytes()).await?;
            Ok::<_, BoxError>(())
        })
        .websocket_clients(clients.clone())
        .build()
        .unwrap();
    let event = records([message("q", "1", "news")]);
    assert_eq!(invoke(&app, &clock, &event), Ok(failures(&[])));
    assert_eq!(clients.calls()[0].data, b"news");
}

#[test]
fn events_that_are_malformed_fail_the_invocation() {
    let clock = clock();
    let app = builder(&clock).sqs("q", handle).build().unwrap();
    for (event, start) in [
        (json!({"source": 5, "detail-type": "x"}), "apptheory: parse eventbridge event: "),
        (records([json!({"EventSource": "aws:sns", "Sns": 5})]), "apptheory: parse sns event: "),
        (
            json!({"requestContext": {"connectionId": "c"}}),
            "nothing is registered for this event, an event of websocket",
        ),
    ] {
        let error = invoke(&app, &clock, &event).unwrap_err();
        assert!(error.starts_with(start), "{error}");
    }
}

#[test]
fn what_records_bring_is_read_as_a_type_and_envelopes_compose() {
    use apptheory_core::events::{Change, EventBridge, Sns};

    #[derive(serde::Deserialize)]
    struct Order {
        id: String,
    }
    let (log, write) = log();
    let (ordered, changed, told) = (write.clone(), write.clone(), write.clone());
    let clock = clock();
    let app = builder(&clock)
        .event_bridge(Rule::source("shop"), async |Detail(order): Detail<Order>| Json(order.id))
        .sqs("orders", move |Json(message): Json<Sns<EventBridge<Order>>>| {
            let ordered = ordered.clone();
            async move { ordered(format!("ordered {}", message.message.detail.id)) }
        })
        .dynamodb("t", move |change: Change<Order>| {
            let (old, new) = (change.old.is_some(), change.new.map(|order| order.id));
            changed(format!("changed {old} {new:?}"));
            async {}
        })
        .on_failure(move |failure| told(failure.to_string()))
        .build()
        .unwrap();
    let event = |id: Value| json!({"source": "shop", "detail-type": "t", "detail": {"id": id}});
    assert_eq!(invoke(&app, &clock, &event(json!("7"))), Ok(json!("7")));
    assert!(invoke(&app, &clock, &event(json!(7))).is_err());
    assert!(taken(&log)[0].contains("invalid json of detail.id: expected a string"));

    let body = |id: Value| json!({"Message": event(id).to_string()}).to_string();
    let both = records([
        message("orders", "1", &body(json!("8"))),
        message("orders", "2", &body(json!({"secret": 1}))),
    ]);
    assert_eq!(invoke(&app, &clock, &both), Ok(failures(&["2"])));
    let lines = taken(&log);
    assert_eq!(lines[0], "ordered 8");
    let place = "invalid json of Message: expected a string at detail.id of its text";
    assert!(lines[1].contains(place), "{lines:?}");

    let mut wrong = change("t", "MODIFY", 2);
    wrong["dynamodb"]["OldImage"] = json!({"id": {"N": "1"}});
    let changes = records([change("t", "INSERT", 1), wrong]);
    assert_eq!(invoke(&app, &clock, &changes), Ok(failures(&["2"])));
    let lines = taken(&log);
    assert_eq!(lines[0], r#"changed false Some("secret")"#);
    assert!(lines[1].contains("invalid json of OldImage.id: expected a string"), "{lines:?}");
}
