use core::fmt;
use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use apptheory_core::sanitize::{Policy, Sanitizer};
use serde_json::{Value as Json, json};
use tracing::{debug, debug_span, error, info, info_span, warn};
use tracing_subscriber::layer::SubscriberExt as _;

use super::*;
use crate::test_writer::TestWriter;

/// Returns a log with an environment.
fn logs(variables: &[(&str, &str)]) -> Logs {
    Logs::read(&|name| {
        let found = variables.iter().find(|(known, _)| *known == name);
        found.map(|(_, value)| (*value).to_owned())
    })
}

/// Returns what a log writes while `happens` runs.
fn written(logs: Logs, happens: impl FnOnce()) -> TestWriter {
    let written = TestWriter::default();
    let layer = logs.writer(written.clone()).layer();
    tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), happens);
    flush();
    written
}

fn json_lines(happens: impl FnOnce()) -> Vec<Json> {
    written(logs(&[]).format(Format::Json), happens).take_json()
}

fn an_invocation() {
    info_span!(target: "apptheory::app", "invocation", request_id = "r1").in_scope(|| {
        error!(code = 7, "the record failed");
        info!("all is well");
        debug!("a detail");
    });
}

#[test]
fn text_names_the_invocation_and_what_happened() {
    let target = "apptheory::logs::tests";
    let on_lambda = [("AWS_LAMBDA_FUNCTION_NAME", "shop"), ("SERVICE_NAME", "s")];
    let expected = [
        format!("ERROR {target}: the record failed request_id=r1 service=s function=shop code=7"),
        format!(" INFO {target}: all is well request_id=r1 service=s function=shop"),
    ];
    let text = written(logs(&on_lambda), an_invocation).take();
    assert_eq!(text.lines().collect::<Vec<_>>(), expected);

    let text = written(logs(&[]), an_invocation).take();
    let (time, line) = text.lines().next().unwrap().split_once(' ').unwrap();
    assert!(time.parse::<crate::time::Timestamp>().is_ok(), "{time}");
    assert_eq!(line, format!("ERROR {target}: the record failed request_id=r1 code=7"));
}

