//! Metrics of an application.

use core::time::Duration;
use std::sync::{Arc, Mutex};

use apptheory_core::error::AppError;
use serde_json::{Value as Json, json};

use super::{builder, clock, get, serve};
use crate::app::events::{EventBridgeMessage, SnsNotification, SqsMessage};
use crate::app::*;
use crate::clock::{Clock as _, VirtualClock};
use crate::events::Rule;
use crate::metrics::{self, Metrics};
use crate::test_writer::TestWriter;

fn metrics(clock: &VirtualClock) -> (Metrics, TestWriter) {
    let written = TestWriter::default();
    let metrics = Metrics::builder("Shop").clock(clock.clone()).writer(written.clone()).build();
    (metrics.unwrap(), written)
}

fn shop(clock: &VirtualClock) -> App {
    builder(clock)
        .get("/orders/{id}", async |context: Context| {
            context.clock().sleep(Duration::from_micros(1500)).await;
        })
        .get("/gone", async || Err::<(), _>(AppError::conflict("gone")))
        .get("/panic", async || -> () { panic!("boom") })
}

/// Returns what was written, without timestamps and metadata.
fn flushed(metrics: &Metrics, written: &TestWriter) -> Vec<Json> {
    metrics.flush();
    let without = |mut line: Json| {
        line.as_object_mut().unwrap().remove("_aws");
        line
    };
    written.take_json().into_iter().map(without).collect()
}

#[test]
fn requests_are_counted_and_timed() {
    let clock = clock();
    let (metrics, written) = metrics(&clock);
    let app = shop(&clock).metrics(&metrics).build().unwrap();
    for path in ["/orders/1", "/gone", "/nowhere", "/panic"] {
        serve(&app, &clock, get(path));
    }
    let expected = json!({"RequestCount": 4, "RequestDuration": [1.5, 0, 0, 0],
        "RequestClientErrors": 2, "RequestServerErrors": 1});
    assert_eq!(flushed(&metrics, &written), [expected]);
}

#[test]
fn metrics_by_route_are_separate_per_route() {
    let clock = clock();
    let (metrics, written) = metrics(&clock);
    let app = shop(&clock).metrics_by_route(&metrics).build().unwrap();
    for path in ["/orders/1", "/orders/2", "/panic", "/nowhere", "/elsewhere"] {
        serve(&app, &clock, get(path));
    }
    let mut lines = flushed(&metrics, &written);
    lines.sort_by_key(|line| line["route"].to_string());
    let expected = [
        json!({"route": "/orders/{id}", "RequestCount": 2, "RequestDuration": [1.5, 1.5]}),
        json!({"route": "/panic", "RequestCount": 1, "RequestDuration": 0,
            "RequestServerErrors": 1}),
        json!({"route": "unmatched", "RequestCount": 2, "RequestDuration": [0, 0],
            "RequestClientErrors": 2}),
    ];
    assert_eq!(lines, expected);
}

#[test]
fn events_of_every_source_are_counted_by_outcome() {
    let clock = clock();
    let (metrics, written) = metrics(&clock);
    let app = builder(&clock)
        .sqs("orders", async |message: Arc<SqsMessage>| match &*message.body {
            "bad" => Err(AppError::conflict("bad")),
            _ => Ok(()),
        })
        .sns("news", async |_: Arc<SnsNotification>| ())
        .event_bridge(Rule::source("shop"), async |_: Arc<EventBridgeMessage>| ())
        .websocket("$default", async || ())
        .otherwise(async || ())
        .metrics(&metrics)
        .build()
        .unwrap();
    let message = |body: &str| {
        json!({"eventSource": "aws:sqs", "messageId": body, "eventSourceARN": "a:orders",
            "body": body})
    };
    let event = |source: &str| json!({"source": source, "detail-type": "d", "detail": {}});
    for event in [
        json!({"Records": [message("a"), message("b"), message("bad")]}),
        json!({"Records": [{"EventSource": "aws:sns", "Sns": {"MessageId": "m", "Message": "hi",
            "TopicArn": "a:news"}}]}),
        event("shop"),
        json!({"requestContext": {"routeKey": "$default", "connectionId": "c", "stage": "s",
            "domainName": "d"}}),
        json!({"anything": 1}),
    ] {
        clock.run(app.invoke(&event.to_string(), Invocation::default())).unwrap();
    }
    let mut counts: Vec<_> = flushed(&metrics, &written)
        .into_iter()
        .map(|line| {
            let [source, outcome] = ["source", "outcome"].map(|name| line[name].as_str().unwrap());
            (source.to_owned(), outcome.to_owned(), line["EventCount"].as_u64().unwrap())
        })
        .collect();
    counts.sort();
    let expected = [
        ("eventbridge", "success", 1),
        ("other", "success", 1),
        ("sns", "success", 1),
        ("sqs", "error", 1),
        ("sqs", "success", 2),
        ("websocket", "success", 1),
    ];
    assert_eq!(counts, expected.map(|(source, outcome, n)| (source.into(), outcome.into(), n)));
}

