//! Streamed responses.

use core::num::NonZeroU64;
use std::sync::{Arc, Mutex};

use apptheory_core::error::{AppError, code};
use apptheory_core::http::exchange::Limits;
use bytes::Bytes;
use futures_util::{FutureExt as _, StreamExt as _};
use serde_json::json;

use super::{builder, clock, get, serve};
use crate::app::*;

#[test]
fn streams_end_at_the_limit() {
    let clock = clock();
    let limits = Limits { max_response_bytes: NonZeroU64::new(5), ..Limits::default() };
    let app = builder(&clock)
        .limits(limits)
        .get("/", async || {
            let chunks = BodyStream::from_chunks(["bc", "", "defg", "h"]);
            Response::text(200, "a").with_stream(chunks)
        })
        .build()
        .unwrap();
    let response = serve(&app, &clock, get("/"));
    let rest = response.stream.unwrap().map(|chunk| chunk.map_err(|error| error.status()));
    let rest: Vec<_> = rest.collect().now_or_never().unwrap();
    assert_eq!(rest, [Ok("bc".into()), Ok("".into()), Err(413)]);
}

/// With a limit, a timeout and log records around it, a chunk is still not copied.
#[test]
fn no_chunk_is_copied_on_its_way_to_the_wire() {
    let clock = clock();
    let chunk = Bytes::from(vec![b'a'; 16 << 10]);
    let made = chunk.clone();
    let limits = Limits { max_response_bytes: NonZeroU64::new(1 << 20), ..Limits::default() };
    let app = builder(&clock)
        .limits(limits)
        .layer(Timeout::default().including_streams())
        .get("/", move || {
            core::future::ready(Response::html_stream(200, BodyStream::from_chunks([made.clone()])))
        })
        .build()
        .unwrap();
    let mut stream = serve(&app, &clock, get("/")).stream.unwrap();
    let given = clock.run(stream.next()).unwrap().unwrap();
    assert_eq!((given.as_ptr(), given.len()), (chunk.as_ptr(), chunk.len()));
}

#[test]
fn streams_that_fail_late_keep_stack_traces_back() {
    let clock = clock();
    let app = builder(&clock)
        .get("/", async || {
            let late = AppError::conflict("late").with_stack_trace("main:1");
            Response::text(200, "").with_stream(BodyStream::failing(late))
        })
        .build()
        .unwrap();
    let whole = clock.run(app.serve_whole(get("/"), Invocation::default()));
    let body = String::from_utf8(whole.body).unwrap();
    assert!(whole.status == 409 && !body.contains("main:1"), "{body}");

    let stream = serve(&app, &clock, get("/")).stream.unwrap();
    let chunks: Vec<_> = clock.run(stream.collect());
    let late = format!("{:?}", chunks[0].as_ref().unwrap_err());
    assert!(!late.contains("main:1"), "{late}");
}

#[test]
fn what_becomes_of_a_stream_is_recorded() {
    let lines = Arc::new(Mutex::new(Vec::new()));
    let (logged, failed) = (Arc::clone(&lines), Arc::clone(&lines));
    let clock = clock();
    let app = builder(&clock)
        .get("/{end}", async |context: Context| {
            let last = match context.param("end") {
                "whole" => Ok("de"),
                _ => Err(AppError::internal().with_cause(fmt::Error)),
            };
            let items = [Ok("abc"), last];
            Response::text(200, "").with_stream(BodyStream::new(futures_util::stream::iter(items)))
        })
        .on_log(move |record| {
            let about = |name: &str| record.about.iter().find(|(about, _)| *about == name);
            let about =
                |name| about(name).map_or_else(|| "-".to_owned(), |(_, value)| value.to_string());
            let (ended, bytes) = (about("stream_ended"), about("stream_bytes"));
            let line = format!("{} {} {ended} {bytes}", record.event, record.status);
            logged.lock().unwrap().push(line);
        })
        .on_failure(move |failure| failed.lock().unwrap().push(failure.error.to_string()))
        .observe_streams()
        .build()
        .unwrap();
    let taken = || core::mem::take(&mut *lines.lock().unwrap());

    let stream = serve(&app, &clock, get("/whole")).stream.unwrap();
    assert_eq!(taken(), ["request.completed 200 - -"], "before the first chunk");
    let chunks: Vec<_> = clock.run(stream.collect());
    assert_eq!((chunks.len(), taken()), (2, vec!["stream.completed 200 whole 5".to_owned()]));

    let stream = serve(&app, &clock, get("/late")).stream.unwrap();
    drop(taken());
    let chunks: Vec<_> = clock.run(stream.collect());
    let expected = ["app.internal: internal error", "stream.completed 200 early 3"];
    assert_eq!((chunks.len(), taken()), (2, expected.map(str::to_owned).to_vec()));

    drop(serve(&app, &clock, get("/whole")));
    assert_eq!(taken()[1], "stream.completed 200 early 0", "nobody read it");

    let whole = clock.run(app.serve_whole(get("/late"), Invocation::default()));
    assert_eq!(whole.status, 500);
    let expected = ["app.internal: internal error", "request.completed 500 - -"];
    assert_eq!(taken(), expected, "the record is that of the answer");
}

