//! WebSocket routes as their handlers and API Gateway see them.

use core::future::pending;
use core::num::NonZeroU64;
use core::time::Duration;
use std::panic::resume_unwind;
use std::sync::Mutex;

use apptheory_core::error::ErrorFormat;
use apptheory_core::events;
use apptheory_core::gateway::{self, ConnectionOperation, ErrorKind};
use apptheory_core::http::HeaderMap;
use apptheory_core::http::exchange::{Limits, PolicyDecision, PolicyStage, Principal};
use apptheory_core::limiter::{FixedWindow, Limiter};
use apptheory_core::observe::LogRecord;
use apptheory_core::time::Timestamp;
use bytes::Bytes;
use futures_util::future::join;
use futures_util::stream;
use serde_json::{Value, json};

use super::*;
use crate::app::{Answer, BodyStream, Context, ContextKind, Invocation, Json, Next, RateLimit};
use crate::clock::{Clock as _, VirtualClock};
use crate::ids::SequentialIds;
use crate::limiter::RateLimiter;
use crate::store::Store;
use crate::websocket::{FakeWebSocketClients, WebSocketClient};

const DOMAIN: &str = "a.execute-api.us-east-1.amazonaws.com";

/// What hooks write down, in order.
type Log = Arc<Mutex<Vec<String>>>;

fn event(route_key: &str) -> Value {
    json!({"body": "hi", "requestContext": {
        "routeKey": route_key, "eventType": "MESSAGE", "connectionId": " c1= ", "stage": "dev",
        "domainName": DOMAIN, "requestId": "r1"}})
}

fn builder(clients: &FakeWebSocketClients) -> App {
    App::new()
        .clock(VirtualClock::new(Timestamp::UNIX_EPOCH))
        .ids(SequentialIds::default())
        .websocket_clients(clients.clone())
}

fn try_invoke(app: &AppService, event: &Value) -> Result<Value, InvokeError> {
    let clock = VirtualClock::new(Timestamp::UNIX_EPOCH);
    let answer = clock.run(app.invoke(&event.to_string(), Invocation::default()))?;
    Ok(serde_json::from_str(&answer).unwrap())
}

fn invoke(app: &AppService, event: &Value) -> Value {
    try_invoke(app, event).unwrap()
}

