//! A Lambda function: what an application can answer with, and what becomes of its errors.
//!
//! ```text
//! cargo lambda build --release --arm64 -p apptheory --example lambda_function --features aws,lambda
//! sam deploy --guided --template drivers/examples/template.yaml
//! ```
//!
//! On a laptop, `cargo lambda watch --example lambda_function --features lambda` in `drivers/`, with
//! `APPTHEORY_INVOKE_MODE=force`, serves it under `http://localhost:9000`.

use core::error::Error;
use core::time::Duration;
use std::process::ExitCode;

use apptheory::app::{App, BodyStream, Context, Response};
use apptheory::clock::Clock as _;
use apptheory_core::error::AppError;
use apptheory_core::stream::sse::SseEvent;
use futures_util::{Stream, stream};
use serde_json::json;

#[tokio::main]
async fn main() -> ExitCode {
    tracing_subscriber::fmt().with_ansi(false).without_time().init();
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(error, "the function ends");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), Box<dyn Error + Send + Sync>> {
    let app = tables::with_tables(routes()).await?.build()?;
    Ok(apptheory::lambda::run(app).await?)
}

fn routes() -> App {
    App::new()
        .get("/", async || Response::json(200, &json!({"message": "hello"})))
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
        .get("/panic", panics)
}

/// HTML in three pieces: each is with the client before the next one is made.
async fn page(context: Context) -> Response {
    let pieces = ["<!doctype html><h1>Orders</h1>", "<p>tea</p>", "<p>coffee</p>"];
    Response::html_stream(200, BodyStream::new(slowly(context, pieces.map(String::from))))
}

/// Server-sent events.
async fn events(context: Context) -> Response {
    let events = [1, 2, 3].map(|id| {
        let mut text = Vec::new();
        SseEvent::new(format!("order {id}")).with_id(id.to_string()).encode(&mut text);
        text
    });
    Response::sse_stream(200, BodyStream::new(slowly(context, events)))
}

/// A stream that fails on the way: the status is sent, so the error follows in trailers.
async fn broken() -> Response {
    let pieces = [Ok("<p>one</p>"), Ok("<p>two</p>"), Err(AppError::conflict("and no more"))];
    Response::html_stream(200, BodyStream::new(stream::iter(pieces)))
}

#[expect(clippy::panic, reason = "to show that it is answered, and the next request as well")]
async fn panics() -> &'static str {
    panic!("a handler's mistake")
}

/// The pieces, one every 300 ms.
fn slowly<T, const N: usize>(
    context: Context,
    pieces: [T; N],
) -> impl Stream<Item = Result<T, AppError>> + Send
where
    T: Send + 'static,
{
    stream::unfold((context, pieces.into_iter(), false), async |(context, mut pieces, waits)| {
        let piece = pieces.next()?;
        if waits {
            context.clock().sleep(Duration::from_millis(300)).await;
        }
        Some((Ok(piece), (context, pieces, true)))
    })
}

/// What needs tables: a limit for all routes, and orders on the event bus. Each is there if the
/// environment names its table.
#[cfg(feature = "aws")]
mod tables {
    use core::error::Error;
    use core::time::Duration;

    use apptheory::app::{App, Context, RateLimit};
    use apptheory::error::AppError;
    use apptheory::eventbus::{EventBus, EventQuery};
    use apptheory::limiter::{FixedWindow, Limiter, RateLimiter};
    use apptheory::store::Store;
    use serde_json::Value as Json;

    type Failed = Box<dyn Error + Send + Sync>;

    /// There are no tenants here: whose orders they are is for the application to authenticate.
    const TENANT: &str = "corner-shop";

    pub(super) async fn with_tables(mut app: App) -> Result<App, Failed> {
        let is_limited = super::env("APPTHEORY_RATE_LIMIT_TABLE_NAME").is_some();
        let has_orders = super::env("APPTHEORY_EVENTBUS_TABLE_NAME").is_some();
        if !is_limited && !has_orders {
            return Ok(app);
        }
        let store = Store::aws().await;
        if is_limited {
            let limit = FixedWindow::new(Duration::from_secs(60), 100)?;
            let limiter = Limiter::fail_open(limit).env(super::env).build();
            app = app.layer(RateLimit::new(RateLimiter::new(limiter, &store)));
        }
        if has_orders {
            app = with_orders(app, EventBus::on(&store));
        }
        Ok(app)
    }

    fn with_orders(app: App, bus: EventBus) -> App {
        let reader = bus.clone();
        let publish = move |context: Context| {
            let bus = bus.clone();
            async move {
                let order = context.json_value()?;
                let event = bus.new_event(TENANT, "order.created").with_payload(&order)?;
                let event = bus.publish(event).await?.event;
                Ok::<_, AppError>((201, apptheory::app::Json(Json::from(event.id))))
            }
        };
        let list = move || {
            let bus = reader.clone();
            async move {
                let page = bus.query(&EventQuery::new(TENANT).with_limit(10)).await?;
                let ids = page.events.into_iter().map(|event| event.id);
                Ok::<_, AppError>(apptheory::app::Json(ids.collect::<Vec<_>>()))
            }
        };
        app.post("/orders", publish).get("/orders", list)
    }
}

/// Without AWS there are no tables.
#[cfg(not(feature = "aws"))]
mod tables {
    use apptheory::app::App;

    /// An environment that names tables wants them: the function does not start without.
    pub(super) async fn with_tables(app: App) -> Result<App, &'static str> {
        let tables = ["APPTHEORY_RATE_LIMIT_TABLE_NAME", "APPTHEORY_EVENTBUS_TABLE_NAME"];
        if tables.into_iter().any(|table| super::env(table).is_some()) {
            return Err("the environment names tables: build with the feature aws");
        }
        Ok(app)
    }
}

#[expect(clippy::disallowed_methods, reason = "a program may look into its environment")]
fn env(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.trim().is_empty())
}
