//! Batches of records.

use core::num::NonZeroUsize;
use core::time::Duration;
use std::sync::{Arc, Mutex};

use apptheory_core::error::AppError;
use apptheory_core::events::{AfterFailure, Change, EventBridge, Rule, Sns};
use serde_json::{Value, json};

use super::{Log, handle};
use crate::app::events::{BoxError, Detail, DynamoDbChange, KinesisMessage, SqsMessage};
use crate::app::{Answer, App, Context, Json, Next, Panicked, Response, State};
use crate::clock::Clock as _;
use crate::testkit::events::{self, EventBridgeEntry, ItemChange, SqsEntry};
use crate::testkit::{TestApp, TestEnv};

#[test]
fn records_fail_alone_and_the_reason_is_reported() {
    let told = Log::default();
    let tell = told.clone();
    let app = TestApp::new(|_| {
        App::new().sqs("q", handle).on_failure(move |failure| tell.note(&failure.request_id))
    });
    let mut event = events::sqs("q", ["ok", "fail", "ok", "panic", "ok", "ok"]);
    event["Records"][2]["eventSourceARN"] = json!("arn:aws:sqs:r:1:elsewhere");
    event["Records"][4]["body"] = json!(5);
    let answer = app.invoke(&event);
    answer.assert_failures(["msg-2", "msg-3", "msg-4", "msg-5"]);
    for (failure, why) in answer.failures().iter().zip([
        "out of stock",
        "nothing is registered for \"elsewhere\": register a handler, or remove the event source \
         mapping",
        "a handler panicked: boom",
        "apptheory: parse sqs record: ",
    ]) {
        assert!(failure.contains(why), "{failure}");
    }
    assert_eq!(told.take(), ["test-id-1"; 4]);

    let nameless = app.sqs("q", [SqsEntry::new("fail").id(" ")]);
    nameless.assert_error("apptheory: failed record has no identifier");
}

#[test]
fn groups_keep_their_order_however_many_run_at_once() {
    for concurrency in [1, 2, 8] {
        let (ran, concurrency) = (Log::default(), NonZeroUsize::new(concurrency).unwrap());
        let begun = ran.clone();
        let handler = move |message: Arc<SqsMessage>, context: Context| {
            begun.note(&message.message_id);
            handle(message, context)
        };
        let app =
            TestApp::new(|_| App::new().sqs("q.fifo", handler).event_concurrency(concurrency));
        let messages = [("a1", "50"), ("a2", "fail"), ("b1", "10"), ("a3", "ok"), ("b2", "10")];
        let messages = messages.map(|(id, body)| (&id[..1], SqsEntry::new(body).id(id)));
        app.sqs_fifo("q.fifo", messages).assert_failures(["a2", "a3"]);
        let mut ran = ran.take();
        assert_eq!(ran[1] == "b1", concurrency.get() > 1, "{ran:?}");
        ran.sort_by_key(|id| id[..1].to_owned());
        assert_eq!(ran, ["a1", "a2", "b1", "b2"]);
    }
}

#[test]
fn what_is_not_done_in_time_is_sent_again() {
    let done = Log::default();
    let log = done.clone();
    let tokens = Arc::new(Mutex::new(Vec::new()));
    let keep = Arc::clone(&tokens);
    let handler = move |message: Arc<SqsMessage>, context: Context| {
        let (log, token) = (log.clone(), context.cancellation().clone());
        keep.lock().unwrap().push(token.clone());
        async move {
            let id = message.message_id.to_string();
            let outcome = handle(message, context).await;
            log.note(format!("{id} done, cancelled: {}", token.is_cancelled()));
            outcome
        }
    };
    let app = TestApp::new(|_| {
        App::new()
            .sqs("q", handler)
            .event_concurrency(NonZeroUsize::new(2).unwrap())
            .reserve(Duration::from_millis(500))
    });
    let app = app.time_limit(Duration::from_secs(1));
    let messages = ["100", "9000", "300", "200", "ok"];
    // Half a second before the end, the second is still running and the fourth has just begun.
    let answer = app.sqs("q", messages);
    answer.assert_failures(["msg-2", "msg-4", "msg-5"]);
    let why = "the record was not finished: the time was up, or a record before it failed";
    assert_eq!(answer.failures().iter().filter(|failure| failure.ends_with(why)).count(), 3);
    assert_eq!(done.take(), ["msg-1 done, cancelled: false", "msg-3 done, cancelled: false"]);
    assert_eq!(TestEnv::BEGINNING.until(app.clock().now()), Duration::from_millis(500));
    let ended: Vec<_> = tokens.lock().unwrap().iter().map(|token| token.is_cancelled()).collect();
    assert_eq!(ended, [false, true, false, true], "what was given up hears of it");

    let expired = app.time_limit(Duration::ZERO);
    expired.sqs("q", messages).assert_failures(["msg-1", "msg-2", "msg-3", "msg-4", "msg-5"]);
}

