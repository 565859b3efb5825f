//! What an application logs where no hook is told: nothing goes wrong without a line.
#![expect(clippy::unwrap_used, reason = "it ends a test")]

use std::io;
use std::sync::{Arc, Mutex};

use apptheory::app::{App, AppService, Invocation, RateLimit};
use apptheory::error::AppError;
use apptheory::events::Rule;
use apptheory::http::RawRequest;
use apptheory::layer::{FaultPlan, Faulty};
use apptheory::store::{self, Store};

/// What was logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What is logged while an application works.
fn logged(app: App, work: impl AsyncFnOnce(AppService)) -> String {
    let log = Log::default();
    let lines = log.clone();
    let subscriber = tracing_subscriber::fmt().with_ansi(false).with_writer(move || lines.clone());
    tracing::subscriber::with_default(subscriber.finish(), || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(work(app.build().unwrap()));
    });
    let bytes = log.0.lock().unwrap().clone();
    String::from_utf8(bytes).unwrap()
}

async fn get(app: AppService) {
    app.serve(RawRequest::new("GET", "/"), Invocation::default()).await;
}

#[test]
fn a_masked_error_and_a_panic_are_logged_with_their_cause() {
    let app = App::new().get("/", async || AppError::from_error(io::Error::other("no such host")));
    let log = logged(app, get);
    assert!(log.contains("ERROR") && log.contains("no such host"), "{log}");

    async fn mistaken() -> &'static str {
        panic!("a mistake")
    }
    let app = App::new().get("/", mistaken);
    let log = logged(app, get);
    assert!(log.contains("ERROR") && log.contains("a mistake"), "{log}");
}

#[test]
fn a_record_that_fails_is_logged() {
    let app = App::new().sqs("orders", async || AppError::conflict("sold out"));
    let event = r#"{"Records":[{"eventSource":"aws:sqs","messageId":"1","body":"3",
        "eventSourceARN":"arn:aws:sqs:r:1:orders"}]}"#;
    let log = logged(app, async |app| {
        app.invoke(event, Invocation::default()).await.unwrap();
    });
    assert!(log.contains("sold out"), "{log}");
}

#[test]
fn an_event_that_nobody_selects_is_logged() {
    let app = App::new().event_bridge(Rule::source("shop"), async || ());
    let event = r#"{"source":"bank","detail-type":"paid","id":"e1","detail":{}}"#;
    let log = logged(app, async |app| {
        app.invoke(event, Invocation::default()).await.unwrap();
    });
    assert!(log.contains("WARN"), "{log}");
}

#[test]
fn an_event_without_a_route_is_logged_with_what_was_seen() {
    let app = App::new().get("/", async || "hello");
    let log = logged(app, async |app| {
        app.invoke(r#"{"to":"nobody"}"#, Invocation::default()).await.unwrap_err();
    });
    assert!(log.contains("ERROR") && log.contains("to"), "{log}");
}

#[test]
fn a_limit_that_fails_open_is_logged() {
    let plan = FaultPlan::default().fail(1, store::Error::Throttled);
    let store = Store::memory().layer(|store| Faulty::new(store, plan));
    let limit = RateLimit::per_minute(5).fail_open().on(&store).shared();
    let log = logged(App::new().layer(limit).get("/", async || "hello"), get);
    assert!(log.contains("WARN") && log.contains("rate limit failed open"), "{log}");
}
