//! The smallest application, for Lambda and for a port of this machine.
//!
//! ```text
//! cargo run --example hello
//! ```

use apptheory::prelude::*;

fn main() -> std::process::ExitCode {
    apptheory::start(async || App::new().get("/", async || "hello"))
}
