//! The context that handlers, middleware and hooks get.

use core::fmt;
use core::net::IpAddr;
use core::time::Duration;
use std::sync::Arc;

use apptheory_core::error::AppError;
use apptheory_core::events::{Delivery, EventInput};
use apptheory_core::gateway;
use apptheory_core::http::exchange::{Call, CallHandler, Principal, Stages};
use apptheory_core::http::{JsonReading, Request, Values, read_json};
use apptheory_core::invocation_time::InvocationTime;
use apptheory_core::time::Timestamp;
use serde::de::DeserializeOwned;
use serde_json::Value as Json;

use super::cancellation::Cancellation;
use super::chain::Chain;
use super::events::AnyEvent;
use super::invocation::Invocation;
use super::locals::Locals;
use super::services::Services;
use super::subject::{ContextKind, OfAnotherKind, Subject};
use super::time::Begun;
use crate::clock::{Clock, SharedClock};
use crate::trace::Trace;
use crate::websocket::WebSocketClient;

/// The context of a request, a WebSocket message, a record or an event, for handlers, middleware
/// and hooks. Clones share the same context.
///
/// Methods about requests, such as [`path`](Self::path), return an empty text for records.
///
/// ```
/// use apptheory::app::{App, Context};
///
/// async fn show(context: Context) -> String {
///     format!("{} {} {}", context.request_id(), context.path(), context.query("page"))
/// }
///
/// let app = App::new().get("/items", show).build()?;
/// # Ok::<(), apptheory::app::BuildError>(())
/// ```
#[derive(Clone)]
pub struct Context {
    scope: Arc<Scope>,
    /// The call, if an outer layer has changed its request.
    #[cfg(feature = "tower")]
    changed: Option<Arc<Call>>,
    pub(super) cancellation: Cancellation,
}

/// What all contexts of a request, message, record or event share. Futures hold contexts, which are
/// therefore small.
struct Scope {
    subject: Subject,
    services: Arc<Services>,
    begun: Arc<Begun>,
    locals: Locals,
}

impl Context {
    pub(super) fn new(subject: Subject, services: &Arc<Services>, begun: &Arc<Begun>) -> Self {
        Self::behind(Stages::default(), subject, services, begun)
    }

    fn behind(
        stages: Stages,
        subject: Subject,
        services: &Arc<Services>,
        begun: &Arc<Begun>,
    ) -> Self {
        let scope = Scope {
            subject,
            services: Arc::clone(services),
            begun: Arc::clone(begun),
            locals: Locals::behind(stages),
        };
        Self {
            scope: Arc::new(scope),
            #[cfg(feature = "tower")]
            changed: None,
            cancellation: Cancellation::OfInvocation,
        }
    }

    pub(super) fn for_handler(
        effect: &CallHandler<'_, Arc<Chain>, super::BodyStream>,
        services: &Arc<Services>,
        begun: &Arc<Begun>,
    ) -> Self {
        let (call, principal) = (Arc::clone(&effect.call), effect.principal.clone());
        Self::behind(effect.stages, Subject::Call { call, principal }, services, begun)
    }

    /// Returns the input as it arrived: without the changes of layers.
    pub(super) fn subject(&self) -> &Subject {
        &self.scope.subject
    }

    pub(super) fn services(&self) -> &Services {
        &self.scope.services
    }

    pub(super) fn locals(&self) -> &Locals {
        &self.scope.locals
    }

    /// Returns whether the context is of a request, a message, a record or an event. Use it in
    /// middleware around handlers of several kinds.
    #[must_use]
    pub fn kind(&self) -> ContextKind {
        match self.subject() {
            Subject::Call { call, .. } if call.route_key().is_some() => ContextKind::Message,
            Subject::Call { .. } => ContextKind::Request,
            Subject::Record { .. } => ContextKind::Record,
            Subject::Event { .. } => ContextKind::Event,
        }
    }

    /// Returns the request, or the message in the form of a request; `None` for a record.
    #[must_use]
    pub fn request(&self) -> Option<&Request> {
        self.call().map(|call| &call.request)
    }

    /// Returns the request with its path parameters and its time of arrival; `None` for a record.
    #[must_use]
    pub fn call(&self) -> Option<&Call> {
        self.shared_call().map(|call| &**call)
    }

    fn shared_call(&self) -> Option<&Arc<Call>> {
        #[cfg(feature = "tower")]
        if self.changed.is_some() {
            return self.changed.as_ref();
        }
        match self.subject() {
            Subject::Call { call, .. } => Some(call),
            Subject::Record { .. } | Subject::Event { .. } => None,
        }
    }

    /// Returns the call of a handler of requests.
    pub(super) fn expect_call(&self) -> Result<&Arc<Call>, AppError> {
        self.shared_call().ok_or_else(|| AppError::internal().with_cause(OfAnotherKind))
    }

