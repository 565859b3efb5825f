//! The sanitizer.

use core::hint::black_box;

use apptheory_core::sanitize::Sanitizer;
use serde_json::{Value, json};

use crate::measure::{Contender, Effort};
use crate::table::{Group, Row, alone, beside};

pub(crate) const GROUP: Group = Group {
    name: "sanitizer",
    title: "Sanitizer",
    how: "An event of 4 kB with a body that is JSON itself, some of it secret, read, sanitized and printed; `serde_json` \
          reads and prints it. And a line of text, which is searched for secrets.",
    run,
};

const PLAIN: &str = "order 7 of tenant a was paid after 12 ms, at the second attempt";
const SECRET: &str = "declined: card 4111 1111 1111 1111, token=t_1 of ada@example.com, Bearer b_1";

fn run(effort: Effort) -> Vec<Row> {
    let event = event();
    let sanitizer = Sanitizer::new();
    let mut rows = beside(
        effort,
        "an event of 4 kB",
        Contender::new("apptheory", || sanitizer.json(black_box(&event))),
        [Contender::new("serde_json, not sanitized", || {
            let value: Value = serde_json::from_str(black_box(&event)).expect("JSON");
            serde_json::to_string_pretty(&value).expect("JSON again")
        })],
    );
    for (what, text) in [("text without a secret", PLAIN), ("text with four secrets", SECRET)] {
        let contender =
            Contender::new("apptheory", || black_box(sanitizer.free_text(black_box(text))).len());
        rows.extend(alone(effort, what, contender));
    }
    rows
}

fn event() -> String {
    let item = |n: u32| {
        let amount = n * 100;
        json!({"id": format!("item-{n}"), "amount": amount, "note": "two cups of tea", "token": "t"})
    };
    let items: Vec<Value> = (0..48).map(item).collect();
    let order = json!({"card_number": "4111111111111111", "items": items});
    let headers = json!({"authorization": "Bearer x"});
    json!({"path": "/orders", "headers": headers, "body": order.to_string()}).to_string()
}
