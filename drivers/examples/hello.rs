//! The smallest application, on Lambda and on a port of this machine.
//!
//! ```text
//! cargo run --example hello
//! ```

use apptheory::prelude::*;

fn main() -> std::process::ExitCode {
    apptheory::start(async || App::new().get("/", async || "hello"))
}
