//! The exchange of one request for one response.
//!
//! ```text
//! start ─▶ NewRequestId? ─▶ preflight, malformed, 404, 405 ──────────────────────▶ Exchanged
//!                              └▶ DecidePolicy? ─▶ Authenticate? ─▶ CallHandler ──────▲
//! ```

use alloc::string::String;
use alloc::sync::Arc;
use core::fmt;
use core::marker::PhantomData;

use super::access::Principal;
use super::call::{Arrival, Call};
use super::effects::{
    Authenticate, CallHandler, DecidePolicy, ExchangeRequest, NewRequestId, Stages,
};
use super::observation::Observation;
use super::policy::PolicyDecision;
use super::service::{Endpoint, HttpService};
use super::settings::{HttpSettings, Pipeline, PolicyStage};
use crate::error::{AppError, code};
use crate::http::router::{Lookup, Pattern};
use crate::http::sending::is_field_value;
use crate::http::{HttpResponse, RawRequest, Request, ResponseError};
use crate::machine::{Machine, Step};

/// The exchange of one request for one response; made by [`HttpService::exchange`].
///
/// It never fails: whatever goes wrong is answered. A response that comes out is
/// [normalised](HttpResponse::normalize).
pub struct HttpExchange<'r, T, S> {
    service: &'r HttpService<T>,
    call: Arc<Call>,
    /// What serves the request, or why nothing does.
    routed: Result<&'r Endpoint<T>, AppError>,
    principal: Option<Arc<Principal>>,
    stages: Stages,
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
    /// What is recorded, in [`Pipeline::Observed`].
    pub observation: Option<Observation>,
}

impl<'r, T, S> HttpExchange<'r, T, S> {
    pub(super) fn new(
        service: &'r HttpService<T>,
        request: RawRequest<'_>,
        arrival: Arrival,
    ) -> Self {
        let settings = service.settings();
        let max_bytes = settings.limits.max_request_bytes;
        let max_bytes = max_bytes.map(|most| usize::try_from(most.get()).unwrap_or(usize::MAX));
        let (request, error) = match request.normalize(max_bytes) {
            Ok(request) => (request, None),
            Err(rejected) => (rejected.request, Some(rejected.error)),
        };
        let (pattern, routed) = match error {
            Some(error) => (None, Err(error.into())),
            None => route(service, &request),
        };
        let guarded = settings.pipeline > Pipeline::Bare;
        let stages = Stages {
            named: guarded,
            cors: guarded && !request.headers.first("origin").is_empty(),
            auth: false,
        };
        let tenant_id = match settings.pipeline {
            Pipeline::Bare => String::new(),
            Pipeline::Identified | Pipeline::Observed => settings.tenant.tenant_id(&request),
        };
        let call = Arc::new(Call::new(request, String::new(), tenant_id, arrival, pattern));
        Self { service, call, routed, principal: None, stages, stream: PhantomData }
    }

    fn on_request_id(mut self, id: String) -> Step<Self> {
        Arc::make_mut(&mut self.call).request_id = id;
        if let Some(methods) = self.preflight() {
            let response = HttpResponse::no_content();
            return self
                .conclude(Ok(response.with_header("access-control-allow-methods", methods)));
        }
        match (&self.routed, self.settings().policy) {
            // What nothing serves is answered before the policy: a policy that counts would let a
            // scan of paths that do not exist use up the limit of its caller, or of an address that
            // many share, and each answer to one would cost a call of the store.
            (Err(error), _) => {
                let error = error.clone();
                self.conclude(Err(error))
            }
            (Ok(_), Some(PolicyStage::BeforeAuthentication)) => {
                self.ask_policy(Self::on_policy_before_authentication)
            }
            (Ok(_), None | Some(PolicyStage::AfterAuthentication)) => self.authenticate(),
        }
    }

