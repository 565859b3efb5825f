//! WebSockets: the events of connections, and their ends.

use core::future::pending;
use core::time::Duration;

use apptheory::app::{App, Context, Response, State, WebSocket};
use apptheory::local::{IDLE_TIME, LIFETIME, MAX_FRAME_BYTES};
use apptheory_core::error::AppError;
use apptheory_core::gateway::{self, MAX_DATA_BYTES, RouteSelection};
use futures_util::{SinkExt as _, StreamExt as _};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};

use crate::Running;
use crate::visitor::{AWAY, Visitor};

/// Handled events, one line each.
type Handled = UnboundedReceiver<String>;

/// Receives the lines.
type Tell = UnboundedSender<String>;

/// Returns an application that records every event, and echoes messages.
fn echo() -> (App<Tell>, Handled) {
    let (tell, told) = unbounded_channel();
    let app = App::with_state(tell)
        .websocket("$connect", note)
        .websocket("$disconnect", note)
        .websocket("say", note)
        .websocket("$default", send_back);
    (app, told)
}

async fn note(State(tell): State<Tell>, socket: WebSocket, context: Context) {
    let connection = socket.connection();
    let body = core::str::from_utf8(context.body()).unwrap();
    tell.send(format!("{} {} {body}", connection.route_key, connection.event_type)).unwrap();
}

async fn send_back(
    State(tell): State<Tell>,
    socket: WebSocket,
    context: Context,
) -> Result<(), gateway::Error> {
    let body = context.body();
    tell.send(format!("$default {}", body.len())).unwrap();
    socket.send(body).await
}

async fn next(handled: &mut Handled) -> String {
    handled.recv().await.unwrap()
}

/// Checks that no further event is handled.
async fn ended(server: Running, mut handled: Handled) {
    server.stop().await;
    assert_eq!(handled.recv().await, None);
}

