//! A writer for tests, public as `testkit::TestWriter`.
#![expect(clippy::panic, reason = "a failed expectation ends a test")]

use std::io::{self, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::Value;

/// Keeps what is written to it. Pass it to a log or to metrics in a test, and check the lines.
/// Clones share the same writer.
///
/// ```
/// use apptheory::metrics::Metrics;
/// use apptheory::testkit::TestWriter;
///
/// let written = TestWriter::default();
/// let metrics = Metrics::builder("Shop").writer(written.clone()).build()?;
/// let orders = metrics.counter("Orders")?;
///
/// orders.add(2);
/// metrics.flush();
/// assert_eq!(written.take_json()[0]["Orders"], 2);
/// assert_eq!(written.take(), "");
/// # Ok::<(), apptheory::metrics::Error>(())
/// ```
///
/// Logs write on a thread of their own: call [`logs::flush`](crate::logs::flush), or await the
/// logger's [`flush`](crate::logs::StructuredLogger::flush), before you check.
#[derive(Clone, Debug, Default)]
pub struct TestWriter(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    bytes: Vec<u8>,
    room: Option<usize>,
}

impl TestWriter {
    /// Returns, and removes, what was written so far.
    ///
    /// # Panics
    ///
    /// If it is not UTF-8.
    #[must_use]
    pub fn take(&self) -> String {
        let bytes = core::mem::take(&mut self.state().bytes);
        String::from_utf8(bytes)
            .unwrap_or_else(|error| panic!("the written bytes are not UTF-8: {error}"))
    }

    /// Returns, and removes, the JSON lines that were written so far.
    ///
    /// # Panics
    ///
    /// If a line is not JSON.
    #[must_use]
    pub fn take_json(&self) -> Vec<Value> {
        let read = |line: &str| {
            serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))
        };
        self.take().lines().map(read).collect()
    }

    /// Accepts at most `bytes` bytes from now on; further writes fail, as on a full disk. `None`
    /// removes the limit.
    pub fn set_room(&self, bytes: Option<usize>) {
        self.state().room = bytes;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing panics while the lock is held, so a poisoned lock is still consistent.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Write for TestWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut state = self.state();
        let len = state.room.unwrap_or(usize::MAX).min(bytes.len());
        if len == 0 && !bytes.is_empty() {
            return Err(io::Error::other("the disk is full"));
        }
        state.room = state.room.map(|room| room - len);
        state.bytes.extend_from_slice(&bytes[..len]);
        Ok(len)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
