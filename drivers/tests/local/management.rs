//! The management API of the local server, called through each client.

use core::time::Duration;
use std::sync::{Arc, Mutex};

use apptheory::app::{App, Context, Json, State, WebSocket};
use apptheory::clock::Clock as _;
use apptheory::websocket::{
    AwsWebSocketClients, Broadcaster, FakeWebSocketClients, LeanWebSocketClients, WebSocketClient,
    WebSocketClientFactory as _,
};
use apptheory_core::gateway::{self, MAX_DATA_BYTES};
use aws_credential_types::Credentials;
use futures_util::StreamExt as _;
use futures_util::future::join;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

use crate::Running;
use crate::visitor::Visitor;

/// The accepted connections.
type Guests = Arc<Mutex<Vec<String>>>;

fn guestbook() -> (App<Guests>, Guests) {
    let guests = Guests::default();
    let app = App::with_state(Arc::clone(&guests))
        .websocket("$connect", async |State(guests): State<Guests>, socket: WebSocket| {
            guests.lock().unwrap().push(socket.connection().connection_id.clone());
        })
        // The server's own clients replace these.
        .websocket_clients(FakeWebSocketClients::new())
        .post("/news", tell_everybody);
    (app, guests)
}

async fn tell_everybody(
    State(guests): State<Guests>,
    context: Context,
) -> Result<Json<Value>, gateway::Error> {
    let client = context.websocket_client("").await?;
    let broadcaster = Broadcaster::new(client).with_clock(context.clock().clone());
    let guests = guests.lock().unwrap().clone();
    let report = broadcaster.send(guests, context.body()).await;
    Ok(Json(json!([report.delivered, report.gone.len(), report.failed.len()])))
}

/// Returns the clients through the AWS SDK and without it.
async fn clients(server: &Running) -> [WebSocketClient; 2] {
    let endpoint = format!("http://{}", server.address);
    let sdk = AwsWebSocketClients::new()
        .with_region("eu-central-1")
        .with_credentials(Credentials::new("id", "secret", None, None, "test"));
    let lean = LeanWebSocketClients::new()
        .with_region("eu-central-1")
        .with_env(|_| Some("local".to_owned()));
    [sdk.client(&endpoint).await.unwrap(), lean.client(&endpoint).await.unwrap()]
}

#[tokio::test]
async fn a_connection_is_sent_to_asked_about_and_closed() {
    let (app, guests) = guestbook();
    let server = Running::of(app).await;
    for client in clients(&server).await {
        let visitor = Visitor::connect(server.address).await;
        let id = guests.lock().unwrap().pop().unwrap();
        manage(&server, client, visitor, id).await;
    }
    server.stop().await;
}

/// Does with a new connection whatever a client can do.
async fn manage(server: &Running, client: WebSocketClient, mut visitor: Visitor, id: String) {
    let data = "é".repeat(MAX_DATA_BYTES / 2);
    let (sent, heard) = join(client.post_to_connection(&id, data.as_bytes()), visitor.hear()).await;
    assert!(sent.is_ok() && heard == data);
    client.post_to_connection(&id, b"").await.unwrap();
    assert_eq!(visitor.hear().await, "");
    client.post_to_connection(&id, &[0xff]).await.unwrap();
    let heard = visitor.0.next().await;
    assert!(matches!(heard, Some(Ok(Message::Binary(data))) if *data == [0xff]));

    let connected_at = server.clock.now();
    server.clock.advance(Duration::from_secs(60));
    client.post_to_connection(&id, b"a").await.unwrap();
    visitor.hear().await;
    let connection = client.get_connection(&id).await.unwrap();
    assert_eq!(connection.connected_at, Some(connected_at));
    let active_at = connection.last_active_at.unwrap();
    assert_eq!(connected_at.until(active_at).as_secs(), 60);
    assert_eq!(connection.identity_ip, "127.0.0.1");

    client.delete_connection(&id).await.unwrap();
    assert!(client.get_connection(&id).await.unwrap_err().is_gone());
    assert_eq!(visitor.closed().await, 1000);
    for id in [&*id, "nobody/else"] {
        assert!(client.post_to_connection(id, b"a").await.unwrap_err().is_gone());
        assert!(client.get_connection(id).await.unwrap_err().is_gone());
        let error = client.delete_connection(id).await.unwrap_err();
        assert_eq!(error.to_string(), "apptheory: delete_connection failed (410) GoneException");
    }
}

