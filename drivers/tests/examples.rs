//! Tests of the examples.
#![allow(
    dead_code,
    private_interfaces,
    unreachable_pub,
    reason = "each example is a program, with a `main` and types of its own"
)]

#[path = "../examples/bus.rs"]
mod bus;
#[path = "../examples/chat.rs"]
mod chat;
#[path = "../templates/http_api/src/lib.rs"]
mod http_api;
#[path = "../examples/limit.rs"]
mod limit;
#[path = "../examples/orders.rs"]
mod orders;
#[path = "../examples/properties.rs"]
mod properties;
#[path = "../templates/queue_worker/src/lib.rs"]
mod queue_worker;
#[path = "../examples/records.rs"]
mod records;
#[path = "../examples/routers.rs"]
mod routers;
#[path = "../examples/stores.rs"]
mod stores;
#[path = "../examples/streaming.rs"]
mod streaming;
#[path = "../examples/validation.rs"]
mod validation;

use std::collections::BTreeSet;
use std::sync::Arc;

use apptheory::Store;
use apptheory::app::App;
use apptheory::eventbus::EventBus;
use apptheory::layer::Recording;
use apptheory::testkit::events::{EventBridgeEntry, ItemChange};
use apptheory::testkit::{TestApp, TestEnv, TestResponse};
use futures_util::TryStreamExt as _;
use serde_json::{Value as Json, json};

