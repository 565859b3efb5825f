//! Prints a CloudFormation template with the tables of the rate limiter, of the event bus, of
//! WebSocket connections, and of work that is done once.
//!
//! ```text
//! cargo run -p apptheory --example tables > tables.json
//! ```
//!
//! The tables get the names that functions with the same environment variables look for.

use core::error::Error;
use core::time::Duration;
use std::io::{self, Write as _};

use apptheory::tables::cloudformation_template;
use apptheory_core::eventbus::EventBus;
use apptheory_core::idempotency::{self, Idempotency};
use apptheory_core::limiter::{self, FixedWindow, Limiter};
use apptheory_core::registry::{self, ConnectionRegistry};

#[expect(clippy::disallowed_methods, reason = "a program may look into its environment")]
fn env(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

fn main() -> Result<(), Box<dyn Error>> {
    // All strategies share one table definition: any limit will do.
    let limit = FixedWindow::new(Duration::from_secs(60), 100)?;
    let limiter = Limiter::fail_closed(limit).table(limiter::table_name(env)).build();
    let bus = EventBus::builder().env(env).build()?;
    let connections = ConnectionRegistry::builder().table(registry::table_name(env)).build();
    let idempotency = Idempotency::builder().table(idempotency::table_name(env)).build();

    let tables =
        [limiter.table(), bus.table_definition(), connections.table(), idempotency.table()];
    let template = cloudformation_template(&tables);
    writeln!(io::stdout(), "{template:#}")?;
    Ok(())
}
