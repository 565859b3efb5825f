//! One store, three places: memory for tests, a file for a laptop, DynamoDB for production.
//!
//! ```text
//! cargo run --example stores --features aws,embedded
//! STORE=shop.db cargo run --example stores --features aws,embedded
//! ```

use std::process::ExitCode;

use apptheory::prelude::*;
use apptheory::store::EmbeddedError;

/// Returns the store that the environment selects.
pub(crate) async fn store(name: &str) -> Result<Store, EmbeddedError> {
    match name {
        "memory" => Ok(Store::memory()),
        "aws" => Ok(Store::aws().await),
        path => Store::embedded(path),
    }
}

async fn count(State(bus): State<EventBus>) -> Result<String, AppError> {
    bus.publish(Event::new("shop", "visit")).await?;
    Ok(format!("{} visits", bus.query("shop").events().count().await))
}

pub(crate) fn app(store: &Store) -> App<EventBus> {
    let limit = RateLimit::per_second(5).fail_closed().on(store);
    App::with_state(EventBus::on(store)).get("/", count).layer(limit)
}

#[expect(clippy::disallowed_methods, reason = "a program may read its environment")]
fn main() -> ExitCode {
    let name = std::env::var("STORE").unwrap_or_else(|_| "memory".to_owned());
    apptheory::start(async || store(&name).await.map(|store| app(&store)))
}
