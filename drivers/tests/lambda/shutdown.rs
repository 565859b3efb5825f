//! The shutdown of a function, and its extension.

use core::time::Duration;
use std::sync::Mutex;

use apptheory::app::{App, AppService, BodyStream, Response};
use apptheory::clock::VirtualClock;
use apptheory::lambda::{DRAIN_TIME, InvokeMode, RuntimeError};
use apptheory_core::error::AppError;
use apptheory_core::time::Timestamp;
use futures_util::{StreamExt as _, stream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::server::{Exchange, RuntimeApi};
use super::{Feed, fed, fed_by, url_event};

const REGISTER: &str = "/2020-01-01/extension/register";
const EVENT_NEXT: &str = "/2020-01-01/extension/event/next";
const ID: (&str, &str) = ("Lambda-Extension-Identifier", "e-1");

/// A function that shuts down when the test says so.
struct Function {
    api: RuntimeApi,
    stop: Option<oneshot::Sender<()>>,
    ended: JoinHandle<Result<(), RuntimeError>>,
}

impl Function {
    async fn start(app: AppService, mode: InvokeMode, max_concurrency: &str) -> Self {
        let api = RuntimeApi::listen().await;
        let (stop, stopped) = oneshot::channel();
        let variables = [("AWS_LAMBDA_MAX_CONCURRENCY", max_concurrency)];
        let stopped = async { stopped.await.unwrap() };
        let runtime = api.runtime(app, &variables).mode(mode).shutdown_on(stopped);
        Self { api, stop: Some(stop), ended: tokio::spawn(runtime.run()) }
    }

    /// Receives the registration, and returns the request for events and `N` requests for
    /// invocations.
    async fn register<const N: usize>(&mut self) -> (Exchange, [Exchange; N]) {
        let register = self.api.request().await;
        assert_eq!(register.path, REGISTER);
        register.answer(200, &[ID], b"{}").await;
        let mut others = Vec::new();
        for _ in 0..=N {
            others.push(self.api.request().await);
        }
        let events = others.iter().position(|request| request.path == EVENT_NEXT).unwrap();
        let events = others.remove(events);
        assert!(others.iter().all(|poll| poll.resource() == "next"));
        (events, others.try_into().ok().unwrap())
    }

    fn stop(&mut self) {
        self.stop.take().unwrap().send(()).unwrap();
    }

    async fn ends_well(self) {
        let ended = self.ended.await.unwrap();
        assert!(ended.is_ok(), "{ended:?}");
    }
}

fn clock() -> VirtualClock {
    VirtualClock::new(Timestamp::UNIX_EPOCH)
}

/// Returns a buffered function whose handler waits for the test, and that is shutting down.
async fn draining(clock: &VirtualClock) -> (Function, oneshot::Sender<&'static str>) {
    let (sender, answer) = oneshot::channel();
    let (call, called) = oneshot::channel();
    let once = Mutex::new(Some((answer, call)));
    let wait = move || {
        let (answer, call) = once.lock().unwrap().take().unwrap();
        call.send(()).unwrap();
        async move { answer.await.unwrap() }
    };
    let app = App::new().clock(clock.clone()).get("/wait", wait).build().unwrap();
    let mut function = Function::start(app, InvokeMode::Buffered, "2").await;
    let (_, [poll, idle]) = function.register().await;
    poll.hand_out("r1", &[], &url_event("/wait")).await;
    called.await.unwrap();
    function.stop();
    // Hangs up while the function waits for an invocation.
    idle.drain().await;
    (function, sender)
}

/// Returns a function that streams what the test feeds.
async fn streaming() -> (Function, Feed) {
    let (app, mut feed) = fed_by(App::new().clock(clock()));
    let mut function = Function::start(app, InvokeMode::Streaming, "1").await;
    let (_, [poll]) = function.register().await;
    poll.hand_out("r1", &[], &url_event("/")).await;
    feed.called().await;
    (function, feed)
}

#[tokio::test]
async fn an_extension_is_registered_before_invocations_are_taken() {
    let mut function = Function::start(fed().0, InvokeMode::Buffered, "1").await;
    let mut register = function.api.request().await;
    assert_eq!((&*register.method, &*register.path), ("POST", REGISTER));
    assert_eq!(register.headers["lambda-extension-name"], "apptheory");
    assert_eq!(register.headers["content-type"], "application/json");
    assert_eq!(register.text().await, r#"{"events":[]}"#);
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    assert!(function.api.try_request().is_none());
    register.answer(200, &[ID], b"{}").await;
    let (first, second) = (function.api.request().await, function.api.request().await);
    let (events, poll) = if first.path == EVENT_NEXT { (first, second) } else { (second, first) };
    assert_eq!((&*events.method, &*events.path), ("GET", EVENT_NEXT));
    assert_eq!(events.headers["lambda-extension-identifier"], "e-1");
    // The extension gets no reply, and the function still works.
    poll.hand_out("r1", &[], &url_event("/hello")).await;
    let mut response = function.api.request().await;
    assert_eq!(response.json().await["body"], "hello");
    response.answer(202, &[], b"").await;
    function.api.poll().await;
}

#[tokio::test]
async fn a_refused_extension_ends_the_function() {
    for status in [400, 403, 404, 500] {
        let mut function = Function::start(fed().0, InvokeMode::Buffered, "1").await;
        function.api.request().await.answer(status, &[ID], b"{}").await;
        let why = function.api.init_error().await;
        assert!(
            why.starts_with("the internal extension that a shutdown needs cannot be registered: "),
            "{why}"
        );
        let ended = function.ended.await.unwrap();
        let refused = matches!(&ended, Err(RuntimeError::NotRegistered(s)) if s.as_u16() == status);
        assert!(refused, "{ended:?}");
        assert!(function.api.try_request().is_none());
    }
}

#[tokio::test]
async fn an_extension_needs_an_answer_and_an_identifier() {
    let mut function = Function::start(fed().0, InvokeMode::Buffered, "1").await;
    function.api.request().await.answer(200, &[], b"{}").await;
    let why = function.api.init_error().await;
    assert!(why.starts_with("the internal extension was given no identifier: "), "{why}");
    assert!(matches!(function.ended.await.unwrap(), Err(RuntimeError::NoExtensionId)));

    let mut function = Function::start(fed().0, InvokeMode::Buffered, "1").await;
    drop(function.api.request().await);
    function.api.init_error().await;
    assert!(matches!(function.ended.await.unwrap(), Err(RuntimeError::Closed(_))));
}

#[tokio::test]
async fn an_extension_that_is_sent_away_is_not_missed() {
    let mut function = Function::start(fed().0, InvokeMode::Buffered, "1").await;
    let (events, [poll]) = function.register().await;
    events.answer(500, &[], b"{}").await;
    poll.hand_out("r1", &[], &url_event("/hello")).await;
    let mut response = function.api.request().await;
    response.body().await;
    response.answer(202, &[], b"").await;
    function.api.poll().await;
    function.stop();
    function.ends_well().await;
}

#[tokio::test]
async fn an_idle_function_shuts_down_at_once() {
    let mut function = Function::start(fed().0, InvokeMode::Buffered, "3").await;
    let (events, polls) = function.register::<3>().await;
    function.stop();
    function.ends_well().await;
    events.drain().await;
    for poll in polls {
        poll.drain().await;
    }
}

#[tokio::test]
async fn a_stream_ends_when_a_shutdown_begins() {
    let (mut function, feed) = streaming().await;
    feed.send("a");
    let mut response = function.api.request().await;
    for _ in 0..2 {
        response.chunk().await.unwrap();
    }
    assert_eq!(response.text_chunk().await, "a");
    function.stop();
    feed.dropped().await;
    let rest = response.accept().await;
    assert!(rest.chunks.is_empty());
    assert_eq!(rest.trailers["lambda-runtime-function-error-type"], "app.internal");
    function.ends_well().await;
}

#[tokio::test]
async fn a_stream_that_always_has_more_ends_as_well() {
    let more = || BodyStream::new(stream::repeat("more").map(Ok::<_, AppError>));
    let endless = move || core::future::ready(Response::html_stream(200, more()));
    let app = App::new().clock(clock()).get("/", endless).build().unwrap();
    let mut function = Function::start(app, InvokeMode::Streaming, "1").await;
    let (_, [poll]) = function.register().await;
    poll.hand_out("r1", &[], &url_event("/")).await;
    let mut response = function.api.request().await;
    response.chunk().await.unwrap();
    function.stop();
    let rest = response.accept().await;
    assert_eq!(rest.trailers["lambda-runtime-function-error-type"], "app.internal");
    function.ends_well().await;
}

#[tokio::test]
async fn a_stream_that_never_began_fails_its_invocation() {
    let (mut function, feed) = streaming().await;
    function.stop();
    feed.dropped().await;
    let mut error = function.api.request().await;
    assert_eq!(error.resource(), "r1/error");
    assert_eq!(error.json().await["errorType"], "Function.Aborted");
    error.answer(202, &[], b"").await;
    function.ends_well().await;
}

#[tokio::test]
async fn what_is_done_in_time_is_answered() {
    let clock = clock();
    let (mut function, answer) = draining(&clock).await;
    clock.advance(DRAIN_TIME - Duration::from_millis(1));
    answer.send("done").unwrap();
    let mut response = function.api.request().await;
    assert_eq!(response.json().await["body"], "done");
    response.answer(202, &[], b"").await;
    function.ends_well().await;
}

#[tokio::test]
async fn what_is_not_done_in_time_is_dropped() {
    let clock = clock();
    let (function, answer) = draining(&clock).await;
    clock.advance(DRAIN_TIME);
    function.ends_well().await;
    assert!(answer.is_closed());
}
