//! The JSON writer.

use core::hint::black_box;

use apptheory_core::json::{to_text, write_compact};
use apptheory_counts::samples;
use serde_json::Value;

use crate::measure::{Contender, Effort};
use crate::table::{Group, Row, beside};

pub(crate) const GROUP: Group = Group {
    name: "json",
    title: "JSON",
    how: "The event of an HTTP API, 1.1 kB. A value is written: ours escapes what is unsafe in HTML. And a text is checked \
          and compacted, where `serde_json` reads a value and writes it.",
    run,
};

fn run(effort: Effort) -> Vec<Row> {
    let text = samples::event();
    let value: Value = serde_json::from_str(&text).expect("JSON");
    let mut rows = beside(
        effort,
        "a value to text",
        Contender::new("apptheory", || to_text(black_box(&value))),
        [Contender::new("serde_json", || black_box(&value).to_string())],
    );
    rows.extend(beside(
        effort,
        "a text to compact text",
        Contender::new("apptheory", || {
            let mut out = String::new();
            write_compact(black_box(&text), &mut out).expect("JSON");
            out
        }),
        [Contender::new("serde_json, by a value", || {
            let value: Value = serde_json::from_str(black_box(&text)).expect("JSON");
            value.to_string()
        })],
    ));
    rows
}
