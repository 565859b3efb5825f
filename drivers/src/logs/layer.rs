//! Writing events as lines.

use core::cell::RefCell;

use apptheory_core::observe::line::{Line, LineBuffer, LineFormat, LineHead};
use apptheory_core::observe::{Level, SampleRate};
use apptheory_core::sanitize::Sanitizer;
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::{LookupSpan, SpanRef};

use super::fields::{Bounded, Fields, Message, SpanFields};
use super::queue::Queue;
use crate::clock::{Clock as _, SystemClock};

/// Writes a line for each event, with the fields of the spans around it.
pub(super) struct LineLayer {
    pub(super) queue: Queue,
    pub(super) format: LineFormat,
    pub(super) sanitizer: Sanitizer,
    /// Fields of every line.
    pub(super) about: Vec<(&'static str, String)>,
    /// The sample of invocations whose debug events are logged.
    pub(super) debug_sample_rate: SampleRate,
}

/// Buffers for writing a line.
#[derive(Default)]
struct Buffers {
    line: LineBuffer,
    message: Bounded,
    value: Bounded,
}

thread_local! {
    static BUFFERS: RefCell<Buffers> = RefCell::default();
}

impl<S: Subscriber + for<'s> LookupSpan<'s>> Layer<S> for LineLayer {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        let mut fields = SpanFields::default();
        attributes.record(&mut fields);
        let is_chosen = || span.name() == "invocation" && self.chooses(&fields);
        fields.is_sampled = span.parent().is_some_and(|span| is_sampled(&span)) || is_chosen();
        // Replaced, because another log may have been set before.
        span.extensions_mut().replace(fields);
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        // Format before taking the lock: formatting a value may log.
        let mut recorded = SpanFields::default();
        values.record(&mut recorded);
        if let Some(fields) = span.extensions_mut().get_mut::<SpanFields>() {
            fields.merge(recorded);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let written = BUFFERS.try_with(|buffers| {
            let mut buffers = buffers.try_borrow_mut().ok()?;
            self.write(event, &context, &mut buffers);
            Some(())
        });
        // The value being written logs itself, or the thread is ending.
        if !matches!(written, Ok(Some(()))) {
            self.write(event, &context, &mut Buffers::default());
        }
    }
}

impl LineLayer {
    /// Returns whether an invocation is in the sample.
    fn chooses(&self, invocation: &SpanFields) -> bool {
        !self.debug_sample_rate.is_zero()
            && invocation.text("request_id").is_some_and(|id| self.debug_sample_rate.takes(id))
    }

    fn write<S>(&self, event: &Event<'_>, context: &Context<'_, S>, buffers: &mut Buffers)
    where
        S: Subscriber + for<'s> LookupSpan<'s>,
    {
        let Buffers { line, message, value } = buffers;
        message.clear();
        event.record(&mut Message(message));
        let metadata = event.metadata();
        let head = LineHead {
            at: SystemClock.now(),
            level: level(*metadata.level()),
            target: metadata.target(),
            message,
        };
        let mut line = line.begin(self.format, &self.sanitizer, head);
        let spans: Vec<_> = context.event_scope(event).into_iter().flatten().collect();
        write_spans(&spans, &mut line);
        for (name, value) in &self.about {
            line.field(name, value.as_str());
        }
        let is_in_spans = |name: &str, text: &str| says(&spans, name, text);
        event.record(&mut Fields { line: &mut line, value, is_in_spans: &is_in_spans });
        self.queue.push(line.end());
    }
}

/// Appends the fields of spans, which are given innermost first, from the outermost to the
/// innermost. Empty fields are left out.
fn write_spans<'s, S: LookupSpan<'s>>(spans: &[SpanRef<'s, S>], line: &mut Line<'_>) {
    for (depth, span) in spans.iter().enumerate().rev() {
        let extensions = span.extensions();
        let Some(fields) = extensions.get::<SpanFields>() else { continue };
        for (name, value) in fields.iter() {
            let has_it = |fields: &SpanFields| fields.get(name).is_some();
            let mut inner = spans.iter().take(depth);
            if !inner.any(|span| span.extensions().get().is_some_and(has_it)) {
                line.field(name, value.as_field());
            }
        }
    }
}

/// Returns whether the innermost span with a field of this name has this text.
fn says<'s, S: LookupSpan<'s>>(spans: &[SpanRef<'s, S>], name: &str, text: &str) -> bool {
    let mut said = spans.iter().filter_map(|span| {
        let extensions = span.extensions();
        let fields = extensions.get::<SpanFields>()?;
        fields.get(name).is_some().then(|| fields.text(name) == Some(text))
    });
    said.next().unwrap_or(false)
}

/// Returns whether a span belongs to an invocation in the sample.
pub(super) fn is_sampled<'s, S: LookupSpan<'s>>(span: &SpanRef<'s, S>) -> bool {
    span.extensions().get::<SpanFields>().is_some_and(|fields| fields.is_sampled)
}

const fn level(level: tracing::Level) -> Level {
    match level {
        tracing::Level::TRACE => Level::Trace,
        tracing::Level::DEBUG => Level::Debug,
        tracing::Level::INFO => Level::Info,
        tracing::Level::WARN => Level::Warn,
        tracing::Level::ERROR => Level::Error,
    }
}
