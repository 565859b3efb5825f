//! Tests of WebSocket routes, from the view of handlers and API Gateway.

mod refusals;

use core::error::Error as _;
use std::panic::resume_unwind;
use std::sync::Mutex;

use apptheory_core::error::ErrorFormat;
use apptheory_core::events::ErrorKind as EventErrorKind;
use apptheory_core::gateway::{self, Connection, ConnectionOperation, ErrorKind};
use apptheory_core::observe::LogRecord;
use apptheory_core::time::Timestamp;
use bytes::Bytes;
use futures_util::future::join;
use futures_util::stream;
use serde_json::{Value, json};

use super::*;
use crate::app::{Answer, BodyStream, BuildWarning, Context, Invocation, Json, Next};
use crate::clock::VirtualClock;
use crate::testkit::{TestApp, TestEnv, events};
use crate::websocket::{FakeWebSocketClients, WebSocketClient};

/// What hooks record, in order.
type Log = Arc<Mutex<Vec<String>>>;

const ENDPOINT: &str = "https://example.execute-api.us-east-1.amazonaws.com/dev";

fn event(route_key: &str) -> Value {
    events::websocket(route_key, " c1= ", "hi")
}

/// Returns the response for API Gateway.
fn invoke(app: &TestApp, event: &Value) -> Value {
    app.invoke(event).answer()
}

