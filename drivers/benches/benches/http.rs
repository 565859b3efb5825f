//! What a request costs in time, peers side by side.
//!
//! * `look-up`: finding the route of a path among 10, 130 and 10,000, beside `matchit`.
//! * `decode`: an event of API Gateway's HTTP API (1.1 KB) to a request, beside `lambda_http`.
//! * `exchange`: the same event to the JSON of its answer, through five middlewares and a route with
//!   a parameter, beside `lambda_http` with axum.
//!
//! Run with `cargo bench -p apptheory-bench --bench http`. Compare ratios within a run.

#![expect(clippy::expect_used, reason = "a benchmark that cannot be set up has to stop")]

use core::hint::black_box;
use core::time::Duration;

use apptheory::app::{Answer, App, AppService, Context, Invocation, Json, Next, Path};
use apptheory_core::events::HttpSource;
use apptheory_core::http::exchange::Pipeline;
use apptheory_core::http::router::{Lookup, RouteTable};
use apptheory_core::http::{RawRequest, UriPath};
use axum::http::HeaderValue;
use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use futures_util::FutureExt as _;
use lambda_http::request::LambdaRequest;
use lambda_http::tower::Service as _;
use lambda_http::{Adapter, LambdaEvent};
use serde_json::{Value, json};

fn look_up(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("look-up");
    for routes in [10, 130, 10_000] {
        // A quarter each: static, one parameter, two parameters, a parameter in the middle.
        let patterns: Vec<String> = (0..routes)
            .map(|n| match n % 4 {
                0 => format!("/static/part{n}/leaf"),
                1 => format!("/one{n}/{{id}}"),
                2 => format!("/two{n}/{{a}}/{{b}}"),
                _ => format!("/mid{n}/{{id}}/items"),
            })
            .collect();
        let paths = ["/static/part4/leaf", "/one5/42", "/two6/42/43", "/mid7/42/items"];

        let normal = paths.map(UriPath::from_encoded);

        let mut ours = RouteTable::new();
        let mut peer = matchit::Router::new();
        for (n, pattern) in patterns.iter().enumerate() {
            ours.insert("GET", pattern, n).expect("a route");
            peer.insert(pattern.as_str(), n).expect("a route");
        }
        group.bench_function(BenchmarkId::new("apptheory", routes), |bencher| {
            bencher.iter(|| {
                for path in &normal {
                    let Lookup::Found(found) = ours.look_up("GET", black_box(path)) else {
                        unreachable!("every path has a route");
                    };
                    black_box((found.handler(), found.param("id")));
                }
            });
        });
        group.bench_function(BenchmarkId::new("matchit", routes), |bencher| {
            bencher.iter(|| {
                for path in paths {
                    let found = peer.at(black_box(path)).expect("every path has a route");
                    black_box((found.value, found.params.get("id")));
                }
            });
        });
    }
    group.finish();
}

/// An event as API Gateway sends it, 1.1 KB.
fn event() -> String {
    let event = json!({
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": "/users/42/orders",
        "rawQueryString": "limit=10&tag=a&tag=b",
        "cookies": ["session=1d3a2b", "theme=dark"],
        "headers": {
            "accept": "application/json",
            "accept-encoding": "gzip, deflate, br",
            "content-length": "36",
            "content-type": "application/json",
            "host": "a1b2c3d4e5.execute-api.eu-central-1.amazonaws.com",
            "user-agent": "curl/8.5.0",
            "x-amzn-trace-id": "Root=1-67891233-abcdef012345678912345678",
            "x-forwarded-for": "203.0.113.7",
            "x-forwarded-port": "443",
            "x-forwarded-proto": "https"
        },
        "queryStringParameters": {"limit": "10", "tag": "a,b"},
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "a1b2c3d4e5",
            "domainName": "a1b2c3d4e5.execute-api.eu-central-1.amazonaws.com",
            "domainPrefix": "a1b2c3d4e5",
            "http": {
                "method": "POST",
                "path": "/users/42/orders",
                "protocol": "HTTP/1.1",
                "sourceIp": "203.0.113.7",
                "userAgent": "curl/8.5.0"
            },
            "requestId": "JKJaXmPLvHcESHA=",
            "routeKey": "$default",
            "stage": "$default",
            "time": "24/Nov/2026:18:30:25 +0000",
            "timeEpoch": 1_795_545_025_000_u64
        },
        "body": "{\"item\":\"tea\",\"amount\":3,\"gift\":false}",
        "isBase64Encoded": false
    });
    event.to_string()
}

