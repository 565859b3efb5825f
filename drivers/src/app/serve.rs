//! Serving a request or a WebSocket message.

use core::future::Future;
use core::pin::pin;
use std::sync::Arc;

use apptheory_core::error::{AppError, code};
use apptheory_core::http::exchange::{
    Arrival, Call, ExchangeRequest, Exchanged, HttpExchange, Observation, PolicyDecision,
    Principal, Report,
};
use apptheory_core::http::{self, MultiMap, RawRequest};
use apptheory_core::machine::{Machine as _, Step};
use apptheory_core::observe::{LogRecord, MetricRecord, SpanRecord};
use apptheory_core::sanitize::log_text;

use super::body::BodyStream;
use super::cancellation::CancelOnDrop;
use super::chain::Chain;
use super::context::Context;
use super::guard::{Panicked, guarded, isolated};
use super::hooks::Failure;
use super::invocation::Invocation;
use super::subject::Subject;
use super::time::Begun;
use super::watch::Watch;
use super::{AppService, Response, WebSocket};
use crate::clock::Clock as _;

/// The exchange of a request or message that was read. Futures hold it in place of the request
/// itself, which is large, and so would be every future around them.
pub(crate) struct Arrived<'a> {
    exchange: HttpExchange<'a, Arc<Chain>, BodyStream>,
    pub(super) begun: Arc<Begun>,
}

impl AppService {
    /// Serves a request. This never fails: errors become responses. Work that does not finish in
    /// time is dropped, and the response is `app.timeout`; the caller has to end the response's
    /// stream in time.
    ///
    /// Dropping the future cancels the request: the handler's future is dropped, and its
    /// [cancellation token](Context::cancellation) is cancelled.
    pub async fn serve(&self, request: RawRequest<'_>, invocation: Invocation) -> Response {
        self.within(invocation, |begun| self.serve_begun(request, begun)).await
    }

