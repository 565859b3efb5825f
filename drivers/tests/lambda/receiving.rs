//! Receiving events: an event whose head has arrived is received completely and handled.

use core::future::Future;
use core::time::Duration;
use std::sync::Arc;

use apptheory::app::{App, AppService};
use apptheory::clock::{Clock, VirtualClock};
use apptheory::lambda::{InvokeMode, RuntimeError};
use apptheory_core::time::Timestamp;
use serde_json::json;
use tokio::sync::{Notify, oneshot};

use super::server::{Exchange, RuntimeApi};
use super::time::{clock, in_seconds};
use super::url_event;

/// A clock that reports when it is read, which a function does as soon as the head of an event has
/// arrived.
#[derive(Clone)]
struct Watched {
    clock: VirtualClock,
    looked: Arc<Notify>,
}

impl Clock for Watched {
    fn now(&self) -> Timestamp {
        self.looked.notify_one();
        self.clock.now()
    }

    fn sleep(&self, duration: Duration) -> impl Future<Output = Timestamp> + Send {
        self.clock.sleep(duration)
    }
}

/// Returns an application that responds with `hello`, and its clock.
fn hello() -> (AppService, Watched) {
    let clock = Watched { clock: clock(), looked: Arc::default() };
    let app = App::new().clock(clock.clone()).get("/hello", async || "hello");
    (app.build().unwrap(), clock)
}

/// Sends the head of an event and half of it, and waits until the function has seen the head.
async fn half(poll: &mut Exchange, clock: &Watched, event: &str) {
    poll.announce("r1", &in_seconds(10), event).await;
    poll.write(&event.as_bytes()[..event.len() / 2]).await;
    clock.looked.notified().await;
}

/// Sends the other half, and reads the response.
async fn other_half(mut poll: Exchange, api: &mut RuntimeApi, event: &str) {
    poll.write(&event.as_bytes()[event.len() / 2..]).await;
    poll.go_on();
    let mut response = api.request().await;
    assert_eq!((response.method.as_str(), response.resource()), ("POST", "r1/response"));
    assert_eq!(response.json().await["body"], "hello");
    response.answer(202, &[], b"").await;
}

#[tokio::test]
async fn an_event_is_received_when_another_worker_fails_meanwhile() {
    let (app, clock) = hello();
    let mut api = RuntimeApi::listen().await;
    let function = api.runtime(app, &[("AWS_LAMBDA_MAX_CONCURRENCY", "3")]).run();
    let function = tokio::spawn(function);
    let (mut poll, failing, idle) = (api.poll().await, api.poll().await, api.poll().await);
    let event = url_event("/hello");
    half(&mut poll, &clock, &event).await;
    failing.answer(500, &[], b"{}").await;
    // Hangs up while the function waits for an invocation.
    idle.drain().await;
    other_half(poll, &mut api, &event).await;
    assert!(matches!(function.await.unwrap(), Err(RuntimeError::NoMoreInvocations(_))));
}

#[tokio::test]
async fn an_event_is_received_when_a_shutdown_begins_meanwhile() {
    let (app, clock) = hello();
    let mut api = RuntimeApi::listen().await;
    let (stop, stopped) = oneshot::channel::<()>();
    let stopped = async { stopped.await.unwrap() };
    let variables = [("AWS_LAMBDA_MAX_CONCURRENCY", "2")];
    let function = tokio::spawn(api.runtime(app, &variables).shutdown_on(stopped).run());
    let register = api.request().await;
    register.answer(200, &[("Lambda-Extension-Identifier", "e-1")], b"{}").await;
    let (mut polls, mut events) = (Vec::new(), None);
    for _ in 0..3 {
        let request = api.request().await;
        if request.path.ends_with("/invocation/next") {
            polls.push(request);
        } else {
            events = Some(request);
        }
    }
    let (idle, mut poll) = (polls.pop().unwrap(), polls.pop().unwrap());
    let event = url_event("/hello");
    half(&mut poll, &clock, &event).await;
    stop.send(()).unwrap();
    idle.drain().await;
    other_half(poll, &mut api, &event).await;
    assert!(function.await.unwrap().is_ok());
    drop(events);
}

#[tokio::test]
async fn an_event_that_does_not_come_fails_and_the_next_one_is_taken() {
    for hangs_up in [false, true] {
        let (app, clock) = hello();
        let mut api = RuntimeApi::listen().await;
        let _function = api.start(app, InvokeMode::Buffered);
        let mut poll = api.poll().await;
        half(&mut poll, &clock, &url_event("/hello")).await;
        if hangs_up {
            drop(poll);
        } else {
            clock.clock.advance(Duration::from_millis(9_500));
            poll.drain().await;
        }
        let mut error = api.request().await;
        assert_eq!(error.resource(), "r1/error");
        let failed = json!({"errorType": "Function.InvalidEvent",
            "errorMessage": "the event was not received to its end"});
        assert_eq!(error.json().await, failed);
        error.answer(202, &[], b"").await;
        api.poll().await;
    }
}
