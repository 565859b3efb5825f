//! A logger whose lines have the fields of a profile.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard};

use apptheory_core::observe::line::{LineFormat, LineHead};
use apptheory_core::observe::profile::{LoggingProfile, MissingFields, ProfileEvent};
use apptheory_core::observe::{Fields, Level};
use apptheory_core::sanitize::Sanitizer;
use apptheory_core::time::Timestamp;
use serde_json::Value as Json;

use super::lock;
use super::logger::{StructuredLogger, merged};
use super::output::{Output, by_output, with_buffer};
use crate::clock::Clock as _;

/// How many lines a [`ProfileLogger`] retains.
pub const RETAINED_LINES: usize = 1024;

/// The most bytes of retained lines.
const RETAINED_BYTES: usize = 4 * 1024 * 1024;

/// Writes lines with the fields of a [profile](crate::observe::profile); made by
/// [`LoggerFactory::profile`](super::LoggerFactory::profile).
///
/// Event, route, error code and so on come from fields of those names, such as `event`, `route` or
/// `error_code`. An entry without a field that the profile requires is not logged: a line names the
/// missing fields, and the logger is unhealthy until the next complete entry.
#[derive(Clone, Debug)]
pub struct ProfileLogger {
    shared: Arc<Shared>,
    bound: Arc<Fields>,
}

#[derive(Debug)]
struct Shared {
    profile: LoggingProfile,
    output: Output,
    retained: Mutex<Retained>,
}

#[derive(Debug, Default)]
struct Retained {
    lines: VecDeque<String>,
    bytes: usize,
}

impl ProfileLogger {
    pub(super) fn new(profile: LoggingProfile, output: Output) -> Self {
        let shared = Shared { profile, output, retained: Mutex::default() };
        Self { shared: Arc::new(shared), bound: Arc::default() }
    }

    /// Returns the last lines in order, at most [`RETAINED_LINES`] and 4 MiB.
    #[must_use]
    pub fn retained_lines(&self) -> Vec<String> {
        self.shared.retained().lines.iter().cloned().collect()
    }
}

impl Shared {
    fn retained(&self) -> MutexGuard<'_, Retained> {
        lock(&self.retained)
    }

    /// Writes a line with the missing fields, instead of the entry.
    fn refuse(&self, at: Timestamp, missing: &MissingFields) {
        let why = missing.to_string();
        with_buffer(|buffer| {
            let head = LineHead { at, level: Level::Error, target: "", message: &why };
            let sanitizer = Sanitizer::new();
            self.output.push(buffer.begin(LineFormat::Json, &sanitizer, head).end());
        });
        self.output.encoded(Err(why));
    }
}

impl Retained {
    fn push(&mut self, line: String) {
        self.bytes += line.len();
        self.lines.push_back(line);
        while self.lines.len() > RETAINED_LINES || self.bytes > RETAINED_BYTES {
            let Some(oldest) = self.lines.pop_front() else { return };
            self.bytes -= oldest.len();
        }
    }
}

impl StructuredLogger for ProfileLogger {
    fn log(&self, level: Level, message: &str, fields: &[(&str, Json)]) {
        let Shared { profile, output, .. } = &*self.shared;
        if !output.admits() {
            return;
        }
        let (at, fields) = (output.clock().now(), merged(&self.bound, fields));
        let event = ProfileEvent { fields: &fields, ..ProfileEvent::new(at, level, message) };
        match profile.encode(&event.filled_from_fields()) {
            Ok(line) => {
                output.push(&line);
                output.encoded(Ok(()));
                self.shared.retained().push(line);
            }
            Err(missing) => self.shared.refuse(at, &missing),
        }
    }

    by_output!();
}

#[cfg(test)]
mod tests {
    use apptheory_core::observe::profile::ProfileConfig;
    use serde_json::json;

    use super::*;
    use crate::clock::ManualClock;
    use crate::logs::LoggerFactory;
    use crate::test_writer::TestWriter;

    fn logger(profile: &str) -> (ProfileLogger, TestWriter) {
        let written = TestWriter::default();
        let writer = written.clone();
        let clock = ManualClock::new(Timestamp::UNIX_EPOCH);
        let factory = LoggerFactory::new().with_clock(clock).with_writer(move || writer.clone());
        let env = |name: &str| (name != "PARTNER").then(|| name.to_lowercase());
        let config = ProfileConfig::built_in(profile).unwrap();
        (factory.profile(LoggingProfile::new(config, env).unwrap()), written)
    }

    #[tokio::test]
    async fn a_line_has_the_fields_of_its_profile() {
        let (logger, written) = logger("paytheory-alert-v1");
        let of_request = logger.with_request_id("r1").with_fields(&[("partner", json!("p"))]);
        let fields = [("route", json!("GET /x")), ("error.code", json!("E")), ("raw", json!("no"))];
        of_request.error("failed pin=1234", &fields);
        logger.flush().await.unwrap();
        let text = written.take();
        let line: Json = serde_json::from_str(&text).unwrap();
        let expected = json!({
            "ts": "1970-01-01T00:00:00Z", "level": "ERROR", "message": "failed pin=[REDACTED]",
            "service": "service_name", "stage": "stage", "partner": "p",
            "function": "aws_lambda_function_name", "aws_region": "aws_region",
            "source_account_id": "source_account_id", "account_family": "account_family",
            "request_id": "r1", "route": "GET /x", "error_code": "E",
        });
        assert_eq!(line, expected);
        assert_eq!(logger.retained_lines(), [text.trim_end()]);
    }

    #[tokio::test]
    async fn a_line_without_a_required_field_is_reported_and_later_lines_are_written() {
        let (logger, written) = logger("paytheory-alert-v1");
        logger.info("a", &[]);
        logger.flush().await.unwrap();
        let missing = "logging profile required fields missing: partner";
        let lines = written.take_json();
        assert_eq!(lines.len(), 1);
        assert_eq!((&lines[0]["level"], &lines[0]["message"]), (&json!("ERROR"), &json!(missing)));
        assert_eq!(logger.stats().last_error.as_deref(), Some(missing));
        assert!(!logger.is_healthy() && logger.retained_lines().is_empty());

        logger.info("b", &[("partner", json!("p"))]);
        logger.flush().await.unwrap();
        assert!(logger.is_healthy());
        let stats = logger.stats();
        assert_eq!((stats.error_count, stats.last_error, stats.flush_count), (1, None, 2));
        logger.close().await.unwrap();
        logger.info("c", &[("partner", json!("p"))]);
        assert_eq!((written.take_json().len(), logger.stats().entries_dropped), (1, 1));
    }

    #[test]
    fn the_last_lines_are_retained_within_bounds() {
        let mut retained = Retained::default();
        for at in 0..RETAINED_LINES + 2 {
            retained.push(at.to_string());
        }
        assert_eq!((retained.lines.len(), &*retained.lines[0]), (RETAINED_LINES, "2"));
        retained.push("x".repeat(RETAINED_BYTES));
        assert_eq!((retained.lines.len(), retained.bytes), (1, RETAINED_BYTES));
    }
}
