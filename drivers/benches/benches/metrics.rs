//! What measuring costs, and a line of CloudWatch's embedded metric format beside the same line
//! through `serde_json`.
#![expect(clippy::expect_used, reason = "a benchmark that cannot run ends")]

use std::hint::black_box;
use std::io;

use apptheory::metrics::{Dimension, Metrics, Unit};
use criterion::{Criterion, criterion_group, criterion_main};
use serde_json::json;

fn metrics() -> Metrics {
    let metrics = Metrics::builder("Shop").dimension("service", "orders").writer(io::sink());
    metrics.build().expect("metrics")
}

fn measuring(criterion: &mut Criterion) {
    let metrics = metrics();
    let counter = metrics.counter("Orders").expect("a counter");
    let method = Dimension::new("method", ["card", "cash"]).expect("a dimension");
    let by = metrics.by([method]).counter("Payments").expect("counters");
    let mut group = criterion.benchmark_group("measure");
    group.bench_function("counter", |bencher| bencher.iter(|| counter.add(black_box(1))));
    group.bench_function("counter_by", |bencher| {
        bencher.iter(|| by.with([black_box("cash")]).add(1));
    });
    group.finish();
}

fn line(criterion: &mut Criterion) {
    let metrics = metrics();
    let count = metrics.counter("RequestCount").expect("a counter");
    let duration = metrics.histogram("RequestDuration", Unit::Milliseconds).expect("a histogram");
    let errors = metrics.counter("RequestErrors").expect("a counter");
    let mut group = criterion.benchmark_group("emf_line");
    group.bench_function("apptheory", |bencher| {
        bencher.iter(|| {
            count.add(1);
            duration.record(black_box(25.5));
            errors.add(1);
            metrics.flush();
        });
    });
    group.bench_function("serde_json", |bencher| {
        bencher.iter(|| {
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
        });
    });
    group.finish();
}

criterion_group!(benches, measuring, line);
criterion_main!(benches);
