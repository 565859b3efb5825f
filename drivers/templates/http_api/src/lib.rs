//! The application: `main` runs it, and tests send it requests.

use apptheory::prelude::*;
use serde::{Deserialize, Serialize};

/// What a customer orders.
#[derive(Deserialize, Serialize)]
struct Order {
    items: Vec<String>,
}

/// Whose orders these are. With several tenants, take this from authentication, never from the
/// request.
const TENANT: &str = "shop";

/// Builds the application on a store.
pub fn app(store: &Store) -> App<EventBus> {
    // Per caller and route: 60 per minute, 10 at once. While the store does not respond, requests
    // get a 503.
    let limit = RateLimit::per_minute(60).burst(10).fail_closed().on(store);
    let orders = Router::new().get("/", newest).post("/", create).layer(limit);
    App::with_state(EventBus::on(store))
        .get("/", async || Json(json!({ "service": "{{project-name}}" })))
        .nest("/orders", orders)
}

/// `POST /orders` publishes the order as an event, and answers with its id.
async fn create(
    State(bus): State<EventBus>,
    Json(order): Json<Order>,
) -> Result<(StatusCode, Json<String>), AppError> {
    if order.items.is_empty() {
        return Err(AppError::unprocessable("an order needs items"));
    }
    let event = Event::new(TENANT, "order.created").payload(&order);
    Ok((StatusCode::CREATED, Json(bus.publish(event).await?.event.id)))
}

/// `GET /orders` answers with the ten newest orders, the newest first.
async fn newest(State(bus): State<EventBus>) -> Result<Json<Vec<Order>>, AppError> {
    let events = bus.query(TENANT).of_type("order.created").limit(10).events().take(10);
    Ok(Json(events.and_then(async |event| event.payload_as()).try_collect().await?))
}
