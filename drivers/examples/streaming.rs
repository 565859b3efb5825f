//! Streamed response bodies.
//!
//! ```text
//! cargo run --example streaming
//! curl -N localhost:3000/ticks
//! curl -N localhost:3000/page
//! ```

use std::process::ExitCode;

use apptheory::prelude::*;

/// Sends server-sent events, a second apart, with keep-alives between them.
async fn ticks(sse: Sse, context: Context) -> Response {
    let ticks = stream::iter(1..=3).then(move |n| {
        let clock = context.clock().clone();
        async move {
            clock.sleep(Duration::from_secs(1)).await;
            SseEvent::json(&n)
        }
    });
    sse.send(ticks)
}

async fn page() -> Html<BodyStream> {
    Html(BodyStream::from_chunks(["<!doctype html>", "<h1>Orders</h1>", "<p>tea"]))
}

pub(crate) fn app() -> App {
    App::new().get("/ticks", ticks).get("/page", page)
}

fn main() -> ExitCode {
    apptheory::start(async || app())
}
