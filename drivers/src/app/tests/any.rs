//! Tests of events of any kind, from the view of handlers and senders.

use core::future::pending;
use core::time::Duration;
use std::sync::{Arc, Mutex};

use apptheory_core::error::AppError;
use apptheory_core::events::{Rule, Shape};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{builder, clock};
use crate::app::events::{AnyEvent, EventBridgeMessage, SqsMessage};
use crate::app::*;
use crate::clock::{Clock as _, VirtualClock};
use crate::idempotency::Idempotent;
use crate::store::Store;

/// What hooks record, in order.
type Log = Arc<Mutex<Vec<String>>>;

fn invoke(app: &AppService, event: &Value) -> Result<Value, InvokeError> {
    invoke_text(app, &event.to_string())
}

fn invoke_text(app: &AppService, event: &str) -> Result<Value, InvokeError> {
    let invocation = Invocation { request_id: "r1".into(), ..Invocation::default() };
    let answer = clock().run(app.invoke(event, invocation))?;
    Ok(serde_json::from_str(&answer).unwrap())
}

/// Records what hooks get: records with event and level, failures with their causes.
fn recording(app: App) -> (App, Log) {
    let log = Log::default();
    let (records, failures) = (Arc::clone(&log), Arc::clone(&log));
    let app = app
        .on_log(move |record| {
            let line = json!(record);
            let about = [&line["route"], &line["seen"]].into_iter().find_map(Value::as_str);
            let (event, level) = (&line["event"], &line["level"]);
            records.lock().unwrap().push(format!("{event} {level} {}", about.unwrap_or_default()));
        })
        .on_failure(move |failure| {
            failures.lock().unwrap().push(format!("{} {failure}", failure.request_id));
        });
    (app, log)
}

#[derive(Deserialize, Serialize)]
struct Task {
    numbers: Vec<u32>,
}

async fn sum(Json(task): Json<Task>) -> Json<u32> {
    Json(task.numbers.iter().sum())
}

