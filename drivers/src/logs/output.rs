//! The output of structured loggers.

use core::cell::Cell;
use core::fmt;
use core::sync::atomic::{AtomicU64, Ordering};
use core::time::Duration;
use std::io::Write;
use std::sync::Arc;

use apptheory_core::observe::LogEntry;
use apptheory_core::observe::line::{LineBuffer, LineFormat};

use super::logger::{LogError, LoggerStats, Tally};
use super::notify::Notifications;
use super::queue::Queue;
use super::warning::lost_lines;
use super::{FLUSH_LIMIT, blocking};
use crate::clock::{Clock as _, SharedClock};

/// The queue and statistics of a logger. Loggers that are derived from each other share one.
pub(super) struct Output {
    queue: Queue,
    tally: Arc<Tally>,
    clock: SharedClock,
    notifications: Option<Notifications>,
    /// The number of failed lines at the last flush.
    failed_before: AtomicU64,
}

thread_local! {
    static BUFFER: Cell<LineBuffer> = Cell::default();
}

/// Calls `write` with the thread's line buffer, or with a new one if another line is being written
/// or the thread is ending.
pub(super) fn with_buffer<T>(write: impl FnOnce(&mut LineBuffer) -> T) -> T {
    let mut buffer = BUFFER.try_with(Cell::take).unwrap_or_default();
    let written = write(&mut buffer);
    // A thread that ends keeps no buffer.
    let _ = BUFFER.try_with(|kept| kept.set(buffer));
    written
}

impl Output {
    pub(super) fn new(
        writer: impl Write + Send + 'static,
        max_lines: usize,
        format: LineFormat,
        clock: SharedClock,
        notifications: impl FnOnce(&Arc<Tally>) -> Option<Notifications>,
    ) -> Self {
        let tally = Arc::<Tally>::default();
        let queue = Queue::new(writer, max_lines, lost_lines(format, clock.clone()));
        let notifications = notifications(&tally);
        Self { queue, tally, clock, notifications, failed_before: AtomicU64::new(0) }
    }

    /// Returns whether the logger is open, and counts the entry.
    pub(super) fn admits(&self) -> bool {
        self.tally.admits()
    }

    pub(super) fn clock(&self) -> &SharedClock {
        &self.clock
    }

    pub(super) fn push(&self, line: &str) {
        if self.queue.push(line) {
            self.tally.logged();
        } else {
            self.tally.dropped();
        }
    }

    /// Records whether an entry could be encoded.
    pub(super) fn encoded(&self, outcome: Result<(), String>) {
        match outcome {
            Ok(()) => self.tally.succeeded(),
            Err(why) => self.tally.failed(why),
        }
    }

    /// Passes the entry to the notifier, if there is one.
    pub(super) fn notify(&self, entry: impl FnOnce() -> LogEntry) {
        if let Some(notifications) = &self.notifications {
            notifications.push(entry());
        }
    }

    pub(super) async fn flush(&self) -> Result<(), LogError> {
        let begun_at = self.clock.now();
        if !self.queue.flush(Duration::ZERO) {
            let queue = self.queue.clone();
            blocking(move || queue.flush(FLUSH_LIMIT)).await;
        }
        let notified = match &self.notifications {
            Some(notifications) => notifications.send_all().await,
            None => Ok(()),
        };
        let now = self.clock.now();
        self.tally.flushed(now, begun_at.until(now));

        let failed = self.queue.stats().failed;
        let count = failed - self.failed_before.swap(failed, Ordering::Relaxed).min(failed);
        if count == 0 {
            return notified;
        }
        let why = self.queue.failure().unwrap_or_default();
        Err(LogError::NotWritten { count, why })
    }

    pub(super) async fn close(&self) -> Result<(), LogError> {
        self.tally.close();
        self.flush().await
    }

    pub(super) fn is_healthy(&self) -> bool {
        self.tally.is_healthy() && !self.queue.is_failing()
    }

    pub(super) fn stats(&self) -> LoggerStats {
        let stats = self.tally.stats();
        let error_count = stats.error_count + self.queue.stats().failed;
        let failure = if self.queue.is_failing() { self.queue.failure() } else { None };
        LoggerStats { error_count, last_error: failure.or(stats.last_error), ..stats }
    }
}

/// Implements the methods of a [`StructuredLogger`](super::StructuredLogger) with its
/// `shared.output`; its `bound` fields are in every line.
macro_rules! by_output {
    () => {
        fn with_fields(&self, fields: &[(&str, Json)]) -> $crate::logs::SharedLogger {
            let bound = $crate::logs::logger::merged(&self.bound, fields).into();
            Arc::new(Self { shared: Arc::clone(&self.shared), bound })
        }

        fn flush(&self) -> $crate::logs::LoggerFuture<'_> {
            Box::pin(self.shared.output.flush())
        }

        fn close(&self) -> $crate::logs::LoggerFuture<'_> {
            Box::pin(self.shared.output.close())
        }

        fn is_healthy(&self) -> bool {
            self.shared.output.is_healthy()
        }

        fn stats(&self) -> $crate::logs::LoggerStats {
            self.shared.output.stats()
        }
    };
}

pub(super) use by_output;

impl fmt::Debug for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Output").field("stats", &self.stats()).finish_non_exhaustive()
    }
}