    /// Serves a request of an invocation that has begun. The future does not contain the request.
    pub(crate) fn serve_begun(
        &self,
        request: RawRequest<'_>,
        begun: Arc<Begun>,
    ) -> impl Future<Output = Response> + Send + use<'_> {
        self.serve_arrived(self.arrive(request, begun))
    }

    pub(super) async fn serve_arrived(&self, arrived: Arrived<'_>) -> Response {
        let span = arrived.begun.span.clone();
        let Exchanged { mut response, report } = self.exchange(arrived).await;
        self.change_headers(&mut response, &report.call);
        self.report(&response, &report);
        if let Some(mut stream) = response.stream.take() {
            if let Some(most) = self.settings().limits.max_response_bytes {
                let too_large = self.settings().response_too_large();
                stream = stream.limited(most, response.body.len(), too_large);
            }
            response.stream = Some(stream.watched(Watch::new(self, report, span)));
        }
        response
    }

    /// Reads a request of an invocation that has begun.
    pub(crate) fn arrive(&self, mut request: RawRequest<'_>, begun: Arc<Begun>) -> Arrived<'_> {
        let arrival = self.complete(&mut request, &begun);
        let exchange = self.inner.service.exchange(request, arrival);
        Arrived { exchange, begun }
    }

    /// Runs the exchange of a request, without reporting it.
    pub(super) async fn exchange(&self, arrived: Arrived<'_>) -> Exchanged<BodyStream> {
        self.carry_out(arrived, None).await.0
    }

    /// Runs the exchange of a message, and returns whether it finished in time; if not, there is no
    /// response.
    pub(super) async fn exchange_message(
        &self,
        socket: &WebSocket,
        mut message: RawRequest<'_>,
        begun: Arc<Begun>,
    ) -> (Exchanged<BodyStream>, bool) {
        let arrival = self.complete(&mut message, &begun);
        let route_key = &socket.connection().route_key;
        let exchange = self.inner.service.message_exchange(route_key, message, arrival);
        self.carry_out(Arrived { exchange, begun }, Some(socket)).await
    }

    /// Adds the invocation's tenant to a request, and its trace and id if the request has none.
    fn complete(&self, request: &mut RawRequest<'_>, begun: &Begun) -> Arrival {
        let Invocation { request_id, deadline, trace, tenant_id, .. } = &begun.invocation;
        carry_on(trace, &mut request.headers);
        request.platform.tenant_id.clone_from(tenant_id);
        if request.provider_request_id.trim().is_empty() {
            request.provider_request_id.clone_from(request_id);
        }
        let now = self.services.clock.now();
        let remaining = deadline.map(|deadline| now.until(deadline));
        Arrival { now, remaining }
    }

    async fn carry_out(
        &self,
        Arrived { exchange, begun }: Arrived<'_>,
        socket: Option<&WebSocket>,
    ) -> (Exchanged<BodyStream>, bool) {
        let call = exchange.call();
        begun.span.trace().keep_context(&call.request.headers);
        begun.span.record_trace_id(&call.request.trace_id);
        if let Some(route) = call.route() {
            begun.span.record_route(route);
        }
        let guard = CancelOnDrop::new(&*begun);
        let on_socket = |context: Context| {
            if let Some(socket) = socket {
                context.extend(WebSocket::clone(socket));
            }
            context
        };
        let about = |subject| on_socket(Context::new(subject, &self.services, &begun));
        let mut is_in_time = true;
        let mut step = exchange.start();
        let exchanged = loop {
            step = match step {
                Step::Done(exchanged) => break exchanged,
                Step::Ask(ExchangeRequest::NewRequestId(ask)) => {
                    ask.answer(self.services.ids.next_text())
                }
                Step::Ask(ExchangeRequest::DecidePolicy(ask)) => {
                    let effect = ask.effect();
                    let (call, principal) = (Arc::clone(&effect.call), effect.principal.clone());
                    // Pinned here, as below, so that it is not moved into every future around it.
                    let decided =
                        pin!(self.decide_policy(about(Subject::Call { call, principal })));
                    let decided = self.or_cancel(&begun, decided).await;
                    is_in_time &= decided.is_some();
                    ask.answer(decided.unwrap_or_else(too_late))
                }
                Step::Ask(ExchangeRequest::Authenticate(ask)) => {
                    let call = Arc::clone(&ask.effect().call);
                    let nobody = about(Subject::Call { call, principal: None });
                    let authenticated = pin!(self.authenticate(nobody));
                    let authenticated = self.or_cancel(&begun, authenticated).await;
                    is_in_time &= authenticated.is_some();
                    ask.answer(authenticated.unwrap_or_else(too_late))
                }
                Step::Ask(ExchangeRequest::CallHandler(ask)) => {
                    let effect = ask.effect();
                    let services = &self.services;
                    let context = Context::for_handler(effect, services, &begun);
                    let errors = self.settings().error_style_for(&effect.call);
                    let answering = pin!(effect.handler.run(on_socket(context), errors));
                    let response = self.or_cancel(&begun, answering).await;
                    is_in_time &= response.is_some();
                    ask.answer(response.map_or_else(too_late, Ok))
                }
            };
        };
        // Do not cancel: work that the handler spawned may continue in the background.
        guard.disarm();
        (exchanged, is_in_time)
    }

    /// Returns the output of work; `None` if its time is up. Work that it spawned elsewhere is
    /// cancelled then.
    async fn or_cancel<T>(&self, begun: &Begun, work: impl Future<Output = T>) -> Option<T> {
        let output = self.in_time(begun.time, work).await;
        if output.is_none() {
            begun.cancellation().cancel();
        }
        output
    }

    async fn decide_policy(&self, context: Context) -> Result<Option<PolicyDecision>, AppError> {
        match &self.inner.hooks.policy {
            Some(hook) => guarded("the policy", pin!(async { hook(context).await })).await,
            None => Ok(None),
        }
    }

    async fn authenticate(&self, context: Context) -> Result<Option<Principal>, AppError> {
        match &self.inner.hooks.authenticate {
            Some(hook) => guarded("authentication", pin!(async { hook(context).await })).await,
            None => Ok(None),
        }
    }

    /// Reports a response, after its last change.
    pub(super) fn report<S>(&self, response: &http::HttpResponse<S>, report: &Report) {
        let request_id = &report.call.request_id;
        if let Some(error) = response.error.as_ref().filter(|error| error.status() >= 500) {
            self.report_failure(Failure { request_id: request_id.clone(), error: error.clone() });
        }
        if let Some(observation) = &report.observation {
            self.record(observation, request_id);
        }
    }

    /// Lets the hook change the headers, and returns the previous ones. An incomplete or invalid
    /// change is dropped.
    pub(super) fn change_headers<S>(
        &self,
        response: &mut http::HttpResponse<S>,
        call: &Call,
    ) -> Option<http::HeaderMap> {
        let hook = self.inner.hooks.headers.as_ref()?;
        let mut changed = None;
        let change = || {
            let mut headers = response.headers.clone();
            hook(&mut headers);
            changed = Some(headers);
        };
        isolated("the hook of response headers", change, |panic| {
            self.report_cause(&call.request_id, panic);
        });
        let head = http::HttpResponse {
            headers: changed?,
            ..http::HttpResponse::<()>::new(response.status)
        };
        match head.normalize() {
            Ok(head) => {
                response.cookies.extend(head.cookies);
                Some(core::mem::replace(&mut response.headers, head.headers))
            }
            Err(reason) => {
                self.report_cause(&call.request_id, reason);
                None
            }
        }
    }

    fn record(&self, observation: &Observation, request_id: &str) {
        let (measures, listen) = (&self.inner.measures, self.inner.hooks.listen());
        if measures.is_none() && !listen {
            return;
        }
        let ended_at = self.services.clock.now();
        if let Some(measures) = measures {
            measures.request(observation, ended_at);
        }
        if !listen {
            return;
        }
        self.log(&observation.log(ended_at), request_id);
        self.measure(request_id, || observation.metric(ended_at), || observation.span());
    }

    /// Passes a metric and a span to the application's hooks. Only what has a hook is created.
    pub(super) fn measure<'r>(
        &self,
        request_id: &str,
        metric: impl FnOnce() -> MetricRecord<'r>,
        span: impl FnOnce() -> SpanRecord<'r>,
    ) {
        let hooks = &self.inner.hooks;
        let report = |panic| self.report_cause(request_id, panic);
        if let Some(hook) = &hooks.metric {
            isolated("the metric hook", || hook(&metric()), report);
        }
        if let Some(hook) = &hooks.span {
            isolated("the span hook", || hook(&span()), report);
        }
    }

    pub(super) fn log(&self, record: &LogRecord<'_>, request_id: &str) {
        if let Some(hook) = &self.inner.hooks.log {
            isolated("the log hook", || hook(record), |panic| self.report_cause(request_id, panic));
        }
    }

    /// Reports a failure that does not change the response.
    pub(super) fn report_cause(
        &self,
        request_id: &str,
        cause: impl core::error::Error + Send + Sync + 'static,
    ) {
        let error = AppError::internal().with_cause(cause);
        self.report_failure(Failure { request_id: request_id.to_owned(), error });
    }

    /// Reports a failure that clients must not see.
    pub(crate) fn report_failure(&self, mut failure: Failure) {
        failure.request_id = log_text(&failure.request_id).into_owned();
        match &self.inner.hooks.failure {
            // A panic of the failure hook itself has nowhere to go.
            Some(hook) => isolated("the failure hook", || hook(&failure), |_: Panicked| {}),
            None => log(&failure),
        }
    }
}

/// The result of work that did not finish in time.
fn too_late<T>() -> Result<T, AppError> {
    Err(AppError::of(code::TIMEOUT))
}

/// Adds the invocation's trace to a request without one.
fn carry_on(trace: &str, headers: &mut MultiMap) {
    const FIELD: &str = "x-amzn-trace-id";
    let is_field = |name: &str| name.trim().eq_ignore_ascii_case(FIELD);
    if !trace.is_empty() && !headers.iter().any(|(name, _)| is_field(name)) {
        headers.append(FIELD, trace);
    }
}

#[cfg(feature = "tracing")]
pub(super) fn log(failure: &Failure) {
    tracing::error!(request_id = failure.request_id, "{failure}");
}

#[cfg(not(feature = "tracing"))]
pub(super) const fn log(_: &Failure) {}
