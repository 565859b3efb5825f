//! JSON in and out, state, and errors.
//!
//! ```text
//! cargo run --example orders
//! curl -i localhost:3000/orders -H 'content-type: application/json' -d '{"items": ["tea"]}'
//! ```

use std::process::ExitCode;

use apptheory::prelude::*;
use serde::{Deserialize, Serialize};

/// The state that handlers share. Each handler takes the part that it needs.
#[derive(Clone, FromRef)]
pub(crate) struct Shop {
    name: &'static str,
    orders: Orders,
}

/// Orders are events of a bus, so that other services can read them.
#[derive(Clone)]
struct Orders(EventBus);

#[derive(Deserialize, Serialize)]
struct Order {
    items: Vec<String>,
}

async fn create(
    State(Orders(bus)): State<Orders>,
    Json(order): Json<Order>,
) -> Result<(StatusCode, Json<String>), AppError> {
    if order.items.is_empty() {
        return Err(AppError::unprocessable("no items").with_details(&json!({"field": "items"})));
    }
    let event = Event::new("shop", "order.created").payload(&order);
    let published = bus.publish(event).await?;
    Ok((StatusCode::CREATED, Json(published.event.id)))
}

async fn show(
    State(Orders(bus)): State<Orders>,
    Path(id): Path<String>,
) -> Result<Json<Order>, AppError> {
    let event = bus.get(&id, Some("shop")).await?;
    Ok(Json(event.payload_as()?))
}

pub(crate) fn app(store: &Store) -> App<Shop> {
    App::with_state(Shop { name: "corner", orders: Orders(EventBus::on(store)) })
        .get("/", async |State(name): State<&'static str>| format!("the {name} shop"))
        .post("/orders", create)
        .get("/orders/{id}", show)
}

fn main() -> ExitCode {
    apptheory::start(async || app(&Store::memory()))
}
