//! The routes of the playground, each behind a limiter of its own.

use core::fmt::Display;
use core::time::Duration;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

use apptheory::clock::Clock;
use apptheory::embedded::EmbeddedStore;
use apptheory::rate_limiter::RateLimiter;
use apptheory::tower::{RateLimitLayer, RequestKey};
use apptheory_core::identity::client_network;
use apptheory_core::limiter::headers::HeaderStyle;
use apptheory_core::limiter::{
    Coverage, Decision, FixedWindow, Layout, Limiter, LimiterBuilder, MultiWindow, Quota,
    RateLimitKey, SlidingWindow, StrategyError, TokenBucket, UsageStats, UsageWindow,
};
use axum::Router;
use axum::extract::{ConnectInfo, Extension, Path, State};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde_json::{Value as Json, json};

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3_600);

/// One limited route.
pub(crate) struct Limited {
    /// Its name, which is its path without the slash.
    pub(crate) name: &'static str,
    /// What its limit is, in words.
    pub(crate) about: &'static str,
    /// Its limit.
    pub(crate) limiter: Limiter,
}

/// All limited routes: one per strategy, with limits that a few requests reach.
pub(crate) fn limited_routes() -> Result<Vec<Limited>, StrategyError> {
    let route =
        |name, about, limiter: LimiterBuilder| Limited { name, about, limiter: limiter.build() };
    let sliding = SlidingWindow::new(MINUTE, Duration::from_secs(10), 5)?
        .with_coverage(Coverage::Conservative);
    let both =
        MultiWindow::new([Quota { limit: 3, window: MINUTE }, Quota { limit: 10, window: HOUR }])?;
    let packed = both.clone().with_layout(Layout::Packed)?;
    Ok(vec![
        route("fixed", "5 per hour", Limiter::fail_closed(FixedWindow::new(HOUR, 5)?)),
        route("sliding", "5 in any 60 seconds", Limiter::fail_closed(sliding)),
        route("multi", "3 per minute and 10 per hour, in two items", Limiter::fail_closed(both)),
        route("packed", "the same in one item", Limiter::fail_closed(packed)),
        route(
            "bucket",
            "30 per minute in bursts of 5",
            Limiter::fail_closed(TokenBucket::new(MINUTE, 30, 5)?),
        ),
        route(
            "shadow",
            "3 per minute, reported but not enforced",
            Limiter::fail_closed(FixedWindow::new(MINUTE, 3)?).shadow(),
        ),
    ])
}

/// The limiters by the names of their routes.
type Limiters<C> = Arc<BTreeMap<&'static str, Arc<RateLimiter<EmbeddedStore<C>, C>>>>;

/// The app: `/`, the limited routes, and `/usage/{route}`. It is to be served with
/// [`ConnectInfo`]: clients are told apart by their addresses.
pub(crate) fn app<C: Clock + Clone + 'static>(
    routes: Vec<Limited>,
    store: &EmbeddedStore<C>,
    clock: &C,
) -> Router {
    let index = index(&routes);
    let mut app = Router::new().route("/", get(move || async { index }));
    let mut limiters = BTreeMap::new();
    for Limited { name, limiter, .. } in routes {
        let limiter = RateLimiter::new(limiter, store.clone()).with_clock(clock.clone());
        let limiter = Arc::new(limiter);
        limiters.insert(name, Arc::clone(&limiter));

        let key = RequestKey::new()
            .with_client_ip(|parts| Some(parts.extensions.get::<ConnectInfo<SocketAddr>>()?.ip()));
        let limit = RateLimitLayer::new(limiter).with_key(key).with_header_style(HeaderStyle::Both);
        app = app.route(&path(name), get(admitted).layer(limit));
    }
    let usage =
        Router::new().route("/usage/{route}", get(usage::<C>)).with_state(Arc::new(limiters));
    app.merge(usage)
}

fn path(name: &str) -> String {
    format!("/{name}")
}

fn index(routes: &[Limited]) -> String {
    let mut text = String::from("Limited per client:\n");
    for Limited { name, about, .. } in routes {
        text.push_str(&format!("  {:<10}{about}\n", path(name)));
    }
    text.push_str("What is used of a limit:\n  /usage/{route}\n");
    text.push_str("Events (POST, GET with ?tenant=&type=&tag=&limit=&cursor=, DELETE by id):\n");
    text.push_str("  /events\n  /events/{id}\n");
    text
}

/// The handler behind every limiter: says what it was told about the decision.
async fn admitted(Extension(decision): Extension<Decision>) -> Response {
    json_response(json!({
        "count": decision.count,
        "limit": decision.limit,
        "near_limit": decision.near_limit,
        "shadowed": decision.shadowed,
        "resets_at": decision.resets_at.to_string(),
    }))
}

async fn usage<C: Clock>(
    State(limiters): State<Limiters<C>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    Path(route): Path<String>,
) -> Result<Response, (StatusCode, String)> {
    let failed = |status, why: &dyn Display| (status, format!("{why}\n"));
    let limiter = limiters
        .get(route.as_str())
        .ok_or_else(|| failed(StatusCode::NOT_FOUND, &"no such limited route; see /"))?;
    let key = RateLimitKey::new(&client_network(peer.ip()), &path(&route), "GET")
        .map_err(|error| failed(StatusCode::INTERNAL_SERVER_ERROR, &error))?;
    let usage = limiter
        .usage(key)
        .await
        .map_err(|error| failed(StatusCode::SERVICE_UNAVAILABLE, &error))?;
    Ok(json_response(usage_json(&usage)))
}

fn usage_json(usage: &UsageStats) -> Json {
    let windows: serde_json::Map<String, Json> =
        usage.windows.iter().map(|(key, window)| (key.clone(), window_json(window))).collect();
    json!({
        "identifier": usage.identifier,
        "resource": usage.resource,
        "daily_total": usage.daily_total,
        "windows": windows,
    })
}

fn window_json(window: &UsageWindow) -> Json {
    json!({
        "count": window.count,
        "limit": window.limit,
        "start": window.start.to_string(),
        "end": window.end.to_string(),
    })
}

fn json_response(json: Json) -> Response {
    ([(CONTENT_TYPE, "application/json")], format!("{json}\n")).into_response()
}
