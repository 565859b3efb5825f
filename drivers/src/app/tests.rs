//! Applications as their authors and clients see them.

use core::time::Duration;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use apptheory_core::http::exchange::{
    Access, Cors, Limits, PolicyDecision, PolicyStage, Principal, Tier,
};
use apptheory_core::http::router::RegistrationError;
use apptheory_core::http::{AppError, RawRequest, code};
use apptheory_core::limiter::{Decision, FixedWindow, Limiter};
use apptheory_core::time::Timestamp;
use core::num::NonZeroU64;
use futures_util::{FutureExt as _, StreamExt as _};
use serde_json::{Value as Json, json};

use super::*;
use crate::clock::{Clock as _, ManualClock, VirtualClock};
use crate::ids::SequentialIds;
use crate::memory::MemoryStore;
use crate::rate_limiter::RateLimiter;

fn clock() -> VirtualClock {
    VirtualClock::new(Timestamp::UNIX_EPOCH)
}

fn builder(clock: &VirtualClock) -> AppBuilder {
    App::builder().clock(clock.clone()).ids(SequentialIds::default())
}

fn get(path: &str) -> RawRequest<'static> {
    RawRequest::new("GET", path)
}

fn serve(app: &App, clock: &VirtualClock, request: RawRequest<'_>) -> Response {
    clock.run(app.serve(request, Invocation::default()))
}

fn text(response: &Response) -> &str {
    core::str::from_utf8(&response.body).expect("text")
}

#[test]
fn handlers_are_functions_of_what_they_ask_for() {
    #[derive(serde::Deserialize, serde::Serialize)]
    struct Order {
        item: String,
    }
    #[derive(Clone)]
    struct Shop {
        name: &'static str,
        prices: Arc<[u32]>,
    }
    impl FromRef<Shop> for Arc<[u32]> {
        fn from_ref(shop: &Shop) -> Self {
            Self::clone(&shop.prices)
        }
    }
    async fn create(State(shop): State<Shop>, Json(order): super::Json<Order>) -> (u16, String) {
        (201, format!("{} of {}", order.item, shop.name))
    }
    async fn price(context: Context, State(prices): State<Arc<[u32]>>) -> Result<String, AppError> {
        let index: Option<usize> = context.param("id").parse().ok();
        let price = index.and_then(|index| prices.get(index));
        price.map(u32::to_string).ok_or_else(AppError::not_found)
    }
    let clock = clock();
    let app = App::with_state(Shop { name: "corner", prices: Arc::new([5, 7]) })
        .clock(clock.clone())
        .post("/orders", create)
        .get("/prices/{id}", price)
        .build()
        .unwrap();

    let mut order = RawRequest::new("POST", "/orders");
    order.body = br#"{"item":"tea"}"#.as_slice().into();
    let created = serve(&app, &clock, order);
    assert_eq!((created.status, text(&created)), (201, "tea of corner"));
    assert_eq!(text(&serve(&app, &clock, get("/prices/1"))), "7");
    assert_eq!(serve(&app, &clock, get("/prices/2")).status, 404);

    for (body, message) in
        [("", "request body is empty"), ("{}", "invalid json"), ("{", "invalid json")]
    {
        let mut order = RawRequest::new("POST", "/orders");
        order.body = body.as_bytes().into();
        let refused = serve(&app, &clock, order);
        assert_eq!(refused.status, 400);
        assert!(text(&refused).contains(message), "{}", text(&refused));
    }
}