#[tokio::test]
async fn errors_are_spelled_as_the_service_spells_them() {
    let (app, _) = guestbook();
    let server = Running::of(app).await;
    let mut client = server.connect().await;
    for (method, bytes, status, error_type) in [
        ("GET", 0, 410, "GoneException"),
        ("POST", MAX_DATA_BYTES, 410, "GoneException"),
        ("POST", MAX_DATA_BYTES + 1, 413, "PayloadTooLargeException"),
        ("DELETE", 0, 410, "GoneException"),
        ("PUT", 0, 403, "ForbiddenException"),
    ] {
        let head =
            format!("{method} /@connections/a%3D HTTP/1.1\r\nhost: localhost\r\ncontent-length: ");
        client.send(format!("{head}{bytes}\r\n\r\n{}", "x".repeat(bytes))).await;
        let head = client.head().await;
        assert_eq!((head.status, head.first("x-amzn-errortype")), (status, error_type));
        client.body(&head).await;
    }
    server.stop().await;
}

#[tokio::test]
async fn what_a_handler_sends_reaches_everybody_who_is_there() {
    let (app, guests) = guestbook();
    let server = Running::of(app).await;
    let mut visitors = Vec::new();
    for _ in 0..3 {
        visitors.push(Visitor::connect(server.address).await);
    }
    // The end is known when the reply to the close frame is read.
    visitors.remove(0).close().await;
    assert_eq!(guests.lock().unwrap().len(), 3);

    let mut poster = server.connect().await;
    poster.send("POST /news HTTP/1.1\r\nhost: localhost\r\ncontent-length: 5\r\n\r\nhello").await;
    let head = poster.head().await;
    assert_eq!(poster.body(&head).await, "[2,1,0]");
    for visitor in &mut visitors {
        assert_eq!(visitor.hear().await, "hello");
    }
    drop(visitors);
    server.stop().await;
}

#[tokio::test]
async fn a_connection_that_does_not_read_is_closed_at_once() {
    let (left, mut has_left) = tokio::sync::mpsc::unbounded_channel();
    let (app, guests) = guestbook();
    let app = app.websocket("$disconnect", move || {
        left.send(()).unwrap();
        async {}
    });
    let server = Running::of(app).await;
    let [_, client] = clients(&server).await;
    // The client is accepted, and reads nothing more.
    let visitor = Visitor::connect(server.address).await;
    let id = guests.lock().unwrap()[0].clone();
    let data = vec![b'x'; MAX_DATA_BYTES];
    let sending = async {
        loop {
            if let Err(error) = client.post_to_connection(&id, &data).await {
                return error;
            }
        }
    };
    let deleting = async {
        // The system's buffers are bounded.
        let mut sent = server.clock.now();
        loop {
            server.clock.advance(Duration::from_secs(1));
            for _ in 0..1_000 {
                tokio::task::yield_now().await;
            }
            let active = client.get_connection(&id).await.unwrap().last_active_at.unwrap();
            if active == sent {
                break;
            }
            sent = active;
        }
        client.delete_connection(&id).await.unwrap();
        assert!(client.get_connection(&id).await.unwrap_err().is_gone());
        has_left.recv().await.unwrap();
    };
    let (error, ()) = join(sending, deleting).await;
    assert!(error.is_gone());
    drop(visitor);
    server.stop().await;
}
