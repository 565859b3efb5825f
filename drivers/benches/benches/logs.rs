//! What a log line costs in time: an event with a message and three fields, in a span with five.
//!
//! * `line/apptheory`: sanitized, and handed to the queue; it is written elsewhere.
//! * `line/tracing-subscriber`: its JSON, not sanitized, written at once to a writer that drops it.
//! * `line/serde_json`: the same members as a map, made and written.
//! * `line/core`: the line alone, without `tracing`.
//!
//! Run with `cargo bench -p apptheory-bench --bench logs`. Compare ratios within a run. How
//! much is allocated is bounded by a test, `an_event_allocates_little`.

#![expect(clippy::expect_used, reason = "a benchmark that cannot be set up has to stop")]

use core::hint::black_box;
use std::io;

use apptheory::logs::{Format, Logs};
use apptheory_core::observe::Level;
use apptheory_core::observe::line::{LineBuffer, LineFormat, LineHead};
use apptheory_core::sanitize::Sanitizer;
use apptheory_core::time::Timestamp;
use criterion::{BenchmarkGroup, Criterion, criterion_group, criterion_main};
use serde_json::json;
use tracing::Subscriber;
use tracing_subscriber::layer::SubscriberExt as _;

const REQUEST_ID: &str = "8f5e1a2b-3c4d-4e5f-8a9b-0c1d2e3f4a5b";
const TRACE_ID: &str = "1-5759e988-bd862e3fe1be46a994272793";

fn events(
    group: &mut BenchmarkGroup<'_, criterion::measurement::WallTime>,
    name: &str,
    subscriber: impl Subscriber + Send + Sync + 'static,
) {
    tracing::subscriber::with_default(subscriber, || {
        let span = tracing::info_span!(
            "invocation",
            request_id = REQUEST_ID,
            trace_id = TRACE_ID,
            tenant_id = "t1",
            cold_start = false,
            route = "/orders/{id}",
        );
        let _span = span.enter();
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                tracing::info!(
                    order = black_box(7),
                    city = "Oslo",
                    paid = true,
                    "the order is paid"
                );
            });
        });
    });
}

fn lines(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("line");
    let ours = Logs::from_env().format(Format::Json).writer(io::sink());
    events(&mut group, "apptheory", tracing_subscriber::registry().with(ours.layer()));
    let theirs = tracing_subscriber::fmt().json().flatten_event(true).with_writer(io::sink);
    events(&mut group, "tracing-subscriber", theirs.finish());

    group.bench_function("serde_json", |bencher| {
        bencher.iter(|| {
            let members = json!({
                "timestamp": "2026-01-01T00:00:00.000Z", "level": "INFO",
                "message": "the order is paid", "request_id": REQUEST_ID, "trace_id": TRACE_ID,
                "tenant_id": "t1", "cold_start": false, "route": "/orders/{id}",
                "order": black_box(7), "city": "Oslo", "paid": true, "target": "logs",
            });
            serde_json::to_string(&members).expect("JSON")
        });
    });

    let (sanitizer, mut buffer) = (Sanitizer::new(), LineBuffer::default());
    group.bench_function("core", |bencher| {
        bencher.iter(|| {
            let (at, level) = (Timestamp::UNIX_EPOCH, Level::Info);
            let head = LineHead { at, level, target: "logs", message: "the order is paid" };
            let mut line = buffer.begin(LineFormat::Json, &sanitizer, head);
            line.field("request_id", REQUEST_ID);
            line.field("trace_id", TRACE_ID);
            line.field("tenant_id", "t1");
            line.field("cold_start", false);
            line.field("route", "/orders/{id}");
            line.field("order", black_box(7));
            line.field("city", "Oslo");
            line.field("paid", true);
            black_box(line.end()).len()
        });
    });
    group.finish();
}

criterion_group!(benches, lines);
criterion_main!(benches);
