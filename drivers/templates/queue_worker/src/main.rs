use std::process::ExitCode;

use apptheory::prelude::*;

fn main() -> ExitCode {
    apptheory::start(async || {{crate_name}}::app(&store().await))
}

/// DynamoDB on Lambda, and memory on this machine.
async fn store() -> Store {
    match std::env::var_os("AWS_LAMBDA_FUNCTION_NAME") {
        Some(_) => Store::aws().await,
        None => Store::memory(),
    }
}
