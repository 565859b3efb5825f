//! A function that sends its spans to an OpenTelemetry collector.
//!
//! The spans are those in log lines: of each invocation, of each record, and the application's own.
//! They are children of the trace that Lambda gave the invocation, so that X-Ray shows them below
//! the function. If that trace is not sampled, none is sent.
//!
//! ```text
//! docker run --rm -p 4318:4318 otel/opentelemetry-collector
//! cargo run -p opentelemetry_function
//! curl -X POST http://127.0.0.1:3000/orders/tea
//! ```
//!
//! On Lambda, the collector is an extension beside the function, and listens on the same port. Set
//! `OTEL_EXPORTER_OTLP_ENDPOINT` for another address, and `OTEL_SERVICE_NAME` for the service's
//! name.

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
    // The time limit of `on_flush`: a missing collector delays the next invocation no longer.
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
        // After the response, and before the next invocation is fetched.
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

/// A span of the application.
#[tracing::instrument(skip_all)]
async fn ship(message: Arc<SqsMessage>) {
    tracing::info!(bytes = message.body.len(), "the order is shipped");
}
