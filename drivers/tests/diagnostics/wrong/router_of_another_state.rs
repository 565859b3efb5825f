// expected `Router<String>`, found `Router`
use apptheory::prelude::*;

fn admin() -> Router {
    Router::new().get("/admin", async || "admin")
}

pub fn app() -> App<String> {
    App::with_state(String::new()).merge(admin())
}
