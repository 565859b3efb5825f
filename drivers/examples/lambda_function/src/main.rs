//! A Lambda function that shows the kinds of responses of an application, and of its errors.
//!
//! ```text
//! cargo lambda build --profile function --arm64 -p lambda_function
//! sam deploy --guided --template drivers/examples/lambda_function/template.yaml
//! ```
//!
//! On a laptop, `cargo run -p lambda_function` serves it on a port of this machine.

use std::process::ExitCode;

use apptheory::logs;
use apptheory::metrics::{self, Metrics};
use apptheory::prelude::*;

fn main() -> ExitCode {
    apptheory::start(async || app(&store().await))
}

/// Returns a store on DynamoDB if the environment names tables, else in memory.
async fn store() -> Store {
    let store = Store::memory();
    #[cfg(feature = "aws")]
    if store.env("APPTHEORY_EVENTBUS_TABLE_NAME").is_some() {
        return Store::aws().await;
    }
    store
}

/// Builds an application that logs and measures its requests.
fn app(store: &Store) -> Result<App<EventBus>, metrics::Error> {
    let metrics = Metrics::builder("Orders").dimension("service", "orders").build()?;
    let limit = RateLimit::fixed(100, Duration::from_secs(60)).fail_open().on(store);
    let orders = Router::new().get("/orders", list).post("/orders", publish).layer(limit);
    let app = App::with_state(EventBus::on(store))
        .metrics(&metrics)
        .on_log(logs::record)
        .merge(orders)
        .get("/", async || Json(json!({"message": "hello"})))
        .get("/page", page)
        .get("/events", events)
        .get("/login", async || {
            let session = "session=s1; Path=/; Secure; HttpOnly; SameSite=Lax";
            Response::text(200, "welcome").with_cookie(session).with_cookie("theme=dark; Path=/")
        })
        .get("/moved", async || Response::new(302).with_header("location", "/page"))
        .get("/refused", async || {
            Response::html_stream(200, BodyStream::failing(AppError::conflict("nothing was sent")))
        })
        .get("/broken", broken)
        .get("/panic", panics);
    Ok(app)
}

/// The only tenant. A real application authenticates its tenants.
const TENANT: &str = "corner-shop";

async fn publish(
    State(bus): State<EventBus>,
    Json(order): Json<std::collections::BTreeMap<String, String>>,
) -> Result<(StatusCode, Json<String>), AppError> {
    let event = Event::new(TENANT, "order.created").payload(&order);
    Ok((StatusCode::CREATED, Json(bus.publish(event).await?.event.id)))
}

async fn list(State(bus): State<EventBus>) -> Result<Json<Vec<String>>, AppError> {
    let page = bus.query(TENANT).limit(10).page().await?;
    Ok(Json(page.events.into_iter().map(|event| event.id).collect()))
}

/// Streams HTML in three pieces: each one is sent before the next one is made.
async fn page(context: Context) -> Response {
    let pieces = ["<!doctype html><h1>Orders</h1>", "<p>tea</p>", "<p>coffee</p>"];
    Response::html_stream(200, BodyStream::new(slowly(context, pieces)))
}

/// Sends server-sent events.
async fn events(context: Context, sse: Sse) -> Response {
    let events = [1, 2, 3].map(|id| SseEvent::new(format!("order {id}")).with_id(id.to_string()));
    sse.send(slowly(context, events))
}

/// Streams a body that fails half-way: the status has been sent, so the error follows in trailers.
async fn broken() -> Response {
    let pieces = [Ok("<p>one</p>"), Ok("<p>two</p>"), Err(AppError::conflict("and no more"))];
    Response::html_stream(200, BodyStream::new(stream::iter(pieces)))
}

#[expect(clippy::panic, reason = "to show that it is answered, and the next request as well")]
async fn panics() -> &'static str {
    panic!("a handler's mistake")
}

/// Yields the pieces, one every 300 ms.
fn slowly<T: Send + 'static, const N: usize>(
    context: Context,
    pieces: [T; N],
) -> impl Stream<Item = Result<T, AppError>> + Send {
    stream::iter(pieces).enumerate().then(move |(n, piece)| {
        let context = context.clone();
        async move {
            if n > 0 {
                context.clock().sleep(Duration::from_millis(300)).await;
            }
            Ok(piece)
        }
    })
}
