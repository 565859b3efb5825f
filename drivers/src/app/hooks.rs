//! What an application is asked and told about its requests, beside its handlers.

use core::fmt;
use core::future::Future;

use apptheory_core::error::AppError;
use apptheory_core::http::HeaderMap;
use apptheory_core::http::exchange::{PolicyDecision, Principal};
use apptheory_core::observe::{LogRecord, MetricRecord, SpanRecord};
use apptheory_core::sanitize::Sanitizer;

use super::context::Context;
use super::endpoint::BoxFuture;

type Ask<T> = Box<dyn Fn(Context) -> BoxFuture<Result<T, AppError>> + Send + Sync>;
type Change = Box<dyn Fn(&mut HeaderMap) + Send + Sync>;
type TakeLog = Box<dyn Fn(&LogRecord<'_>) + Send + Sync>;
type TakeMetric = Box<dyn Fn(&MetricRecord<'_>) + Send + Sync>;
type TakeSpan = Box<dyn Fn(&SpanRecord<'_>) + Send + Sync>;
type TakeFailure = Box<dyn Fn(&Failure) + Send + Sync>;

/// What an application is asked about requests, and told about answers. Each is isolated: when one
/// panics, the others go on, and the answer stands.
#[derive(Default)]
pub(super) struct Hooks {
    pub(super) authenticate: Option<Ask<Option<Principal>>>,
    pub(super) policy: Option<Ask<Option<PolicyDecision>>>,
    pub(super) headers: Option<Change>,
    pub(super) log: Option<TakeLog>,
    pub(super) metric: Option<TakeMetric>,
    pub(super) span: Option<TakeSpan>,
    pub(super) failure: Option<TakeFailure>,
    /// Whether the log hook is told how streams ended, too.
    pub(super) observes_streams: bool,
}

/// Something went wrong that no client is told: for the application's own log.
#[derive(Clone, Debug)]
pub struct Failure {
    /// The id of the request that it happened in, or of the invocation; without what must not reach a
    /// log.
    pub request_id: String,
    /// What happened. Its [sources](core::error::Error::source) say why. Messages may quote what a
    /// client sent: log the failure itself, which is cleaned.
    pub error: AppError,
}

/// The error and its sources in one line, without what must not reach a log and what looks like a
/// secret: [`Sanitizer::free_text`].
impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut told = self.error.to_string();
        let mut next = core::error::Error::source(&self.error);
        while let Some(cause) = next {
            told.push_str(": ");
            told.push_str(&cause.to_string());
            next = cause.source();
        }
        f.write_str(&Sanitizer::new().free_text(&told))
    }
}

impl Hooks {
    /// Whether anybody listens to records.
    pub(super) fn listen(&self) -> bool {
        self.log.is_some() || self.metric.is_some() || self.span.is_some()
    }

    pub(super) fn ask<T, F, R>(hook: F) -> Ask<T>
    where
        F: Fn(Context) -> R + Send + Sync + 'static,
        R: Future<Output = Result<T, AppError>> + Send + 'static,
    {
        Box::new(move |context| Box::pin(hook(context)))
    }
}

impl fmt::Debug for Hooks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hooks")
            .field("authenticates", &self.authenticate.is_some())
            .field("decides_policy", &self.policy.is_some())
            .finish_non_exhaustive()
    }
}
