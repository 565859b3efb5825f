//! A queue of log lines, and the thread that writes them.

#[cfg(test)]
mod tests;

use core::cell::Cell;
use core::fmt;
use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, PoisonError, Weak};
use std::thread;
use std::time::Duration;

use super::{LogStats, lock};

/// The most bytes that may wait, beside the most lines.
const MAX_BYTES: usize = 16 * 1024 * 1024;

/// How much memory is kept for the next lines.
const KEPT_BYTES: usize = 1024 * 1024;

/// Lines that wait to be written, in order. [Pushing](Self::push) never waits for the writer: lines
/// that do not fit are dropped, and counted. As soon as there is room, a line reports the loss.
///
/// The thread ends when the last clone is dropped and all lines are written. On systems without
/// threads, the pushing thread writes its line.
#[derive(Clone, Debug)]
pub(crate) struct Queue(Arc<Handle>);

#[derive(Debug)]
struct Handle {
    shared: Arc<Shared>,
    has_thread: bool,
}

struct Shared {
    capacity: u64,
    state: Mutex<State>,
    /// Signals a new line, or that the queue is closed.
    has_come: Condvar,
    /// Signals that lines were written or have failed.
    is_settled: Condvar,
    sink: Mutex<Sink>,
}

#[derive(Default)]
struct State {
    pending: Vec<u8>,
    /// The number of pending lines.
    lines: u64,
    /// The number of lines that were accepted so far.
    accepted: u64,
    /// The number of lost lines that no line has reported yet.
    unsaid: u64,
    /// The error of the last lines that could not be written.
    failure: Option<String>,
    /// Whether the last write failed.
    is_failing: bool,
    is_closed: bool,
    stats: LogStats,
}

/// Creates the line that reports lost lines.
type SayLost = Box<dyn Fn(u64) -> String + Send>;

struct Sink {
    writer: Box<dyn Write + Send>,
    say_lost: SayLost,
    batch: Vec<u8>,
}

thread_local! {
    /// Whether this thread is in a writer.
    static IS_WRITING: Cell<bool> = const { Cell::new(false) };
}

/// Returns whether this thread is in the writer of a queue, whose own events cannot be logged.
pub(super) fn is_writing() -> bool {
    IS_WRITING.get()
}

/// All queues of the process, for the end of an invocation.
static QUEUES: Mutex<Vec<Weak<Shared>>> = Mutex::new(Vec::new());

impl Queue {
    /// Creates a queue of at least one line, and starts its thread.
    pub(crate) fn new(
        writer: impl Write + Send + 'static,
        capacity: usize,
        say_lost: impl Fn(u64) -> String + Send + 'static,
    ) -> Self {
        let queue = Self::on(Shared::new(writer, capacity, say_lost), Shared::start_thread);
        let mut queues = lock(&QUEUES);
        queues.retain(|queue| queue.strong_count() > 0);
        queues.push(Arc::downgrade(&queue.0.shared));
        queue
    }

    /// Creates a queue; `start` returns whether there is a thread.
    fn on(shared: Shared, start: impl FnOnce(Arc<Shared>) -> bool) -> Self {
        let shared = Arc::new(shared);
        let has_thread = start(Arc::clone(&shared));
        Self(Arc::new(Handle { shared, has_thread }))
    }

    /// Appends a line, and its line end; returns `false` if it does not fit.
    pub(crate) fn push(&self, line: &str) -> bool {
        let Handle { shared, has_thread } = &*self.0;
        let Some(is_first) = shared.accept(line) else { return false };
        if !has_thread {
            shared.write_pending();
        } else if is_first {
            shared.has_come.notify_one();
        }
        true
    }

    /// Waits until all earlier lines are written or have failed, for at most `limit`; returns
    /// `false` if the time was up.
    pub(crate) fn flush(&self, limit: Duration) -> bool {
        self.0.shared.flush(limit)
    }

    pub(crate) fn stats(&self) -> LogStats {
        lock(&self.0.shared.state).stats
    }

    /// Returns the error of the last lines that could not be written.
    pub(super) fn failure(&self) -> Option<String> {
        lock(&self.0.shared.state).failure.clone()
    }

    /// Returns whether the last write failed.
    pub(super) fn is_failing(&self) -> bool {
        lock(&self.0.shared.state).is_failing
    }
}

/// Flushes all queues, each for at most `limit`; returns `false` if a queue's time was up.
pub(super) fn flush_all(limit: Duration) -> bool {
    all().iter().filter(|queue| !queue.flush(limit)).count() == 0
}

