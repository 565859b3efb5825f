//! Other pages, other host names and malicious clients are refused.

use core::time::Duration;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use apptheory::app::{App, WebSocket};
use apptheory::local::{MAX_CONNECTIONS, READ_TIME, Server};
use apptheory_core::http::exchange::Cors;

use crate::Running;
use crate::client::{Client, Head};

/// Returns an application with data to protect, and the number of its calls.
fn diary() -> (App, Arc<AtomicUsize>) {
    let asked = Arc::<AtomicUsize>::default();
    let [read, deleted, joined] = [&asked, &asked, &asked].map(Arc::clone);
    let count = |asked: &AtomicUsize| asked.fetch_add(1, Ordering::Relaxed);
    let app = App::new()
        .get("/diary", move || {
            count(&read);
            async { "dear diary" }
        })
        .route("DELETE", "/diary", move || {
            count(&deleted);
            async {}
        })
        .websocket("$connect", move |_: WebSocket| {
            count(&joined);
            async {}
        });
    (app, asked)
}

const UPGRADE: &str = "connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n\
                       sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

/// Returns the response to a request with these headers, on a new connection.
async fn asked(server: &Running, line: &str, fields: &str) -> (Head, Client) {
    let mut client = server.connect().await;
    client.send(format!("{line} HTTP/1.1\r\n{fields}\r\n")).await;
    (client.head().await, client)
}

#[tokio::test]
async fn a_name_that_was_rebound_reaches_nothing() {
    let (app, times) = diary();
    let server = Running::of(app).await;
    let port = server.address.port();
    for (line, fields, status) in [
        ("GET /diary", format!("host: evil.example:{port}\r\n"), 421),
        (
            "GET /diary",
            format!("host: evil.example:{port}\r\norigin: http://evil.example:{port}\r\n"),
            421,
        ),
        ("DELETE /diary", format!("host: localhost.evil.example:{port}\r\n"), 421),
        ("GET http://evil.example/diary", "host: localhost\r\n".into(), 421),
        ("GET /", format!("host: evil.example:{port}\r\n{UPGRADE}"), 421),
        ("GET /@connections/x", "host: evil.example\r\n".into(), 421),
        ("OPTIONS *", "host: evil.example\r\n".into(), 421),
        ("GET /diary", String::new(), 400),
        ("GET /diary", "host: localhost\r\nhost: localhost\r\n".into(), 400),
        ("GET /diary", "host:\r\n".into(), 400),
    ] {
        let (head, mut client) = asked(&server, line, &fields).await;
        assert_eq!(head.status, status, "{line} {fields}");
        assert_eq!(head.first("connection"), "close");
        assert!(client.body(&head).await.contains(head.first("x-request-id")));
        assert_eq!(client.rest().await, "");
    }
    assert_eq!(times.load(Ordering::Relaxed), 0);
    // Old clients are no exception.
    let mut client = server.connect().await;
    client.send("GET /diary HTTP/1.0\r\n\r\n").await;
    assert_eq!(client.head().await.status, 400);
    for host in [format!("localhost:{port}"), format!("127.0.0.1:{port}"), "[::1]".into()] {
        let (head, _) = asked(&server, "GET /diary", &format!("host: {host}\r\n")).await;
        assert_eq!(head.status, 200, "{host}");
    }
    assert_eq!(server.told(), [""; 0]);
    server.stop().await;
}

#[tokio::test]
async fn a_page_of_another_origin_changes_nothing() {
    let (app, times) = diary();
    let server = Running::of(app).await;
    let host = format!("host: {}\r\n", server.address);
    let foreign = [
        "origin: http://evil.example\r\n",
        "origin: null\r\n",
        "origin: http://localhost:1\r\n",
        "sec-fetch-site: cross-site\r\n",
        "sec-fetch-site: same-site\r\norigin: null\r\n",
    ];
    for page in foreign {
        for (line, more) in [
            ("DELETE /diary", ""),
            ("POST /diary", "content-length: 0\r\n"),
            ("PUT /diary", "content-length: 1000000\r\n"),
            ("GET /", UPGRADE),
            ("GET /@connections/x", ""),
            ("POST /@connections/x", "content-length: 0\r\n"),
            ("DELETE /@connections/x", ""),
        ] {
            let (head, _) = asked(&server, line, &format!("{host}{page}{more}")).await;
            assert_eq!(head.status, 403, "{line} {page}");
            assert!(!head.first("x-request-id").is_empty());
            assert_eq!(head.first("access-control-allow-origin"), "");
        }
    }
    assert_eq!(times.load(Ordering::Relaxed), 0);
    // The browser does not show the page this response.
    let (head, _) = asked(&server, "GET /diary", &format!("{host}{}", foreign[0])).await;
    assert_eq!((head.status, head.first("access-control-allow-origin")), (200, ""));

    for own in [format!("origin: http://{}\r\n", server.address), String::new()] {
        for (line, more, status) in
            [("DELETE /diary", "", 204), ("GET /", UPGRADE, 101), ("GET /@connections/x", "", 410)]
        {
            let (head, _) = asked(&server, line, &format!("{host}{own}{more}")).await;
            assert_eq!(head.status, status, "{line} {own}");
        }
    }
    server.stop().await;
}

