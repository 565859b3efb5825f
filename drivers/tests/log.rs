//! The log of an application without hooks: every failure is logged.
#![expect(clippy::unwrap_used, reason = "it ends a test")]

use core::num::NonZeroUsize;
use core::time::Duration;
use std::io;

use apptheory::app::{App, AppService, BodyStream, Context, Html, Invocation, RateLimit};
use apptheory::clock::Clock as _;
use apptheory::error::AppError;
use apptheory::events::Rule;
use apptheory::execute::Execute as _;
use apptheory::http::RawRequest;
use apptheory::layer::{FaultPlan, Faulty};
use apptheory::store::{self, GetItem, Key, Store, Value};
use apptheory::testkit::{TestApp, TestWriter};
use futures_util::stream::{self, StreamExt as _};
use tracing_subscriber::fmt::format::FmtSpan;

/// Returns what is logged while an application works.
fn logged(app: App, work: impl AsyncFnOnce(AppService)) -> String {
    let log = TestWriter::default();
    let lines = log.clone();
    let subscriber = tracing_subscriber::fmt().with_ansi(false).with_writer(move || lines.clone());
    tracing::subscriber::with_default(subscriber.finish(), || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(work(app.build().unwrap()));
    });
    log.take()
}

/// Returns the spans that end while an application works, each after its parents' names.
fn spans(app: App, work: impl AsyncFnOnce(AppService)) -> Vec<String> {
    let log = TestWriter::default();
    let lines = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_ansi(false)
        .with_max_level(tracing::Level::DEBUG)
        .with_span_events(FmtSpan::CLOSE)
        .with_writer(move || lines.clone());
    tracing::subscriber::with_default(subscriber.finish(), || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(work(app.build().unwrap()));
    });
    let text = log.take();
    let ends = text.lines().filter(|line| line.contains(": close "));
    let span = |line: &str| {
        let (_, line) = line.split_once(" INFO ").or_else(|| line.split_once(" DEBUG ")).unwrap();
        line.split_once("}: ").unwrap().0.to_owned()
    };
    ends.map(span).collect()
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
fn a_record_that_is_cut_off_is_dropped_within_its_span() {
    struct Guard;
    impl Drop for Guard {
        fn drop(&mut self) {
            tracing::info!("dropped");
        }
    }
    async fn ship(context: Context) {
        let _guard = Guard;
        context.clock().sleep(Duration::from_secs(9)).await;
    }
    for concurrency in [1, 2] {
        let log = TestWriter::default();
        let lines = log.clone();
        let subscriber =
            tracing_subscriber::fmt().with_ansi(false).with_writer(move || lines.clone());
        tracing::subscriber::with_default(subscriber.finish(), || {
            let concurrency = NonZeroUsize::new(concurrency).unwrap();
            let app = |_: &Store| App::new().sqs("orders", ship).event_concurrency(concurrency);
            let app = TestApp::new(app).time_limit(Duration::from_secs(1));
            app.sqs("orders", ["tea"]).assert_failures(["msg-1"]);
        });
        let log = log.take();
        let dropped = log.lines().find(|line| line.contains("dropped")).unwrap();
        assert!(dropped.contains(":record{"), "{log}");
    }
}

#[test]
fn a_websocket_message_that_is_refused_is_logged_without_what_its_error_says() {
    let app = App::new()
        .websocket("$connect", async || AppError::forbidden())
        .websocket("say", async || AppError::bad_request("a secret of the client's"));
    let message = |route_key: &str, kind: &str| {
        format!(
            r#"{{"requestContext":{{"routeKey":"{route_key}","connectionId":"c1=","stage":"dev",
            "domainName":"a1.execute-api.us-east-1.amazonaws.com","requestId":"q",
            "eventType":"{kind}"}}}}"#
        )
    };
    let log = logged(app, async |app| {
        let messages = [("$connect", "CONNECT"), ("say", "MESSAGE"), ("nobody", "MESSAGE")];
        for (route_key, kind) in messages {
            app.invoke(&message(route_key, kind), Invocation::default()).await.unwrap();
        }
    });
    let lines: Vec<&str> = log.lines().collect();
    assert_eq!(lines.len(), 2, "a client that connects sees its refusal: {log}");
    for (line, (code, route_key)) in
        lines.iter().zip([("app.bad_request", "say"), ("app.not_found", "nobody")])
    {
        assert!(line.contains("WARN") && line.contains(code), "{line}");
        assert!(
            line.contains(&format!("route_key={route_key:?}")) && line.contains("c1="),
            "{line}"
        );
    }
    assert!(!log.contains("secret"), "{log}");
}