fn decode(criterion: &mut Criterion) {
    let event = event();
    let mut group = criterion.benchmark_group("decode");
    group.bench_function("apptheory", |bencher| {
        bencher.iter(|| {
            let request = HttpSource::ApiGatewayV2.read_request(black_box(&event));
            black_box(request.map(|raw: RawRequest<'_>| raw.normalize(None)))
        });
    });
    group.bench_function("lambda_http", |bencher| {
        bencher.iter(|| {
            let request: LambdaRequest = serde_json::from_str(black_box(&event)).expect("an event");
            black_box(lambda_http::Request::from(request))
        });
    });
    group.finish();
}

async fn ours_around(context: Context, next: Next) -> Answer {
    Ok(next.run(context).await.with_header("x-layer", "1"))
}

async fn peers_around(
    request: axum::extract::Request,
    next: axum::middleware::Next,
) -> axum::response::Response {
    let mut response = next.run(request).await;
    response.headers_mut().insert("x-layer", HeaderValue::from_static("1"));
    response
}

fn answer(id: u32, order: &Value) -> Value {
    json!({"user": id, "item": order["item"], "amount": order["amount"]})
}

fn app(pipeline: Pipeline) -> AppService {
    let app = (0..5).fold(App::new().pipeline(pipeline), |app, _| app.layer(ours_around));
    let create = async |Path(id): Path<u32>, Json(order): Json<Value>| Json(answer(id, &order));
    app.post("/users/{id}/orders", create).build().expect("an app")
}

fn invoke(app: &AppService, event: &str) -> String {
    let invoked = app.invoke(black_box(event), Invocation::default());
    invoked.now_or_never().expect("nothing to wait for").expect("an answer")
}

fn router() -> axum::Router {
    use axum::extract::Path;
    let create = async |Path(id): Path<u32>, axum::Json(order): axum::Json<Value>| {
        axum::Json(answer(id, &order))
    };
    let router = axum::Router::new().route("/users/{id}/orders", axum::routing::post(create));
    (0..5).fold(router, |router, _| router.layer(axum::middleware::from_fn(peers_around)))
}

fn invoke_peer(adapter: &mut Peer, event: &str) -> String {
    let request: LambdaRequest = serde_json::from_str(black_box(event)).expect("an event");
    let called = adapter.call(LambdaEvent::new(request, lambda_http::Context::default()));
    let response = called.now_or_never().expect("nothing to wait for").expect("an answer");
    serde_json::to_string(&response).expect("JSON")
}

type Peer = Adapter<'static, axum::response::Response, axum::Router>;

fn exchange(criterion: &mut Criterion) {
    let event = event();
    let (routes_only, whole) = (app(Pipeline::Bare), app(Pipeline::Observed));
    let mut peer = Adapter::from(router());

    // Peers are worth comparing when they answer alike.
    let body = |answer: String| {
        let answer: Value = serde_json::from_str(&answer).expect("JSON");
        (answer["statusCode"].clone(), answer["body"].clone())
    };
    let (ours, peers) = (body(invoke(&whole, &event)), body(invoke_peer(&mut peer, &event)));
    assert_eq!(ours.0, peers.0);
    let text = |body: &Value| body.as_str().and_then(|body| serde_json::from_str(body).ok());
    assert_eq!(text(&ours.1), text(&peers.1) as Option<Value>);

    let mut group = criterion.benchmark_group("exchange");
    group.bench_function("apptheory", |bencher| bencher.iter(|| invoke(&whole, &event)));
    group.bench_function("apptheory, routes only", |bencher| {
        bencher.iter(|| invoke(&routes_only, &event));
    });
    group.bench_function("lambda_http and axum", |bencher| {
        bencher.iter(|| invoke_peer(&mut peer, &event));
    });
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2));
    targets = look_up, decode, exchange
}
criterion_main!(benches);
