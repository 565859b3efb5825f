// `std::io::Error` cannot be the error of a handler
use apptheory::prelude::*;

async fn show() -> Result<String, std::io::Error> {
    std::fs::read_to_string("greeting.txt")
}

pub fn app() -> App {
    App::new().get("/", show)
}
