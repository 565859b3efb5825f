//! Server-sent events: writing, keep-alive and reading.
//!
//! This module implements the WHATWG `text/event-stream` format in both directions. It has no
//! connections and clocks: bytes are appended to the caller's buffer and arrive in any pieces, and
//! the time is an argument.
//!
//! Data cannot forge events: it is split at every line end that a reader recognizes, and line ends
//! and NUL are removed from ids and types.
//!
//! ```
//! use apptheory_core::stream::sse::{SseEvent, SseFramer, SseParser};
//! use apptheory_core::time::Timestamp;
//!
//! let (now, mut wire) = (Timestamp::UNIX_EPOCH, Vec::new());
//! let mut framer = SseFramer::new(SseFramer::KEEP_ALIVE, now);
//! framer.handle_event(&SseEvent::new("hello\nworld").with_id("7"), now, &mut wire)?;
//! let later = framer.poll_timeout().expect("a comment is due, if nothing is sent before");
//! framer.handle_timeout(later, &mut wire);
//! assert_eq!(wire, b"id: 7\ndata: hello\ndata: world\n\n: keep-alive\n\n");
//!
//! let mut messages = Vec::new();
//! SseParser::new(1024).handle_bytes(&wire, &mut messages)?;
//! assert_eq!((&*messages[0].data, &*messages[0].last_event_id), ("hello\nworld", "7"));
//! # Ok::<(), Box<dyn core::error::Error>>(())
//! ```

mod event;
mod framer;
mod parser;
mod response;

pub use event::{SseEvent, write_comment};
pub use framer::{SseClosed, SseFramer};
pub use parser::{SseMessage, SseParser, SseTooLong};

/// Returns whether a byte ends a line for a reader; CR and LF together end one line.
const fn is_line_end(b: u8) -> bool {
    matches!(b, b'\r' | b'\n')
}
