//! Lambda SnapStart: a snapshot of the process before its first invocation, and its restore.

use core::time::Duration;
use std::sync::Arc;

use apptheory::app::events::BoxError;
use apptheory::app::{App, AppService, Context, Invocation};
use apptheory::eventbus::{EventBus, Ulid};
use apptheory::lambda::RuntimeError;
use apptheory::store::Store;
use tokio::sync::{Mutex, oneshot};
use tokio::task::JoinHandle;

use super::after::Seen;
use super::server::{Exchange, RuntimeApi};
use super::time::{clock, in_seconds};
use super::url_event;

const SNAP_START: [(&str, &str); 1] = [("AWS_LAMBDA_INITIALIZATION_TYPE", "snap-start")];

fn start(api: &RuntimeApi, app: AppService) -> JoinHandle<Result<(), RuntimeError>> {
    tokio::spawn(api.runtime(app, &SNAP_START).run())
}

/// A restore is one of the whole process, so tests with a restore run one after the other.
static RESTORES: Mutex<()> = Mutex::const_new(());

/// Waits for the function to request its restore.
async fn snapshot(api: &mut RuntimeApi) -> Exchange {
    let ready = api.request().await;
    let line = (&*ready.method, &*ready.path);
    assert_eq!(line, ("GET", "/2018-06-01/runtime/restore/next"));
    ready
}

/// Returns an application whose hooks record that they ran.
fn hooked(seen: &Seen) -> App {
    let (before, after) = (seen.clone(), seen.clone());
    App::new()
        .get("/hello", async |invocation: Invocation| format!("{}", invocation.is_cold_start))
        .before_snapshot(move || {
            before.add("before");
            async { Ok(()) }
        })
        .after_restore(move || {
            after.add("after");
            async { Ok(()) }
        })
}

#[tokio::test]
async fn the_hooks_run_around_the_snapshot_and_invocations_are_taken_behind_them() {
    let _alone = RESTORES.lock().await;
    let seen = Seen::default();
    let mut api = RuntimeApi::listen().await;
    let _function = start(&api, hooked(&seen).build().unwrap());
    // A connection that is closed meanwhile is not a restore.
    drop(snapshot(&mut api).await);
    let mut ready = snapshot(&mut api).await;
    assert_eq!(seen.take(), ["before"]);
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    assert!(api.try_request().is_none() && seen.take().is_empty());
    ready.answer_early(200, &[], b"").await;
    // The snapshot's connection is not used again.
    drop(ready);
    for is_cold in ["true", "false"] {
        let mut answer = api.invoke(&url_event("/hello")).await;
        assert_eq!(answer.json().await["body"], is_cold);
        answer.answer(202, &[], b"").await;
    }
    assert_eq!(seen.take(), ["after"]);
}

#[tokio::test]
async fn without_snap_start_there_is_no_snapshot() {
    let seen = Seen::default();
    for variables in [&[][..], &[("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand")]] {
        let mut api = RuntimeApi::listen().await;
        let app = hooked(&seen).build().unwrap();
        let _function = tokio::spawn(api.runtime(app, variables).run());
        api.poll().await;
        assert!(seen.take().is_empty());
    }
}

async fn fails() -> Result<(), BoxError> {
    Err("no table for password=hunter2".into())
}

async fn panics() -> Result<(), BoxError> {
    panic!("boom")
}

#[tokio::test]
async fn a_hook_that_fails_or_panics_before_the_snapshot_fails_the_init() {
    let failing = App::new().before_snapshot(fails).build().unwrap();
    let panicking = App::new().before_snapshot(panics).build().unwrap();
    for (app, why) in [
        (failing, "the hook before the snapshot failed: no table for password=[REDACTED]"),
        (
            panicking,
            "the hook before the snapshot failed: the hook before the snapshot panicked: boom",
        ),
    ] {
        let mut api = RuntimeApi::listen().await;
        let function = start(&api, app);
        assert_eq!(api.init_error().await, why);
        assert!(matches!(function.await.unwrap(), Err(RuntimeError::BeforeSnapshot(_))));
        assert!(api.try_request().is_none());
    }
}

