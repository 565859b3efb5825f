//! Rate limits around handlers.

use apptheory_core::limiter::headers::headers;
use apptheory_core::limiter::http::{CountedRequest, WEBSOCKET};
use apptheory_core::limiter::{self, Limiter};

use super::Answer;
use super::build::BuildWarning;
use super::chain::Next;
use super::context::Context;
use super::middleware::Middleware;
use crate::limiter::RequestLimit;

/// A middleware that counts requests, and refuses those above the limit with 429.
///
/// A request counts for its verified [caller](apptheory_core::limiter::http::KeyPolicy), and for
/// its route's pattern. Handlers can take the
/// [`Decision`](apptheory_core::limiter::Decision) as an [`Extension`](super::Extension), and every
/// response has the limit's headers; of nested limits, those of the innermost one.
///
/// ```
/// use apptheory::Store;
/// use apptheory::app::{App, RateLimit};
///
/// let limit = RateLimit::per_minute(100).fail_closed().on(&Store::memory());
/// let app = App::new().layer(limit).get("/", async || "hello").build()?;
/// # Ok::<(), apptheory::app::BuildError>(())
/// ```
///
/// An application with a limit that cannot work does not build, and the error names the limit:
///
/// ```
/// # use apptheory::Store;
/// # use apptheory::app::{App, RateLimit};
/// let limit = RateLimit::per_minute(0).fail_closed().on(&Store::memory());
/// let app = App::new().layer(limit).get("/", async || "never");
/// let refused = app.build().unwrap_err();
/// assert!(refused.to_string().contains("`per_minute(0)` cannot work: a limit of at least 1"));
/// ```
///
/// Two limits around the same routes need separate counters: name one of them with
/// [`named`](crate::limiter::RequestLimitBuilder::named), or the application does not build.
///
/// WebSocket messages count for their caller, else for the identity that the authorizer of
/// `$connect` returned, else for the client's address; and for their route key.
///
/// A record counts for its sender: its queue, stream, table or topic, or the source of its event. A
/// record above the limit fails, and is retried as its service does: allow a queue enough receives
/// before it gives a message up. Records have no client address, so a limit [per
/// address](RequestLimit::per_address) fails all of them: put it around a router of requests only.
pub type RateLimit = RequestLimit<Context>;

impl Middleware for RateLimit {
    fn limiters(&self) -> Result<Vec<Limiter>, limiter::Error> {
        Ok(vec![self.limiter()?.clone()])
    }

    async fn handle(&self, context: Context, next: Next) -> Answer {
        let attempt = with_facts(&context, |facts| self.attempt(&context, facts));
        let attempt = match attempt {
            Ok(Some(attempt)) => attempt,
            Ok(None) => return Ok(next.run(context).await),
            Err(refusal) => return Err(refusal.into_error(self.style)),
        };
        let decision = match self.admit(&context, attempt).await {
            Ok(decision) => decision,
            Err(refusal) => return Err(refusal.into_error(self.style)),
        };
        context.extend(decision.clone());
        // The innermost limit is the most specific one, and a response has one set of these
        // headers.
        let mut fields = headers(&decision, self.style);
        let response = next.run(context).await;
        fields.retain(|(name, _)| !response.headers.contains(name));
        let fields = fields.into_iter();
        Ok(fields.fold(response, |response, (name, value)| response.with_header(name, value)))
    }

    fn warnings(&self, authenticates: bool) -> Vec<BuildWarning> {
        if self.needs_verified_address(authenticates) {
            vec![BuildWarning::NoCallerBehindLoadBalancer]
        } else {
            Vec::new()
        }
    }
}

/// Passes what is known about a request, message or record to `look`.
fn with_facts<T>(context: &Context, look: impl FnOnce(CountedRequest<'_>) -> T) -> T {
    let no_fields = |_: &str| Vec::new();
    if let Some(record) = context.record() {
        let (trigger, sender) = (record.trigger().as_str(), record.sender());
        let facts = CountedRequest::of(trigger, "", &no_fields);
        return look(CountedRequest { identity: sender, route: Some(sender), ..facts });
    }
    let Some(call) = context.call() else { return look(CountedRequest::of("", "", &no_fields)) };
    let (request, socket) = (&call.request, context.websocket());
    let connection = socket.as_ref().map(|socket| socket.connection());
    let fields = |name: &str| request.headers.get_all(name).to_vec();
    let facts = CountedRequest::of(&request.method, &request.path, &fields);
    let principal = context.principal();
    let facts = CountedRequest {
        identity: principal.map_or("", |principal| &principal.identity),
        tenant_id: call.verified_tenant_id(principal).unwrap_or_default(),
        named_tenant_id: &call.named_tenant_id,
        address: context.client_ip(),
        route: call.pattern().map(|pattern| pattern.as_str()),
        ..facts
    };
    look(match connection {
        // WebSocket events have neither a method nor a path.
        Some(connection) => CountedRequest {
            identity: if facts.identity.is_empty() { &connection.identity } else { facts.identity },
            route: Some(&connection.route_key),
            method: WEBSOCKET,
            ..facts
        },
        None => facts,
    })
}
