//! Allocations of a request, counted for each thread by its global allocator.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::thread;

use allocation_counter::measure;
use apptheory::app::{Answer, App, Context, Invocation, Json, Next, Path};
use apptheory::events::HttpSource;
use apptheory::http::UriPath;
use apptheory::http::exchange::Pipeline;
use apptheory::http::router::{Lookup, RouteTable};
use apptheory::local::Server;
use futures_util::FutureExt as _;
use serde_json::{Value, json};
use tokio::runtime::Builder;
use tokio::sync::oneshot;

#[test]
fn a_look_up_allocates_nothing() {
    let mut router = RouteTable::new();
    for pattern in ["/orders/open", "/orders/{id}", "/orders/{id}/lines/{line}", "/files/{path+}"] {
        router.insert("GET", pattern, pattern).unwrap();
    }
    for (path, expected) in [
        ("/orders/open", "/orders/open"),
        ("/orders/7", "/orders/{id}"),
        ("/orders/open/lines/3", "/orders/{id}/lines/{line}"),
        ("/files/a/b/c", "/files/{path+}"),
    ] {
        let (path, mut found) = (UriPath::from_encoded(path), None);
        let counted = measure(|| {
            if let Lookup::Found(route) = router.look_up("GET", &path) {
                assert!(route.param("none").is_none());
                found = Some(*route.handler());
            }
        });
        assert_eq!((found, counted.count_total), (Some(expected), 0), "{path}");
    }
    let path = UriPath::from_encoded("/x");
    let counted = measure(|| assert!(matches!(router.look_up("GET", &path), Lookup::NotFound)));
    assert_eq!(counted.count_total, 0);
}

/// Returns an event with ten headers, two cookies, three query parameters and a body.
fn event() -> String {
    let mut fields: serde_json::Map<String, Value> =
        (0..9).map(|n| (format!("x-field-{n}"), json!(format!("value {n}")))).collect();
    fields.insert("content-type".into(), json!("application/json"));
    let event = json!({
        "rawPath": "/users/42/orders",
        "rawQueryString": "limit=10&tag=a&tag=b",
        "cookies": ["session=1d3a2b", "theme=dark"],
        "headers": fields,
        "routeKey": "$default",
        "requestContext": {
            "http": {"method": "POST", "sourceIp": "203.0.113.7"},
            "requestId": "JKJaXmPLvHcESHA=",
            "stage": "$default",
        },
        "body": "{\"item\":\"tea\",\"amount\":3}",
    });
    event.to_string()
}

/// A header, cookie or parameter allocates nothing: each map of them has one text and one list. The
/// rest is parsed before their number is known, or is a text of the request.
#[test]
fn decoding_an_event() {
    let event = event();
    let mut request = None;
    let counted = measure(|| {
        let raw = HttpSource::ApiGatewayV2.read_request(&event);
        request = Some(raw.unwrap().normalize(None));
    });
    assert!(request.unwrap().is_ok());
    assert!(counted.count_total <= 16, "{counted:?}");
}

#[test]
fn a_whole_exchange() {
    async fn around(context: Context, next: Next) -> Answer {
        Ok(next.run(context).await.with_header("x-layer", "1"))
    }
    let create = async |Path(id): Path<u32>, Json(order): Json<Value>| {
        Json(json!({"user": id, "item": order["item"]}))
    };
    // The future that serves is in a box: to move it took more instructions than to allocate it.
    for (layers, most) in [(0, 40), (5, 45)] {
        let app =
            (0..layers).fold(App::new().pipeline(Pipeline::Observed), |app, _| app.layer(around));
        let app = app.post("/users/{id}/orders", create).build().unwrap();
        let event = event();
        let mut answer = None;
        let counted = measure(|| answer = app.invoke(&event, Invocation::default()).now_or_never());
        let answer = answer.unwrap().unwrap();
        assert!(answer.starts_with(r#"{"statusCode":200"#), "{answer}");
        assert!(counted.count_total <= most, "{layers}: {counted:?}");
    }
}

/// Sends requests over one connection, each when the response to the previous one is complete.
fn ask(address: SocketAddr, requests: u64) {
    let mut stream = TcpStream::connect(address).unwrap();
    for _ in 0..requests {
        stream.write_all(b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n").unwrap();
        let (mut answer, mut part) = (Vec::<u8>::new(), [0; 1024]);
        while !answer.ends_with(b"\r\n\r\nhello") {
            let len = stream.read(&mut part).unwrap();
            assert!(len > 0, "closed");
            answer.extend_from_slice(&part[..len]);
        }
    }
}

/// Returns how often the thread of a local server allocates for a number of requests. The client
/// has a thread of its own.
fn allocations_of_local_requests(requests: u64) -> u64 {
    let app = App::new().get("/", async || "hello").build().unwrap();
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let server = runtime.block_on(Server::bind(app, 0)).unwrap();
    let address = server.address();
    let (tell_end, end) = oneshot::channel::<()>();
    let client = thread::spawn(move || {
        ask(address, requests);
        drop(tell_end);
    });
    let counted = measure(|| runtime.block_on(server.serve(async { drop(end.await) })));
    client.join().unwrap();
    counted.count_total
}

/// A response that is complete is sent without a task or a channel of its own. A head with one
/// field is read into hyper's buffer, which is used again.
#[test]
fn a_request_to_the_local_server() {
    let few = allocations_of_local_requests(10);
    let each = (allocations_of_local_requests(110) - few).div_ceil(100);
    assert!(each <= 26, "{each}");
}
