//! A function whose spans go to an OpenTelemetry collector.
//!
//! They are those that its log lines name: of each invocation and of each record, and those of the
//! application's own. They begin in the trace that Lambda gave the invocation, so that X-Ray shows
//! them below the function. Where that trace is not sampled, none is sent.
//!
//! ```text
//! docker run --rm -p 4318:4318 otel/opentelemetry-collector
//! cargo run -p opentelemetry_function
//! curl -X POST http://127.0.0.1:3000/orders/tea
//! ```
//!
//! On Lambda, the collector is an extension beside the function, and listens on the same port.
//! `OTEL_EXPORTER_OTLP_ENDPOINT` names another place, `OTEL_SERVICE_NAME` the service.

mod spans;
#[cfg(test)]
mod tests;

use std::process::ExitCode;
use std::sync::Arc;

use apptheory::app::events::SqsMessage;
use apptheory::logs::Logs;
use apptheory::prelude::*;
use opentelemetry_otlp::{SpanExporter, WithExportConfig as _};
use spans::Spans;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

fn main() -> ExitCode {
    // The time that `on_flush` gives: a collector that is away does not delay the next invocation
    // for longer.
    let timeout = apptheory::app::FLUSH_TIME;
    let exporter = match SpanExporter::builder().with_http().with_timeout(timeout).build() {
        Ok(exporter) => exporter,
        Err(error) => {
            eprintln!("no exporter: {error}");
            return ExitCode::FAILURE;
        }
    };
    let (spans, layer) = Spans::to(exporter);
    tracing_subscriber::registry().with(Logs::from_env().layer()).with(layer).init();
    apptheory::start(async || app(spans, &Store::memory()))
}

fn app(spans: Spans, store: &Store) -> App<EventBus> {
    App::with_state(EventBus::on(store))
        .post("/orders/{item}", order)
        .sqs("orders", ship)
        // After the answer, and before the next invocation is asked for.
        .on_flush(move || {
            let spans = spans.clone();
            async move { spans.send().await }
        })
}

async fn order(
    State(bus): State<EventBus>,
    Path(item): Path<String>,
) -> Result<Json<String>, AppError> {
    let event = Event::new("shop", "order.created").payload(&item);
    Ok(Json(bus.publish(event).await?.event.id))
}

/// A span of the application's own.
#[tracing::instrument(skip_all)]
async fn ship(message: Arc<SqsMessage>) {
    tracing::info!(bytes = message.body.len(), "the order is shipped");
}
