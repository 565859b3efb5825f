//! Conversations on WebSockets.

use apptheory_core::error::AppError;
use serde_json::{Value, json};

use super::app::said;
use crate::app::{App, Body, Context, Json, State, WebSocket};
use crate::store::Store;
use crate::testkit::TestApp;
use crate::websocket::{Connections, Room};

async fn enter(
    State(room): State<Room>,
    socket: WebSocket,
    context: Context,
) -> Result<(), AppError> {
    if context.query("name") == "eve" || context.header("x-banned") == "1" {
        return Err(AppError::forbidden());
    }
    Ok(room.join(&socket).await?)
}

async fn leave(State(room): State<Room>, socket: WebSocket) -> Result<(), AppError> {
    Ok(room.leave(&socket).await?)
}

async fn say(
    State(room): State<Room>,
    socket: WebSocket,
    Json(said): Json<Value>,
) -> Result<(), AppError> {
    socket.broadcast(&room, &said["text"]).await?;
    Ok(())
}

async fn echo(socket: WebSocket, Body(message): Body) -> Result<(), AppError> {
    Ok(socket.send(&message).await?)
}

async fn close(socket: WebSocket) -> Result<(), AppError> {
    let id = &socket.connection().connection_id;
    Ok(socket.client().await?.delete_connection(id).await?)
}

fn chat(store: &Store) -> App<Room> {
    App::with_state(Connections::on(store).room("lobby"))
        .websocket("$connect", enter)
        .websocket("$disconnect", leave)
        .websocket("say", say)
        .websocket("close", close)
        .websocket("fail", async || AppError::conflict("taken"))
        .websocket("$default", echo)
}

#[test]
fn messages_reach_the_connections_that_are_open() {
    let app = TestApp::new(chat);
    let mut ann = app.websocket().connect("/?name=ann");
    let mut bob = app.websocket().connect("/?name=bob");
    assert_ne!(ann.id(), bob.id());
    ann.send("hi").assert_received("hi").assert_silent();
    let say = |text: &str| json!({"action": "say", "text": text}).to_string();
    ann.send(&say("hello")).assert_received("\"hello\"");
    bob.assert_received("\"hello\"").send(&say("bye")).close();
    assert_eq!(ann.send(&say("gone?")).received(), ["\"bye\"", "\"gone?\""]);
    bob.assert_received("\"bye\"").assert_silent();
    ann.send(r#"{"action":"close"}"#).assert_closed();
}

#[test]
fn refusals_and_failures_are_named() {
    let app = TestApp::new(chat);
    app.websocket().assert_refused("/?name=eve", 403);
    app.websocket().header("x-banned", "1").assert_refused("/", 403);
    let text = said(|| drop(app.websocket().connect("/?name=eve")));
    assert!(text.contains("expected a connection, refused: 403"), "{text}");

    let mut ann = app.websocket().connect("/");
    let text = said(|| {
        ann.assert_received("hi");
    });
    assert!(text.ends_with(r#"next message: expected Some("hi"), came None"#), "{text}");
    let text = said(|| {
        ann.assert_closed();
    });
    assert!(text.ends_with("expected a closed connection, it is open"), "{text}");
    let text = said(|| {
        ann.send(r#"{"action":"fail"}"#);
    });
    assert!(text.contains("expected a handled message, came 409"), "{text}");
    let app = TestApp::new(|_| App::new().websocket("only", echo));
    let mut socket = app.websocket().connect("/");
    let text = said(|| {
        socket.send("hi");
    });
    assert!(text.contains("no route is for the message, and none is `$default`"), "{text}");
}
