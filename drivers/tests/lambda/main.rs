//! Applications as Lambda functions, with a Runtime API that speaks the wire protocol.
#![expect(clippy::panic, clippy::unwrap_used, reason = "panics are caught, or end a test")]

mod after;
#[cfg(feature = "lambda_runtime")]
mod alike;
#[cfg(feature = "lambda_runtime")]
mod aws_runtime;
mod buffered;
#[cfg(feature = "cloudformation")]
mod cloudformation;
mod deadlines;
mod endings;
mod flush;
mod heads;
mod receiving;
mod release;
mod resending;
mod server;
mod shutdown;
mod snapshots;
mod streamed;
mod time;
#[cfg(all(feature = "aws", feature = "websocket"))]
mod trace;

use std::sync::Mutex;

use apptheory::app::{App, AppService, BodyStream, Response};
use apptheory_core::error::AppError;
use futures_util::stream;
use serde_json::{Value as Json, json};
use tokio::sync::mpsc;

/// Returns an event of a function URL, for GET.
fn url_event(path: &str) -> String {
    event(path).to_string()
}

fn event(path: &str) -> Json {
    json!({
        "version": "2.0",
        "rawPath": path,
        "requestContext": {
            "domainName": "abc.lambda-url.eu-west-1.on.aws",
            "requestId": "url-1",
            "http": {"method": "GET", "path": path, "sourceIp": "192.0.2.1"},
        },
    })
}

/// The test's end of a stream. Dropping it ends the stream.
struct Feed {
    chunks: mpsc::UnboundedSender<Result<&'static str, AppError>>,
    calls: mpsc::UnboundedReceiver<()>,
}

impl Feed {
    fn send(&self, chunk: &'static str) {
        self.chunks.send(Ok(chunk)).unwrap();
    }

    /// Waits until the handler is called.
    async fn called(&mut self) {
        self.calls.recv().await.unwrap();
    }

    /// Waits until the stream's reader is gone.
    async fn dropped(&self) {
        self.chunks.closed().await;
    }
}

/// Returns an application that streams at `/` what the test feeds, and responds with `hello` at
/// `/hello`.
fn fed() -> (AppService, Feed) {
    fed_by(App::new())
}

fn fed_by(builder: App) -> (AppService, Feed) {
    let (sender, chunks) = mpsc::unbounded_channel();
    let (call, calls) = mpsc::unbounded_channel();
    let chunks = Mutex::new(Some(chunks));
    let app = builder
        .get("/", move || {
            let chunks = chunks.lock().unwrap().take().unwrap();
            let _ = call.send(());
            async move { Response::html_stream(200, receive(chunks)) }
        })
        .get("/hello", async || "hello")
        .build();
    (app.unwrap(), Feed { chunks: sender, calls })
}

fn receive(chunks: mpsc::UnboundedReceiver<Result<&'static str, AppError>>) -> BodyStream {
    let chunks = stream::unfold(chunks, async |mut chunks| {
        let chunk = chunks.recv().await?;
        Some((chunk, chunks))
    });
    BodyStream::new(chunks)
}
