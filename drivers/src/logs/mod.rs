//! Logging: writes `tracing` events as lines of JSON or text to the standard error.
//!
//! Needs the feature `logs`.
//!
//! This module selects events, queues their lines, and writes them.
//! [`observe::line`](crate::observe::line) describes the format of a line.
//!
//! [`start`](crate::start()) sets logging up. A program that does not use `start` calls [`init`],
//! or builds its own log with [`Logs`]:
//!
//! ```
//! use apptheory::logs::{Format, Logs};
//!
//! Logs::from_env().format(Format::Json).debug_sample_rate(0.01).init();
//! tracing::info!(order = 7, pin = "1234", "paid");
//! // {"timestamp":"…","level":"INFO","message":"paid","order":7,"pin":"[REDACTED]",…}
//! ```
//!
//! A line has the fields of the [spans](mod@tracing::span) around its event, and then the event's
//! own. So every line of an invocation has its `request_id`, `trace_id`, `tenant_id`, `cold_start`
//! and `route`, if known. On Lambda `function` and `version` are added, and `service` everywhere,
//! if `SERVICE_NAME` is set. Each name occurs once: the inner span's value is written, and an
//! event's own field whose name is taken is written as `field_…`, unless the values are equal.
//!
//! Failures are logged automatically. To also log a line for each request and event, add
//! `app.on_log(logs::record)`, see [`record`](record()).
//!
//! A [`Sanitizer`] decides by a field's name how much of its value is shown, secrets in messages
//! are hidden, and a line never spans several lines. Logging never waits: a thread writes the lines
//! from a bounded queue. Lines that do not fit are counted in [`stats`], and a line reports the
//! loss. Each invocation of an application ends with a [`flush`], so that no line waits while
//! Lambda freezes the process.
//!
//! # Loggers as values
//!
//! Code that is passed its logger takes a [`StructuredLogger`], which writes to the standard
//! output.
//!
//! | Logger | For |
//! |---|---|
//! | [`LoggerFactory::console`] | production: JSON on Lambda, text elsewhere; passes errors to an [`ErrorNotifier`] |
//! | [`LoggerFactory::profile`] | services whose lines have the fields of a [profile](crate::observe::profile) |
//! | [`TestLogger`] | tests that check what was logged |
//! | [`NoopLogger`] | logging nothing |
//!
//! [`set_logger`] sets the logger of the process, which [`logger`](logger()) returns.

mod builder;
mod console_logger;
mod env;
mod factory;
mod fields;
mod filter;
mod layer;
mod logger;
mod noop;
mod notify;
mod output;
mod panics;
mod profile_logger;
pub(crate) mod queue;
mod record;
mod test_logger;
#[cfg(test)]
mod tests;
mod warning;

use core::time::Duration;
use std::sync::{Mutex, MutexGuard, PoisonError};

#[doc(inline)]
pub use apptheory_core::observe::{LogEntry, LoggerConfig, LoggerConfigError};

pub use self::builder::Logs;
#[cfg(feature = "start")]
pub(crate) use self::builder::is_set;
pub use self::factory::LoggerFactory;
pub use self::logger::{LogError, LoggerFuture, LoggerStats, SharedLogger, StructuredLogger};
pub use self::noop::{NoopLogger, logger, set_logger};
pub use self::notify::{ErrorNotifier, NotifyError, NotifyFuture};
#[cfg(feature = "sns")]
pub use self::notify::{SnsNotifier, aws_sdk_sns};
pub use self::profile_logger::{ProfileLogger, RETAINED_LINES};
pub use self::record::{record, record_to};
pub use self::test_logger::TestLogger;
use crate::clock::{Clock as _, SystemClock, before};
#[cfg(doc)]
use crate::sanitize::Sanitizer;

/// The format of log lines.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Format {
    /// A JSON object: `timestamp`, `level`, `message`, fields, `target`.
    Json,
    /// Text for people: time (left out on Lambda, which adds it), level (colored on a terminal),
    /// target, message, fields.
    Text,
}

/// Statistics of the log lines of the process.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct LogStats {
    /// The number of lines that were written.
    pub written: u64,
    /// The number of lines that were dropped because the queue was full.
    pub dropped: u64,
    /// The number of lines that could not be written.
    pub failed: u64,
}

/// Writes `tracing` events to the standard error from now on, as configured by the environment.
/// Returns `false`, and changes nothing, if a `tracing` subscriber is already set.
///
/// | Variable | Meaning |
/// |---|---|
/// | `AWS_LAMBDA_LOG_FORMAT` | `JSON`, or `Text`, the default |
/// | `AWS_LAMBDA_LOG_LEVEL` | the least severe level that is logged: `TRACE`, `DEBUG`, `INFO` (the default), `WARN`, `ERROR` or `FATAL`, which is like `ERROR` |
/// | `RUST_LOG` | levels by target, such as `info,shop::orders=debug`, instead of `AWS_LAMBDA_LOG_LEVEL`; without a general level such as `info` here, all other targets are silent |
/// | `SERVICE_NAME` | the field `service` of every line |
/// | `AWS_LAMBDA_FUNCTION_NAME`, `AWS_LAMBDA_FUNCTION_VERSION` | the fields `function` and `version` |
/// | `NO_COLOR` | any value: no colors on a terminal |
///
/// A malformed value is reported by a line of level `WARN`, and the default applies.
///
/// Panics are logged with level `ERROR`, target `panic` and their `location`, and with a
/// `backtrace` if `RUST_BACKTRACE` asks for it.
#[expect(clippy::must_use_candidate, reason = "callers may not care who set logging up")]
pub fn init() -> bool {
    Logs::from_env().init_if_none()
}

/// The longest time that a flush takes.
const FLUSH_LIMIT: Duration = Duration::from_secs(1);

/// The longest time for error notifications at the end of an invocation.
const NOTIFY_LIMIT: Duration = Duration::from_secs(3);

/// Waits until all earlier lines are written or have failed, at most 1 s per log. Returns `false`
/// if the time was up. It blocks the thread: call it before a process ends. Invocations of an
/// application, and [`start`](crate::start()), flush by themselves.
#[expect(clippy::must_use_candidate, reason = "a program that ends cannot wait any longer")]
pub fn flush() -> bool {
    queue::flush_all(FLUSH_LIMIT)
}

/// Returns statistics of all lines so far. The numbers of a log or logger that was dropped are not
/// included.
#[must_use]
pub fn stats() -> LogStats {
    queue::all_stats()
}

/// Flushes as [`flush`] does, on a thread that may block, so that other tasks continue, and sends
/// due notifications.
pub(crate) async fn flushed() {
    if !queue::flush_all(Duration::ZERO) {
        blocking(flush).await;
    }
    // Notifications that are not sent by then wait for the next invocation.
    if let Some(sending) = notify::send_due() {
        before(SystemClock.sleep(NOTIFY_LIMIT), sending).await;
    }
}

/// Runs blocking work on a thread for it, if there is one.
async fn blocking(work: impl FnOnce() -> bool + Send + 'static) {
    match tokio::runtime::Handle::try_current() {
        // This fails only while the runtime ends, when nothing waits for the result.
        Ok(runtime) => drop(runtime.spawn_blocking(work).await),
        Err(_) => _ = work(),
    }
}

/// Locks data that no panic leaves half-changed.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl LogStats {
    const fn plus(self, other: Self) -> Self {
        Self {
            written: self.written.saturating_add(other.written),
            dropped: self.dropped.saturating_add(other.dropped),
            failed: self.failed.saturating_add(other.failed),
        }
    }
}
