//! The exchange of a request, or a WebSocket message, for a response.
//!
//! ```text
//! start ─▶ NewRequestId? ─▶ preflight, malformed, 404, 405 ──────────────────────▶ Exchanged
//!                              └▶ DecidePolicy? ─▶ Authenticate? ─▶ CallHandler ──────▲
//! HttpExchange               Guarding                             Answering
//! ```
//!
//! Each of the three states has exactly the data that it needs: a request that waits for a policy
//! has a route, and one that waits for its handler can no longer be refused.

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
use crate::ascii::is_printable;
use crate::error::{AppError, code};
use crate::http::router::{Lookup, Pattern};
use crate::http::sending::is_field_value;
use crate::http::{HttpResponse, RawRequest, Request};
use crate::machine::{Machine, Step};

/// The exchange of a request or a message for a response. Created by [`HttpService::exchange`] and
/// [`HttpService::message_exchange`].
///
/// It never fails: every error becomes a response. Responses are
/// [normalized](HttpResponse::normalize).
pub struct HttpExchange<'r, T, S> {
    service: &'r HttpService<T>,
    call: Arc<Call>,
    /// The endpoint of the request, or the 404 or 405.
    routed: Result<&'r Endpoint<T>, AppError>,
    stream: PhantomData<fn() -> S>,
}

/// The result of an exchange.
#[derive(Clone, Debug)]
pub struct Exchanged<S> {
    /// The response. If an error occurred, it is in [`error`](HttpResponse::error); the error's
    /// [sources](core::error::Error::source) are for the log and not shown to the client.
    pub response: HttpResponse<S>,
    /// The report about the exchange.
    pub report: Report,
}

/// The report about an exchange, after its response is final.
#[derive(Clone, Debug)]
pub struct Report {
    /// The request.
    pub call: Arc<Call>,
    /// The log line, metric and span of the request, in [`Pipeline::Observed`].
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

    /// Returns the request with the route that the router chose. It has no id yet.
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
            // A request without a route is answered before the policy. Otherwise a scan of paths
            // that do not exist would use up the limit of its caller, or of an address that many
            // callers share, and every response would cost a call of the store.
            Err(error) => answering.conclude(Err(error)),
        }
    }

    /// Returns the methods to allow, if the request is a CORS preflight request (the Fetch
    /// standard).
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

/// Reads a request, and returns the error if it is malformed.
#[inline]
fn read(settings: &HttpSettings, request: RawRequest<'_>) -> (Request, Result<(), AppError>) {
    let max_bytes = settings.limits.max_request_bytes;
    let max_bytes = max_bytes.map(|most| usize::try_from(most.get()).unwrap_or(usize::MAX));
    match request.normalize(max_bytes) {
        Ok(request) => (request, Ok(())),
        Err(rejected) => (rejected.request, Err(rejected.error.into())),
    }
}

/// Returns the endpoint of a request, or the 404 or 405.
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

/// Returns whether an id can be sent back and logged: it is not blank, not too long, and printable.
fn is_request_id(id: &str) -> bool {
    !id.is_empty() && id.len() <= MAX_REQUEST_ID_BYTES && is_printable(id)
}

/// Longer than any id in use: UUIDs have 36 bytes, X-Ray's trace header about 75.
const MAX_REQUEST_ID_BYTES: usize = 128;

// A derived implementation would require `Clone` of handlers and streams.
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
