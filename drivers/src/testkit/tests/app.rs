//! Tests of `TestApp`.

use core::time::Duration;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};

use apptheory_core::error::AppError;
use apptheory_core::events::Shape;
use apptheory_core::time::Timestamp;
use serde_json::{Value, json};

use crate::app::events::{Detail, KinesisMessage};
use crate::app::{
    App, Body, Claims, ClientIp, Context, Handler as _, Invocation, Json, Path, RateLimit,
    Response, State, Timeout,
};
use crate::clock::Clock as _;
use crate::events::{Change, Rule};
use crate::layer::{FaultPlan, Faulty};
use crate::store::{self, Store};
use crate::testkit::events::{EventBridgeEntry, ItemChange};
use crate::testkit::{TestApp, TestEnv, Via, requests};

/// Returns the report of a failed expectation.
pub(super) fn said(expectation: impl FnOnce()) -> String {
    let panic = catch_unwind(AssertUnwindSafe(expectation)).expect_err("it holds");
    match panic.downcast::<String>() {
        Ok(text) => *text,
        Err(panic) => (*panic.downcast::<&'static str>().expect("a text")).to_owned(),
    }
}

fn echo(_: &Store) -> App {
    App::new()
        .post("/echo", async |context: Context, Body(body): Body| {
            Response::binary(201, body.to_vec(), "application/octet-stream")
                .with_header("x-query", context.query("q"))
                .with_cookie("a=1")
                .with_cookie("b=2")
        })
        .get("/who", async |Claims(claims): Claims<Value>, ClientIp(ip): ClientIp| {
            Json(json!({"sub": claims["sub"], "ip": ip.to_string()}))
        })
        .put("/method", async || "put")
        .patch("/method", async || "patch")
        .delete("/method", async || "delete")
        .get("/broken", async || Err::<(), _>(AppError::internal().with_cause(NoPaper)))
}

#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the printer is out of paper")]
struct NoPaper;

#[test]
fn requests_are_answered_through_every_service() {
    let app = TestApp::new(echo);
    for via in Via::ALL {
        let response = app.post("/echo?q=a+b").body([0xff, 0]).via(via).send();
        response.assert_status(201).assert_header("x-query", "a b");
        assert_eq!(response.cookies(), ["a=1", "b=2"], "{via:?}");
        assert_eq!(response.bytes(), [0xff, 0], "{via:?}");
    }
    for via in [Via::HttpApi, Via::HttpApiV1, Via::RestApi] {
        let who = app.get("/who").claims(&json!({"sub": "ann"})).via(via);
        who.send().assert_json(&json!({"ip": "192.0.2.1", "sub": "ann"}));
    }
    app.get("/nowhere").send().assert_status(404).assert_error_code("app.not_found");
    app.put("/method").send().assert_text("put");
    app.patch("/method").send().assert_text("patch");
    app.delete("/method").send().assert_text("delete");
}

#[test]
fn an_answer_is_printed_as_its_client_reads_it() {
    let app = TestApp::new(|_| {
        App::new()
            .get("/", async || AppError::conflict("it's taken"))
            .get("/bytes", async || vec![0xff_u8, 0])
    });
    let shown = format!("{:?}", app.get("/").send());
    let head = r#"TestResponse { status: 409, headers: {"content-type": ["application/json"#;
    assert!(shown.starts_with(head), "{shown}");
    let body = r#"body: "{\"error\":{\"code\":\"app.conflict\",\"message\":\"it's taken\","#;
    assert!(shown.contains(body), "{shown}");
    let shown = format!("{:?}", app.get("/bytes").send());
    assert!(shown.ends_with("body: [255, 0], .. }"), "{shown}");
}

#[test]
fn ids_come_in_order() {
    let app = TestApp::new(echo);
    app.ids().queue(["first"]);
    for id in ["first", "test-id-1", "test-id-2"] {
        app.get("/nowhere").send().assert_header("x-request-id", id);
    }
    assert_eq!((app.ids().queued(), app.store().ids().next_id()), (0, 3));
    app.ids().reset();
    app.get("/nowhere").send().assert_header("x-request-id", "test-id-1");
}

#[cfg(feature = "cloudformation")]
#[test]
fn what_cloudformation_is_told_is_the_answer() {
    use apptheory_core::error::AppError;
    use apptheory_core::events::{CustomResource, Done, ResourceChange};
    use serde_json::{Value, json};

    #[derive(serde::Deserialize, serde::Serialize)]
    struct Cache {
        replicas: u8,
        spare: Option<bool>,
    }

    async fn cache(resource: CustomResource<Cache>) -> Result<Done, AppError> {
        match resource.change {
            ResourceChange::Create { properties: Cache { replicas: 3, spare: Some(true) } } => {
                Ok(Done::new("cache-7"))
            }
            ResourceChange::Update { old: Some(_), .. } => {
                Err(AppError::conflict(format!("{} is in use", resource.resource_type)))
            }
            ResourceChange::Delete { physical_id, properties: None } => Ok(Done::new(physical_id)),
            ResourceChange::Create { .. }
            | ResourceChange::Update { .. }
            | ResourceChange::Delete { .. } => Err(AppError::not_found()),
        }
    }

    let app = TestApp::new(|_| App::new().cloudformation(cache));
    let properties = |replicas| Cache { replicas, spare: Some(true) };
    let physical_id = "cache-7".to_owned();
    let answer_to = |change: ResourceChange<Cache>| -> Value {
        app.custom_resource("Custom::Cache", &change).answer()
    };
    let created = answer_to(ResourceChange::Create { properties: properties(3) });
    assert_eq!(created["PhysicalResourceId"], "cache-7");
    let old = Some(properties(3));
    let update = ResourceChange::Update { physical_id, properties: properties(4), old };
    let updated = answer_to(update);
    assert_eq!(
        json!([updated["Status"], updated["Reason"]]),
        json!(["FAILED", "Custom::Cache is in use"])
    );
    let physical_id = "cache-7".to_owned();
    let deleted = answer_to(ResourceChange::Delete { physical_id, properties: None });
    assert_eq!(deleted["Status"], "SUCCESS");
}

#[cfg(feature = "cloudformation")]
#[test]
fn what_was_created_is_deleted_though_its_answer_was_too_large() {
    use apptheory_core::events::{CustomResource, Done, ResourceChange};
    use serde_json::{Value, json};

    async fn database(resource: CustomResource<Value>) -> Done {
        match resource.change {
            ResourceChange::Delete { physical_id, .. } => Done::new(physical_id).data("Deleted", 1),
            ResourceChange::Create { .. } | ResourceChange::Update { .. } => {
                Done::new("db-7").data("Url", "x".repeat(5000))
            }
        }
    }

    let app = TestApp::new(|_| App::new().cloudformation(database));
    let answer_to = |change| -> Value { app.custom_resource("Custom::Db", &change).answer() };
    let failed = answer_to(ResourceChange::Create { properties: json!({}) });
    assert_eq!(json!([failed["Status"], failed["PhysicalResourceId"]]), json!(["FAILED", "db-7"]));
    let deleted =
        answer_to(ResourceChange::Delete { physical_id: "db-7".into(), properties: None });
    assert_eq!(deleted["Data"], json!({"Deleted": 1}));
}

#[test]
fn the_first_invocation_starts_cold() {
    let app = TestApp::new(|_| {
        App::new().get("/", async |context: Context| Json(context.invocation().is_cold_start))
    });
    for starts_cold in [true, false, false] {
        app.get("/").send().assert_json(&starts_cold);
    }
}

#[test]
fn a_failed_expectation_says_what_was_sent_what_came_and_what_differs() {
    let app = TestApp::new(echo);
    let who = || app.get("/who?a=1").claims(&json!({"sub": "ann"})).via(Via::HttpApi).send();
    assert_eq!(
        said(|| {
            who().assert_json(&json!({"ip": "192.0.2.1", "sub": "bob", "n": 1}));
        }),
        "\n  sent:    GET /who?a=1 via HttpApi\n  got:     200 {\"ip\":\"192.0.2.1\",\"sub\":\"ann\"}\
         \n  differs: $.n: expected 1, got nothing\n           $.sub: expected \"bob\", got \"ann\""
    );
    let text = said(|| {
        app.get("/broken").body("b").send().assert_status(200);
    });
    for part in [
        "\n  sent:    GET /broken via FunctionUrl b\n",
        "\n  got:     500 {\"error\":{",
        "\n  differs: status: expected 200, got 500\n  failed:  ",
        "the printer is out of paper",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let text = said(|| {
        app.get("/nowhere").send().assert_header("allow", "GET");
    });
    assert!(text.ends_with("differs: allow: expected \"GET\", got []"), "{text}");
    let broken = app.get("/broken").send();
    let [failure] = broken.failures() else { panic!("{broken:?}") };
    assert_eq!(failure, "app.internal: internal error: the printer is out of paper");
    for (path, code) in [("/broken", "Some(\"app.internal\")"), ("/who", "None")] {
        let text = said(|| {
            let who = app.get(path).claims(&json!({})).via(Via::HttpApi).send();
            who.assert_error_code("app.conflict");
        });
        let differs = format!("error code: expected Some(\"app.conflict\"), got {code}");
        assert!(text.contains(&differs), "{text}");
    }
    let text = said(|| {
        app.sqs("orders", ["a"]).assert_ok();
    });
    let failed = "  failed:  app.internal: internal error: nothing is registered for \"orders\"";
    assert!(text.contains("expected no failed records") && text.contains(failed), "{text}");
    let text = said(|| {
        app.invoke(&json!({"a": 1})).assert_ok();
    });
    assert!(text.contains("\n  got:     a failed invocation: nothing is registered"), "{text}");
}

/// What handlers record.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    fn note(&self, what: impl ToString) {
        self.0.lock().unwrap().push(what.to_string());
    }
}

