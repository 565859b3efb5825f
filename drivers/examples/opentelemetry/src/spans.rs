//! Spans for a collector: collected during an invocation, and sent after its response.

use std::mem;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use opentelemetry::Context;
use opentelemetry::trace::{
    SpanBuilder, SpanContext, SpanId, TraceContextExt as _, TraceFlags, TraceId, TraceState,
    Tracer, TracerProvider as _,
};
use opentelemetry_otlp::SpanExporter;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{
    SdkTracer, SdkTracerProvider, Span, SpanData, SpanExporter as _, SpanProcessor,
};
use tracing::{Subscriber, warn};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::registry::LookupSpan;

/// The ended spans that are still to be sent. Clones share them.
///
/// They are not sent by a thread or task, because the process is frozen between invocations.
#[derive(Clone, Debug)]
pub(crate) struct Spans(Arc<Kept>);

#[derive(Debug)]
struct Kept {
    exporter: SpanExporter,
    ended: Mutex<Vec<SpanData>>,
}

/// The most spans that are kept, the default of OpenTelemetry's own processor. Further spans are
/// dropped.
const MAX_SPANS: usize = 2048;

impl Spans {
    /// Creates a queue for an exporter, and the layer that fills it.
    pub(crate) fn to<S>(mut exporter: SpanExporter) -> (Self, impl Layer<S> + Send + Sync)
    where
        S: Subscriber + for<'a> LookupSpan<'a> + Send + Sync,
    {
        // The service's name comes from the environment, or is the function's.
        let resource = Resource::builder().build();
        exporter.set_resource(&resource);
        let spans = Self(Arc::new(Kept { exporter, ended: Mutex::default() }));
        let provider = SdkTracerProvider::builder()
            .with_resource(resource)
            .with_span_processor(spans.clone())
            .build();
        let tracer = InTrace(provider.tracer("opentelemetry_function"));
        // Leave out spans of the exporter's own HTTP client.
        let ours = Targets::new()
            .with_target("apptheory", LevelFilter::DEBUG)
            .with_target("opentelemetry_function", LevelFilter::DEBUG);
        (spans, tracing_opentelemetry::layer().with_tracer(tracer).with_filter(ours))
    }

    /// Sends the ended spans, and waits until the collector has accepted them.
    pub(crate) async fn send(&self) {
        let Self(kept) = self;
        let ended = mem::take(&mut *kept.ended.lock().unwrap_or_else(PoisonError::into_inner));
        if ended.len() == MAX_SPANS {
            warn!("there were more spans than are kept: the last ones are missing");
        }
        if !ended.is_empty()
            && let Err(error) = kept.exporter.export(ended).await
        {
            warn!(%error, "spans were not sent");
        }
    }
}

impl SpanProcessor for Spans {
    fn on_start(&self, _: &mut Span, _: &Context) {}

    fn on_end(&self, span: SpanData) {
        let mut ended = self.0.ended.lock().unwrap_or_else(PoisonError::into_inner);
        if span.span_context.is_sampled() && ended.len() < MAX_SPANS {
            ended.push(span);
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        Ok(())
    }
}

/// Makes root spans children of Lambda's trace.
struct InTrace(SdkTracer);

impl Tracer for InTrace {
    type Span = Span;

    fn build_with_context(&self, builder: SpanBuilder, parent: &Context) -> Span {
        let Self(tracer) = self;
        let trace = apptheory::trace::current();
        match from_x_ray(trace.x_amzn_trace_id()) {
            Some(given) if !parent.has_active_span() => {
                let parent = parent.with_remote_span_context(given);
                tracer.build_with_context(builder, &parent)
            }
            _ => tracer.build_with_context(builder, parent),
        }
    }
}

/// Parses `Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1`.
fn from_x_ray(text: &str) -> Option<SpanContext> {
    let part = |name| text.split(';').find_map(|part| part.trim().strip_prefix(name));
    let root: String = part("Root=1-")?.split('-').collect();
    let flags = TraceFlags::default().with_sampled(part("Sampled=") == Some("1"));
    Some(SpanContext::new(
        TraceId::from_hex(&root).ok()?,
        SpanId::from_hex(part("Parent=")?).ok()?,
        flags,
        true,
        TraceState::default(),
    ))
}
