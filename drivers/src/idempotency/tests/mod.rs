//! Tests of idempotency, from the view of clients and services, on either store and with faults.

mod records;

use core::sync::atomic::{AtomicU32, Ordering};
use core::time::Duration;
use std::sync::Arc;

use apptheory_core::error::AppError;
use apptheory_core::http::RawRequest;
use apptheory_core::http::exchange::{Access, Principal, TenantSource};
use apptheory_core::idempotency::{IdempotencyConfig, KeySource, MAX_RESULT_BYTES};
use apptheory_core::machine::Effect;
use apptheory_core::store::{self, Value};
use apptheory_core::time::Timestamp;
use futures_util::future::join;
use serde_json::{Value as Json, json};

use super::Idempotent;
use crate::app::events::{BoxError, SqsMessage};
use crate::app::{
    Answer, App, AppService, BodyStream, Context, Handler as _, Invocation, Response,
};
use crate::clock::{Clock as _, VirtualClock};
use crate::execute::Execute;
use crate::layer::{FaultPlan, Faulty};
use crate::store::{MemoryStore, Store};

/// The number of handler runs.
type Runs = Arc<AtomicU32>;

fn clock() -> VirtualClock {
    VirtualClock::new(Timestamp::from_unix_seconds(1_767_225_600))
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn idempotency() -> IdempotencyConfig {
    IdempotencyConfig::builder().build()
}

fn memory(clock: &VirtualClock) -> Store {
    Store::builder().clock(clock.clone()).memory()
}

fn once(store: &Store) -> Idempotent {
    Idempotent::with_config("shop", idempotency(), store)
}

/// Returns an application whose handlers do as the body says: `fail`, `panic`, `large`, `stream`, a
/// status, a number of seconds to wait before responding with the number of runs, or nothing.
fn app(clock: &VirtualClock, once: Idempotent) -> (AppService, Runs) {
    let runs = Runs::default();
    let counted = Arc::clone(&runs);
    let handler = move |context: Context| {
        let run = counted.fetch_add(1, Ordering::Relaxed) + 1;
        async move { answer(&context, run).await }
    };
    let app = builder(clock).layer(once);
    let app = app.post("/orders", handler.clone()).get("/orders", handler.clone());
    (app.post("/orders/{id}", handler).build().unwrap(), runs)
}

fn builder(clock: &VirtualClock) -> App {
    App::new().clock(clock.clone()).settings(|it| it.tenant = TenantSource::Field)
}

async fn answer(context: &Context, run: u32) -> Answer {
    match core::str::from_utf8(context.body()).unwrap() {
        "fail" => Err(AppError::bad_request("out of stock")),
        "panic" => panic!("boom"),
        "large" => Ok(Response::text(201, "x".repeat(MAX_RESULT_BYTES))),
        "stream" => {
            Ok(Response::text(201, "").with_stream(BodyStream::from_chunks([b"a".to_vec()])))
        }
        "503" => Ok(Response::text(503, "later")),
        "409" => Ok(Response::text(409, "sold")),
        wait => {
            context.clock().sleep(seconds(wait.parse().unwrap_or_default())).await;
            let response = Response::text(201, format!("run {run}"));
            Ok(response.with_cookie("a=b").with_header("x-many", "1"))
        }
    }
}

/// Returns a request of the caller Ann.
fn request<'a>(key: &str, body: &'a str) -> RawRequest<'a> {
    request_with(key, body, &[("Authorization", "Bearer ann")])
}

fn request_with<'a>(key: &str, body: &'a str, fields: &[(&str, &str)]) -> RawRequest<'a> {
    let mut request = RawRequest::new("POST", "/orders");
    for (name, value) in fields {
        request.headers.append(*name, *value);
    }
    if !key.is_empty() {
        request.headers.append("Idempotency-Key", key);
    }
    RawRequest { body: body.as_bytes().into(), ..request }
}

/// The status, the body, the header `retry-after`, and whether it is a replay.
type Seen = (u16, String, String, bool);

async fn serve(app: &AppService, clock: &VirtualClock, request: RawRequest<'_>, left: u64) -> Seen {
    serve_until(app, request, Some(clock.now().saturating_add(seconds(left)))).await
}

async fn serve_until(
    app: &AppService,
    request: RawRequest<'_>,
    deadline: Option<Timestamp>,
) -> Seen {
    let response = app.serve(request, Invocation { deadline, ..Invocation::default() }).await;
    let is_replayed = response.headers.first("idempotency-replayed") == "true";
    let retry_after = response.headers.first("retry-after").to_owned();
    (response.status, String::from_utf8(response.body).unwrap(), retry_after, is_replayed)
}

