//! One log line, as JSON or as text.
//!
//! This module decides the bytes of a line: which fields it has and in which order, what is shown of
//! their values, and where it is cut. It refuses to know where the line goes.
//!
//! A line is one line, whatever it is made of. It holds no name twice, no value that its [`Sanitizer`]
//! hides, no character that [`log_text`] removes, and at most [`LONGEST`] bytes.
//!
//! ```
//! use apptheory_core::observe::Level;
//! use apptheory_core::observe::line::{Format, Head, LineBuffer};
//! use apptheory_core::sanitize::Sanitizer;
//! use apptheory_core::time::Timestamp;
//!
//! let sanitizer = Sanitizer::new();
//! let mut buffer = LineBuffer::default();
//! let at = Timestamp::UNIX_EPOCH;
//! let head = Head { at, level: Level::Warn, target: "shop", message: "no\nstock" };
//! let mut line = buffer.begin(Format::Json, &sanitizer, head);
//! line.field("amount", 7);
//! line.field("pin", "1234");
//! assert_eq!(
//!     line.end(),
//!     concat!(
//!         r#"{"timestamp":"1970-01-01T00:00:00.000Z","level":"WARN","message":"nostock","#,
//!         r#""amount":7,"pin":"[REDACTED]","target":"shop"}"#,
//!     ),
//! );
//! ```

mod field;
mod format;

use alloc::borrow::Cow;
use alloc::string::String;
use core::fmt::Write as _;

use serde_json::Value as Json;

pub use self::field::Field;
pub use self::format::Format;
use super::Level;
use crate::json;
use crate::sanitize::{Sanitizer, log_text};
use crate::time::Timestamp;

/// How many bytes a line has at most, its end included: as many as every reader of logs on AWS takes.
pub const LONGEST: usize = 256 * 1024;

/// How many fields a line has at most, besides those of its [`Head`]. Further ones are counted in the
/// field [`OMITTED`].
pub const MOST_FIELDS: usize = 128;

/// The field that says how many others had no room.
pub const OMITTED: &str = "omitted_fields";

/// Ends a value that was cut.
pub const CUT: &str = "…[cut]";

/// What a name that is taken begins with instead.
const OTHERS: &str = "field_";

const LONGEST_NAME: usize = 256;
const LONGEST_TARGET: usize = 512;

/// What is kept free for the target, the count of what was omitted, and the end.
const RESERVE: usize = 1024;

/// What every line says.
#[derive(Clone, Copy, Debug)]
pub struct Head<'a> {
    /// When it happened.
    pub at: Timestamp,
    /// How much it matters.
    pub level: Level,
    /// What logs, such as `shop::orders`; an empty text is left out.
    pub target: &'a str,
    /// What happened. [Secrets](Sanitizer::free_text) in it are not shown.
    pub message: &'a str,
}

/// The memory in which lines are written, one after the other.
#[derive(Clone, Debug, Default)]
pub struct LineBuffer {
    text: String,
    /// The names of the line's fields, each behind a line feed: names hold none.
    names: String,
}

/// A line that is being written.
#[derive(Debug)]
pub struct Line<'b> {
    format: Format,
    sanitizer: &'b Sanitizer,
    target: &'b str,
    text: &'b mut String,
    names: &'b mut String,
    fields: usize,
    omitted: u64,
}

impl LineBuffer {
    /// Begins a line.
    pub fn begin<'b>(
        &'b mut self,
        format: Format,
        sanitizer: &'b Sanitizer,
        head: Head<'b>,
    ) -> Line<'b> {
        let Self { text, names } = self;
        text.clear();
        names.clear();
        let Head { at, level, target, message } = head;
        let line = Line { format, sanitizer, target, text, names, fields: 0, omitted: 0 };
        format.write_head(at, level, fitting(&log_text(target), LONGEST_TARGET), line.text);
        let (shown, is_cut) = line.shown(message, |text| sanitizer.free_text(text));
        format.write_message(&shown, if is_cut { CUT } else { "" }, line.text);
        line
    }
}

