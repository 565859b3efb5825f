//! Metrics: the cost of recording, and of a line of CloudWatch's embedded metric format.

use core::hint::black_box;
use std::io;

use apptheory::metrics::{Dimension, Metrics, Unit};
use serde_json::json;

use crate::measure::{Contender, Effort};
use crate::table::{Group, Row, alone, beside};

pub(crate) const GROUP: Group = Group {
    name: "metrics",
    title: "Metrics",
    how: "Adding to a counter; and a line of CloudWatch's embedded metric format with three metrics, measured and written, \
          beside a map of the same members made and written by `serde_json`.",
    run,
};

fn run(effort: Effort) -> Vec<Row> {
    let metrics = Metrics::builder("Shop").dimension("service", "orders").writer(io::sink());
    let metrics = metrics.build().expect("metrics");
    let counter = metrics.counter("Orders").expect("a counter");
    let method = Dimension::new("method", ["card", "cash"]).expect("a dimension");
    let by = metrics.by([method]).counter("Payments").expect("counters");
    let mut rows = alone(
        effort,
        "adding to a counter",
        Contender::new("apptheory", || counter.add(black_box(1))),
    );
    rows.extend(alone(
        effort,
        "adding to a counter with a dimension",
        Contender::new("apptheory", || by.with([black_box("cash")]).add(1)),
    ));
    rows.extend(line(effort));
    rows
}

fn line(effort: Effort) -> Vec<Row> {
    let metrics = Metrics::builder("Shop").dimension("service", "orders").writer(io::sink());
    let metrics = metrics.build().expect("metrics");
    let count = metrics.counter("RequestCount").expect("a counter");
    let duration = metrics.histogram("RequestDuration", Unit::Milliseconds).expect("a histogram");
    let errors = metrics.counter("RequestErrors").expect("a counter");
    beside(
        effort,
        "a line of three metrics",
        Contender::new("apptheory", || {
            count.add(1);
            duration.record(black_box(25.5));
            errors.add(1);
            metrics.flush();
        }),
        [Contender::new("serde_json", || {
            let definition = |name: &str, unit: &str| json!({"Name": name, "Unit": unit});
            let line = json!({
                "_aws": {
                    "Timestamp": black_box(1_767_225_600_000_u64),
                    "CloudWatchMetrics": [{
                        "Namespace": "Shop",
                        "Dimensions": [["service"]],
                        "Metrics": [
                            definition("RequestCount", "Count"),
                            definition("RequestDuration", "Milliseconds"),
                            definition("RequestErrors", "Count"),
                        ],
                    }],
                },
                "service": "orders",
                "RequestCount": 1,
                "RequestDuration": black_box(25.5),
                "RequestErrors": 1,
            });
            line.to_string()
        })],
    )
}
