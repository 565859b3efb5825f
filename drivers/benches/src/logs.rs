//! Log lines.

use core::hint::black_box;
use std::io;

use apptheory::logs::{Format, Logs};
use apptheory_core::observe::Level;
use apptheory_core::observe::line::{LineBuffer, LineFormat, LineHead};
use apptheory_core::sanitize::Sanitizer;
use apptheory_core::time::Timestamp;
use serde_json::json;
use tracing::Dispatch;
use tracing::dispatcher::with_default;
use tracing_subscriber::layer::SubscriberExt as _;

use crate::measure::{Contender, Effort};
use crate::table::{Group, Row, alone, beside};

pub(crate) const GROUP: Group = Group {
    name: "logs",
    title: "Log lines",
    how: "A `tracing` event with a message and three fields, in a span with five, as a line of JSON. Ours is sanitized \
          and handed to a queue. `tracing-subscriber` writes it at once, not sanitized, to a writer that drops \
          it; `serde_json` makes and writes a map of the same members, without `tracing`.",
    run,
};

const REQUEST_ID: &str = "8f5e1a2b-3c4d-4e5f-8a9b-0c1d2e3f4a5b";
const TRACE_ID: &str = "1-5759e988-bd862e3fe1be46a994272793";

fn run(effort: Effort) -> Vec<Row> {
    let ours = Logs::from_env().format(Format::Json).writer(io::sink());
    let ours = Dispatch::new(tracing_subscriber::registry().with(ours.layer()));
    let peers = tracing_subscriber::fmt().json().flatten_event(true).with_writer(io::sink);
    let peers = Dispatch::new(peers.finish());
    let mut rows = beside(
        effort,
        "an event in a span",
        events("apptheory", &ours),
        [events("tracing-subscriber", &peers), Contender::new("serde_json alone", map)],
    );
    let (sanitizer, mut buffer) = (Sanitizer::new(), LineBuffer::default());
    rows.extend(alone(
        effort,
        "the line alone, without `tracing`",
        Contender::new("apptheory", || line(&sanitizer, &mut buffer)),
    ));
    rows
}

/// Logs events in a span, for a subscriber. The span is entered for each event, as for each poll of
/// a future.
fn events<'a>(name: &'static str, subscriber: &'a Dispatch) -> Contender<'a> {
    let span = with_default(subscriber, || {
        tracing::info_span!(
            "invocation",
            request_id = REQUEST_ID,
            trace_id = TRACE_ID,
            tenant_id = "t1",
            cold_start = false,
            route = "/orders/{id}",
        )
    });
    Contender::timed(name, move |times| {
        with_default(subscriber, || {
            let begin = crate::measure::now();
            for _ in 0..times {
                span.in_scope(|| {
                    tracing::info!(
                        order = black_box(7),
                        city = "Oslo",
                        paid = true,
                        "the order is paid"
                    );
                });
            }
            begin.elapsed()
        })
    })
}

fn map() -> String {
    let members = json!({
        "timestamp": "2026-01-01T00:00:00.000Z", "level": "INFO",
        "message": "the order is paid", "request_id": REQUEST_ID, "trace_id": TRACE_ID,
        "tenant_id": "t1", "cold_start": false, "route": "/orders/{id}",
        "order": black_box(7), "city": "Oslo", "paid": true, "target": "logs",
    });
    members.to_string()
}

fn line(sanitizer: &Sanitizer, buffer: &mut LineBuffer) -> usize {
    let (at, level) = (Timestamp::UNIX_EPOCH, Level::Info);
    let head = LineHead { at, level, target: "logs", message: "the order is paid" };
    let mut line = buffer.begin(LineFormat::Json, sanitizer, head);
    line.field("request_id", REQUEST_ID);
    line.field("trace_id", TRACE_ID);
    line.field("tenant_id", "t1");
    line.field("cold_start", false);
    line.field("route", "/orders/{id}");
    line.field("order", black_box(7));
    line.field("city", "Oslo");
    line.field("paid", true);
    black_box(line.end()).len()
}
