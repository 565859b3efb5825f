//! Both runtimes, this crate's and `lambda_runtime`, send the same responses.

use std::process::{Command, Stdio};

use apptheory::app::{App, BodyStream, Context, Html, Response};
use apptheory::error::AppError;
use apptheory::lambda::{InvokeMode, service};
use futures_util::stream;
use serde_json::{Value as Json, json};

use super::release::Function;
use super::server::{Exchange, RuntimeApi};
use super::url_event;

fn app() -> App {
    App::new()
        .get("/", async |context: Context| {
            let trace = context.trace();
            Response::text(201, trace.x_amzn_trace_id()).with_cookie("a=1").with_cookie("b=2")
        })
        .get("/page", async || Html(BodyStream::from_chunks(["<h1>", "Hello"])))
        .get("/early", async || failing_behind(&[], sold_out()))
        .get("/late", async || failing_behind(&["<h1>"], sold_out()))
        .get("/broken", async || failing_behind(&["<h1>"], AppError::internal()))
        .get("/head", async || Response::text(200, "").with_header("x", "y".repeat(20_000)))
        .sqs("orders", async |context: Context| match context.body() {
            b"4" => Ok(()),
            _ => Err(AppError::not_found()),
        })
}

fn sold_out() -> AppError {
    AppError::conflict("sold out")
}

fn failing_behind(chunks: &'static [&'static str], error: AppError) -> Html<BodyStream> {
    Html(BodyStream::new(stream::iter(chunks.iter().copied().map(Ok).chain([Err(error)]))))
}

fn events() -> Vec<String> {
    let record = |id: &str, body: &str| {
        json!({"eventSource": "aws:sqs", "messageId": id, "body": body,
            "eventSourceARN": "arn:aws:sqs:r:1:orders"})
    };
    let batch = json!({"Records": [record("1", "4"), record("2", "5")]});
    let mut events = vec![batch.to_string(), json!({"to": "nobody"}).to_string()];
    let paths = ["/", "/nowhere", "/page", "/early", "/late", "/broken", "/head"];
    events.extend(paths.map(url_event));
    events
}

/// Returns the response to an invocation: path, headers and body.
async fn answer(api: &mut RuntimeApi, event: &str) -> Json {
    let fields = [
        ("Lambda-Runtime-Deadline-Ms", "7258118400000"),
        ("Lambda-Runtime-Trace-Id", "Root=1-67891233-abcdef012345678912345678;Sampled=1"),
        ("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:r:1:function:f"),
    ];
    api.poll().await.hand_out("r1", &fields, event).await;
    let mut answer = api.request().await;
    let resource = answer.resource().to_owned();
    let mode = answer.headers.get("lambda-runtime-function-response-mode").cloned();
    let said = match mode {
        Some(_) => streamed(answer).await,
        None => {
            let said = answer.json().await;
            answer.answer(202, &[], b"").await;
            match said.get("errorType") {
                // `lambda_runtime` adds an empty list of frames.
                Some(error_type) => json!([error_type, said["errorMessage"]]),
                None => said,
            }
        }
    };
    json!([resource, mode, said])
}

/// Returns the head and the body of a streamed response. Late errors are sent differently.
async fn streamed(answer: Exchange) -> Json {
    let bytes = answer.accept().await.chunks.concat();
    let at = bytes.windows(8).position(|window| window == [0; 8]).unwrap();
    let head: Json = serde_json::from_slice(&bytes[..at]).unwrap();
    json!([head, String::from_utf8(bytes[at + 8..].to_vec()).unwrap()])
}

async fn answers(api: &mut RuntimeApi) -> Vec<Json> {
    let mut answers = Vec::new();
    for event in events() {
        answers.push(answer(api, &event).await);
    }
    answers
}

#[tokio::test]
async fn both_loops_answer_every_event_alike_in_one_piece_and_streamed() {
    for (mode, name) in [(InvokeMode::Buffered, "buffered"), (InvokeMode::Streaming, "streaming")] {
        let mut api = RuntimeApi::listen().await;
        let _function = api.start(app().build().unwrap(), mode);
        let own = answers(&mut api).await;

        let mut api = RuntimeApi::listen().await;
        let mut command = Command::new(std::env::current_exe().unwrap());
        command
            .args(["--ignored", "--exact", "alike::under_the_runtime_of_aws"])
            .env_clear()
            .env("AWS_LAMBDA_RUNTIME_API", api.address())
            .env("AWS_LAMBDA_FUNCTION_NAME", "f")
            .env("AWS_LAMBDA_FUNCTION_VERSION", "1")
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128")
            .env("APPTHEORY_INVOKE_MODE", name)
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let _function = Function(command.spawn().unwrap());
        let others = answers(&mut api).await;
        for ((event, own), other) in events().iter().zip(&own).zip(&others) {
            assert_eq!(own, other, "{name}: {event}");
        }
        let streamed = own.iter().filter(|answer| answer[1] == "streaming").count();
        assert_eq!(streamed, if mode == InvokeMode::Streaming { 7 } else { 0 });
    }
}

#[test]
#[ignore = "run by the test above, in a process of its own"]
fn under_the_runtime_of_aws() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let service = service(app()).unwrap();
    runtime.block_on(lambda_runtime::run(service)).unwrap();
}
