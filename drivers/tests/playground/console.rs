//! The console: what its page is made of, what it asks, and faults.

use apptheory::app::{AppService, Response};
use apptheory::clock::{Clock as _, VirtualClock};
use apptheory_core::http::RawRequest;
use futures_util::StreamExt as _;
use serde_json::json;

use crate::serving::in_time;
use crate::{app, body, clock, get, new_app, read_json, send};

const HTML: &str = include_str!("../../examples/playground/app/console.html");

async fn put(app: &AppService, path: &str) -> Response {
    send(app, RawRequest::new("PUT", path)).await
}

/// What the file has behind each place where `before` stands, up to a quotation mark.
fn quoted<'a>(before: &str, file: &'a str) -> Vec<&'a str> {
    let rest = file.split(before).skip(1);
    rest.map(|rest| rest.split('"').next().unwrap_or_default()).collect()
}

#[tokio::test]
async fn browsers_get_the_page_and_everything_that_it_is_made_of() {
    let (app, _dir) = new_app();
    let mut request = RawRequest::new("GET", "/");
    request.headers.set("accept", ["text/html,application/xhtml+xml,*/*;q=0.8"]);
    let page = send(&app, request).await;
    assert_eq!(page.headers.first("content-type"), "text/html; charset=utf-8");
    assert!(page.headers.first("content-security-policy").starts_with("default-src 'self';"));
    assert_eq!(body(page), HTML);
    for (path, media_type) in [("/console.css", "text/css"), ("/console.js", "text/javascript")] {
        let part = get(&app, path).await;
        assert_eq!(part.headers.first("content-type"), format!("{media_type}; charset=utf-8"));
        assert!(HTML.contains(path) && body(part).len() > 1_000);
    }
    assert!(body(get(&app, "/").await).starts_with("Limited per client:\n"));
}

#[tokio::test]
async fn every_panel_shows_the_lines_that_run() {
    let (app, _dir) = new_app();
    let panels = quoted("data-source=\"", HTML);
    assert_eq!(panels, ["limits", "faults", "events", "feed", "page", "chat", "store"]);
    for panel in panels {
        let source = body(get(&app, &format!("/source/{panel}")).await);
        let lines = source.lines().count();
        assert!((9..=24).contains(&lines), "{panel} has {lines} lines");
        assert!(!source.contains("// console:") && !source.starts_with(' '), "{source}");
        assert_eq!(source.matches('{').count(), source.matches('}').count(), "{source}");
    }
    assert_eq!(get(&app, "/source/nothing").await.status, 404);
}

#[tokio::test]
async fn gauges_say_what_is_used_of_every_limit() {
    let (app, _dir) = new_app();
    for path in ["/fixed", "/sliding", "/sliding", "/multi", "/bucket"] {
        assert_eq!(get(&app, path).await.status, 200);
    }
    let before = read_json(get(&app, "/effects").await);
    let gauges = read_json(get(&app, "/gauges").await);
    let windows = |name: &str| {
        let all = gauges.as_array().expect("a list");
        let gauge = all.iter().find(|gauge| gauge["name"] == name).expect("a gauge");
        assert!(gauge["about"].as_str().is_some_and(|about| !about.is_empty()));
        gauge["windows"].clone()
    };
    assert_eq!(windows("fixed"), json!([{"limit": 5, "used": 1}]));
    assert_eq!(windows("sliding"), json!([{"limit": 5, "used": 2}]));
    assert_eq!(windows("multi"), json!([{"limit": 3, "used": 1}, {"limit": 10, "used": 1}]));
    assert_eq!(windows("packed"), json!([{"limit": 3, "used": 0}, {"limit": 10, "used": 0}]));
    assert_eq!(windows("bucket"), json!([{"limit": 5, "used": 1}]));
    assert_eq!(read_json(get(&app, "/effects").await), before, "gauges are not in the journal");
}

#[tokio::test]
async fn calls_are_listed_with_their_cost() {
    let (app, _dir) = new_app();
    get(&app, "/fixed").await;
    get(&app, "/multi").await;
    let calls = read_json(get(&app, "/effects").await);
    let call = |number: u64, operation: &str, units: u64| {
        json!({
            "number": number, "operation": operation, "table": "rate-limits",
            "outcome": "applied", "millis": 0, "write_units": units, "read_units": 0,
        })
    };
    // Two items in a transaction, each twice.
    assert_eq!(calls, json!([call(1, "UpdateItem", 1), call(2, "TransactWriteItems", 4)]));

    let mut request = RawRequest::new("GET", "/effects");
    request.headers.set("accept", ["text/event-stream"]);
    request.headers.set("last-event-id", ["1"]);
    assert!(first_message(&app, request.clone()).await.starts_with("id: 2\n"));
    // A reader of a playground before this one begins again.
    request.headers.set("last-event-id", ["3"]);
    assert!(first_message(&app, request).await.starts_with("id: 1\n"));
}

