//! The effects of an exchange.

use alloc::string::String;
use alloc::sync::Arc;
use core::fmt;
use core::marker::PhantomData;

use super::access::{Access, Principal};
use super::answering::Answering;
use super::call::Call;
use super::guarding::Guarding;
use super::machine::HttpExchange;
use super::policy::PolicyDecision;
use crate::error::AppError;
use crate::http::HttpResponse;
use crate::machine::{Ask, Effect};

/// One effect of an exchange, with the state that waits for its outcome.
///
/// If an effect panics or fails by itself, answer it with [`AppError::internal`] and the failure as
/// its [cause](AppError::with_cause).
#[derive(Clone, Debug)]
pub enum ExchangeRequest<'r, T, S> {
    /// Waits for a [`NewRequestId`].
    NewRequestId(Ask<NewRequestId, HttpExchange<'r, T, S>>),
    /// Waits for a [`DecidePolicy`].
    DecidePolicy(Ask<DecidePolicy, HttpExchange<'r, T, S>, Guarding<'r, T>>),
    /// Waits for an [`Authenticate`].
    Authenticate(Ask<Authenticate<'r>, HttpExchange<'r, T, S>, Guarding<'r, T>>),
    /// Waits for a [`CallHandler`].
    CallHandler(Ask<CallHandler<'r, T, S>, HttpExchange<'r, T, S>, Answering<'r>>),
}

/// Creates an id for a request or message without one. Requested at most once.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct NewRequestId;

/// Decides whether a request may proceed, by load or by rate.
#[derive(Clone, Debug)]
pub struct DecidePolicy {
    /// The request.
    pub call: Arc<Call>,
    /// The caller, if it was authenticated before.
    pub principal: Option<Arc<Principal>>,
}

/// Authenticates the caller. The outcome `None`, or a blank identity, means an anonymous caller.
#[derive(Clone, Debug)]
pub struct Authenticate<'r> {
    /// The request.
    pub call: Arc<Call>,
    /// The route's access rule, which the exchange checks itself.
    pub access: &'r Access,
}

/// Calls the handler of a request, with its middleware.
pub struct CallHandler<'r, T, S> {
    /// The request.
    pub call: Arc<Call>,
    /// The caller, if the route requires or permits authentication and there is one.
    pub principal: Option<Arc<Principal>>,
    /// The stages that the request has passed.
    pub stages: Stages,
    /// The route's handler.
    pub handler: &'r T,
    pub(super) stream: PhantomData<fn() -> S>,
}

/// The stages of the pipeline that a request passed before its handler.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Stages {
    /// Whether the pipeline reports its stages: from
    /// [`Pipeline::Identified`](super::Pipeline::Identified) on.
    pub named: bool,
    /// Whether the request came from another origin, by its own account.
    pub cors: bool,
    /// Whether the caller was authenticated.
    pub auth: bool,
}

impl Stages {
    /// Yields the names of the stages, in order. Middleware adds its own after them.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        let names = [
            ("request_id", true),
            ("recovery", true),
            ("logging", true),
            ("cors", self.cors),
            ("auth", self.auth),
            ("handler", true),
        ];
        let passed = move |(name, passed)| (passed && self.named).then_some(name);
        names.into_iter().filter_map(passed)
    }
}

macro_rules! exchange_effects {
    ($($effect:ident [$($generics:tt)*] $kind:ty, in $state:ty => $outcome:ty;)+) => {$(
        impl<$($generics)*> Effect for $kind {
            type Outcome = $outcome;
        }

        impl<'r, T, S> From<Ask<$kind, HttpExchange<'r, T, S>, $state>>
            for ExchangeRequest<'r, T, S>
        {
            fn from(ask: Ask<$kind, HttpExchange<'r, T, S>, $state>) -> Self {
                Self::$effect(ask)
            }
        }
    )+};
}

exchange_effects! {
    NewRequestId [] NewRequestId, in HttpExchange<'r, T, S> => String;
    DecidePolicy [] DecidePolicy, in Guarding<'r, T> => Result<Option<PolicyDecision>, AppError>;
    Authenticate ['r] Authenticate<'r>, in Guarding<'r, T> => Result<Option<Principal>, AppError>;
    CallHandler ['r, T, S] CallHandler<'r, T, S>, in Answering<'r> => Result<HttpResponse<S>, AppError>;
}

// Derived implementations would require `Clone` of the stream and the handler.
impl<T, S> Clone for CallHandler<'_, T, S> {
    fn clone(&self) -> Self {
        Self {
            call: Arc::clone(&self.call),
            principal: self.principal.clone(),
            stages: self.stages,
            handler: self.handler,
            stream: PhantomData,
        }
    }
}

impl<T, S> fmt::Debug for CallHandler<'_, T, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CallHandler")
            .field("call", &self.call)
            .field("principal", &self.principal)
            .field("stages", &self.stages)
            .finish_non_exhaustive()
    }
}
