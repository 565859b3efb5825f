//! The routes of the playground, each behind a limiter of its own.

use core::error::Error;
use std::collections::BTreeMap;
use std::sync::Arc;

use apptheory::app::{AppService, Extension};
use apptheory::identity::client_network;
use apptheory::limiter::headers::HeaderStyle;
use apptheory::limiter::{
    self, Decision, FixedWindow, Layout, Limiter, LimiterBuilder, MultiWindow, Quota, RateLimitKey,
    RateLimiter, SlidingWindow, TokenBucket, UsageStats, UsageWindow,
};
use apptheory::prelude::*;
use serde_json::Value;

use crate::{chat, events};

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
pub(crate) fn limited_routes() -> Result<Vec<Limited>, limiter::Error> {
    let route =
        |name, about, limiter: LimiterBuilder| Limited { name, about, limiter: limiter.build() };
    let sliding = SlidingWindow::new(MINUTE, Duration::from_secs(10), 5)?;
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

/// What the routes work on. Each asks for its part.
#[derive(Clone, FromRef)]
pub(crate) struct Services {
    limiters: Limiters,
    bus: EventBus,
    room: Room,
}

/// The limits, by the paths of their routes.
type Limiters = Arc<BTreeMap<String, Arc<RateLimiter>>>;

/// The app: `/`, the limited routes, `/usage/{route}`, `/page`, the event bus, and the chat.
/// Clients are told apart by their addresses.
pub(crate) fn app(routes: Vec<Limited>, store: &Store) -> Result<AppService, BuildError> {
    let index = index(&routes);
    let limiter =
        |route: Limited| (path(route.name), Arc::new(RateLimiter::new(route.limiter, store)));
    let limiters: Limiters = Arc::new(routes.into_iter().map(limiter).collect());
    let mut limited = Router::new();
    for (path, limiter) in limiters.iter() {
        let limit = RateLimit::new(Arc::clone(limiter)).with_header_style(HeaderStyle::Both);
        limited = limited.get(path, admitted.layer(limit));
    }
    let (bus, room) = (EventBus::on(store), Connections::on(store).room("room"));
    App::with_state(Services { limiters, bus, room })
        .clock(store.clock().clone())
        .on_failure(|failure| eprintln!("{}", with_sources(&failure.error)))
        .get("/", move || core::future::ready(index.clone()))
        .get("/page", page)
        .get("/usage/{route}", usage)
        .merge(limited)
        .merge(events::routes())
        .merge(chat::routes())
        .build()
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
    text.push_str("The same as they happen (GET with accept: text/event-stream):\n  /events\n");
    text.push_str("A room to talk in, for browsers:\n  /chat\n");
    text.push_str("A page that arrives in pieces:\n  /page\n");
    text
}

/// The handler behind every limiter: says what it was told about the decision.
async fn admitted(Extension(decision): Extension<Decision>) -> Json<Value> {
    Json(json!({
        "count": decision.count,
        "limit": decision.limit,
        "near_limit": decision.near_limit,
        "shadowed": decision.shadowed,
        "resets_at": decision.resets_at.to_string(),
    }))
}

/// A page in pieces, with a pause before each but the first.
async fn page(context: Context) -> Response {
    let clock = context.clock().clone();
    let pieces = stream::iter(PIECES).enumerate().then(move |(n, piece)| {
        let clock = clock.clone();
        async move {
            if n > 0 {
                clock.sleep(PAUSE).await;
            }
            Ok::<_, AppError>(piece)
        }
    });
    Response::html_stream(200, BodyStream::new(pieces))
}

const PIECES: [&str; 4] = [
    "<!doctype html>\n<title>In pieces</title>\n<h1>In pieces</h1>\n",
    "<p>This was sent half a second later,\n",
    "<p>this another half,\n",
    "<p>and this at last.\n",
];
const PAUSE: Duration = Duration::from_millis(500);

/// What the client has used of a route's limit.
async fn usage(
    State(limiters): State<Limiters>,
    context: Context,
) -> Result<Json<Value>, AppError> {
    let path = path(context.param("route"));
    let limiter = limiters.get(&path).ok_or_else(AppError::not_found)?;
    let client = context.client_ip().ok_or_else(AppError::not_found)?;
    let key = RateLimitKey::new(&client_network(client), &path, "GET")?;
    let usage = limiter.usage(key).await?;
    Ok(Json(usage_json(&usage)))
}

fn usage_json(usage: &UsageStats) -> Value {
    let windows: serde_json::Map<String, Value> =
        usage.windows.iter().map(|(key, window)| (key.clone(), window_json(window))).collect();
    json!({
        "identifier": usage.identifier,
        "resource": usage.resource,
        "daily_total": usage.daily_total,
        "windows": windows,
    })
}

fn window_json(window: &UsageWindow) -> Value {
    json!({
        "count": window.count,
        "limit": window.limit,
        "start": window.start.to_string(),
        "end": window.end.to_string(),
    })
}

/// An error and its sources, in one line.
pub(crate) fn with_sources(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text.push_str(": ");
        text.push_str(&error.to_string());
        source = error.source();
    }
    text
}
