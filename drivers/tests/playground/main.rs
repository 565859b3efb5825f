//! The playground: its application on a file that survives a restart, its console, and what it says
//! when it cannot start.
#![expect(clippy::expect_used, reason = "a test ends where its stage cannot be set")]

#[path = "../../examples/playground/app/mod.rs"]
mod app;
#[path = "../support/client.rs"]
mod client;
#[path = "../../examples/playground/server.rs"]
mod server;

mod console;
mod events;
mod limits;
mod serving;

use core::net::{Ipv4Addr, SocketAddr};
use std::path::Path;

use apptheory::app::{AppService, Invocation, Response};
use apptheory::clock::ManualClock;
use apptheory_core::http::RawRequest;
use apptheory_core::time::Timestamp;
use serde_json::Value as Json;
use tempfile::TempDir;

/// 2026-01-01T00:00:30Z.
fn clock() -> ManualClock {
    ManualClock::new(Timestamp::from_unix_seconds(1_767_225_630))
}

/// The application over a file, as the server makes it.
fn app_over(file: &Path, clock: &ManualClock) -> AppService {
    app::app(file, clock.clone()).expect("an app")
}

/// The application over a file in a directory that is gone with it.
fn new_app() -> (AppService, TempDir) {
    let dir = tempfile::tempdir().expect("a directory");
    (app_over(&dir.path().join("playground.db"), &clock()), dir)
}

async fn send(app: &AppService, request: RawRequest<'static>) -> Response {
    let peer = Some(SocketAddr::from((Ipv4Addr::LOCALHOST, 50_000)));
    app.serve(request, Invocation { peer, ..Invocation::default() }).await
}

async fn get(app: &AppService, path: &str) -> Response {
    send(app, RawRequest::new("GET", path)).await
}

fn body(response: Response) -> String {
    String::from_utf8(response.body).expect("text")
}

fn read_json(response: Response) -> Json {
    serde_json::from_str(&body(response)).expect("JSON")
}