#[test]
fn answers_too_large_for_lambda_once_encoded_are_refused() {
    let clock = clock();
    let megabytes = |most: usize| {
        move || core::future::ready(Response::binary(200, vec![0_u8; most << 20], "image/png"))
    };
    let app = builder(&clock).get("/4", megabytes(4)).get("/5", megabytes(5)).build().unwrap();
    for (path, status) in [("/4", 200), ("/5", 413)] {
        let event = json!({"rawPath": path, "requestContext": {"http": {"method": "GET"}}});
        let event = event.to_string();
        let answer = clock.run(app.invoke(&event, Invocation::default())).unwrap();
        assert!(answer.starts_with(&format!(r#"{{"statusCode":{status},"#)));
    }
}

#[test]
fn streams_are_collected_behind_buffered_providers() {
    let clock = clock();
    let limits = Limits { max_response_bytes: NonZeroU64::new(12), ..Limits::default() };
    let app = builder(&clock)
        .limits(limits)
        .get("/html", async || Response::html_stream(200, BodyStream::from_chunks(["<h1>", "x"])))
        .get("/long", async || {
            Response::html_stream(200, BodyStream::from_chunks(["<h1>", "Hello</h1>"]))
        })
        .get("/late", async || {
            let items = [Ok("a"), Err(AppError::conflict("late"))];
            Response::text(200, "p").with_stream(BodyStream::new(futures_util::stream::iter(items)))
        })
        .build()
        .unwrap();
    for (path, status, part) in [
        ("/html", 200, r#""body":"\u003ch1\u003ex""#),
        ("/long", 413, "response too large"),
        ("/late", 409, "late"),
    ] {
        let event = json!({"rawPath": path, "requestContext": {"http": {"method": "GET"}}});
        let event = event.to_string();
        let answer = clock.run(app.invoke(&event, Invocation::default())).unwrap();
        assert!(answer.starts_with(&format!(r#"{{"statusCode":{status},"#)), "{answer}");
        assert!(answer.contains(part) && answer.contains("x-request-id"), "{answer}");
    }
    let unknown = clock.run(app.invoke("{}", Invocation::default())).unwrap_err();
    let expected = "nothing is registered for this event, an object without members";
    assert!(unknown.to_string().starts_with(expected), "{unknown}");
}

#[test]
fn panicking_streams_end_with_an_error() {
    let clock = clock();
    let app = builder(&clock)
        .get("/", async || {
            let broken = futures_util::stream::poll_fn(
                |_| -> core::task::Poll<Option<Result<&'static str, AppError>>> { panic!("boom") },
            );
            Response::new(200).with_stream(BodyStream::new(broken))
        })
        .build()
        .unwrap();
    let response = serve(&app, &clock, get("/"));
    let chunks: Vec<_> = clock.run(response.stream.unwrap().collect());
    assert_eq!(chunks.len(), 1);
    assert_eq!(chunks[0].as_ref().unwrap_err().code(), code::INTERNAL);
}