#[test]
fn values_are_bound_or_their_client_is_told_which_is_not() {
    #[derive(serde::Deserialize)]
    struct Page {
        limit: Option<u8>,
        #[serde(default)]
        tag: Vec<String>,
    }
    #[derive(serde::Deserialize)]
    #[serde(rename_all = "kebab-case")]
    struct Wanted {
        x_version: u32,
    }
    async fn list(
        Path((user, year)): Path<(String, u16)>,
        Query(page): Query<Page>,
        wanted: Option<Fields<Wanted>>,
    ) -> String {
        let version = wanted.map(|Fields(wanted)| wanted.x_version);
        format!("{user} {year} {:?} {} {version:?}", page.limit, page.tag.join("+"))
    }
    let clock = clock();
    let app = builder(&clock).get("/users/{user}/{year}", list).build().unwrap();
    let call = |path: &str, query: &str, version: &str| {
        let mut request = get(path);
        request.query = apptheory_core::http::parse_query(query);
        request.headers.append("X-Version", version);
        serve(&app, &clock, request)
    };
    let listed = call("/users/Ada%20L/1843", "limit=7&tag=a&tag=b", "2");
    assert_eq!(text(&listed), "Ada L 1843 Some(7) a+b Some(2)");
    assert_eq!(text(&call("/users/a/1", "", "x")), "a 1 None  None");
    for (path, query, source, name) in [
        ("/users/a/x", "", "path", "year"),
        ("/users/%zz/1", "", "path", "user"),
        ("/users/a/1", "limit=256", "query", "limit"),
    ] {
        let refused = call(path, query, "");
        let body: Json = serde_json::from_slice(&refused.body).unwrap();
        assert_eq!((refused.status, &body["error"]["code"]), (400, &json!("app.bad_request")));
        let details = json!({"source": source, "name": name, "field": name});
        assert_eq!(body["error"]["details"], details);
    }
}

