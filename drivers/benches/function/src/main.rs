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

#[cfg(feature = "start")]
fn main() -> std::process::ExitCode {
    apptheory::start(async || {
        let limit = RateLimit::fixed(1_000_000, Duration::from_secs(60)).fail_closed();
        App::new().layer(limit.on(&store().await)).post(ORDERS, create)
    })
}

#[cfg(feature = "aws")]
async fn store() -> Store {
    Store::aws().await
}

/// Without a client, to measure what the client costs.
#[cfg(all(feature = "start", not(feature = "aws")))]
async fn store() -> Store {
    Store::memory()
}

/// Without a store, a log and a local server: the smallest function.
#[cfg(not(feature = "start"))]
fn main() -> Result<(), Box<dyn core::error::Error>> {
    let app = App::new().post(ORDERS, create).build()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    Ok(runtime.block_on(apptheory::lambda::run(app))?)
}
