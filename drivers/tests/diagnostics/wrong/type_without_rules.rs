// Validate` is not implemented for `u32`
use apptheory::prelude::*;

async fn ship(Valid(Json(order)): Valid<Json<u32>>) -> String {
    order.to_string()
}

pub fn app() -> App {
    App::new().post("/", ship)
}
