// `u32` cannot be an argument of a handler of this kind of event
use apptheory::prelude::*;

async fn show(id: u32) -> String {
    id.to_string()
}

pub fn app() -> App {
    App::new().get("/{id}", show)
}
