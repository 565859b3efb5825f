//! Rate limits in one line each.
//!
//! ```text
//! cargo run --example limit
//! for n in 1 2 3 4 5 6; do curl -i localhost:3000/login; done
//! ```

use std::process::ExitCode;

use apptheory::prelude::*;

pub(crate) fn app(store: &Store) -> App {
    // 100 per minute for each caller and route, 20 at once. Refuses requests while the store does
    // not respond.
    let limit = RateLimit::per_minute(100).burst(20).fail_closed().on(store);
    // 5 in any 10 minutes. It has a name, because the other limit is around the same route.
    let window = Duration::from_secs(600);
    let logins = RateLimit::sliding(5, window).named("logins").fail_closed().on(store);
    App::new()
        .layer(limit)
        .get("/", async || "hello")
        .merge(Router::new().get("/login", async || "welcome").layer(logins))
}

fn main() -> ExitCode {
    apptheory::start(async || app(&Store::memory()))
}
