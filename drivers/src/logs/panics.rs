//! Logging panics.

use std::backtrace::{Backtrace, BacktraceStatus};
use std::panic::{set_hook, take_hook};

use tracing::{Level, enabled, error};

use super::{flush, queue};

/// Logs panics in sanitized lines instead of printing them, and waits until they are written,
/// because the process may end. A panic that the log does not take is printed as before.
pub(super) fn log_panics() {
    let print = take_hook();
    set_hook(Box::new(move |panic| {
        if queue::is_writing() || !enabled!(target: "panic", Level::ERROR) {
            return print(panic);
        }
        let message = panic.payload_as_str().unwrap_or("a value that is not a text");
        let location = panic.location().map(ToString::to_string);
        let trace = Backtrace::capture();
        let is_traced = trace.status() == BacktraceStatus::Captured;
        let backtrace = is_traced.then(|| trace.to_string());
        error!(target: "panic", location, backtrace, "panicked: {message}");
        flush();
    }));
}
