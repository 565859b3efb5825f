//! What a handler knows about its request.

use core::any::{Any, TypeId};
use core::fmt;
use core::net::IpAddr;
use core::time::Duration;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use apptheory_core::error::AppError;
use apptheory_core::gateway;
use apptheory_core::http::exchange::{Call, CallHandler, Principal};
use apptheory_core::http::{JsonReading, Request};
use apptheory_core::invocation_time::InvocationTime;
use apptheory_core::time::Timestamp;
use serde::de::DeserializeOwned;
use serde_json::Value as Json;
use tokio_util::sync::CancellationToken;

use super::Response;
use super::endpoint::Endpoint;
use super::invocation::Invocation;
use super::time::Begun;
use super::values::Values;
use crate::clock::{Clock, SharedClock};
use crate::ids::IdSource;
use crate::websocket::{WebSocketClient, WebSocketClientFactory};

/// What a handler, a middleware or a hook knows about its request. Clones are the same request.
#[derive(Clone)]
pub struct Context {
    call: Arc<Call>,
    principal: Option<Arc<Principal>>,
    services: Arc<Services>,
    begun: Arc<Begun>,
    shared: Arc<Shared>,
    cancellation: CancellationToken,
}

/// What an application lives on: what all of its requests share.
#[derive(Clone)]
pub(super) struct Services {
    pub(super) clock: SharedClock,
    pub(super) ids: Arc<dyn IdSource>,
    pub(super) websocket_clients: Option<Arc<dyn WebSocketClientFactory>>,
    pub(super) json: JsonReading,
}

impl Services {
    pub(super) async fn websocket_client(
        &self,
        endpoint: &str,
    ) -> Result<WebSocketClient, gateway::Error> {
        let clients = self.websocket_clients.as_ref().ok_or(gateway::ErrorKind::MissingFactory)?;
        clients.client(endpoint).await
    }
}

/// What middleware and handlers of one request tell each other.
#[derive(Default)]
struct Shared {
    values: Values,
    left: Mutex<Extensions>,
}

#[derive(Default)]
struct Extensions {
    extensions: BTreeMap<TypeId, Arc<dyn Any + Send + Sync>>,
    trace: Vec<Cow<'static, str>>,
}

impl Context {
    pub(super) fn new(
        call: Arc<Call>,
        principal: Option<Arc<Principal>>,
        services: &Arc<Services>,
        begun: &Arc<Begun>,
        cancellation: &CancellationToken,
    ) -> Self {
        Self {
            call,
            principal,
            services: Arc::clone(services),
            begun: Arc::clone(begun),
            shared: Arc::default(),
            cancellation: cancellation.clone(),
        }
    }

    pub(super) fn for_handler(
        effect: &CallHandler<'_, Arc<dyn Endpoint>, super::BodyStream>,
        services: &Arc<Services>,
        begun: &Arc<Begun>,
        cancellation: &CancellationToken,
    ) -> Self {
        let (call, principal) = (Arc::clone(&effect.call), effect.principal.clone());
        let context = Self::new(call, principal, services, begun, cancellation);
        context.left().trace = effect.stages.names().map(Cow::Borrowed).collect();
        context
    }

    /// The request.
    #[must_use]
    pub fn request(&self) -> &Request {
        &self.call.request
    }

    /// The request with what its route captured and when it arrived.
    #[must_use]
    pub fn call(&self) -> &Call {
        &self.call
    }

    pub(super) fn shared_call(&self) -> Arc<Call> {
        Arc::clone(&self.call)
    }

    /// The request's id: the client's, the provider's, or a new one.
    #[must_use]
    pub fn request_id(&self) -> &str {
        &self.call.request_id
    }

    /// The request's trace, or an empty text.
    #[must_use]
    pub fn trace_id(&self) -> &str {
        &self.call.request.trace_id
    }

    /// The tenant: the one that Lambda runs the invocation for, where the function isolates its
    /// tenants; else the one that authentication vouches for; else the one that the request names if
    /// clients [may](apptheory_core::http::exchange::TenantSource); else an empty text.
    #[must_use]
    pub fn tenant_id(&self) -> &str {
        self.call.tenant_id(self.principal())
    }

    /// Who calls, where the route asked and somebody does.
    #[must_use]
    pub fn principal(&self) -> Option<&Principal> {
        self.principal.as_deref()
    }

    /// The caller's identity, or an empty text.
    #[must_use]
    pub fn identity(&self) -> &str {
        self.principal().map_or("", |principal| &principal.identity)
    }

    /// The client's address, as far as somebody vouches for it: the
    /// [provider](Request::source_provenance), else the connection that the request came over.
    /// Header fields, which clients can write themselves, never make it.
    #[must_use]
    pub fn client_ip(&self) -> Option<IpAddr> {
        let (address, _zone) = match self.call.request.source_provenance.source_ip() {
            "" => {
                let socket = self.websocket().and_then(|socket| socket.connection().source_ip);
                return socket.or_else(|| self.begun.invocation.peer.map(|peer| peer.ip()));
            }
            told => told.split_once('%').unwrap_or((told, "")),
        };
        address.parse().ok()
    }

