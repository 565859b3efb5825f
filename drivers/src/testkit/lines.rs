//! Log lines of an application.

use serde_json::Value;
use tracing_subscriber::layer::SubscriberExt as _;

use crate::logs::{self, Format, Logs};
use crate::test_writer::TestWriter;

/// Returns the lines that are logged while `act` runs, on its thread: `tracing` events of level
/// `INFO` and above, as they are logged in production. Other tests may run at the same time.
///
/// Needs the feature `logs`.
///
/// ```
/// use apptheory::App;
/// use apptheory::testkit::{TestApp, log_lines};
///
/// let app = TestApp::new(|_| {
///     App::new().post("/pay", async || tracing::info!(order = 7, pin = "1234", "paid"))
/// });
/// let lines = log_lines(|| {
///     app.post("/pay").send().assert_status(204);
/// });
/// assert_eq!((&lines[0]["message"], &lines[0]["order"]), (&"paid".into(), &7.into()));
/// assert_eq!((&lines[0]["pin"], &lines[0]["route"]), (&"[REDACTED]".into(), &"/pay".into()));
/// ```
///
/// # Panics
///
/// If the lines are not written within 1 s.
#[must_use]
pub fn log_lines(act: impl FnOnce()) -> Vec<Value> {
    let written = TestWriter::default();
    let logs = Logs::read(&|_| None).format(Format::Json).writer(written.clone());
    let subscriber = tracing_subscriber::registry().with(logs.layer());
    tracing::subscriber::with_default(subscriber, || {
        act();
        assert!(logs::flush(), "the log lines were not written in time");
    });
    written.take_json()
}
