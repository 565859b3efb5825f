//! Requests: from an event to its response.

use core::hint::black_box;

use apptheory::app::{Answer, App, AppService, Context, Json, Next, Path};
use apptheory_core::events::HttpSource;
use apptheory_core::http::RawRequest;
use apptheory_core::http::exchange::Pipeline;
use apptheory_counts::samples;
use aws_lambda_events::apigw::{ApiGatewayV2httpRequest, ApiGatewayV2httpResponse};
use aws_lambda_events::encodings::Body;
use axum::http::HeaderValue;
use futures_util::FutureExt as _;
use lambda_http::request::LambdaRequest;
use lambda_http::tower::Service as _;
use lambda_http::{Adapter, LambdaEvent};
use serde_json::{Value, json};

use crate::measure::{Contender, Effort};
use crate::table::{Group, Row, alone, beside};

pub(crate) const GROUP: Group = Group {
    name: "requests",
    title: "Requests",
    how: "An event of API Gateway's HTTP API with ten header fields and a JSON body, 1.1 kB of JSON. First \
          from its text to a request; then to the text of its answer, through five middlewares that add a \
          header field and a route that reads a parameter and the body as JSON and answers JSON. All \
          answers are compared before. `aws_lambda_events` is used by hand: one path, no middleware, no \
          futures. The last row is the least that any framework leaves to do.",
    run,
};

fn run(effort: Effort) -> Vec<Row> {
    let event = samples::event();
    let (ours, bare) = (app(Pipeline::Observed), app(Pipeline::Bare));
    let mut peer = Adapter::from(router());
    let answered = invoke(&ours, &event);
    assert_alike(&answered, &invoke_peer(&mut peer, &event));
    assert_alike(&answered, &answer_by_hand(&event));
    let mut rows = beside(
        effort,
        "event to request",
        Contender::new("apptheory", || {
            let request = HttpSource::ApiGatewayV2.read_request(black_box(&event));
            request.map(|raw: RawRequest<'_>| raw.normalize(None))
        }),
        [Contender::new("lambda_http", || {
            let request: LambdaRequest = serde_json::from_str(black_box(&event)).expect("an event");
            lambda_http::Request::from(request)
        })],
    );
    rows.extend(beside(
        effort,
        "event to answer, five middlewares",
        Contender::new("apptheory", || invoke(&ours, &event)),
        [
            Contender::new("lambda_http and axum", || invoke_peer(&mut peer, &event)),
            Contender::new("aws_lambda_events, no framework", || answer_by_hand(&event)),
        ],
    ));
    rows.extend(alone(
        effort,
        "the same, routes alone (`Pipeline::Bare`)",
        Contender::new("apptheory", || invoke(&bare, &event)),
    ));
    rows.extend(alone(
        effort,
        "of it, the handler's own JSON, which both read and write",
        Contender::new("serde_json", || handler_alone(ORDER)),
    ));
    rows
}

/// Checks that peers respond alike, or the comparison means nothing.
fn assert_alike(ours: &str, peers: &str) {
    let read = |answer: &str| {
        let answer: Value = serde_json::from_str(answer).expect("JSON");
        let body = answer["body"].as_str().map(serde_json::from_str::<Value>);
        (answer["statusCode"].clone(), body.expect("a body").expect("JSON"))
    };
    assert_eq!(read(ours), read(peers));
}

fn answer(id: u32, order: &Value) -> Value {
    json!({"user": id, "item": order["item"], "amount": order["amount"]})
}

/// The body of the event.
const ORDER: &str = r#"{"item":"tea","amount":3,"gift":false}"#;

/// What is left of both contenders without their frameworks.
fn handler_alone(order: &str) -> String {
    let order: Value = serde_json::from_str(black_box(order)).expect("JSON");
    serde_json::to_string(&answer(42, &order)).expect("JSON")
}

/// Answers with the types of `aws_lambda_events` alone.
fn answer_by_hand(event: &str) -> String {
    let request: ApiGatewayV2httpRequest =
        serde_json::from_str(black_box(event)).expect("an event");
    let path = request.raw_path.unwrap_or_default();
    let id = path.strip_prefix("/users/").and_then(|rest| rest.strip_suffix("/orders"));
    let id = id.and_then(|id| id.parse().ok()).expect("the path");
    let order = serde_json::from_str(&request.body.unwrap_or_default()).expect("JSON");
    let mut response = ApiGatewayV2httpResponse::default();
    response.status_code = 200;
    response.headers.insert("content-type", HeaderValue::from_static("application/json"));
    for _ in 0..5 {
        response.headers.insert("x-layer", HeaderValue::from_static("1"));
    }
    let body = serde_json::to_string(&answer(id, &order)).expect("JSON");
    response.body = Some(Body::Text(body));
    serde_json::to_string(&response).expect("JSON")
}

async fn ours_around(context: Context, next: Next) -> Answer {
    Ok(next.run(context).await.with_header("x-layer", "1"))
}

fn app(pipeline: Pipeline) -> AppService {
    let app = (0..5).fold(App::new().pipeline(pipeline), |app, _| app.layer(ours_around));
    let create = async |Path(id): Path<u32>, Json(order): Json<Value>| Json(answer(id, &order));
    app.post("/users/{id}/orders", create).build().expect("an app")
}

fn invoke(app: &AppService, event: &str) -> String {
    let invoked = app.invoke(black_box(event), samples::invocation());
    invoked.now_or_never().expect("nothing to wait for").expect("an answer")
}

async fn peers_around(
    request: axum::extract::Request,
    next: axum::middleware::Next,
) -> axum::response::Response {
    let mut response = next.run(request).await;
    response.headers_mut().insert("x-layer", HeaderValue::from_static("1"));
    response
}

fn router() -> axum::Router {
    use axum::extract::Path;
    let create = async |Path(id): Path<u32>, axum::Json(order): axum::Json<Value>| {
        axum::Json(answer(id, &order))
    };
    let router = axum::Router::new().route("/users/{id}/orders", axum::routing::post(create));
    (0..5).fold(router, |router, _| router.layer(axum::middleware::from_fn(peers_around)))
}

type Peer = Adapter<'static, axum::response::Response, axum::Router>;

fn invoke_peer(adapter: &mut Peer, event: &str) -> String {
    let request: LambdaRequest = serde_json::from_str(black_box(event)).expect("an event");
    let mut context = lambda_http::Context::default();
    context.request_id = samples::REQUEST_ID.to_owned();
    let called = adapter.call(LambdaEvent::new(request, context));
    let response = called.now_or_never().expect("nothing to wait for").expect("an answer");
    serde_json::to_string(&response).expect("JSON")
}
