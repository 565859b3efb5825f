//! A queue of log lines, and the thread that writes them.

use core::cell::Cell;
use core::fmt;
use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::thread;
use std::time::Duration;

use super::LogStats;

/// How many bytes wait at most, besides how many lines.
const MOST_BYTES: usize = 16 * 1024 * 1024;

/// How much memory is kept for the next lines.
const KEPT_BYTES: usize = 1024 * 1024;

/// Lines that wait to be written, in order. Nobody who [pushes](Self::push) one waits for the writer:
/// what has no room is dropped, and counted. As soon as there is room again, a line says so.
///
/// The thread ends when the last clone is dropped and what waits is written. Where there are no threads,
/// whoever pushes a line writes it.
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
    /// A line has come, or the queue is closed.
    has_come: Condvar,
    /// Lines have been settled.
    is_settled: Condvar,
    sink: Mutex<Sink>,
}

#[derive(Default)]
struct State {
    pending: Vec<u8>,
    /// How many lines are pending.
    lines: u64,
    /// How many lines have come, but for those that were dropped.
    accepted: u64,
    /// How many lines were lost, and no line has said so yet.
    unsaid: u64,
    is_closed: bool,
    stats: LogStats,
}

/// Writes the line that says how many lines were lost.
type Notice = Box<dyn Fn(u64, &mut String) + Send>;

struct Sink {
    writer: Box<dyn Write + Send>,
    notice: Notice,
    batch: Vec<u8>,
}

thread_local! {
    /// Whether this thread is in a writer.
    static IS_WRITING: Cell<bool> = const { Cell::new(false) };
}

/// Whether this thread is in the writer of a queue: what that logs cannot be written.
pub(super) fn is_writing() -> bool {
    IS_WRITING.get()
}

/// All queues that there are, for the end of an invocation.
static QUEUES: Mutex<Vec<Weak<Shared>>> = Mutex::new(Vec::new());

impl Queue {
    /// Makes a queue of so many lines, at least one, and starts its thread.
    pub(crate) fn new(
        writer: impl Write + Send + 'static,
        capacity: usize,
        notice: impl Fn(u64, &mut String) + Send + 'static,
    ) -> Self {
        let queue = Self::on(Shared::new(writer, capacity, notice), Shared::start_thread);
        let mut queues = lock(&QUEUES);
        queues.retain(|queue| queue.strong_count() > 0);
        queues.push(Arc::downgrade(&queue.0.shared));
        queue
    }

    /// Makes a queue; `start` says whether there is a thread.
    fn on(shared: Shared, start: impl FnOnce(Arc<Shared>) -> bool) -> Self {
        let shared = Arc::new(shared);
        let has_thread = start(Arc::clone(&shared));
        Self(Arc::new(Handle { shared, has_thread }))
    }

    /// Appends a line, which gets its line end here; whether there was room for it.
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

    /// Waits until everything that was pushed before is settled, but no longer than `limit`; whether it
    /// is.
    pub(crate) fn flush(&self, limit: Duration) -> bool {
        self.0.shared.flush(limit)
    }

    pub(crate) fn stats(&self) -> LogStats {
        lock(&self.0.shared.state).stats
    }
}

/// Waits for all queues, each no longer than `limit`; whether all is settled.
pub(super) fn flush_all(limit: Duration) -> bool {
    all().iter().filter(|queue| !queue.flush(limit)).count() == 0
}