#[test]
fn orders_are_made_shown_and_refused() {
    let shop = TestApp::new(orders::app);
    shop.get("/").send().assert_status(200).assert_text("the corner shop");
    let order = json!({"items": ["tea"]});
    let id: String = shop.post("/orders").json(&order).send().assert_status(201).json();
    shop.get(&format!("/orders/{id}")).send().assert_status(200).assert_json(&order);
    for (items, why) in [(json!([]), r#""field":"items""#), (json!("tea"), "items")] {
        let refused = shop.post("/orders").json(&json!({"items": items})).send();
        assert!(refused.assert_status(422).text().contains(why), "{refused:?}");
    }
    shop.get("/orders/none").send().assert_status(404);
}

#[test]
fn bookings_keep_their_rules() {
    let hotel = TestApp::new(validation::app);
    let room = |nights: u8, beds: u8| json!({"nights": nights, "beds": beds});
    let booking =
        |rooms: Json| json!({"guestName": "Ann", "email": "ann@example.com", "rooms": rooms});
    let book = |booking: &Json| hotel.post("/bookings").json(booking).send();
    book(&booking(json!([room(30, 4)]))).assert_status(204);

    let broken = |answer: TestResponse| {
        let error: Json = answer.assert_status(422).json();
        let errors = error["error"]["details"]["errors"].as_array().unwrap();
        let told = errors.iter().map(|told| told["message"].as_str().unwrap().to_owned());
        told.collect::<Vec<_>>()
    };
    let wrong = json!({"guestName": "", "email": "ann", "rooms": [room(1, 2), room(31, 3)]});
    let expected = [
        "guestName length must be >= 1",
        "email must be an email address",
        "rooms[1].nights must be <= 30",
        "beds come in pairs",
    ];
    assert_eq!(broken(book(&wrong)), expected);
    let large = booking(json!([room(1, 2), room(1, 6)]));
    assert_eq!(broken(book(&large)), ["rooms[1].beds must be <= 4"]);
    hotel.get("/bookings").send().assert_status(200).assert_text("at most 10 bookings");
    let expected = ["page-size must be <= 100"];
    assert_eq!(broken(hotel.get("/bookings?page-size=101").send()), expected);

    let bodies = [booking(json!([room(1, 2)])), wrong, large];
    hotel.sqs("bookings", bodies.map(|body| body.to_string())).assert_failures(["msg-2", "msg-3"]);
}

#[test]
fn routers_have_prefixes_layers_and_callers() {
    let shop = TestApp::new(routers::app);
    shop.get("/orders/7").send().assert_status(200).assert_text("order 7");
    let order = shop.post("/orders").header("idempotency-key", "k1").json(&json!({}));
    let order = order.header("authorization", "Bearer of-bob").send();
    order.assert_status(201).assert_text("ordered");
    shop.get("/nowhere").send().assert_status(404).assert_text("nothing is at /nowhere");
    for (token, status) in [("", 401), ("Bearer of-bob", 403), ("Bearer of-ann", 204)] {
        shop.delete("/orders").header("authorization", token).send().assert_status(status);
    }
}

#[test]
fn a_limit_of_one_route_is_beside_that_of_all() {
    let app = TestApp::new(limit::app);
    for status in [200, 200, 200, 200, 200, 429] {
        app.get("/login").send().assert_status(status);
    }
    let others = (0..30).filter(|_| app.get("/").send().status() == 200).count();
    assert_eq!(others, 20); // a caller is counted for each route
}

#[test]
fn properties_are_those_of_an_application_that_runs() {
    let app = TestApp::new(properties::app);
    for status in [200, 200, 429] {
        app.get("/orders").send().assert_status(status);
    }
}

#[test]
fn bodies_are_streamed() {
    let app = TestApp::new(|_| streaming::app());
    app.get("/ticks").stream().assert_chunks(["", "data: 1\n\n", "data: 2\n\n", "data: 3\n\n"]);
    app.get("/page").stream().assert_chunks(["<!doctype html>", "<h1>Orders</h1>", "<p>tea"]);
}

#[test]
fn what_is_published_is_read_newest_first() {
    let app = TestApp::new(bus::app);
    for items in [["tea"], ["milk"]] {
        app.post("/orders").json(&json!({"items": items})).send().assert_status(202);
    }
    app.get("/orders").send().assert_json(&json!([{"items": ["milk"]}, {"items": ["tea"]}]));
}

#[test]
fn records_are_handled_once_and_fail_alone() {
    let app = TestApp::new(records::app);
    for _ in 0..2 {
        let messages = [r#"{"id": 7, "items": ["tea"]}"#, "?"];
        app.sqs("orders", messages).assert_failures(["msg-2"]);
    }
    let created = EventBridgeEntry::new("shop", "order.created");
    app.event_bridge(created.detail(&json!({"id": 8, "items": []}))).assert_ok();
    app.dynamodb("orders-table", [ItemChange::remove(&json!({"id": 7, "items": []}))]).assert_ok();

    let bus = EventBus::on(app.store());
    let events: Vec<_> = app.run(bus.query("shop").events().try_collect()).unwrap();
    let types: Vec<&str> = events.iter().map(|event| &*event.event_type).collect();
    assert_eq!(types, ["order.deleted", "order.seen", "order.shipped"]);
}

#[test]
fn any_event_has_a_handler() {
    let app = TestApp::new(records::app);
    app.invoke(&json!({"numbers": [3, 4]})).assert_answer(&7);
    app.invoke(&json!({"to": "nobody"})).assert_error("not one of ours");
}

#[test]
fn the_chat_example_sends_a_message_to_every_connection() {
    let app = TestApp::new(chat::app);
    let mut ann = app.websocket().connect("/");
    let mut bob = app.websocket().connect("/");
    let said = r#"{"name":"ann","text":"hello"}"#;
    ann.send(said).assert_received(said);
    bob.assert_received(said).close();
    ann.send(said).assert_received(said);
    bob.assert_silent();
}

#[test]
fn one_application_runs_on_any_store() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("shop.db");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    for (name, visits) in [("memory", 1), (file.to_str().unwrap(), 1), (file.to_str().unwrap(), 2)]
    {
        let store = runtime.block_on(stores::store(name)).unwrap();
        let app = TestApp::new(|_| stores::app(&store));
        app.get("/").send().assert_status(200).assert_text(&format!("{visits} visits"));
    }
}

/// What is done to which table or index, as a policy says it: `dynamodb:Query` on `EventsTable`.
type Permissions = BTreeSet<(String, String)>;

/// The permissions that the calls of a store need.
fn needed(recording: &Recording<Store>) -> Permissions {
    let exchanges = recording.transcript().exchanges;
    let calls = exchanges.iter().map(|exchange| {
        let name = exchange.request["TableName"].as_str().unwrap_or("no-table");
        let id = name.split('-').map(|word| word[..1].to_uppercase() + &word[1..]);
        let mut resource = id.collect::<String>() + "Table";
        if let Some(index) = exchange.request["IndexName"].as_str() {
            resource = format!("{resource}/index/{index}");
        }
        (format!("dynamodb:{}", exchange.operation), resource)
    });
    calls.collect()
}

/// The permissions on tables that a SAM template grants.
fn granted(template: &str) -> Permissions {
    let lines: Vec<&str> = template.lines().map(str::trim).collect();
    let statements = lines.windows(2).filter_map(|lines| {
        let actions = lines[0].strip_prefix("Action: ")?.trim_matches(['[', ']']).split(", ");
        let table = lines[1].strip_prefix("Resource: !GetAtt ")?.strip_suffix(".Arn")?;
        Some(actions.map(|action| (action.to_owned(), table.to_owned())))
    });
    statements.flatten().filter(|(action, _)| action.starts_with("dynamodb:")).collect()
}

/// An application whose calls are recorded.
fn recorded<S: Send + Sync + 'static>(
    app: impl FnOnce(&Store) -> App<S>,
) -> (TestApp, Arc<Recording<Store>>) {
    let env = TestEnv::new();
    let recording = Arc::new(Recording::new(env.store().clone()));
    (TestApp::within(env.layer(|_| Arc::clone(&recording)), app), recording)
}

#[test]
fn the_template_of_an_http_api_grants_what_it_needs() {
    let (app, recording) = recorded(http_api::app);
    app.post("/orders").json(&json!({"items": ["tea"]})).send().assert_status(201);
    app.get("/orders").send().assert_json(&json!([{"items": ["tea"]}]));
    let granted = granted(include_str!("../templates/http_api/template.yaml"));
    assert_eq!(needed(&recording), granted);
}

#[test]
fn the_template_of_a_queue_worker_grants_what_it_needs() {
    let (app, recording) = recorded(queue_worker::app);
    for _ in 0..2 {
        let messages = [r#"{"id": 7, "items": ["tea"]}"#, r#"{"id": 8, "items": []}"#];
        app.sqs(queue_worker::QUEUE, messages).assert_failures(["msg-2"]);
    }
    let mut granted = granted(include_str!("../templates/queue_worker/template.yaml"));
    // For stores that refuse a write without saying what is there.
    assert!(granted.remove(&("dynamodb:GetItem".to_owned(), "IdempotencyTable".to_owned())));
    assert_eq!(needed(&recording), granted);
}