impl<'b> Line<'b> {
    /// Whether the line has a field of this name.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.has_cleaned(&self.cleaned_name(name))
    }

    /// Appends a field. Its name says, besides the sanitiser's other rules, what is shown of its value. A
    /// name that the line has already is written with `field_` before it, and so are the names of JSON
    /// lines' own members.
    ///
    /// A text that is too long is cut, and ends with [`CUT`]: a value gets half of what is left of the
    /// line. A field without any room, with a name of more than 256 bytes, or after [`MOST_FIELDS`]
    /// others, is counted in [`OMITTED`].
    pub fn field<'a>(&mut self, name: &str, value: impl Into<Field<'a>>) {
        let mut key = self.cleaned_name(name);
        while self.has_cleaned(&key) {
            key.to_mut().insert_str(0, OTHERS);
        }
        let is_full = self.fields >= MOST_FIELDS || self.room() <= 2 * LONGEST_NAME;
        if is_full || key.len() > LONGEST_NAME {
            self.omitted = self.omitted.saturating_add(1);
            return;
        }
        self.fields = self.fields.saturating_add(1);
        self.names.push('\n');
        self.names.push_str(&key);
        self.format.write_name(&key, self.text);
        self.write_value(name, value.into());
    }

    /// Ends the line, and returns it without a line end.
    #[must_use]
    pub fn end(self) -> &'b str {
        if self.omitted > 0 {
            self.format.write_name(OMITTED, self.text);
            // Writing to a `String` does not fail.
            let _ = write!(self.text, "{}", self.omitted);
        }
        self.format.write_end(fitting(&log_text(self.target), LONGEST_TARGET), self.text);
        self.text
    }

    fn write_value(&mut self, name: &str, value: Field<'_>) {
        let written = self.text.len();
        match value {
            Field::Json(Json::String(text)) => return self.write_value(name, Field::Text(text)),
            Field::Text(text) => {
                return self.write_text(text, |rules, text| rules.field_text(name, text));
            }
            Field::Json(value @ (Json::Array(_) | Json::Object(_))) => {
                let shown = json::to_text(&self.sanitizer.field(name, value));
                // What is cut is JSON no longer.
                if shown.len() > self.room() / 2 {
                    return self.write_text(&shown, |_, text| Cow::Borrowed(text));
                }
                return self.text.push_str(&log_text(&shown));
            }
            Field::Json(value) => json::write_value(value, self.text),
            Field::Bool(flag) => self.text.push_str(if flag { "true" } else { "false" }),
            Field::Signed(number) => _ = write!(self.text, "{number}"),
            Field::Unsigned(number) => _ = write!(self.text, "{number}"),
            Field::Float(number) if number.is_finite() => {
                json::write_value(&Json::from(number), self.text);
            }
            Field::Float(number) => _ = write!(self.text, "\"{number}\""),
        }
        let scalar = self.text.get(written..).unwrap_or_default();
        if let Some(instead) = self.sanitizer.instead_of_scalar(name, scalar) {
            self.text.truncate(written);
            self.format.write_text(&log_text(&instead), "", self.text);
        }
    }

    fn write_text(
        &mut self,
        text: &str,
        rules: impl for<'t> Fn(&Sanitizer, &'t str) -> Cow<'t, str>,
    ) {
        let (shown, is_cut) = self.shown(text, |text| rules(self.sanitizer, text));
        self.format.write_text(&shown, if is_cut { CUT } else { "" }, self.text);
    }

    /// What is shown of a text, and whether it was cut: in half of what is left.
    fn shown<'t>(
        &self,
        text: &'t str,
        rules: impl FnOnce(&'t str) -> Cow<'t, str>,
    ) -> (Cow<'t, str>, bool) {
        let room = self.room() / 2;
        let head = head(text, room);
        let shown = match rules(head) {
            Cow::Borrowed(shown) => log_text(shown),
            Cow::Owned(shown) => match log_text(&shown) {
                Cow::Owned(shown) => Cow::Owned(shown),
                Cow::Borrowed(_) => Cow::Owned(shown),
            },
        };
        let length = fitting(&shown, room.saturating_sub(CUT.len())).len();
        let is_cut = length < shown.len() || head.len() < text.len();
        let shown = match shown {
            Cow::Borrowed(shown) => Cow::Borrowed(shown.get(..length).unwrap_or_default()),
            Cow::Owned(mut shown) => {
                shown.truncate(length);
                Cow::Owned(shown)
            }
        };
        (shown, is_cut)
    }

    /// How many bytes are left for fields.
    fn room(&self) -> usize {
        (LONGEST - RESERVE).saturating_sub(self.text.len())
    }

    fn cleaned_name<'n>(&self, name: &'n str) -> Cow<'n, str> {
        match self.sanitizer.free_text(name) {
            Cow::Borrowed(name) => log_text(name),
            Cow::Owned(name) => Cow::Owned(log_text(&name).into_owned()),
        }
    }

    fn has_cleaned(&self, name: &str) -> bool {
        matches!(name, "timestamp" | "level" | "message" | "target" | OMITTED)
            || self.names.split('\n').skip(1).any(|taken| taken == name)
    }
}

