//! What a connection may send, and the responses.

use core::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Arc;

use apptheory::app::{App, Body, BodyStream, Context, Html, Json, Response};
use apptheory::error::AppError;
use apptheory::events::Shape;
use apptheory::local::{MAX_BODY_BYTES, MAX_HEAD_BYTES, Server};
use apptheory_core::http::exchange::Limits;
use serde_json::{Value, json};

use crate::Running;
use crate::visitor::Visitor;

fn length() -> App {
    App::new()
        .get("/", async || "hello")
        .post("/length", async |Body(body): Body| body.len().to_string())
}

#[tokio::test]
async fn a_connection_is_used_again_and_its_peer_is_known() {
    let server = Running::of(App::new().get("/{n}", async |context: Context| {
        let peer = context.invocation().peer.unwrap();
        assert_eq!(context.client_ip(), Some(peer.ip()));
        format!("{} {peer}", context.param("n"))
    }))
    .await;
    let mut client = server.connect().await;
    for n in ["1", "2", "3"] {
        // Addresses in headers are not trusted.
        let request =
            format!("GET /{n} HTTP/1.1\r\nhost: localhost\r\nx-forwarded-for: 1.2.3.4\r\n\r\n");
        client.send(request).await;
        let head = client.head().await;
        assert_eq!((head.status, head.first("connection")), (200, ""));
        assert_eq!(client.body(&head).await, format!("{n} {}", client.address()));
    }
    client.send("GET /4 HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").await;
    assert!(client.rest().await.ends_with(&format!("\r\n\r\n4 {}", client.address())));
    server.stop().await;
}

#[tokio::test]
async fn work_for_after_an_answer_is_done_before_it_is_sent_and_behind_events() {
    let done = Arc::new(AtomicUsize::new(0));
    let count = || done.load(Ordering::SeqCst);
    let app = || {
        let done = Arc::clone(&done);
        let leave = move |context: Context| {
            let done = Arc::clone(&done);
            context.after(async move || {
                done.fetch_add(1, Ordering::SeqCst);
            });
            async {}
        };
        App::new().get("/", leave.clone()).websocket("$connect", leave.clone()).otherwise(leave)
    };
    let server = Running::of(app()).await;
    let mut client = server.connect().await;
    client.get("/").await;
    assert_eq!(count(), 1);
    client.send("POST /2015-03-31/functions/f/invocations HTTP/1.1\r\nhost: localhost\r\n").await;
    client.send("content-length: 2\r\n\r\n{}").await;
    let head = client.head().await;
    assert_eq!((client.body(&head).await.as_str(), count()), ("null", 2));
    drop(Visitor::connect(server.address).await);
    assert_eq!(count(), 3);
    server.stop().await;

    let server = Running::with(app(), Server::buffered).await;
    server.connect().await.get("/").await;
    assert_eq!(count(), 4);
    server.stop().await;
}

#[tokio::test]
async fn answers_are_flushed_before_they_are_sent_and_once_more_when_the_server_stops() {
    let flushes = Arc::new(AtomicUsize::new(0));
    let count = || flushes.load(Ordering::SeqCst);
    let app = || {
        let flushed = Arc::clone(&flushes);
        App::new()
            .get("/", async || "hello")
            .get("/stream", async || Html(BodyStream::from_chunks(["<h1>", "Hello"])))
            .websocket("$connect", async || ())
            .otherwise(async || ())
            .on_flush(move || {
                flushed.fetch_add(1, Ordering::SeqCst);
                core::future::ready(())
            })
    };
    let server = Running::of(app()).await;
    let mut client = server.connect().await;
    client.send("POST /2015-03-31/functions/f/invocations HTTP/1.1\r\nhost: localhost\r\n").await;
    client.send("content-length: 2\r\n\r\n{}").await;
    let head = client.head().await;
    assert_eq!((client.body(&head).await.as_str(), count()), ("null", 1));
    let head = client.get("/").await;
    assert_eq!((client.body(&head).await.as_str(), count()), ("hello", 2));
    client.get("/stream").await;
    while client.chunk().await.is_some() {}
    assert_eq!(count(), 3);
    let visitor = Visitor::connect(server.address).await;
    assert_eq!(count(), 4);
    drop(visitor);
    server.stop().await;
    assert_eq!(count(), 5);

    let server = Running::with(app(), Server::buffered).await;
    let mut client = server.connect().await;
    let head = client.get("/stream").await;
    assert_eq!((client.body(&head).await.as_str(), count()), ("<h1>Hello", 6));
    server.stop().await;
}

