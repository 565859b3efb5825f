//! Applications as tower services are flushed before another layer sends their responses.
#![expect(clippy::unwrap_used, reason = "it ends a test")]

use core::future::{pending, ready};
use core::time::Duration;
use std::sync::{Arc, Mutex};

use apptheory::app::{Answer, App, BodyStream, Context, Invocation, Next, Response};
use apptheory::clock::{Clock as _, VirtualClock};
use apptheory::error::AppError;
use apptheory::time::Timestamp;
use apptheory::trace;
use futures_util::stream;
use http_body_util::{BodyExt as _, Full};

type Request = http::Request<Full<bytes::Bytes>>;

fn get(path: &str) -> Request {
    http::Request::get(path).body(Full::default()).unwrap()
}

/// What was flushed, in order.
#[derive(Clone, Default)]
struct Flushes(Arc<Mutex<Vec<String>>>);

impl Flushes {
    /// Records a name whenever the application is flushed, and the trace context of the flush.
    fn of(&self, app: App, name: &'static str) -> App {
        let Self(flushes) = self.clone();
        app.on_flush(move || {
            let context = trace::current().traceparent().to_owned();
            flushes.lock().unwrap().push(format!("{name} {context}").trim().to_owned());
            ready(())
        })
    }

    fn take(&self) -> Vec<String> {
        core::mem::take(&mut *self.0.lock().unwrap())
    }
}

#[tokio::test]
async fn answers_are_flushed_before_they_are_handed_over_and_streams_before_their_end() {
    let flushes = Flushes::default();
    let app = App::new().get("/", async || "hello").get("/late", async || {
        let items = [Ok("b"), Err(AppError::conflict("late"))];
        Response::text(200, "").with_stream(BodyStream::new(stream::iter(items)))
    });
    let app = flushes.of(app, "app").build().unwrap();
    let parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    for path in ["/", "/late"] {
        let mut request = get(path);
        request.headers_mut().insert("traceparent", parent.parse().unwrap());
        let mut body = app.respond(request).await.into_body();
        if path == "/late" {
            body.frame().await.unwrap().unwrap();
            assert!(flushes.take().is_empty());
            body.frame().await.unwrap().unwrap_err();
        }
        assert_eq!(flushes.take(), [format!("app {parent}")], "{path}");
    }
}

#[tokio::test]
async fn a_mounted_application_is_flushed_with_the_one_that_it_is_mounted_in() {
    let flushes = Flushes::default();
    let inner = App::new().get("/a/b/inner", async || "inner");
    let inner = flushes.of(inner, "inner").build().unwrap();
    let middle = flushes.of(App::new().mount("/a/b", inner), "middle").build().unwrap();
    let seen = flushes.clone();
    let around = move |context: Context, next: Next| {
        let seen = seen.clone();
        async move {
            let response = next.run(context).await;
            assert!(seen.take().is_empty(), "the answer does not wait for it");
            Answer::Ok(response)
        }
    };
    let outer = App::new().layer(around).mount("/a", middle).get("/own", async || "own");
    let outer = flushes.of(outer, "outer").build().unwrap();
    assert_eq!(outer.respond(get("/own")).await.status(), 200);
    assert_eq!(flushes.take(), ["outer"]);
    // The other events may come from work after their responses.
    for path in ["/a/b/inner", "/own"] {
        assert_eq!(outer.respond(get(path)).await.status(), 200, "{path}");
        let mut flushed = flushes.take();
        flushed.sort();
        assert_eq!(flushed, ["inner", "middle", "outer"], "{path}");
    }
}

#[tokio::test]
async fn work_for_after_an_answer_is_done_before_it_is_handed_over_also_of_a_mounted_application() {
    let flushes = Flushes::default();
    let work = flushes.clone();
    let leave = move |context: Context| {
        let Flushes(seen) = work.clone();
        context.after(async move || seen.lock().unwrap().push("done".to_owned()));
        async { Response::text(200, "").with_stream(BodyStream::from_chunks(["a"])) }
    };
    let whole = flushes.clone();
    let inner = App::new().get("/a/inner", leave.clone()).build().unwrap();
    let seen = flushes.clone();
    let around = move |context: Context, next: Next| {
        let seen = seen.clone();
        async move {
            let response = next.run(context).await;
            assert!(seen.take().is_empty(), "it is the outer one's");
            Answer::Ok(response)
        }
    };
    let app = App::new().layer(around).mount("/a", inner).get("/page", leave).get(
        "/whole",
        move |context: Context| {
            let Flushes(seen) = whole.clone();
            context.after(async move || seen.lock().unwrap().push("done".to_owned()));
            async { "hello" }
        },
    );
    let app = flushes.of(app, "app").build().unwrap();
    for path in ["/whole", "/page", "/a/inner"] {
        let mut body = app.respond(get(path)).await.into_body();
        if path != "/whole" {
            body.frame().await.unwrap().unwrap();
            assert!(flushes.take().is_empty(), "{path}");
        }
        while body.frame().await.is_some() {}
        assert_eq!(flushes.take(), ["done", "app"], "{path}");
    }
}

#[test]
fn a_hook_takes_no_more_than_half_of_the_time_that_an_answer_has_left() {
    for (deadline_ms, flushed_ms, why) in [
        (1_000, 500, "the invocation ended before its logs"),
        (10_000, 1_000, "the flush hook did not finish within a second"),
    ] {
        let clock = VirtualClock::new(Timestamp::UNIX_EPOCH);
        let failures = Arc::new(Mutex::new(Vec::new()));
        let tell = Arc::clone(&failures);
        let app = App::new()
            .clock(clock.clone())
            .get("/", async || "hello")
            .on_flush(pending)
            .on_failure(move |failure| tell.lock().unwrap().push(failure.to_string()))
            .build()
            .unwrap();
        let at = |ms| Timestamp::UNIX_EPOCH.saturating_add(Duration::from_millis(ms));
        let deadline = Some(at(deadline_ms));
        let mut request = get("/");
        request.extensions_mut().insert(Invocation { deadline, ..Invocation::default() });
        assert_eq!(clock.run(app.respond(request)).status(), 200);
        assert_eq!(clock.now(), at(flushed_ms));
        let failures = failures.lock().unwrap();
        assert!(failures.len() == 1 && failures[0].contains(why), "{failures:?}");
    }
}
