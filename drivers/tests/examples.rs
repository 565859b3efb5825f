//! The examples, asked as their users would ask them.
#![expect(clippy::unwrap_used, reason = "it ends a test")]
#![allow(
    dead_code,
    private_interfaces,
    reason = "each example is a program, with a `main` and types of its own"
)]

#[path = "../examples/bus.rs"]
mod bus;
#[path = "../examples/chat.rs"]
mod chat;
#[path = "../examples/limit.rs"]
mod limit;
#[path = "../examples/orders.rs"]
mod orders;
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

use core::net::{Ipv4Addr, SocketAddr};

use apptheory::app::{App, AppService, Invocation, Response};
use apptheory::clock::VirtualClock;
use apptheory::eventbus::EventBus;
use apptheory::http::RawRequest;
use apptheory::store::Store;
use apptheory::time::Timestamp;
use apptheory::websocket::FakeWebSocketClients;
use futures_util::TryStreamExt as _;
use serde_json::{Value as Json, json};

/// An example, and the time that it lives in.
struct Example {
    app: AppService,
    store: Store,
    clock: VirtualClock,
}

impl Example {
    fn new<S: Send + Sync + 'static>(app: impl FnOnce(&Store) -> App<S>) -> Self {
        let clock = VirtualClock::new(Timestamp::from_unix_seconds(1_767_225_600));
        let store = Store::builder().clock(clock.clone()).memory();
        let app = app(&store).clock(clock.clone()).build().unwrap();
        Self { app, store, clock }
    }

    fn send(&self, request: RawRequest<'_>) -> Response {
        let peer = Some(SocketAddr::from((Ipv4Addr::LOCALHOST, 50_000)));
        self.clock.run(self.app.serve(request, Invocation { peer, ..Invocation::default() }))
    }

    fn get(&self, path: &str) -> (u16, String) {
        read(self.send(RawRequest::new("GET", path)))
    }

    fn post(&self, path: &str, body: &Json, fields: &[(&str, &str)]) -> (u16, String) {
        let mut request = RawRequest::new("POST", path);
        request.headers.append("content-type", "application/json");
        for (name, value) in fields {
            request.headers.append(*name, *value);
        }
        request.body = body.to_string().into_bytes().into();
        read(self.send(request))
    }

    fn invoke(&self, event: &Json) -> String {
        let event = event.to_string();
        self.clock.run(self.app.invoke(&event, Invocation::default())).unwrap()
    }
}

fn read(response: Response) -> (u16, String) {
    (response.status, String::from_utf8(response.body).unwrap())
}