/// What became of the lines of all queues.
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
        notice: impl Fn(u64, &mut String) + Send + 'static,
    ) -> Self {
        Self {
            capacity: u64::try_from(capacity.max(1)).unwrap_or(u64::MAX),
            state: Mutex::default(),
            has_come: Condvar::new(),
            is_settled: Condvar::new(),
            sink: Mutex::new(Sink {
                writer: Box::new(writer),
                notice: Box::new(notice),
                batch: Vec::new(),
            }),
        }
    }

    fn start_thread(self: Arc<Self>) -> bool {
        let writing = move || self.write_until_closed();
        thread::Builder::new().name("log-writer".into()).spawn(writing).is_ok()
    }

    /// Takes a line; whether it is the only one, or `None` if there was no room.
    fn accept(&self, line: &str) -> Option<bool> {
        let mut state = lock(&self.state);
        let bytes = state.pending.len().saturating_add(line.len());
        if state.lines >= self.capacity || bytes >= MOST_BYTES || is_writing() {
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

    /// Writes what waits, in one piece. New lines come while it is written.
    fn write_pending(&self) {
        let mut sink = lock(&self.sink);
        let Sink { writer, notice, batch } = &mut *sink;
        let mut state = lock(&self.state);
        if state.lines == 0 {
            return;
        }
        core::mem::swap(&mut state.pending, batch);
        let lines = core::mem::take(&mut state.lines);
        let unsaid = core::mem::take(&mut state.unsaid);
        drop(state);

        // The writer and the notice are the application's, and may panic; the next lines are written.
        IS_WRITING.set(true);
        let writing = catch_unwind(AssertUnwindSafe(|| {
            if unsaid > 0 {
                let mut line = String::new();
                notice(unsaid, &mut line);
                line.push('\n');
                batch.extend_from_slice(line.as_bytes());
            }
            writer.write_all(batch).and_then(|()| writer.flush())
        }));
        IS_WRITING.set(false);
        batch.clear();
        batch.shrink_to(KEPT_BYTES);

        let mut state = lock(&self.state);
        if matches!(writing, Ok(Ok(()))) {
            state.stats.written = state.stats.written.saturating_add(lines);
        } else {
            state.stats.failed = state.stats.failed.saturating_add(lines);
            state.unsaid = state.unsaid.saturating_add(unsaid).saturating_add(lines);
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
    /// Whether the first so many lines were written, or could not be.
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

/// Nothing here is left half-done by a panic.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::mpsc::{Receiver, Sender, channel};

    use super::*;

    const LONG: Duration = Duration::from_secs(60);

    /// A writer that hands over what it is given, and waits for what it is to answer.
    struct Scripted {
        given: Sender<String>,
        answers: Receiver<io::Result<()>>,
    }

    impl Write for Scripted {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.given.send(String::from_utf8(bytes.to_vec()).unwrap()).unwrap();
            self.answers.recv().unwrap().map(|()| bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn scripted() -> (Scripted, Receiver<String>, Sender<io::Result<()>>) {
        let (given, written) = channel();
        let (answer, answers) = channel();
        (Scripted { given, answers }, written, answer)
    }

    /// A queue of two lines that nobody else flushes.
    fn queue(writer: impl Write + Send + 'static) -> Queue {
        Queue::on(Shared::new(writer, 2, lost), Shared::start_thread)
    }

    fn lost(count: u64, line: &mut String) {
        line.push_str(&format!("{count} lost"));
    }

    fn stats(written: u64, dropped: u64, failed: u64) -> LogStats {
        LogStats { written, dropped, failed }
    }

    #[test]
    fn lines_are_written_in_order_and_those_without_room_are_counted_and_said() {
        let (writer, written, answer) = scripted();
        let queue = queue(writer);
        assert!(queue.push("a"));
        assert_eq!(written.recv().unwrap(), "a\n"); // and the writer is busy with it
        assert!(queue.push("b") && queue.push("c"));
        assert!(!queue.push("d") && !queue.push("e"));
        assert!(!queue.flush(Duration::ZERO));
        assert_eq!(queue.stats(), stats(0, 2, 0));

        answer.send(Ok(())).unwrap();
        assert_eq!(written.recv().unwrap(), "b\nc\n2 lost\n");
        assert!(queue.push("f")); // there is room while it writes
        answer.send(Ok(())).unwrap();
        answer.send(Ok(())).unwrap();
        assert!(queue.flush(LONG));
        assert_eq!(written.recv().unwrap(), "f\n"); // what was said is not said again
        assert_eq!(queue.stats(), stats(4, 2, 0));
    }

    #[test]
    fn lines_that_cannot_be_written_are_counted_and_said() {
        let (writer, written, answer) = scripted();
        let queue = queue(writer);
        for line in ["a", "b"] {
            assert!(queue.push(line));
            answer.send(Err(io::ErrorKind::BrokenPipe.into())).unwrap();
            assert!(queue.flush(LONG));
        }
        assert!(queue.push("c"));
        answer.send(Ok(())).unwrap();
        assert!(queue.flush(LONG));
        assert_eq!(queue.stats(), stats(1, 0, 2));
        let written: Vec<String> = written.try_iter().collect();
        assert_eq!(written, ["a\n", "b\n1 lost\n", "c\n2 lost\n"]);
    }

    #[test]
    fn a_writer_that_panics_loses_its_lines_alone() {
        struct Panics(bool);
        impl Write for Panics {
            fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
                assert!(core::mem::replace(&mut self.0, true), "a writer's mistake");
                Ok(bytes.len())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let queue = queue(Panics(false));
        for line in ["a", "b"] {
            assert!(queue.push(line) && queue.flush(LONG));
        }
        assert_eq!(queue.stats(), stats(1, 0, 1));
    }

    #[test]
    fn what_a_writer_logs_itself_is_dropped() {
        struct Chatty(Arc<Mutex<Option<Queue>>>);
        impl Write for Chatty {
            fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
                assert!(!lock(&self.0).as_ref().unwrap().push("written"));
                Ok(bytes.len())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        for has_thread in [true, false] {
            let itself = Arc::<Mutex<Option<Queue>>>::default();
            let shared = Shared::new(Chatty(Arc::clone(&itself)), 2, lost);
            let queue = Queue::on(shared, |shared| has_thread && shared.start_thread());
            *lock(&itself) = Some(queue.clone());
            assert!(queue.push("a") && queue.flush(LONG));
            assert_eq!(queue.stats(), stats(1, 1, 0));
            *lock(&itself) = None;
        }
    }

    #[test]
    fn without_threads_whoever_pushes_writes() {
        let (writer, written, answer) = scripted();
        let queue = Queue::on(Shared::new(writer, 2, lost), |_| false);
        answer.send(Ok(())).unwrap();
        assert!(queue.push("a"));
        assert_eq!(written.try_recv().unwrap(), "a\n");
        assert!(queue.flush(Duration::ZERO));
        assert_eq!(queue.stats(), stats(1, 0, 0));
    }

    #[test]
    fn what_waits_is_written_when_the_last_handle_is_dropped_and_the_writer_ends() {
        let (writer, written, answer) = scripted();
        let queue = queue(writer);
        let other = queue.clone();
        assert!(queue.push("a"));
        assert_eq!(written.recv().unwrap(), "a\n");
        assert!(other.push("b"));
        drop((queue, other));
        answer.send(Ok(())).unwrap();
        answer.send(Ok(())).unwrap();
        assert_eq!(written.recv().unwrap(), "b\n");
        assert!(written.recv().is_err()); // the thread dropped its writer
    }
}
