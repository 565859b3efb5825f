//! The guards before the handler: policy and authentication.

use alloc::sync::Arc;
use core::fmt;
use core::marker::PhantomData;

use super::access::Principal;
use super::answering::Answering;
use super::effects::{Authenticate, CallHandler, DecidePolicy, Stages};
use super::machine::HttpExchange;
use super::policy::PolicyDecision;
use super::service::Endpoint;
use super::settings::{Pipeline, PolicyStage};
use crate::error::{AppError, code};
use crate::machine::Step;

/// An exchange between routing and its handler.
///
/// The [settings](PolicyStage) determine the order of policy and authentication; the first to
/// refuse ends the exchange.
pub struct Guarding<'r, T> {
    pub(super) endpoint: &'r Endpoint<T>,
    /// The data for the response, including the caller.
    pub(super) answering: Answering<'r>,
}

type PolicyOutcome = Result<Option<PolicyDecision>, AppError>;
type Next<'r, T, S> = Step<HttpExchange<'r, T, S>>;

impl<'r, T> Guarding<'r, T> {
    pub(super) fn begin<S>(self) -> Next<'r, T, S> {
        match self.answering.settings.policy {
            Some(PolicyStage::BeforeAuthentication) => {
                self.ask_policy(Self::on_policy_before_authentication)
            }
            None | Some(PolicyStage::AfterAuthentication) => self.authenticate(),
        }
    }

    fn ask_policy<S>(self, then: fn(Self, PolicyOutcome) -> Next<'r, T, S>) -> Next<'r, T, S> {
        let call = Arc::clone(&self.answering.call);
        let principal = self.answering.principal.clone();
        Step::ask(DecidePolicy { call, principal }, self, then)
    }

    fn on_policy_before_authentication<S>(self, outcome: PolicyOutcome) -> Next<'r, T, S> {
        match refusal(outcome) {
            Some(error) => self.answering.conclude(Err(error)),
            None => self.authenticate(),
        }
    }

    fn authenticate<S>(self) -> Next<'r, T, S> {
        let access = &self.endpoint.access;
        if !access.is_protected() {
            return self.after_authentication();
        }
        let call = Arc::clone(&self.answering.call);
        Step::ask(Authenticate { call, access }, self, Self::on_principal)
    }

    fn on_principal<S>(mut self, outcome: Result<Option<Principal>, AppError>) -> Next<'r, T, S> {
        match outcome.and_then(|caller| self.endpoint.access.admit(caller)) {
            Ok(principal) => {
                self.answering.principal = principal.map(Arc::new);
                self.after_authentication()
            }
            Err(error) => self.answering.conclude(Err(error)),
        }
    }

    fn after_authentication<S>(self) -> Next<'r, T, S> {
        match self.answering.settings.policy {
            Some(PolicyStage::AfterAuthentication) => {
                self.ask_policy(Self::on_policy_after_authentication)
            }
            None | Some(PolicyStage::BeforeAuthentication) => self.call_handler(),
        }
    }

    fn on_policy_after_authentication<S>(self, outcome: PolicyOutcome) -> Next<'r, T, S> {
        match refusal(outcome) {
            Some(error) => self.answering.conclude(Err(error)),
            None => self.call_handler(),
        }
    }

    fn call_handler<S>(self) -> Next<'r, T, S> {
        let effect = CallHandler {
            call: Arc::clone(&self.answering.call),
            principal: self.answering.principal.clone(),
            stages: self.stages(),
            handler: &self.endpoint.handler,
            stream: PhantomData,
        };
        Step::ask(effect, self.answering, Answering::on_answer)
    }

    fn stages(&self) -> Stages {
        let Answering { settings, call, .. } = &self.answering;
        let named = settings.pipeline > Pipeline::Bare;
        Stages {
            named,
            cors: named
                && call.route_key().is_none()
                && !call.request.headers.first("origin").is_empty(),
            auth: self.endpoint.access.is_protected(),
        }
    }
}

/// Returns the response to a request that a policy refuses. A policy's own error is masked; one
/// that took too long is a timeout.
fn refusal(outcome: PolicyOutcome) -> Option<AppError> {
    match outcome {
        Ok(decision) => decision.map(PolicyDecision::refusal),
        Err(error) if error.code() == code::TIMEOUT => {
            Some(AppError::of(code::TIMEOUT).with_cause(error))
        }
        Err(error) => Some(AppError::internal().with_cause(error)),
    }
}

// A derived implementation would require `Clone` of handlers.
impl<T> Clone for Guarding<'_, T> {
    fn clone(&self) -> Self {
        Self { endpoint: self.endpoint, answering: self.answering.clone() }
    }
}

impl<T> fmt::Debug for Guarding<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guarding").field("answering", &self.answering).finish_non_exhaustive()
    }
}