#[tokio::test]
async fn a_hook_that_fails_or_panics_after_the_restore_fails_the_restore() {
    let _alone = RESTORES.lock().await;
    let failing = App::new().after_restore(fails).build().unwrap();
    let panicking = App::new().after_restore(panics).build().unwrap();
    for (app, why) in [(failing, "password=[REDACTED]"), (panicking, "panicked: boom")] {
        let mut api = RuntimeApi::listen().await;
        let function = start(&api, app);
        snapshot(&mut api).await.answer(200, &[], b"").await;
        let mut error = api.request().await;
        assert_eq!(error.path, "/2018-06-01/runtime/restore/error");
        assert_eq!(error.headers["lambda-runtime-function-error-type"], "Function.RestoreFailed");
        let said = error.json().await;
        assert_eq!(said["errorType"], "Function.RestoreFailed");
        assert!(said["errorMessage"].as_str().unwrap().ends_with(why), "{said}");
        error.answer(202, &[], b"").await;
        assert!(matches!(function.await.unwrap(), Err(RuntimeError::AfterRestore(_))));
        assert!(api.try_request().is_none());
    }
}

#[tokio::test]
async fn a_refused_restore_ends_the_function_and_a_shutdown_does_not_wait_for_one() {
    let mut api = RuntimeApi::listen().await;
    let function = start(&api, App::new().build().unwrap());
    snapshot(&mut api).await.answer(500, &[], b"{}").await;
    let refused = function.await.unwrap();
    assert!(matches!(refused, Err(RuntimeError::NoMoreInvocations(status)) if status == 500));

    let mut api = RuntimeApi::listen().await;
    let (stop, stopped) = oneshot::channel::<()>();
    let runtime = api.runtime(App::new().build().unwrap(), &SNAP_START);
    let function = tokio::spawn(runtime.shutdown_on(async { drop(stopped.await) }).run());
    let register = api.request().await;
    register.answer(200, &[("Lambda-Extension-Identifier", "e-1")], b"{}").await;
    // Lambda waits for both before it takes the snapshot.
    let mut waiting = [api.request().await.path, api.request().await.path];
    waiting.sort();
    assert_eq!(waiting, ["/2018-06-01/runtime/restore/next", "/2020-01-01/extension/event/next"]);
    stop.send(()).unwrap();
    function.await.unwrap().unwrap();
}

#[tokio::test]
async fn no_id_and_no_clock_reading_survives_a_snapshot() {
    let _alone = RESTORES.lock().await;
    const DAYS: i64 = 10 * 24 * 60 * 60;
    // The first process runs at the instant of its snapshot, as if the clock had been set back.
    for slept in [0, DAYS] {
        let clock = clock();
        let bus = EventBus::on(&Store::builder().clock(clock.clone()).memory());
        let drawn = Arc::new(std::sync::Mutex::new(Vec::<Ulid>::new()));
        let draw = {
            let drawn = Arc::clone(&drawn);
            move || {
                let id = bus.new_event("t1", "order.placed").id;
                drawn.lock().unwrap().push(id.parse().unwrap());
            }
        };
        let again = draw.clone();
        let app = App::new()
            .clock(clock.clone())
            .before_snapshot(move || {
                draw();
                draw();
                async { Ok(()) }
            })
            .get("/", move |context: Context| {
                again();
                let told = (context.now().unix_seconds(), context.remaining());
                async move { format!("{told:?} {}", context.new_id()) }
            });
        let mut api = RuntimeApi::listen().await;
        let _function = start(&api, app.build().unwrap());
        let ready = snapshot(&mut api).await;
        clock.advance(Duration::from_secs(slept.unsigned_abs()));
        ready.answer(200, &[], b"").await;
        let fields = [("Lambda-Runtime-Deadline-Ms", &*in_seconds(slept + 10))];
        api.poll().await.hand_out("r1", &fields, &url_event("/")).await;
        let told = api.request().await.json().await["body"].as_str().unwrap().to_owned();
        let now = 1_800_000_000 + slept;
        assert!(told.starts_with(&format!("({now}, Some(10s)) ")), "{told}");

        let drawn = drawn.lock().unwrap();
        let [first, second, restored] = drawn[..] else { panic!("{drawn:?}") };
        // ULIDs of one process are consecutive, and would be the same in every process of the
        // snapshot.
        assert!(second.entropy() - first.entropy() < 1 << 40, "{drawn:?}");
        assert!(restored.entropy().abs_diff(second.entropy()) > 1 << 40, "{drawn:?}");
        assert_eq!(second.timestamp().until(restored.timestamp()).as_secs(), slept.unsigned_abs());
    }
}
