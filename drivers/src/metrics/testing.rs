//! A writer to look into.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use serde_json::Value as Json;

/// What was written, or a writer that is closed.
#[derive(Clone, Default)]
pub(crate) struct Written {
    bytes: Arc<Mutex<Vec<u8>>>,
    is_closed: Arc<Mutex<bool>>,
}

impl Write for Written {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if *self.is_closed.lock().unwrap() {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        self.bytes.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Written {
    /// The lines that were written since the last time.
    pub(crate) fn lines(&self) -> Vec<Json> {
        let bytes = core::mem::take(&mut *self.bytes.lock().unwrap());
        let text = String::from_utf8(bytes).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// Refuses everything, or nothing any more.
    pub(crate) fn close(&self, is_closed: bool) {
        *self.is_closed.lock().unwrap() = is_closed;
    }
}