#[tokio::test]
async fn answers_have_the_heads_that_handlers_gave_them() {
    let app = || {
        App::new()
            .get("/", async || {
                let mut response = Response::html(201, "<p>");
                response.headers.set_all("x-several", ["a, b", "c"]);
                response.with_cookie("a=1").with_cookie("b=2").with_header("content-length", "99")
            })
            .get("/none", async || {})
            .get("/fits", async || {
                Response::no_content().with_header("x-large", "x".repeat(16_000))
            })
            .get("/several", async || {
                let mut response = Response::no_content();
                response.headers.set_all("x-several", vec!["x".repeat(150); 100]);
                response
            })
            .get("/large", async || {
                Response::text(200, "x").with_header("x-large", "x".repeat(20_000))
            })
            .route("HEAD", "/head", async || Html("<p>"))
    };
    let server = Running::of(app()).await;
    let mut client = server.connect().await;
    let head = client.get("/").await;
    assert_eq!((head.status, head.first("content-type")), (201, "text/html; charset=utf-8"));
    assert_eq!(head.all("x-several"), ["a, b", "c"]);
    assert_eq!(head.all("set-cookie"), ["a=1", "b=2"]);
    assert_eq!(client.body(&head).await, "<p>");

    let head = client.get("/none").await;
    assert_eq!((head.status, head.first("content-length")), (204, ""));
    client.send("HEAD /head HTTP/1.1\r\nhost: localhost\r\n\r\n").await;
    let head = client.head().await;
    assert_eq!((head.status, head.first("content-type")), (200, "text/html; charset=utf-8"));
    assert_eq!(head.first("content-length"), "");

    // Responses that a function URL accepts are sent, others are not.
    assert_eq!(client.get("/fits").await.first("x-large").len(), 16_000);
    let head = client.get("/several").await;
    assert_eq!((head.status, head.all("x-several").len()), (204, 100));
    let head = client.get("/large").await;
    assert_eq!(head.status, 500);
    assert!(client.body(&head).await.contains("app.internal"));
    assert!(server.told()[0].contains("larger than 16 KB"), "{:?}", server.told());
    server.stop().await;
    // In a buffered response the head counts like the body.
    let server = Running::with(app(), Server::buffered).await;
    let head = server.connect().await.get("/large").await;
    assert_eq!((head.status, head.first("x-large").len()), (200, 20_000));
    server.stop().await;
}

#[tokio::test]
async fn heads_have_a_limit() {
    let server = Running::of(length()).await;
    let with_head_of = |bytes: usize| {
        let (start, end) = ("GET / HTTP/1.1\r\nhost: localhost\r\nx-long: ", "\r\n\r\n");
        format!("{start}{}{end}", "x".repeat(bytes - start.len() - end.len()))
    };
    let mut client = server.connect().await;
    client.send(with_head_of(MAX_HEAD_BYTES)).await;
    assert_eq!(client.head().await.status, 200);

    let mut client = server.connect().await;
    client.send(with_head_of(MAX_HEAD_BYTES + 1)).await;
    let head = client.head().await;
    assert_eq!((head.status, head.first("connection")), (431, "close"));
    let body = client.body(&head).await;
    assert!(body.contains(head.first("x-request-id")) && body.contains("32 KB"), "{body}");
    assert_eq!(client.rest().await, "");

    let mut client = server.connect().await;
    client
        .send(format!("GET / HTTP/1.1\r\nhost: localhost\r\n{}\r\n", "a: b\r\n".repeat(100)))
        .await;
    assert_eq!(client.head().await.status, 431);
    // Also for a request that is not the first.
    let mut client = server.connect().await;
    let head = client.get("/").await;
    assert_eq!(client.body(&head).await, "hello");
    client.send(with_head_of(MAX_HEAD_BYTES + 1)).await;
    let head = client.head().await;
    assert_eq!((head.status, head.first("x-request-id").is_empty()), (431, false));

    // A head without an end is refused as well.
    let mut client = server.connect().await;
    client.send(format!("GET / HTTP/1.1\r\nx-long: {}", "x".repeat(3 * MAX_HEAD_BYTES))).await;
    assert_eq!(client.head().await.status, 431);
    assert_eq!(server.told(), ["a malformed request"; 4]);
    server.stop().await;
}

