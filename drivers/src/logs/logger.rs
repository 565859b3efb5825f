//! What all structured loggers have in common.

use core::fmt;
use core::pin::Pin;
use core::time::Duration;
use std::sync::{Arc, Mutex, MutexGuard};

use apptheory_core::observe::{Fields, Level};
use apptheory_core::time::Timestamp;
use serde::Serialize;
use serde_json::Value as Json;

use super::lock;

/// A logger of any kind. Clones are the same logger.
pub type SharedLogger = Arc<dyn StructuredLogger>;

/// What [`StructuredLogger::flush`] and [`StructuredLogger::close`] return.
pub type LoggerFuture<'l> = Pin<Box<dyn Future<Output = Result<(), LogError>> + Send + 'l>>;

/// Logs messages with fields. Use it where code is given its logger, and tests look at what it logged;
/// elsewhere `tracing` does the same with less.
///
/// Of two fields of one name the later one stays: those of a call after those of the logger. A logger
/// never fails and never blocks: what it cannot log is in its [`stats`](Self::stats).
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
    /// Logs a message with fields, at a level.
    fn log(&self, level: Level, message: &str, fields: &[(&str, Json)]);

    /// Returns a logger with further fields, which writes where this one does.
    fn with_fields(&self, fields: &[(&str, Json)]) -> SharedLogger;

    /// Waits until everything that was logged before is written, and notifications of errors are sent.
    /// Dropping the future loses nothing.
    ///
    /// # Errors
    ///
    /// [`LogError`] when some of it could not be.
    fn flush(&self) -> LoggerFuture<'_>;

    /// Ends this logger and all that it was derived from or to, and flushes. What is logged afterwards is
    /// dropped, and counted.
    ///
    /// # Errors
    ///
    /// [`LogError`] as for [`flush`](Self::flush).
    fn close(&self) -> LoggerFuture<'_>;

    /// Whether it is open, and what it did last succeeded.
    fn is_healthy(&self) -> bool;

    /// Returns what became of all that was logged.
    fn stats(&self) -> LoggerStats;

    /// Logs what helps to find a mistake.
    fn debug(&self, message: &str, fields: &[(&str, Json)]) {
        self.log(Level::Debug, message, fields);
    }

    /// Logs that all is well.
    fn info(&self, message: &str, fields: &[(&str, Json)]) {
        self.log(Level::Info, message, fields);
    }

    /// Logs what should be looked at.
    fn warn(&self, message: &str, fields: &[(&str, Json)]) {
        self.log(Level::Warn, message, fields);
    }

    /// Logs what went wrong. Where there is a notifier, it is given the entry.
    fn error(&self, message: &str, fields: &[(&str, Json)]) {
        self.log(Level::Error, message, fields);
    }

    /// Returns a logger of a request.
    fn with_request_id(&self, id: &str) -> SharedLogger {
        self.with_fields(&[("request_id", id.into())])
    }

    /// Returns a logger of a tenant.
    fn with_tenant_id(&self, id: &str) -> SharedLogger {
        self.with_fields(&[("tenant_id", id.into())])
    }

    /// Returns a logger of a user.
    fn with_user_id(&self, id: &str) -> SharedLogger {
        self.with_fields(&[("user_id", id.into())])
    }

    /// Returns a logger of a trace.
    fn with_trace_id(&self, id: &str) -> SharedLogger {
        self.with_fields(&[("trace_id", id.into())])
    }

    /// Returns a logger of a span.
    fn with_span_id(&self, id: &str) -> SharedLogger {
        self.with_fields(&[("span_id", id.into())])
    }
}

/// Some of what was logged was not written, or not sent.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum LogError {
    /// Lines could not be written.
    #[error("{count} lines could not be written: {why}")]
    NotWritten {
        /// How many, since the last flush.
        count: u64,
        /// Why the last one could not.
        why: String,
    },
    /// Notifications of errors could not be sent.
    #[error("{count} notifications of errors could not be sent: {why}")]
    NotNotified {
        /// How many, since the last flush.
        count: u64,
        /// Why the last one could not.
        why: String,
    },
}

/// What became of all that a logger was given, and those derived from it.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize)]
pub struct LoggerStats {
    /// When it was flushed last.
    #[serde(serialize_with = "rfc3339")]
    pub last_flush: Option<Timestamp>,
    /// What went wrong last; nothing once it went well again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_error: Option<String>,
    /// How many entries were logged.
    pub entries_logged: u64,
    /// How many entries and notifications were dropped, because there was no room or it was closed.
    pub entries_dropped: u64,
    /// How often it was flushed.
    pub flush_count: u64,
    /// How many entries could not be written, and how many notifications not be sent.
    pub error_count: u64,
    /// How long a flush took on average; nanoseconds in JSON.
    #[serde(serialize_with = "nanoseconds")]
    pub average_flush_time: Duration,
}

fn rfc3339<S: serde::Serializer>(at: &Option<Timestamp>, serializer: S) -> Result<S::Ok, S::Error> {
    at.map(Timestamp::to_rfc3339).serialize(serializer)
}

fn nanoseconds<S: serde::Serializer>(time: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX).serialize(serializer)
}

/// The statistics of a logger while it counts, and whether it is open.
#[derive(Debug, Default)]
pub(super) struct Tally(Mutex<Counts>);

#[derive(Debug, Default)]
struct Counts {
    stats: LoggerStats,
    flush_time: Duration,
    is_closed: bool,
}

impl Tally {
    /// Counts an entry; whether the logger takes it, or is closed.
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

/// The fields with further ones; of two of one name the later one stays.
pub(super) fn merged(bound: &Fields, fields: &[(&str, Json)]) -> Fields {
    let mut all = bound.clone();
    all.extend(fields.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
    all
}
