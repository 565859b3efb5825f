//! The hot paths.

use core::hint::black_box;

use apptheory::app::events::{BoxError, SqsMessage};
use apptheory::app::{Answer, App, AppService, Context, Json, Next, Path};
use apptheory_core::http::UriPath;
use apptheory_core::http::router::{Lookup, RouteTable};
use apptheory_core::limiter::{Attempt, Basis, FixedWindow, Limiter, RateLimitKey, Recall};
use apptheory_core::machine::{Machine as _, Step};
use apptheory_core::store::memory::Memory;
use apptheory_core::store::{Item, KeyCursor, Value as Attribute};
use apptheory_core::time::Timestamp;
use apptheory_counts::samples;
use futures_util::FutureExt as _;
use serde_json::{Value, json};

/// Runs a path a number of times.
type Go = fn(u32);

pub(crate) const PATHS: [(&str, Go); 7] = [
    ("a decision of a fixed window, in memory", decision),
    ("the body of a decision's request", body),
    ("a refusal by the deny cache", refusal),
    ("an event of an HTTP API to its answer", exchange),
    ("a batch of ten from SQS", batch),
    ("a look-up among 130 routes", look_up),
    ("a cursor written and read", cursor),
];

const NOW: Timestamp = Timestamp::from_unix_seconds(1_767_225_630);

fn limiter() -> Limiter {
    Limiter::fail_closed(FixedWindow::per_minute(1_000_000)).build()
}

fn attempt() -> Attempt {
    let key = RateLimitKey::new(black_box("tenant-7"), "/orders", "POST").expect("a key");
    Attempt::new(key, NOW)
}

fn decision(times: u32) {
    let (limiter, mut recall) = (limiter(), Recall::default());
    let mut store = Memory::default();
    store.set_time(NOW);
    let mut store = store.with_table(limiter.table());
    for _ in 0..times {
        let machine = limiter.check_and_increment(attempt(), &recall);
        let decided = apptheory_core::run::run(machine, &mut store);
        recall.learn(decided.learned);
        assert!(decided.decision.expect("decided").allowed);
    }
}

/// Without the key and the machine that asks for it, which "a decision" contains.
fn body(times: u32) {
    let machine = limiter().check_and_increment(attempt(), &Recall::default());
    let Step::Ask(ask) = machine.start() else {
        unreachable!("a fixed window begins with its update")
    };
    for _ in 0..times {
        assert!(black_box(&ask).body().len() > 100);
    }
}

/// With its key at hand.
fn refusal(times: u32) {
    let limiter = Limiter::fail_closed(FixedWindow::per_minute(1)).deny_cache().build();
    let mut recall = Recall::default();
    let mut store = Memory::default();
    store.set_time(NOW);
    let mut store = store.with_table(limiter.table());
    let attempt = attempt();
    let mut decide = |recall: &Recall| {
        apptheory_core::run::run(limiter.check_and_increment(attempt.clone(), recall), &mut store)
    };
    // The first one is admitted, and the store refuses the second one.
    for _ in 0..2 {
        recall.learn(decide(&recall).learned);
    }
    for _ in 0..times {
        assert_eq!(decide(&recall).decision.expect("decided").basis, Basis::LocalDeny);
    }
}

fn invoke(app: &AppService, event: &str) -> String {
    let invoked = app.invoke(black_box(event), samples::invocation());
    invoked.now_or_never().expect("nothing to wait for").expect("an answer")
}

/// Through five layers of middleware.
fn exchange(times: u32) {
    async fn around(context: Context, next: Next) -> Answer {
        Ok(next.run(context).await.with_header("x-layer", "1"))
    }
    let create = async |Path(id): Path<u32>, Json(order): Json<Value>| {
        Json(json!({"user": id, "item": order["item"], "amount": order["amount"]}))
    };
    let app = (0..5).fold(App::new(), |app, _| app.layer(around));
    let app = app.post("/users/{id}/orders", create).build().expect("an app");
    let event = samples::event();
    for _ in 0..times {
        assert!(invoke(&app, &event).starts_with(r#"{"statusCode":200"#));
    }
}

fn batch(times: u32) {
    let handle = async |message: std::sync::Arc<SqsMessage>| -> Result<(), BoxError> {
        assert!(black_box(&message.body).ends_with(r#""ship"}"#));
        Ok(())
    };
    let app = App::new().sqs("orders", handle).build().expect("an app");
    let event = samples::batch(10, samples::sqs_record);
    for _ in 0..times {
        assert_eq!(invoke(&app, &event), r#"{"batchItemFailures":[]}"#);
    }
}

/// Each route in turn.
fn look_up(times: u32) {
    let path = |n: u32, value: &str| match n % 4 {
        0 => format!("/static/part{n}/leaf"),
        1 => format!("/one{n}/{value}"),
        2 => format!("/two{n}/{value}/items/{value}"),
        _ => format!("/mid{n}/{value}/items"),
    };
    let mut routes = RouteTable::new();
    for n in 0..130 {
        let pattern = path(n, "{id}").replacen("items/{id}", "items/{item}", 1);
        routes.insert("GET", &pattern, n).expect("a route");
    }
    let paths: Vec<UriPath> = (0..130).map(|n| UriPath::from_encoded(&path(n, "42"))).collect();
    for path in paths.iter().cycle().take(times as usize) {
        let Lookup::Found(found) = routes.look_up("GET", black_box(path)) else {
            unreachable!("every path has a route")
        };
        black_box((found.handler(), found.param("id").map(str::len)));
    }
}

fn cursor(times: u32) {
    let text = |text: &str| Attribute::from(text);
    let cursor = KeyCursor {
        last_key: Item::new()
            .with("PartitionKey", text("tenant-7#order.created"))
            .with("SortKey", text("1767225600000000000#01KDVDNA000000000000000001"))
            .with("TenantID", text("tenant-7"))
            .with("PublishedAt", text("2026-01-01T00:00:00.000000000Z")),
        index: Some("tenant-timestamp-index".into()),
        sort: Some("DESC".into()),
    };
    for _ in 0..times {
        let encoded = black_box(&cursor).encode();
        assert!(KeyCursor::decode(&encoded).expect("a cursor").is_some());
    }
}
