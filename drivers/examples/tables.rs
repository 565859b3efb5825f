//! Prints a CloudFormation template with the tables of the rate limiter, the event bus, WebSocket
//! connections and idempotency.
//!
//! ```text
//! cargo run -p apptheory --example tables > tables.json
//! ```
//!
//! The tables have the names that functions with the same environment variables use.

use core::error::Error;
use core::time::Duration;
use std::io::{self, Write as _};

use apptheory_core::eventbus::BusConfig;
use apptheory_core::idempotency::IdempotencyConfig;
use apptheory_core::limiter::{FixedWindow, Limiter};
use apptheory_core::registry::RegistryConfig;
use apptheory_core::store::cloudformation_template;

#[expect(clippy::disallowed_methods, reason = "a program may read its environment")]
fn env(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

fn main() -> Result<(), Box<dyn Error>> {
    // All strategies share one table definition, so any limit will do.
    let limit = FixedWindow::new(Duration::from_secs(60), 100)?;
    let limiter = Limiter::fail_closed(limit).env(env).build();
    let bus = BusConfig::builder().env(env).build()?;
    let connections = RegistryConfig::builder().env(env).build();
    let idempotency = IdempotencyConfig::builder().env(env).build();

    let tables = [limiter.table(), bus.table(), connections.table(), idempotency.table()];
    let template = cloudformation_template(&tables);
    writeln!(io::stdout(), "{template:#}")?;
    Ok(())
}