#[test]
fn the_first_route_that_fits_answers_an_event() {
    async fn kind_of(context: Context, event: AnyEvent) -> Json<Value> {
        assert_eq!((context.kind(), context.path()), (ContextKind::Event, ""));
        assert_eq!(context.event().map(AnyEvent::as_json), Some(event.as_json()));
        Json(json!({"seen": event.seen().to_string(), "request_id": context.request_id()}))
    }
    let clock = clock();
    let app = builder(&clock)
        .get("/", async || "http")
        .sqs("orders", async |_: Arc<SqsMessage>| ())
        .event_bridge(Rule::source("shop"), async |_: Arc<EventBridgeMessage>| Json("shop"))
        .on(Shape::member_is("action", "sum"), sum)
        .on(Shape::member("action"), async || Json("another action"))
        .on(Shape::records_from("aws:s3"), async || ())
        .on(Shape::member("Payload"), async |Body(bytes): Body| Json(bytes.len()))
        .otherwise(kind_of)
        .build()
        .unwrap();
    let other = |seen: &str| json!({"seen": seen, "request_id": "r1"});
    for (event, answer) in [
        (json!({"action": "sum", "numbers": [3, 4]}), json!(7)),
        (json!({"action": "x"}), json!("another action")),
        // Step Functions, and a schedule with its own input.
        (json!({"Payload": {"a": 1}}), json!(r#"{"Payload":{"a":1}}"#.len())),
        (json!({"Records": [{"eventSource": "aws:s3", "s3": {}}]}), Value::Null),
        (json!({"source": "shop", "detail-type": "t"}), json!("shop")),
        // A service's event goes to the service's routes only, whatever members it has.
        (json!({"source": "shop", "detail-type": "t", "action": "sum"}), json!("shop")),
        (json!({"a": 1}), other("an object with `a`")),
        (json!([1, 2]), other("a list")),
        (json!("text"), other("a text")),
        (json!(null), other("null")),
        (
            json!({"type": "TOKEN", "methodArn": "arn", "authorizationToken": "secret"}),
            other("an event of authorizer (by `type` beside `methodArn` or `routeArn`)"),
        ),
        // Known services without a route: a batch is one event.
        (
            json!({"source": "other", "detail-type": "t"}),
            other("an event of eventbridge (by `detail-type`)"),
        ),
        (
            json!({"Records": [{"eventSource": "aws:kinesis"}]}),
            other("an event of kinesis (by `eventSource` in the first of `Records`)"),
        ),
        (
            json!({"requestContext": {"connectionId": "c"}}),
            other("an event of websocket (by `requestContext.connectionId`)"),
        ),
    ] {
        assert_eq!(invoke(&app, &event).unwrap(), answer, "{event}");
    }
    let request = json!({"rawPath": "/none", "requestContext": {"http": {"method": "GET"}}});
    assert_eq!(invoke(&app, &request).unwrap()["statusCode"], 404, "it has routes of requests");
    let message = json!({"Records": [{"eventSource": "aws:sqs", "messageId": "1",
        "eventSourceARN": "a:other"}]});
    let failed = invoke(&app, &message).unwrap();
    assert_eq!(failed["batchItemFailures"][0]["itemIdentifier"], "1", "it has queues");
}

#[test]
fn requests_go_to_other_routes_only_where_nothing_serves_requests() {
    let clock = clock();
    let app = builder(&clock).otherwise(async |event: AnyEvent| Json(event.seen().to_string()));
    let app = app.build().unwrap();
    let request = json!({"rawPath": "/", "requestContext": {"http": {"method": "GET"}}});
    let seen = "an event of function_url (by `requestContext.http`)";
    assert_eq!(invoke(&app, &request).unwrap(), seen);
}

#[test]
fn single_events_without_a_handler_of_their_own_go_to_other_routes() {
    use apptheory_core::events::CognitoEvent;

    let cognito = |source: &str| {
        json!({"version": "1", "triggerSource": source, "userPoolId": "p", "userName": "ann",
            "callerContext": {}, "request": {"userAttributes": {}}, "response": {}})
    };
    let base = || {
        let own = async |_: CognitoEvent| ();
        builder(&clock()).get("/", async || "http").cognito(kind::cognito::PostConfirmation, own)
    };
    let other = base().otherwise(async || Json("otherwise")).build().unwrap();
    let own = cognito("PostConfirmation_ConfirmSignUp");
    assert_eq!(invoke(&other, &own).unwrap(), own);
    let unserved = cognito("PreAuthentication_Authentication");
    assert_eq!(invoke(&other, &unserved).unwrap(), "otherwise");
    let on = base().on(Shape::member("userName"), async || Json("on")).build().unwrap();
    assert_eq!(invoke(&on, &unserved).unwrap(), "on");

    let error = invoke(&base().build().unwrap(), &unserved).unwrap_err().to_string();
    assert!(error.starts_with("nothing is registered for this event"), "{error}");
}

#[test]
fn the_error_of_a_handler_names_its_code_and_only_a_clients_message() {
    async fn refuse(context: Context) -> Result<(), AppError> {
        Err(match context.json_value()?["why"].as_str().unwrap_or_default() {
            "client" => AppError::conflict("the order is shipped"),
            "own" => AppError::new("payments.down", "secret=42").with_status(503),
            "panic" => panic!("secret=42"),
            _ => AppError::internal(),
        })
    }
    let (app, log) = recording(builder(&clock()));
    let app = app.on(Shape::member("why"), refuse).on(Shape::member("numbers"), sum);
    let app = app.build().unwrap();
    for (event, code, message) in [
        (json!({"why": "client"}), "app.conflict", "the order is shipped"),
        (json!({"why": "own"}), "payments.down", "internal error"),
        (json!({"why": "panic"}), "app.internal", "internal error"),
        (
            json!({"numbers": [1, "secret"]}),
            "app.validation_failed",
            "invalid json of numbers[1]: expected u32",
        ),
    ] {
        let error = invoke(&app, &event).unwrap_err();
        assert_eq!(error.to_string(), message, "{event}");
        let InvokeError::Failed(error) = error else { panic!("{error:?}") };
        assert_eq!(error.code(), code, "{event}");
    }
    let log = log.lock().unwrap();
    let record = r#""event.completed" "error" on(Shape::member("why"))"#;
    assert_eq!(log[0], record);
    assert!(log[1].contains("app.conflict: the order is shipped"), "{log:?}");
    assert_eq!(log.len(), 8, "a record and a failure each: {log:?}");
}

#[test]
fn the_error_for_an_unrouted_event_describes_it_and_lists_the_routes() {
    let (app, log) = recording(builder(&clock()));
    let app = app
        .get("/a", async || "a")
        .sqs("orders", async |_: Arc<SqsMessage>| ())
        .on(Shape::member("action"), sum)
        .build()
        .unwrap();
    let error = invoke(&app, &json!({"task": "secret", "token": "secret"})).unwrap_err();
    let expected = "nothing is registered for this event, an object with `task`, `token`; \
                    registered: 1 handler of requests, sqs(\"orders\"), \
                    on(Shape::member(\"action\")). Register a handler with `on` or `otherwise`, or \
                    check what invokes the function";
    assert_eq!(error.to_string(), expected);
    assert_eq!(
        *log.lock().unwrap(),
        [
            r#""event.unmatched" "warn" an object with `task`, `token`"#.to_owned(),
            format!("r1 app.internal: internal error: {expected}; see apptheory::guide::events"),
        ]
    );
    let unreadable = invoke_text(&app, "{").unwrap_err().to_string();
    let last = log.lock().unwrap().last().cloned().unwrap_or_default();
    assert!(last.contains(&unreadable), "{last}");

    let contract = builder(&clock()).contract_profile().build().unwrap();
    let error = invoke(&contract, &json!({"task": 1})).unwrap_err();
    assert_eq!(error.to_string(), "apptheory: unknown event type");
}

#[test]
fn a_handler_that_hangs_fails_its_invocation_in_time() {
    let clock: VirtualClock = clock();
    let (app, log) = recording(builder(&clock));
    let app = app.otherwise(async || pending::<()>().await).build().unwrap();
    let deadline = Some(clock.now().saturating_add(Duration::from_secs(6)));
    let invocation = Invocation { deadline, ..Invocation::default() };
    let failed = clock.run(app.invoke("{}", invocation)).unwrap_err();
    assert!(matches!(failed, InvokeError::TimedOut(_)), "{failed:?}");
    assert!(log.lock().unwrap()[1].contains("not handled in time"), "{log:?}");
}

#[test]
fn middleware_goes_around_and_idempotence_is_refused() {
    async fn count(context: Context, next: Next) -> Answer {
        context.set("seen", context.event().is_some());
        Ok(next.run(context).await)
    }
    let once = Idempotent::new("tasks", &Store::memory());
    let app = builder(&clock())
        .layer(count)
        .on(Shape::member("once"), sum.layer(once))
        .otherwise(async |context: Context| Json(context.get("seen")))
        .build()
        .unwrap();
    assert_eq!(invoke(&app, &json!({})).unwrap(), true);
    let error = invoke(&app, &json!({"once": 1, "numbers": [1]})).unwrap_err();
    let cause = core::error::Error::source(&error).and_then(core::error::Error::source);
    assert!(cause.is_some_and(|cause| cause.to_string().contains("have no id")), "{cause:?}");
}

#[test]
fn routes_that_would_never_run_do_not_build() {
    let app = || builder(&clock());
    for (app, expected) in [
        (
            app().on(Shape::member(" "), sum),
            r#"on(Shape::member(" ")) would never run its handler: the shape is blank; name one, or remove the handler"#,
        ),
        (
            app().on(Shape::member("a"), sum).on(Shape::member_is("a", "b"), sum),
            r#"on(Shape::member_is("a", "b")) would never run its handler: Shape::member("a"), registered before it, selects the same events; register the narrower shape first, or remove one of the two"#,
        ),
        (
            app().otherwise(sum).otherwise(sum),
            "otherwise() would never run its handler: an earlier one takes all events; remove one \
             of the two",
        ),
    ] {
        let error = app.build().unwrap_err().to_string();
        assert_eq!(error, format!("{expected}; see apptheory::guide::events"));
    }
}