/// The text, or as much of one with more bytes as can be sanitised by itself: it ends where no secret
/// goes on, behind a separator, and with no digit of a number that was cut.
pub(super) fn head(text: &str, bytes: usize) -> &str {
    if text.len() <= bytes {
        return text;
    }
    let boundary = (0..=bytes).rev().find(|at| text.is_char_boundary(*at));
    let (head, _) = text.split_at(boundary.unwrap_or_default());
    let separates = |c: char| {
        c.is_whitespace() || matches!(c, ',' | ';' | '{' | '}' | '[' | ']' | '"' | '\'' | '<' | '>')
    };
    let end = head.rfind(separates).unwrap_or_default();
    let (head, _) = head.split_at(end);
    head.trim_end_matches(|c: char| !c.is_alphabetic())
}

/// As much of a text as has so many bytes in quotes, with `"` and `\` escaped: other characters with
/// escapes are not shown.
fn fitting(text: &str, bytes: usize) -> &str {
    if text.len().saturating_mul(2).saturating_add(2) <= bytes {
        return text;
    }
    let mut left = bytes.saturating_sub(2);
    let mut end = text.char_indices().filter(|(_, c)| {
        let written = if matches!(c, '"' | '\\') { 2 } else { c.len_utf8() };
        left.checked_sub(written).map(|rest| left = rest).is_none()
    });
    end.next().and_then(|(at, _)| text.get(..at)).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use alloc::format;
    use alloc::string::ToString as _;

    use serde_json::json;

    use super::*;
    use crate::sanitize::REDACTED;

    const HEAD: Head<'_> =
        Head { at: Timestamp::UNIX_EPOCH, level: Level::Info, target: "here", message: "m" };

    fn written(write: impl FnOnce(&mut Line<'_>)) -> Json {
        written_with("m", write)
    }

    fn written_with(message: &str, write: impl FnOnce(&mut Line<'_>)) -> Json {
        let sanitizer = Sanitizer::new();
        let mut buffer = LineBuffer::default();
        let head = Head { message, ..HEAD };
        let mut line = buffer.begin(Format::Json, &sanitizer, head);
        write(&mut line);
        let text = line.end();
        assert!(text.len() < LONGEST, "{} bytes", text.len());
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn values_keep_their_types_and_sensitive_ones_are_hidden() {
        let line = written(|line| {
            line.field("flag", true);
            line.field("below", -7);
            line.field("most", u64::MAX);
            line.field("half", 0.5);
            line.field("odd", f64::NAN);
            line.field("path", "/a?b=<\"c\">\\");
            line.field("nothing", &Json::Null);
            line.field("order", &json!({"n": 1, "cvv": 7}));
            line.field("token", true);
            line.field("pin", 1234);
            line.field("ssn", 7.5);
        });
        let expected = json!({
            "timestamp": "1970-01-01T00:00:00.000Z", "level": "INFO", "message": "m", "target": "here",
            "flag": true, "below": -7, "most": u64::MAX, "half": 0.5, "odd": "NaN",
            "path": "/a?b=<\"c\">\\", "nothing": null, "order": {"n": "1", "cvv": REDACTED},
            "token": REDACTED, "pin": REDACTED, "ssn": REDACTED,
        });
        assert_eq!(line, expected);
    }

    #[test]
    fn numbers_of_cards_are_hidden_and_times_and_durations_are_not() {
        let line = written(|line| {
            line.field("paid", 4_111_111_111_111_111_u64);
            line.field("elapsed_ns", 123_456_789);
            line.field("id", 41_111_111_111_111_111_u64);
            // Each has the check digit of a card number.
            line.field("at_ms", 1_764_372_822_122_u64);
            line.field("at_us", 1_764_372_822_123_003_u64);
        });
        assert_eq!(line["paid"], "411111******1111");
        assert_eq!(line["elapsed_ns"], 123_456_789);
        assert_eq!(line["id"], 41_111_111_111_111_111_u64);
        assert_eq!(line["at_ms"], 1_764_372_822_122_u64);
        assert_eq!(line["at_us"], 1_764_372_822_123_003_u64);
    }

    #[test]
    fn ids_are_whole_whatever_numbers_are_in_them() {
        for id in ["8f5e4111-1111-4111-1111-11116a37c5d1", "1-41111111-11111111114e1fe46a994272"] {
            let line = written(|line| {
                line.field("request_id", id);
                line.field("text", &*format!("paid {id}"));
                line.field("token", id);
            });
            assert_eq!(line["request_id"], id);
            assert!(line["text"].as_str().unwrap().contains('*'), "{line}");
            assert_eq!(line["token"], REDACTED);
        }
        let digits = "41111111-1111-1111-1111-111111111111";
        assert_ne!(written(|line| line.field("id", digits))["id"], digits);
    }

    #[test]
    fn a_name_is_there_once_and_no_value_is_lost() {
        let line = written(|line| {
            line.field("id", 1);
            line.field("id", 2);
            line.field("field_id", 3);
            line.field("i\u{200b}d", 4);
            line.field("level", 5);
            line.field("target", "t");
            line.field(OMITTED, 6);
            assert!(line.has("id") && line.has("i\nd") && line.has("level") && !line.has("i"));
        });
        assert_eq!(line["id"], 1);
        assert_eq!(line["field_id"], 2);
        assert_eq!(line["field_field_id"], 3);
        assert_eq!(line["field_field_field_id"], 4);
        assert_eq!((&line["level"], &line["field_level"]), (&json!("INFO"), &json!(5)));
        assert_eq!((&line["target"], &line["field_target"]), (&json!("here"), &json!("t")));
        assert_eq!(line["field_omitted_fields"], 6);
    }

    #[test]
    fn what_is_too_long_is_cut_and_leaves_room_for_others() {
        let long = "ab é\" ".repeat(LONGEST / 4);
        let line = written_with(&long, |line| {
            line.field("text", &*long);
            line.field("list", &json!([long, long]));
            line.field("id", 7);
        });
        for name in ["message", "text", "list"] {
            let shown = line[name].as_str().unwrap();
            assert!(shown.ends_with(CUT) && shown.len() > LONGEST / 16, "{name}: {}", shown.len());
        }
        assert!(long.starts_with(line["message"].as_str().unwrap().trim_end_matches(CUT)));
        assert_eq!(line["id"], 7);
    }

    #[test]
    fn a_secret_at_the_cut_is_not_shown_in_part() {
        for secret in ["4111 1111 1111 1111", "password=hunter2hunter2hunter2", "ada@example.com"] {
            for behind in 1..secret.len() {
                let plain = "a ".repeat((1000 - behind) / 2);
                let text = format!("{plain}{secret} and on");
                let head = head(&text, 1000);
                assert!(plain.starts_with(head), "{secret} {behind}");
                assert!(head.len() + 2 >= plain.len(), "{secret} {behind}");
            }
        }
        assert_eq!(written_with(&"x".repeat(LONGEST + 1), |_| {})["message"], CUT);
    }

    #[test]
    fn what_has_no_room_is_counted() {
        let line = written(|line| {
            line.field(&"n".repeat(257), 1);
            for n in 0..130 {
                line.field(&n.to_string(), n);
            }
        });
        assert_eq!((&line["127"], line.get("128"), &line[OMITTED]), (&json!(127), None, &json!(3)));

        let long = "long ".repeat(LONGEST / 4);
        let line = written(|line| (0..40).for_each(|n| line.field(&n.to_string(), &*long)));
        let omitted = line[OMITTED].as_u64().unwrap();
        assert!((20..35).contains(&omitted), "{omitted}");
    }

    #[test]
    fn text_is_for_people() {
        let sanitizer = Sanitizer::new();
        let mut buffer = LineBuffer::default();
        let mut text = |format| {
            let head = Head { message: "no\nstock, token=t", ..HEAD };
            let mut line = buffer.begin(format, &sanitizer, head);
            line.field("n", 7);
            line.field("city", "Oslo");
            line.field("name", "a \"b\"");
            line.field("a b", "");
            line.field("n", &json!({"cvv": 1}));
            line.end().to_string()
        };
        let expected = r#"here: nostock, token=[REDACTED] n=7 city=Oslo name="a \"b\"" "a b"="" field_n={"cvv":"[REDACTED]"}"#;
        let (is_timed, is_coloured) = (false, false);
        assert_eq!(text(Format::Text { is_timed, is_coloured }), format!(" INFO {expected}"));
        let is_timed = true;
        assert_eq!(
            text(Format::Text { is_timed, is_coloured }),
            format!("1970-01-01T00:00:00.000Z  INFO {expected}")
        );
        let is_coloured = true;
        let coloured = text(Format::Text { is_timed, is_coloured });
        assert!(coloured.contains("\u{1b}[32m INFO\u{1b}[0m"), "{coloured}");
    }
}
