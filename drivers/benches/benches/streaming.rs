//! What streaming costs.
//!
//! * `framing`: one chunk through the frame machine, and one event through the SSE framer.
//! * `16 MiB in chunks of 16 KiB`: a response on its way to a Runtime API on loopback, beside the
//!   same response through `lambda_runtime`'s own streaming. Ours flushes every chunk before the
//!   next one is made.
//!
//! * `first chunk of 16 KiB`: from the event to the first chunk of its answer, beside the same.
//!
//! Run with `cargo bench -p apptheory-bench --bench streaming`. Compare ratios within a
//! run.

#![expect(clippy::unwrap_used, reason = "a benchmark ends where its stage cannot be set")]

#[path = "../../tests/lambda/server.rs"]
#[expect(dead_code, reason = "a benchmark plays fewer roles than the tests")]
mod server;

use core::convert::Infallible;
use core::hint::black_box;
use core::time::Duration;
use std::process::{Child, Command};
use std::time::Instant;

use apptheory::app::{App, BodyStream, Response};
use apptheory_core::error::AppError;
use apptheory_core::stream::sse::{SseEvent, SseFramer};
use apptheory_core::stream::{FrameConfig, FrameInput, FrameMachine, Head, Target};
use apptheory_core::time::Timestamp;
use bytes::Bytes;
use criterion::{Criterion, Throughput};
use futures_util::{Stream, StreamExt as _, stream};
use lambda_http::lambda_runtime::{self, LambdaEvent, MetadataPrelude, StreamResponse};
use server::RuntimeApi;
use tokio::runtime::{self, Runtime};

const CHUNK: usize = 16 << 10;
const CHUNKS: usize = 1024;

fn framing(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("framing");
    group.throughput(Throughput::Bytes(u64::try_from(CHUNK).unwrap()));
    group.bench_function("a chunk of 16 KiB", |bencher| {
        let mut machine = FrameMachine::new(FrameConfig::new(Target::FunctionUrl));
        machine.handle(FrameInput::begin(Head::new(200), true)).unwrap();
        let len = black_box(CHUNK);
        bencher.iter(|| black_box(machine.handle(FrameInput::Chunk { len }).unwrap()));
    });
    group.finish();

    criterion.bench_function("framing/a server-sent event of 100 bytes", |bencher| {
        let now = Timestamp::UNIX_EPOCH;
        let mut framer = SseFramer::new(SseFramer::KEEP_ALIVE, now);
        let event = SseEvent::new("x".repeat(100)).with_id("1").with_event("message");
        let mut out = Vec::new();
        bencher.iter(|| {
            out.clear();
            framer.handle_event(black_box(&event), now, &mut out).unwrap();
            black_box(&out);
        });
    });
}

/// A function in a process of its own, as it is in Lambda.
struct Function(Child);

/// The variable that makes this program a function; its value says which.
const ROLE: &str = "STREAMING_BENCH_ROLE";

impl Function {
    fn start(role: &str, api: &RuntimeApi) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.env(ROLE, role).env("AWS_LAMBDA_RUNTIME_API", api.address());
        command.env("APPTHEORY_INVOKE_MODE", "streaming");
        // What `lambda_runtime` wants to know.
        command.env("AWS_LAMBDA_FUNCTION_NAME", "f").env("AWS_LAMBDA_FUNCTION_VERSION", "1");
        command.env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128");
        Self(command.spawn().unwrap())
    }
}

impl Drop for Function {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

const EVENT: &str = r#"{"rawPath":"/","requestContext":{"http":{"method":"GET"}}}"#;

fn throughput(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("16 MiB in chunks of 16 KiB");
    group.throughput(Throughput::Bytes(u64::try_from(CHUNK * CHUNKS).unwrap()));
    group.sample_size(10).measurement_time(Duration::from_secs(5));
    for role in ["apptheory", "lambda_runtime"] {
        let runtime = block_on();
        let mut api = runtime.block_on(RuntimeApi::listen());
        let _function = Function::start(role, &api);
        group.bench_function(role, |bencher| {
            bencher.iter_custom(|times| runtime.block_on(invoke(&mut api, times)));
        });
    }
    group.finish();
}

fn first_chunk(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("first chunk of 16 KiB");
    group.sample_size(10).measurement_time(Duration::from_secs(3));
    for role in ["apptheory", "lambda_runtime"] {
        let runtime = block_on();
        let mut api = runtime.block_on(RuntimeApi::listen());
        let _function = Function::start(role, &api);
        group.bench_function(role, |bencher| {
            bencher.iter_custom(|times| runtime.block_on(begin(&mut api, times)));
        });
    }
    group.finish();
}

/// How long it takes from handing out an event to the first chunk of the answer, so many times.
async fn begin(api: &mut RuntimeApi, times: u64) -> Duration {
    let mut took = Duration::ZERO;
    for _ in 0..times {
        let poll = api.poll().await;
        let begin = now();
        let fields = [("Lambda-Runtime-Deadline-Ms", "4000000000000")];
        poll.hand_out("r1", &fields, EVENT).await;
        let mut answer = api.request().await;
        // The prelude and its delimiter come before it.
        while answer.chunk().await.is_some_and(|chunk| chunk.len() < CHUNK) {}
        took += begin.elapsed();
        drop(answer.accept().await);
    }
    took
}

/// How long it takes to hand out an event and read the answer to it, so many times.
async fn invoke(api: &mut RuntimeApi, times: u64) -> Duration {
    let mut took = Duration::ZERO;
    for _ in 0..times {
        let poll = api.poll().await;
        let begin = now();
        let fields = [("Lambda-Runtime-Deadline-Ms", "4000000000000")];
        poll.hand_out("r1", &fields, EVENT).await;
        let answer = api.request().await.accept().await;
        took += begin.elapsed();
        assert!(answer.chunks.iter().map(Vec::len).sum::<usize>() > CHUNK * CHUNKS);
    }
    took
}

#[expect(clippy::disallowed_methods, reason = "a benchmark takes the time")]
fn now() -> Instant {
    Instant::now()
}

fn chunks<E>() -> impl Stream<Item = Result<Bytes, E>> {
    let chunk = Bytes::from(vec![b'a'; CHUNK]);
    stream::iter((0..CHUNKS).map(move |_| Ok(chunk.clone())))
}

fn block_on() -> Runtime {
    runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

async fn ours() {
    let respond = async || Response::html_stream(200, BodyStream::new(chunks::<AppError>()));
    let app = App::new().get("/", respond).build().unwrap();
    apptheory::lambda::run(app).await.unwrap();
}

async fn peer() {
    let respond = async |_: LambdaEvent<serde_json::Value>| {
        let stream = chunks::<Infallible>().boxed();
        Ok::<_, Infallible>(StreamResponse { metadata_prelude: MetadataPrelude::default(), stream })
    };
    lambda_runtime::run(lambda_runtime::service_fn(respond)).await.unwrap();
}

#[expect(clippy::disallowed_methods, reason = "the role of a child comes from its parent")]
fn main() {
    match std::env::var(ROLE).as_deref() {
        Ok("apptheory") => block_on().block_on(ours()),
        Ok(_) => block_on().block_on(peer()),
        Err(_) => {
            let mut criterion = Criterion::default().configure_from_args();
            framing(&mut criterion);
            first_chunk(&mut criterion);
            throughput(&mut criterion);
            criterion.final_summary();
        }
    }
}