    /// The first value of a header field, or an empty text; of `cookie` all of them, as one. See
    /// [`Request::header`].
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        self.call.request.header(name)
    }

    /// The first value of a query parameter, or an empty text. The name is trimmed.
    #[must_use]
    pub fn query(&self, name: &str) -> &str {
        self.call.request.query.get(name.trim()).unwrap_or_default()
    }

    /// All values of a query parameter. The name is trimmed.
    #[must_use]
    pub fn query_all(&self, name: &str) -> &[String] {
        self.call.request.query.get_all(name.trim())
    }

    /// What a path parameter captured, percent-encoded; or an empty text. The extractor
    /// [`Path`](super::Path) decodes it.
    #[must_use]
    pub fn param(&self, name: &str) -> &str {
        self.call.param(name).unwrap_or_default()
    }

    /// Returns the body as JSON of any shape, null when it is empty; see [`Json`](super::Json) for one
    /// of a type.
    ///
    /// # Errors
    ///
    /// What the application's [`JsonReading`] says: 415 for a body of another media type, and 400 for
    /// one that is no JSON.
    pub fn json_value(&self) -> Result<Json, AppError> {
        self.json_reading().read_value(&self.call.request)
    }

    pub(super) fn json<T: DeserializeOwned>(&self) -> Result<T, AppError> {
        self.json_reading().read(&self.call.request)
    }

    fn json_reading(&self) -> JsonReading {
        match self.services.json {
            // Messages have no media type, and no page can send any to a connection of others.
            JsonReading::JsonTypes if self.websocket().is_some() => JsonReading::AnyType,
            reading @ (JsonReading::JsonTypes | JsonReading::AnyType | JsonReading::Contract) => {
                reading
            }
        }
    }

    /// The invocation that the request came with.
    #[must_use]
    pub fn invocation(&self) -> &Invocation {
        &self.begun.invocation
    }

    /// The time that the invocation has.
    pub(super) fn time(&self) -> InvocationTime {
        self.begun.time
    }

    /// The present instant, by the application's clock.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.services.clock.now()
    }

    /// The application's clock: sleep on it, and tests need not wait.
    #[must_use]
    pub fn clock(&self) -> &SharedClock {
        &self.services.clock
    }

    /// A new id from the application's source.
    #[must_use]
    pub fn new_id(&self) -> String {
        self.services.ids.next_text()
    }

    /// A client for the connections of the WebSocket API at `endpoint`, from the application's
    /// [factory](super::AppBuilder::websocket_clients): for handlers that are not on a
    /// [`WebSocket`](super::WebSocket) themselves. On a local server it is that server's, whatever
    /// the endpoint.
    ///
    /// # Errors
    ///
    /// [`gateway::Error`] of the kind [`MissingFactory`](gateway::ErrorKind::MissingFactory), or the
    /// factory's.
    pub async fn websocket_client(
        &self,
        endpoint: &str,
    ) -> Result<WebSocketClient, gateway::Error> {
        self.services.websocket_client(endpoint).await
    }

    /// How long there is left to answer. `None` when there is no deadline, zero when it has passed.
    #[must_use]
    pub fn remaining(&self) -> Option<Duration> {
        let (now, left) = (self.now(), self.call.arrival.remaining?);
        Some(left.saturating_sub(self.call.arrival.now.until(now)))
    }

    /// Ends when nobody waits for the handler any more: its time is up, or the client is gone. The
    /// handler's own future is dropped then; this is for work that it started elsewhere. It never
    /// ends after the handler has answered: a body's stream is dropped when its client leaves, and
    /// what feeds it finds its channel closed.
    #[must_use]
    pub fn cancellation(&self) -> &CancellationToken {
        &self.cancellation
    }

    /// The same request, whose answer nobody waits for once `cancellation` ends.
    pub(super) fn cancelled_by(&self, cancellation: CancellationToken) -> Self {
        Self { cancellation, ..self.clone() }
    }

    /// Leaves a value for the rest of the request, under a name that is trimmed. A blank name is
    /// ignored.
    pub fn set(&self, name: &str, value: impl Into<Json>) {
        self.shared.values.set(name, value.into());
    }

    /// A value that was left under a name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<Json> {
        self.shared.values.get(name)
    }

    /// Leaves a value for the rest of the request, under its type. The extractor
    /// [`Extension`](super::Extension) reads it.
    pub fn extend<T: Send + Sync + 'static>(&self, value: T) {
        self.left().extensions.insert(TypeId::of::<T>(), Arc::new(value));
    }

    /// The value that was left under a type.
    #[must_use]
    pub fn extension<T: Send + Sync + 'static>(&self) -> Option<Arc<T>> {
        let value = self.left().extensions.get(&TypeId::of::<T>()).cloned();
        value.and_then(|value| value.downcast().ok())
    }

    /// The stages that the request has passed, in order: the pipeline's, and what middleware
    /// [added](Self::trace).
    #[must_use]
    pub fn stages(&self) -> Vec<Cow<'static, str>> {
        self.left().trace.clone()
    }

    /// Adds a stage.
    pub fn trace(&self, stage: impl Into<Cow<'static, str>>) {
        self.left().trace.push(stage.into());
    }

    fn left(&self) -> MutexGuard<'_, Extensions> {
        // Nothing panics while it is locked: poisoning says nothing here.
        self.shared.left.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a request holds is its client's: it is not printed.
impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context")
            .field("request_id", &self.call.request_id)
            .field("method", &self.call.request.method)
            .field("path", &self.call.request.path)
            .finish_non_exhaustive()
    }
}

/// What a middleware or a handler answers: a response, or an error that is answered for it.
pub type Answer = Result<Response, AppError>;
