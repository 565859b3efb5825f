//! How long a function takes from the start of its process to its first question to the Runtime API,
//! and how large it is: `lambda_function`, beside `peer_function` on `lambda_http`, axum and
//! the AWS SDK. Both are built for release before:
//!
//! ```text
//! cargo build --release -p lambda_function
//! cargo build --release --manifest-path drivers/benches/peer/Cargo.toml --target-dir target
//! cargo bench -p apptheory-bench --bench start
//! ```
//!
//! Compare ratios within a run.

#![expect(clippy::unwrap_used, reason = "a benchmark ends where its stage cannot be set")]

#[path = "../../tests/lambda/server.rs"]
#[expect(dead_code, reason = "a benchmark plays fewer roles than the tests")]
mod server;

use core::time::Duration;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::Instant;

use criterion::Criterion;
use server::RuntimeApi;
use tokio::runtime::Builder;

/// A function in a process of its own; it ends with this.
struct Function(Child);

impl Drop for Function {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn start(criterion: &mut Criterion) {
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let mut group = criterion.benchmark_group("start");
    group.sample_size(20).measurement_time(Duration::from_secs(3));
    for name in ["lambda_function", "peer_function"] {
        let function = release(name);
        let Ok(file) = function.metadata() else {
            println!("{} is not built: see the head of this benchmark", function.display());
            continue;
        };
        println!("{name}: {} KiB", file.len() / 1024);
        group.bench_function(name, |bencher| {
            bencher.iter_custom(|times| runtime.block_on(first_poll(&function, times)));
        });
    }
    group.finish();
}

/// Where a function is that was built for release: benchmarks are beside it.
fn release(name: &str) -> PathBuf {
    let own = std::env::current_exe().unwrap();
    let target = own.ancestors().find(|path| path.ends_with("target")).unwrap();
    target.join("release").join(name)
}

async fn first_poll(function: &Path, times: u64) -> Duration {
    let mut took = Duration::ZERO;
    for _ in 0..times {
        let mut api = RuntimeApi::listen().await;
        let mut command = Command::new(function);
        command.env("AWS_LAMBDA_RUNTIME_API", api.address());
        // What `lambda_runtime` wants to know.
        command.env("AWS_LAMBDA_FUNCTION_NAME", "f").env("AWS_LAMBDA_FUNCTION_VERSION", "1");
        command.env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128");
        let begin = now();
        let running = Function(command.spawn().unwrap());
        drop(api.poll().await);
        took += begin.elapsed();
        drop(running);
    }
    took
}

#[expect(clippy::disallowed_methods, reason = "a benchmark takes the time")]
fn now() -> Instant {
    Instant::now()
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    start(&mut criterion);
    criterion.final_summary();
}
