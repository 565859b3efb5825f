//! Tests of WebSockets.

use std::sync::{Arc, Mutex};

use apptheory_core::error::AppError;
use serde_json::{Value, json};

use super::app::said;
use crate::app::{App, Body, Context, Json, State, WebSocket};
use crate::store::Store;
use crate::testkit::{TestApp, TestEnv};
use crate::websocket::{Connections, Room};

/// A room, and connections that have left but stay in the room.
#[derive(Clone)]
struct Chat {
    room: Room,
    left: Arc<Mutex<Vec<String>>>,
}

async fn enter(
    State(chat): State<Chat>,
    socket: WebSocket,
    context: Context,
) -> Result<(), AppError> {
    if context.query("name") == "eve" || context.header("x-banned") == "1" {
        return Err(AppError::forbidden());
    }
    // The connection does not exist yet.
    assert!(socket.send(b"welcome").await.is_err());
    Ok(chat.room.join(&socket).await?)
}

async fn leave(State(chat): State<Chat>, socket: WebSocket) {
    chat.left.lock().unwrap().push(socket.connection().connection_id.clone());
}

async fn say(
    State(chat): State<Chat>,
    socket: WebSocket,
    Json(said): Json<Value>,
) -> Result<(), AppError> {
    socket.broadcast(&chat.room, &said["text"]).await?;
    Ok(())
}

async fn echo(socket: WebSocket, Body(message): Body) -> Result<(), AppError> {
    Ok(socket.send(&message).await?)
}

async fn close(socket: WebSocket) -> Result<(), AppError> {
    let id = &socket.connection().connection_id;
    Ok(socket.client().await?.delete_connection(id).await?)
}

fn chat(store: &Store) -> App<Chat> {
    let chat = Chat { room: Connections::on(store).room("lobby"), left: Arc::default() };
    App::with_state(chat)
        .websocket("$connect", enter)
        .websocket("$disconnect", leave)
        .websocket("say", say)
        .websocket("close", close)
        .websocket("fail", async || AppError::conflict("taken"))
        .websocket("left", async |State(chat): State<Chat>, socket: WebSocket| {
            let left = chat.left.lock().unwrap().join(" ");
            socket.send(left.as_bytes()).await
        })
        .websocket("$default", echo)
}

#[test]
fn messages_reach_the_connections_that_are_open() {
    let app = TestApp::new(chat);
    let mut ann = app.websocket().connect("/?name=ann");
    let mut bob = app.websocket().connect("/?name=bob");
    assert_ne!(ann.id(), bob.id());
    ann.assert_silent().send("hi").assert_received("hi").assert_silent();
    let say = |text: &str| json!({"action": "say", "text": text}).to_string();
    ann.send(&say("hello")).assert_received("\"hello\"");
    bob.assert_received_json("hello").send(&say("bye")).close();
    assert_eq!(ann.send(&say("gone?")).received(), ["\"bye\"", "\"gone?\""]);
    bob.assert_received("\"bye\"").assert_silent().assert_closed();
    ann.send(r#"{"action":"left"}"#).assert_received(bob.id());
}

#[test]
fn a_connection_is_closed_once() {
    let app = TestApp::new(chat);
    let mut ann = app.websocket().connect("/");
    let text = said(|| {
        ann.assert_closed();
    });
    assert!(text.ends_with("the connection is open"), "{text}");
    ann.send(r#"{"action":"close"}"#).assert_closed();
    let text = said(|| {
        ann.send("hi");
    });
    assert!(text.ends_with("the connection is closed"), "{text}");
}

#[test]
fn the_management_api_says_who_is_connected() {
    let app = TestApp::new(|_| {
        App::new().websocket("$default", async |socket: WebSocket| -> Result<(), AppError> {
            let client = socket.client().await?;
            let found = client.get_connection(&socket.connection().connection_id).await?;
            let who = format!("{} {}", found.identity_ip, found.identity_agent);
            Ok(socket.send(who.as_bytes()).await?)
        })
    });
    let mut ann = app.websocket().header("User-Agent", "test").connect("/");
    ann.send("who?").assert_received("192.0.2.1 test");
}

#[test]
fn clients_of_any_endpoint_send_to_the_connections_of_the_test() {
    let env = TestEnv::new();
    let app = TestApp::within(env.clone(), |_| {
        App::new().sqs("news", async |id: String, context: Context| -> Result<(), AppError> {
            let client = context.websocket_client("https://ws.example.com/live").await?;
            Ok(client.post_to_connection(&id, b"news").await?)
        })
    });
    let mut ann = app.websocket().connect("/");
    app.sqs("news", [ann.id()]).assert_ok();
    ann.assert_received("news").close();
    app.sqs("news", [ann.id()]).assert_failures(["msg-1"]);
    let calls = env.websocket_clients().calls();
    assert_eq!(calls[0].endpoint, "https://ws.example.com/live");
}

#[test]
fn refusals_and_failures_are_named() {
    let app = TestApp::new(chat);
    app.websocket().assert_refused("/?name=eve", 403);
    app.websocket().header("x-banned", "1").assert_refused("/", 403);
    let text = said(|| drop(app.websocket().connect("/?name=eve")));
    assert!(text.contains("expected a connection, refused with 403"), "{text}");

    let mut ann = app.websocket().connect("/");
    let text = said(|| {
        ann.assert_received("hi");
    });
    assert!(text.ends_with(r#"next message: expected Some("hi"), got None"#), "{text}");
    for (message, differs) in [
        (None, "next message: got nothing"),
        (Some("hi"), "\"hi\" is not JSON: expected value at line 1 column 1"),
        (Some("[1]"), "$[0]: expected 2, got 1"),
    ] {
        if let Some(message) = message {
            ann.send(message);
        }
        let text = said(|| {
            ann.assert_received_json(&[2]);
        });
        assert!(text.ends_with(differs), "{text}");
    }
    let text = said(|| {
        ann.send(r#"{"action":"fail"}"#);
    });
    assert!(text.contains("expected a handled message, got 409"), "{text}");
    ann.assert_refused(r#"{"action":"fail"}"#, 409);
    let text = said(|| {
        ann.assert_refused("hi", 409);
    });
    assert!(
        text.contains("sent:    hi") && text.contains("status: expected 409, got 204"),
        "{text}"
    );
    let app = TestApp::new(|_| App::new().websocket("only", echo));
    let mut socket = app.websocket().connect("/");
    let text = said(|| {
        socket.send("hi");
    });
    assert!(text.contains("the message has no route, and there is no `$default`"), "{text}");
}
