//! Server-sent events and comments for sending.

use alloc::borrow::Cow;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;
use core::time::Duration;

use serde::Serialize;

use super::is_line_end;
use crate::error::AppError;
use crate::http::{is_clean, safe_json_for_html};
use crate::printing::prints;

/// A server-sent event for sending.
///
/// ```
/// use apptheory_core::stream::sse::SseEvent;
///
/// let mut out = Vec::new();
/// SseEvent::new("a\r\nb").with_event("note").encode(&mut out);
/// assert_eq!(out, b"event: note\ndata: a\ndata: b\n\n");
/// ```
#[derive(Clone, Default, Eq, PartialEq)]
pub struct SseEvent {
    /// The id that a reconnecting reader sends as `Last-Event-ID`. CR, LF and NUL are removed, and
    /// surrounding white space is trimmed; blank means no id.
    pub id: String,
    /// The event's type, cleaned like the id; blank means no type, which readers treat as
    /// `message`.
    pub event: String,
    /// Text, with any line ends. It should be UTF-8, and is sent unchanged.
    pub data: Vec<u8>,
    /// How long a reader should wait before it reconnects, from now on; sent in milliseconds,
    /// rounded down.
    pub retry: Option<Duration>,
}

prints!(SseEvent: event, retry);

impl SseEvent {
    /// Creates an event with only data, as text or bytes.
    #[must_use]
    pub fn new(data: impl Into<Vec<u8>>) -> Self {
        Self { data: data.into(), ..Self::default() }
    }

    /// Creates an event with JSON data, as [`safe_json_for_html`] writes it: compact, members
    /// sorted, `null` for missing values.
    ///
    /// # Errors
    ///
    /// A masked 500 with its cause, if the value cannot be serialized.
    pub fn json<T: Serialize + ?Sized>(value: &T) -> Result<Self, AppError> {
        let text = safe_json_for_html(value);
        let text = text.map_err(|error| AppError::internal().with_cause(SseJsonError(error)))?;
        Ok(Self::new(text))
    }

    /// Sets the id.
    #[must_use]
    pub fn with_id(mut self, id: impl Into<String>) -> Self {
        self.id = id.into();
        self
    }

    /// Sets the type.
    #[must_use]
    pub fn with_event(mut self, event: impl Into<String>) -> Self {
        self.event = event.into();
        self
    }

    /// Sets how long a reader should wait before it reconnects.
    #[must_use]
    pub const fn with_retry(mut self, retry: Duration) -> Self {
        self.retry = Some(retry);
        self
    }

    /// Appends the event, including the blank line at its end. There is at least one `data` line,
    /// because readers drop events without one.
    pub fn encode(&self, out: &mut Vec<u8>) {
        for (name, value) in [("id", &self.id), ("event", &self.event)] {
            let value = in_one_line(value);
            if !value.is_empty() {
                write_field(name, value.as_bytes(), out);
            }
        }
        if let Some(retry) = self.retry {
            write_field("retry", retry.as_millis().to_string().as_bytes(), out);
        }
        write_lines("data", &self.data, out);
        out.push(b'\n');
    }
}

/// Appends a comment, which readers ignore, and a blank line. Each line of the text becomes a
/// separate comment.
///
/// ```
/// use apptheory_core::stream::sse::write_comment;
///
/// let mut out = Vec::new();
/// write_comment("seen\rdata: forged", &mut out);
/// assert_eq!(out, b": seen\n: data: forged\n\n");
/// ```
pub fn write_comment(text: &str, out: &mut Vec<u8>) {
    write_lines("", text.as_bytes(), out);
    out.push(b'\n');
}

/// Appends a field for each line of the text: at least one, and one more after the last line end,
/// even if that line is empty.
fn write_lines(name: &str, text: &[u8], out: &mut Vec<u8>) {
    let mut rest = text;
    while let Some(at) = rest.iter().position(|b| is_line_end(*b)) {
        let (line, after) = rest.split_at(at);
        write_field(name, line, out);
        rest = after.strip_prefix(b"\r\n").or_else(|| after.get(1..)).unwrap_or_default();
    }
    write_field(name, rest, out);
}

fn write_field(name: &str, value: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b": ");
    out.extend_from_slice(value);
    out.push(b'\n');
}

