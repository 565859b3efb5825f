// `f64` cannot be the answer of a handler of this kind of event
use apptheory::prelude::*;

async fn show() -> f64 {
    1.5
}

pub fn app() -> App {
    App::new().get("/", show)
}
