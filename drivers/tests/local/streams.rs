//! Streams: chunk by chunk, no faster than they are read, and cut off when they fail.

use core::num::NonZeroU64;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use apptheory::app::{App, BodyStream, Context, Path, Response, Sse};
use apptheory::local::Server;
use apptheory_core::error::AppError;
use apptheory_core::http::exchange::Limits;
use apptheory_core::stream::sse::SseEvent;
use futures_util::stream::{self, StreamExt as _};
use tokio::sync::mpsc;

use crate::Running;

type Chunk = Result<&'static str, AppError>;

/// Returns an application whose response streams what is sent here.
fn streaming() -> (mpsc::UnboundedSender<Chunk>, App) {
    let (send, receive) = mpsc::unbounded_channel::<Chunk>();
    let receive = Mutex::new(Some(receive));
    let app = App::new().get("/", move || {
        let receive = receive.lock().unwrap().take().unwrap();
        let chunks = stream::unfold(receive, async |mut receive| {
            receive.recv().await.map(|chunk| (chunk, receive))
        });
        core::future::ready(Response::html_stream(200, BodyStream::new(chunks)))
    });
    (send, app)
}

/// Returns an application that streams these chunks, repeatedly.
fn chunks(chunks: impl Fn() -> Vec<Chunk> + Send + Sync + 'static) -> App {
    App::new().get("/", move || {
        let chunks = BodyStream::new(stream::iter(chunks()));
        core::future::ready(Response::html_stream(200, chunks))
    })
}

#[tokio::test]
async fn each_chunk_is_sent_before_the_next_is_there() {
    let (send, app) = streaming();
    let server = Running::of(app).await;
    let mut client = server.connect().await;
    send.send(Ok("")).unwrap(); // an empty chunk sends the head
    let head = client.get("/").await;
    assert_eq!((head.status, head.first("transfer-encoding")), (200, "chunked"));
    for chunk in ["<h1>", "Hello", "</h1>"] {
        send.send(Ok(chunk)).unwrap();
        assert_eq!(client.text_chunk().await.as_deref(), Some(chunk));
    }
    drop(send);
    assert_eq!(client.chunk().await, None);
    assert_eq!(client.trailers().await, []);
    server.stop().await;
}

#[tokio::test]
async fn server_sent_events_stay_alive_on_the_applications_clock() {
    let app = App::new().get("/", async |sse: Sse| {
        let first = stream::iter([Ok::<_, AppError>(SseEvent::new("x").with_id("1"))]);
        sse.send(first.chain(stream::pending()))
    });
    let server = Running::of(app).await;
    let mut client = server.connect().await;
    let head = client.get("/").await;
    assert_eq!(head.first("content-type"), "text/event-stream");
    assert_eq!(client.text_chunk().await.as_deref(), Some("id: 1\ndata: x\n\n"));
    for _ in 0..3 {
        tokio::task::yield_now().await;
        server.clock.advance(apptheory_core::stream::sse::SseFramer::KEEP_ALIVE);
        assert_eq!(client.text_chunk().await.as_deref(), Some(": keep-alive\n\n"));
    }
    drop(client);
    server.stop().await;
}

#[tokio::test]
async fn a_stream_is_no_further_than_its_reader() {
    const CHUNK: usize = 64 << 10;
    const CHUNKS: usize = 1024;
    /// An upper bound of what sockets buffer; the whole stream is four times as large.
    const ON_THE_WAY: usize = 256;

    let made = Arc::new(AtomicUsize::new(0));
    let makes = Arc::clone(&made);
    let app = App::new().get("/", move || {
        let makes = Arc::clone(&makes);
        let chunk = move |_| {
            makes.fetch_add(1, Ordering::Relaxed);
            Ok::<_, AppError>(vec![b'x'; CHUNK])
        };
        let chunks = BodyStream::new(stream::iter(0..CHUNKS).map(chunk));
        core::future::ready(Response::html_stream(200, chunks))
    });
    let server = Running::of(app).await;
    let mut client = server.connect().await;
    client.get("/").await;
    let mut read = 0;
    while client.chunk().await.is_some() {
        read += 1;
        let made = made.load(Ordering::Relaxed);
        assert!(made <= read + ON_THE_WAY, "{made} chunks were made when {read} had been read");
    }
    assert_eq!(read, CHUNKS);
    server.stop().await;
}

