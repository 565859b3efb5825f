//! The trace of an invocation: in every context, in code without one, and on every AWS call.
//!
//! Lambda gives each invocation a trace, and AWS's services want it back on calls that the
//! invocation makes: X-Ray joins them to one picture, and Lambda finds functions that call
//! themselves in a [loop](https://docs.aws.amazon.com/lambda/latest/dg/invocation-recursion.html).
//! This module keeps it beside what an invocation runs, several at a time included, and never in
//! the environment of the process. It refuses to know what is done for an invocation.
//!
//! ```
//! use apptheory::app::{App, Context, Invocation};
//! use apptheory::http::RawRequest;
//! use apptheory::trace;
//!
//! async fn show(context: Context) -> String {
//!     assert_eq!(trace::current(), context.trace()); // also in what the handler calls
//!     context.trace().x_amzn_trace_id().to_owned()
//! }
//!
//! let app = App::new().get("/", show).build()?;
//! let invocation = Invocation { trace: "Root=1-5f84-ab;Sampled=1".into(), ..Invocation::default() };
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! let shown = app.serve(RawRequest::new("GET", "/"), invocation).await;
//! assert_eq!(shown.body, b"Root=1-5f84-ab;Sampled=1");
//! # });
//! # Ok::<(), apptheory::app::BuildError>(())
//! ```
//!
//! AWS clients that this crate makes send the trace. Clients of yours do, too, once they have
//! [`Propagation`] among their interceptors.
//!
//! A request may come with a trace context of its own (`traceparent`, `tracestate`), as the clients
//! of OpenTelemetry send it. It is passed to the application, and not to AWS: put
//! [`Trace::traceparent`] on the requests that you send.

#[cfg(feature = "_aws_sdk")]
mod propagation;

use core::fmt;
use core::future::Future;
use std::sync::{Arc, OnceLock};

use apptheory_core::http::{HeaderMap, TraceContext, x_ray_trace_id};

#[cfg(feature = "_aws_sdk")]
pub use propagation::Propagation;

/// The trace that an invocation belongs to. The texts of the default are empty. Clones are the same
/// trace.
#[derive(Clone, Default)]
pub struct Trace(Arc<Parts>);

#[derive(Default)]
struct Parts {
    x_amzn_trace_id: String,
    /// What the request came with, once it is read.
    context: OnceLock<TraceContext>,
}

impl Trace {
    pub(crate) fn new(x_amzn_trace_id: &str) -> Self {
        let x_amzn_trace_id = x_amzn_trace_id.to_owned();
        Self(Arc::new(Parts { x_amzn_trace_id, context: OnceLock::new() }))
    }

    /// Keeps the trace context that a request came with.
    pub(crate) fn keep_context(&self, headers: &HeaderMap) {
        if let Some(context) = TraceContext::of(headers) {
            // An invocation has one request: of several, the first one's counts.
            let _ = self.0.context.set(context);
        }
    }

    /// Returns the trace that Lambda gave the invocation, as the header field `X-Amzn-Trace-Id`
    /// spells it: root, parent, whether it is sampled, and the lineage that Lambda finds loops by.
    /// Or an empty text.
    #[must_use]
    pub fn x_amzn_trace_id(&self) -> &str {
        &self.0.x_amzn_trace_id
    }

    /// Returns the id of the trace that Lambda gave the invocation, such as
    /// `1-5759e988-bd862e3fe1be46a994272793`; or an empty text. Use it to look the trace up in
    /// X-Ray.
    #[must_use]
    pub fn id(&self) -> &str {
        x_ray_trace_id(self.x_amzn_trace_id()).unwrap_or_default()
    }

    /// Returns the `traceparent` that the request came with, or an empty text. Put it on requests
    /// that you send, together with [`tracestate`](Self::tracestate).
    #[must_use]
    pub fn traceparent(&self) -> &str {
        self.0.context.get().map_or("", TraceContext::traceparent)
    }

    /// Returns the `tracestate` that the request came with, or an empty text.
    #[must_use]
    pub fn tracestate(&self) -> &str {
        self.0.context.get().map_or("", TraceContext::tracestate)
    }
}

impl PartialEq for Trace {
    fn eq(&self, other: &Self) -> bool {
        self.x_amzn_trace_id() == other.x_amzn_trace_id()
            && self.0.context.get() == other.0.context.get()
    }
}

impl Eq for Trace {}

/// What a request came with is its client's: the state is not printed.
impl fmt::Debug for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Trace")
            .field("x_amzn_trace_id", &self.x_amzn_trace_id())
            .field("context", &self.0.context.get())
            .finish()
    }
}

tokio::task_local! {
    static CURRENT: Trace;
}

/// Returns the trace of the invocation that the running code belongs to; an empty one outside of an
/// invocation. Handlers, middleware, hooks and streamed bodies run inside one; tasks that they
/// spawn do not, unless [`scope`] carries the trace on.
#[must_use]
pub fn current() -> Trace {
    CURRENT.try_with(Trace::clone).unwrap_or_default()
}

/// Returns a future that runs within a trace. Use it for a task that a handler spawns: its AWS
/// calls belong to the invocation as well. With the feature `tracing` it also runs within the span
/// that is entered where `scope` is called, so that its log lines name the invocation.
///
/// On Lambda, wait for such a task before you answer: once the invocation has ended, the process is
/// frozen.
///
/// ```
/// use apptheory::app::Context;
/// use apptheory::trace;
///
/// async fn save(context: Context) -> Result<(), tokio::task::JoinError> {
///     let copied = async { /* a call of S3 */ };
///     tokio::spawn(trace::scope(context.trace(), copied)).await
/// }
/// ```
pub fn scope<F: Future>(trace: Trace, future: F) -> impl Future<Output = F::Output> {
    #[cfg(feature = "tracing")]
    let future = tracing::Instrument::in_current_span(future);
    run_within(trace, future)
}

/// Runs a future within a trace.
pub(crate) fn run_within<F: Future>(trace: Trace, future: F) -> impl Future<Output = F::Output> {
    CURRENT.scope(trace, future)
}

/// Calls a function within a trace.
pub(crate) fn call_within<T>(trace: &Trace, call: impl FnOnce() -> T) -> T {
    CURRENT.sync_scope(trace.clone(), call)
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    #[test]
    fn a_trace_is_current_within_its_scope_alone() {
        let outer = Trace::new("Root=1-67891233-abcdef012345678912345678;Sampled=1");
        assert_eq!(outer.id(), "1-67891233-abcdef012345678912345678");
        let inner = Trace::new("Root=2");
        assert_eq!((inner.id(), inner.traceparent(), inner.tracestate()), ("", "", ""));
        let nested = async {
            let within = scope(inner.clone(), async { current() }).await;
            (current(), within)
        };
        assert_eq!(scope(outer.clone(), nested).now_or_never(), Some((outer, inner)));
        assert_eq!(current(), Trace::default());
    }

    #[test]
    fn the_context_of_the_first_request_counts_and_its_state_is_not_printed() {
        let trace = Trace::new("Root=1");
        let parent = |n: u8| format!("00-0af7651916cd43dd8448eb211c80319{n}-b7ad6b7169203331-01");
        for n in 1..3 {
            let fields = [("traceparent", &*parent(n)), ("tracestate", "secret=1")];
            trace.keep_context(&fields.into_iter().collect());
        }
        assert_eq!((trace.traceparent(), trace.tracestate()), (&*parent(1), "secret=1"));
        let printed = format!("{trace:?}");
        assert!(printed.contains("Root=1") && !printed.contains("secret"), "{printed}");
    }
}