#[tokio::test]
async fn origins_that_cors_lists_are_let_in() {
    let cors =
        Cors { allowed_origins: Some(vec!["http://localhost:5173".into()]), ..Cors::default() };
    let server = Running::of(diary().0.cors(cors)).await;
    for (origin, status) in [("http://localhost:5173", 204), ("http://localhost:5174", 403)] {
        let fields = format!("host: localhost\r\norigin: {origin}\r\n");
        assert_eq!(asked(&server, "DELETE /diary", &fields).await.0.status, status, "{origin}");
    }
    server.stop().await;
}

#[tokio::test]
async fn a_server_is_opened_by_name() {
    let server = Running::with(diary().0, Server::open_to_every_host_and_page).await;
    let fields = "host: evil.example\r\norigin: http://evil.example\r\n";
    assert_eq!(asked(&server, "DELETE /diary", fields).await.0.status, 204);
    assert_eq!(asked(&server, "DELETE /diary", "").await.0.status, 400);
    server.stop().await;
}

#[tokio::test]
async fn bodies_that_two_readers_would_end_elsewhere_are_refused() {
    let (app, times) = diary();
    let server = Running::of(app).await;
    for (fields, status) in [
        ("transfer-encoding: gzip, chunked\r\n", 501),
        ("transfer-encoding: gzip\r\ntransfer-encoding: chunked\r\n", 501),
        ("transfer-encoding: identity, chunked\r\n", 501),
        ("transfer-encoding: é\r\ntransfer-encoding: chunked\r\n", 501),
        ("transfer-encoding: chunked, chunked\r\n", 400),
        ("transfer-encoding: gzip\r\n", 400),
        ("transfer-encoding: chunked, gzip\r\n", 400),
        ("transfer-encoding: xchunked\r\n", 400),
        ("transfer-encoding : chunked\r\n", 400),
        ("transfer-encoding:\r\n chunked\r\n", 400),
        ("x-folded: a\r\n b\r\n", 400),
        (" host: localhost\r\n", 400),
        ("content-length: 5\r\ncontent-length: 6\r\n", 400),
        ("content-length: 5, 6\r\n", 400),
        ("content-length: +5\r\n", 400),
        ("content-length: 0x5\r\n", 400),
        ("content-length: -1\r\n", 400),
        ("content-length: 18446744073709551616\r\n", 400),
        ("x-bare: a\rb\r\n", 400),
        ("x-nul: a\0b\r\n", 400),
    ] {
        let mut client = server.connect().await;
        client.send(format!("DELETE /diary HTTP/1.1\r\nhost: localhost\r\n{fields}\r\n")).await;
        // The following bytes could be taken for another request.
        client.send("0\r\n\r\nGET /diary HTTP/1.1\r\nhost: localhost\r\n\r\n").await;
        let head = client.head().await;
        assert_eq!(head.status, status, "{fields:?}");
        assert!(!head.first("x-request-id").is_empty(), "{fields:?}");
    }
    assert_eq!(times.load(Ordering::Relaxed), 0);

    // Chunked coding has priority over a length, and nothing after such a request is read.
    for fields in [
        "transfer-encoding: chunked\r\ncontent-length: 4\r\n",
        "content-length: 4\r\ntransfer-encoding: chunked\r\n",
    ] {
        let mut client = server.connect().await;
        let next = "GET /diary HTTP/1.1\r\nhost: localhost\r\n\r\n";
        client
            .send(format!(
                "DELETE /diary HTTP/1.1\r\nhost: localhost\r\n{fields}\r\n0\r\n\r\n{next}"
            ))
            .await;
        let head = client.head().await;
        assert_eq!((head.status, head.first("connection")), (204, "close"));
    }
    assert_eq!(times.load(Ordering::Relaxed), 2);
    server.stop().await;
}