/// Returns the response to an error, as text.
fn error(code: &str, message: &str) -> String {
    format!(r#"{{"error":{{"code":"{code}","message":"{message}","request_id":"req-1"}}}}"#)
}

/// Returns the cause of a failure, without the client's message.
fn cause_of(failure: &str) -> &str {
    failure.rsplit("internal error: ").next().unwrap_or_default()
}

fn internal() -> String {
    error("app.internal", "internal error")
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
    let env = TestEnv::new();
    let client = env.websocket_clients().at(ENDPOINT);
    client.connect("c1=", Connection::default());
    let app = TestApp::within(env.clone(), |_| App::new().websocket(" $default ", answer));
    let answer = invoke(&app, &event("$default"));
    assert_eq!(answer["statusCode"], 200);
    let body = json!({"id": "c1=", "request_id": "req-1", "endpoint": ENDPOINT});
    assert_eq!(serde_json::from_str::<Value>(answer["body"].as_str().unwrap()).unwrap(), body);
    assert_eq!(client.received("c1="), [&br#"{"a":1,"b":"\u003c"}"#[..], b"hi"]);
    assert_eq!(env.websocket_clients().endpoints(), [ENDPOINT]);
}

#[test]
fn middleware_goes_around_handlers_and_not_around_404() {
    async fn stamp(context: Context, next: Next) -> Answer {
        context.set("seen", context.websocket().is_some());
        Ok(next.run(context).await.with_header("X-Stamp", "1"))
    }
    let app = TestApp::new(|_| {
        App::new().layer(stamp).websocket("a", async |context: Context| Json(context.get("seen")))
    });
    let answer = invoke(&app, &event("a"));
    assert_eq!((&answer["body"], &answer["headers"]["x-stamp"]), (&json!("true"), &json!("1")));
    let answer = invoke(&app, &event("b"));
    assert_eq!(answer["statusCode"], 404);
    assert_eq!(answer["body"], error("app.not_found", "not found"));
    assert_eq!(answer["headers"].get("x-stamp"), None);
}

#[test]
fn route_keys_are_trimmed_and_a_blank_one_is_404() {
    let app = TestApp::new(|_| App::new().websocket("a", async || "first"));
    assert_eq!(invoke(&app, &event(" a "))["body"], "first");
    assert_eq!(invoke(&app, &event(" "))["statusCode"], 404);
    // Unknown keys do not fall back to `$default`, and a malformed body is reported before the
    // missing route.
    let app = TestApp::new(|_| App::new().websocket("$default", async || "x"));
    assert_eq!(invoke(&app, &event("a"))["statusCode"], 404);
    let mut bad = event("a");
    bad["isBase64Encoded"] = true.into();
    bad["body"] = "!".into();
    let answer = invoke(&app, &bad);
    assert_eq!(answer["body"], error("app.bad_request", "invalid base64"));
}

#[test]
fn events_are_served_only_if_the_application_wants_them() {
    let app = TestApp::new(|_| App::new().get("/", async || "http"));
    let kind_of = |app: &TestApp, event: &Value| match app.invoke(event).error().unwrap() {
        InvokeError::Event(error) => Some(error.kind()),
        InvokeError::Workload(_) | InvokeError::TimedOut(_) | InvokeError::Failed(_) => None,
    };
    assert_eq!(kind_of(&app, &event("a")), Some(EventErrorKind::Unknown));
    let app = TestApp::new(|_| App::new().websocket_support());
    assert_eq!(invoke(&app, &event("a"))["statusCode"], 404);
    let unreadable = json!({"requestContext": {"connectionId": "c", "routeKey": 5}});
    assert_eq!(kind_of(&app, &unreadable), Some(EventErrorKind::Malformed));
}

#[test]
fn message_errors_are_nested_and_failures_are_reported() {
    let (told, records) = (Log::default(), Log::default());
    let (tell, write) = (Arc::clone(&told), Arc::clone(&records));
    let app = TestApp::new(|_| {
        App::new()
            .error_format(ErrorFormat::FlatLegacy)
            .observe_messages()
            .websocket("denied", async || AppError::unauthorized())
            .websocket(
                "plain",
                async || -> Result<(), Box<dyn core::error::Error + Send + Sync>> {
                    Err("boom".into())
                },
            )
            .websocket("panic", async || -> () { resume_unwind(Box::new("pow")) })
            .websocket("status", async || Response::new(700))
            .websocket("header", async || AppError::forbidden().with_header("x", "a\r\nb"))
            .on_failure(move |failure| tell.lock().unwrap().push(failure.request_id.clone()))
            .on_log(move |record: &LogRecord<'_>| {
                let route_key = &json!(record)["route_key"];
                write.lock().unwrap().push(format!("{:?} {route_key}", record.level));
            })
    });
    for (route_key, status, body, why) in [
        ("denied", 401, error("app.unauthorized", "unauthorized"), None),
        ("plain", 500, internal(), Some("boom")),
        ("panic", 500, internal(), Some("a handler panicked: pow")),
        ("status", 500, internal(), Some("invalid response status 700: use 200 to 599")),
        (
            "header",
            500,
            internal(),
            Some(
                "the response header \"x\" cannot be sent: names are tokens, values visible ASCII",
            ),
        ),
    ] {
        let answered = app.invoke(&event(route_key));
        let answer: Value = answered.answer();
        let shown = (answer["statusCode"].as_u64(), answer["body"].as_str());
        assert_eq!(shown, (Some(status), Some(&*body)), "{route_key}");
        let told = answered.failures().iter().map(String::as_str);
        assert!(told.map(cause_of).eq(why), "{route_key}: {:?}", answered.failures());
    }
    assert_eq!(*told.lock().unwrap(), ["req-1"; 4]);
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
    let app = TestApp::new(|_| App::new().websocket("ends", chunks).websocket("breaks", broken));
    assert_eq!(invoke(&app, &event("ends"))["body"], "ab");
    assert_eq!(invoke(&app, &event("breaks"))["body"], error("app.conflict", "late"));
}

#[test]
fn a_handler_of_http_has_no_websocket() {
    async fn either(socket: Option<WebSocket>) -> String {
        socket.is_some().to_string()
    }
    let app = TestApp::new(|_| App::new().get("/maybe", either).websocket("maybe", either));
    app.get("/maybe").send().assert_text("false");
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
    let app = App::new().websocket_clients(factory).websocket("a", twice).build().unwrap();
    let clock = VirtualClock::new(Timestamp::UNIX_EPOCH);
    let answer = clock.run(app.invoke(&event("a").to_string(), Invocation::default())).unwrap();
    let answer: Value = serde_json::from_str(&answer).unwrap();
    assert_eq!(answer["body"], r#"Some("apptheory: aws region is empty") None None"#);
    assert_eq!((clients.calls().len(), *made.lock().unwrap()), (2, 2));
}

#[test]
fn failures_to_send_are_reported_with_their_reason() {
    async fn send(socket: WebSocket) -> Result<(), gateway::Error> {
        socket.send(b"x").await
    }
    let (env, told) = (TestEnv::new(), Log::default());
    let tell = Arc::clone(&told);
    let app = TestApp::within(env.clone(), |_| {
        App::new().websocket("a", send).on_failure(move |failure| {
            tell.lock().unwrap().push(cause_of(&failure.to_string()).to_owned());
        })
    });
    // The connection is not established.
    assert_eq!(invoke(&app, &event("a"))["body"], internal());
    let blank = events::websocket("a", " ", "hi").to_string();
    let answer = app.run(app.service().serve_websocket(&blank, Invocation::default()));
    assert!(answer.unwrap().starts_with(r#"{"statusCode":500,"#));
    let calls = env.websocket_clients().calls();
    assert_eq!((calls.len(), calls[0].operation), (1, ConnectionOperation::PostToConnection));
    assert_eq!(
        *told.lock().unwrap(),
        [
            "apptheory: post_to_connection failed (410) GoneException; see apptheory::guide::websockets",
            "apptheory: websocket connection id is empty; see apptheory::guide::websockets"
        ]
    );
    let error = clients::missing();
    assert_eq!(error.to_string(), "apptheory: missing websocket client factory");
    let advice = error.source().unwrap().to_string();
    for way in ["the feature `websocket`", "`aws-lean`", "`App::websocket_clients`"] {
        assert!(advice.contains(way), "{advice}");
    }
    let warning = BuildWarning::NoWebSocketClients.to_string();
    assert!(warning.contains(&advice) && warning.contains("guide::websockets"), "{warning}");
    let gone = ErrorKind::Gone;
    let gone = gateway::Error::new(ConnectionOperation::GetConnection, gone);
    assert!(gone.is_gone() && !error.is_gone());
    let nobody = WebSocket::new(Default::default(), Clients::default());
    let unwritable = std::collections::BTreeMap::from([((1, 2), 3)]);
    let unsent = VirtualClock::new(Timestamp::UNIX_EPOCH).run(nobody.send_json(&unwritable));
    let text = unsent.unwrap_err().to_string();
    assert!(text.starts_with("apptheory: marshal websocket json message: "), "{text}");
}

#[test]
fn an_application_without_clients_is_warned_of() {
    let has_default = cfg!(any(feature = "aws-lean", feature = "websocket"));
    let expected: &[_] = if has_default { &[] } else { &[BuildWarning::NoWebSocketClients] };
    let app = || App::new().websocket("a", async || "answer");
    assert_eq!(app().build().unwrap().warnings(), expected);
    let own = app().websocket_clients(FakeWebSocketClients::new());
    assert_eq!(own.build().unwrap().warnings(), []);
    assert_eq!(TestApp::new(|_| app()).service().warnings(), []);
}

#[test]
fn header_fields_are_set_on_the_answer_to_the_handshake_alone() {
    let app = TestApp::new(|_| {
        App::new()
            .response_headers(|headers| headers.set("sec-websocket-protocol", "chat"))
            .websocket("$connect", async || "welcome")
            .websocket("say", async || "said")
    });
    let fields = |route_key: &str| invoke(&app, &event(route_key))["headers"].clone();
    assert_eq!(fields("$connect")["sec-websocket-protocol"], "chat");
    assert_eq!(fields("say"), json!({"content-type": "text/plain; charset=utf-8"}));
}

#[test]
fn a_message_belongs_to_the_trace_of_its_invocation() {
    let app = TestApp::new(|_| {
        App::new()
            .websocket("say", async |context: Context| context.trace_id().to_owned())
            .websocket("fail", async || AppError::conflict("taken"))
    });
    let root = "1-67891233-abcdef012345678912345678";
    let answer = |route_key: &str| {
        let trace = format!("Root={root};Sampled=1");
        let invocation = Invocation { trace, ..Invocation::default() };
        let event = event(route_key).to_string();
        let answer = app.run(app.service().invoke(&event, invocation)).unwrap();
        serde_json::from_str::<Value>(&answer).unwrap()["body"].clone()
    };
    assert!(answer("say").as_str().unwrap().contains("67891233"), "{}", answer("say"));
    assert_eq!(answer("fail"), error("app.conflict", "taken"), "clients are not told of it");
}
