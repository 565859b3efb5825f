//! Parses server-sent events.

use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::mem;
use core::time::Duration;

use super::is_line_end;
use crate::printing::prints;

/// A received server-sent event.
#[derive(Clone, Eq, PartialEq)]
pub struct SseMessage {
    /// The event's type; `message` if the sender set none.
    pub event: String,
    /// The event's lines, joined by LF.
    pub data: String,
    /// The sender's last id, of this event or an earlier one; empty before the first.
    pub last_event_id: Arc<str>,
}

prints!(SseMessage: event);

/// Parses a stream of events by the rules of the HTML standard (§9.2.6), from bytes in any pieces.
///
/// A message is returned as soon as the blank line after it was read. An unfinished event at the
/// end of the connection is dropped: drop the parser, and reconnect after [`retry`](Self::retry)
/// with [`last_event_id`](Self::last_event_id).
///
/// Memory is bounded: lines and the data of events may not exceed a limit; a parser holds at most a
/// line, data, a type and two ids.
#[derive(Clone)]
pub struct SseParser {
    max_bytes: usize,
    line: Vec<u8>,
    is_after_cr: bool,
    is_first_line: bool,
    is_overrun: bool,
    event: String,
    /// Each line is followed by LF, so that an empty line differs from no line.
    data: String,
    id: Arc<str>,
    last_event_id: Arc<str>,
    retry: Option<Duration>,
}

prints!(SseParser: max_bytes, is_overrun, retry);

impl SseParser {
    /// Creates a parser at the start of a stream. `max_bytes` limits each line, without its end,
    /// and the data of each event.
    #[must_use]
    pub fn new(max_bytes: usize) -> Self {
        Self {
            max_bytes,
            line: Vec::new(),
            is_after_cr: false,
            is_first_line: true,
            is_overrun: false,
            event: String::new(),
            data: String::new(),
            id: Arc::default(),
            last_event_id: Arc::default(),
            retry: None,
        }
    }

    /// Parses bytes, and appends completed messages to `out`. Invalid UTF-8 becomes U+FFFD.
    ///
    /// # Errors
    ///
    /// [`SseTooLong`] for a line or data over the limit. Earlier messages are in `out`; every
    /// further call fails.
    pub fn handle_bytes(
        &mut self,
        bytes: &[u8],
        out: &mut Vec<SseMessage>,
    ) -> Result<(), SseTooLong> {
        for piece in bytes.split_inclusive(|b| is_line_end(*b)) {
            let (text, end) = match piece.split_last() {
                Some((end, text)) if is_line_end(*end) => (text, Some(*end)),
                _ => (piece, None),
            };
            let was_after_cr = mem::replace(&mut self.is_after_cr, end == Some(b'\r'));
            if was_after_cr && piece == b"\n" {
                continue;
            }
            self.check(self.line.len().saturating_add(text.len()))?;
            self.line.extend_from_slice(text);
            if end.is_some() {
                let mut line = mem::take(&mut self.line);
                self.handle_line(&line, out)?;
                line.clear();
                self.line = line;
            }
        }
        if self.is_overrun { Err(self.too_long()) } else { Ok(()) }
    }

    /// Returns the id for reconnecting with `Last-Event-ID`: that of the last complete event with
    /// an id; or an empty text.
    #[must_use]
    pub fn last_event_id(&self) -> &str {
        &self.last_event_id
    }

    /// Returns how long to wait before reconnecting, if the sender has set it.
    #[must_use]
    pub const fn retry(&self) -> Option<Duration> {
        self.retry
    }

    fn handle_line(&mut self, line: &[u8], out: &mut Vec<SseMessage>) -> Result<(), SseTooLong> {
        let line = match line.strip_prefix(BOM) {
            Some(after) if self.is_first_line => after,
            _ => line,
        };
        self.is_first_line = false;
        if line.is_empty() {
            self.dispatch(out);
            return Ok(());
        }
        let mut parts = line.splitn(2, |b| *b == b':');
        let field = parts.next().unwrap_or_default();
        let value = parts.next().unwrap_or_default();
        let value = value.strip_prefix(b" ").unwrap_or(value);
        let text = || String::from_utf8_lossy(value);
        match field {
            b"event" => self.event = text().into_owned(),
            b"data" => {
                let text = text();
                self.check(self.data.len().saturating_add(text.len()))?;
                self.data.push_str(&text);
                self.data.push('\n');
            }
            b"id" if !value.contains(&0) => self.id = text().into(),
            b"retry" => self.retry = milliseconds(value).or(self.retry),
            // Ignores comments, which have an empty name, and unknown fields.
            _ => {}
        }
        Ok(())
    }

