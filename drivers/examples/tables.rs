//! Prints a CloudFormation template with the tables of the rate limiter and of the event bus.
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
use apptheory_core::limiter::{FixedWindow, Limiter, table_name};

#[expect(clippy::disallowed_methods, reason = "a program may look into its environment")]
fn env(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

fn main() -> Result<(), Box<dyn Error>> {
    // All strategies share one table definition: any limit will do.
    let limit = FixedWindow::new(Duration::from_secs(60), 100)?;
    let limiter = Limiter::fail_closed(limit).table(table_name(env)).build();
    let bus = EventBus::builder().env(env).build()?;

    let template = cloudformation_template(&[limiter.table(), bus.table_definition()]);
    writeln!(io::stdout(), "{template:#}")?;
    Ok(())
}
