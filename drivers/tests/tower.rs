//! The limiter as a layer, in front of an axum app.
#![expect(clippy::expect_used, reason = "a test ends where its stage cannot be set")]

use core::convert::Infallible;
use core::num::NonZeroU32;
use core::sync::atomic::{AtomicBool, Ordering};
use core::task::{Context, Poll};
use core::time::Duration;

use apptheory::clock::ManualClock;
use apptheory::layer::{FaultPlan, Faulty};
use apptheory::limiter::RateLimiter;
use apptheory::store::{MemoryStore, Store};
use apptheory::tower::{ClientIp, DenialBody, Identity, RateLimitLayer, RoutePattern, Tenant};
use apptheory_core::limiter::headers::{DENIAL_BODY, HeaderStyle};
use apptheory_core::limiter::{
    self, Basis, Cause, Decision, ErrorKind, FixedWindow, Limiter, LimiterBuilder, RateLimitKey,
    TokenBucket,
};
use apptheory_core::store::{self, TableName, Value};
use apptheory_core::time::Timestamp;
use axum::body::{Body, to_bytes};
use axum::extract::{Extension, MatchedPath};
use axum::http::request::Parts;
use axum::http::{HeaderValue, Request, Response, StatusCode};
use axum::routing::get;
use axum::{Router, response::IntoResponse};
use tower::{Layer, Service, ServiceExt as _};

/// 2026-01-01T00:00:30Z, half-way through a minute.
const NOW: i64 = 1_767_225_630;

fn two_a_minute() -> FixedWindow {
    FixedWindow::new(Duration::from_secs(60), 2).expect("a strategy")
}

fn clock() -> ManualClock {
    ManualClock::new(Timestamp::from_unix_seconds(NOW))
}

fn store() -> Store {
    Store::builder().clock(clock()).memory()
}

fn layer(limiter: LimiterBuilder) -> RateLimitLayer {
    RateLimitLayer::new(RateLimiter::new(limiter.build(), &store()))
}

/// Returns an app behind a limit whose store fails as planned.
fn failing(limiter: LimiterBuilder, plan: FaultPlan) -> Router {
    let store = store().layer(|store| Faulty::new(store, plan));
    app(RateLimitLayer::new(RateLimiter::new(limiter.build(), &store)))
}

/// Returns an app whose handler shows the decision.
fn app(layer: RateLimitLayer) -> Router {
    Router::new()
        .route("/orders", get(seen))
        .route("/orders/{id}", get(seen))
        .route("/health", get(|| async { "well" }))
        .layer(layer)
}

async fn seen(Extension(decision): Extension<Decision>) -> impl IntoResponse {
    format!("{}/{}", decision.count.unwrap_or_default(), decision.limit)
}

fn from(address: &str) -> Request<Body> {
    to("/orders", address)
}

fn to(path: &str, address: &str) -> Request<Body> {
    let client = ClientIp(address.parse().expect("an address"));
    Request::get(path).extension(client).body(Body::empty()).expect("a request")
}

async fn send(app: &Router, request: Request<Body>) -> Response<Body> {
    app.clone().oneshot(request).await.expect("an axum app always answers")
}

async fn text(response: Response<Body>) -> String {
    let bytes = to_bytes(response.into_body(), usize::MAX).await.expect("a body");
    String::from_utf8(bytes.to_vec()).expect("text")
}

/// Returns the headers whose names contain one of these, in order: `name: value`.
fn limits(response: &Response<Body>) -> Vec<String> {
    let mut lines: Vec<String> = response
        .headers()
        .iter()
        .filter(|(name, _)| name.as_str().contains("limit") || *name == "retry-after")
        .map(|(name, value)| format!("{name}: {}", value.to_str().expect("ASCII")))
        .collect();
    lines.sort_unstable();
    lines
}

const CLIENT: &str = "203.0.113.7";