    /// Ends an event. An event without data is dropped, but its id counts.
    fn dispatch(&mut self, out: &mut Vec<SseMessage>) {
        self.last_event_id = self.id.clone();
        let event = mem::take(&mut self.event);
        let mut data = mem::take(&mut self.data);
        if data.pop().is_some() {
            let event = if event.is_empty() { "message".into() } else { event };
            out.push(SseMessage { event, data, last_event_id: self.last_event_id.clone() });
        }
    }

    /// Checks a length against the limit, and remembers if it was ever exceeded.
    const fn check(&mut self, len: usize) -> Result<(), SseTooLong> {
        self.is_overrun |= len > self.max_bytes;
        if self.is_overrun { Err(self.too_long()) } else { Ok(()) }
    }

    const fn too_long(&self) -> SseTooLong {
        SseTooLong { max_bytes: self.max_bytes }
    }
}

/// A line, or the data of an event, exceeds the limit. Close the connection: no more is read from
/// it. A sender that resumes will send the event again, so raise the limit before you reconnect, or
/// do not reconnect.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("a line or the data of a server-sent event is over {max_bytes} bytes")]
pub struct SseTooLong {
    /// The limit.
    pub max_bytes: usize,
}

/// The byte order mark, which may precede the first line.
const BOM: &[u8] = "\u{feff}".as_bytes();

/// Parses milliseconds in ASCII digits; a number that is too large becomes the maximum.
fn milliseconds(digits: &[u8]) -> Option<Duration> {
    let is_number = !digits.is_empty() && digits.iter().all(u8::is_ascii_digit);
    let digits = core::str::from_utf8(digits).ok().filter(|_| is_number)?;
    Some(Duration::from_millis(digits.parse().unwrap_or(u64::MAX)))
}

#[cfg(test)]
mod tests {
    use alloc::string::String;
    use alloc::vec;
    use alloc::vec::Vec;
    use core::time::Duration;

    use super::{SseParser, SseTooLong};

    /// Returns the messages of a stream as `(event, data, last_event_id)`, read in pieces of `size`
    /// bytes.
    fn read(stream: &[u8], size: usize) -> (SseParser, Vec<(String, String, String)>) {
        let (mut parser, mut out) = (SseParser::new(64), Vec::new());
        for piece in stream.chunks(size) {
            parser.handle_bytes(piece, &mut out).unwrap();
        }
        let messages = out.into_iter().map(|m| (m.event, m.data, String::from(&*m.last_event_id)));
        let messages = messages.collect();
        (parser, messages)
    }

    fn check(stream: impl AsRef<[u8]>, expected: &[(&str, &str, &str)]) {
        let stream = stream.as_ref();
        for size in [1, 2, 3, 1000] {
            let (_, messages) = read(stream, size);
            let seen = messages.iter().map(|(event, data, id)| (&**event, &**data, &**id));
            assert_eq!(seen.collect::<Vec<_>>(), expected, "{:?}", stream.escape_ascii());
        }
    }

    #[test]
    fn the_examples_of_the_standard() {
        check("data: YHOO\ndata: +2\ndata: 10\n\n", &[("message", "YHOO\n+2\n10", "")]);
        check(
            ": test stream\n\ndata: first event\nid: 1\n\n\
             data:second event\nid\n\ndata:  third event\n\n",
            &[
                ("message", "first event", "1"),
                ("message", "second event", ""),
                ("message", " third event", ""),
            ],
        );
        check("data\n\ndata\ndata\n\ndata:", &[("message", "", ""), ("message", "\n", "")]);
        check("data:test\n\ndata: test\n\n", &[("message", "test", ""), ("message", "test", "")]);
    }

