//! The hooks of an application: what it is asked about requests, and what it gets to know of them.

use core::fmt;
use core::future::Future;

use apptheory_core::error::AppError;
use apptheory_core::http::HeaderMap;
#[cfg(doc)]
use apptheory_core::http::exchange::Pipeline;
use apptheory_core::http::exchange::{PolicyDecision, PolicyStage, Principal};
use apptheory_core::observe::{LogRecord, MetricRecord, SpanRecord};
use apptheory_core::sanitize::Sanitizer;

use super::context::Context;
use super::flush::Flush;
#[cfg(feature = "testkit")]
use super::serve::log;
#[cfg(feature = "lambda")]
use super::snapshot::SnapshotHook;
use super::{App, BoxFuture};
use crate::causes::WithCauses;

type Ask<T> = Box<dyn Fn(Context) -> BoxFuture<Result<T, AppError>> + Send + Sync>;
type Change = Box<dyn Fn(&mut HeaderMap) + Send + Sync>;
type TakeLog = Box<dyn Fn(&LogRecord<'_>) + Send + Sync>;
type TakeMetric = Box<dyn Fn(&MetricRecord<'_>) + Send + Sync>;
type TakeSpan = Box<dyn Fn(&SpanRecord<'_>) + Send + Sync>;
type TakeFailure = Box<dyn Fn(&Failure) + Send + Sync>;

/// Where a hook is.
type Slot<T> = fn(&mut Hooks) -> &mut Option<T>;

/// What an application is asked about requests, and gets to know of answers. Each hook is isolated:
/// when one panics, the others go on, and the answer stands.
#[derive(Default)]
pub(super) struct Hooks {
    pub(super) authenticate: Option<Ask<Option<Principal>>>,
    pub(super) policy: Option<Ask<Option<PolicyDecision>>>,
    pub(super) headers: Option<Change>,
    pub(super) log: Option<TakeLog>,
    pub(super) metric: Option<TakeMetric>,
    pub(super) span: Option<TakeSpan>,
    pub(super) failure: Option<TakeFailure>,
    pub(super) flush: Option<Flush>,
    #[cfg(feature = "lambda")]
    pub(super) before_snapshot: Option<SnapshotHook>,
    #[cfg(feature = "lambda")]
    pub(super) after_restore: Option<SnapshotHook>,
    /// Whether the log hook gets to know how streams ended, too.
    pub(super) observes_streams: bool,
    /// The first method that was called twice.
    pub(super) twice: Option<&'static str>,
}

/// Something that went wrong and that no client gets to know: for the application's own log.
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
        let told = WithCauses(&self.error).to_string();
        f.write_str(&Sanitizer::new().free_text(&told))
    }
}

impl Hooks {
    /// Whether there is a hook for records.
    pub(super) fn listen(&self) -> bool {
        self.log.is_some() || self.metric.is_some() || self.span.is_some()
    }

    /// Sets a hook, of which there is one. A second one would take its place unseen: it is an error of
    /// the build.
    pub(super) fn set<T>(&mut self, method: &'static str, slot: Slot<T>, hook: T) {
        if slot(self).replace(hook).is_some() {
            self.twice.get_or_insert(method);
        }
    }

    pub(super) fn ask<T, F, R>(hook: F) -> Ask<T>
    where
        F: Fn(Context) -> R + Send + Sync + 'static,
        R: Future<Output = Result<T, AppError>> + Send + 'static,
    {
        Box::new(move |context| Box::pin(hook(context)))
    }
}

/// Hooks: one of each. A second one of the same kind is an error of [`build`](App::build); let one do
/// the work of both.
impl<S> App<S> {
    /// Asks `hook` who calls, for routes that want to know: those of any
    /// [access](apptheory_core::http::exchange::Access) but `Public`. `None` is an unknown caller,
    /// whom routes for certain callers answer with 401; an error answers the request. What the hook
    /// needs besides the [`Context`], it captures: it takes no extractors.
    ///
    /// ```
    /// use apptheory::prelude::*;
    ///
    /// async fn who(context: Context) -> Result<Option<Principal>, AppError> {
    ///     Ok(match context.header("authorization") {
    ///         "Bearer of-ann" => Some(Principal::new("ann").with_scopes(["orders:read"])),
    ///         _ => None,
    ///     })
    /// }
    ///
    /// async fn orders(caller: Principal) -> String {
    ///     format!("the orders of {}", caller.identity)
    /// }
    ///
    /// let app = App::new().authenticate(who).get("/orders", orders.for_scopes(["orders:read"]));
    /// # app.build()?;
    /// # Ok::<(), BuildError>(())
    /// ```
    #[must_use]
    pub fn authenticate<F, R>(mut self, hook: F) -> Self
    where
        F: Fn(Context) -> R + Send + Sync + 'static,
        R: Future<Output = Result<Option<Principal>, AppError>> + Send + 'static,
    {
        self.hooks.set("authenticate", |hooks| &mut hooks.authenticate, Hooks::ask(hook));
        self
    }

    /// Asks `hook` whether requests may go on, before or after their caller is known. An error is a
    /// masked 500.
    #[must_use]
    pub fn policy<F, R>(mut self, stage: PolicyStage, hook: F) -> Self
    where
        F: Fn(Context) -> R + Send + Sync + 'static,
        R: Future<Output = Result<Option<PolicyDecision>, AppError>> + Send + 'static,
    {
        self.settings.policy = Some(stage);
        self.hooks.set("policy", |hooks| &mut hooks.policy, Hooks::ask(hook));
        self
    }

    /// Changes the header fields of every answer, errors and preflights among them, before it is
    /// sent: for fields such as `strict-transport-security`. Changes that would break the answer
    /// are dropped, and reported to [`on_failure`](Self::on_failure).
    #[must_use]
    pub fn response_headers(
        mut self,
        hook: impl Fn(&mut HeaderMap) + Send + Sync + 'static,
    ) -> Self {
        self.hooks.set("response_headers", |hooks| &mut hooks.headers, Box::new(hook) as Change);
        self
    }

    /// Gives `hook` a log record of every answer, in [`Pipeline::Observed`], and of every event; of messages
    /// with [`observe_messages`](Self::observe_messages) only.
    #[must_use]
    pub fn on_log(mut self, hook: impl Fn(&LogRecord<'_>) + Send + Sync + 'static) -> Self {
        self.hooks.set("on_log", |hooks| &mut hooks.log, Box::new(hook) as TakeLog);
        self
    }

    /// Gives `hook` a metric of every answer, in [`Pipeline::Observed`], and of every event; of messages
    /// with [`observe_messages`](Self::observe_messages) only.
    #[must_use]
    pub fn on_metric(mut self, hook: impl Fn(&MetricRecord<'_>) + Send + Sync + 'static) -> Self {
        self.hooks.set("on_metric", |hooks| &mut hooks.metric, Box::new(hook) as TakeMetric);
        self
    }

    /// Gives `hook` a span of every answer, in [`Pipeline::Observed`], and of every event; of messages
    /// with [`observe_messages`](Self::observe_messages) only.
    #[must_use]
    pub fn on_span(mut self, hook: impl Fn(&SpanRecord<'_>) + Send + Sync + 'static) -> Self {
        self.hooks.set("on_span", |hooks| &mut hooks.span, Box::new(hook) as TakeSpan);
        self
    }

    /// Gives the log hook a record of how each streamed body ended, too, as `stream.completed`: the
    /// answer's own record is written before its first chunk is made.
    #[must_use]
    pub fn observe_streams(mut self) -> Self {
        self.hooks.observes_streams = true;
        self
    }

    /// Gives `hook` what clients do not get: the causes of masked errors, and panics. Without it, and
    /// with the feature `tracing`, they are logged.
    #[must_use]
    pub fn on_failure(mut self, hook: impl Fn(&Failure) + Send + Sync + 'static) -> Self {
        self.hooks.set("on_failure", |hooks| &mut hooks.failure, Box::new(hook) as TakeFailure);
        self
    }
}

#[cfg(feature = "testkit")]
impl<S> App<S> {
    /// Shows `watch` what the application's own hook gets, or its log.
    pub(crate) fn watch_failures(
        mut self,
        watch: impl Fn(&Failure) + Send + Sync + 'static,
    ) -> Self {
        let hook = self.hooks.failure.take();
        self.hooks.failure = Some(Box::new(move |failure| {
            watch(failure);
            match &hook {
                Some(hook) => hook(failure),
                None => log(failure),
            }
        }));
        self
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
