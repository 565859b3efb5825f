//! The application with a store in memory, in virtual time.

use std::time::Duration;

use apptheory::prelude::json;
use apptheory::testkit::TestApp;

#[test]
fn orders_are_created_and_listed() {
    let app = TestApp::new({{crate_name}}::app);
    for items in [["tea"], ["milk"]] {
        app.post("/orders").json(&json!({ "items": items })).send().assert_status(201);
    }
    let newest = json!([{ "items": ["milk"] }, { "items": ["tea"] }]);
    app.get("/orders").send().assert_status(200).assert_json(&newest);
}

#[test]
fn an_order_needs_items() {
    let app = TestApp::new({{crate_name}}::app);
    app.post("/orders").json(&json!({ "items": [] })).send().assert_status(422);
    app.get("/orders").send().assert_json(&json!([]));
}

#[test]
fn callers_are_limited() {
    let app = TestApp::new({{crate_name}}::app);
    for _ in 0..10 {
        app.get("/orders").send().assert_status(200);
    }
    app.get("/orders").send().assert_status(429);
    app.advance(Duration::from_secs(1)); // takes no time
    app.get("/orders").send().assert_status(200);
    app.get("/").send().assert_status(200);
}