#[test]
fn json_has_what_lambda_filters_by_first_and_every_name_once() {
    let variables = [("AWS_LAMBDA_LOG_FORMAT", "JSON"), ("AWS_LAMBDA_FUNCTION_VERSION", "4")];
    let text = written(logs(&variables), an_invocation).take();
    let line = text.lines().next().unwrap();
    let behind_time = line.split_once(r#"Z",""#).unwrap().1;
    assert_eq!(
        behind_time,
        concat!(
            r#"level":"ERROR","message":"the record failed","request_id":"r1","version":"4","#,
            r#""code":7,"target":"apptheory::logs::tests"}"#
        )
    );
}

#[test]
fn variables_set_the_level_and_invalid_ones_are_logged() {
    let level = |level| [("AWS_LAMBDA_LOG_LEVEL", level), ("AWS_LAMBDA_LOG_FORMAT", "Text")];
    for (name, lines) in [("TRACE", 3), ("debug", 3), ("INFO", 2), ("WARN", 1), ("FATAL", 1)] {
        let text = written(logs(&level(name)), an_invocation).take();
        assert_eq!(text.lines().count(), lines, "{name}: {text}");
    }
    for (directives, lines) in [("debug", 3), ("info,apptheory::logs=error", 1), ("off", 0)] {
        let variables = [("RUST_LOG", directives), ("AWS_LAMBDA_LOG_LEVEL", "info")];
        let text = written(logs(&variables), an_invocation).take();
        assert_eq!(text.lines().count(), lines, "{directives}: {text}");
    }
    for (name, value) in [
        ("AWS_LAMBDA_LOG_LEVEL", "odd"),
        ("AWS_LAMBDA_LOG_FORMAT", "xml"),
        ("RUST_LOG", "shop=odd=debug"),
        ("RUST_LOG", "shop="),
    ] {
        let text = written(logs(&[(name, value)]), an_invocation).take();
        let first = text.lines().next().unwrap();
        assert_eq!(text.lines().count(), 3, "{name}: {text}");
        assert!(first.contains(&format!(" WARN apptheory::logs: {name} is `{value}`")), "{first}");
    }
}

#[test]
fn a_line_has_the_fields_of_all_spans_around_it_and_the_inner_one_wins() {
    let lines = json_lines(|| {
        let outer =
            info_span!("invocation", request_id = "r1", route = tracing::field::Empty, n = 1);
        let _outer = outer.enter();
        let inner = info_span!("record", n = 2, ok = true, share = 0.5, below = -1, route = "");
        inner.in_scope(|| {
            outer.record("route", "/orders/{id}");
            info!(request_id = "spoofed", level = "x", r#type = "t", n = 3, "paid");
            info!(request_id = "r1", status = %"r1", "said by the span");
        });
        outer.record("n", 4);
        info!(parent: &outer, "outside");
        info!(parent: None, "alone");
    });
    let [paid, said, outside, alone] = &lines[..] else { panic!("{lines:?}") };
    for (name, value) in [
        ("request_id", json!("r1")),
        ("field_request_id", json!("spoofed")),
        ("route", json!("/orders/{id}")),
        ("level", json!("INFO")),
        ("field_level", json!("x")),
        ("type", json!("t")),
        ("n", json!(2)),
        ("field_n", json!(3)),
        ("ok", json!(true)),
        ("share", json!(0.5)),
        ("below", json!(-1)),
    ] {
        assert_eq!(paid[name], value, "{name}");
    }
    assert_eq!((&said["request_id"], &said["status"]), (&json!("r1"), &json!("r1")));
    assert_eq!(said.get("field_request_id"), None);
    assert_eq!((&outside["n"], &outside["ok"]), (&json!(4), &Json::Null));
    assert_eq!(alone.get("request_id"), None);
}

#[test]
fn an_invocation_is_named_at_any_level_and_other_spans_as_their_level_says() {
    let lines = written(logs(&[]).format(Format::Json).level(tracing::Level::WARN.into()), || {
        let invocation = info_span!(target: "apptheory::app", "invocation", request_id = "r1");
        let _invocation = invocation.enter();
        let _own = info_span!(target: "shop", "own", quiet = 1).entered();
        warn!("careful");
        info!("well");
    });
    let lines = lines.take_json();
    assert_eq!(lines.len(), 1);
    assert_eq!((&lines[0]["request_id"], lines[0].get("quiet")), (&json!("r1"), None));
}

#[test]
fn nothing_leaks_and_nothing_breaks_the_line() {
    let lines = json_lines(|| {
        let _span = info_span!("login", password = "hunter2", pin = 1234).entered();
        let card = "4111 1111 1111 1111";
        let token = Some("t1");
        warn!(?token, card, odd = "a\n\u{202e}b", "refused:\n{{\"cvv\": \"123\"}} {card}");
    });
    let text = lines[0].to_string();
    for secret in ["hunter2", "1234", "t1", "4111 1111 1111", "123\"", "\u{202e}", "\\n"] {
        assert!(!text.contains(secret), "{secret}: {text}");
    }
    assert_eq!(lines[0]["odd"], "ab");
}

#[test]
fn a_sanitizer_of_ones_own_decides_what_is_shown() {
    let policy = Policy::from_json(r#"{"fully_redact_fields": ["gift_message"]}"#).unwrap();
    let sanitizer = Sanitizer::new().with_policy(policy);
    let logs = logs(&[]).format(Format::Json).sanitizer(sanitizer);
    let lines = written(logs, || info!(gift_message = "with love", "packed")).take_json();
    assert_eq!(lines[0]["gift_message"], "[REDACTED]");
}

#[test]
fn errors_are_logged_with_what_they_come_from() {
    #[derive(Debug, thiserror::Error)]
    #[error("no order")]
    struct NoOrder(#[source] io::Error);
    let lines = json_lines(|| {
        let error = NoOrder(io::Error::other("no such host"));
        error!(error = &error as &dyn core::error::Error, "failed");
    });
    assert_eq!(lines[0]["error"], "no order: no such host");
}

#[test]
fn a_share_of_invocations_is_logged_from_debug_on() {
    let share = apptheory_core::observe::SampleRate::new(0.5);
    let ids = (0..20).map(|n| format!("r{n}"));
    let (chosen, others): (Vec<_>, Vec<_>) = ids.partition(|id| share.takes(id));
    assert!(!chosen.is_empty() && !others.is_empty());
    let logs = logs(&[("RUST_LOG", "info,quiet=off")]).debug_sample_rate(0.5).format(Format::Json);
    let lines = written(logs, || {
        for id in chosen.iter().chain(&others) {
            let span = info_span!(target: "apptheory::app", "invocation", request_id = id.as_str());
            let _span = span.enter();
            let _inner = debug_span!("effect").entered();
            debug!("a detail");
            debug!(target: "quiet", "too much");
            tracing::trace!("far too much");
        }
        debug!("outside");
    });
    let ids: Vec<_> = lines.take_json().iter().map(|line| line["request_id"].clone()).collect();
    assert_eq!(ids, chosen);
}

#[test]
fn a_value_without_end_is_cut() {
    struct Endless;
    impl fmt::Debug for Endless {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            loop {
                f.write_str("more ")?;
            }
        }
    }
    let lines = json_lines(|| info!(value = ?Endless, "{:?}", Endless));
    for name in ["message", "value"] {
        let shown = lines[0][name].as_str().unwrap();
        assert!(shown.starts_with("more more") && shown.ends_with("…[cut]"), "{name}");
    }
}

#[test]
fn lost_lines_are_reported_in_the_format_of_the_log() {
    struct Broken(TestWriter, bool);
    impl Write for Broken {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            if core::mem::replace(&mut self.1, false) {
                return Err(io::ErrorKind::BrokenPipe.into());
            }
            self.0.write(bytes)
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let lines = TestWriter::default();
    let layer = logs(&[]).format(Format::Json).writer(Broken(lines.clone(), true)).layer();
    let subscriber = tracing_subscriber::registry().with(layer);
    tracing::subscriber::with_default(subscriber, || {
        info!("lost");
        flush();
        info!("written");
    });
    flush();
    let lines = lines.take_json();
    assert_eq!((&lines[0]["message"], &lines[1]["level"]), (&json!("written"), &json!("WARN")));
    assert!(lines[1]["message"].as_str().unwrap().starts_with("log lines were lost"));
    assert_eq!(lines[1]["lost_lines"], 1);
}

#[test]
fn two_logs_get_the_same_lines() {
    let (one, two) = (TestWriter::default(), TestWriter::default());
    let layer = |written: &TestWriter| logs(&[]).format(Format::Json).writer(written.clone());
    let subscriber =
        tracing_subscriber::registry().with(layer(&one).layer()).with(layer(&two).layer());
    tracing::subscriber::with_default(subscriber, an_invocation);
    flush();
    for written in [one, two] {
        let lines = written.take_json();
        let messages: Vec<_> = lines.iter().map(|line| &line["message"]).collect();
        assert_eq!(messages, ["the record failed", "all is well"]);
    }
}

#[test]
fn fields_of_concurrent_invocations_never_mix() {
    const THREADS: usize = 4;
    const EACH: usize = 200;
    let lines = TestWriter::default();
    let layer = logs(&[]).format(Format::Json).writer(lines.clone()).layer();
    let dispatch = tracing::Dispatch::new(tracing_subscriber::registry().with(layer));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(THREADS).build();
    runtime.unwrap().block_on(async {
        let invocations = (0..THREADS * EACH).map(|n| {
            let dispatch = dispatch.clone();
            let work = async move {
                for step in 0..2 {
                    info!(n, step, "at work");
                    tokio::task::yield_now().await;
                }
            };
            let named = async move {
                use tracing::Instrument as _;
                let span = info_span!("invocation", request_id = format!("r{n}"), of = n);
                work.instrument(span).await;
            };
            tokio::spawn(tracing::instrument::WithSubscriber::with_subscriber(named, dispatch))
        });
        for invocation in invocations.collect::<Vec<_>>() {
            invocation.await.unwrap();
        }
    });
    flush();
    let lines = lines.take_json();
    assert_eq!(lines.len(), 2 * THREADS * EACH);
    for line in lines {
        assert_eq!(line["request_id"], format!("r{}", line["n"]));
        assert_eq!(line["of"], line["n"]);
    }
}

#[tokio::test]
async fn an_invocation_ends_with_notifications_of_its_errors() {
    #[derive(Debug)]
    struct Kept(Arc<Mutex<Vec<String>>>);
    impl ErrorNotifier for Kept {
        fn notify<'n>(&'n self, entry: &'n LogEntry) -> NotifyFuture<'n> {
            self.0.lock().unwrap().push(entry.message.clone());
            Box::pin(async { Ok(()) })
        }
    }
    let kept = Arc::default();
    let factory = LoggerFactory::new().with_notifier(Kept(Arc::clone(&kept)));
    let logger =
        factory.with_writer(TestWriter::default).console(&LoggerConfig::default()).unwrap();
    logger.error("out of paper", &[]);
    assert_eq!(kept.lock().unwrap().len(), 0);
    flushed().await;
    assert_eq!(*kept.lock().unwrap(), ["out of paper"]);
}

#[test]
fn a_record_is_a_line_with_all_that_it_says() {
    use apptheory_core::observe::{Level, LogRecord, LogText};

    let lines = json_lines(|| {
        record(&LogRecord {
            request_id: LogText::from("r1"),
            method: LogText::from("GET"),
            path: LogText::from("/a"),
            status: 503,
            duration_ms: Some(7),
            about: vec![("stream_ended", LogText::from("early")), ("queue", LogText::from(" "))],
            ..LogRecord::new(Level::Error, "stream.completed")
        });
        record(&LogRecord::new(Level::Info, "event.completed"));
    });
    let mut expected = [
        json!({"level": "ERROR", "message": "stream.completed", "request_id": "r1", "method": "GET",
            "path": "/a", "status": 503, "duration_ms": 7, "stream_ended": "early",
            "target": "apptheory::record"}),
        json!({"level": "INFO", "message": "event.completed", "target": "apptheory::record"}),
    ];
    for (line, expected) in lines.iter().zip(&mut expected) {
        expected["timestamp"] = line["timestamp"].clone();
        assert_eq!(line, expected);
    }
    assert_eq!(lines.len(), 2);
}

#[test]
fn a_record_of_an_event_is_a_line_with_all_that_it_says() {
    use apptheory_core::events::{DynamoDbSummary, EventObservation, EventOutcome, Trigger};
    use apptheory_core::events::{Seen, WorkloadEnvelope};

    let summary = DynamoDbSummary {
        event_id: "e".into(),
        event_name: "INSERT".into(),
        table_name: "orders".into(),
        ..DynamoDbSummary::default()
    };
    let envelope = WorkloadEnvelope {
        source: "shop".into(),
        detail_type: "order.paid".into(),
        correlation_id: "c".into(),
        ..WorkloadEnvelope::default()
    };
    let others = [
        EventObservation::dynamodb(&summary, "r"),
        EventObservation::event_bridge(&envelope),
        EventObservation::unrouted(
            &Seen::Members { names: ["action".into()].into(), more: 0 },
            "r",
        ),
    ];
    let messages = Trigger::ALL.map(|trigger| EventObservation::message(trigger, "n", "m", "r"));
    for observation in messages.into_iter().chain(others) {
        let told = observation.log(EventOutcome::Success);
        let lines = json_lines(|| record(&told));
        for (name, text) in told.about.iter().filter(|(_, text)| !text.is_empty()) {
            assert_eq!(lines[0][*name], **text, "{name}");
        }
    }
}