#[tokio::test]
async fn a_late_error_cuts_the_body_off() {
    let server =
        Running::of(chunks(|| vec![Ok("a"), Ok("b"), Err(AppError::conflict("no"))])).await;
    let mut client = server.connect().await;
    let head = client.get("/").await;
    assert_eq!((head.status, head.first("trailer")), (200, ""));
    assert_eq!(client.rest().await, "1\r\na\r\n1\r\nb\r\n");
    assert_eq!(server.told(), [""; 0]);
    server.stop().await;

    let broken = || vec![Ok("a"), Err(AppError::from_error("secret"))];
    let server = Running::of(chunks(broken)).await;
    let mut client = server.connect().await;
    client.get("/").await;
    assert_eq!(client.rest().await, "1\r\na\r\n");
    assert_eq!(server.told(), ["secret"]);
    assert!(!server.told.lock().unwrap()[0].request_id.is_empty());
    server.stop().await;
}

#[tokio::test]
async fn clients_that_take_trailers_learn_why() {
    let app = chunks(|| vec![Ok("a"), Err(AppError::from_error("secret"))]);
    let server = Running::of(app).await;
    let mut client = server.connect().await;
    client.send("GET / HTTP/1.1\r\nhost: localhost\r\nte: gzip, Trailers\r\n\r\n").await;
    let head = client.head().await;
    let names = "Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body";
    assert_eq!(head.first("trailer"), names);
    assert_eq!(client.text_chunk().await.as_deref(), Some("a"));
    assert_eq!(client.chunk().await, None);
    let body = "eyJlcnJvclR5cGUiOiJhcHAuaW50ZXJuYWwiLCJlcnJvck1lc3NhZ2UiOiJpbnRlcm5hbCBlcnJvciJ9";
    let expected = [
        ("lambda-runtime-function-error-type".to_owned(), "app.internal".to_owned()),
        ("lambda-runtime-function-error-body".to_owned(), body.to_owned()),
    ];
    let mut trailers = client.trailers().await;
    trailers.sort_by(|a, b| b.cmp(a));
    assert_eq!(trailers, expected);
    // The connection is still usable, and a complete response declares no trailers.
    client.send("GET /missing HTTP/1.1\r\nhost: localhost\r\nte: trailers\r\n\r\n").await;
    let head = client.head().await;
    assert_eq!((head.status, head.first("trailer")), (404, ""));
    server.stop().await;
}

#[tokio::test]
async fn an_error_before_the_first_chunk_is_answered() {
    let server = Running::of(chunks(|| vec![Err(AppError::conflict("no"))])).await;
    let mut client = server.connect().await;
    client
        .send("GET / HTTP/1.1\r\nhost: localhost\r\nte: trailers\r\nx-request-id: r1\r\n\r\n")
        .await;
    let head = client.head().await;
    assert_eq!((head.status, head.first("x-request-id")), (409, "r1"));
    assert_eq!(head.first("trailer"), "");
    assert!(client.body(&head).await.contains("app.conflict"));
    server.stop().await;
}

#[tokio::test]
async fn the_applications_limit_holds() {
    let limits = Limits { max_response_bytes: NonZeroU64::new(3), ..Limits::default() };
    let app = chunks(|| vec![Ok("ab"), Ok("c"), Ok("d"), Ok("e")]).limits(limits);
    let server = Running::of(app).await;
    let mut client = server.connect().await;
    client.get("/").await;
    assert_eq!(client.rest().await, "2\r\nab\r\n1\r\nc\r\n");
    server.stop().await;
}

#[tokio::test]
async fn a_stream_ends_where_lambda_would_end_it() {
    const CHUNK: usize = 1 << 20;
    const MOST: usize = 200; // megabytes, as a function URL streams

    let app = App::new().get("/{n}", async |context: Context| {
        let chunk = bytes::Bytes::from(vec![b'x'; CHUNK]);
        let number = context.param("n").parse().unwrap_or(0);
        let chunks = stream::repeat(chunk).take(number).map(Ok::<_, AppError>);
        Response::html_stream(200, BodyStream::new(chunks))
    });
    let server = Running::of(app).await;
    for (megabytes, is_whole) in [(MOST, true), (MOST + 1, false)] {
        let mut client = server.connect().await;
        client.get(&format!("/{megabytes}")).await;
        for _ in 0..MOST {
            assert_eq!(client.chunk().await.map(|chunk| chunk.len()), Some(CHUNK));
        }
        if is_whole {
            assert_eq!(client.chunk().await, None);
        } else {
            assert_eq!(client.rest().await, "");
        }
    }
    server.stop().await;
}

