//! Queues, topics, buses, tables, and other events: all handlers look alike.

use std::process::ExitCode;

use apptheory::prelude::*;
use serde::{Deserialize, Serialize};

#[derive(Deserialize, Serialize)]
struct Order {
    id: u32,
    items: Vec<String>,
}

#[derive(Deserialize)]
struct Task {
    numbers: Vec<u32>,
}

/// A message that is malformed, or whose handler fails, is retried; the others of its batch are
/// not.
async fn ship(State(bus): State<EventBus>, Json(order): Json<Order>) -> Result<(), AppError> {
    bus.publish(Event::new("shop", "order.shipped").payload(&order)).await?;
    Ok(())
}

async fn changed(State(bus): State<EventBus>, change: Change<Order>) -> Result<(), AppError> {
    if change.new.is_none() {
        bus.publish(Event::new("shop", "order.deleted").payload(&change.old)).await?;
    }
    Ok(())
}

async fn sum(Json(task): Json<Task>) -> Json<u32> {
    Json(task.numbers.iter().sum())
}

/// Without this handler, the invocation fails with an error that describes the event's shape.
async fn unknown(event: AnyEvent) -> AppError {
    AppError::bad_request(format!("not one of ours: {event:?}"))
}

pub(crate) fn app(store: &Store) -> App<EventBus> {
    let created = Rule::source("shop").detail_type("order.created");
    App::with_state(EventBus::on(store))
        .sqs("orders", ship.layer(Idempotent::new("ship", store)))
        .sns("orders", ship)
        .event_bridge(created, async |State(bus): State<EventBus>, Detail(order): Detail<Order>| {
            bus.publish(Event::new("shop", "order.seen").payload(&order)).await.map(drop)
        })
        .dynamodb("orders-table", changed)
        .on(Shape::member("numbers"), sum)
        .otherwise(unknown)
}

fn main() -> ExitCode {
    apptheory::start(async || app(&Store::memory()))
}