#[tokio::test]
async fn requests_are_counted_and_then_refused() {
    let app = app(layer(Limiter::fail_closed(two_a_minute())));
    for (count, remaining) in [("1/2", "1"), ("2/2", "0")] {
        let response = send(&app, from(CLIENT)).await;
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()["x-ratelimit-remaining"], remaining);
        assert_eq!(text(response).await, count);
    }
    let denied = send(&app, from(CLIENT)).await;
    assert_eq!(denied.status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(denied.headers()["content-type"], "application/json");
    assert_eq!(denied.extensions().get().map(|denied: &Decision| denied.allowed), Some(false));
    assert_eq!(text(denied).await, DENIAL_BODY);

    assert_eq!(send(&app, from("203.0.113.8")).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn each_style_has_its_headers() {
    let x = ["x-ratelimit-limit: 2", "x-ratelimit-remaining: 1", "x-ratelimit-reset: 1767225660"];
    let ietf = ["ratelimit-policy: \"1m\";q=2;w=60", "ratelimit: \"1m\";r=1;t=30"];
    let denied_x = [
        "retry-after: 30",
        "x-ratelimit-limit: 2",
        "x-ratelimit-remaining: 0",
        "x-ratelimit-reset: 1767225660",
        "x-ratelimit-window: 1m",
    ];
    let denied_ietf =
        ["ratelimit-policy: \"1m\";q=2;w=60", "ratelimit: \"1m\";r=0;t=30", "retry-after: 30"];
    let both = [&ietf[..], &x[..]].concat();
    let denied_both = [&denied_ietf[..2], &denied_x[..]].concat();
    for (style, allowed, denied) in [
        (HeaderStyle::XRateLimit, &x[..], &denied_x[..]),
        (HeaderStyle::Ietf, &ietf[..], &denied_ietf[..]),
        (HeaderStyle::Both, &both[..], &denied_both[..]),
    ] {
        let layer = layer(Limiter::fail_closed(two_a_minute())).with_header_style(style);
        let app = app(layer);
        assert_eq!(limits(&send(&app, from(CLIENT)).await), allowed);
        send(&app, from(CLIENT)).await;
        assert_eq!(limits(&send(&app, from(CLIENT)).await), denied);
    }
}

#[tokio::test]
async fn a_denial_can_be_a_problem() {
    let bucket = TokenBucket::new(Duration::from_secs(60), 1, 1).expect("a strategy");
    let layer = layer(Limiter::fail_closed(bucket)).with_denial_body(DenialBody::ProblemDetails);
    let app = app(layer);
    send(&app, from(CLIENT)).await;
    let denied = send(&app, from(CLIENT)).await;
    assert_eq!(denied.status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(denied.headers()["content-type"], "application/problem+json");
    let problem: serde_json::Value = serde_json::from_str(&text(denied).await).expect("JSON");
    assert_eq!(problem["status"], 429);
    assert_eq!(problem["violated-policies"][0], "1m");
}

#[tokio::test]
async fn failing_open_is_marked_and_claims_nothing() {
    let plan = FaultPlan::default().fail(1, store::Error::Throttled);
    let app = failing(Limiter::fail_open(two_a_minute()), plan);
    let response = send(&app, from(CLIENT)).await;
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(limits(&response), ["x-rate-limit-fail-open: true"]);
    let decision: &Decision = response.extensions().get().expect("a decision");
    assert!(matches!(decision.basis, Basis::FailOpen { .. }));
    // The store works again.
    assert_eq!(text(send(&app, from(CLIENT)).await).await, "1/2");
}

#[tokio::test]
async fn failing_closed_is_an_overload() {
    let plan = FaultPlan::default().fail(1, store::Error::Unavailable);
    let app = failing(Limiter::fail_closed(two_a_minute()), plan);
    let response = send(&app, from(CLIENT)).await;
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(response.headers()["content-type"], "application/json; charset=utf-8");
    assert_eq!(limits(&response), ["retry-after: 1", "x-rate-limit-fail-closed: true"]);
    let error: &limiter::Error = response.extensions().get().expect("the reason");
    assert_eq!((error.kind(), error.cause()), (ErrorKind::Store, Some(Cause::Unavailable)));
    assert_eq!(
        text(response).await,
        r#"{"error":{"code":"app.overloaded","message":"overloaded"}}"#
    );
}

#[tokio::test]
async fn a_request_without_a_valid_key_is_never_let_through() {
    // Fails open for the store, yet refuses a request that cannot be counted.
    let limiter = || Limiter::fail_open(two_a_minute());
    let anyone = Request::get("/orders").header("x-forwarded-for", ",").body(Body::empty());
    let app_by_client = app(layer(limiter()));
    let response = send(&app_by_client, anyone.expect("a request")).await;
    assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
    let reason = response.extensions().get().map(limiter::Error::kind);
    assert_eq!(reason, Some(ErrorKind::NoCaller));
    assert_eq!(limits(&response), [] as [&str; 0]);
    assert_eq!(
        text(response).await,
        r#"{"error":{"code":"app.internal","message":"internal error"}}"#
    );

    let key = |_: &Parts| RateLimitKey::new("everyone", "/a#b", "GET");
    let app_by_key = app(layer(limiter()).with_key(key));
    let response = send(&app_by_key, from(CLIENT)).await;
    let reason = response.extensions().get().map(limiter::Error::kind);
    assert_eq!(reason, Some(ErrorKind::InvalidKey));
}

#[tokio::test]
async fn without_any_identifier_one_bucket_can_serve_all() {
    let app = app(layer(Limiter::fail_closed(two_a_minute())).shared());
    for status in [200, 200, 429] {
        let anyone = Request::get("/orders").body(Body::empty()).expect("a request");
        assert_eq!(send(&app, anyone).await.status(), status);
    }
    assert_eq!(send(&app, from(CLIENT)).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn an_ipv6_client_cannot_use_its_other_addresses() {
    let app = app(layer(Limiter::fail_closed(two_a_minute())));
    for (address, status) in [
        ("2001:db8:0:1200::1", 200),
        ("2001:db8:0:12ff::2", 200),
        ("2001:db8:0:1234::3", 429),
        ("2001:db8:0:1300::1", 200),
        (CLIENT, 200),
        ("::ffff:203.0.113.7", 200),
        (CLIENT, 429),
    ] {
        assert_eq!(send(&app, from(address)).await.status(), status, "{address}");
    }
}

#[tokio::test]
async fn stored_keys_never_hold_a_credential() {
    let limiter = Limiter::fail_closed(two_a_minute()).build();
    let memory = MemoryStore::new(clock()).with_table(limiter.table());
    let table: TableName = limiter.table().name;
    let store = Store::builder().clock(clock()).executor(memory.clone());
    let limiter = RateLimiter::new(limiter, &store);
    let layer = RateLimitLayer::new(limiter).per_credential("a secret of the deployment");
    let app = app(layer);
    for (name, value) in [("x-api-key", "k_secret"), ("authorization", "Bearer tok_secret")] {
        let request = Request::get("/orders").header(name, value).body(Body::empty());
        assert_eq!(send(&app, request.expect("a request")).await.status(), StatusCode::OK);
    }
    let items = memory.items(&table);
    assert_eq!(items.len(), 2);
    assert!(!format!("{items:?}").contains("_secret"));
    for item in &items {
        let Some(Value::S(identifier)) = item.get("Identifier") else { panic!("{item:?}") };
        assert!(identifier.contains(":hmac-sha256:"), "{identifier}");
    }
}

#[tokio::test]
async fn in_shadow_mode_every_request_passes_and_denials_are_marked() {
    let app = app(layer(Limiter::fail_closed(two_a_minute()).shadow()));
    for shadowed in [false, false, true, true] {
        let response = send(&app, from(CLIENT)).await;
        assert_eq!(response.status(), StatusCode::OK);
        assert!(!response.headers().contains_key("retry-after"));
        let decision: &Decision = response.extensions().get().expect("a decision");
        assert_eq!(decision.shadowed, shadowed);
    }
}

#[tokio::test]
async fn skipped_requests_are_left_alone() {
    let layer = layer(Limiter::fail_closed(two_a_minute()));
    let app = app(layer.with_skip(|parts: &Parts| parts.uri.path() == "/health"));
    for _ in 0..5 {
        // They need not even have a key.
        let request = Request::get("/health").body(Body::empty()).expect("a request");
        let response = send(&app, request).await;
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(limits(&response), [] as [&str; 0]);
    }
    assert_eq!(text(send(&app, from(CLIENT)).await).await, "1/2");
}

#[tokio::test]
async fn requests_can_cost_more_than_one() {
    let cost = |parts: &Parts| match parts.uri.query() {
        Some("bulk") => NonZeroU32::new(2).unwrap_or(NonZeroU32::MIN),
        _ => NonZeroU32::MIN,
    };
    let app = app(layer(Limiter::fail_closed(two_a_minute())).with_cost(cost));
    assert_eq!(text(send(&app, from(CLIENT)).await).await, "1/2");
    let bulk = send(&app, to("/orders?bulk", CLIENT)).await;
    assert_eq!(bulk.status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(text(send(&app, from(CLIENT)).await).await, "2/2");
}

#[tokio::test]
async fn requests_are_counted_by_route_and_by_path_only_when_configured() {
    let limiter = || Limiter::fail_closed(two_a_minute());
    let by_route = layer(limiter())
        .with_route(|parts| Some(parts.extensions.get::<MatchedPath>()?.as_str().to_owned()));
    let (at_all, by_route) = (app(layer(limiter())), app(by_route));
    let by_path = app(layer(limiter()).per_path());
    let paths = ["/orders/%61", "/orders/a", "/orders/%61", "/orders/b"];
    for (app, statuses) in [
        (&at_all, [200, 200, 429, 429]),
        (&by_route, [200, 200, 429, 429]),
        (&by_path, [200, 200, 429, 200]),
    ] {
        for (path, status) in paths.into_iter().zip(statuses) {
            assert_eq!(send(app, to(path, CLIENT)).await.status(), status, "{path}");
        }
    }
    // The router's pattern has priority over the function's.
    let mut routed = to("/orders/b", CLIENT);
    routed.extensions_mut().insert(RoutePattern("/elsewhere".into()));
    assert_eq!(send(&by_route, routed).await.status(), 200);
}

#[tokio::test]
async fn a_made_up_method_has_no_counter_of_its_own() {
    let strict = layer(Limiter::fail_closed(two_a_minute())).layer(Strict::default());
    let ask = async |method: &str| {
        let client = ClientIp(CLIENT.parse().expect("an address"));
        let request = Request::builder().method(method).uri("/").extension(client);
        let request = request.body(String::new()).expect("a request");
        strict.clone().oneshot(request).await.expect("infallible").status().as_u16()
    };
    for (method, status) in [
        ("GET", 200),
        ("HEAD", 200),
        ("GET", 429),
        ("A", 200),
        ("B", 200),
        ("C", 429),
        ("get", 429),
    ] {
        assert_eq!(ask(method).await, status, "{method}");
    }
}

#[tokio::test]
async fn clients_are_told_apart_by_what_the_host_vouches_for() {
    let layer = layer(Limiter::fail_closed(two_a_minute())).trusting_forwarded(1);
    let app = app(layer);
    let ask = async |change: &dyn Fn(&mut Request<Body>)| {
        let mut request = Request::get("/orders").body(Body::empty()).expect("a request");
        let list = HeaderValue::from_bytes(b"\xff, 192.0.2.1").expect("a value");
        request.headers_mut().insert("x-forwarded-for", list);
        request.headers_mut().insert("x-tenant-id", "t".parse().expect("a value"));
        change(&mut request);
        text(send(&app, request).await).await
    };
    let of_user = |request: &mut Request<Body>| {
        request.extensions_mut().insert(Tenant("t".into()));
        request.extensions_mut().insert(Identity("ip:192.0.2.1".into()));
    };
    let of_tenant = |request: &mut Request<Body>| {
        request.extensions_mut().insert(Tenant(" t ".into()));
        request.extensions_mut().insert(Identity(" ".into()));
    };
    assert_eq!(ask(&|_| ()).await, "1/2");
    assert_eq!(ask(&of_tenant).await, "1/2");
    assert_eq!(ask(&of_user).await, "1/2");
    assert_eq!(ask(&|_| ()).await, "2/2");
}

#[tokio::test]
async fn a_closure_can_supply_the_key() {
    let key = |parts: &Parts| {
        let tenant = parts.headers.get("x-tenant").and_then(|tenant| tenant.to_str().ok());
        RateLimitKey::new(tenant.unwrap_or_default(), "everything", parts.method.as_str())
    };
    let app = app(layer(Limiter::fail_closed(two_a_minute())).with_key(key));
    for (tenant, status) in [("a", 200), ("a", 200), ("a", 429), ("b", 200), (" ", 500)] {
        let request = Request::get("/orders").header("x-tenant", tenant).body(Body::empty());
        assert_eq!(send(&app, request.expect("a request")).await.status(), status);
    }
}

#[tokio::test]
async fn a_limit_line_is_a_layer_and_an_invalid_one_refuses_every_request() {
    let limited = RateLimitLayer::per_minute(100).burst(1).named("burst").fail_closed();
    let limited = app(limited.on(&store()));
    for status in [200, 429] {
        assert_eq!(send(&limited, from(CLIENT)).await.status(), status);
    }
    let line = || RateLimitLayer::fixed(2, Duration::from_secs(60)).fail_open().on(&store());
    assert_eq!(line().check(), Ok(()));
    let wrong = RateLimitLayer::per_hour(0).fail_open().on(&store());
    for (wrong, why) in [
        (wrong, "`per_hour(0)` cannot work: a limit of at least 1"),
        (line().trusting_forwarded(0).per_credential(""), "`trusting_forwarded` takes the number"),
        (line().per_credential(" "), "empty"),
    ] {
        let error = wrong.check().unwrap_err();
        assert!(error.to_string().contains(why), "{error}");
        let response = send(&app(wrong), from(CLIENT)).await;
        assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(response.extensions().get(), Some(&error));
    }
}

#[tokio::test]
async fn the_innermost_of_nested_layers_sets_the_headers() {
    let by_client = layer(Limiter::fail_closed(
        FixedWindow::new(Duration::from_secs(3_600), 100).expect("a strategy"),
    ));
    let by_user = layer(Limiter::fail_closed(two_a_minute()));
    // Both count by client; the layer that axum applies last is outermost.
    let app = app(by_user).layer(by_client);
    for _ in 0..2 {
        let response = send(&app, from(CLIENT)).await;
        assert_eq!(response.headers()["x-ratelimit-limit"], "2");
    }
    let denied = send(&app, from(CLIENT)).await;
    assert_eq!(denied.status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(denied.headers()["x-ratelimit-limit"], "2");
    assert_eq!(denied.headers().get_all("x-ratelimit-limit").iter().count(), 1);
}

#[tokio::test]
async fn an_identity_can_have_a_limit_of_its_own() {
    let strategy = two_a_minute().with_identifier_limit("user:user-7", 1);
    let app = app(layer(Limiter::fail_closed(strategy)));
    for status in [200, 429] {
        let mut request = from(CLIENT);
        request.extensions_mut().insert(Identity("user-7".into()));
        assert_eq!(send(&app, request).await.status(), status);
    }
}

/// Panics when it is called without `poll_ready`; a clone starts unready.
#[derive(Debug, Default)]
struct Strict(AtomicBool);

impl Clone for Strict {
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl Service<Request<String>> for Strict {
    type Response = Response<String>;
    type Error = Infallible;
    type Future = core::future::Ready<Result<Response<String>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.0.store(true, Ordering::Relaxed);
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<String>) -> Self::Future {
        assert!(self.0.swap(false, Ordering::Relaxed), "called before it was ready");
        core::future::ready(Ok(Response::new(request.into_body())))
    }
}

#[tokio::test]
async fn the_instance_that_is_ready_is_the_one_called() {
    let mut service = layer(Limiter::fail_closed(two_a_minute())).layer(Strict::default());
    for status in [200, 200, 429] {
        let client = ClientIp(CLIENT.parse().expect("an address"));
        let request = Request::get("/").extension(client).body("echo".to_owned());
        let ready = service.ready().await.expect("infallible");
        let response = ready.call(request.expect("a request")).await.expect("infallible");
        assert_eq!(response.status(), status);
    }
}
