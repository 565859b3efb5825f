//! Deadlines, with a clock that the test sets.

use core::time::Duration;

use apptheory::app::{App, Context};
use apptheory::clock::VirtualClock;
use apptheory::lambda::InvokeMode;
use apptheory_core::time::Timestamp;

use super::server::{Exchange, RuntimeApi};
use super::{Feed, fed_by, url_event};

const NOW: i64 = 1_800_000_000;

pub(super) fn clock() -> VirtualClock {
    VirtualClock::new(Timestamp::from_unix_seconds(NOW))
}

pub(super) fn in_seconds(seconds: i64) -> String {
    ((NOW + seconds) * 1000).to_string()
}

async fn hand_out(poll: Exchange, path: &str, deadline_ms: &str) {
    let fields = [("Lambda-Runtime-Deadline-Ms", deadline_ms)];
    poll.hand_out("r1", &fields, &url_event(path)).await;
}

/// Returns a function whose stream waits for the test, ten seconds before its deadline.
async fn waiting(clock: &VirtualClock, mode: InvokeMode) -> (RuntimeApi, Feed) {
    let (app, mut feed) = fed_by(App::new().clock(clock.clone()));
    let mut api = RuntimeApi::listen().await;
    let _function = api.start(app, mode);
    hand_out(api.poll().await, "/", &in_seconds(10)).await;
    feed.called().await;
    (api, feed)
}

#[tokio::test]
async fn a_stream_ends_before_its_deadline() {
    let clock = clock();
    let (mut api, feed) = waiting(&clock, InvokeMode::Streaming).await;
    feed.send("a");
    let mut response = api.request().await;
    for _ in 0..3 {
        response.chunk().await.unwrap();
    }
    clock.advance(Duration::from_millis(9_499));
    feed.send("b");
    assert_eq!(response.text_chunk().await, "b");
    clock.advance(Duration::from_millis(1));
    let rest = response.accept().await;
    assert!(rest.chunks.is_empty());
    assert_eq!(rest.trailers["lambda-runtime-function-error-type"], "app.timeout");
    feed.dropped().await;
    api.poll().await;
}

#[tokio::test]
async fn a_stream_that_never_began_is_504() {
    let clock = clock();
    let (mut api, feed) = waiting(&clock, InvokeMode::Streaming).await;
    clock.advance(Duration::from_millis(9_500));
    let answer = api.request().await.accept().await;
    let prelude = String::from_utf8_lossy(&answer.chunks[0]).into_owned();
    assert!(prelude.starts_with(r#"{"statusCode":504,"#), "{prelude}");
    assert!(answer.trailers.is_empty());
    feed.dropped().await;
    api.poll().await;
}

#[tokio::test]
async fn a_collected_stream_is_504() {
    let clock = clock();
    let (mut api, feed) = waiting(&clock, InvokeMode::Buffered).await;
    feed.send("a");
    clock.advance(Duration::from_millis(9_500));
    assert_eq!(api.request().await.json().await["statusCode"], 504);
    feed.dropped().await;
}

#[tokio::test]
async fn deadlines_are_none_expired_or_ahead() {
    let left = async |context: Context| format!("{:?}", context.remaining());
    let app = App::new().clock(clock()).get("/left", left).build().unwrap();
    let mut api = RuntimeApi::listen().await;
    let _function = api.start(app, InvokeMode::Buffered);
    // Emulators count from 1970.
    for (deadline_ms, left) in [
        (&*in_seconds(10), "Some(10s)"),
        ("300000", "None"),
        (&*in_seconds(0), "None"),
        ("", "None"),
        ("soon", "None"),
    ] {
        hand_out(api.poll().await, "/left", deadline_ms).await;
        let mut response = api.request().await;
        assert_eq!(response.json().await["body"], left, "{deadline_ms}");
        response.answer(202, &[], b"").await;
    }
}