async fn number(State(log): State<Log>, Json(number): Json<u32>) {
    log.note(number);
}

fn handlers(log: &Log) -> App<Log> {
    App::with_state(log.clone())
        .sqs("orders", number)
        .sqs("orders.fifo", number)
        .kinesis("clicks", number)
        .kinesis("logs", async |State(log): State<Log>, record: Arc<KinesisMessage>| {
            let logs = record.cloudwatch_logs().map_err(AppError::from_error)?;
            logs.log_events.iter().for_each(|event| log.note(&*event.message));
            Ok::<_, AppError>(())
        })
        .sns("news", number)
        .dynamodb("table", async |State(log): State<Log>, change: Change<Value>| {
            log.note(change.new.unwrap_or_default());
        })
        .event_bridge(
            Rule::source("shop"),
            async |State(log): State<Log>, Detail(detail): Detail<Value>| log.note(detail),
        )
        .event_bridge(Rule::schedule("default", "nightly"), async |State(log): State<Log>| {
            log.note("schedule");
        })
        .event_bridge(Rule::named("hourly"), async |State(log): State<Log>| log.note("rule"))
        .on(Shape::member("sum"), async |Json(event): Json<Value>| {
            Json(json!({"sum": event["sum"].as_array().map_or(0, Vec::len)}))
        })
}

