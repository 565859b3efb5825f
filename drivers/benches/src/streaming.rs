//! Streamed responses.

use core::convert::Infallible;
use core::hint::black_box;
use core::time::Duration;
use std::process::Command;

use apptheory::app::{App, BodyStream, Response};
use apptheory_core::error::AppError;
use apptheory_core::stream::sse::{SseEvent, SseFramer};
use apptheory_core::stream::{FrameConfig, FrameInput, FrameMachine, Head, Target};
use apptheory_core::time::Timestamp;
use bytes::Bytes;
use futures_util::{Stream, StreamExt as _, stream};
use lambda_http::lambda_runtime::{self, LambdaEvent, MetadataPrelude, StreamResponse};
use tokio::runtime::{Builder, Runtime};

use crate::functions::{Running, on_lambda};
use crate::measure::{Contender, Effort, now};
use crate::server::RuntimeApi;
use crate::starts::DEADLINE;
use crate::table::{Group, Row, alone, beside};

pub(crate) const GROUP: Group = Group {
    name: "streaming",
    title: "Streamed answers",
    how: "A function in a process of its own streams 16 MiB in chunks of 16 KiB to a Runtime API on this machine: from the event to the \
          first chunk, and to the end. Ours hands every chunk over before it makes the next one. And a chunk through the frame \
          machine, and an event of 100 bytes through the framer of server-sent events, both alone.",
    run,
};

/// The role of this program that streams; its argument is the runtime.
pub(crate) const ROLE: &str = "stream";

const CHUNK: usize = 16 << 10;
const CHUNKS: usize = 1024;

const EVENT: &str = r#"{"rawPath":"/","requestContext":{"http":{"method":"GET"}}}"#;

fn run(effort: Effort) -> Vec<Row> {
    let runtime = block_on();
    let mut rows = Vec::new();
    for (what, measure) in [
        ("until the first chunk of 16 KiB", Measure::Begin),
        ("16 MiB in chunks of 16 KiB", Measure::Whole),
    ] {
        let [ours, peer] = ["apptheory", "lambda_runtime"].map(|name| {
            let (mut function, runtime) = (Function::start(&runtime, name), &runtime);
            Contender::timed(name, move |times| runtime.block_on(function.invoke(measure, times)))
        });
        rows.extend(beside(effort, what, ours, [peer]));
    }
    rows.extend(framing(effort));
    rows
}

fn framing(effort: Effort) -> Vec<Row> {
    let mut machine = FrameMachine::new(FrameConfig::new(Target::FunctionUrl));
    machine.handle(FrameInput::begin(Head::new(200), true)).expect("a beginning");
    let chunk = Contender::new("apptheory", || {
        machine.handle(FrameInput::Chunk { len: black_box(CHUNK) }).expect("a chunk")
    });
    let mut rows = alone(effort, "framing a chunk", chunk);
    let now = Timestamp::UNIX_EPOCH;
    let mut framer = SseFramer::new(SseFramer::KEEP_ALIVE, now);
    let event = SseEvent::new("x".repeat(100)).with_id("1").with_event("message");
    let mut out = Vec::new();
    let event = Contender::new("apptheory", || {
        out.clear();
        framer.handle_event(black_box(&event), now, &mut out).expect("an event");
        out.len()
    });
    rows.extend(alone(effort, "framing a server-sent event", event));
    rows
}

/// A function in its own process, as on Lambda.
struct Function {
    api: RuntimeApi,
    _running: Running,
}

#[derive(Clone, Copy)]
enum Measure {
    Begin,
    Whole,
}

impl Function {
    fn start(runtime: &Runtime, name: &str) -> Self {
        let api = runtime.block_on(RuntimeApi::listen());
        let mut command = Command::new(std::env::current_exe().expect("a path"));
        on_lambda(command.args(["role", ROLE, name]), api.address())
            .env("APPTHEORY_INVOKE_MODE", "streaming");
        Self { _running: Running::start(&mut command), api }
    }

    /// Sends an event and reads the response, a number of times; returns the time from the event
    /// on.
    async fn invoke(&mut self, measure: Measure, times: u64) -> Duration {
        let mut took = Duration::ZERO;
        for _ in 0..times {
            let poll = self.api.poll().await;
            let begin = now();
            poll.hand_out("r1", &DEADLINE, EVENT).await;
            let mut answer = self.api.request().await;
            // After the prelude and its delimiter.
            while answer.chunk().await.is_some_and(|chunk| chunk.len() < CHUNK) {}
            let first = begin.elapsed();
            let rest = answer.accept().await;
            assert_eq!(rest.chunks.iter().map(Vec::len).sum::<usize>(), CHUNK * (CHUNKS - 1));
            took += match measure {
                Measure::Begin => first,
                Measure::Whole => begin.elapsed(),
            };
        }
        took
    }
}

fn block_on() -> Runtime {
    Builder::new_current_thread().enable_all().build().expect("a runtime")
}

/// Plays the role, with the arguments after its name.
pub(crate) fn play(arguments: &[String]) {
    block_on().block_on(async {
        match arguments.first().map(String::as_str) {
            Some("apptheory") => ours().await,
            _ => peer().await,
        }
    });
}

fn chunks<E>() -> impl Stream<Item = Result<Bytes, E>> {
    let chunk = Bytes::from(vec![b'a'; CHUNK]);
    stream::iter((0..CHUNKS).map(move |_| Ok(chunk.clone())))
}

async fn ours() {
    let respond = async || Response::html_stream(200, BodyStream::new(chunks::<AppError>()));
    let app = App::new().get("/", respond).build().expect("an app");
    apptheory::lambda::run(app).await.expect("a Runtime API");
}

async fn peer() {
    let respond = async |_: LambdaEvent<serde_json::Value>| {
        let stream = chunks::<Infallible>().boxed();
        Ok::<_, Infallible>(StreamResponse { metadata_prelude: MetadataPrelude::default(), stream })
    };
    lambda_runtime::run(lambda_runtime::service_fn(respond)).await.expect("a Runtime API");
}