#[test]
fn orders_are_made_shown_and_refused() {
    let shop = Example::new(orders::app);
    assert_eq!(shop.get("/"), (200, "the corner shop".to_owned()));
    let order = json!({"items": ["tea"]});
    let (status, id) = shop.post("/orders", &order, &[]);
    assert_eq!(status, 201);
    let id: String = serde_json::from_str(&id).unwrap();
    assert_eq!(shop.get(&format!("/orders/{id}")), (200, order.to_string()));
    let (status, why) = shop.post("/orders", &json!({"items": []}), &[]);
    assert!(status == 422 && why.contains(r#""field":"items""#), "{status} {why}");
    let (status, why) = shop.post("/orders", &json!({"items": "tea"}), &[]);
    assert!(status == 422 && why.contains("items"), "{status} {why}");
    assert_eq!(shop.get("/orders/none").0, 404);
}

#[test]
fn bookings_keep_their_rules() {
    let hotel = Example::new(validation::app);
    let room = |nights: u8, beds: u8| json!({"nights": nights, "beds": beds});
    let booking =
        |rooms: Json| json!({"guestName": "Ann", "email": "ann@example.com", "rooms": rooms});
    assert_eq!(hotel.post("/bookings", &booking(json!([room(30, 4)])), &[]).0, 204);

    let broken = |answer: (u16, String)| {
        assert_eq!(answer.0, 422, "{}", answer.1);
        let error: Json = serde_json::from_str(&answer.1).unwrap();
        let errors = error["error"]["details"]["errors"].as_array().unwrap();
        let told = errors.iter().map(|told| told["message"].as_str().unwrap().to_owned());
        told.collect::<Vec<_>>()
    };
    let wrong = json!({"guestName": "", "email": "ann", "rooms": [room(1, 2), room(31, 3)]});
    let expected = [
        "email must be an email address",
        "guestName length must be >= 1",
        "beds come in pairs",
        "rooms[1].nights must be <= 30",
    ];
    assert_eq!(broken(hotel.post("/bookings", &wrong, &[])), expected);
    let large = booking(json!([room(1, 2), room(1, 6)]));
    assert_eq!(broken(hotel.post("/bookings", &large, &[])), ["rooms[1].beds must be <= 4"]);
    assert_eq!(hotel.get("/bookings"), (200, "at most 10 bookings".to_owned()));
    let expected = ["page-size must be <= 100"];
    assert_eq!(broken(hotel.get("/bookings?page-size=101")), expected);

    let bodies = [booking(json!([room(1, 2)])), wrong, large];
    let message = |(at, body): (usize, &Json)| {
        json!({"messageId": at.to_string(), "body": body.to_string(), "eventSource": "aws:sqs",
            "eventSourceARN": "arn:aws:sqs:r:1:bookings"})
    };
    let messages: Vec<_> = bodies.iter().enumerate().map(message).collect();
    let failed = r#"{"batchItemFailures":[{"itemIdentifier":"1"},{"itemIdentifier":"2"}]}"#;
    assert_eq!(hotel.invoke(&json!({ "Records": messages })), failed);
}

#[test]
fn routers_have_prefixes_layers_and_callers() {
    let shop = Example::new(routers::app);
    assert_eq!(shop.get("/orders/7"), (200, "order 7".to_owned()));
    let fields = [("idempotency-key", "k1"), ("authorization", "Bearer of-bob")];
    assert_eq!(shop.post("/orders", &json!({}), &fields), (201, "ordered".to_owned()));
    assert_eq!(shop.get("/nowhere"), (404, "nothing is at /nowhere".to_owned()));
    for (token, status) in [("", 401), ("Bearer of-bob", 403), ("Bearer of-ann", 204)] {
        let mut request = RawRequest::new("DELETE", "/orders");
        request.headers.append("authorization", token);
        assert_eq!(shop.send(request).status, status, "{token}");
    }
}

#[test]
fn a_limit_of_one_route_is_beside_that_of_all() {
    let app = Example::new(limit::app);
    let logins: Vec<u16> = (0..6).map(|_| app.get("/login").0).collect();
    assert_eq!(logins, [200, 200, 200, 200, 200, 429]);
    let others = (0..30).filter(|_| app.get("/").0 == 200).count();
    assert_eq!(others, 20); // a caller is counted for each route
}

#[test]
fn bodies_are_streamed() {
    let app = Example::new(|_| streaming::app());
    for (path, expected) in [
        ("/ticks", "data: 1\n\ndata: 2\n\ndata: 3\n\n"),
        ("/page", "<!doctype html><h1>Orders</h1><p>tea"),
    ] {
        let response = app.send(RawRequest::new("GET", path));
        let chunks: Vec<_> = app.clock.run(response.stream.unwrap().try_collect()).unwrap();
        let body: Vec<u8> = chunks.concat();
        assert_eq!(String::from_utf8(body).unwrap(), expected);
    }
}

#[test]
fn what_is_published_is_read_newest_first() {
    let app = Example::new(bus::app);
    for items in [json!(["tea"]), json!(["milk"])] {
        assert_eq!(app.post("/orders", &json!({"items": items}), &[]).0, 202);
    }
    let newest = app.get("/orders");
    assert_eq!(newest, (200, r#"[{"items":["milk"]},{"items":["tea"]}]"#.to_owned()));
}

#[test]
fn records_are_handled_once_and_fail_alone() {
    let app = Example::new(records::app);
    let record = |id: &str, body: &str| {
        json!({"eventSource": "aws:sqs", "messageId": id, "body": body,
            "eventSourceARN": "arn:aws:sqs:r:1:orders"})
    };
    let batch =
        json!({"Records": [record("1", r#"{"id": 7, "items": ["tea"]}"#), record("2", "?")]});
    for _ in 0..2 {
        assert_eq!(app.invoke(&batch), r#"{"batchItemFailures":[{"itemIdentifier":"2"}]}"#);
    }
    app.invoke(&json!({"source": "shop", "detail-type": "order.created", "id": "e1",
        "detail": {"id": 8, "items": []}}));
    app.invoke(
        &json!({"Records": [{"eventSource": "aws:dynamodb", "eventID": "1", "eventName": "REMOVE",
        "eventSourceARN": "arn:aws:dynamodb:r:1:table/orders-table/stream/s",
        "dynamodb": {"SequenceNumber": "1", "OldImage": {"id": {"N": "7"}, "items": {"L": []}}}}]}),
    );
    let bus = EventBus::on(&app.store);
    let events: Vec<_> = app.clock.run(bus.query("shop").events().try_collect()).unwrap();
    let types: Vec<&str> = events.iter().map(|event| &*event.event_type).collect();
    assert_eq!(types, ["order.deleted", "order.seen", "order.shipped"]);
}

#[test]
fn any_event_has_a_handler() {
    let app = Example::new(records::app);
    assert_eq!(app.invoke(&json!({"numbers": [3, 4]})), "7");
    let event = json!({"to": "nobody"}).to_string();
    let error = app.clock.run(app.app.invoke(&event, Invocation::default())).unwrap_err();
    assert!(error.to_string().contains("not one of ours"), "{error}");
}

#[test]
fn what_is_said_reaches_everybody_in_the_room() {
    let clients = FakeWebSocketClients::new();
    let fake = clients.clone();
    let app = Example::new(|store| chat::app(store).websocket_clients(fake));
    let send = |id: &str, route: &str, body: &str| {
        let event = json!({"body": body, "requestContext": {"routeKey": route, "connectionId": id,
            "eventType": "MESSAGE", "apiId": "a1", "domainName": "a1.execute-api.eu-west-1.amazonaws.com",
            "stage": "prod"}});
        app.invoke(&event)
    };
    let said = r#"{"name":"ann","text":"hello"}"#;
    for (id, route, body) in
        [("c1", "$connect", ""), ("c2", "$connect", ""), ("c1", "$default", said)]
    {
        let answer: Json = serde_json::from_str(&send(id, route, body)).unwrap();
        assert!(answer["statusCode"].as_u64().unwrap() < 300, "{route}: {answer}");
    }
    let heard: Vec<_> = clients.calls().into_iter().map(|call| call.data).collect();
    assert_eq!(heard, [said.as_bytes(), said.as_bytes()]);
}

#[test]
fn one_application_runs_on_any_store() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("shop.db");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    for (name, visits) in [("memory", 1), (file.to_str().unwrap(), 1), (file.to_str().unwrap(), 2)]
    {
        let store = runtime.block_on(stores::store(name)).unwrap();
        let app = Example::new(|_| stores::app(&store));
        assert_eq!(app.get("/"), (200, format!("{visits} visits")));
    }
}