#[test]
fn a_kept_context_of_a_timed_out_record_reports_the_cancellation() {
    let contexts = Arc::new(Mutex::new(Vec::new()));
    let keep = Arc::clone(&contexts);
    let handler = move |message: Arc<SqsMessage>, context: Context| {
        keep.lock().unwrap().push(context.clone());
        handle(message, context)
    };
    let app = TestApp::new(|_| App::new().sqs("q", handler)).time_limit(Duration::from_secs(1));
    app.sqs("q", ["ok", "fail", "9000"]).assert_failures(["msg-2", "msg-3"]);
    let contexts = contexts.lock().unwrap();
    let ended: Vec<_> =
        contexts.iter().map(|context| context.cancellation().is_cancelled()).collect();
    assert_eq!(ended, [false, false, true]);
}

#[test]
fn skip_group_fails_the_records_after_a_failure_of_a_stream() {
    async fn kept(change: Arc<DynamoDbChange>) -> Result<(), AppError> {
        if change.event_name == "REMOVE" { Err(AppError::not_found()) } else { Ok(()) }
    }
    let item = json!({"id": 7});
    for (after_failure, expected) in
        [(AfterFailure::Continue, &["2"][..]), (AfterFailure::SkipGroup, &["2", "3"])]
    {
        let app = TestApp::new(|_| App::new().dynamodb("t", kept).after_failure(after_failure));
        let changes = [
            ItemChange::insert(&item),
            ItemChange::remove(&item),
            ItemChange::modify(&item, &item),
        ];
        app.dynamodb("t", changes).assert_failures(expected.iter().copied());
    }
}

#[test]
fn kinesis_data_is_decoded_record_by_record() {
    async fn note(State(log): State<Log>, record: Arc<KinesisMessage>) {
        log.note(String::from_utf8_lossy(&record.data));
    }
    let log = Log::default();
    let app = TestApp::new(|_| App::with_state(log.clone()).kinesis("s", note));
    let mut event = events::kinesis("s", ["hi", "", "yo"]);
    event["Records"][1]["kinesis"]["data"] = json!("aGk");
    app.invoke(&event).assert_failures(["2"]);
    assert_eq!(log.take(), ["hi", "yo"]);
}

#[test]
fn middleware_goes_around_every_record_with_values_of_its_own() {
    async fn outer(context: Context, next: Next) -> Answer {
        assert_eq!(context.get("mw"), None, "nothing of another record");
        context.set("mw", "ok");
        Ok(next.run(context).await)
    }
    async fn sees_panics(context: Context, next: Next) -> Answer {
        let response = next.run(context).await;
        let cause = response.error.as_ref().and_then(core::error::Error::source);
        assert!(cause.is_none_or(|cause| cause.is::<Panicked>()), "outer layers see a panic");
        Ok(response)
    }
    async fn skip(context: Context, next: Next) -> Answer {
        match context.body() {
            b"seen" => Ok(Response::new(204)),
            b"panic early" => panic!("boom"),
            _ => Ok(next.run(context).await),
        }
    }
    let handler = async |message: Arc<SqsMessage>, context: Context| {
        assert_ne!(message.body, "seen");
        (context.get("mw") == Some(json!("ok"))).then_some(()).ok_or_else(AppError::not_found)
    };
    let app =
        TestApp::new(|_| App::new().layer(outer).layer(sees_panics).layer(skip).sqs("q", handler));
    app.sqs("q", ["ok", "seen", "panic early", "ok"]).assert_failures(["msg-3"]);
}

