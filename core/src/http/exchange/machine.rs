//! The exchange of one request, or one message of a WebSocket, for one response.
//!
//! ```text
//! start ─▶ NewRequestId? ─▶ preflight, malformed, 404, 405 ──────────────────────▶ Exchanged
//!                              └▶ DecidePolicy? ─▶ Authenticate? ─▶ CallHandler ──────▲
//! HttpExchange               Guarding                             Answering
//! ```
//!
//! Each of the three states owns what it needs: who waits for a policy has a route, and who waits
//! for a handler has nothing left to refuse.

use alloc::string::String;
use alloc::sync::Arc;
use core::fmt;
use core::marker::PhantomData;

use super::answering::Answering;
use super::call::{Address, Arrival, Call};
use super::effects::{ExchangeRequest, NewRequestId};
use super::guarding::Guarding;
use super::observation::Observation;
use super::service::{Endpoint, HttpService};
use super::settings::{HttpSettings, Pipeline};
use crate::error::{AppError, code};
use crate::http::router::{Lookup, Pattern};
use crate::http::sending::is_field_value;
use crate::http::{HttpResponse, RawRequest, Request};
use crate::machine::{Machine, Step};

/// The exchange of one request or one message for one response; made by [`HttpService::exchange`] and
/// [`HttpService::message_exchange`].
///
/// It never fails: whatever goes wrong is answered. A response that comes out is
/// [normalised](HttpResponse::normalize).
pub struct HttpExchange<'r, T, S> {
    service: &'r HttpService<T>,
    call: Arc<Call>,
    /// What serves the request, or why nothing does.
    routed: Result<&'r Endpoint<T>, AppError>,
    stream: PhantomData<fn() -> S>,
}

/// What an exchange ends with.
#[derive(Clone, Debug)]
pub struct Exchanged<S> {
    /// The answer. What went wrong is its [error](HttpResponse::error), whose
    /// [sources](core::error::Error::source) are for the log: the client sees none of them.
    pub response: HttpResponse<S>,
    /// What is reported about it.
    pub report: Report,
}

/// What is reported about an exchange, once nothing about its response changes any more.
#[derive(Clone, Debug)]
pub struct Report {
    /// The request that was answered.
    pub call: Arc<Call>,
    /// What is recorded of a request, in [`Pipeline::Observed`].
    pub observation: Option<Observation>,
}

impl<'r, T, S> HttpExchange<'r, T, S> {
    pub(super) fn of_request(
        service: &'r HttpService<T>,
        request: RawRequest<'_>,
        arrival: Arrival,
    ) -> Self {
        let settings = service.settings();
        let (request, read) = read(settings, request);
        let (pattern, routed) = match read {
            Ok(()) => route(service, &request),
            Err(error) => (None, Err(error)),
        };
        let tenant_id = match settings.pipeline {
            Pipeline::Bare => String::new(),
            Pipeline::Identified | Pipeline::Observed => settings.tenant.tenant_id(&request),
        };
        let address = Address::Path(pattern);
        let call = Arc::new(Call::new(request, String::new(), tenant_id, arrival, address));
        Self { service, call, routed, stream: PhantomData }
    }

    pub(super) fn of_message(
        service: &'r HttpService<T>,
        route_key: &str,
        message: RawRequest<'_>,
        arrival: Arrival,
    ) -> Self {
        let settings = service.settings();
        let (request, read) = read(settings, message);
        let served = service.message_endpoint(route_key).ok_or_else(AppError::not_found);
        let routed = read.and(served);
        let tenant_id = settings.tenant.tenant_id(&request);
        let address = Address::Key(route_key.into());
        let call = Arc::new(Call::new(request, String::new(), tenant_id, arrival, address));
        Self { service, call, routed, stream: PhantomData }
    }

    /// Returns what is exchanged, with the route that the router decided for; it has no id yet.
    #[must_use]
    pub fn call(&self) -> &Call {
        &self.call
    }