/// Returns the sum of the statistics of all queues.
pub(super) fn all_stats() -> LogStats {
    all().iter().map(|queue| lock(&queue.state).stats).fold(LogStats::default(), LogStats::plus)
}

fn all() -> Vec<Arc<Shared>> {
    lock(&QUEUES).iter().filter_map(Weak::upgrade).collect()
}

impl Drop for Handle {
    fn drop(&mut self) {
        lock(&self.shared.state).is_closed = true;
        self.shared.has_come.notify_one();
    }
}

impl Shared {
    fn new(
        writer: impl Write + Send + 'static,
        capacity: usize,
        say_lost: impl Fn(u64) -> String + Send + 'static,
    ) -> Self {
        Self {
            capacity: u64::try_from(capacity.max(1)).unwrap_or(u64::MAX),
            state: Mutex::default(),
            has_come: Condvar::new(),
            is_settled: Condvar::new(),
            sink: Mutex::new(Sink {
                writer: Box::new(writer),
                say_lost: Box::new(say_lost),
                batch: Vec::new(),
            }),
        }
    }

    fn start_thread(self: Arc<Self>) -> bool {
        let writing = move || self.write_until_closed();
        thread::Builder::new().name("log-writer".into()).spawn(writing).is_ok()
    }

    /// Accepts a line, and returns whether it is the only one; `None` if it does not fit.
    fn accept(&self, line: &str) -> Option<bool> {
        let mut state = lock(&self.state);
        let bytes = state.pending.len().saturating_add(line.len());
        if state.lines >= self.capacity || bytes >= MAX_BYTES || is_writing() {
            state.stats.dropped = state.stats.dropped.saturating_add(1);
            state.unsaid = state.unsaid.saturating_add(1);
            return None;
        }
        state.pending.extend_from_slice(line.as_bytes());
        state.pending.push(b'\n');
        state.lines = state.lines.saturating_add(1);
        state.accepted = state.accepted.saturating_add(1);
        Some(state.lines == 1)
    }

    fn write_until_closed(&self) {
        loop {
            let state = lock(&self.state);
            let is_idle = |state: &mut State| state.lines == 0 && !state.is_closed;
            let waited = self.has_come.wait_while(state, is_idle);
            if waited.unwrap_or_else(PoisonError::into_inner).lines == 0 {
                return;
            }
            self.write_pending();
        }
    }

    /// Writes the pending lines in one piece. New lines are accepted meanwhile.
    fn write_pending(&self) {
        let mut sink = lock(&self.sink);
        let Sink { writer, say_lost, batch } = &mut *sink;
        let mut state = lock(&self.state);
        if state.lines == 0 {
            return;
        }
        core::mem::swap(&mut state.pending, batch);
        let lines = core::mem::take(&mut state.lines);
        let unsaid = core::mem::take(&mut state.unsaid);
        drop(state);

        // The writer is application code, and may panic; later lines are still written.
        IS_WRITING.set(true);
        let writing = catch_unwind(AssertUnwindSafe(|| {
            if unsaid > 0 {
                batch.extend_from_slice(say_lost(unsaid).as_bytes());
                batch.push(b'\n');
            }
            writer.write_all(batch).and_then(|()| writer.flush())
        }));
        IS_WRITING.set(false);
        batch.clear();
        batch.shrink_to(KEPT_BYTES);

        let failure = match writing {
            Ok(Ok(())) => None,
            Ok(Err(error)) => Some(error.to_string()),
            Err(_) => Some("the writer panicked".to_owned()),
        };
        let mut state = lock(&self.state);
        state.is_failing = failure.is_some();
        if failure.is_some() {
            state.stats.failed = state.stats.failed.saturating_add(lines);
            state.unsaid = state.unsaid.saturating_add(unsaid).saturating_add(lines);
            state.failure = failure;
        } else {
            state.stats.written = state.stats.written.saturating_add(lines);
        }
        drop(state);
        self.is_settled.notify_all();
    }

    fn flush(&self, limit: Duration) -> bool {
        let state = lock(&self.state);
        let accepted = state.accepted;
        let is_pending = |state: &mut State| !state.has_settled(accepted);
        let waited = self.is_settled.wait_timeout_while(state, limit, is_pending);
        !waited.unwrap_or_else(PoisonError::into_inner).1.timed_out()
    }
}

impl State {
    /// Returns whether the first `accepted` lines were written or have failed.
    const fn has_settled(&self, accepted: u64) -> bool {
        self.stats.written.saturating_add(self.stats.failed) >= accepted
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let stats = lock(&self.state).stats;
        f.debug_struct("Queue").field("stats", &stats).finish_non_exhaustive()
    }
}