    #[test]
    fn any_line_end_ends_a_line_once() {
        for end in ["\n", "\r", "\r\n"] {
            let stream = ["event: e", "data: a", "data: b", "", "data: c", "", ""].join(end);
            check(&stream, &[("e", "a\nb", ""), ("message", "c", "")]);
        }
        check("data: a\r\n\rdata: b\n\r\n", &[("message", "a", ""), ("message", "b", "")]);
    }

    #[test]
    fn a_message_does_not_wait_for_the_rest_of_a_line_end() {
        let (mut parser, mut out) = (SseParser::new(64), Vec::new());
        parser.handle_bytes(b"data: a\r\r", &mut out).unwrap();
        assert_eq!(out.len(), 1);
        parser.handle_bytes(b"\ndata: b\n\n", &mut out).unwrap();
        assert_eq!((out.len(), &*out[1].data), (2, "b"));
    }

    #[test]
    fn one_byte_order_mark_is_skipped() {
        check("\u{feff}data: a\n\n", &[("message", "a", "")]);
        check("\u{feff}\u{feff}data: a\n\ndata: b\n\n", &[("message", "b", "")]);
        check("\n\u{feff}data: a\n\n", &[]);
    }

    #[test]
    fn ids_last_until_the_next_one() {
        check(
            "id: 1\ndata: a\n\ndata: b\n\nid: x\0y\ndata: c\n\n\
             id: 2\n\ndata: d\n\nid:\ndata: e\n\n",
            &[
                ("message", "a", "1"),
                ("message", "b", "1"),
                ("message", "c", "1"),
                ("message", "d", "2"),
                ("message", "e", ""),
            ],
        );
        let (parser, _) = read(b"id: 1\n\nid: 2\ndata: cut off", 7);
        assert_eq!(parser.last_event_id(), "1");
    }

    #[test]
    fn events_without_data_are_dropped_with_their_name() {
        check("event: e\n\nevent: e\nid: 3\n\ndata: a\n\n", &[("message", "a", "3")]);
        check("Data: a\nfoo: b\n: c\n data: d\n\n", &[]);
    }

    #[test]
    fn only_digits_are_a_time_to_wait() {
        let retry = |stream: &str| read(stream.as_bytes(), 3).0.retry();
        assert_eq!(retry("retry: 1500\n"), Some(Duration::from_millis(1500)));
        assert_eq!(retry("retry:7\nretry: -1\nretry:\nretry: 1s\nretry:  9\n"), {
            Some(Duration::from_millis(7))
        });
        let longest = Some(Duration::from_millis(u64::MAX));
        assert_eq!(retry("retry: 99999999999999999999\n"), longest);
        assert_eq!(retry("retry: +5\n"), None);
    }

    #[test]
    fn bytes_that_are_no_text_are_replaced() {
        check(b"data: \xe2\x82|\xff\n\n", &[("message", "\u{fffd}|\u{fffd}", "")]);
        check("data: é漢😀\n\n", &[("message", "é漢😀", "")]);
    }

    #[test]
    fn what_is_too_long_ends_the_reading() {
        for (stream, read) in [
            ("data: ok\n\ndata: 3456789\n\n", 1),
            ("data: ok\n\n:234567890123", 1),
            ("data: 45678\ndata: 45678\ndata: 4\n\n", 0),
        ] {
            for size in [1, 5, 1000] {
                let (mut parser, mut out) = (SseParser::new(12), Vec::new());
                let mut results = vec![];
                for piece in stream.as_bytes().chunks(size) {
                    results.push(parser.handle_bytes(piece, &mut out));
                }
                assert_eq!(
                    (out.len(), results.last()),
                    (read, Some(&Err(SseTooLong { max_bytes: 12 })))
                );
                assert!(parser.handle_bytes(b"", &mut out).is_err());
                assert!(parser.handle_bytes(b"\n\ndata: b\n\n", &mut out).is_err());
                assert_eq!(out.len(), read);
            }
        }
        let (mut parser, mut out) = (SseParser::new(12), Vec::new());
        parser.handle_bytes(b"data: 456789\ndata: 4567\n\n", &mut out).unwrap();
        assert_eq!(out[0].data, "456789\n4567");
    }
}