/// The answer to an error, as text.
fn error(code: &str, message: &str) -> String {
    format!(r#"{{"error":{{"code":"{code}","message":"{message}","request_id":"r1"}}}}"#)
}

fn internal() -> String {
    error("app.internal", "internal error")
}

/// Keeps what clients are not told.
fn failures(app: App) -> (App, Log) {
    let log = Log::default();
    let written = Arc::clone(&log);
    let app = app.on_failure(move |failure| {
        let cause = core::error::Error::source(&failure.error).map(ToString::to_string);
        written.lock().unwrap().push(format!(
            "{} {}",
            failure.request_id,
            cause.unwrap_or_default()
        ));
    });
    (app, log)
}

#[test]
fn a_handler_sends_to_its_connection() {
    async fn answer(socket: WebSocket, context: Context) -> Result<Json<Value>, gateway::Error> {
        socket.send_json(&json!({"b": "<", "a": 1.0})).await?;
        socket.send(context.body()).await?;
        let connection = socket.connection();
        Ok(Json(json!({"id": connection.connection_id, "request_id": context.request_id(),
            "endpoint": connection.management_endpoint})))
    }
    let clients = FakeWebSocketClients::new();
    let app = builder(&clients).websocket(" $default ", answer).build().unwrap();
    let endpoint = format!("https://{DOMAIN}/dev");
    let answer = invoke(&app, &event("$default"));
    assert_eq!(answer["statusCode"], 200);
    let body = json!({"id": "c1=", "request_id": "r1", "endpoint": endpoint});
    assert_eq!(serde_json::from_str::<Value>(answer["body"].as_str().unwrap()).unwrap(), body);
    let sent: Vec<_> = clients.calls().into_iter().map(|call| call.data).collect();
    assert_eq!(sent, [&br#"{"a":1,"b":"\u003c"}"#[..], b"hi"]);
    assert_eq!(clients.endpoints(), [endpoint]);
}

#[test]
fn middleware_goes_around_handlers_and_not_around_404() {
    async fn stamp(context: Context, next: Next) -> Answer {
        context.set("seen", context.websocket().is_some());
        Ok(next.run(context).await.with_header("X-Stamp", "1"))
    }
    let app = builder(&FakeWebSocketClients::new())
        .layer(stamp)
        .websocket("a", async |context: Context| Json(context.get("seen")))
        .build()
        .unwrap();
    let answer = invoke(&app, &event("a"));
    assert_eq!((&answer["body"], &answer["headers"]["x-stamp"]), (&json!("true"), &json!("1")));
    let answer = invoke(&app, &event("b"));
    assert_eq!(answer["statusCode"], 404);
    assert_eq!(answer["body"], error("app.not_found", "not found"));
    assert_eq!(answer["headers"].get("x-stamp"), None);
}

#[test]
fn keys_are_trimmed_and_blank_ones_are_none() {
    let app =
        builder(&FakeWebSocketClients::new()).websocket("a", async || "first").build().unwrap();
    assert_eq!(invoke(&app, &event(" a "))["body"], "first");
    assert_eq!(invoke(&app, &event(" "))["statusCode"], 404);
    // Nothing falls back to `$default`, and a bad body comes before the missing route.
    let app = builder(&FakeWebSocketClients::new()).websocket("$default", async || "x");
    let app = app.build().unwrap();
    assert_eq!(invoke(&app, &event("a"))["statusCode"], 404);
    let mut bad = event("a");
    bad["isBase64Encoded"] = true.into();
    bad["body"] = "!".into();
    let answer = invoke(&app, &bad);
    assert_eq!(answer["body"], error("app.bad_request", "invalid base64"));
}

#[test]
fn events_are_served_only_if_the_application_wants_them() {
    let clients = FakeWebSocketClients::new();
    let app = builder(&clients).get("/", async || "http").build().unwrap();
    let kind_of = |app: &AppService, event: &Value| match try_invoke(app, event).unwrap_err() {
        InvokeError::Event(error) => Some(error.kind()),
        InvokeError::Workload(_) | InvokeError::TimedOut(_) | InvokeError::Failed(_) => None,
    };
    assert_eq!(kind_of(&app, &event("a")), Some(events::ErrorKind::Unknown));
    let app = builder(&clients).websocket_support().build().unwrap();
    assert_eq!(invoke(&app, &event("a"))["statusCode"], 404);
    let unreadable = json!({"requestContext": {"connectionId": "c", "routeKey": 5}});
    assert_eq!(kind_of(&app, &unreadable), Some(events::ErrorKind::Malformed));
}

#[test]
fn errors_are_nested_and_failures_are_told() {
    let app = builder(&FakeWebSocketClients::new())
        .error_format(ErrorFormat::FlatLegacy)
        .observe_messages()
        .websocket("denied", async || AppError::unauthorized())
        .websocket("plain", async || -> Result<(), Box<dyn core::error::Error + Send + Sync>> {
            Err("boom".into())
        })
        .websocket("panic", async || -> () { resume_unwind(Box::new("pow")) })
        .websocket("status", async || Response::new(700))
        .websocket("header", async || AppError::forbidden().with_header("x", "a\r\nb"));
    let (app, failures) = failures(app);
    let records = Log::default();
    let written = Arc::clone(&records);
    let app = app.on_log(move |record: &LogRecord<'_>| {
        written.lock().unwrap().push(format!("{:?} {}", record.level, json!(record)["route_key"]));
    });
    let app = app.build().unwrap();
    for (route_key, status, body) in [
        ("denied", 401, error("app.unauthorized", "unauthorized")),
        ("plain", 500, internal()),
        ("panic", 500, internal()),
        ("status", 500, internal()),
        ("header", 500, internal()),
    ] {
        let answer = invoke(&app, &event(route_key));
        let shown = (answer["statusCode"].as_u64(), answer["body"].as_str());
        assert_eq!(shown, (Some(status), Some(&*body)), "{route_key}");
    }
    assert_eq!(
        *failures.lock().unwrap(),
        [
            "r1 boom",
            "r1 a handler panicked: pow",
            "r1 invalid response status 700: one of 200 to 599 ends an exchange",
            "r1 the response header \"x\" cannot be sent: names are tokens, values visible ASCII"
        ]
    );
    assert_eq!(
        *records.lock().unwrap(),
        [
            r#"Info "denied""#,
            r#"Error "plain""#,
            r#"Error "panic""#,
            r#"Error "status""#,
            r#"Error "header""#
        ]
    );
}

#[test]
fn a_stream_is_read_to_its_end() {
    async fn chunks() -> Response {
        let chunks = ["a", "b"].map(|chunk| Ok::<_, AppError>(Bytes::from(chunk)));
        Response::text(200, "").with_stream(BodyStream::new(stream::iter(chunks)))
    }
    async fn broken() -> Response {
        let chunks = [Ok(Bytes::from_static(b"a")), Err(AppError::conflict("late"))];
        Response::text(200, "").with_stream(BodyStream::new(stream::iter(chunks)))
    }
    let app = builder(&FakeWebSocketClients::new());
    let app = app.websocket("ends", chunks).websocket("breaks", broken).build().unwrap();
    assert_eq!(invoke(&app, &event("ends"))["body"], "ab");
    assert_eq!(invoke(&app, &event("breaks"))["body"], error("app.conflict", "late"));
}

#[test]
fn a_handler_of_http_has_no_websocket() {
    async fn either(socket: Option<WebSocket>) -> String {
        socket.is_some().to_string()
    }
    let app = builder(&FakeWebSocketClients::new())
        .get("/maybe", either)
        .websocket("maybe", either)
        .build()
        .unwrap();
    let get = |path: &str| json!({"rawPath": path, "requestContext": {"http": {"method": "GET"}}});
    assert_eq!(invoke(&app, &get("/maybe"))["body"], "false");
    assert_eq!(invoke(&app, &event("maybe"))["body"], "true");
}

#[test]
fn a_client_is_made_once_and_failures_are_not_kept() {
    async fn twice(socket: WebSocket) -> String {
        let (first, second) = join(socket.send(b"1"), socket.send(b"2")).await;
        let third = socket.send(b"3").await;
        let text = |sent: Result<(), gateway::Error>| sent.err().map(|error| error.to_string());
        format!("{:?} {:?} {:?}", text(first), text(second), text(third))
    }
    let (clients, made) = (FakeWebSocketClients::new(), Arc::new(Mutex::new(0)));
    let (inner, count) = (clients.clone(), Arc::clone(&made));
    let factory = move |endpoint: &str| -> Result<WebSocketClient, gateway::Error> {
        let mut count = count.lock().unwrap();
        *count += 1;
        if *count == 1 {
            return Err(ErrorKind::MissingRegion.into());
        }
        Ok(Arc::new(inner.at(endpoint)))
    };
    let app = builder(&clients).websocket_clients(factory).websocket("a", twice).build().unwrap();
    let answer = invoke(&app, &event("a"));
    assert_eq!(answer["body"], r#"Some("apptheory: aws region is empty") None None"#);
    assert_eq!((clients.calls().len(), *made.lock().unwrap()), (2, 2));
}

#[test]
fn what_cannot_be_sent_is_told_apart() {
    async fn send(socket: WebSocket) -> Result<(), gateway::Error> {
        socket.send(b"x").await
    }
    let clients = FakeWebSocketClients::strict();
    let (app, told) = failures(builder(&clients).websocket("a", send));
    let app = app.build().unwrap();
    // The connection is not established.
    assert_eq!(invoke(&app, &event("a"))["body"], internal());
    let mut blank = event("a");
    blank["requestContext"]["connectionId"] = " ".into();
    let clock = VirtualClock::new(Timestamp::UNIX_EPOCH);
    let answer = clock.run(app.serve_websocket(&blank.to_string(), Invocation::default()));
    assert!(answer.unwrap().starts_with(r#"{"statusCode":500,"#));
    assert_eq!(clients.calls().len(), 1);
    assert_eq!(clients.calls()[0].operation, ConnectionOperation::PostToConnection);
    assert_eq!(
        *told.lock().unwrap(),
        [
            "r1 apptheory: post_to_connection failed (410) GoneException",
            "r1 apptheory: websocket connection id is empty"
        ]
    );
    let nobody = WebSocket::new(Default::default(), None);
    let error = VirtualClock::new(Timestamp::UNIX_EPOCH).run(nobody.client()).unwrap_err();
    assert_eq!(error.to_string(), "apptheory: missing websocket client factory");
    let gone = ErrorKind::Gone;
    let gone = gateway::Error::new(ConnectionOperation::GetConnection, gone);
    assert!(gone.is_gone() && !error.is_gone());
    let unwritable = std::collections::BTreeMap::from([((1, 2), 3)]);
    let unsent = VirtualClock::new(Timestamp::UNIX_EPOCH).run(nobody.send_json(&unwritable));
    let text = unsent.unwrap_err().to_string();
    assert!(text.starts_with("apptheory: marshal websocket json message: "), "{text}");
}

#[test]
fn messages_are_limited_per_sender_and_route_key() {
    let clients = FakeWebSocketClients::default();
    let limit = FixedWindow::new(Duration::from_secs(60), 1).unwrap();
    let limiter = Limiter::fail_closed(limit).build();
    let store = Store::builder().clock(VirtualClock::new(Timestamp::UNIX_EPOCH)).memory();
    let limiter = RateLimiter::new(limiter.clone(), &store);
    let app = builder(&clients).layer(RateLimit::new(limiter));
    let app = app.websocket("a", async || "done").websocket("b", async || "done");
    let app = app.build().unwrap();
    for (n, (route_key, user, address, status)) in [
        ("a", "ann", "192.0.2.1", 200),
        ("a", "ann", "192.0.2.2", 429),
        ("b", "ann", "192.0.2.1", 200),
        ("a", "bob", "192.0.2.1", 200),
        ("a", "", "192.0.2.1", 200),
        ("a", "", "192.0.2.1", 429),
        ("a", "", "192.0.2.2", 200),
        ("a", "", "", 500),
    ]
    .into_iter()
    .enumerate()
    {
        let mut event = event(route_key);
        // Whoever reconnects has another connection id, and names itself in vain.
        event["requestContext"]["connectionId"] = format!("c{n}=").into();
        event["headers"] = json!({"x-api-key": format!("k{n}"), "x-tenant-id": format!("t{n}")});
        event["requestContext"]["authorizer"] = json!({"principalId": user});
        event["requestContext"]["identity"] = json!({"sourceIp": address});
        assert_eq!(invoke(&app, &event)["statusCode"], status, "{n}");
    }
}

/// Says who is connected, as the authorizer of `$connect` did.
async fn connected(context: Context) -> Result<Option<Principal>, AppError> {
    assert_eq!(context.kind(), ContextKind::Message);
    let socket = context.websocket().expect("a message has a connection");
    Ok(Some(Principal::new(&socket.connection().identity)))
}

fn of(user: &str, route_key: &str) -> Value {
    let mut event = event(route_key);
    event["requestContext"]["authorizer"] = json!({"principalId": user});
    event
}

#[test]
fn a_protected_route_refuses_messages_of_nobody() {
    async fn who(context: Context) -> String {
        context.identity().to_owned()
    }
    let app = builder(&FakeWebSocketClients::new())
        .authenticate(connected)
        .websocket("$default", who.for_callers())
        .websocket("admin", who.for_scopes(["admin"]))
        .websocket("open", who)
        .build()
        .unwrap();
    let unauthorized = error("app.unauthorized", "unauthorized");
    for (user, route_key, status, body) in [
        ("", "$default", 401, &*unauthorized),
        ("ann", "$default", 200, "ann"),
        ("ann", "admin", 403, &error("app.forbidden", "forbidden")),
        ("ann", "open", 200, ""),
    ] {
        let answer = invoke(&app, &of(user, route_key));
        let shown = (answer["statusCode"].as_u64(), answer["body"].as_str());
        assert_eq!(shown, (Some(status), Some(body)), "{user} {route_key}");
    }
    let open = builder(&FakeWebSocketClients::new()).websocket("$default", who.for_callers());
    let refused = open.build().unwrap_err().to_string();
    assert!(refused.contains("nothing authenticates the callers"), "{refused}");
    assert!(refused.contains("WEBSOCKET $default"), "{refused}");
}

#[test]
fn a_policy_and_the_limit_of_a_body_are_for_messages_too() {
    async fn busy(context: Context) -> Result<Option<PolicyDecision>, AppError> {
        let socket = context.websocket().expect("a message has a connection");
        let is_busy = socket.connection().identity == "eve";
        Ok(is_busy.then(|| PolicyDecision::rate_limited(HeaderMap::new())))
    }
    let app = builder(&FakeWebSocketClients::new())
        .policy(PolicyStage::BeforeAuthentication, busy)
        .limits(Limits { max_request_bytes: NonZeroU64::new(4), ..Limits::default() })
        .websocket("say", async |context: Context| context.body().len().to_string())
        .build()
        .unwrap();
    assert_eq!(invoke(&app, &of("ann", "say"))["body"], "2");
    let limited = invoke(&app, &of("eve", "say"));
    assert_eq!(limited["body"], error("app.rate_limited", "rate limited"));
    let mut large = of("ann", "say");
    large["body"] = "12345".into();
    let refused = invoke(&app, &large);
    assert_eq!(refused["statusCode"], 413);
    assert_eq!(refused["body"], error("app.too_large", "request too large"));
}

#[test]
fn what_is_not_answered_in_time_fails_the_invocation() {
    async fn hanging(_: Context) -> Result<Option<Principal>, AppError> {
        pending().await
    }
    let endless = async || {
        let chunks = stream::pending::<Result<Bytes, AppError>>();
        Response::text(200, "").with_stream(BodyStream::new(chunks))
    };
    let slow = async || pending::<()>().await;
    let quick = async || "done";
    for (app, route_key) in [
        (builder(&FakeWebSocketClients::new()).websocket("slow", slow), "slow"),
        (builder(&FakeWebSocketClients::new()).websocket("endless", endless), "endless"),
        (
            builder(&FakeWebSocketClients::new())
                .authenticate(hanging)
                .websocket("quick", quick.for_callers()),
            "quick",
        ),
    ] {
        let clock = VirtualClock::new(Timestamp::UNIX_EPOCH);
        let (app, told) = failures(app.clock(clock.clone()));
        let app = app.build().unwrap();
        let deadline = Some(clock.now().saturating_add(Duration::from_secs(6)));
        let invocation = Invocation { deadline, ..Invocation::default() };
        let event = event(route_key).to_string();
        let failed = clock.run(app.invoke(&event, invocation)).unwrap_err();
        assert!(matches!(failed, InvokeError::TimedOut(_)), "{route_key}: {failed:?}");
        assert_eq!(*told.lock().unwrap(), ["r1 the event was not handled in time"]);
        let spent = Timestamp::UNIX_EPOCH.until(clock.now());
        assert_eq!(spent, Duration::from_millis(5_500), "{route_key}");
    }
}

#[test]
fn header_fields_are_set_on_the_answer_to_the_handshake_alone() {
    let app = builder(&FakeWebSocketClients::new())
        .response_headers(|headers| headers.set("sec-websocket-protocol", "chat"))
        .websocket("$connect", async || "welcome")
        .websocket("say", async || "said")
        .build()
        .unwrap();
    let fields = |route_key: &str| invoke(&app, &event(route_key))["headers"].clone();
    assert_eq!(fields("$connect")["sec-websocket-protocol"], "chat");
    assert_eq!(fields("say"), json!({"content-type": "text/plain; charset=utf-8"}));
}

#[test]
fn a_message_belongs_to_the_trace_of_its_invocation() {
    let app = builder(&FakeWebSocketClients::new())
        .websocket("say", async |context: Context| context.trace_id().to_owned())
        .websocket("fail", async || AppError::conflict("taken"))
        .build()
        .unwrap();
    let root = "1-67891233-abcdef012345678912345678";
    let answer = |route_key: &str| {
        let trace = format!("Root={root};Sampled=1");
        let invocation = Invocation { trace, ..Invocation::default() };
        let clock = VirtualClock::new(Timestamp::UNIX_EPOCH);
        let answer = clock.run(app.invoke(&event(route_key).to_string(), invocation)).unwrap();
        serde_json::from_str::<Value>(&answer).unwrap()["body"].clone()
    };
    assert!(answer("say").as_str().unwrap().contains("67891233"), "{}", answer("say"));
    assert_eq!(answer("fail"), error("app.conflict", "taken"), "clients are not told of it");
}