    fn on_request_id(mut self, id: String) -> Step<Self> {
        Arc::make_mut(&mut self.call).request_id = id;
        let preflight = self.preflight();
        let answering = Answering { settings: self.settings(), call: self.call, principal: None };
        if let Some(methods) = preflight {
            let response = HttpResponse::no_content();
            let response = response.with_header("access-control-allow-methods", methods);
            return answering.conclude(Ok(response));
        }
        match self.routed {
            Ok(endpoint) => Guarding { endpoint, answering }.begin(),
            // What nothing serves is answered before the policy: a policy that counts would let a
            // scan of paths that do not exist use up the limit of its caller, or of an address that
            // many share, and each answer to one would cost a call of the store.
            Err(error) => answering.conclude(Err(error)),
        }
    }

    /// The methods to allow, when the request asks for nothing else (the Fetch standard's CORS
    /// preflight).
    fn preflight(&self) -> Option<String> {
        let cors = self.settings().cors.as_ref()?;
        let Call { request, .. } = &*self.call;
        if self.call.route_key().is_some() {
            return None;
        }
        let asked = request.headers.first("access-control-request-method");
        if request.method != "OPTIONS" || asked.is_empty() || !is_field_value(asked) {
            return None;
        }
        if cors.reflects {
            return Some(asked.into());
        }
        let methods = self.service.router().methods(&request.path);
        let is_unclaimed = !methods.is_empty() && self.routed.is_err();
        is_unclaimed.then(|| methods.join(", "))
    }

    fn settings(&self) -> &'r HttpSettings {
        self.service.settings()
    }
}

impl<'r, T, S> Machine for HttpExchange<'r, T, S> {
    type Output = Exchanged<S>;
    type Request = ExchangeRequest<'r, T, S>;

    fn start(self) -> Step<Self> {
        let request = &self.call.request;
        let provided = Some(request.provider_request_id.trim()).filter(|id| is_request_id(id));
        let id = match (self.call.route_key(), self.settings().pipeline) {
            (Some(_), _) => provided,
            (None, Pipeline::Bare) => Some(""),
            (None, Pipeline::Identified | Pipeline::Observed) => {
                Some(request.client_request_id()).filter(|id| is_request_id(id)).or(provided)
            }
        };
        match id {
            Some(id) => {
                let id = id.into();
                self.on_request_id(id)
            }
            None => self.ask(NewRequestId, Self::on_request_id),
        }
    }
}

/// A request as handlers see it, and what is wrong with it.
fn read(settings: &HttpSettings, request: RawRequest<'_>) -> (Request, Result<(), AppError>) {
    let max_bytes = settings.limits.max_request_bytes;
    let max_bytes = max_bytes.map(|most| usize::try_from(most.get()).unwrap_or(usize::MAX));
    match request.normalize(max_bytes) {
        Ok(request) => (request, Ok(())),
        Err(rejected) => (rejected.request, Err(rejected.error.into())),
    }
}

/// What serves a request, or the 404 or 405 that answers it.
fn route<'r, T>(
    service: &'r HttpService<T>,
    request: &Request,
) -> (Option<Arc<Pattern>>, Result<&'r Endpoint<T>, AppError>) {
    match service.router().look_up(&request.method, &request.path) {
        Lookup::Found(found) => {
            (Some(Arc::clone(found.route().shared_pattern())), Ok(found.handler()))
        }
        Lookup::MethodNotAllowed { allow } => {
            (None, Err(AppError::of(code::METHOD_NOT_ALLOWED).with_header("allow", allow)))
        }
        Lookup::NotFound => {
            (None, service.find_fallback(&request.path).ok_or_else(AppError::not_found))
        }
    }
}

/// Whether an id can be sent back and logged as it is: it is not blank, not long, and printable.
fn is_request_id(id: &str) -> bool {
    let is_printable = |b: u8| matches!(b, b' '..=b'~');
    !id.is_empty() && id.len() <= MAX_REQUEST_ID_BYTES && id.bytes().all(is_printable)
}

/// Longer than any id in use: UUIDs have 36 bytes, X-Ray's trace header about 75.
const MAX_REQUEST_ID_BYTES: usize = 128;

// Derived, these would ask the same of handlers and streams.
impl<T, S> Clone for HttpExchange<'_, T, S> {
    fn clone(&self) -> Self {
        Self {
            service: self.service,
            call: Arc::clone(&self.call),
            routed: self.routed.clone(),
            stream: PhantomData,
        }
    }
}

impl<T, S> fmt::Debug for HttpExchange<'_, T, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpExchange").field("call", &self.call).finish_non_exhaustive()
    }
}
