//! The interface of structured loggers.

use core::fmt;
use core::pin::Pin;
use core::time::Duration;
use std::sync::{Arc, Mutex, MutexGuard};

use apptheory_core::observe::{Fields, Level};
use apptheory_core::time::Timestamp;
use serde::Serialize;
use serde_json::Value as Json;

use super::lock;

/// A logger of any kind. Clones share the same logger.
pub type SharedLogger = Arc<dyn StructuredLogger>;

/// The future that [`StructuredLogger::flush`] and [`StructuredLogger::close`] return.
pub type LoggerFuture<'l> = Pin<Box<dyn Future<Output = Result<(), LogError>> + Send + 'l>>;

/// Logs messages with fields. Use it in code that is passed its logger, so that tests can check
/// what was logged; elsewhere `tracing` needs less code.
///
/// If two fields have the same name, the later one counts: a call's fields replace the logger's.
/// Logging never fails and never blocks; what could not be logged is counted in
/// [`stats`](Self::stats).
///
/// ```
/// use apptheory::clock::SystemClock;
/// use apptheory::logs::{StructuredLogger, TestLogger};
/// use apptheory::observe::Level;
/// use serde_json::json;
///
/// fn refund(order: u64, logger: &dyn StructuredLogger) {
///     logger.info("refunded", &[("order", json!(order)), ("token", json!("t_1"))]);
/// }
///
/// let logger = TestLogger::new(SystemClock);
/// refund(7, &*logger.with_tenant_id("t1"));
/// let fields = [("order", json!(7)), ("token", json!("[REDACTED]")), ("tenant_id", json!("t1"))];
/// logger.assert_logged(Level::Info, "refunded", &fields);
/// ```
pub trait StructuredLogger: fmt::Debug + Send + Sync {
    /// Logs a message with fields.
    fn log(&self, level: Level, message: &str, fields: &[(&str, Json)]);

    /// Returns a logger with further fields, which writes to the same place.
    fn with_fields(&self, fields: &[(&str, Json)]) -> SharedLogger;

    /// Waits until all earlier entries are written, and error notifications are sent. Dropping the
    /// future loses nothing.
    ///
    /// # Errors
    ///
    /// [`LogError`] if an entry or notification was lost.
    fn flush(&self) -> LoggerFuture<'_>;

    /// Closes this logger and all loggers derived from the same one, and flushes. Later entries are
    /// dropped, and counted.
    ///
    /// # Errors
    ///
    /// [`LogError`] as for [`flush`](Self::flush).
    fn close(&self) -> LoggerFuture<'_>;

    /// Returns whether the logger is open and its last operation succeeded.
    fn is_healthy(&self) -> bool;

    /// Returns statistics about all entries.
    fn stats(&self) -> LoggerStats;

    /// Logs a message of level debug, for details that help to find a bug.
    fn debug(&self, message: &str, fields: &[(&str, Json)]) {
        self.log(Level::Debug, message, fields);
    }

    /// Logs a message of level info, for normal operation.
    fn info(&self, message: &str, fields: &[(&str, Json)]) {
        self.log(Level::Info, message, fields);
    }

    /// Logs a message of level warn, for what may need attention.
    fn warn(&self, message: &str, fields: &[(&str, Json)]) {
        self.log(Level::Warn, message, fields);
    }

    /// Logs a message of level error, and passes it to the notifier, if there is one.
    fn error(&self, message: &str, fields: &[(&str, Json)]) {
        self.log(Level::Error, message, fields);
    }

    /// Returns a logger with a request id.
    fn with_request_id(&self, id: &str) -> SharedLogger {
        self.with_fields(&[("request_id", id.into())])
    }

    /// Returns a logger with a tenant id.
    fn with_tenant_id(&self, id: &str) -> SharedLogger {
        self.with_fields(&[("tenant_id", id.into())])
    }

    /// Returns a logger with a user id.
    fn with_user_id(&self, id: &str) -> SharedLogger {
        self.with_fields(&[("user_id", id.into())])
    }

