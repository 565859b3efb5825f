//! Routes with a limit each, one for every strategy.

use std::sync::Arc;

use apptheory::app::Extension;
use apptheory::identity::client_network;
use apptheory::limiter::headers::HeaderStyle;
use apptheory::limiter::{
    self, Decision, FixedWindow, Layout, Limiter, LimiterBuilder, MultiWindow, Quota, RateLimitKey,
    RateLimiter, SlidingWindow, TokenBucket, UsageStats, UsageWindow,
};
use apptheory::prelude::*;
use serde_json::{Map, Value};

use super::Services;

/// Every limit, in the order in which they are shown.
pub(super) type Limits = Arc<Vec<Limit>>;

/// A limit, and the route behind it.
pub(super) struct Limit {
    /// The path of the route, without its slash.
    pub(super) name: &'static str,
    /// What the limit is, in words.
    pub(super) about: &'static str,
    /// Decides on requests.
    limiter: Arc<RateLimiter>,
    /// Reads what is used, for the console's gauge: without faults and the journal.
    gauge: RateLimiter,
}

/// Creates all limits. A few requests reach them, and seconds later they have room again.
pub(super) fn all(watched: &Store, plain: &Store) -> Result<Limits, limiter::Error> {
    const FIVE_SECONDS: Duration = Duration::from_secs(5);
    const TEN_SECONDS: Duration = Duration::from_secs(10);
    const MINUTE: Duration = Duration::from_secs(60);
    let limit = |name, about, limiter: LimiterBuilder| {
        let limiter = limiter.build();
        let gauge = RateLimiter::new(limiter.clone(), plain);
        Limit { name, about, limiter: Arc::new(RateLimiter::new(limiter, watched)), gauge }
    };
    // console: limits
    let fixed = FixedWindow::new(TEN_SECONDS, 5)?;
    let sliding = SlidingWindow::new(TEN_SECONDS, Duration::from_secs(2), 5)?;
    let short = Quota { limit: 3, window: FIVE_SECONDS };
    let multi = MultiWindow::new([short, Quota { limit: 10, window: MINUTE }])?;
    let packed = multi.clone().with_layout(Layout::Packed)?;
    let bucket = TokenBucket::new(MINUTE, 30, 5)?;
    let shadow = Limiter::fail_closed(FixedWindow::new(TEN_SECONDS, 3)?).shadow();
    let open = Limiter::fail_open(FixedWindow::new(TEN_SECONDS, 5)?);
    // console: end
    Ok(Arc::new(vec![
        limit("fixed", "5 in each 10 seconds", Limiter::fail_closed(fixed)),
        limit("sliding", "5 in any 10 seconds", Limiter::fail_closed(sliding)),
        limit(
            "multi",
            "3 in each 5 seconds and 10 in each minute, in two items",
            Limiter::fail_closed(multi),
        ),
        limit("packed", "the same in one item", Limiter::fail_closed(packed)),
        limit("bucket", "30 per minute in bursts of 5", Limiter::fail_closed(bucket)),
        limit("shadow", "3 in each 10 seconds, reported but not enforced", shadow),
        limit("open", "5 in each 10 seconds, and no limit while the store is down", open),
    ]))
}

/// Returns a route behind each limit, and the routes that show how much of it is used.
pub(super) fn routes(limits: &Limits) -> Router<Services> {
    let mut routes = Router::new().get("/usage/{route}", usage).get("/gauges", gauges);
    for limit in limits.iter() {
        // console: limits
        let around =
            RateLimit::new(Arc::clone(&limit.limiter)).with_header_style(HeaderStyle::Both);
        routes = routes.get(&limit.path(), admitted.layer(around));
        // console: end
    }
    routes
}

/// The handler behind every limit. Returns the decision.
async fn admitted(Extension(decision): Extension<Decision>) -> Json<Value> {
    Json(json!({
        "count": decision.count,
        "limit": decision.limit,
        "near_limit": decision.near_limit,
        "shadowed": decision.shadowed,
        "basis": decision.basis.to_string(),
        "resets_at": decision.resets_at.to_string(),
    }))
}

/// Returns what the client has used of a route's limit.
async fn usage(
    State(limits): State<Limits>,
    Path(route): Path<String>,
    context: Context,
) -> Result<Json<Value>, AppError> {
    let limit = limits.iter().find(|limit| limit.name == route);
    let limit = limit.ok_or_else(AppError::not_found)?;
    let usage = limit.limiter.usage(limit.key(&context)?).await?;
    Ok(Json(usage_json(&usage)))
}

/// Returns what the client has used of every limit, in order. The sub-windows of a sliding window
/// share a limit, and are one gauge.
async fn gauges(
    State(limits): State<Limits>,
    context: Context,
) -> Result<Json<Vec<Value>>, AppError> {
    let mut gauges = Vec::new();
    for limit in limits.iter() {
        let usage = limit.gauge.usage(limit.key(&context)?).await?;
        let mut used: Vec<(i64, i64)> = Vec::new();
        for UsageWindow { count, limit, .. } in usage.windows.into_values() {
            match used.iter_mut().find(|(of, _)| *of == limit) {
                Some((_, sum)) => *sum = sum.saturating_add(count),
                None => used.push((limit, count)),
            }
        }
        used.sort_unstable();
        let used: Vec<Value> =
            used.iter().map(|(limit, used)| json!({"limit": limit, "used": used})).collect();
        gauges.push(json!({"name": limit.name, "about": limit.about, "windows": used}));
    }
    Ok(Json(gauges))
}

impl Limit {
    pub(super) fn path(&self) -> String {
        format!("/{}", self.name)
    }

    /// Returns the key that counts the client's requests to the route.
    fn key(&self, context: &Context) -> Result<RateLimitKey, AppError> {
        let client = context.client_ip().ok_or_else(AppError::not_found)?;
        Ok(RateLimitKey::new(&client_network(client), &self.path(), "GET")?)
    }
}

fn usage_json(usage: &UsageStats) -> Value {
    let windows: Map<String, Value> =
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
