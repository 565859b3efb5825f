//! The event bus: publishes events, and reads them.
//!
//! ```text
//! cargo run --example bus
//! curl -X POST localhost:3000/orders -H 'content-type: application/json' -d '{"items": ["tea"]}'
//! curl localhost:3000/orders
//! ```

use std::process::ExitCode;

use apptheory::prelude::*;
use serde::{Deserialize, Serialize};

#[derive(Deserialize, Serialize)]
struct Order {
    items: Vec<String>,
}

async fn publish(
    State(bus): State<EventBus>,
    Json(order): Json<Order>,
) -> Result<StatusCode, AppError> {
    bus.publish(Event::new("tenant-7", "order.created").payload(&order)).await?;
    Ok(StatusCode::ACCEPTED)
}

/// Returns the orders of the last day, newest first.
async fn newest(
    State(bus): State<EventBus>,
    context: Context,
) -> Result<Json<Vec<Order>>, AppError> {
    let yesterday = context.now().saturating_sub(Duration::from_secs(86_400));
    let events = bus.query("tenant-7").of_type("order.created").since(yesterday).events();
    let orders = events.and_then(async |event| event.payload_as());
    Ok(Json(orders.try_collect().await?))
}

pub(crate) fn app(store: &Store) -> App<EventBus> {
    App::with_state(EventBus::on(store)).post("/orders", publish).get("/orders", newest)
}

fn main() -> ExitCode {
    apptheory::start(async || app(&Store::memory()))
}
