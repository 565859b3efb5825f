//! The end of an exchange: the final response, and its report.

use alloc::sync::Arc;
use core::fmt;

use super::access::Principal;
use super::call::Call;
use super::machine::{Exchanged, HttpExchange, Report};
use super::observation::Observation;
use super::settings::{HttpSettings, Pipeline};
use crate::error::AppError;
use crate::http::sending::is_field_value;
use crate::http::{HttpResponse, ResponseError};
use crate::machine::Step;

/// An exchange that waits for the response of the handler, or for an error.
#[derive(Clone)]
pub struct Answering<'r> {
    pub(super) settings: &'r HttpSettings,
    pub(super) call: Arc<Call>,
    pub(super) principal: Option<Arc<Principal>>,
}

impl<'r> Answering<'r> {
    pub(super) fn on_answer<T, S>(
        self,
        outcome: Result<HttpResponse<S>, AppError>,
    ) -> Step<HttpExchange<'r, T, S>> {
        let checked = outcome.and_then(|response| self.check(response));
        self.conclude(checked)
    }

    /// Returns the handler's response, if it can be sent.
    fn check<S>(&self, response: HttpResponse<S>) -> Result<HttpResponse<S>, AppError> {
        let response = self.normalize(response)?;
        let response = if self.is_head() { response.without_body() } else { response };
        let len = u64::try_from(response.body.len()).unwrap_or(u64::MAX);
        let most = self.settings.limits.max_response_bytes;
        // An error response is sent regardless of its size: its replacement would be an error, too.
        if response.error.is_none() && most.is_some_and(|most| len > most.get()) {
            return Err(self.settings.response_too_large());
        }
        Ok(response)
    }

    fn normalize<S>(
        &self,
        mut response: HttpResponse<S>,
    ) -> Result<HttpResponse<S>, ResponseError> {
        if !self.settings.keeps_connection_fields {
            return response.normalize();
        }
        let connection = response.headers.remove("connection");
        let mut response = response.normalize()?;
        if !connection.is_empty() {
            response.headers.set_all("connection", connection);
        }
        Ok(response)
    }

    pub(super) fn conclude<T, S>(
        self,
        result: Result<HttpResponse<S>, AppError>,
    ) -> Step<HttpExchange<'r, T, S>> {
        let (is_request, pipeline) = (!self.is_message(), self.settings.pipeline);
        let mut response = result.unwrap_or_else(|error| self.answer_error(error));
        if is_request && pipeline > Pipeline::Bare {
            self.finalize(&mut response);
        }
        let observation = (is_request && pipeline == Pipeline::Observed).then(|| {
            let verified = self.call.verified_tenant_id(self.principal.as_deref());
            let (tenant_id, is_verified) = verified
                .map_or((self.call.named_tenant_id.as_str(), false), |verified| (verified, true));
            Observation::new(&self.call, tenant_id, is_verified, self.settings, &response)
        });
        Step::Done(Exchanged { response, report: Report { call: self.call, observation } })
    }

    fn answer_error<S>(&self, error: AppError) -> HttpResponse<S> {
        let Call { request, request_id, .. } = &*self.call;
        let style = self.settings.error_style_for(&self.call);
        let response = style.answer(error, request_id, &request.trace_id);
        if self.is_head() { response.without_body() } else { response }
    }

    /// Returns whether the request is a HEAD request (RFC 9110 §9.3.2).
    fn is_head(&self) -> bool {
        self.call.request.method == "HEAD" && !self.is_message()
    }

    fn is_message(&self) -> bool {
        self.call.route_key().is_some()
    }

    fn finalize<S>(&self, response: &mut HttpResponse<S>) {
        // An id from the host's own source may contain any characters.
        if is_field_value(&self.call.request_id) {
            response.headers.set("x-request-id", self.call.request_id.as_str());
        }
        if let Some(cors) = &self.settings.cors {
            let headers = &self.call.request.headers;
            let is_preflight = self.call.request.method == "OPTIONS"
                && headers.contains("access-control-request-method");
            cors.apply(headers.first("origin"), is_preflight, &mut response.headers);
        }
    }
}

impl fmt::Debug for Answering<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answering")
            .field("call", &self.call)
            .field("principal", &self.principal)
            .finish_non_exhaustive()
    }
}
