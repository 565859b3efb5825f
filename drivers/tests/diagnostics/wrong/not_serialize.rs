// the trait bound `Order: serde::Serialize` is not satisfied
use apptheory::prelude::*;

pub struct Order;

async fn show() -> Json<Order> {
    Json(Order)
}

pub fn app() -> App {
    App::new().get("/", show)
}