#[tokio::test]
async fn a_buffered_server_answers_in_one_piece() {
    let app = chunks(|| vec![Ok("<h1>"), Ok("Hello</h1>")]);
    let server = Running::with(app, Server::buffered).await;
    let mut client = server.connect().await;
    let head = client.get("/").await;
    assert_eq!(client.body(&head).await, "<h1>Hello</h1>");
    server.stop().await;

    let app = chunks(|| vec![Ok("<h1>"), Err(AppError::conflict("no"))]);
    let server = Running::with(app, Server::buffered).await;
    let mut client = server.connect().await;
    assert_eq!(client.get("/").await.status, 409);
    server.stop().await;

    // A buffered response that a function URL would not accept is not sent here either.
    let large = App::new().get("/{n}", async |Path(n): Path<usize>| "x".repeat(n));
    let server = Running::with(large, Server::buffered).await;
    for (size, status) in [("6000000", 200), ("7000000", 413)] {
        let mut client = server.connect().await;
        assert_eq!(client.get(&format!("/{size}")).await.status, status);
    }
    server.stop().await;
}

#[tokio::test]
async fn a_buffered_server_takes_what_lambda_takes_in_one_piece() {
    const MOST: usize = 6 << 20;

    let whole = async |context: Context| {
        let number = context.param("n").parse().unwrap_or(0);
        Response::text(200, "x".repeat(number))
    };
    let streamed = async |context: Context| {
        let number: usize = context.param("n").parse().unwrap_or(0);
        let chunks = stream::iter([Ok::<_, AppError>("x".repeat(number)), Ok("".into())]);
        Response::html_stream(200, BodyStream::new(chunks))
    };
    let binary = async |context: Context| {
        let number = context.param("n").parse().unwrap_or(0);
        Response::binary(200, vec![0xff; number], "application/octet-stream")
    };
    let app = || {
        App::new()
            .get("/whole/{n}", whole)
            .get("/streamed/{n}", streamed)
            .get("/binary/{n}", binary)
    };
    let server = Running::with(app(), Server::buffered).await;
    // The other members of the result count, too.
    let (most, base64) = (MOST - 1_000, (MOST - 1_000) / 4 * 3);
    for (path, status) in [
        (format!("/whole/{most}"), 200),
        (format!("/whole/{MOST}"), 413),
        (format!("/streamed/{most}"), 200),
        (format!("/streamed/{MOST}"), 413),
        ("/streamed/20000000".into(), 413),
        (format!("/binary/{base64}"), 200),
        (format!("/binary/{most}"), 413),
    ] {
        let head = server.connect().await.get(&path).await;
        assert_eq!((head.status, head.first("x-request-id").is_empty()), (status, false), "{path}");
    }
    server.stop().await;
    // A streamed response does not wait for its end.
    let server = Running::of(app()).await;
    assert_eq!(server.connect().await.get("/whole/20000000").await.status, 200);
    server.stop().await;
}

#[tokio::test]
async fn a_buffered_server_has_streams_end_in_time() {
    let app = App::new().get("/", async |sse: Sse| {
        let first = stream::iter([Ok::<_, AppError>(SseEvent::new("x"))]);
        sse.send(first.chain(stream::pending()))
    });
    let server = Running::with(app, Server::buffered).await;
    let mut client = server.connect().await;
    client.send("GET / HTTP/1.1\r\nhost: localhost\r\n\r\n").await;
    let passing = async {
        loop {
            tokio::task::yield_now().await;
            server.clock.advance(core::time::Duration::from_secs(1));
        }
    };
    let head = tokio::select! {
        head = client.head() => head,
        () = passing => return,
    };
    assert_eq!(client.body(&head).await, "data: x\n\n: keep-alive\n\n");
    server.stop().await;
}