#[test]
fn every_trigger_reaches_its_handler() {
    let log = Log::default();
    let app = TestApp::new(|_| handlers(&log));
    let failed = app.sqs("orders", ["1", "?", "3"]);
    assert!(failed.assert_failures(["msg-2"]).failures()[0].contains("invalid json"), "{failed:?}");
    app.sqs_fifo("orders.fifo", [("g", "?"), ("g", "2"), ("h", "3")])
        .assert_failures(["msg-1", "msg-2"]);
    app.kinesis("clicks", ["1", "?"]).assert_failures(["2"]);
    app.cloudwatch_logs("logs", ["a line", "another"]).assert_ok();
    app.dynamodb("table", [ItemChange::insert(&json!({"id": 7}))]).assert_ok();
    app.sns("news", ["5"]).assert_ok();
    app.event_bridge(EventBridgeEntry::new("shop", "sold").detail(&json!({"id": 8}))).assert_ok();
    app.schedule("default", "nightly").assert_ok();
    app.scheduled_rule("hourly").assert_ok();
    app.invoke(&json!({"sum": [1, 2]})).assert_answer(&json!({"sum": 2}));
    let expected = [
        "1",
        "3",
        "3",
        "1",
        "a line",
        "another",
        r#"{"id":7}"#,
        "5",
        r#"{"id":8}"#,
        "schedule",
        "rule",
    ];
    assert_eq!(*log.0.lock().unwrap(), expected);

    app.sns("news", ["?"]).assert_error("apptheory: event workload failed");
    app.invoke(&json!({"other": 1})).assert_error("other");
    let text = said(|| {
        app.sqs("orders", ["1", "?"]).assert_failures(["msg-1"]);
    });
    let differs = "differs: failed records: expected [\"msg-1\"], got [\"msg-2\"]\n  failed:  ";
    assert!(text.contains(differs), "{text}");
    let text = said(|| {
        app.invoke(&json!({"sum": []})).assert_failures(["1"]);
    });
    assert!(text.ends_with("differs: the event is not a batch"), "{text}");
}

