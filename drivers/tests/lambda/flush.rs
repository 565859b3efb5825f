//! Flushing after a response, before the process may be frozen.

use core::future::pending;
use core::sync::atomic::{AtomicUsize, Ordering};
use core::time::Duration;
use std::sync::{Arc, Mutex};

use apptheory::app::{App, AppService, FLUSH_TIME};
use apptheory::clock::{Clock as _, VirtualClock};
use apptheory::lambda::InvokeMode;
use apptheory::metrics::Metrics;
use apptheory::testkit::TestWriter;
use tokio::sync::{mpsc, oneshot};

use super::server::RuntimeApi;
use super::time::clock;
use super::{fed_by, url_event};

/// The number of flushes.
#[derive(Clone, Default)]
pub(crate) struct Flushes(Arc<AtomicUsize>);

impl Flushes {
    pub(crate) fn of(&self, app: App) -> App {
        let Self(flushes) = self.clone();
        app.on_flush(move || {
            flushes.fetch_add(1, Ordering::SeqCst);
            core::future::ready(())
        })
    }

    pub(crate) fn count(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

#[tokio::test]
async fn an_answer_is_delivered_before_and_the_next_invocation_asked_for_after() {
    let flushes = Flushes::default();
    let app = flushes.of(App::new()).get("/", async || "hello").build().unwrap();
    let mut api = RuntimeApi::listen().await;
    let _function = api.start(app, InvokeMode::Buffered);
    for earlier in 0..2 {
        let mut answer = api.invoke(&url_event("/")).await;
        answer.text().await;
        assert_eq!(flushes.count(), earlier, "the answer is on its way");
        answer.answer(202, &[], b"").await;
    }
    api.poll().await;
    assert_eq!(flushes.count(), 2);
}

#[tokio::test]
async fn metrics_are_written_before_the_next_invocation_is_asked_for() {
    let written = TestWriter::default();
    let metrics = Metrics::builder("Shop").writer(written.clone()).build().unwrap();
    let app = App::new().get("/", async || "hello").metrics(&metrics).build().unwrap();
    let mut api = RuntimeApi::listen().await;
    let _function = api.start(app, InvokeMode::Buffered);
    let mut next = api.poll().await;
    for cold_starts in [1, 0] {
        next.hand_out("r1", &[], &url_event("/")).await;
        let mut answer = api.request().await;
        answer.text().await;
        assert_eq!(written.take(), "", "the answer is on its way");
        answer.answer(202, &[], b"").await;
        next = api.poll().await;
        let text = written.take();
        let count = |metric: &str| text.matches(&format!(r#""{metric}":1"#)).count();
        assert_eq!((count("RequestCount"), count("ColdStart")), (1, cold_starts), "{text}");
    }
}

#[tokio::test]
async fn a_stream_is_flushed_when_it_is_delivered_to_its_end() {
    let flushes = Flushes::default();
    let (app, feed) = fed_by(flushes.of(App::new()));
    let mut api = RuntimeApi::listen().await;
    let _function = api.start(app, InvokeMode::Streaming);
    api.poll().await.hand_out("r1", &[], &url_event("/")).await;
    feed.send("<h1>");
    let answer = api.request().await;
    drop(feed);
    assert_eq!(flushes.count(), 0);
    answer.accept().await;
    api.poll().await;
    assert_eq!(flushes.count(), 1);
}

#[tokio::test]
async fn what_cannot_be_flushed_is_given_up_and_reported() {
    let clock = clock();
    let half = Duration::from_millis(500);
    for (deadline_s, answered_after, flushed_after, why) in [
        (10, Duration::ZERO, FLUSH_TIME, "did not finish within a second"),
        (1, half, half, "the invocation ended before its logs"),
    ] {
        let (app, failures, mut calls) = hanging(&clock);
        let mut api = RuntimeApi::listen().await;
        let _function = api.start(app, InvokeMode::Buffered);
        let deadline = (clock.now().unix_seconds() + deadline_s) * 1000;
        let fields = [("Lambda-Runtime-Deadline-Ms", &*deadline.to_string())];
        api.poll().await.hand_out("r1", &fields, &url_event("/")).await;
        let mut answer = api.request().await;
        answer.text().await;
        clock.advance(answered_after);
        answer.answer(202, &[], b"").await;
        calls.recv().await.unwrap();
        clock.advance(flushed_after);
        api.poll().await;
        let failures = failures.lock().unwrap();
        assert!(failures.len() == 1 && failures[0].contains(why), "{failures:?}");
    }
}

/// Returns an application whose hook never finishes, its reported failures, and the calls of the
/// hook.
fn hanging(
    clock: &VirtualClock,
) -> (AppService, Arc<Mutex<Vec<String>>>, mpsc::UnboundedReceiver<()>) {
    let failures = Arc::new(Mutex::new(Vec::new()));
    let told = Arc::clone(&failures);
    let (call, calls) = mpsc::unbounded_channel();
    let app = App::new()
        .clock(clock.clone())
        .get("/", async || "hello")
        .on_flush(move || {
            call.send(()).unwrap();
            pending()
        })
        .on_failure(move |failure| told.lock().unwrap().push(failure.to_string()));
    (app.build().unwrap(), failures, calls)
}

#[tokio::test]
async fn a_hook_that_panics_fails_nothing() {
    let app = App::new().get("/", async || "hello").on_flush(async || panic!("boom"));
    let mut api = RuntimeApi::listen().await;
    let _function = api.start(app.build().unwrap(), InvokeMode::Buffered);
    for _ in 0..2 {
        let mut answer = api.invoke(&url_event("/")).await;
        assert_eq!(answer.json().await["body"], "hello");
        answer.answer(202, &[], b"").await;
    }
}

#[tokio::test]
async fn a_shutdown_flushes_what_was_logged_since() {
    let flushes = Flushes::default();
    let app = flushes.of(App::new()).get("/", async || "hello").build().unwrap();
    let mut api = RuntimeApi::listen().await;
    let (stop, stopped) = oneshot::channel::<()>();
    let stopped = async { drop(stopped.await) };
    let function = tokio::spawn(api.runtime(app, &[]).shutdown_on(stopped).run());
    let register = api.request().await;
    register.answer(200, &[("Lambda-Extension-Identifier", "e-1")], b"{}").await;
    let _polls = [api.request().await, api.request().await];
    assert_eq!(flushes.count(), 0);
    stop.send(()).unwrap();
    function.await.unwrap().unwrap();
    assert_eq!(flushes.count(), 1);
}