    /// Returns the record; `None` for a request or message.
    #[must_use]
    pub fn record(&self) -> Option<&EventInput> {
        match self.subject() {
            Subject::Record { record, .. } => Some(record),
            Subject::Call { .. } | Subject::Event { .. } => None,
        }
    }

    /// Returns the event of a handler of any event; `None` for a request, message or record.
    #[must_use]
    pub fn event(&self) -> Option<&AnyEvent> {
        match self.subject() {
            Subject::Event { event, .. } => Some(event),
            Subject::Call { .. } | Subject::Record { .. } => None,
        }
    }

    /// Returns the delivery of the record, for the workload helpers of
    /// [`events`](apptheory_core::events). For a request, returns the delivery of its invocation.
    #[must_use]
    pub fn delivery(&self) -> Delivery {
        match self.subject() {
            Subject::Record { delivery, .. } | Subject::Event { delivery, .. } => {
                Delivery::clone(delivery)
            }
            Subject::Call { call, .. } => Delivery {
                request_id: call.request_id.clone(),
                aws_request_id: self.invocation().request_id.trim().to_owned(),
                remaining_ms: call.remaining_ms(),
            },
        }
    }

    /// Returns the method of the request, or an empty text.
    #[must_use]
    pub fn method(&self) -> &str {
        self.request().map_or("", |request| &request.method)
    }

    /// Returns the path of the request, percent-encoded, or an empty text.
    #[must_use]
    pub fn path(&self) -> &str {
        self.request().map_or("", |request| request.path.as_str())
    }

    /// Returns the request id: the client's, the provider's, or a new one. For a record, returns
    /// the invocation's id, which all records of a batch share.
    #[must_use]
    pub fn request_id(&self) -> &str {
        self.subject().request_id()
    }

    /// Returns the trace id: the request's own, or that of the [invocation](Self::trace), or an
    /// empty text. Show it to users so that support can look the request up.
    #[must_use]
    pub fn trace_id(&self) -> &str {
        match self.subject().trace_id() {
            "" => self.begun().span.trace().id(),
            own => own,
        }
    }

    /// Returns the trace of the invocation: the X-Ray header and the W3C trace context that came
    /// with the request. Use it to continue the trace in [a task](crate::trace::scope) or in other
    /// services.
    #[must_use]
    pub fn trace(&self) -> Trace {
        self.begun().span.trace().clone()
    }

    /// Returns the tenant id, or an empty text. The first of these counts: the tenant that Lambda
    /// runs the invocation for, if the function isolates tenants; the tenant that authentication
    /// verifies; the tenant that the request names, if [the application allows
    /// it](apptheory_core::http::exchange::TenantSource).
    #[must_use]
    pub fn tenant_id(&self) -> &str {
        match self.call() {
            Some(call) => call.tenant_id(self.principal()),
            None => self.invocation().tenant_id.as_deref().unwrap_or_default(),
        }
    }

    /// Returns the authenticated caller. `None` if the route does not authenticate, or the caller
    /// is anonymous.
    #[must_use]
    pub fn principal(&self) -> Option<&Principal> {
        match self.subject() {
            Subject::Call { principal, .. } => principal.as_deref(),
            Subject::Record { .. } | Subject::Event { .. } => None,
        }
    }

    /// Returns whether the route authenticates its callers.
    pub(super) fn was_asked_who_calls(&self) -> bool {
        self.stages().iter().any(|stage| stage == "auth")
    }

    /// Returns the identity of the authenticated caller, or an empty text.
    #[must_use]
    pub fn identity(&self) -> &str {
        self.principal().map_or("", |principal| &principal.identity)
    }

    /// Returns the client's address, from the [provider](Request::source_provenance) or from the
    /// connection. It is never taken from headers, which clients can forge.
    #[must_use]
    pub fn client_ip(&self) -> Option<IpAddr> {
        let (address, _zone) = match self.request()?.source_provenance.source_ip() {
            "" => {
                let socket = self.websocket().and_then(|socket| socket.connection().source_ip);
                return socket.or_else(|| self.begun().invocation.peer.map(|peer| peer.ip()));
            }
            address => address.split_once('%').unwrap_or((address, "")),
        };
        address.parse().ok()
    }

