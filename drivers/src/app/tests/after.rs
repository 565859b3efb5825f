//! Work registered with `after`.

use core::future::pending;
use core::time::Duration;
use std::sync::{Arc, Mutex};

use apptheory_core::error::AppError;
use apptheory_core::http::RawRequest;
use serde_json::json;

use super::{builder, clock, get, text};
use crate::app::*;
use crate::clock::{Clock as _, VirtualClock};
use crate::trace;

/// What happened, in order.
#[derive(Clone, Default)]
struct Seen(Arc<Mutex<Vec<String>>>);

impl Seen {
    fn add(&self, what: impl Into<String>) {
        self.0.lock().unwrap().push(what.into());
    }

    fn take(&self) -> Vec<String> {
        core::mem::take(&mut *self.0.lock().unwrap())
    }
}

fn invocation() -> Invocation {
    Invocation { request_id: "r1".into(), trace: "Root=1-a".into(), ..Invocation::default() }
}

#[test]
fn it_is_done_behind_every_answer_beside_each_other_and_with_what_it_leaves_itself() {
    let (clock, seen) = (clock(), Seen::default());
    let shared = seen.clone();
    let leave = move |context: Context| {
        let seen = shared.clone();
        async move {
            for (name, seconds) in [("slow", 2), ("quick", 1)] {
                let (seen, inner) = (seen.clone(), context.clone());
                context.after(async move || {
                    inner.clock().sleep(Duration::from_secs(seconds)).await;
                    seen.add(format!("{name} {}", trace::current().x_amzn_trace_id()));
                    let last = seen.clone();
                    inner.after(async move || last.add(format!("behind {name}")));
                });
            }
            seen.add("answered");
            match context.path() {
                "/fails" => Err(AppError::conflict("sold out")),
                _ => Ok(()),
            }
        }
    };
    let app = builder(&clock)
        .get("/", leave.clone())
        .get("/fails", leave.clone())
        .sqs("orders", leave.clone())
        .otherwise(leave)
        .build()
        .unwrap();
    let expected = ["answered", "quick Root=1-a", "slow Root=1-a", "behind quick", "behind slow"];
    for (path, status) in [("/", 204), ("/fails", 409)] {
        let begun = clock.now();
        let response = clock.run(app.serve(get(path), invocation()));
        assert_eq!((response.status, seen.take()), (status, expected.map(String::from).to_vec()));
        assert_eq!(begun.until(clock.now()), Duration::from_secs(2));
    }
    let batch = json!({"Records": [{"eventSource": "aws:sqs", "messageId": "1", "body": "",
        "eventSourceARN": "arn:aws:sqs:r:1:orders"}]});
    for event in [batch, json!({"action": "ship"})] {
        clock.run(app.invoke(&event.to_string(), invocation())).unwrap();
        assert_eq!(seen.take(), expected);
    }
}

/// Returns an application that records reported failures.
fn recording(clock: &VirtualClock, seen: &Seen) -> App {
    let failures = seen.clone();
    builder(clock)
        .on_failure(move |failure| failures.add(format!("{} {failure}", failure.request_id)))
}

#[test]
fn a_panic_is_reported_and_the_other_work_goes_on() {
    let (clock, seen) = (clock(), Seen::default());
    let other = seen.clone();
    let app = recording(&clock, &seen).get("/", move |context: Context| {
        let seen = other.clone();
        context.after(async || panic!("boom"));
        context.after(|| -> core::future::Ready<()> { panic!("early") });
        context.after(async move || seen.add("done"));
        async { "hello" }
    });
    let response = clock.run(app.build().unwrap().serve(get("/"), invocation()));
    assert_eq!(text(&response), "hello");
    let mut seen = seen.take();
    seen.sort();
    assert_eq!(seen.len(), 3, "{seen:?}");
    assert_eq!(seen[0], "done");
    for (failure, message) in seen[1..].iter().zip(["boom", "early"]) {
        let panicked = format!("the work registered with `after` panicked: {message}");
        assert!(failure.starts_with("r1 ") && failure.ends_with(&panicked), "{failure}");
    }
}

#[test]
fn deferred_work_is_stopped_at_the_end_of_its_invocation() {
    let (clock, seen) = (clock(), Seen::default());
    let app = recording(&clock, &seen)
        .get("/after", async |context: Context| {
            context.after(pending);
        })
        .get("/handler", async |context: Context| {
            context.after(async || panic!("it is not begun"));
            pending::<()>().await;
        })
        .build()
        .unwrap();
    for (path, status) in [("/after", 204), ("/handler", 504)] {
        let begun = clock.now();
        let deadline = Some(begun.saturating_add(Duration::from_secs(6)));
        let response = clock.run(app.serve(get(path), Invocation { deadline, ..invocation() }));
        assert_eq!(response.status, status, "{path}");
        assert_eq!(begun.until(clock.now()), Duration::from_millis(5_500), "{path}");
        let seen = seen.take();
        let not_done = |line: &&String| line.contains("did not finish in time");
        assert_eq!(seen.iter().filter(not_done).count(), 1, "{path}: {seen:?}");
        assert!(!seen.iter().any(|line| line.contains("panicked")), "{path}: {seen:?}");
    }
}

#[test]
fn deferred_work_that_will_not_run_is_dropped_with_its_captures() {
    let clock = clock();
    let (held, kept) = (Arc::new(()), Arc::new(Mutex::new(None)));
    let (hold, keep) = (Arc::clone(&held), Arc::clone(&kept));
    let app = builder(&clock).get("/{way}", move |context: Context| {
        let (hold, keep) = (Arc::clone(&hold), Arc::clone(&keep));
        async move {
            let inner = context.clone();
            if context.param("way") == "late" {
                *keep.lock().unwrap() = Some(context);
                return;
            }
            // The work owns its own context.
            context.after(async move || drop((inner, hold)));
            pending::<()>().await;
        }
    });
    let app = app.build().unwrap();
    let before = Arc::strong_count(&held);
    let mut given_up = Box::pin(app.serve(get("/given-up"), invocation()));
    assert!(futures_util::FutureExt::now_or_never(&mut given_up).is_none());
    assert_eq!(Arc::strong_count(&held), before + 1);
    drop(given_up);
    assert_eq!(Arc::strong_count(&held), before);

    clock.run(app.serve(RawRequest::new("GET", "/late"), invocation()));
    let late = Arc::clone(&held);
    kept.lock().unwrap().take().unwrap().after(async move || drop(late));
    assert_eq!(Arc::strong_count(&held), before);
}