    /// The methods to allow, when the request asks for nothing else (the Fetch standard's CORS
    /// preflight).
    fn preflight(&self) -> Option<String> {
        let cors = self.settings().cors.as_ref()?;
        let Call { request, .. } = &*self.call;
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

    fn ask_policy(self, then: PolicyStep<'r, T, S>) -> Step<Self> {
        let call = Arc::clone(&self.call);
        let principal = self.principal.clone();
        self.ask(DecidePolicy { call, principal }, then)
    }

    fn on_policy_before_authentication(self, outcome: PolicyOutcome) -> Step<Self> {
        match refusal(outcome) {
            Some(error) => self.conclude(Err(error)),
            None => self.authenticate(),
        }
    }

    fn authenticate(self) -> Step<Self> {
        match &self.routed {
            Ok(endpoint) if !endpoint.access.is_protected() => self.after_authentication(),
            Ok(endpoint) => {
                let (call, access) = (Arc::clone(&self.call), &endpoint.access);
                self.ask(Authenticate { call, access }, Self::on_principal)
            }
            Err(error) => {
                let error = error.clone();
                self.conclude(Err(error))
            }
        }
    }

    fn on_principal(mut self, outcome: Result<Option<Principal>, AppError>) -> Step<Self> {
        self.stages.auth = true;
        let admitted = match &self.routed {
            Ok(endpoint) => outcome.and_then(|caller| endpoint.access.admit(caller)),
            Err(error) => Err(error.clone()),
        };
        match admitted {
            Ok(principal) => {
                self.principal = principal.map(Arc::new);
                self.after_authentication()
            }
            Err(error) => self.conclude(Err(error)),
        }
    }

    fn after_authentication(self) -> Step<Self> {
        match self.settings().policy {
            Some(PolicyStage::AfterAuthentication) => {
                self.ask_policy(Self::on_policy_after_authentication)
            }
            None | Some(PolicyStage::BeforeAuthentication) => self.call_handler(),
        }
    }

    fn on_policy_after_authentication(self, outcome: PolicyOutcome) -> Step<Self> {
        match refusal(outcome) {
            Some(error) => self.conclude(Err(error)),
            None => self.call_handler(),
        }
    }

    fn call_handler(self) -> Step<Self> {
        match &self.routed {
            Ok(endpoint) => {
                let effect = CallHandler {
                    call: Arc::clone(&self.call),
                    principal: self.principal.clone(),
                    stages: self.stages,
                    handler: &endpoint.handler,
                    stream: PhantomData,
                };
                self.ask(effect, Self::on_answer)
            }
            Err(error) => {
                let error = error.clone();
                self.conclude(Err(error))
            }
        }
    }

    fn on_answer(self, outcome: Result<HttpResponse<S>, AppError>) -> Step<Self> {
        let checked = outcome.and_then(|response| self.check(response));
        self.conclude(checked)
    }

    /// The handler's response, if it can be sent.
    fn check(&self, response: HttpResponse<S>) -> Result<HttpResponse<S>, AppError> {
        let response = self.normalize(response)?;
        let response = if self.is_head() { response.without_body() } else { response };
        let len = u64::try_from(response.body.len()).unwrap_or(u64::MAX);
        let most = self.settings().limits.max_response_bytes;
        // What answers an error is sent whatever its size: what would replace it is one, too.
        if response.error.is_none() && most.is_some_and(|most| len > most.get()) {
            return Err(self.settings().response_too_large());
        }
        Ok(response)
    }

    fn normalize(&self, mut response: HttpResponse<S>) -> Result<HttpResponse<S>, ResponseError> {
        if !self.settings().keeps_connection_fields {
            return response.normalize();
        }
        let connection = response.headers.remove("connection");
        let mut response = response.normalize()?;
        if !connection.is_empty() {
            response.headers.set_all("connection", connection);
        }
        Ok(response)
    }

    fn conclude(self, result: Result<HttpResponse<S>, AppError>) -> Step<Self> {
        let mut response = result.unwrap_or_else(|error| self.answer_error(error));
        if self.settings().pipeline > Pipeline::Bare {
            self.finalize(&mut response);
        }
        let observation = (self.settings().pipeline == Pipeline::Observed).then(|| {
            let (tenant_id, is_vouched) = self.tenant_id();
            Observation::new(&self.call, tenant_id, is_vouched, self.settings(), &response)
        });
        Step::Done(Exchanged { response, report: Report { call: self.call, observation } })
    }

    fn answer_error(&self, error: AppError) -> HttpResponse<S> {
        let Call { request, request_id, .. } = &*self.call;
        let response = self.settings().error_style().answer(error, request_id, &request.trace_id);
        if self.is_head() { response.without_body() } else { response }
    }

    /// Whether the request asks for a head alone (RFC 9110 §9.3.2).
    fn is_head(&self) -> bool {
        self.call.request.method == "HEAD"
    }

    fn finalize(&self, response: &mut HttpResponse<S>) {
        // One from the host's own source may be of any form.
        if is_field_value(&self.call.request_id) {
            response.headers.set("x-request-id", self.call.request_id.as_str());
        }
        if let Some(cors) = &self.settings().cors {
            let headers = &self.call.request.headers;
            let is_preflight = self.call.request.method == "OPTIONS"
                && headers.contains("access-control-request-method");
            cors.apply(headers.first("origin"), is_preflight, &mut response.headers);
        }
    }

    /// The tenant, and whether the application's authentication vouches for it.
    fn tenant_id(&self) -> (&str, bool) {
        let vouched = self.principal.as_ref().and_then(|principal| principal.tenant_id.as_deref());
        vouched.map_or((self.call.tenant_id.as_str(), false), |tenant_id| (tenant_id, true))
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
        let id = match self.settings().pipeline {
            Pipeline::Bare => Some(""),
            Pipeline::Identified | Pipeline::Observed => {
                [request.client_request_id(), request.provider_request_id.trim()]
                    .into_iter()
                    .find(|id| is_request_id(id))
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

type PolicyOutcome = Result<Option<PolicyDecision>, AppError>;
type PolicyStep<'r, T, S> =
    fn(HttpExchange<'r, T, S>, PolicyOutcome) -> Step<HttpExchange<'r, T, S>>;

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
        Lookup::NotFound => (None, Err(AppError::not_found())),
    }
}

/// The answer to a request that a policy does not let through. A policy that fails tells the client
/// nothing, whatever its error says; but one that was not done in time is a time-out.
fn refusal(outcome: PolicyOutcome) -> Option<AppError> {
    match outcome {
        Ok(decision) => decision.map(PolicyDecision::refusal),
        Err(error) if error.code() == code::TIMEOUT => {
            Some(AppError::of(code::TIMEOUT).with_cause(error))
        }
        Err(error) => Some(AppError::internal().with_cause(error)),
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
            principal: self.principal.clone(),
            stages: self.stages,
            stream: PhantomData,
        }
    }
}

impl<T, S> fmt::Debug for HttpExchange<'_, T, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpExchange")
            .field("call", &self.call)
            .field("principal", &self.principal)
            .field("stages", &self.stages)
            .finish_non_exhaustive()
    }
}
