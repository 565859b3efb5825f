//! A writer for tests, public as `testkit::TestWriter`.
#![expect(clippy::panic, reason = "a test ends where an expectation does not hold")]

use std::io::{self, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::Value;

/// Keeps what is written to it: give it to a log or to metrics in a test, and look at their lines.
/// Clones are the same writer.
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
/// Logs write on a thread of their own: call [`logs::flush`](crate::logs::flush), or wait for the
/// logger's [`flush`](crate::logs::StructuredLogger::flush), before you look.
#[derive(Clone, Debug, Default)]
pub struct TestWriter(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    bytes: Vec<u8>,
    room: Option<usize>,
}

impl TestWriter {
    /// Returns what was written since it was last taken.
    ///
    /// # Panics
    ///
    /// When it is no UTF-8.
    #[must_use]
    pub fn take(&self) -> String {
        let bytes = core::mem::take(&mut self.state().bytes);
        String::from_utf8(bytes)
            .unwrap_or_else(|error| panic!("what was written is no text: {error}"))
    }

    /// Returns the lines that were written since they were last taken, each of which is JSON.
    ///
    /// # Panics
    ///
    /// When one is not.
    #[must_use]
    pub fn take_json(&self) -> Vec<Value> {
        let read = |line: &str| {
            serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))
        };
        self.take().lines().map(read).collect()
    }

    /// Has room for so many bytes from here on, and fails what goes beyond them, as a full disk
    /// does. `None` is room for everything.
    pub fn set_room(&self, bytes: Option<usize>) {
        self.state().room = bytes;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing panics while it is locked: poisoning says nothing here.
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
