//! Where log lines go.
//!
//! This module decides when lines are written, and what becomes of those that cannot be.

pub(crate) mod queue;

use core::time::Duration;

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

/// How long a flush takes at most.
const FLUSH_LIMIT: Duration = Duration::from_secs(1);

/// Waits until every line that was logged before is written, or could not be, but no longer than a
/// second; whether all is done. It blocks the thread: use it before a process ends. Invocations of an
/// application end with a flush of their own.
pub fn flush() -> bool {
    queue::flush_all(FLUSH_LIMIT)
}

/// Returns what became of the lines that were logged so far.
#[must_use]
pub fn stats() -> LogStats {
    queue::all_stats()
}

#[allow(dead_code, reason = "invocations end with it")]
/// Waits as [`flush`] does, without blocking the thread, until `limit` is over.
pub(crate) async fn flushed(limit: impl Future<Output = ()>) {
    let settled = core::pin::pin!(queue::all_settled());
    futures_util::future::select(settled, core::pin::pin!(limit)).await;
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