/// Waits until all tasks that need no time have run.
async fn settled() {
    for _ in 0..50 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn half_a_request_does_not_stay() {
    let server = Running::of(diary().0).await;
    let second = Duration::from_secs(1);
    let whole = "GET /diary HTTP/1.1\r\nhost: localhost\r\n\r\n";
    let mut silent = server.connect().await;
    let mut half = server.connect().await;
    half.send("GET /diary HTTP/1.1\r\nhost: loc").await;
    let mut kept = server.connect().await;
    let head = kept.get("/diary").await;
    kept.body(&head).await;
    let mut sending = server.connect().await;
    sending.send("PUT /diary HTTP/1.1\r\nhost: localhost\r\ncontent-length: 2\r\n\r\na").await;
    settled().await;

    server.clock.advance(READ_TIME - second);
    settled().await;
    // A client that continues gets a response, and a new time limit.
    kept.send(whole).await;
    let head = kept.head().await;
    assert_eq!((head.status, &*kept.body(&head).await), (200, "dear diary"));
    settled().await;
    server.clock.advance(second);
    assert_eq!(silent.rest().await, "");
    assert_eq!(half.rest().await, "");
    let head = sending.head().await;
    assert_eq!((head.status, head.first("connection")), (408, "close"));
    assert!(!head.first("x-request-id").is_empty());
    settled().await;
    server.clock.advance(READ_TIME - second);
    settled().await;
    kept.send(&whole[..10]).await;
    settled().await;
    server.clock.advance(second);
    assert_eq!(kept.rest().await, "");
    assert_eq!(server.told(), [""; 0]);
    server.stop().await;
}

#[tokio::test]
async fn an_answer_may_take_longer_than_its_request() {
    let app = App::new().get("/", async |context: apptheory::app::Context| {
        use apptheory::clock::Clock as _;
        context.clock().sleep(3 * READ_TIME).await;
        "late"
    });
    let server = Running::of(app).await;
    let mut client = server.connect().await;
    client.send("GET / HTTP/1.1\r\nhost: localhost\r\n\r\n").await;
    for _ in 0..3 {
        settled().await;
        server.clock.advance(READ_TIME);
    }
    let head = client.head().await;
    assert_eq!(client.body(&head).await, "late");
    server.stop().await;
}

#[tokio::test]
async fn connections_have_a_limit() {
    let server = Running::of(diary().0).await;
    let mut clients = Vec::new();
    for _ in 0..MAX_CONNECTIONS {
        let mut client = server.connect().await;
        let head = client.get("/diary").await;
        client.body(&head).await;
        clients.push(client);
    }
    for _ in 0..2 {
        let mut one_more = server.connect().await;
        let head = one_more.head().await;
        assert_eq!((head.status, head.first("retry-after")), (503, "1"));
        assert!(one_more.body(&head).await.contains("too many connections"));
        assert_eq!(one_more.rest().await, "");
    }
    let full =
        "there is no room for more than 256 connections: find out which clients keep them open";
    assert_eq!(server.told(), [full]);
    // Existing connections continue, and when one ends, there is room.
    assert_eq!(clients[0].get("/diary").await.status, 200);
    clients.pop();
    settled().await;
    assert_eq!(server.connect().await.get("/diary").await.status, 200);
    server.stop().await;
}

#[tokio::test]
async fn what_clients_do_wrong_is_no_internal_error() {
    let server = Running::of(diary().0).await;
    let mut client = server.connect().await;
    client.send("\x16\x03\x01secret\r\n\r\n").await;
    assert_eq!(client.head().await.status, 400);
    client.rest().await;
    let told =
        server.told.lock().unwrap().iter().map(|told| told.error.to_string()).collect::<Vec<_>>();
    assert_eq!(told, ["app.bad_request: local server"]);
    server.stop().await;
}

#[tokio::test]
async fn an_event_is_taken_from_nobody_but_programs_of_this_machine() {
    let cors = || Cors::for_origins(["https://front.example"]);
    let app = || App::new().cors(cors()).get("/", async || "hello").otherwise(async || ());
    let event = "{}";
    let line = "POST /2015-03-31/functions/function/invocations";
    let length = event.len();
    for (fields, is_open, status) in [
        ("", false, 200),
        ("origin: https://front.example\r\n", false, 403),
        ("origin: null\r\n", false, 403),
        // The application's response.
        ("", true, 404),
        ("origin: https://front.example\r\n", true, 404),
    ] {
        let open = |server: Server| match is_open {
            true => server.open_to_every_host_and_page(),
            false => server,
        };
        let server = Running::with(app(), open).await;
        let mut client = server.connect().await;
        client
            .send(format!(
                "{line} HTTP/1.1\r\nhost: localhost\r\n{fields}content-length: {length}\r\n\r\n{event}"
            ))
            .await;
        assert_eq!(client.head().await.status, status, "{fields} {is_open}");
        server.stop().await;
    }
}
