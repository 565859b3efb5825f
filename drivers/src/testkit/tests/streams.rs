//! Streamed responses, as clients see them.

use core::future::ready;
use core::time::Duration;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use apptheory_core::error::AppError;
use apptheory_core::time::Timestamp;
use futures_util::{StreamExt as _, stream};

use super::app::said;
use crate::app::{App, BodyStream, Context, Response, Sse};
use crate::clock::Clock as _;
use crate::stream::sse::SseEvent;
use crate::testkit::{TestApp, TestEnv, Via};

fn pages(_: &crate::store::Store) -> App {
    App::new()
        .get("/pong", async || "pong")
        .get("/ab", async || {
            Response::new(200).with_stream(BodyStream::from_chunks(["a", "", "b"]))
        })
        .get("/bytes", async || {
            Response::new(200).with_stream(BodyStream::from_chunks([&b"\xff"[..]]))
        })
        .get("/split", async |context: Context| {
            let clock = context.clock().clone();
            let pieces = stream::iter(["data: a", "b\n\n"]).then(move |piece| {
                let clock = clock.clone();
                async move {
                    clock.sleep(Duration::from_secs(10)).await;
                    Ok::<_, AppError>(piece)
                }
            });
            Response::new(200).with_stream(BodyStream::new(pieces))
        })
        .get("/late", async || {
            let items = [Ok("hello"), Err(AppError::internal()), Ok("never")];
            Response::text(202, "").with_stream(BodyStream::new(stream::iter(items)))
        })
        .get("/own", async || {
            let items = [Ok("a"), Err(AppError::new("app.stream", "broken"))];
            Response::text(200, "p")
                .with_cookie("c=1")
                .with_stream(BodyStream::new(stream::iter(items)))
        })
        .get("/early", async || {
            Response::text(200, "").with_stream(BodyStream::failing(AppError::conflict("taken")))
        })
        .get("/large", async || {
            let chunks = BodyStream::from_chunks(["a"]);
            Response::new(200).with_header("x-large", "x".repeat(16 << 10)).with_stream(chunks)
        })
        .get("/two", async |sse: Sse| sse.send(stream::iter([1, 2].map(|n| SseEvent::json(&n)))))
        .get("/events", async |sse: Sse, context: Context| {
            let clock = context.clock().clone();
            sse.send(stream::iter(0..).then(move |n| {
                let clock = clock.clone();
                async move {
                    clock.sleep(Duration::from_secs(40)).await;
                    SseEvent::json(&n)
                }
            }))
        })
}

