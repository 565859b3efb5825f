//! A function with one route, and a limiter decision for each request: what `peer` does by hand.

use apptheory::prelude::*;
use serde::{Deserialize, Serialize};

#[derive(Deserialize, Serialize)]
struct Order {
    item: String,
    amount: u32,
    gift: bool,
}

const ORDERS: &str = "/users/{id}/orders";

async fn create(Path(_): Path<u32>, Json(order): Json<Order>) -> Json<Order> {
    Json(order)
}

/// Returns the application.
#[cfg(any(feature = "aws-lean", feature = "start"))]
async fn app() -> App {
    let limit = RateLimit::fixed(1_000_000, Duration::from_secs(60)).fail_closed();
    App::new().layer(limit.on(&store().await)).post(ORDERS, create)
}

/// Without a store, to measure the smallest function.
#[cfg(not(any(feature = "aws-lean", feature = "start")))]
async fn app() -> App {
    App::new().post(ORDERS, create)
}

#[cfg(feature = "aws-lean")]
async fn store() -> Store {
    Store::aws_lean().await
}

#[cfg(all(feature = "aws", not(feature = "aws-lean")))]
async fn store() -> Store {
    Store::aws().await
}

/// Without a client, to measure what the client costs.
#[cfg(all(feature = "start", not(any(feature = "aws", feature = "aws-lean"))))]
async fn store() -> Store {
    Store::memory()
}

#[cfg(feature = "start")]
fn main() -> std::process::ExitCode {
    apptheory::start(app)
}

/// Without a log and a local server.
#[cfg(not(feature = "start"))]
fn main() -> Result<(), Box<dyn core::error::Error>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async { Ok(apptheory::lambda::run(app().await.build()?).await?) })
}
