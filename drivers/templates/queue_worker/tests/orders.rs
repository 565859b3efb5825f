//! The application with a store in memory, in virtual time.

use apptheory::prelude::*;
use apptheory::testkit::TestApp;
use {{crate_name}}::{QUEUE, app};

const TEA: &str = r#"{ "id": 7, "items": ["tea"] }"#;

#[test]
fn a_message_that_fails_comes_again_alone() {
    let app = TestApp::new(app);
    let empty = r#"{ "id": 8, "items": [] }"#;
    app.sqs(QUEUE, [TEA, empty, "?"]).assert_failures(["msg-2", "msg-3"]);
}

#[test]
fn an_order_is_shipped_once() {
    let app = TestApp::new(app);
    for _ in 0..2 {
        app.sqs(QUEUE, [TEA]).assert_ok(); // the same message
    }
    let bus = EventBus::on(app.store());
    assert_eq!(app.run(bus.query("shop").of_type("order.shipped").events().count()), 1);
}

#[test]
fn the_template_names_the_queue() {
    let name = format!("QueueName: {QUEUE}\n");
    assert!(include_str!("../template.yaml").contains(&name));
}