/// Serves a request with the key `k` and a deadline of 10 s.
fn ask(app: &AppService, clock: &VirtualClock, body: &str) -> Seen {
    clock.run(serve(app, clock, request("k", body), 10))
}

fn ran(run: u32, is_replayed: bool) -> Seen {
    (201, format!("run {run}"), String::new(), is_replayed)
}

fn count(runs: &Runs) -> u32 {
    runs.load(Ordering::Relaxed)
}

fn a_request_is_served_once_and_its_answer_given_again(store: impl Fn(&VirtualClock) -> Store) {
    let clock = clock();
    let (app, runs) = app(&clock, once(&store(&clock)));
    assert_eq!(ask(&app, &clock, ""), ran(1, false));
    assert_eq!(ask(&app, &clock, ""), ran(1, true));
    let again = clock.run(app.serve(request("k", ""), Invocation::default()));
    // Cookies are not kept.
    assert_eq!((again.cookies, again.headers.first("x-many")), (Vec::<String>::new(), "1"));

    let (status, body, _, is_replayed) = ask(&app, &clock, "0");
    assert!(status == 422 && body.contains("app.validation_failed") && !is_replayed);
    // Another key, route, tenant or scope is other work, and requests without a key are never
    // replays.
    assert_eq!(clock.run(serve(&app, &clock, request("l", ""), 10)), ran(2, false));
    let mut elsewhere = request("k", "");
    elsewhere.path = apptheory_core::http::UriPath::from_encoded("/orders/7");
    assert_eq!(clock.run(serve(&app, &clock, elsewhere.clone(), 10)), ran(3, false));
    assert_eq!(clock.run(serve(&app, &clock, elsewhere, 10)), ran(3, true));
    let mut of_tenant = request("k", "");
    of_tenant.headers.append("x-tenant-id", "t1");
    assert_eq!(clock.run(serve(&app, &clock, of_tenant, 10)), ran(4, false));
    let safe = RawRequest { method: "GET".to_owned(), ..request("k", "") };
    assert_eq!(clock.run(serve(&app, &clock, safe, 10)), ran(5, false));
    assert_eq!(clock.run(serve(&app, &clock, request("", ""), 10)), ran(6, false));

    clock.advance(seconds(3_600));
    assert_eq!(ask(&app, &clock, ""), ran(7, false));
    assert_eq!(count(&runs), 7);
}

fn what_fails_can_be_tried_again_and_what_is_done_is_done(store: impl Fn(&VirtualClock) -> Store) {
    let clock = clock();
    let (app, runs) = app(&clock, once(&store(&clock)));
    for (run, (body, status)) in
        [("fail", 400), ("fail", 400), ("503", 503), ("503", 503), ("panic", 500)]
            .into_iter()
            .enumerate()
    {
        let (answered, .., is_replayed) = ask(&app, &clock, body);
        assert_eq!((answered, is_replayed, count(&runs) as usize), (status, false, run + 1));
    }
    let keyed = |key: &str, body: &str| clock.run(serve(&app, &clock, request(key, body), 10));
    for key in ["large", "stream"] {
        assert_eq!(keyed(key, key).0, 201);
        assert_eq!(keyed(key, key), (200, String::new(), String::new(), true));
    }
    let sold = |is_replayed| (409, "sold".to_owned(), String::new(), is_replayed);
    assert_eq!([keyed("409", "409"), keyed("409", "409")], [sold(false), sold(true)]);
    assert_eq!(count(&runs), 8);
}

fn one_at_a_time(store: impl Fn(&VirtualClock) -> Store) {
    let clock = clock();
    let (app, runs) = app(&clock, once(&store(&clock)));
    let later = async |after: u64| {
        clock.sleep(seconds(after)).await;
        serve(&app, &clock, request("k", "5"), 10).await
    };
    let (first, second) = clock.run(join(serve(&app, &clock, request("k", "5"), 10), later(2)));
    assert_eq!(first, ran(1, false));
    assert!(second.0 == 409 && second.1.contains("app.conflict") && second.2 == "8");
    assert_eq!(ask(&app, &clock, "5"), ran(1, true));

    // Work that takes longer than the lease (a minute without a deadline) may lose it, and then
    // overwrites nothing.
    let slow = async |after: u64| {
        clock.sleep(seconds(after)).await;
        serve_until(&app, request("slow", "70"), None).await
    };
    let (first, second) = clock.run(join(slow(0), slow(65)));
    assert_eq!([first, second], [ran(2, false), ran(3, false)]);
    // No one else began the work after the second, so its result is kept although it is late.
    assert_eq!(clock.run(slow(0)), ran(3, true));
    assert_eq!(count(&runs), 3);
}