#[test]
fn what_goes_wrong_inside_is_masked_and_told_to_the_application() {
    let failures = Arc::new(Mutex::new(Vec::new()));
    let told = Arc::clone(&failures);
    let clock = clock();
    let app = builder(&clock)
        .get("/panic", async || -> &'static str { panic!("boom") })
        .get("/panic-early", |_: Context| -> core::future::Ready<&'static str> { panic!("early") })
        .get("/foreign", async || {
            Err::<(), Box<dyn core::error::Error + Send + Sync>>("no route to host".into())
        })
        .get("/extension", async |Extension(_): Extension<u8>| "never")
        .get("/conflict", async || Err::<(), _>(AppError::conflict("taken")))
        .on_failure(move |failure| {
            let cause = core::error::Error::source(&failure.error).map(ToString::to_string);
            told.lock().unwrap().push((failure.request_id.clone(), cause.unwrap_or_default()));
            panic!("a hook that panics stops nothing");
        })
        .build()
        .unwrap();
    for path in ["/panic", "/panic-early", "/foreign", "/extension", "/conflict"] {
        let response = serve(&app, &clock, get(path));
        let expected = if path == "/conflict" { 409 } else { 500 };
        assert_eq!(response.status, expected, "{path}");
        assert_eq!(text(&response).contains("internal error"), expected == 500);
        assert!(response.headers.contains("x-request-id"));
    }
    let failures = failures.lock().unwrap();
    let causes: Vec<&str> = failures.iter().map(|(_, cause)| cause.as_str()).collect();
    let expected = [
        "a handler panicked: boom",
        "a handler panicked: early",
        "no route to host",
        "no middleware left an extension of the type u8",
    ];
    assert_eq!(causes, expected);
    assert!(failures.iter().all(|(id, _)| id.len() == 32));
}

#[test]
fn middleware_goes_around_handlers_in_order() {
    async fn outer(context: Context, next: Next) -> Answer {
        context.set(" mw ", "ok");
        context.trace("outer");
        context.extend(7_u8);
        let seen = context.clone();
        let response = next.run(context).await?;
        let left = seen.get("left").unwrap_or_default();
        Ok(response.with_header("x-left", left.as_str().unwrap_or("nothing")))
    }
    async fn inner(context: Context, next: Next) -> Answer {
        context.trace("inner");
        if context.query("stop") == "1" {
            return Err(AppError::forbidden());
        }
        next.run(context).await
    }
    let clock = clock();
    let app = builder(&clock)
        .middleware(outer)
        .middleware(inner)
        .get("/", async |context: Context, Extension(number): Extension<u8>| {
            context.set("left", "by the handler");
            Json(json!({"mw": context.get("mw"), "stages": context.stages(), "n": *number}))
        })
        .build()
        .unwrap();
    let response = serve(&app, &clock, get("/"));
    let body: Json = serde_json::from_slice(&response.body).unwrap();
    let stages = ["request_id", "recovery", "logging", "handler", "outer", "inner"];
    assert_eq!(body, json!({"mw": "ok", "stages": stages, "n": 7}));
    assert_eq!(response.headers.first("x-left"), "by the handler");

    let mut stopped = get("/");
    stopped.query = apptheory_core::http::parse_query("stop=1");
    assert_eq!(serve(&app, &clock, stopped).status, 403);
    assert!(!serve(&app, &clock, get("/nowhere")).headers.contains("x-left"));
}

#[test]
fn a_handler_that_takes_too_long_is_dropped() {
    struct Dropped(Arc<AtomicUsize>);
    impl Drop for Dropped {
        fn drop(&mut self) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
    let (dropped, committed) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (seen, done) = (Arc::clone(&dropped), Arc::clone(&committed));
    let clock = clock();
    let timeout = Timeout::after(Duration::from_millis(50))
        .for_tenant("patient", Duration::from_millis(200))
        .for_operation("get", "/slow/{ms}", Duration::from_millis(70));
    let app = builder(&clock)
        .middleware(timeout)
        .get("/slow/{ms}", move |context: Context| {
            let (guard, done) = (Dropped(Arc::clone(&seen)), Arc::clone(&done));
            async move {
                let ms = context.param("ms").parse().unwrap_or_default();
                context.clock().sleep(Duration::from_millis(ms)).await;
                done.fetch_add(1, Ordering::Relaxed);
                drop(guard);
                "done"
            }
        })
        .get("/{ms}", async |context: Context| {
            let ms = context.param("ms").parse().unwrap_or_default();
            context.clock().sleep(Duration::from_millis(ms)).await;
            assert!(!context.cancellation().is_cancelled());
            "done"
        })
        .build()
        .unwrap();
    let status = |path: &str, tenant: &str, deadline_ms: Option<u64>| {
        let mut request = get(path);
        request.headers.append("x-tenant-id", tenant);
        let now = clock.now();
        let deadline = deadline_ms.map(|ms| now.saturating_add(Duration::from_millis(ms)));
        let invocation = Invocation { deadline, ..Invocation::default() };
        clock.run(app.serve(request, invocation)).status
    };
    assert_eq!((status("/49", "", None), status("/51", "", None)), (200, 408));
    assert_eq!((status("/199", "patient", None), status("/201", "patient", None)), (200, 408));
    assert_eq!((status("/slow/69", "patient", None), status("/slow/71", "", None)), (200, 408));
    assert_eq!((status("/29", "", Some(30)), status("/31", "", Some(30))), (200, 408));
    assert_eq!(status("/0", "", Some(0)), 408, "a deadline that has passed is one");
    assert_eq!((dropped.load(Ordering::Relaxed), committed.load(Ordering::Relaxed)), (2, 1));
}

#[test]
fn work_started_elsewhere_hears_that_nobody_waits() {
    let left = Arc::new(Mutex::new(None));
    let token = Arc::clone(&left);
    let clock = clock();
    let app = builder(&clock)
        .middleware(Timeout::after(Duration::from_millis(5)))
        .get("/{ms}", move |context: Context| {
            *token.lock().unwrap() = Some(context.cancellation().clone());
            async move {
                let ms = context.param("ms").parse().unwrap_or_default();
                context.clock().sleep(Duration::from_millis(ms)).await;
            }
        })
        .build()
        .unwrap();
    let is_cancelled = || left.lock().unwrap().as_ref().is_some_and(|token| token.is_cancelled());
    assert_eq!(serve(&app, &clock, get("/1")).status, 204);
    assert!(!is_cancelled());
    assert_eq!(serve(&app, &clock, get("/9")).status, 408);
    assert!(is_cancelled());

    let given_up = app.serve(get("/1"), Invocation::default());
    let mut given_up = Box::pin(given_up);
    clock.run(async { assert!((&mut given_up).now_or_never().is_none()) });
    assert!(!is_cancelled());
    drop(given_up);
    assert!(is_cancelled());
}

#[test]
fn callers_and_policies_are_asked() {
    let clock = clock();
    let app = builder(&clock)
        .authenticate(async |context: Context| match context.header("authorization") {
            "" => Ok(None),
            "panic" => panic!("boom"),
            name => Ok(Some(Principal::new(name))),
        })
        .policy(PolicyStage::AfterAuthentication, async |context: Context| {
            let headers = [("retry-after", "1")].into_iter().collect();
            let is_busy = context.identity() == "busy";
            Ok(is_busy.then(|| PolicyDecision::overloaded(headers)))
        })
        .route_for(Access::Authenticated, "GET", "/", async |context: Context| {
            context.identity().to_owned()
        })
        .build()
        .unwrap();
    for (authorization, status) in [("", 401), ("u", 200), ("busy", 503), ("panic", 500)] {
        let mut request = get("/");
        request.headers.append("authorization", authorization);
        let response = serve(&app, &clock, request);
        assert_eq!(response.status, status, "{authorization}");
        assert_eq!(response.headers.first("retry-after"), if status == 503 { "1" } else { "" });
        if status == 200 {
            assert_eq!(text(&response), "u");
        }
    }
}

#[test]
fn hooks_are_told_of_every_answer_and_isolated() {
    let told = Arc::new(Mutex::new(Vec::new()));
    let (metrics, spans) = (Arc::clone(&told), Arc::clone(&told));
    let clock = clock();
    let manual = clock.clone();
    let app = builder(&clock)
        .get("/", move || {
            manual.advance(Duration::from_millis(25));
            core::future::ready("advanced")
        })
        .on_log(|_| panic!("a log that is full"))
        .on_metric(move |metric| {
            let line = format!("{} {:?}", metric.tag("status"), metric.duration_ms);
            metrics.lock().unwrap().push(line);
        })
        .on_span(move |span| spans.lock().unwrap().push(span.name.clone()))
        .response_headers(|headers| headers.set("strict-transport-security", "max-age=1"))
        .build()
        .unwrap();
    for path in ["/", "/nowhere"] {
        let response = serve(&app, &clock, get(path));
        assert_eq!(response.headers.first("strict-transport-security"), "max-age=1");
    }
    let expected = ["200 Some(25)", "http GET /", "404 Some(0)", "http GET /nowhere"];
    assert_eq!(*told.lock().unwrap(), expected);
}

#[test]
fn a_hook_cannot_break_an_answer() {
    let clock = clock();
    let app = builder(&clock)
        .get("/", async || "hello")
        .response_headers(|headers| headers.set("x", "a\r\nb: c"))
        .build()
        .unwrap();
    let response = serve(&app, &clock, get("/"));
    assert_eq!((text(&response), response.headers.contains("x")), ("hello", false));
}

#[test]
fn a_hook_for_headers_changes_all_or_nothing() {
    let clock = clock();
    let app = |panics: bool| {
        let change = move |headers: &mut apptheory_core::http::Headers| {
            headers.set("x-half", "1");
            headers.append("set-cookie", "a=1");
            assert!(!panics, "half-way");
        };
        builder(&clock).get("/", async || "hello").response_headers(change).build().unwrap()
    };
    let response = serve(&app(false), &clock, get("/"));
    assert_eq!(response.headers.first("x-half"), "1");
    assert_eq!(
        (response.cookies, response.headers.contains("set-cookie")),
        (vec!["a=1".into()], false)
    );
    let response = serve(&app(true), &clock, get("/"));
    assert!(!response.headers.contains("x-half") && response.cookies.is_empty());
}

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

#[test]
fn streams_that_fail_late_keep_stack_traces_back() {
    let clock = clock();
    let app = builder(&clock)
        .settings(|settings| settings.hides_stack_traces = true)
        .get("/", async || {
            let late = AppError::conflict("late").with_stack_trace("main:1");
            Response::text(200, "").with_stream(BodyStream::failing(late))
        })
        .build()
        .unwrap();
    let whole = clock.run(app.serve_whole(get("/"), Invocation::default()));
    let body = String::from_utf8(whole.body).unwrap();
    assert!(whole.status == 409 && !body.contains("main:1"), "{body}");
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
    assert_eq!(unknown.to_string(), "apptheory: unknown event type");
}

#[test]
fn the_rate_limit_counts_and_says_so() {
    let manual = ManualClock::new(Timestamp::from_unix_seconds(30));
    let limiter = Limiter::fail_closed(FixedWindow::new(Duration::from_secs(60), 2).unwrap());
    let limiter = limiter.build();
    let broken = limiter.clone();
    let store = MemoryStore::new(manual.clone()).with_table(limiter.table());
    let limiter = RateLimiter::new(limiter, store).with_clock(manual.clone());
    let clock = clock();
    let app = builder(&clock)
        .middleware(RateLimit::new(limiter).per_route())
        .get("/orders/{id}", async |Extension(decision): Extension<Decision>| {
            format!("{:?}", decision.count)
        })
        .build()
        .unwrap();
    let call = |id: u8| {
        let mut request = get(&format!("/orders/{id}"));
        request.headers.append("x-api-key", "k");
        serve(&app, &clock, request)
    };
    let (first, second, third) = (call(1), call(2), call(3));
    assert_eq!((text(&first), text(&second)), ("Some(1)", "Some(2)"));
    assert_eq!(first.headers.first("x-ratelimit-remaining"), "1");
    assert_eq!((third.status, third.headers.first("retry-after")), (429, "30"));
    assert!(text(&third).contains(r#""code":"app.rate_limited","message":"rate limited""#));

    // A `#` that a provider decoded is no separator of keys, and limits do not share their fields.
    let store = MemoryStore::new(manual.clone()).with_table(broken.table());
    let wide = Limiter::fail_closed(FixedWindow::new(Duration::from_secs(60), 10).unwrap());
    let nested =
        [wide.build(), broken.clone()].into_iter().fold(builder(&clock), |app, limiter| {
            let limiter = RateLimiter::new(limiter, store.clone()).with_clock(manual.clone());
            app.middleware(RateLimit::new(limiter))
        });
    let app =
        nested.get("/{path+}", async || Err::<(), _>(AppError::conflict("c"))).build().unwrap();
    let response = serve(&app, &clock, get("/a#b"));
    assert_eq!((response.status, response.headers.get_all("x-ratelimit-limit").len()), (409, 1));
    assert_eq!(response.headers.first("x-ratelimit-limit"), "2");

    let no_table = RateLimiter::new(broken, MemoryStore::new(manual.clone())).with_clock(manual);
    let app = builder(&clock)
        .middleware(RateLimit::new(no_table))
        .get("/", async || "never")
        .build()
        .unwrap();
    let closed = serve(&app, &clock, get("/"));
    assert_eq!((closed.status, closed.headers.first("x-rate-limit-fail-closed")), (503, "true"));
}

#[test]
fn mistakes_are_found_before_anything_is_served() {
    let hello = async || "hello";
    let error = App::builder().get("/a", hello).get("/a", hello).build().unwrap_err();
    let duplicate = RegistrationError::Duplicate {
        method: "GET".into(),
        pattern: "/a".into(),
        existing: "/a".into(),
    };
    assert_eq!(error, BuildError::Route(duplicate.into()));
    let answer = AppError::from(error);
    assert_eq!((answer.code(), answer.status()), (code::BAD_REQUEST, 400));

    let to_all = Cors {
        allowed_origins: Some(vec!["*".into()]),
        allow_credentials: true,
        ..Cors::default()
    };
    for (builder, part) in [
        (App::builder().get("/{a", hello), "invalid route pattern"),
        (App::builder().route_without_handler("GET", "/"), "route handler is nil"),
        (
            App::builder().tier(Tier::P0).route_for(Access::Authenticated, "GET", "/", hello),
            "would be open",
        ),
        (App::builder().cors(to_all), "list origins"),
        (App::builder().tier(Tier::P0).authenticate(async |_| Ok(None)), "authentication"),
    ] {
        let error = builder.build().unwrap_err();
        assert!(error.to_string().contains(part), "{error}");
        assert_eq!(AppError::from(error).status(), 400);
    }
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

#[test]
fn a_request_keeps_its_trace_and_gets_that_of_its_invocation_without_one() {
    let clock = clock();
    let app = builder(&clock)
        .get("/", async |context: Context| context.trace_id().to_owned())
        .build()
        .unwrap();
    let trace = |field: Option<&str>, of_invocation: &str| {
        let mut request = get("/");
        if let Some(value) = field {
            request.headers.append("X-Amzn-Trace-Id", value);
        }
        let invocation = Invocation { trace: of_invocation.to_owned(), ..Invocation::default() };
        clock.run(app.serve(request, invocation)).body
    };
    let (own, other) =
        ("1-67891233-abcdef012345678912345678", "1-67891234-abcdef012345678912345678");
    let [own_field, other_field] = [own, other].map(|root| format!("Root={root};Sampled=1"));
    assert_eq!(trace(None, &other_field), other.as_bytes());
    assert_eq!(trace(Some(&own_field), &other_field), own.as_bytes());
    assert_eq!(trace(None, ""), b"");
}

#[test]
fn clients_are_counted_by_the_address_that_somebody_vouches_for() {
    use apptheory_core::http::{Provider, SourceProvenance};

    let clock = clock();
    let limiter = Limiter::fail_closed(FixedWindow::new(Duration::from_secs(60), 1).unwrap());
    let limiter = limiter.build();
    let store = MemoryStore::new(clock.clone()).with_table(limiter.table());
    let limiter = RateLimiter::new(limiter, store).with_clock(clock.clone());
    let app = builder(&clock)
        .middleware(RateLimit::new(limiter).per_client())
        .get("/", async |context: Context| format!("{:?}", context.client_ip()))
        .build()
        .unwrap();
    let call = |peer: Option<&str>, vouched: &str, api_key: &str| {
        let mut request = get("/");
        request.source_provenance = SourceProvenance::vouched(Provider::FunctionUrl, vouched);
        request.headers.append("x-api-key", api_key);
        request.headers.append("x-forwarded-for", "192.0.2.9");
        let peer = peer.map(|peer| peer.parse().unwrap());
        let invocation = Invocation { peer, ..Invocation::default() };
        clock.run(app.serve(request, invocation))
    };
    // Another key is no other client; another port neither.
    let first = call(Some("192.0.2.1:1"), "", "k1");
    assert_eq!(text(&first), "Some(192.0.2.1)");
    assert_eq!(call(Some("192.0.2.1:2"), "", "k2").status, 429);
    // What a provider says goes before the connection, which is the provider's own.
    assert_eq!(text(&call(Some("192.0.2.1:1"), "192.0.2.2", "k1")), "Some(192.0.2.2)");
    assert_eq!(text(&call(None, "fe80::1%eth0", "k1")), "Some(fe80::1)");
    // Without an address it is whoever calls.
    assert_eq!(text(&call(None, "", "k1")), "None");
    assert_eq!((call(None, "", "k2").status, call(None, "", "k1").status), (200, 429));
}