#[test]
fn events_that_nothing_is_registered_for_are_counted() {
    let clock = clock();
    let (metrics, written) = metrics(&clock);
    let rule = Rule::source("shop");
    let app = builder(&clock).event_bridge(rule, async || ()).metrics(&metrics).build().unwrap();
    let other = json!({"source": "other", "detail-type": "d", "detail": {}}).to_string();
    assert!(clock.run(app.invoke(&other, Invocation::default())).is_ok());
    assert!(clock.run(app.invoke("{}", Invocation::default())).is_err());
    let counts = flushed(&metrics, &written)
        .into_iter()
        .map(|line| (line["source"].clone(), line["outcome"].clone(), line["EventCount"].clone()));
    let unmatched = |source: &str| (json!(source), json!("unmatched"), json!(1));
    assert_eq!(counts.collect::<Vec<_>>(), [unmatched("eventbridge"), unmatched("other")]);
}

#[test]
fn a_cold_start_is_counted_once() {
    let clock = clock();
    let (metrics, written) = metrics(&clock);
    let app = builder(&clock).otherwise(async || ()).metrics(&metrics).build().unwrap();
    for is_cold_start in [true, false, false] {
        let invocation = Invocation { is_cold_start, ..Invocation::default() };
        clock.run(app.invoke("{}", invocation)).unwrap();
    }
    let starts = flushed(&metrics, &written);
    let starts = starts.iter().filter_map(|line| line["ColdStart"].as_u64());
    assert_eq!(starts.collect::<Vec<_>>(), [1]);
}

/// Panics on every write.
struct Panicking;

impl std::io::Write for Panicking {
    fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
        panic!("no space left")
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_writer_that_panics_fails_nothing_and_is_reported() {
    let clock = clock();
    let metrics = Metrics::builder("Shop").writer(Panicking).build().unwrap();
    let failures = Arc::new(Mutex::new(Vec::new()));
    let told = Arc::clone(&failures);
    let app = shop(&clock)
        .metrics(&metrics)
        .on_failure(move |failure| told.lock().unwrap().push(failure.to_string()))
        .build()
        .unwrap();
    for _ in 0..2 {
        assert_eq!(serve(&app, &clock, get("/orders/1")).status, 204);
        clock.run(app.flush());
    }
    let failures = failures.lock().unwrap();
    assert_eq!(failures.len(), 2);
    assert!(failures[0].contains("the writer of metrics panicked: no space left"), "{failures:?}");
}

#[test]
fn metrics_have_one_application_and_an_application_has_metrics_once() {
    let clock = clock();
    let (metrics, _) = metrics(&clock);
    let twice = shop(&clock).metrics(&metrics).metrics_by_route(&metrics).build();
    let method = "metrics (or metrics_by_route)";
    assert_eq!(twice.unwrap_err(), BuildError::HookTwice { method });
    metrics.counter("RequestCount").unwrap();
    let taken = shop(&clock).metrics(&metrics).build().unwrap_err();
    let error = metrics::Error::Twice { given: "RequestCount".into() };
    assert!(taken.to_string().contains("a second application needs a `Metrics` of its own"));
    assert_eq!(taken, BuildError::Metrics(error));
}
