//! The hooks of an application: questions about requests, and reports of what happened.

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
use crate::see::See;

type Ask<T> = Box<dyn Fn(Context) -> BoxFuture<Result<T, AppError>> + Send + Sync>;
type Change = Box<dyn Fn(&mut HeaderMap) + Send + Sync>;
type TakeLog = Box<dyn Fn(&LogRecord<'_>) + Send + Sync>;
type TakeMetric = Box<dyn Fn(&MetricRecord<'_>) + Send + Sync>;
type TakeSpan = Box<dyn Fn(&SpanRecord<'_>) + Send + Sync>;
type TakeFailure = Box<dyn Fn(&Failure) + Send + Sync>;

/// Where a hook is stored.
type Slot<T> = fn(&mut Hooks) -> &mut Option<T>;

/// The hooks of an application. Each hook is isolated: when one panics, the others still run, and
/// the response is sent.
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
    /// Whether the log hook also gets a record of how each stream ended.
    pub(super) observes_streams: bool,
    /// The first method that was called twice.
    pub(super) twice: Option<&'static str>,
}

/// A failure that clients do not see, for the application's own log.
///
/// ```
/// use apptheory::app::{App, Failure};
///
/// let app = App::new().on_failure(|failure: &Failure| {
///     eprintln!("{}: {failure}", failure.request_id);
/// });
/// ```
#[derive(Clone, Debug)]
pub struct Failure {
    /// The id of the request or invocation that failed, safe to log.
    pub request_id: String,
    /// The failure. Its [sources](core::error::Error::source) are the causes. Messages may quote
    /// client input: log the [`Failure`] itself, which is sanitized.
    pub error: AppError,
}

/// Prints the error and its sources in one line, sanitized by [`Sanitizer::free_text`].
impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = WithCauses(&self.error).to_string();
        f.write_str(&Sanitizer::new().free_text(&text))?;
        See::about(&self.error).map_or(Ok(()), |see| write!(f, "; {see}"))
    }
}

impl Hooks {
    /// Returns whether there is a hook for records.
    pub(super) fn listen(&self) -> bool {
        self.log.is_some() || self.metric.is_some() || self.span.is_some()
    }

    /// Sets a hook. Setting it twice is an error at build time, because the second would silently
    /// replace the first.
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

/// Hooks. Each can be set once; setting one twice is an error of [`build`](App::build).
impl<S> App<S> {
    /// Authenticates callers with `hook`, for routes whose
    /// [access](apptheory_core::http::exchange::Access) is not `Public`. `None` means an anonymous
    /// caller, who gets a 401 from routes for certain callers; an error becomes the response. The
    /// hook takes only the [`Context`]: let it capture what else it needs.
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

    /// Asks `hook` whether a request may proceed, before or after its caller is authenticated. An
    /// error is a masked 500.
    ///
    /// ```
    /// use apptheory::http::HeaderMap;
    /// use apptheory::http::exchange::{PolicyDecision, PolicyStage};
    /// use apptheory::prelude::*;
    ///
    /// async fn maintenance(context: Context) -> Result<Option<PolicyDecision>, AppError> {
    ///     let is_write = context.method() != "GET";
    ///     Ok(is_write.then(|| PolicyDecision::overloaded(HeaderMap::default())))
    /// }
    ///
    /// let app = App::new().policy(PolicyStage::BeforeAuthentication, maintenance);
    /// ```
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

    /// Changes the headers of every response before it is sent, including errors and CORS
    /// preflights. Use it for headers such as `strict-transport-security`. Invalid headers are
    /// dropped, and reported to [`on_failure`](Self::on_failure).
    ///
    /// ```
    /// use apptheory::app::App;
    ///
    /// let app = App::new().response_headers(|headers| {
    ///     headers.set("strict-transport-security", "max-age=63072000");
    /// });
    /// ```
    #[must_use]
    pub fn response_headers(
        mut self,
        hook: impl Fn(&mut HeaderMap) + Send + Sync + 'static,
    ) -> Self {
        self.hooks.set("response_headers", |hooks| &mut hooks.headers, Box::new(hook) as Change);
        self
    }

    /// Passes `hook` a log record of every response, in [`Pipeline::Observed`], and of every event;
    /// records of messages only with [`observe_messages`](Self::observe_messages).
    ///
    /// ```
    /// use apptheory::app::App;
    ///
    /// let app = App::new().on_log(|record| println!("{record:?}"));
    /// ```
    #[must_use]
    pub fn on_log(mut self, hook: impl Fn(&LogRecord<'_>) + Send + Sync + 'static) -> Self {
        self.hooks.set("on_log", |hooks| &mut hooks.log, Box::new(hook) as TakeLog);
        self
    }

    /// Passes `hook` a metric of every response, in [`Pipeline::Observed`], and of every event;
    /// metrics of messages only with [`observe_messages`](Self::observe_messages).
    #[must_use]
    pub fn on_metric(mut self, hook: impl Fn(&MetricRecord<'_>) + Send + Sync + 'static) -> Self {
        self.hooks.set("on_metric", |hooks| &mut hooks.metric, Box::new(hook) as TakeMetric);
        self
    }

    /// Passes `hook` a span of every response, in [`Pipeline::Observed`], and of every event; spans
    /// of messages only with [`observe_messages`](Self::observe_messages).
    #[must_use]
    pub fn on_span(mut self, hook: impl Fn(&SpanRecord<'_>) + Send + Sync + 'static) -> Self {
        self.hooks.set("on_span", |hooks| &mut hooks.span, Box::new(hook) as TakeSpan);
        self
    }

    /// Also passes the log hook a record of how each streamed body ended, as `stream.completed`.
    /// The response's own record is written before the first chunk is produced.
    #[must_use]
    pub fn observe_streams(mut self) -> Self {
        self.hooks.observes_streams = true;
        self
    }

    /// Passes `hook` the failures that clients do not see: the causes of masked errors, and panics.
    /// Without a hook, and with the feature `tracing`, they are logged.
    #[must_use]
    pub fn on_failure(mut self, hook: impl Fn(&Failure) + Send + Sync + 'static) -> Self {
        self.hooks.set("on_failure", |hooks| &mut hooks.failure, Box::new(hook) as TakeFailure);
        self
    }
}

#[cfg(feature = "testkit")]
impl<S> App<S> {
    /// Passes `watch` the same failures that the application's own hook or its log gets.
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
