//! Work registered with `after` runs once the response was delivered, before anything is flushed,
//! and before the next invocation is fetched.

use core::time::Duration;
use std::sync::{Arc, Mutex};

use apptheory::app::{App, BodyStream, Context, Response};
use apptheory::lambda::InvokeMode;
use futures_util::stream;
use tokio::sync::{mpsc, oneshot};

use super::server::RuntimeApi;
use super::time::{clock, in_seconds};
use super::url_event;

/// What happened, in order.
#[derive(Clone, Default)]
pub(crate) struct Seen(Arc<Mutex<Vec<&'static str>>>);

impl Seen {
    pub(crate) fn add(&self, what: &'static str) {
        self.0.lock().unwrap().push(what);
    }

    pub(crate) fn take(&self) -> Vec<&'static str> {
        core::mem::take(&mut *self.0.lock().unwrap())
    }

    /// Returns an application that registers work at `/`, and at `/page`, which is streamed.
    pub(crate) fn app(&self) -> App {
        let (left, leave, flushed) = (self.clone(), self.clone(), self.clone());
        App::new()
            .get("/", move |context: Context| {
                let seen = left.clone();
                context.after(async move || seen.add("done"));
                async { "hello" }
            })
            .get("/page", move |context: Context| {
                let seen = leave.clone();
                context.after(async move || seen.add("done"));
                let chunks = stream::iter([Ok::<_, apptheory::error::AppError>("<h1>")]);
                async { Response::html_stream(200, BodyStream::new(chunks)) }
            })
            .on_flush(move || {
                flushed.add("flushed");
                core::future::ready(())
            })
    }
}

#[tokio::test]
async fn deferred_work_runs_after_the_answer_and_before_the_next_invocation() {
    for (mode, path) in [(InvokeMode::Buffered, "/"), (InvokeMode::Streaming, "/page")] {
        let seen = Seen::default();
        let mut api = RuntimeApi::listen().await;
        let _function = api.start(seen.app().build().unwrap(), mode);
        let mut poll = api.poll().await;
        for _ in 0..2 {
            poll.hand_out("r1", &[], &url_event(path)).await;
            let mut answer = api.request().await;
            if mode == InvokeMode::Buffered {
                answer.body().await;
            } else {
                while answer.chunk().await.is_some() {}
                assert!(answer.trailers().await.unwrap().is_empty());
            }
            assert_eq!(seen.take(), [""; 0], "the answer is on its way");
            answer.answer(202, &[], b"").await;
            poll = api.poll().await;
            assert_eq!(seen.take(), ["done", "flushed"], "{path}");
        }
    }
}

#[tokio::test]
async fn deferred_work_that_hangs_or_panics_is_reported_and_ends_nothing() {
    let clock = clock();
    let (call, mut calls) = mpsc::unbounded_channel();
    let (tell, mut told) = mpsc::unbounded_channel();
    let app = App::new()
        .clock(clock.clone())
        .get("/{how}", move |context: Context| {
            let (call, panics) = (call.clone(), context.param("how") == "panics");
            context.after(async move || {
                let (_held, dropped) = oneshot::channel::<()>();
                call.send(()).unwrap();
                assert!(!panics, "boom");
                let _ = dropped.await;
            });
            async { "hello" }
        })
        .on_failure(move |failure| tell.send(failure.to_string()).unwrap())
        .build()
        .unwrap();
    let mut api = RuntimeApi::listen().await;
    let _function = api.start(app, InvokeMode::Buffered);
    for (path, why) in [("/panics", "boom"), ("/hangs", "did not finish in time")] {
        let fields = [("Lambda-Runtime-Deadline-Ms", &*in_seconds(10))];
        api.poll().await.hand_out("r1", &fields, &url_event(path)).await;
        let mut answer = api.request().await;
        assert_eq!(answer.json().await["body"], "hello");
        answer.answer(202, &[], b"").await;
        calls.recv().await.unwrap();
        if path == "/hangs" {
            clock.advance(Duration::from_millis(9_499));
            tokio::task::yield_now().await;
            assert!(told.try_recv().is_err());
            clock.advance(Duration::from_millis(1));
        }
        let failure = told.recv().await.unwrap();
        assert!(failure.contains(why), "{failure}");
    }
    api.poll().await;
}