#[test]
fn an_unmatched_event_is_logged_as_a_warning() {
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

fn invocation() -> Invocation {
    Invocation {
        request_id: "r1".into(),
        trace: "Root=1-67891233-abcdef012345678912345678;Sampled=1".into(),
        tenant_id: Some("t1".into()),
        is_cold_start: true,
        ..Invocation::default()
    }
}

const INVOCATION: &str = "invocation{request_id=\"r1\" cold_start=true \
                          trace_id=\"1-67891233-abcdef012345678912345678\" tenant_id=\"t1\"";

#[test]
fn an_invocation_is_a_span_with_its_route_and_an_effect_one_within_it() {
    let store = Store::memory();
    let app = App::new().get("/orders/{id}", move || {
        let store = store.clone();
        async move {
            let key = Key::of("ID", Value::from("1"));
            let get = GetItem { table: "orders".into(), key, consistent: true };
            store.execute(&get).await.unwrap_err();
            "none"
        }
    });
    let served = spans(app, async |app| {
        app.serve(RawRequest::new("GET", "/orders/7"), invocation()).await;
        app.serve_whole(RawRequest::new("GET", "/nowhere"), Invocation::default()).await;
    });
    let routed = format!("{INVOCATION} route=\"/orders/{{id}}\"");
    assert_eq!(
        served,
        [
            format!("{routed}}}:effect{{operation=\"GetItem\" table=\"orders\""),
            routed,
            "invocation{request_id=\"\" cold_start=false".to_owned(),
        ]
    );
}

#[test]
fn a_record_is_a_span_and_what_fails_names_it() {
    let record = |id: u8| {
        format!(
            r#"{{"eventSource":"aws:sqs","messageId":"{id}","body":"",
            "eventSourceARN":"arn:aws:sqs:r:1:orders"}}"#
        )
    };
    let batch = format!(r#"{{"Records":[{},{}]}}"#, record(1), record(2));
    let app = || App::new().sqs("orders", async || AppError::conflict("sold out"));
    let handled = spans(app(), async |app| drop(app.invoke(&batch, invocation()).await));
    let of = format!("{INVOCATION} route=\"orders\"");
    let of_record = |id: u8| format!("{of}}}:record{{source=\"sqs\" name=\"orders\" id=\"{id}\"");
    assert_eq!(handled, [of_record(1), of_record(2), of.clone()]);

    let log = logged(app(), async |app| drop(app.invoke(&batch, invocation()).await));
    let lines: Vec<&str> = log.lines().collect();
    for (line, id) in lines.iter().zip(1..) {
        assert!(line.contains(&of_record(id)) && line.contains("sold out"), "{line}");
    }
    assert_eq!(lines.len(), 2);
}

#[test]
fn events_of_every_kind_are_within_a_span_that_names_their_handler() {
    let app = App::new()
        .sns("news", async || ())
        .event_bridge(Rule::source("shop"), async || ())
        .otherwise(async || ())
        .websocket("$default", async || ());
    let sns = r#"{"Records":[{"EventSource":"aws:sns","Sns":{"MessageId":"m1","Message":"hi",
        "TopicArn":"arn:aws:sns:r:1:news"}}]}"#;
    let bus = r#"{"source":"shop","detail-type":"paid","id":"e1","detail":{}}"#;
    let socket = r#"{"requestContext":{"routeKey":"$default","connectionId":"c","stage":"dev",
        "domainName":"a1.execute-api.us-east-1.amazonaws.com","requestId":"q","eventType":"MESSAGE"}}"#;
    let handled = spans(app, async |app| {
        for event in [sns, bus, r#"{"a":1}"#, socket] {
            app.invoke(event, invocation()).await.unwrap();
        }
    });
    let of = |route: &str| format!("{INVOCATION} route={route:?}");
    let rule = "event_bridge(Rule::source(\"shop\"))";
    assert_eq!(
        handled,
        [
            format!("{}}}:record{{source=\"sns\" name=\"news\" id=\"m1\"", of("news")),
            of("news"),
            format!("{}}}:record{{source=\"eventbridge\" name=\"shop\" id=\"e1\"", of(rule)),
            of(rule),
            of("otherwise"),
            of("$default"),
        ]
    );
}

#[test]
fn a_stream_is_within_the_span_of_its_invocation_which_ends_with_it() {
    let app = App::new().get("/", async || {
        let chunks = stream::once(async {
            tracing::info_span!("chunk", n = 1).in_scope(|| Ok::<_, AppError>("a"))
        });
        Html(BodyStream::new(chunks))
    });
    let streamed = spans(app, async |app| {
        let mut response = app.serve(RawRequest::new("GET", "/"), invocation()).await;
        let mut stream = response.stream.take().unwrap();
        tracing::info_span!("between", n = 1).in_scope(|| ());
        while stream.next().await.is_some() {}
    });
    let of = format!("{INVOCATION} route=\"/\"");
    assert_eq!(streamed, ["between{n=1".into(), format!("{of}}}:chunk{{n=1"), of]);
}
