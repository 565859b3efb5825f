// async closure does not implement `Fn` because it captures state from its environment
use apptheory::prelude::*;

pub fn app() -> App {
    let name = String::from("corner shop");
    App::new().get("/", async move || name.clone())
}
