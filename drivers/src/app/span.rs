//! The `tracing` spans and the traces of invocations and records.

use core::future::Future;
use std::sync::Arc;

use apptheory_core::events::Trigger;
#[cfg(feature = "tracing")]
use apptheory_core::sanitize::log_text;
#[cfg(feature = "tracing")]
use tracing::field::Empty;
#[cfg(feature = "tracing")]
use tracing::{Instrument as _, Span, info_span};

use super::AppService;
use super::invocation::Invocation;
use super::time::Begun;
use crate::trace::{self, Trace, pinned};

/// The span of an invocation, and the trace that it belongs to. Clones share the span; it ends with
/// the last of them.
#[derive(Clone, Debug)]
pub(crate) struct InvocationSpan {
    trace: Trace,
    #[cfg(feature = "tracing")]
    span: Span,
}

impl InvocationSpan {
    pub(super) fn new(invocation: &Invocation) -> Self {
        let trace = Trace::new(&invocation.trace);
        #[cfg(feature = "tracing")]
        let span = trace::call_within(&trace, || invocation_span(invocation, &trace));
        Self {
            trace,
            #[cfg(feature = "tracing")]
            span,
        }
    }

    pub(crate) const fn trace(&self) -> &Trace {
        &self.trace
    }

    /// Records the route that serves the invocation.
    pub(super) fn record_route(&self, route: &str) {
        #[cfg(feature = "tracing")]
        if !self.span.is_disabled() {
            self.span.record("route", &*log_text(route));
        }
        #[cfg(not(feature = "tracing"))]
        let _ = route;
    }

    /// Records the trace id of the request, if Lambda gave none.
    pub(super) fn record_trace_id(&self, id: &str) {
        #[cfg(feature = "tracing")]
        if !self.span.is_disabled() && self.trace.id().is_empty() && !id.is_empty() {
            self.span.record("trace_id", &*log_text(id));
        }
        #[cfg(not(feature = "tracing"))]
        let _ = id;
    }

    /// Runs a future within the span and the trace, and drops it there. Pass a large one
    /// [pinned](pinned!), so that it is not moved.
    pub(crate) fn run<F: Future>(self, work: F) -> impl Future<Output = F::Output> {
        #[cfg(feature = "tracing")]
        let work = work.instrument(self.span);
        trace::run_within(self.trace, work)
    }

    /// Calls a function within the span and the trace.
    pub(super) fn in_scope<T>(&self, call: impl FnOnce() -> T) -> T {
        #[cfg(feature = "tracing")]
        let _entered = self.span.enter();
        trace::call_within(&self.trace, call)
    }
}

#[cfg(feature = "tracing")]
fn invocation_span(invocation: &Invocation, trace: &Trace) -> Span {
    let Invocation { request_id, tenant_id, is_cold_start, .. } = invocation;
    let span = info_span!(
        "invocation",
        request_id = &*log_text(request_id),
        trace_id = Empty,
        tenant_id = Empty,
        cold_start = is_cold_start,
        route = Empty,
    );
    if !trace.id().is_empty() {
        span.record("trace_id", trace.id());
    }
    if let Some(tenant_id) = tenant_id {
        span.record("tenant_id", &*log_text(tenant_id));
    }
    span
}

/// Runs the handling of a record within a span of its own. Given by value, it is also dropped
/// within it.
pub(super) async fn in_record<F: Future>(
    source: Trigger,
    name: &str,
    id: &str,
    work: F,
) -> F::Output {
    #[cfg(feature = "tracing")]
    // Computes the fields only if the span is enabled.
    let work = work.instrument(info_span!(
        "record",
        source = source.as_str(),
        name = &*log_text(name),
        id = &*log_text(id),
    ));
    #[cfg(not(feature = "tracing"))]
    let _ = (source, name, id);
    work.await
}

impl AppService {
    /// Begins an invocation, runs `serve` within its span and trace, and then the work that it
    /// registered with `after`.
    pub(crate) async fn within<F: Future>(
        &self,
        invocation: Invocation,
        serve: impl FnOnce(Arc<Begun>) -> F,
    ) -> F::Output {
        let (begun, ending) = self.begin(invocation);
        let span = begun.span.clone();
        let output = span.run(pinned!(serve(begun))).await;
        self.run_after(&ending).await;
        output
    }
}
