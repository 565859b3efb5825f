//! Rate limits around handlers.

use core::fmt;
use std::sync::Arc;

use apptheory_core::http::rate_limit::{Caller, denial, undecided};
use apptheory_core::identity::client_network;
use apptheory_core::limiter::headers::{HeaderStyle, headers};
use apptheory_core::limiter::{KeyError, Limiter, RateLimitKey};

use super::context::{Answer, Context};
use super::endpoint::{Middleware, Next};
use crate::clock::{Clock, SystemClock};
use crate::execute::StoreExecutor;
use crate::rate_limiter::RateLimiter;

/// A middleware that counts requests, and answers 429 to those over the limit.
///
/// A request is counted for [whoever calls](Caller::identifier), on its path and method. Handlers
/// find the [`Decision`](apptheory_core::limiter::Decision) as an
/// [`Extension`](super::Extension), and every answer carries its header fields. When the store
/// gives no answer, the limiter's own policy decides; closed is 503.
///
/// ```
/// use core::time::Duration;
/// use apptheory::app::{App, RateLimit};
/// use apptheory::clock::SystemClock;
/// use apptheory::memory::MemoryStore;
/// use apptheory::rate_limiter::RateLimiter;
/// use apptheory_core::limiter::{FixedWindow, Limiter};
///
/// let limiter = Limiter::fail_closed(FixedWindow::new(Duration::from_secs(60), 100)?).build();
/// let store = MemoryStore::new(SystemClock).with_table(limiter.table());
/// let limit = RateLimit::new(RateLimiter::new(limiter, store)).per_route();
/// let app = App::builder().middleware(limit).get("/", async || "hello").build()?;
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
///
/// Two limits around the same routes need counters of their own: give one of them a name with
/// [`named`](apptheory_core::limiter::LimiterBuilder::named), or the application does not build.
///
/// The messages of a WebSocket count for their connection and their route key; who connects, as any
/// caller does.
pub struct RateLimit<X, C = SystemClock> {
    limiter: Arc<RateLimiter<X, C>>,
    secret: Option<Vec<u8>>,
    style: HeaderStyle,
    per_route: bool,
    per_client: bool,
}

impl<X, C> RateLimit<X, C> {
    /// A middleware over a limiter.
    pub fn new(limiter: impl Into<Arc<RateLimiter<X, C>>>) -> Self {
        let style = HeaderStyle::default();
        let limiter = limiter.into();
        Self { limiter, secret: None, style, per_route: false, per_client: false }
    }

    /// Tells credentials apart by their fingerprints under a secret of the deployment, such as 32
    /// random bytes, instead of the published key. Changing it starts their counters afresh.
    #[must_use]
    pub fn with_secret(self, secret: impl Into<Vec<u8>>) -> Self {
        Self { secret: Some(secret.into()), ..self }
    }

    /// Writes other header fields.
    #[must_use]
    pub fn with_header_style(self, style: HeaderStyle) -> Self {
        Self { style, ..self }
    }

    /// Counts by the route's pattern instead of the request's path. With paths, a client of
    /// `/orders/{id}` has a counter for every id.
    #[must_use]
    pub fn per_route(self) -> Self {
        Self { per_route: true, ..self }
    }

    /// Counts for the [network](client_network) of the [client's address](Context::client_ip),
    /// whatever credentials it shows: for applications that check none. Where nobody vouches for an
    /// address, it is whoever calls after all.
    #[must_use]
    pub fn per_client(self) -> Self {
        Self { per_client: true, ..self }
    }

    /// Who is counted, and what for.
    fn key(&self, context: &Context) -> Result<RateLimitKey, KeyError> {
        let (call, request) = (context.call(), context.request());
        let (identity, tenant_id) = (context.identity(), context.tenant_id());
        let caller = Caller { headers: &request.headers, identity, tenant_id };
        let client = context.client_ip().filter(|_| self.per_client);
        let socket = context.websocket();
        let connection = socket.as_ref().map(|socket| socket.connection());
        let identifier = match (client, connection) {
            (Some(address), _) => client_network(address),
            // Messages carry no credentials: who sends them is the connection.
            (None, Some(connection)) if connection.event_type != "CONNECT" => {
                connection.connection_id.clone()
            }
            (None, _) => caller.identifier(self.secret.as_deref()),
        };
        let pattern = call.pattern().filter(|_| self.per_route);
        // Events of a WebSocket API have neither a method nor a path.
        let (operation, resource) = match (connection, pattern) {
            (Some(connection), _) => ("WEBSOCKET", connection.route_key.as_str()),
            (None, Some(pattern)) => (request.method.as_str(), pattern.as_str()),
            (None, None) => (request.method.as_str(), request.path.as_str()),
        };
        // Some providers decode paths; the key needs the separator for itself.
        let resource = resource.replace('#', "%23");
        RateLimitKey::new(&identifier, &resource, operation)
    }
}

impl<X, C> Middleware for RateLimit<X, C>
where
    X: StoreExecutor + Send + 'static,
    C: Clock + 'static,
{
    fn limiters(&self) -> Vec<Limiter> {
        vec![self.limiter.limiter().clone()]
    }

    async fn handle(&self, context: Context, next: Next) -> Answer {
        let key = self.key(&context)?;
        let attempt = self.limiter.attempt(key);
        let decision = self.limiter.check_and_increment(attempt).await.map_err(undecided)?;
        context.extend(decision.clone());
        if !decision.allowed {
            return Err(denial(&decision, self.style));
        }
        // A limit nearer to the handler is the more specific one: two cannot share one set of fields.
        let mut fields = headers(&decision, self.style);
        let response = next.run(context).await;
        fields.retain(|(name, _)| !response.headers.contains(name));
        let fields = fields.into_iter();
        Ok(fields.fold(response, |response, (name, value)| response.with_header(name, value)))
    }
}

impl<X, C> fmt::Debug for RateLimit<X, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RateLimit")
            .field("limiter", self.limiter.limiter())
            .field("style", &self.style)
            .field("per_route", &self.per_route)
            .field("per_client", &self.per_client)
            .finish_non_exhaustive()
    }
}