#[tokio::test]
async fn bodies_have_a_limit() {
    let server = Running::of(length()).await;
    let post = "POST /length HTTP/1.1\r\nhost: localhost\r\n";
    let mut client = server.connect().await;
    client.send(format!("{post}content-length: {MAX_BODY_BYTES}\r\n\r\n")).await;
    client.send(vec![b'x'; MAX_BODY_BYTES]).await;
    let head = client.head().await;
    assert_eq!(client.body(&head).await, MAX_BODY_BYTES.to_string());

    // The next one is refused for its announced length, before it is sent.
    client.send(format!("{post}content-length: {}\r\n\r\n", MAX_BODY_BYTES + 1)).await;
    let head = client.head().await;
    assert_eq!(head.status, 413);
    let body = client.body(&head).await;
    assert!(
        body.contains(r#""code":"app.too_large""#) && body.contains(head.first("x-request-id"))
    );

    // This one is refused for the part that was sent.
    let mut client = server.connect().await;
    let size = MAX_BODY_BYTES + 1;
    client.send(format!("{post}transfer-encoding: chunked\r\n\r\n{size:x}\r\n")).await;
    client.send(vec![b'x'; size]).await;
    assert_eq!(client.head().await.status, 413);

    // A body that is not text counts in Base64.
    let most = MAX_BODY_BYTES / 4 * 3;
    for (size, status) in [(most, 200), (most + 1, 413)] {
        let mut client = server.connect().await;
        let binary = "content-type: application/octet-stream\r\ncontent-length: ";
        client.send(format!("{post}{binary}{size}\r\n\r\n")).await;
        client.send(vec![b'x'; size]).await;
        let head = client.head().await;
        assert_eq!((head.status, head.first("x-request-id").is_empty()), (status, false));
    }
    server.stop().await;

    let limits = Limits { max_request_bytes: core::num::NonZeroU64::new(3), ..Limits::default() };
    let server = Running::of(length().limits(limits)).await;
    let mut client = server.connect().await;
    for (body, status) in [("abc", 200), ("abcd", 413)] {
        client.send(format!("{post}content-length: {}\r\n\r\n{body}", body.len())).await;
        let head = client.head().await;
        assert_eq!(head.status, status);
        assert!(!head.first("x-request-id").is_empty());
        client.body(&head).await;
    }
    server.stop().await;
}

#[tokio::test]
async fn what_is_no_http_is_refused_and_others_go_on() {
    let server = Running::of(length()).await;
    let mut good = server.connect().await;
    let head = good.get("/").await;
    assert_eq!(good.body(&head).await, "hello");
    for bad in
        ["secret\r\n\r\n", "GET / HTTP/1.1\r\nbad field: x\r\n\r\n", "GET / HTTP/9.9\r\n\r\n"]
    {
        let mut client = server.connect().await;
        client.send(bad).await;
        let head = client.head().await;
        assert_eq!(head.status, 400, "{bad:?}");
        let body = client.body(&head).await;
        assert!(body.contains(head.first("x-request-id")) && body.contains("malformed request"));
        assert_eq!(client.rest().await, "");
    }
    let mut client = server.connect().await;
    client
        .send(
            "POST /length HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\nno\r\n",
        )
        .await;
    assert!(client.rest().await.starts_with("HTTP/1.1 400 "));
    assert_eq!(server.told()[..3], ["a malformed request"; 3]);
    assert!(!format!("{:?}", server.told.lock().unwrap()).contains("secret"));
    assert_eq!(good.get("/").await.status, 200);
    server.stop().await;
}

#[tokio::test]
async fn a_panic_is_an_answer() {
    let server =
        Running::of(App::new().get("/", async || -> &'static str { panic!("boom") })).await;
    let mut client = server.connect().await;
    let head = client.get("/").await;
    assert_eq!(head.status, 500);
    assert!(!client.body(&head).await.contains("boom"));
    assert_eq!(server.told(), ["a handler panicked: boom"]);
    server.stop().await;
}

#[tokio::test]
async fn an_event_of_any_kind_is_answered_as_lambda_answers_it() {
    let app = App::new()
        .get("/", async || "hello")
        .on(Shape::member("a"), async |Json(event): Json<Value>| Json(event["a"].clone()))
        .on(Shape::member("b"), async || AppError::conflict("taken"));
    let server = Running::of(app).await;
    let mut client = server.connect().await;
    for (event, error, answer) in [
        (r#"{"a":[1]}"#, "", json!([1])),
        (r#"{"b":1}"#, "Unhandled", json!({"errorType": "app.conflict", "errorMessage": "taken"})),
        (
            "{",
            "Unhandled",
            json!({"errorType": "Function.InvalidEvent", "errorMessage":
            "apptheory: parse event envelope: not the expected JSON (line 1, column 2)"}),
        ),
    ] {
        let length = event.len();
        client
            .send(format!(
                "POST /2015-03-31/functions/function/invocations HTTP/1.1\r\nhost: localhost\r\n\
                 content-length: {length}\r\n\r\n{event}"
            ))
            .await;
        let head = client.head().await;
        assert_eq!((head.status, head.first("x-amz-function-error")), (200, error), "{event}");
        let body: Value = serde_json::from_str(&client.body(&head).await).unwrap();
        assert_eq!(body, answer, "{event}");
    }
    let head = client.get("/2015-03-31/functions/function/invocations").await;
    assert_eq!(head.status, 404, "a GET is a request");
    server.stop().await;
}
