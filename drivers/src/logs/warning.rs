//! Warnings of a log about itself.

use apptheory_core::observe::Level;
use apptheory_core::observe::line::{LineBuffer, LineFormat, LineHead};
use apptheory_core::sanitize::Sanitizer;
use apptheory_core::time::Timestamp;

use crate::clock::Clock;

/// Returns a warning, without a line end.
pub(super) fn warning(format: LineFormat, at: Timestamp, message: &str) -> String {
    warning_with(format, at, message, None)
}

/// Returns a function that writes the warning about a number of lost lines.
pub(super) fn lost_lines(
    format: LineFormat,
    clock: impl Clock + 'static,
) -> impl Fn(u64) -> String + Send + 'static {
    let message = "log lines were lost: the queue was full, or they could not be written";
    move |lost| warning_with(format, clock.now(), message, Some(lost))
}

fn warning_with(format: LineFormat, at: Timestamp, message: &str, lost: Option<u64>) -> String {
    let (mut buffer, sanitizer) = (LineBuffer::default(), Sanitizer::new());
    let head = LineHead { at, level: Level::Warn, target: "apptheory::logs", message };
    let mut line = buffer.begin(format, &sanitizer, head);
    if let Some(lost) = lost {
        line.field("lost_lines", lost);
    }
    line.end().to_owned()
}