#[test]
fn requests_are_idempotent_on_the_memory_store() {
    a_request_is_served_once_and_its_answer_given_again(memory);
    what_fails_can_be_tried_again_and_what_is_done_is_done(memory);
    one_at_a_time(memory);
}

#[cfg(feature = "embedded")]
#[test]
fn requests_are_idempotent_on_the_embedded_store() {
    let embedded = |clock: &VirtualClock| {
        let store = crate::store::EmbeddedStore::in_memory(clock.clone()).unwrap();
        store.create_table(&idempotency().table()).unwrap();
        Store::builder().clock(clock.clone()).executor(store)
    };
    a_request_is_served_once_and_its_answer_given_again(embedded);
    what_fails_can_be_tried_again_and_what_is_done_is_done(embedded);
    one_at_a_time(embedded);
}

#[test]
fn keys_come_from_elsewhere_or_are_required() {
    let clock = clock();
    let key = KeySource::json_pointer("/id").unwrap();
    let (app, runs) = app(&clock, once(&memory(&clock)).with_key(key).require_key());
    let post = |body: &str| clock.run(serve(&app, &clock, request("", body), 10));
    assert_eq!(post(r#"{"id":"o1"}"#), ran(1, false));
    assert_eq!(post(r#"{"id":"o1"}"#), ran(1, true));
    let (status, body, ..) = post("{}");
    assert!(status == 400 && body.contains("idempotency key is required"));
    let safe = RawRequest { method: "GET".to_owned(), ..request("", "") };
    assert_eq!(clock.run(serve(&app, &clock, safe, 10)).0, 201);
    assert_eq!(count(&runs), 2);
}

/// Returns the responses over a store with faults; each request is a body, with a pause before it.
fn faulty(plan: FaultPlan, fails_open: bool, asks: &[u64]) -> Vec<Seen> {
    let clock = clock();
    let once = once(&memory(&clock).layer(|store| Faulty::new(store, plan)));
    let (app, _) = app(&clock, if fails_open { once.fail_open() } else { once });
    let ask = |pause: &u64| {
        clock.advance(seconds(*pause));
        ask(&app, &clock, "")
    };
    asks.iter().map(ask).collect()
}

#[test]
fn requests_are_refused_when_the_store_fails_unless_failing_open() {
    let plan = || FaultPlan::default().fail(1, store::Error::Throttled);
    let seen = faulty(plan(), false, &[0, 0]);
    assert_eq!((seen[0].0, &*seen[0].2), (503, "1"));
    assert_eq!(seen[1], ran(1, false));
    assert_eq!(faulty(plan(), true, &[0, 0, 0]), [ran(1, false), ran(2, false), ran(2, true)]);
}

#[test]
fn a_lease_whose_reply_was_lost_is_ones_own() {
    for error in [store::Error::Timeout, store::Error::Unavailable] {
        let once = FaultPlan::default().lose_reply(1, error);
        assert_eq!(faulty(once, false, &[0, 0]), [ran(1, false), ran(1, true)]);
        let twice = FaultPlan::default().lose_reply(1, error).lose_reply(2, error);
        let seen = faulty(twice, false, &[0, 9, 1]);
        assert_eq!(seen.iter().map(|seen| seen.0).collect::<Vec<_>>(), [503, 409, 201]);
        assert_eq!(seen[1].2, "1");
    }
}

#[test]
fn a_store_that_is_silent_at_first_is_asked_again() {
    let clock = clock();
    let store = memory(&clock).layer(|store| Slow { store, calls: AtomicU32::new(0) });
    let (app, runs) = app(&clock, once(&store));
    assert_eq!(ask(&app, &clock, ""), ran(1, false));
    assert_eq!(ask(&app, &clock, ""), ran(1, true));
    assert_eq!(count(&runs), 1);
}

/// A store whose first reply is a minute late, although the write happened at once.
struct Slow {
    store: Store,
    calls: AtomicU32,
}

impl<E: Effect<Outcome: Send> + Sync> Execute<E> for Slow
where
    Store: Execute<E>,
{
    async fn execute(&self, effect: &E) -> E::Outcome {
        let outcome = self.store.execute(effect).await;
        if self.calls.fetch_add(1, Ordering::Relaxed) == 0 {
            self.store.clock().sleep(seconds(60)).await;
        }
        outcome
    }
}

#[test]
fn an_answer_is_kept_for_its_caller_alone() {
    type Fields = &'static [(&'static str, &'static str)];
    let session = |store: &Store| {
        let once = once(store).with_session_cookies(["session"]).unwrap();
        once.with_secret("secret").unwrap()
    };
    let clock = clock();
    let (app, _) = app(&clock, session(&memory(&clock)));
    let ask = |fields: Fields| {
        let (_, body, _, is_replayed) =
            clock.run(serve(&app, &clock, request_with("k", "", fields), 10));
        (body, is_replayed)
    };
    let callers: [Fields; 5] = [
        &[("authorization", "Bearer a")],
        &[("authorization", "Bearer b")],
        &[("x-api-key", "a")],
        &[("cookie", "session=a; theme=dark")],
        &[("cookie", "session=b")],
    ];
    for (run, fields) in (1..).zip(callers) {
        assert_eq!(ask(fields), (format!("run {run}"), false));
    }
    for (run, fields) in (1..).zip(callers) {
        assert_eq!(ask(fields), (format!("run {run}"), true));
    }
    // The same caller, spelled differently.
    assert_eq!(ask(&[("authorization", "BEARER  a")]), ("run 1".to_owned(), true));
    assert_eq!(ask(&[("cookie", "theme=light; session=a")]), ("run 4".to_owned(), true));
    // Anonymous requests run each time, whatever names they claim.
    let nothing: [Fields; 3] =
        [&[], &[("cookie", "theme=dark")], &[("x-tenant-id", "t"), ("x-forwarded-for", "::1")]];
    for (run, fields) in (6..).zip(nothing.into_iter().chain(nothing)) {
        assert_eq!(ask(fields), (format!("run {run}"), false));
    }
}

#[test]
fn an_identity_is_a_caller_and_the_anonymous_can_share() {
    let clock = clock();
    let runs = Runs::default();
    let counted = Arc::clone(&runs);
    let app = builder(&clock)
        .authenticate(async |context: Context| {
            let user = context.header("x-user");
            Ok((!user.is_empty()).then(|| Principal::new(user)))
        })
        .layer(once(&memory(&clock)).shared_by_anonymous())
        .post(
            "/orders",
            (move |_: Context| {
                let run = counted.fetch_add(1, Ordering::Relaxed) + 1;
                async move { Response::text(201, format!("run {run}")) }
            })
            .access(Access::Optional),
        )
        .build()
        .unwrap();
    let ask =
        |fields: &[(&str, &str)]| clock.run(serve(&app, &clock, request_with("k", "", fields), 10));
    assert_eq!(ask(&[("x-user", "ann")]), ran(1, false));
    // A token is renewed between two attempts.
    assert_eq!(ask(&[("x-user", "ann"), ("authorization", "Bearer 2")]), ran(1, true));
    assert_eq!(ask(&[("x-user", "bob")]), ran(2, false));
    assert_eq!(ask(&[]), ran(3, false));
    assert_eq!(ask(&[]), ran(3, true));
}

#[test]
fn a_result_is_kept_at_the_second_try_or_the_work_done_again() {
    let once = FaultPlan::default().fail(2, store::Error::Unavailable);
    assert_eq!(faulty(once, false, &[0, 0]), [ran(1, false), ran(1, true)]);
    let lost = FaultPlan::default().lose_reply(2, store::Error::Timeout);
    assert_eq!(faulty(lost, false, &[0, 0]), [ran(1, false), ran(1, true)]);
    let twice =
        FaultPlan::default().fail(2, store::Error::Unavailable).fail(3, store::Error::Timeout);
    let seen = faulty(twice, false, &[0, 9, 1]);
    assert_eq!([&seen[0], &seen[2]], [&ran(1, false), &ran(2, false)]);
    assert_eq!(seen[1].0, 409);
}

#[test]
fn work_that_could_not_be_given_back_is_waited_for() {
    let clock = clock();
    let plan = FaultPlan::default().fail(2, store::Error::Unavailable);
    let (app, runs) = app(&clock, once(&memory(&clock).layer(|store| Faulty::new(store, plan))));
    assert_eq!(ask(&app, &clock, "fail").0, 400);
    assert_eq!(ask(&app, &clock, "fail").0, 409);
    clock.advance(seconds(10));
    assert_eq!(ask(&app, &clock, "fail").0, 400);
    assert_eq!(count(&runs), 2);
}

#[test]
fn a_kept_result_that_cannot_be_read_is_503() {
    let clock = clock();
    let store = MemoryStore::new(clock.clone()).with_table(idempotency().table());
    let on_store = Store::builder().clock(clock.clone()).executor(store.clone());
    let (app, runs) = app(&clock, once(&on_store));
    assert_eq!(ask(&app, &clock, ""), ran(1, false));
    let table = idempotency().table().name;
    let spoiled = store.items(&table).remove(0).with("Result", Value::B(b"{}".to_vec()));
    store.seed(&table, [spoiled]).unwrap();
    assert_eq!(ask(&app, &clock, "").0, 503);
    assert_eq!(count(&runs), 1);
}
