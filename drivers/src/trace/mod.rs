//! The trace of an invocation: in every context, in code without a context, and on every AWS call.
//!
//! Lambda gives each invocation a trace. AWS calls of the invocation should send it: X-Ray joins
//! them to one picture, and Lambda detects functions that call themselves in a
//! [loop](https://docs.aws.amazon.com/lambda/latest/dg/invocation-recursion.html). The trace is
//! kept with the invocation's tasks, also when several run concurrently, and never in the
//! environment of the process.
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
//! let trace = "Root=1-5f84-ab;Sampled=1".into();
//! let invocation = Invocation { trace, ..Invocation::default() };
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! let shown = app.serve(RawRequest::new("GET", "/"), invocation).await;
//! assert_eq!(shown.body, b"Root=1-5f84-ab;Sampled=1");
//! # });
//! # Ok::<(), apptheory::app::BuildError>(())
//! ```
//!
//! AWS clients that this crate creates send the trace. Add [`Propagation`] to the interceptors of
//! your own clients.
//!
//! A request may have a trace context of its own (`traceparent`, `tracestate`), as OpenTelemetry
//! clients send it. It is available to the application, and not sent to AWS: set
//! [`Trace::traceparent`] on the requests that you send.

mod pinned;
#[cfg(feature = "_aws_sdk")]
mod propagation;

use core::fmt;
use core::future::Future;
use std::sync::{Arc, OnceLock};

use apptheory_core::http::{HeaderMap, TraceContext, x_ray_trace_id};

pub(crate) use pinned::{Pinned, pinned};
#[cfg(feature = "_aws_sdk")]
pub use propagation::Propagation;

/// The trace of an invocation. The default has empty texts. Clones share the same trace.
#[derive(Clone, Default)]
pub struct Trace(Arc<Parts>);

#[derive(Default)]
struct Parts {
    x_amzn_trace_id: String,
    /// The trace context of the request, once it was read.
    context: OnceLock<TraceContext>,
}

impl Trace {
    pub(crate) fn new(x_amzn_trace_id: &str) -> Self {
        let x_amzn_trace_id = x_amzn_trace_id.to_owned();
        Self(Arc::new(Parts { x_amzn_trace_id, context: OnceLock::new() }))
    }

    /// Keeps the trace context of a request.
    pub(crate) fn keep_context(&self, headers: &HeaderMap) {
        if let Some(context) = TraceContext::of(headers) {
            // An invocation has one request; if there are several, the first counts.
            let _ = self.0.context.set(context);
        }
    }

    /// Returns the trace that Lambda gave the invocation, in the format of the header
    /// `X-Amzn-Trace-Id` (root, parent, sampling decision, and the lineage for detecting loops), or
    /// an empty text.
    #[must_use]
    pub fn x_amzn_trace_id(&self) -> &str {
        &self.0.x_amzn_trace_id
    }

    /// Returns the id of that trace, such as `1-5759e988-bd862e3fe1be46a994272793`, or an empty
    /// text. Use it to look the trace up in X-Ray.
    #[must_use]
    pub fn id(&self) -> &str {
        x_ray_trace_id(self.x_amzn_trace_id()).unwrap_or_default()
    }

    /// Returns the `traceparent` of the request, or an empty text. Set it on requests that you
    /// send, together with [`tracestate`](Self::tracestate).
    #[must_use]
    pub fn traceparent(&self) -> &str {
        self.0.context.get().map_or("", TraceContext::traceparent)
    }

    /// Returns the `tracestate` of the request, or an empty text.
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

/// The request's state is client input: `Debug` does not print it.
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

/// Returns the trace of the current invocation; an empty trace outside of an invocation. Handlers,
/// middleware, hooks and streamed bodies run inside the invocation; tasks that they spawn do not,
/// unless they are wrapped in [`scope`].
#[must_use]
pub fn current() -> Trace {
    CURRENT.try_with(Trace::clone).unwrap_or_default()
}

/// Runs a future within a trace. Use it for a task that a handler spawns, so that its AWS calls
/// belong to the invocation. With the feature `tracing` the future also runs within the current
/// span, so that its log lines name the invocation.
///
/// On Lambda, wait for such a task before the handler returns: the process is frozen after the
/// invocation.
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

/// Runs a future within a trace, and drops it there. Pass a large one
/// [pinned](pinned!), so that it is not moved.
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
