// the trait bound `String: garde::validate::Validate` is not satisfied
use apptheory::prelude::*;

async fn ship(Valid(Json(order)): Valid<Json<String>>) -> String {
    order
}

pub fn app() -> App {
    App::new().post("/", ship)
}
