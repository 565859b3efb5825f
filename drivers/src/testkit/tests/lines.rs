//! Tests of log lines.

use std::thread;

use apptheory_core::error::AppError;

use crate::app::{App, Path};
use crate::testkit::{TestApp, log_lines};

#[test]
fn each_test_gets_the_lines_of_its_own_thread() {
    let lines_of = |name: &'static str| {
        let app = TestApp::new(|_| {
            App::new()
                .get("/{name}", async |Path(name): Path<String>| {
                    tracing::debug!("not in production");
                    tracing::info!(name, token = "t1", "asked");
                })
                .get("/broken", async || Err::<(), _>(AppError::internal()))
        });
        app.get(name).send().assert_status(204);
        log_lines(|| {
            app.get(name).send().assert_status(204);
            app.get("/broken").send().assert_status(500);
        })
    };
    let other = thread::spawn(move || lines_of("other"));
    for (lines, name) in [(lines_of("own"), "own"), (other.join().unwrap(), "other")] {
        let [asked, failed] = <[_; 2]>::try_from(lines).unwrap();
        assert_eq!((&asked["message"], &asked["name"]), (&"asked".into(), &name.into()));
        assert_eq!(asked["token"], "[REDACTED]");
        assert_eq!((&failed["level"], &failed["route"]), (&"ERROR".into(), &"/broken".into()));
    }
}

#[test]
fn lines_have_the_trace_that_a_request_came_with() {
    let app = TestApp::new(|_| App::new().get("/", async || tracing::info!("asked")));
    let id = "0af7651916cd43dd8448eb211c80319c";
    let parent = format!("00-{id}-b7ad6b7169203331-01");
    let lines = log_lines(|| {
        app.get("/").header("traceparent", &parent).send().assert_status(204);
        app.get("/").send().assert_status(204);
    });
    let ids: Vec<_> = lines.iter().map(|line| line["trace_id"].as_str()).collect();
    assert_eq!(ids, [Some(id), None]);
}
