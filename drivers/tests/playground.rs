//! The playground: its app over a file that survives a restart, and what it says when it cannot
//! start.
#![expect(clippy::expect_used, reason = "a test ends where its stage cannot be set")]

#[path = "../examples/playground/app.rs"]
mod app;
#[path = "../examples/playground/events.rs"]
mod events;
#[path = "../examples/playground/server.rs"]
mod server;

use core::time::Duration;
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};

use apptheory::clock::ManualClock;
use apptheory::embedded::EmbeddedStore;
use apptheory_core::time::Timestamp;
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::ConnectInfo;
use axum::http::{Request, Response};
use serde_json::Value as Json;
use tokio::sync::oneshot;
use tower::ServiceExt as _;

use server::{Playground, PlaygroundError};

/// 2026-01-01T00:00:30Z.
fn clock() -> ManualClock {
    ManualClock::new(Timestamp::from_unix_seconds(1_767_225_630))
}

/// The app over a file, as the server makes it.
fn app_over(file: &Path, clock: &ManualClock) -> Router {
    let store = EmbeddedStore::open(file, clock.clone()).expect("a store");
    let routes = app::limited_routes().expect("limits");
    for route in &routes {
        store.create_table(&route.limiter.table()).expect("a table");
    }
    app::app(routes, &store, clock)
}

async fn get(app: &Router, path: &str) -> Response<Body> {
    let client = ConnectInfo(SocketAddr::from((Ipv4Addr::LOCALHOST, 50_000)));
    let request = Request::get(path).extension(client).body(Body::empty()).expect("a request");
    app.clone().oneshot(request).await.expect("an axum app always answers")
}

async fn body(response: Response<Body>) -> String {
    let bytes = to_bytes(response.into_body(), usize::MAX).await.expect("a body");
    String::from_utf8(bytes.to_vec()).expect("text")
}

async fn json(response: Response<Body>) -> Json {
    serde_json::from_str(&body(response).await).expect("JSON")
}

/// How many requests pass before the first is refused, of at most 20.
async fn admitted(app: &Router, path: &str) -> usize {
    for passed in 0..20 {
        if get(app, path).await.status() != 200 {
            return passed;
        }
    }
    20
}

#[tokio::test]
async fn each_route_has_its_limit() {
    let dir = tempfile::tempdir().expect("a directory");
    let app = app_over(&dir.path().join("limits.db"), &clock());
    let expected = [
        ("/fixed", 5),
        ("/sliding", 5),
        ("/multi", 3),
        ("/packed", 3),
        ("/bucket", 5),
        ("/shadow", 20),
    ];
    let index = body(get(&app, "/").await).await;
    for (path, limit) in expected {
        assert!(index.contains(path), "{index}");
        assert_eq!(admitted(&app, path).await, limit, "{path}");
    }
}

#[tokio::test]
async fn a_route_reports_its_limit_and_its_usage() {
    let dir = tempfile::tempdir().expect("a directory");
    let app = app_over(&dir.path().join("limits.db"), &clock());
    let response = get(&app, "/fixed").await;
    assert_eq!(response.headers()["x-ratelimit-limit"], "5");
    assert_eq!(response.headers()["ratelimit"], "\"1h\";r=4;t=3570");
    assert_eq!(json(response).await["count"], 1);

    let usage = json(get(&app, "/usage/fixed").await).await;
    assert_eq!(usage["identifier"], "ip:127.0.0.1");
    assert_eq!(usage["windows"]["2026-01-01T00:00:00Z"]["count"], 1);
    assert_eq!(get(&app, "/usage/nowhere").await.status(), 404);
}

#[tokio::test]
async fn what_is_used_up_stays_used_up_over_a_restart() {
    let dir = tempfile::tempdir().expect("a directory");
    let file = dir.path().join("limits.db");
    let clock = clock();
    let app = app_over(&file, &clock);
    assert_eq!(admitted(&app, "/fixed").await, 5);
    drop(app);

    let app = app_over(&file, &clock);
    let denied = get(&app, "/fixed").await;
    assert_eq!(denied.status(), 429);
    assert_eq!(denied.headers()["retry-after"], "3570");
    clock.advance(Duration::from_secs(3_570));
    assert_eq!(get(&app, "/fixed").await.status(), 200);
}

/// One request over a connection of its own, and the whole answer.
fn fetch(address: SocketAddr, path: &str) -> String {
    let mut stream = TcpStream::connect(address).expect("a connection");
    let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).expect("a request sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    answer
}

async fn open(port: u16, data: Option<PathBuf>) -> Result<Playground, PlaygroundError> {
    Playground::open(port, data, clock()).await
}

#[tokio::test]
async fn the_server_answers_on_its_port_until_it_is_stopped() {
    let dir = tempfile::tempdir().expect("a directory");
    let data = dir.path().join("made").join("on demand");
    let refusal = "HTTP/1.1 429 Too Many Requests";
    for first in ["HTTP/1.1 200 OK", refusal] {
        let playground = open(0, Some(data.clone())).await.expect("a playground");
        let address = playground.address();
        assert!(playground.greeting().contains(&format!("curl http://{address}/usage/fixed")));
        let (stop, stopped) = oneshot::channel::<()>();
        let server = tokio::spawn(playground.serve(async move { drop(stopped.await) }));
        let answers =
            tokio::task::spawn_blocking(move || [(); 6].map(|()| fetch(address, "/fixed")));
        let answers = answers.await.expect("answers");
        assert!(answers[0].starts_with(first), "{}", answers[0]);
        assert!(answers[5].starts_with(refusal), "{}", answers[5]);
        stop.send(()).expect("still serving");
        server.await.expect("no panic").expect("a clean end");
    }
}

#[tokio::test]
async fn a_taken_port_is_named() {
    let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let port = taken.local_addr().expect("an address").port();
    let error = open(port, None).await.err().expect("the port is taken");
    assert_eq!(error.to_string(), format!("cannot listen on port {port}"));
}

#[tokio::test]
async fn an_unusable_data_directory_is_named() {
    let file = tempfile::NamedTempFile::new().expect("a file");
    let error = open(0, Some(file.path().into())).await.err().expect("a file is no directory");
    assert!(error.to_string().contains(&format!("{:?}", file.path())), "{error}");

    // The directory is one, but something else is in the way of the file in it.
    let dir = tempfile::tempdir().expect("a directory");
    std::fs::create_dir(dir.path().join("playground.db")).expect("an obstacle");
    let error = open(0, Some(dir.path().into())).await.err().expect("no file");
    assert!(error.to_string().contains("playground.db"), "{error}");
}