/// Returns the text without characters that would end its line, or make readers ignore an id; then
/// trimmed.
fn in_one_line(text: &str) -> Cow<'_, str> {
    if is_clean(text) {
        return Cow::Borrowed(text.trim());
    }
    let kept: String = text.chars().filter(|c| !matches!(c, '\r' | '\n' | '\0')).collect();
    Cow::Owned(kept.trim().into())
}

/// The error of data that cannot be serialized; its text is the contract's.
#[derive(Debug, thiserror::Error)]
#[error("apptheory: sse json marshal: {0}")]
struct SseJsonError(#[source] serde_json::Error);

#[cfg(test)]
mod tests {
    use alloc::string::{String, ToString};
    use alloc::vec::Vec;
    use core::error::Error;
    use core::time::Duration;

    use serde_json::json;

    use super::{SseEvent, write_comment};

    fn encoded(event: &SseEvent) -> String {
        let mut out = Vec::new();
        event.encode(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn every_line_end_makes_a_data_line() {
        for (data, expected) in [
            ("", "data: \n\n"),
            ("a\r\nb\rc", "data: a\ndata: b\ndata: c\n\n"),
            ("a\n", "data: a\ndata: \n\n"),
            ("\r\r\n\n", "data: \ndata: \ndata: \ndata: \n\n"),
            ("\n\r", "data: \ndata: \ndata: \n\n"),
            (" a ", "data:  a \n\n"),
        ] {
            assert_eq!(encoded(&SseEvent::new(data)), expected, "{data:?}");
        }
    }

    #[test]
    fn ids_and_names_are_written_on_one_line_or_left_out() {
        for (text, expected) in [
            (" 1 ", Some("1")),
            ("\u{a0}1\u{2003}", Some("1")),
            ("1\ndata: x", Some("1data: x")),
            (" \r1\0 \n", Some("1")),
            ("\r\n", None),
            (" \t", None),
        ] {
            let line =
                |name| expected.map_or_else(String::new, |e| alloc::format!("{name}: {e}\n"));
            let event = SseEvent::new("").with_id(text).with_event(text);
            let lines = line("id") + &line("event") + "data: \n\n";
            assert_eq!(encoded(&event), lines, "{text:?}");
        }
    }

    #[test]
    fn times_to_wait_are_whole_milliseconds() {
        let event = SseEvent::new("x").with_event("e");
        let waits = |nanos| encoded(&event.clone().with_retry(Duration::from_nanos(nanos)));
        assert_eq!(waits(1_500_999_999), "event: e\nretry: 1500\ndata: x\n\n");
        assert_eq!(waits(0), "event: e\nretry: 0\ndata: x\n\n");
    }

    #[test]
    fn data_is_text_bytes_or_json() {
        let mut out = Vec::new();
        SseEvent::new([0xff, 0x41]).encode(&mut out);
        assert_eq!(out, b"data: \xff\x41\n\n");

        for (value, expected) in [
            (json!({"b": 1, "a": 2}), r#"{"a":2,"b":1}"#),
            (json!({"h": "<&>\u{2028}\n"}), r#"{"h":"\u003c\u0026\u003e\u2028\n"}"#),
            (json!({"k": 1e5, "m": 1e-7, "n": 1e21}), r#"{"k":100000,"m":1e-7,"n":1e+21}"#),
            (
                json!([1.0, -0.0, u64::MAX, i64::MIN]),
                "[1,-0,18446744073709551615,-9223372036854775808]",
            ),
            (json!(false), "false"),
            (json!(null), "null"),
            (json!("x"), r#""x""#),
        ] {
            let event = SseEvent::json(&value).unwrap();
            assert_eq!(encoded(&event), alloc::format!("data: {expected}\n\n"));
        }
    }

    #[test]
    fn a_value_that_cannot_be_serialized_is_a_500_with_its_cause() {
        let by_pair = alloc::collections::BTreeMap::from([((1, 2), 3)]);
        let error = SseEvent::json(&by_pair).unwrap_err();
        let cause = error.source().unwrap().to_string();
        assert!(cause.starts_with("apptheory: sse json marshal: "), "{cause}");
        assert_eq!(error.status(), 500);
    }

    #[test]
    fn comments_stay_comments() {
        let mut out = Vec::new();
        write_comment("", &mut out);
        write_comment("a\r\nid: 1\n\ndata: x\r", &mut out);
        assert_eq!(out, b": \n\n: a\n: id: 1\n: \n: data: x\n: \n\n");
    }
}
