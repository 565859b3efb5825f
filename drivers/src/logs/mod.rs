//! Logging: what an application says with `tracing`'s macros, as lines of JSON or text on the standard
//! error.
//!
//! This module decides which events become lines, when lines are written, and what becomes of those
//! that cannot be. What a line looks like is the business of [`observe::line`](crate::observe::line).
//!
//! [`start`](crate::start()) sets logging up. A program that does not use it calls [`init`], or makes its
//! own with [`Logs`]:
//!
//! ```
//! use apptheory::logs::{Format, Logs};
//!
//! Logs::from_env().format(Format::Json).debug_sample_rate(0.01).init();
//! tracing::info!(order = 7, pin = "1234", "paid");
//! // {"timestamp":"…","level":"INFO","message":"paid","order":7,"pin":"[REDACTED]","target":"shop"}
//! ```
//!
//! A line has the fields of the [spans](mod@tracing::span) in which its event happened, and then the
//! event's own. So every line of an invocation has its `request_id`, `trace_id`, `tenant_id`,
//! `cold_start` and `route`, as far as they are known. On Lambda `function` and `version` are added,
//! and everywhere `service`, if `SERVICE_NAME` is set. Each name is there once: of spans, the inner one's
//! value is written, and an event's own field whose name is taken is written as `field_…`, unless it says
//! the same.
//!
//! Failures are logged by themselves. A line for each request and event, too, is one call more:
//! `app.on_log(logs::record)`, see [`record`](record()).
//!
//! Nothing leaks by mistake: a [`Sanitizer`] decides by a field's name what is shown of its value, secrets
//! in messages are hidden, and a line stays one line. Logging never waits: a thread of its own writes the
//! lines, from a queue of bounded size. What did not fit is counted in [`stats`], and a line says so.
//! Each invocation of an application ends with a [`flush`], so that no line waits while Lambda freezes
//! the process.
//!
//! # Loggers as values
//!
//! Code that is given its logger takes a [`StructuredLogger`]. Its lines go to the standard output.
//!
//! | Logger | For |
//! |---|---|
//! | [`LoggerFactory::console`] | production: JSON on Lambda, text elsewhere; an [`ErrorNotifier`] gets its errors |
//! | [`LoggerFactory::profile`] | services whose lines have the fields of a [profile](crate::observe::profile) |
//! | [`TestLogger`] | tests, which look at what was logged |
//! | [`NoopLogger`] | logging nothing |
//!
//! [`set_logger`] makes one of them the logger of the process, which [`logger`](logger()) returns.

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

/// How lines are written.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Format {
    /// A JSON object: `timestamp`, `level`, `message`, fields, `target`.
    Json,
    /// Text for people: level, target, message, fields. It begins with the time, but for Lambda, which
    /// adds it; the level has a colour on a terminal.
    Text,
}

/// What became of the log lines of this process.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct LogStats {
    /// How many were written.
    pub written: u64,
    /// How many were dropped because the queue was full.
    pub dropped: u64,
    /// How many could not be written.
    pub failed: u64,
}

/// Writes `tracing` events to the standard error from here on, as the environment says. Returns `false`,
/// and changes nothing, where a `tracing` subscriber is set already.
///
/// | Variable | Meaning |
/// |---|---|
/// | `AWS_LAMBDA_LOG_FORMAT` | `JSON`, or `Text`, the default |
/// | `AWS_LAMBDA_LOG_LEVEL` | the lowest level that is logged: `TRACE`, `DEBUG`, `INFO`, the default, `WARN`, `ERROR` or `FATAL`, which is like `ERROR` |
/// | `RUST_LOG` | levels by target, such as `info,shop::orders=debug`, in place of `AWS_LAMBDA_LOG_LEVEL`; without a level of its own, as `info` here, every other target is silent |
/// | `SERVICE_NAME` | the field `service` of every line |
/// | `AWS_LAMBDA_FUNCTION_NAME`, `AWS_LAMBDA_FUNCTION_VERSION` | the fields `function` and `version` |
/// | `NO_COLOR` | set to anything: no colours on a terminal |
///
/// A value that cannot be read is named in a line of level `WARN`, and the default holds.
///
/// Panics become lines, too, of level `ERROR` and target `panic`, with their `location`; with their
/// `backtrace`, if `RUST_BACKTRACE` asks for it.
#[expect(clippy::must_use_candidate, reason = "who has set up logging before does not care")]
pub fn init() -> bool {
    Logs::from_env().init_if_none()
}

/// How long a flush takes at most.
const FLUSH_LIMIT: Duration = Duration::from_secs(1);

/// How long notifications of errors may take at the end of an invocation.
const NOTIFY_LIMIT: Duration = Duration::from_secs(3);

/// Waits until every line that was logged before is written or has failed, at most a second for each
/// log. Returns whether it is done. It blocks the thread: use it before a process ends. Invocations of
/// an application end with a flush of their own, and so does [`start`](crate::start()).
#[expect(clippy::must_use_candidate, reason = "a program that ends cannot wait any longer")]
pub fn flush() -> bool {
    queue::flush_all(FLUSH_LIMIT)
}

/// Returns what became of the lines that were logged so far. A log or logger that is dropped takes its
/// numbers along.
#[must_use]
pub fn stats() -> LogStats {
    queue::all_stats()
}

/// Waits as [`flush`] does, on a thread that may block, so that no other task waits; and sends
/// notifications that are due.
pub(crate) async fn flushed() {
    if !queue::flush_all(Duration::ZERO) {
        blocking(flush).await;
    }
    // What is not sent by then waits for the next invocation.
    before(SystemClock.sleep(NOTIFY_LIMIT), notify::send_due()).await;
}

/// Runs what blocks on a thread that may, if there is one.
async fn blocking(work: impl FnOnce() -> bool + Send + 'static) {
    match tokio::runtime::Handle::try_current() {
        // It fails only where the runtime ends, and then nobody waits.
        Ok(runtime) => drop(runtime.spawn_blocking(work).await),
        Err(_) => _ = work(),
    }
}

/// Locks what no panic leaves half-done.
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