#[test]
fn time_passes_only_while_everybody_waits() {
    async fn spawn(State(ticks): State<Log>, context: Context) {
        let clock = context.clock().clone();
        tokio::spawn(async move {
            loop {
                ticks.note(clock.sleep(Duration::from_secs(90)).await.unix_seconds());
            }
        });
    }
    async fn slow(context: Context) -> &'static str {
        context.clock().sleep(Duration::from_secs(3600)).await;
        "at last"
    }
    let ticks = Log::default();
    let app = TestApp::within(TestEnv::at(Timestamp::UNIX_EPOCH), |_| {
        App::with_state(ticks.clone())
            .get("/spawn", spawn)
            .get("/slow", slow)
            .get("/never", slow.layer(Timeout::after(Duration::from_secs(30))))
    });
    app.get("/spawn").send().assert_status(204);
    app.advance(Duration::from_secs(200));
    // Each at its own instant.
    assert_eq!(*ticks.0.lock().unwrap(), ["90", "180"]);
    assert_eq!(app.clock().now().unix_seconds(), 200);
    app.get("/slow").send().assert_text("at last");
    assert_eq!(app.clock().now().unix_seconds(), 3800);
    assert_eq!(ticks.0.lock().unwrap().len(), 42);
    app.get("/never").send().assert_status(504);
    assert_eq!(app.clock().now().unix_seconds(), 3830);
}

#[test]
fn the_store_may_have_layers() {
    let plan = FaultPlan::default()
        .fail(1, store::Error::Misconfigured(store::Misconfiguration::MissingTable));
    let env = TestEnv::new().layer(|store| Faulty::new(store, plan));
    let app = TestApp::within(env, |store| {
        let limit = RateLimit::per_minute(1).fail_closed().on(store);
        App::new().get("/{id}", async |Path(id): Path<u32>| Json(id)).layer(limit)
    });
    for status in [503, 200, 429] {
        app.get("/7").send().assert_status(status);
    }
    // Another client has its own counter.
    app.get("/7").from_address([192, 0, 2, 99]).send().assert_status(200).assert_json(&7);
    assert_eq!(app.clock().now(), TestEnv::BEGINNING);
}

#[tokio::test]
async fn a_test_with_a_runtime_takes_the_environment_alone() {
    let text = said(|| drop(TestApp::new(echo)));
    assert!(text.contains("with a `TestEnv`, and `.await`"), "{text}");
    let env = TestEnv::new();
    let app = env.build(echo).unwrap();
    let event = requests::post("/echo").body("hi").event().to_string();
    let answer = app.invoke(&event, Invocation::default()).await.unwrap();
    assert!(answer.contains(r#""x-request-id":"test-id-1""#), "{answer}");
}