/// The first server-sent event of an answer.
async fn first_message(app: &AppService, request: RawRequest<'static>) -> String {
    let (_, stream) = send(app, request).await.split_stream();
    let mut stream = stream.expect("a stream");
    let mut text = String::new();
    while !text.contains("\n\n") {
        let chunk = stream.next().await.expect("a chunk").expect("a chunk");
        text.push_str(core::str::from_utf8(&chunk).expect("text"));
    }
    text
}

#[tokio::test]
async fn tables_are_shown_with_their_items() {
    let (app, _dir) = new_app();
    assert_eq!(read_json(get(&app, "/tables").await), json!([]));
    get(&app, "/fixed").await;
    let tables = read_json(get(&app, "/tables").await);
    let table = |name: &str| {
        let all = tables.as_array().expect("a list");
        all.iter().find(|table| table["name"] == name).expect("a table").clone()
    };
    let limits = table("rate-limits");
    assert_eq!((&limits["count"], &limits["has_more"]), (&json!(1), &json!(false)));
    assert_eq!(limits["items"][0]["Count"], json!({"N": "1"}));
    assert_eq!(table("apptheory-events")["count"], 0);
}

#[tokio::test]
async fn tables_over_a_megabyte_are_counted_in_part_and_marked() {
    let (app, _dir) = new_app();
    let event = json!({"tenant_id": "t1", "event_type": "e", "payload": "x".repeat(300_000)});
    for _ in 0..5 {
        let mut publish = RawRequest::new("POST", "/events");
        publish.body = event.to_string().into_bytes().into();
        assert_eq!(send(&app, publish).await.status, 201);
    }
    let tables = read_json(get(&app, "/tables").await);
    let mut tables = tables.as_array().expect("a list").iter();
    let events = tables.find(|table| table["name"] == "apptheory-events").expect("a table");
    assert_eq!((&events["count"], &events["has_more"]), (&json!(3), &json!(true)));
}

#[tokio::test]
async fn a_store_that_fails_is_refused_by_closed_limits_and_waved_through_by_open_ones() {
    let (app, _dir) = new_app();
    for (fault, outcome) in [("down", "failed: unavailable"), ("throttled", "failed: throttled")] {
        assert_eq!(read_json(put(&app, &format!("/fault/{fault}")).await), json!({"fault": fault}));
        assert_eq!(read_json(get(&app, "/fault").await), json!({"fault": fault}));
        let closed = get(&app, "/fixed").await;
        assert_eq!((closed.status, closed.headers.first("retry-after")), (503, "1"));
        assert_eq!(closed.headers.first("x-rate-limit-fail-closed"), "true");
        assert_eq!(read_json(closed)["error"]["code"], "app.overloaded");
        let open = get(&app, "/open").await;
        assert_eq!((open.status, open.headers.first("x-rate-limit-fail-open")), (200, "true"));
        let calls = read_json(get(&app, "/effects").await);
        assert_eq!(
            calls.as_array().and_then(|calls| calls.last()).expect("a call")["outcome"],
            outcome
        );
    }
    // What was carried out counts, whatever became of the reply.
    put(&app, "/fault/lost_replies").await;
    assert_eq!(get(&app, "/fixed").await.status, 503);
    put(&app, "/fault/none").await;
    assert_eq!(read_json(get(&app, "/fixed").await)["count"], 2);

    let unknown = put(&app, "/fault/hiccups").await;
    assert_eq!(unknown.status, 400);
    assert_eq!(read_json(unknown)["error"]["details"]["field"], "fault");
}

#[tokio::test]
async fn a_slow_store_is_given_up() {
    let dir = tempfile::tempdir().expect("a directory");
    let clock = VirtualClock::new(clock().now());
    let app = app::app(&dir.path().join("playground.db"), clock.clone()).expect("an app");
    put(&app, "/fault/slow").await;
    let answer = in_time(&clock, get(&app, "/fixed")).await;
    assert_eq!(answer.status, 503);
    let calls = read_json(get(&app, "/effects").await);
    // After the 250 ms of a decision; here time passes by steps of 100 ms.
    assert_eq!((&calls[0]["outcome"], &calls[0]["millis"]), (&json!("given up"), &json!(300)));
}
