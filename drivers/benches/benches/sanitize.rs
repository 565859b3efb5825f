//! What sanitising costs in time: an event of 4 KB with a body that is JSON, some of it secret.
//!
//! * `json`: the event as JSON text, beside reading and writing it with `serde_json`.
//! * `free_text`: a message without a secret, and one with several.
//!
//! Run with `cargo bench -p apptheory-bench --bench sanitize`. Compare ratios within a run. How much is
//! allocated is bounded by a test, `four_kilobytes_of_json`.

#![expect(clippy::expect_used, reason = "a benchmark that cannot be set up has to stop")]

use core::hint::black_box;

use apptheory_core::sanitize::Sanitizer;
use criterion::{Criterion, criterion_group, criterion_main};
use serde_json::{Value, json};

fn event() -> String {
    let item = |n: u32| json!({"id": format!("item-{n}"), "amount": n * 100, "note": "two cups of tea", "token": "t"});
    let items: Vec<Value> = (0..48).map(item).collect();
    let order = json!({"card_number": "4111111111111111", "items": items});
    let headers = json!({"authorization": "Bearer x"});
    json!({"path": "/orders", "headers": headers, "body": order.to_string()}).to_string()
}

fn json_text(criterion: &mut Criterion) {
    let event = event();
    let sanitizer = Sanitizer::new();
    let mut group = criterion.benchmark_group("json");
    group.bench_function("apptheory", |bencher| {
        bencher.iter(|| sanitizer.json(black_box(&event)));
    });
    group.bench_function("serde_json", |bencher| {
        bencher.iter(|| {
            let value: Value = serde_json::from_str(black_box(&event)).expect("JSON");
            serde_json::to_string_pretty(&value).expect("JSON again")
        });
    });
    group.finish();
}

fn free_text(criterion: &mut Criterion) {
    let sanitizer = Sanitizer::new();
    let mut group = criterion.benchmark_group("free_text");
    for (name, message) in [
        ("plain", "order 7 of tenant a was paid after 12 ms, at the second attempt"),
        ("secret", "declined: card 4111 1111 1111 1111, token=t_1 of ada@example.com, Bearer b_1"),
    ] {
        group.bench_function(name, |bencher| {
            bencher.iter(|| black_box(sanitizer.free_text(black_box(message))).len());
        });
    }
    group.finish();
}

criterion_group!(benches, json_text, free_text);
criterion_main!(benches);