#[test]
fn changes_are_recorded_and_messages_if_asked_for() {
    for (observes, expected) in [(false, 2), (true, 3)] {
        let log = Log::default();
        let (metrics, spans) = (log.clone(), log.clone());
        let app = TestApp::new(|_| {
            let app = App::new()
                .dynamodb("t", async |_: Arc<DynamoDbChange>| ())
                .sqs("q", handle)
                .on_metric(move |metric| {
                    metrics.note(format!("{} {}", metric.name, metric.tag("outcome")));
                })
                .on_span(move |span| spans.note(&span.name));
            if observes { app.observe_messages() } else { app }
        });
        let item = json!({"id": 7});
        let mut event = events::dynamodb("t", [(); 2].map(|()| ItemChange::modify(&item, &item)));
        event["Records"][1]["eventSourceARN"] = json!("arn:aws:dynamodb:r:1:table/x/stream/x");
        app.invoke(&event).assert_failures(["2"]);
        app.sqs("q", ["ok"]).assert_ok();
        let lines = log.take();
        let metrics = lines.iter().filter(|line| line.starts_with("apptheory.event"));
        assert_eq!(metrics.count(), expected, "{lines:?}");
        assert_eq!(lines[..2], ["apptheory.event success", "dynamodb_stream t MODIFY"]);
        assert_eq!(lines[2], "apptheory.event error");
    }
}

#[test]
fn a_record_can_be_sent_to_connections() {
    let env = TestEnv::new();
    let app = TestApp::within(env.clone(), |_| {
        App::new().sqs("q", async |message: Arc<SqsMessage>, context: Context| {
            let client = context.websocket_client("https://ws.example.com").await?;
            client.post_to_connection("c1=", message.body.as_bytes()).await?;
            Ok::<_, BoxError>(())
        })
    });
    // No handler is registered there.
    app.sqs("q", ["news"]).assert_failures(["msg-1"]);
    let clients = env.websocket_clients();
    clients.at("https://ws.example.com").connect("c1=", Default::default());
    app.sqs("q", ["news"]).assert_ok();
    assert_eq!(clients.at("https://ws.example.com").received("c1="), [b"news"]);
}

#[test]
fn what_records_bring_is_read_as_a_type_and_envelopes_compose() {
    #[derive(serde::Deserialize)]
    struct Order {
        id: String,
    }
    async fn ordered(State(log): State<Log>, Json(message): Json<Sns<EventBridge<Order>>>) {
        log.note(message.message.detail.id);
    }
    async fn changed(State(log): State<Log>, change: Change<Order>) {
        log.note(format!("{} {:?}", change.old.is_some(), change.new.map(|order| order.id)));
    }
    let log = Log::default();
    let app = TestApp::new(|_| {
        App::with_state(log.clone())
            .event_bridge(Rule::source("shop"), async |Detail(order): Detail<Order>| Json(order.id))
            .sqs("orders", ordered)
            .dynamodb("t", changed)
    });
    let entry = |id: Value| EventBridgeEntry::new("shop", "t").detail(&json!({"id": id}));
    app.event_bridge(entry(json!("7"))).assert_answer("7");
    let misread = app.event_bridge(entry(json!(7)));
    misread.assert_error("");
    let place = "invalid json of detail.id: expected a string";
    assert!(misread.failures()[0].contains(place), "{misread:?}");

    let body = |id: Value| {
        SqsEntry::json(&json!({"Message": events::event_bridge(entry(id)).to_string()}))
    };
    let both = app.sqs("orders", [body(json!("8")), body(json!({"secret": 1}))]);
    assert_eq!(log.take(), ["8"]);
    let place = "invalid json of Message: expected a string at detail.id of its text";
    assert!(both.assert_failures(["msg-2"]).failures()[0].contains(place), "{both:?}");

    let (secret, wrong) = (json!({"id": "secret"}), json!({"id": 1}));
    let changes = [ItemChange::insert(&secret), ItemChange::modify(&wrong, &secret)];
    let both = app.dynamodb("t", changes);
    assert_eq!(log.take(), [r#"false Some("secret")"#]);
    let place = "invalid json of OldImage.id: expected a string";
    assert!(both.assert_failures(["2"]).failures()[0].contains(place), "{both:?}");
}