#[tokio::test]
async fn messages_take_their_routes_one_after_the_other() {
    let (app, mut handled) = echo();
    let server = Running::of(app).await;
    let mut visitor = Visitor::connect(server.address).await;
    assert_eq!(next(&mut handled).await, "$connect CONNECT ");
    let say = r#"{"action":"say","text":"hi"}"#;
    visitor.say(say).await;
    assert_eq!(next(&mut handled).await, format!("say MESSAGE {say}"));
    for text in ["hello", "{}", r#"{"action":"sing"}"#, r#"{"action":"$disconnect"}"#, "[1]", "é"]
    {
        visitor.say(text).await;
        assert_eq!(next(&mut handled).await, format!("$default {}", text.len()));
        assert_eq!(visitor.hear().await, text);
    }
    visitor.close().await;
    assert_eq!(next(&mut handled).await, "$disconnect DISCONNECT ");
    assert_eq!(server.told(), [""; 0]);
    ended(server, handled).await;
}

#[tokio::test]
async fn routes_are_selected_by_another_expression_too() {
    let (app, mut handled) = echo();
    let selection = RouteSelection::parse("$request.body.a.b").unwrap();
    let server = Running::with(app, |server| server.with_route_selection(selection)).await;
    let mut visitor = Visitor::connect(server.address).await;
    visitor.say(r#"{"a":{"b":"say"}}"#).await;
    next(&mut handled).await;
    assert!(next(&mut handled).await.starts_with("say MESSAGE "));
    drop(visitor);
    assert_eq!(next(&mut handled).await, "$disconnect DISCONNECT ");
    ended(server, handled).await;
}

#[tokio::test]
async fn connect_decides_who_is_let_in() {
    let (tell, mut handled) = unbounded_channel();
    let app = App::with_state(tell)
        .websocket("$connect", async |context: Context| {
            assert_eq!(context.client_ip(), Some([127, 0, 0, 1].into()));
            assert_eq!(context.header("sec-websocket-version"), "13");
            match context.query("name") {
                "" => Err(AppError::unauthorized()),
                "broken" => Err(AppError::internal()),
                "early" => Ok(Response::text(101, "")),
                _ => Ok(Response::no_content().with_header("sec-websocket-protocol", "chat")),
            }
        })
        .websocket("$disconnect", note);
    let server = Running::of(app).await;
    assert_eq!(Visitor::refused(server.address, "/").await, 401);
    assert_eq!(Visitor::refused(server.address, "/?name=broken").await, 500);
    assert_eq!(Visitor::refused(server.address, "/?name=early").await, 500);
    let protocol = Visitor::offer(server.address, "/?name=a%20b", "news, chat").await;
    assert_eq!(protocol, "chat");
    let early = "invalid response status 101: use 200 to 599";
    assert_eq!(server.told(), ["app.internal: internal error", early]);

    // The connection of a refused client can be used for other requests.
    let mut client = server.connect().await;
    for (version, key, status) in [
        ("13", "dGhlIHNhbXBsZSBub25jZQ==", 401),
        ("12", "dGhlIHNhbXBsZSBub25jZQ==", 426),
        ("13", "short", 400),
        ("13", "dGhlIHNhbXBsZSBub25jZ===", 400),
        ("13", "dGhlIHNhbXBsZSBub25j!Q==", 400),
        ("13", "dGhlIHNhbXBsZSBub25jZQ=\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==", 400),
        ("13", "dGhlIHNhbXBsZSBub25jZQ==\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==", 400),
        ("13\r\nsec-websocket-version: 8", "dGhlIHNhbXBsZSBub25jZQ==", 426),
    ] {
        client
            .send(format!(
                "GET / HTTP/1.1\r\nhost: localhost\r\nconnection: keep-alive, Upgrade\r\n\
                 upgrade: WebSocket\r\nsec-websocket-version: {version}\r\n\
                 sec-websocket-key: {key}\r\n\r\n"
            ))
            .await;
        let head = client.head().await;
        let fields = ["sec-websocket-version", "upgrade", "connection"];
        let expected = if status == 426 { ["13", "websocket", "upgrade"] } else { [""; 3] };
        assert_eq!((head.status, fields.map(|name| head.first(name))), (status, expected));
    }
    assert_eq!(next(&mut handled).await, "$disconnect DISCONNECT ");
    ended(server, handled).await;
}

#[tokio::test]
async fn without_routes_for_websockets_there_are_none() {
    let server = Running::of(App::new().get("/", async || "hello")).await;
    assert_eq!(Visitor::refused(server.address, "/").await, 200);
    let mut client = server.connect().await;
    assert_eq!(client.get("/@connections/x").await.status, 404);
    server.stop().await;
}

#[tokio::test]
async fn a_message_that_nobody_serves_is_answered() {
    let app = App::new().websocket("say", async || {});
    let server = Running::of(app).await;
    let mut visitor = Visitor::connect(server.address).await;
    visitor.say("hello").await;
    let notice = visitor.hear().await;
    assert!(notice.contains(r#""message":"Forbidden""#), "{notice}");
    visitor.close().await;
    server.stop().await;
}

#[tokio::test]
async fn frames_and_messages_have_their_limits() {
    let (app, mut handled) = echo();
    let server = Running::of(app).await;
    let whole = [MAX_FRAME_BYTES; MAX_DATA_BYTES / MAX_FRAME_BYTES];
    for (sizes, is_taken) in [
        (&[MAX_FRAME_BYTES][..], true),
        (&[MAX_FRAME_BYTES + 1], false),
        (&whole, true),
        (&[&whole[..], &[1]].concat(), false),
    ] {
        let mut visitor = Visitor::connect(server.address).await;
        assert_eq!(next(&mut handled).await, "$connect CONNECT ");
        visitor.say_in_frames(sizes).await;
        if is_taken {
            let bytes: usize = sizes.iter().sum();
            assert_eq!(next(&mut handled).await, format!("$default {bytes}"));
            assert_eq!(visitor.hear().await.len(), bytes);
            visitor.close().await;
        } else {
            assert_eq!(visitor.closed().await, 1009);
        }
        assert_eq!(next(&mut handled).await, "$disconnect DISCONNECT ");
    }
    ended(server, handled).await;
}

#[tokio::test]
async fn a_client_that_goes_on_after_its_mistake_still_hears_of_it() {
    let (app, mut handled) = echo();
    let server = Running::of(app).await;
    let mut visitor = Visitor::connect(server.address).await;
    visitor.say_in_frames(&[4 * MAX_FRAME_BYTES]).await;
    visitor.say_in_frames(&[MAX_FRAME_BYTES]).await;
    assert_eq!(visitor.closed().await, 1009);
    for expected in ["$connect CONNECT ", "$disconnect DISCONNECT "] {
        assert_eq!(next(&mut handled).await, expected);
    }
    ended(server, handled).await;
}

#[tokio::test]
async fn only_texts_are_taken() {
    let (app, mut handled) = echo();
    let server = Running::of(app).await;
    let no_text = Frame::message(vec![0xff], OpCode::Data(Data::Text), true);
    for (message, code) in [(Message::binary(vec![1]), 1003), (Message::Frame(no_text), 1007)] {
        let mut visitor = Visitor::connect(server.address).await;
        visitor.0.send(message).await.unwrap();
        assert_eq!(visitor.closed().await, code);
        for expected in ["$connect CONNECT ", "$disconnect DISCONNECT "] {
            assert_eq!(next(&mut handled).await, expected);
        }
    }
    ended(server, handled).await;
}

#[tokio::test]
async fn silence_ends_a_connection() {
    let (app, mut handled) = echo();
    let server = Running::of(app).await;
    let mut visitor = Visitor::connect(server.address).await;
    next(&mut handled).await;
    let second = Duration::from_secs(1);
    for _ in 0..2 {
        visitor.say("a").await;
        assert_eq!(next(&mut handled).await, "$default 1");
        assert_eq!(visitor.hear().await, "a");
        server.clock.advance(IDLE_TIME - second);
    }
    visitor.0.send(Message::Ping("b".into())).await.unwrap();
    assert!(matches!(visitor.0.next().await, Some(Ok(Message::Pong(_)))));
    server.clock.advance(IDLE_TIME - second);
    assert!(handled.is_empty());
    server.clock.advance(second);
    assert_eq!(visitor.closed().await, AWAY);
    assert_eq!(next(&mut handled).await, "$disconnect DISCONNECT ");
    ended(server, handled).await;
}

#[tokio::test]
async fn age_ends_a_connection_however_lively_it_is() {
    let (app, mut handled) = echo();
    let server = Running::of(app).await;
    let mut visitor = Visitor::connect(server.address).await;
    next(&mut handled).await;
    for _ in 0..LIFETIME.as_secs() / IDLE_TIME.as_secs() * 2 {
        visitor.say("a").await;
        assert_eq!(next(&mut handled).await, "$default 1");
        assert_eq!(visitor.hear().await, "a");
        server.clock.advance(IDLE_TIME / 2);
    }
    assert_eq!(visitor.closed().await, AWAY);
    assert_eq!(next(&mut handled).await, "$disconnect DISCONNECT ");
    ended(server, handled).await;
}

#[tokio::test]
async fn a_server_that_stops_takes_leave() {
    let (app, mut handled) = echo();
    let server = Running::of(app).await;
    let visitor = Visitor::connect(server.address).await;
    assert_eq!(next(&mut handled).await, "$connect CONNECT ");
    server.stop.send(()).unwrap();
    assert_eq!(visitor.closed().await, AWAY);
    server.served.await.unwrap();
    assert_eq!(next(&mut handled).await, "$disconnect DISCONNECT ");
    assert_eq!(handled.recv().await, None);
}

#[tokio::test]
async fn a_client_that_does_not_wait_to_be_let_in_is_disconnected() {
    let (tell, mut handled) = unbounded_channel();
    let app = App::with_state(tell)
        .websocket("$connect", async |tell: State<Tell>, socket: WebSocket, context: Context| {
            note(tell, socket, context).await;
            pending::<()>().await;
        })
        .websocket("$disconnect", note);
    let server = Running::of(app).await;
    let mut client = server.connect().await;
    client
        .send(
            "GET / HTTP/1.1\r\nhost: localhost\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
             sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
        )
        .await;
    assert_eq!(next(&mut handled).await, "$connect CONNECT ");
    drop(client);
    assert_eq!(next(&mut handled).await, "$disconnect DISCONNECT ");
    ended(server, handled).await;
}

#[tokio::test]
async fn sending_to_who_is_not_let_in_yet_finds_nobody() {
    let app = App::new().websocket("$connect", async |socket: WebSocket| {
        match socket.send(b"too early").await {
            Err(error) if error.is_gone() => Ok(()),
            other => other,
        }
    });
    let server = Running::of(app).await;
    Visitor::connect(server.address).await.close().await;
    assert_eq!(server.told(), [""; 0]);
    server.stop().await;
}

#[tokio::test]
async fn what_is_no_handshake_never_reaches_connect() {
    let (tell, mut handled) = unbounded_channel();
    let app = App::with_state(tell).websocket("$connect", note).get("/", async || "hello");
    let server = Running::of(app).await;
    let wish = "host: localhost\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
                sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    for (line, more, status) in [
        // HTTP/1.0 has no upgrades: the header is ignored.
        ("GET / HTTP/1.0", "", 200),
        ("HEAD / HTTP/1.1", "", 200),
        ("POST / HTTP/1.1", "content-length: 0\r\n", 405),
        ("GET / HTTP/1.1", "content-length: 2\r\n", 400),
        ("GET / HTTP/1.1", "transfer-encoding: chunked\r\n", 400),
    ] {
        let mut client = server.connect().await;
        client.send(format!("{line}\r\n{wish}{more}\r\n")).await;
        assert_eq!(client.head().await.status, status, "{line} {more}");
    }
    assert!(handled.try_recv().is_err());
    ended(server, handled).await;
}

#[tokio::test]
async fn no_query_hides_from_connect() {
    let app =
        App::new().websocket("$connect", async |context: Context| match context.query("banned") {
            "" => Ok(()),
            _ => Err(AppError::forbidden()),
        });
    let server = Running::of(app).await;
    let wish = "host: localhost\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
                sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    for (query, status) in [
        ("banned=%zz", 403),
        ("banned=%ff", 403),
        ("banned=%", 403),
        ("%=%&banned=1", 403),
        ("a;b&banned=1", 403),
        ("%62anned=1", 403),
        ("%", 101),
        ("banned", 101),
    ] {
        let mut client = server.connect().await;
        client.send(format!("GET /?{query} HTTP/1.1\r\n{wish}")).await;
        assert_eq!(client.head().await.status, status, "{query}");
    }
    server.stop().await;
}
