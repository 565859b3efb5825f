//! The log of a process: there is one per process, so this is one test.
#![expect(clippy::unwrap_used, reason = "it ends a test")]

use core::fmt;
use std::io;

use apptheory::app::{App, AppService};
use apptheory::error::AppError;
use apptheory::logs::{self, Format, LogStats, Logs};
use apptheory::testkit::TestWriter;

/// A value that logs while it is formatted.
struct Chatty;

impl fmt::Debug for Chatty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        tracing::info!("inside");
        f.write_str("value")
    }
}

fn get(app: AppService) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let request = http::Request::get("/").body(http_body_util::Empty::<bytes::Bytes>::new());
    let response = runtime.block_on(app.respond(request.unwrap()));
    assert_eq!(response.status(), 500);
}

#[test]
fn a_process_has_one_log_which_is_flushed_when_a_request_is_answered() {
    let written = TestWriter::default();
    let set_up = || Logs::from_env().format(Format::Json).writer(written.clone()).init();
    assert!(set_up());
    assert!(!logs::init());
    assert!(!set_up() && logs::flush());
    let lines = written.take_json();
    assert_eq!((&lines[0]["level"], lines.len()), (&"WARN".into(), 1));
    assert!(lines[0]["message"].as_str().unwrap().contains("no effect"), "{}", lines[0]);

    let app = App::new().get("/", async || AppError::from_error(io::Error::other("no such host")));
    get(app.build().unwrap());
    let lines = written.take_json();
    assert_eq!((&lines[0]["level"], lines.len()), (&"ERROR".into(), 1));
    assert!(lines[0]["message"].as_str().unwrap().contains("no such host"), "{}", lines[0]);
    assert!(lines[0]["request_id"].is_string(), "{}", lines[0]);

    tracing::info!(value = ?Chatty, "outside");
    assert!(logs::flush());
    let lines = written.take_json();
    let messages: Vec<_> = lines.iter().map(|line| &line["message"]).collect();
    assert_eq!(messages, ["inside", "outside"]);
    assert_eq!(lines[1]["value"], "value");

    assert!(std::thread::spawn(|| panic!("no token={}", "t1")).join().is_err());
    drop(std::panic::take_hook()); // so that a failure of this test is printed
    let lines = written.take_json();
    assert_eq!((&lines[0]["level"], &lines[0]["target"]), (&"ERROR".into(), &"panic".into()));
    assert_eq!(lines[0]["message"], "panicked: no token=[REDACTED]");
    assert!(lines[0]["location"].as_str().unwrap().contains("logs.rs"), "{}", lines[0]);
    assert_eq!(logs::stats(), LogStats { written: 5, dropped: 0, failed: 0 });
}