#[test]
fn chunks_come_one_by_one_with_head_trailers_and_error_code() {
    let app = TestApp::new(pages);
    for via in [Via::FunctionUrl, Via::RestApi] {
        let stream = |path| app.get(path).via(via).stream();
        stream("/pong")
            .assert_status(200)
            .assert_header("content-type", "text/plain; charset=utf-8")
            .assert_chunks(["pong"])
            .assert_error_code("");
        stream("/own").assert_text("pa").assert_text("").assert_error_code("app.stream");
        stream("/ab").assert_chunks(["a", "", "b"]).assert_error_code("");
        stream("/late")
            .assert_status(202)
            .assert_chunks(["hello"])
            .assert_error_code("app.internal");

        let mut own = stream("/own");
        assert_eq!(own.header("content-type"), "text/plain; charset=utf-8");
        assert_eq!(own.cookies(), ["c=1"]);
        assert!(own.trailers().is_empty());
        own.assert_chunks(["p", "a"]).assert_error_code("app.stream");
        let names: Vec<_> = own.trailers().iter().map(|(name, _)| *name).collect();
        let [code, body] =
            ["Lambda-Runtime-Function-Error-Type", "Lambda-Runtime-Function-Error-Body"];
        assert_eq!(names, [code, body]);

        // A failure before anything is sent becomes an error response.
        let mut early = stream("/early");
        assert_eq!(early.status(), 409);
        early.assert_error_code("");
        assert!(early.read().concat().starts_with(b"{\"error\":{"));
    }
    let text = said(|| {
        app.get("/ab").stream().assert_chunks(["a"]);
    });
    assert!(text.contains("sent:    GET /ab via FunctionUrl\n  got:     200 ab\n"), "{text}");
    assert!(text.ends_with(r#"chunks: expected ["a"], got ["a", "", "b"]"#), "{text}");
    let text = said(|| {
        app.get("/ab").stream().assert_text("a");
    });
    assert!(text.ends_with(r#"text: expected "a", got "ab""#), "{text}");
    let text = said(|| {
        app.get("/bytes").stream().assert_chunks([[0xff]]);
        app.get("/bytes").stream().assert_chunks([[0xfe]]);
    });
    assert!(text.ends_with("chunks: expected [[254]], got [[255]]"), "{text}");
    let text = said(|| {
        app.get("/bytes").stream().assert_text("\u{fffd}");
    });
    assert!(text.ends_with("text: expected \"\u{fffd}\", got [255]"), "{text}");
    let text = said(|| {
        app.get("/ab").stream().assert_header("x-a", "1");
    });
    assert!(text.ends_with(r#"x-a: expected "1", got []"#), "{text}");
    let text = said(|| {
        app.get("/two").stream().assert_events(["1", "2"]).assert_events(["3"]);
    });
    assert!(text.ends_with(r#"data of events: expected ["3"], got []"#), "{text}");
    let text = said(|| {
        app.get("/early").stream().assert_status(200);
    });
    assert!(text.contains("got:     409\n  differs: status: expected 200, got 409"), "{text}");
    let text = said(|| {
        app.get("/large").stream().assert_status(200);
    });
    assert!(text.contains("failed:  ") && text.contains("larger than 16 KB"), "{text}");
    let text = said(|| drop(app.get("/ab").via(Via::LoadBalancer).stream()));
    assert!(text.contains("does not stream responses"), "{text}");
}

#[test]
fn a_stream_without_an_end_is_read_for_a_while() {
    let app = TestApp::within(TestEnv::at(Timestamp::UNIX_EPOCH), pages);
    let mut events = app.get("/events").stream();
    // The head is sent at once.
    assert_eq!((events.status(), app.clock().now().unix_seconds()), (200, 0));
    let read = events.events_for(Duration::from_secs(165));
    assert_eq!(app.clock().now().unix_seconds(), 165);
    let data: Vec<_> = read.iter().map(|event| &*event.data).collect();
    assert_eq!(data, ["0", "1", "2", "3"]);
    assert_eq!(events.read_for(Duration::from_secs(30)), [": keep-alive\n\n"; 2]);
    drop(events);
    app.get("/pong").stream().read_for(Duration::from_secs(30));
    assert_eq!(app.clock().now().unix_seconds(), 195);
    app.get("/pong").send().assert_text("pong");
}

#[test]
fn an_event_that_comes_in_pieces_is_read_with_its_last_one() {
    let app = TestApp::new(pages);
    let mut events = app.get("/split").stream();
    // The first chunk sends the head.
    assert!(events.events_for(Duration::from_secs(5)).is_empty());
    events.assert_events(["ab"]);
}

#[test]
fn what_is_left_for_after_a_response_is_done_when_it_has_ended() {
    let done = Arc::new(AtomicUsize::new(0));
    let app = TestApp::new(|_| {
        let done = Arc::clone(&done);
        let leave = move |context: Context| {
            let done = Arc::clone(&done);
            context.after(async move || {
                done.fetch_add(1, Ordering::Relaxed);
            });
            async { Response::html_stream(200, BodyStream::from_chunks(["a", "b"])) }
        };
        App::new().get("/", leave)
    });
    let mut response = app.get("/").stream();
    assert_eq!(done.load(Ordering::Relaxed), 0);
    response.assert_chunks(["a", "b"]);
    assert_eq!(done.load(Ordering::Relaxed), 1);
    app.get("/").send().assert_text("ab");
    assert_eq!(done.load(Ordering::Relaxed), 2);
}

#[test]
fn what_is_written_behind_a_response_is_written_once() {
    let flushed = Arc::new(AtomicUsize::new(0));
    let app = TestApp::new(|store| {
        let flushed = Arc::clone(&flushed);
        pages(store).on_flush(move || {
            flushed.fetch_add(1, Ordering::Relaxed);
            ready(())
        })
    });
    for (path, before) in [("/ab", 0), ("/pong", 1)] {
        let mut response = app.get(path).stream();
        assert_eq!(flushed.swap(0, Ordering::Relaxed), before, "{path}");
        response.read_for(Duration::from_secs(1));
        response.assert_error_code("");
        assert_eq!(flushed.swap(0, Ordering::Relaxed) + before, 1, "{path}");
    }
}
