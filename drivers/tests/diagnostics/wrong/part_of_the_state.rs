// `u32` is not a part of the application's state `Shop`
use apptheory::prelude::*;

#[derive(Clone, FromRef)]
pub struct Shop {
    name: String,
}

async fn show(State(id): State<u32>) -> String {
    id.to_string()
}

pub fn app(shop: Shop) -> App<Shop> {
    App::with_state(shop).get("/", show)
}
