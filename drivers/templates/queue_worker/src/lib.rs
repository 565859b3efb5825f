//! The application: `main` runs it, and tests send it messages.

use apptheory::prelude::*;
use serde::{Deserialize, Serialize};

/// The queue's name, as in `template.yaml`.
pub const QUEUE: &str = "{{project-name}}-orders";

/// A message of the queue.
#[derive(Deserialize, Serialize)]
struct Order {
    id: u32,
    items: Vec<String>,
}

/// Whose orders these are.
const TENANT: &str = "shop";

/// Builds the application on a store.
pub fn app(store: &Store) -> App<EventBus> {
    // A queue may deliver a message more than once. The work is done once.
    App::with_state(EventBus::on(store)).sqs(QUEUE, ship.layer(Idempotent::new("ship", store)))
}

/// Ships an order. A message that fails, or is not an order, comes again, and after five times
/// moves to the dead-letter queue. The other messages of its batch do not.
async fn ship(State(bus): State<EventBus>, Json(order): Json<Order>) -> Result<(), AppError> {
    if order.items.is_empty() {
        return Err(AppError::unprocessable("an order needs items"));
    }
    bus.publish(Event::new(TENANT, "order.shipped").payload(&order)).await?;
    Ok(())
}