    /// Returns a logger with a trace id.
    fn with_trace_id(&self, id: &str) -> SharedLogger {
        self.with_fields(&[("trace_id", id.into())])
    }

    /// Returns a logger with a span id.
    fn with_span_id(&self, id: &str) -> SharedLogger {
        self.with_fields(&[("span_id", id.into())])
    }
}

/// Entries or notifications were lost.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum LogError {
    /// Lines could not be written.
    #[error("{count} lines could not be written: {why}")]
    NotWritten {
        /// The number of lines since the last flush.
        count: u64,
        /// The reason of the last failure.
        why: String,
    },
    /// Error notifications could not be sent.
    #[error("{count} error notifications could not be sent: {why}")]
    NotNotified {
        /// The number of notifications since the last flush.
        count: u64,
        /// The reason of the last failure.
        why: String,
    },
}

/// Statistics of a logger and the loggers derived from it.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize)]
pub struct LoggerStats {
    /// The time of the last flush.
    #[serde(serialize_with = "rfc3339")]
    pub last_flush: Option<Timestamp>,
    /// The last error; `None` after a later success.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_error: Option<String>,
    /// The number of entries that were logged.
    pub entries_logged: u64,
    /// The number of entries and notifications that were dropped because the queue was full or the
    /// logger closed.
    pub entries_dropped: u64,
    /// The number of flushes.
    pub flush_count: u64,
    /// The number of entries that could not be written, and of notifications that could not be
    /// sent.
    pub error_count: u64,
    /// The average duration of a flush; nanoseconds in JSON.
    #[serde(serialize_with = "nanoseconds")]
    pub average_flush_time: Duration,
}

fn rfc3339<S: serde::Serializer>(at: &Option<Timestamp>, serializer: S) -> Result<S::Ok, S::Error> {
    at.map(Timestamp::to_rfc3339).serialize(serializer)
}

fn nanoseconds<S: serde::Serializer>(time: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX).serialize(serializer)
}

/// The running statistics of a logger, and whether it is open.
#[derive(Debug, Default)]
pub(super) struct Tally(Mutex<Counts>);

#[derive(Debug, Default)]
struct Counts {
    stats: LoggerStats,
    flush_time: Duration,
    is_closed: bool,
}

impl Tally {
    /// Counts an entry; returns `false` if the logger is closed.
    pub(super) fn admits(&self) -> bool {
        let mut counts = self.lock();
        if counts.is_closed {
            counts.stats.entries_dropped += 1;
        }
        !counts.is_closed
    }

    pub(super) fn logged(&self) {
        self.lock().stats.entries_logged += 1;
    }

    pub(super) fn dropped(&self) {
        self.lock().stats.entries_dropped += 1;
    }

    pub(super) fn failed(&self, why: String) {
        let stats = &mut self.lock().stats;
        stats.error_count += 1;
        stats.last_error = Some(why);
    }

    pub(super) fn succeeded(&self) {
        self.lock().stats.last_error = None;
    }

    pub(super) fn flushed(&self, at: Timestamp, took: Duration) {
        let counts = &mut *self.lock();
        counts.stats.flush_count += 1;
        counts.stats.last_flush = Some(at);
        counts.flush_time += took;
        let count = u32::try_from(counts.stats.flush_count).unwrap_or(u32::MAX);
        counts.stats.average_flush_time = counts.flush_time / count.max(1);
    }

    pub(super) fn close(&self) {
        self.lock().is_closed = true;
    }

    pub(super) fn is_healthy(&self) -> bool {
        let counts = self.lock();
        !counts.is_closed && counts.stats.last_error.is_none()
    }

    pub(super) fn stats(&self) -> LoggerStats {
        self.lock().stats.clone()
    }

    fn lock(&self) -> MutexGuard<'_, Counts> {
        lock(&self.0)
    }
}

/// Merges fields; for equal names the later field counts.
pub(super) fn merged(bound: &Fields, fields: &[(&str, Json)]) -> Fields {
    let mut all = bound.clone();
    all.extend(fields.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
    all
}