    /// Returns the first value of a header, or an empty text. Several `cookie` headers are joined
    /// into one value. See [`Request::header`].
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        self.request().map_or("", |request| request.header(name))
    }

    /// Returns the first value of a query parameter, or an empty text. The name is trimmed.
    #[must_use]
    pub fn query(&self, name: &str) -> &str {
        self.request().and_then(|request| request.query.get(name.trim())).unwrap_or_default()
    }

    /// Returns all values of a query parameter. The name is trimmed.
    #[must_use]
    pub fn query_all(&self, name: &str) -> Values<'_> {
        let request = self.request();
        request.map(|request| request.query.get_all(name.trim())).unwrap_or_default()
    }

    /// Returns a path parameter, percent-encoded, or an empty text. The extractor
    /// [`Path`](super::Path) decodes it.
    #[must_use]
    pub fn param(&self, name: &str) -> &str {
        self.call().and_then(|call| call.param(name)).unwrap_or_default()
    }

    /// Returns the body of the request or message, or the [payload](EventInput::payload) of the
    /// record.
    #[must_use]
    pub fn body(&self) -> &[u8] {
        match self.subject() {
            Subject::Call { .. } => self.request().map_or(&[], |request| &request.body),
            Subject::Record { record, .. } => record.payload(),
            Subject::Event { event, .. } => event.as_json().as_bytes(),
        }
    }

    /// Parses the [body](Self::body) as JSON of any shape; an empty body is `null`. Use the
    /// extractor [`Json`](super::Json) to parse a type of your own.
    ///
    /// # Errors
    ///
    /// 415 for another media type and 400 for malformed JSON, as the application's [`JsonReading`]
    /// says.
    pub fn json_value(&self) -> Result<Json, AppError> {
        match self.request() {
            Some(request) => self.json_reading().read_value(request),
            None if self.body().is_empty() => Ok(Json::Null),
            None => read_json(self.body()),
        }
    }

    pub(super) fn json<T: DeserializeOwned>(&self) -> Result<T, AppError> {
        match self.request() {
            Some(request) => self.json_reading().read(request),
            None => read_json(self.body()),
        }
    }

    fn json_reading(&self) -> JsonReading {
        match self.services().json {
            // Messages have no media type, and no web page can send on another client's connection.
            JsonReading::JsonTypes if self.kind() == ContextKind::Message => JsonReading::AnyType,
            reading @ (JsonReading::JsonTypes | JsonReading::AnyType | JsonReading::Contract) => {
                reading
            }
        }
    }

    /// Returns the invocation that the request or record belongs to.
    #[must_use]
    pub fn invocation(&self) -> &Invocation {
        &self.begun().invocation
    }

    pub(super) fn begun(&self) -> &Arc<Begun> {
        &self.scope.begun
    }

    /// Returns the instants at which the invocation's time is up.
    pub(super) fn time(&self) -> InvocationTime {
        self.begun().time
    }

    /// Returns the current instant of the application's clock.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.services().clock.now()
    }

    /// Returns the application's clock. Sleep on it, so that tests can run in virtual time.
    #[must_use]
    pub fn clock(&self) -> &SharedClock {
        &self.services().clock
    }

    /// Draws a new id from the application's source.
    #[must_use]
    pub fn new_id(&self) -> String {
        self.services().ids.next_text()
    }

    /// Returns a client for the WebSocket API at `endpoint`, from the application's
    /// [factory](super::App::websocket_clients). Use it in handlers of other events; handlers of
    /// messages take a [`WebSocket`](super::WebSocket). On a local server and in a
    /// [`TestApp`](crate::testkit::TestApp) the client sends to that server's or test's connections,
    /// whatever the endpoint.
    ///
    /// # Errors
    ///
    /// [`gateway::Error`] of kind [`MissingFactory`](gateway::ErrorKind::MissingFactory), or the
    /// factory's error.
    pub async fn websocket_client(
        &self,
        endpoint: &str,
    ) -> Result<WebSocketClient, gateway::Error> {
        self.services().websocket_clients.client(endpoint).await
    }

    /// Returns the time until the invocation's deadline: `None` without a deadline, zero after it.
    #[must_use]
    pub fn remaining(&self) -> Option<Duration> {
        self.begun().time.ends_at().map(|deadline| self.now().until(deadline))
    }

    /// Returns the largest size of a request body that an outer layer has changed, for instance by
    /// decompressing it.
    #[cfg(feature = "tower")]
    pub(super) fn max_changed_bytes(&self) -> usize {
        let most = self.services().max_request_bytes.map(core::num::NonZeroU64::get);
        most.map_or(MAX_CHANGED_BYTES, |most| usize::try_from(most).unwrap_or(usize::MAX))
    }

    /// Returns the context with a changed request.
    #[cfg(feature = "tower")]
    pub(super) fn with_request(&self, change: impl FnOnce(&mut Request)) -> Self {
        let changed = self.call().cloned().map(|mut call| {
            change(&mut call.request);
            Arc::new(call)
        });
        Self { changed, ..self.clone() }
    }
}

/// The largest changed body where the application sets no limit: at least ten times what any front
/// end accepts, so that a small compressed request cannot fill the memory.
#[cfg(feature = "tower")]
const MAX_CHANGED_BYTES: usize = 64 << 20;

/// Requests and records are data of their senders: `Debug` does not print them.
impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Context");
        shown.field("request_id", &self.request_id());
        match self.subject() {
            Subject::Call { call, .. } => {
                let Request { method, path, .. } = &call.request;
                shown.field("method", method).field("path", path)
            }
            Subject::Record { record, .. } => shown.field("trigger", &record.trigger()),
            Subject::Event { event, .. } => shown.field("event", event),
        };
        shown.finish_non_exhaustive()
    }
}
