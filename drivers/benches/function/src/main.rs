//! A function with one route, and a limiter decision for each request: what `peer` does by hand.

use std::process::ExitCode;

use apptheory::prelude::*;
use serde::{Deserialize, Serialize};

#[derive(Deserialize, Serialize)]
struct Order {
    item: String,
    amount: u32,
    gift: bool,
}

fn main() -> ExitCode {
    apptheory::start(async || {
        let limit = RateLimit::fixed(1_000_000, Duration::from_secs(60)).fail_closed();
        let create = async |Path(_): Path<u32>, Json(order): Json<Order>| Json(order);
        App::new().layer(limit.on(&store().await)).post("/users/{id}/orders", create)
    })
}

#[cfg(feature = "aws")]
async fn store() -> Store {
    Store::aws().await
}

/// Without a client, to measure what the client costs.
#[cfg(not(feature = "aws"))]
async fn store() -> Store {
    Store::memory()
}
