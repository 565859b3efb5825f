//! Events with one result: SNS notifications and EventBridge events.

use std::sync::Arc;

use apptheory_core::events::{OnUnmatched, Rule};
use serde_json::{Value, json};

use super::{Log, handle};
use crate::app::events::{BoxError, EventBridgeMessage, SnsNotification};
use crate::app::{App, Context, Invocation, Json};
use crate::testkit::TestApp;
use crate::testkit::events::{self, EventBridgeEntry};

#[test]
fn notifications_answer_together_or_fail_together() {
    async fn notified(record: Arc<SnsNotification>) -> Result<Json<Value>, BoxError> {
        match record.message.as_ref() {
            "fail" => Err("secret=42".into()),
            text => Ok(Json(json!({"handled": text}))),
        }
    }
    let app = TestApp::new(|_| App::new().sns("a", notified));
    app.sns("a", ["1", "2"]).assert_answer(&json!([{"handled": "1"}, {"handled": "2"}]));
    let mut unknown = events::sns("a", ["1", "2"]);
    unknown["Records"][1]["Sns"]["TopicArn"] = json!("arn:aws:sns:r:1:b");
    app.invoke(&unknown).assert_error("apptheory: unrecognized sns topic");
    let failed = app.sns("a", ["fail"]);
    assert_eq!(failed.error().unwrap().to_string(), "apptheory: event workload failed");
}

/// Registers a rule and a source; the latter never runs.
fn rules(app: App) -> App {
    async fn nightly(event: Arc<EventBridgeMessage>, context: Context) -> Json<Value> {
        let summary = event.scheduled_summary(&context.delivery(), context.now());
        Json(json!({"run": summary.run_id, "request": context.request_id()}))
    }
    async fn broken() {
        panic!("secret=42")
    }
    app.event_bridge(Rule::named("nightly"), nightly).event_bridge(Rule::source("app"), broken)
}

fn made(source: &str) -> EventBridgeEntry {
    EventBridgeEntry::new(source, "made")
}

#[test]
fn the_first_rule_that_fits_serves_an_event() {
    let lines = Log::default();
    let write = lines.clone();
    let app = TestApp::new(|_| {
        rules(App::new()).on_log(move |record| write.note(serde_json::to_string(record).unwrap()))
    });
    let asked = |event: Value| {
        let invocation = Invocation { request_id: " req-1 ".into(), ..Invocation::default() };
        app.run(app.service().invoke(&event.to_string(), invocation)).unwrap()
    };
    let answer = asked(events::scheduled_rule("nightly"));
    assert_eq!(answer, r#"{"request":"req-1","run":"evt-1"}"#);
    let logged = lines.take();
    assert_eq!(logged.len(), 1);
    assert!(
        logged[0].contains(r#""trigger":"eventbridge","correlation_id":"evt-1""#),
        "{logged:?}"
    );

    let failed = app.event_bridge(made("app"));
    failed.assert_error("apptheory: event workload failed");
    let logged = lines.take();
    assert!(logged[0].contains(r#""error_code":"app.internal""#), "{logged:?}");
    assert!(!logged[0].contains("secret"), "{logged:?}");
    assert!(failed.failures()[0].contains("panicked: secret=[REDACTED]"), "{failed:?}");

    assert_eq!(asked(events::event_bridge(made("other"))), "null");
    let logged = lines.take();
    let unmatched = r#""level":"warn","event":"event.unmatched","request_id":"req-1""#;
    assert!(logged.len() == 1 && logged[0].contains(unmatched), "{logged:?}");
    let strict = TestApp::new(|_| rules(App::new()).on_unmatched(OnUnmatched::Fail));
    let refused = strict.event_bridge(made("other"));
    refused.assert_error("apptheory: unmatched eventbridge event");
}

#[test]
fn unmatched_events_are_counted_whether_they_succeed_or_fail() {
    for on_unmatched in [OnUnmatched::Succeed, OnUnmatched::Fail] {
        let log = Log::default();
        let write = log.clone();
        let app = TestApp::new(|_| {
            App::new()
                .event_bridge(Rule::source("app"), async || ())
                .on_unmatched(on_unmatched)
                .without_correlation_tag()
                .on_metric(move |metric| {
                    assert!(metric.tags.iter().all(|(name, _)| *name != "correlation_id"));
                    write.note(metric.tag("outcome"));
                })
        });
        let unmatched = app.event_bridge(made("other"));
        assert_eq!(unmatched.error().is_none(), on_unmatched == OnUnmatched::Succeed);
        app.event_bridge(made("app")).assert_ok();
        assert_eq!(log.take(), ["unmatched", "success"]);
    }
}

#[test]
fn events_that_are_malformed_fail_the_invocation() {
    let app = TestApp::new(|_| App::new().sqs("q", handle));
    for (event, start) in [
        (json!({"source": 5, "detail-type": "x"}), "apptheory: parse eventbridge event: "),
        (
            json!({"Records": [{"EventSource": "aws:sns", "Sns": 5}]}),
            "apptheory: parse sns event: ",
        ),
        (
            json!({"requestContext": {"connectionId": "c"}}),
            "nothing is registered for this event, an event of websocket",
        ),
    ] {
        let error = app.invoke(&event).error().unwrap().to_string();
        assert!(error.starts_with(start), "{error}");
    }
}
