//! The playground on a port.

use core::future::Future;
use core::net::{Ipv4Addr, SocketAddr};
use core::time::Duration;
use std::net::TcpListener;
use std::path::PathBuf;

use apptheory::clock::{Clock, VirtualClock};
use apptheory_core::stream::sse::{SseMessage, SseParser};
use futures_util::future::{Either, select};
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value as Json, json};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{WebSocketStream, client_async};

use crate::client::Client;
use crate::clock;
use crate::server::{Playground, PlaygroundError};

/// One request over a connection of its own, and the whole answer.
async fn fetch(address: SocketAddr, path: &str) -> String {
    let mut client = Client::connect(address).await;
    client
        .send(format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n"))
        .await;
    client.rest().await
}

async fn open(port: u16, data: Option<PathBuf>) -> Result<Playground, PlaygroundError> {
    Playground::open(port, data, clock()).await
}

/// Runs `test` with the address at which a playground is served meanwhile.
async fn served(playground: Playground, test: impl AsyncFnOnce(SocketAddr)) {
    let address = playground.address();
    let (stop, stopped) = oneshot::channel::<()>();
    let server = tokio::spawn(playground.serve(async { drop(stopped.await) }));
    test(address).await;
    stop.send(()).expect("still serving");
    server.await.expect("no panic");
}

#[tokio::test]
async fn the_server_answers_on_its_port_until_it_is_stopped() {
    let dir = tempfile::tempdir().expect("a directory");
    let data = dir.path().join("made").join("on demand");
    let refusal = "HTTP/1.1 429 Too Many Requests";
    let clock = VirtualClock::new(clock().now());
    for first in ["HTTP/1.1 200 OK", refusal] {
        let playground = Playground::open(0, Some(data.clone()), clock.clone()).await;
        let playground = playground.expect("a playground");
        let greeting = playground.greeting(None);
        served(playground, async |address| {
            assert!(greeting.contains(&format!("curl http://{address}/usage/fixed")));
            let answer = fetch(address, "/fixed").await;
            assert!(answer.starts_with(first), "{answer}");
            for _ in 0..4 {
                fetch(address, "/fixed").await;
            }
            let answer = fetch(address, "/fixed").await;
            assert!(
                answer.starts_with(refusal) && answer.contains("\r\nretry-after: "),
                "{answer}"
            );
        })
        .await;
    }
}

#[tokio::test]
async fn pages_of_other_sites_switch_no_fault_and_read_no_call() {
    let playground = open(0, None).await.expect("a playground");
    served(playground, async |address| {
        let ask = async |head: &str| {
            let mut client = Client::connect(address).await;
            client.send(format!("{head}\r\nconnection: close\r\n\r\n")).await;
            client.rest().await
        };
        let foreign = "origin: http://evil.example";
        let switch = format!(
            "PUT /fault/down HTTP/1.1\r\nhost: localhost\r\n{foreign}\r\ncontent-length: 0"
        );
        let switched = ask(&switch).await;
        assert!(switched.starts_with("HTTP/1.1 403 "), "{switched}");
        assert!(fetch(address, "/fault").await.ends_with(r#"{"fault":"none"}"#));
        // Browsers do not show their pages what they may not read.
        let read = ask(&format!("GET /effects HTTP/1.1\r\nhost: localhost\r\n{foreign}")).await;
        assert!(!read.contains("access-control-allow-origin"), "{read}");
        // The name of another site may lead to this machine.
        let rebound = ask("GET /effects HTTP/1.1\r\nhost: evil.example").await;
        assert!(rebound.starts_with("HTTP/1.1 421 "), "{rebound}");
    })
    .await;
}

/// What `future` comes to, while time passes.
pub(crate) async fn in_time<T>(clock: &VirtualClock, future: impl Future<Output = T>) -> T {
    let passing = async {
        loop {
            tokio::task::yield_now().await;
            clock.advance(Duration::from_millis(100));
        }
    };
    match select(Box::pin(future), Box::pin(passing)).await {
        Either::Left((output, _)) => output,
        Either::Right((never, _)) => never,
    }
}

#[tokio::test]
async fn a_page_arrives_piece_by_piece() {
    let clock = VirtualClock::new(clock().now());
    let playground = Playground::open(0, None, clock.clone()).await.expect("a playground");
    served(playground, async |address| {
        let mut client = Client::connect(address).await;
        let head = client.get("/page").await;
        assert_eq!(head.first("transfer-encoding"), "chunked");
        let begun = clock.now();
        let first = client.text_chunk().await.expect("a piece");
        assert!(first.starts_with("<!doctype html>") && clock.now() == begun, "{first}");
        for n in 1..4 {
            let piece = in_time(&clock, client.text_chunk()).await.expect("a piece");
            assert!(piece.starts_with('<') && begun.until(clock.now()).as_millis() >= n * 500);
        }
        assert_eq!(client.chunk().await, None);
    })
    .await;

    let playground = Playground::open(0, None, clock.clone()).await;
    let playground = playground.expect("a playground").buffered();
    assert!(playground.greeting(None).contains("29 s"));
    served(playground, async |address| {
        let answer = in_time(&clock, fetch(address, "/page")).await;
        assert!(answer.contains("content-length: ") && answer.ends_with("at last.\n"), "{answer}");
    })
    .await;
}

/// A reader of server-sent events.
struct Reader(Client, SseParser, Vec<SseMessage>);

impl Reader {
    async fn connect(address: SocketAddr, last_event_id: &str) -> Self {
        let mut client = Client::connect(address).await;
        let request =
            "GET /events?tenant=t1 HTTP/1.1\r\nhost: localhost\r\naccept: text/event-stream";
        client.send(format!("{request}\r\nlast-event-id: {last_event_id}\r\n\r\n")).await;
        let head = client.head().await;
        assert_eq!((head.status, head.first("content-type")), (200, "text/event-stream"));
        Self(client, SseParser::new(1 << 20), Vec::new())
    }

    /// The id of the next event, and that of the message that it came in.
    async fn next(&mut self) -> (Json, String) {
        while self.2.is_empty() {
            let chunk = self.0.chunk().await.expect("a chunk");
            self.1.handle_bytes(&chunk, &mut self.2).expect("a short line");
        }
        let message = self.2.remove(0);
        let event: Json = serde_json::from_str(&message.data).expect("JSON");
        (event["id"].clone(), message.last_event_id.to_string())
    }
}

async fn publish(address: SocketAddr, id: &str) {
    let mut client = Client::connect(address).await;
    let event = format!(r#"{{"id":"{id}","tenant_id":"t1","event_type":"hello"}}"#);
    let length = event.len();
    let request =
        format!("POST /events HTTP/1.1\r\nhost: localhost\r\ncontent-length: {length}\r\n\r\n");
    client.send(request + &event).await;
    assert_eq!(client.head().await.status, 201);
}

#[tokio::test]
async fn events_are_followed_as_they_happen_and_from_where_a_reader_was() {
    let clock = VirtualClock::new(clock().now());
    let playground = Playground::open(0, None, clock.clone()).await.expect("a playground");
    served(playground, async |address| {
        publish(address, "e0").await;
        let mut reader = Reader::connect(address, "").await;
        let (id, _) = reader.next().await;
        assert_eq!(id, "e0");
        clock.advance(Duration::from_secs(1));
        publish(address, "e1").await;
        let (id, cursor) = in_time(&clock, reader.next()).await;
        assert_eq!(id, "e1");
        drop(reader);

        clock.advance(Duration::from_secs(1));
        publish(address, "e2").await;
        let mut reader = Reader::connect(address, &cursor).await;
        assert_eq!(reader.next().await.0, "e2");
    })
    .await;
}

/// Somebody in the chat, who says a name.
async fn guest(address: SocketAddr) -> WebSocketStream<TcpStream> {
    let stream = TcpStream::connect(address).await.expect("a connection");
    let (mut guest, _) =
        client_async(format!("ws://{address}/chat"), stream).await.expect("a guest");
    say(&mut guest, "").await;
    guest
}

async fn say(guest: &mut WebSocketStream<TcpStream>, text: &str) {
    let said = json!({"name": "ann", "text": text});
    guest.send(Message::text(said.to_string())).await.expect("a connection");
}

#[tokio::test]
async fn chat_messages_reach_every_connected_guest() {
    let clock = VirtualClock::new(clock().now());
    let playground = Playground::open(0, None, clock).await.expect("a playground");
    served(playground, async |address| {
        assert!(fetch(address, "/chat").await.contains("<title>Chat</title>"));
        let (mut ann, mut bob) = (guest(address).await, guest(address).await);
        drop(guest(address).await);
        ann.send(Message::text("no JSON")).await.expect("a connection");
        say(&mut ann, "<hello>").await;
        for guest in [&mut ann, &mut bob] {
            let heard = guest.next().await.expect("a message").expect("a message");
            let heard: Json = serde_json::from_str(heard.to_text().expect("text")).expect("JSON");
            assert_eq!(heard, json!({"name": "ann", "text": "<hello>"}));
        }
        drop((ann, bob));
    })
    .await;
}

#[tokio::test]
async fn a_taken_port_is_named() {
    let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let port = taken.local_addr().expect("an address").port();
    let error = open(port, None).await.err().expect("the port is taken");
    let told = error.to_string();
    assert!(told.starts_with(&format!("cannot listen on 127.0.0.1:{port}: ")), "{told}");
}

#[tokio::test]
async fn an_unusable_data_directory_is_named() {
    let file = tempfile::NamedTempFile::new().expect("a file");
    let error = open(0, Some(file.path().into())).await.err().expect("a file is no directory");
    assert!(error.to_string().contains(&format!("{:?}", file.path())), "{error}");

    // The directory is one, but something else is in the way of the file in it.
    let dir = tempfile::tempdir().expect("a directory");
    std::fs::create_dir(dir.path().join("playground.db")).expect("an obstacle");
    let error = open(0, Some(dir.path().into())).await.err().expect("no file");
    assert!(error.to_string().contains("playground.db"), "{error}");
}
