//! Formats one log line, as JSON or text.
//!
//! This module decides which fields a line has and in which order, what is shown of their values,
//! and where it is cut. Writing the line is not its concern.
//!
//! The result is always a single line, whatever its contents. It has no duplicate names, no values
//! that its [`Sanitizer`] hides, no characters that [`log_text`] removes, and at most
//! [`MAX_LINE_BYTES`] bytes.
//!
//! ```
//! use apptheory_core::observe::Level;
//! use apptheory_core::observe::line::{LineHead, LineBuffer, LineFormat};
//! use apptheory_core::sanitize::Sanitizer;
//! use apptheory_core::time::Timestamp;
//!
//! let sanitizer = Sanitizer::new();
//! let mut buffer = LineBuffer::default();
//! let at = Timestamp::UNIX_EPOCH;
//! let head = LineHead { at, level: Level::Warn, target: "shop", message: "no\nstock" };
//! let mut line = buffer.begin(LineFormat::Json, &sanitizer, head);
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

mod cut;
mod field;
mod format;
#[cfg(test)]
mod tests;

use alloc::borrow::Cow;
use alloc::string::String;
use core::fmt::Write as _;

use serde_json::Value as Json;

pub use self::cut::CUT;
use self::cut::fitting;
pub(super) use self::cut::head;
pub use self::field::Field;
pub use self::format::LineFormat;
use super::Level;
use crate::json;
use crate::sanitize::{Sanitizer, log_text};
use crate::time::Timestamp;

/// The most bytes of a line, including its end: every reader of logs on AWS accepts as many.
pub const MAX_LINE_BYTES: usize = 256 * 1024;

/// The most fields of a line, besides those of its [`LineHead`]. Further fields are counted in the
/// field [`OMITTED`].
pub const MAX_FIELDS: usize = 128;

/// The field with the number of omitted fields.
pub const OMITTED: &str = "omitted_fields";

/// The prefix of a field whose name is already used.
const OTHERS: &str = "field_";

const MAX_NAME_BYTES: usize = 256;
const MAX_TARGET_BYTES: usize = 512;

/// The space reserved for the target, the number of omitted fields, and the end.
const RESERVE: usize = 1024;

/// The parts of every line.
#[derive(Clone, Copy, Debug)]
pub struct LineHead<'a> {
    /// When it was logged.
    pub at: Timestamp,
    /// The severity.
    pub level: Level,
    /// The source, such as `shop::orders`; left out if empty.
    pub target: &'a str,
    /// The message. [Secrets](Sanitizer::free_text) in it are not shown.
    pub message: &'a str,
}

/// A buffer that lines reuse.
#[derive(Clone, Debug, Default)]
pub struct LineBuffer {
    text: String,
    /// The names of the line's fields, each after a line feed, which names do not contain.
    names: String,
}

/// A line under construction.
#[derive(Debug)]
pub struct Line<'b> {
    format: LineFormat,
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
        format: LineFormat,
        sanitizer: &'b Sanitizer,
        head: LineHead<'b>,
    ) -> Line<'b> {
        let Self { text, names } = self;
        text.clear();
        names.clear();
        let LineHead { at, level, target, message } = head;
        let line = Line { format, sanitizer, target, text, names, fields: 0, omitted: 0 };
        format.write_head(at, level, fitting(&log_text(target), MAX_TARGET_BYTES), line.text);
        let (shown, is_cut) = line.shown(message, |text| sanitizer.free_text(text));
        format.write_message(&shown, if is_cut { CUT } else { "" }, line.text);
        line
    }
}

impl<'b> Line<'b> {
    /// Appends a field. What is shown of the value depends on the name, by the sanitizer's rules. A
    /// name that the line already has, or that is a member of every JSON line, gets the prefix
    /// `field_`.
    ///
    /// A text that is too long is cut, and ends with [`CUT`]: a value gets at most half of the
    /// space left in the line. A field without any space, with a name of more than 256 bytes, or
    /// after [`MAX_FIELDS`] others, is only counted in [`OMITTED`].
    pub fn field<'a>(&mut self, name: &str, value: impl Into<Field<'a>>) {
        let Some(key) = self.free_name(name) else {
            self.omitted = self.omitted.saturating_add(1);
            return;
        };
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
            // Writing to a `String` cannot fail.
            let _ = write!(self.text, "{}", self.omitted);
        }
        self.format.write_end(fitting(&log_text(self.target), MAX_TARGET_BYTES), self.text);
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
                // Once cut, it is no longer JSON.
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

    /// Returns what is shown of a text, in half of the space left, and whether it was cut.
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

    /// Returns the number of bytes left for fields.
    fn room(&self) -> usize {
        (MAX_LINE_BYTES - RESERVE).saturating_sub(self.text.len())
    }

    /// Returns the name under which to write a field, if the line has space for another one.
    fn free_name<'n>(&self, name: &'n str) -> Option<Cow<'n, str>> {
        if self.fields >= MAX_FIELDS || self.room() <= 2 * MAX_NAME_BYTES {
            return None;
        }
        let mut key = self.cleaned_name(name);
        while key.len() <= MAX_NAME_BYTES && self.has(&key) {
            key.to_mut().insert_str(0, OTHERS);
        }
        (key.len() <= MAX_NAME_BYTES).then_some(key)
    }

    fn cleaned_name<'n>(&self, name: &'n str) -> Cow<'n, str> {
        match self.sanitizer.free_text(name) {
            Cow::Borrowed(name) => log_text(name),
            Cow::Owned(name) => Cow::Owned(log_text(&name).into_owned()),
        }
    }

    /// Returns whether the line has a field with this written name.
    fn has(&self, name: &str) -> bool {
        matches!(name, "timestamp" | "level" | "message" | "target" | OMITTED)
            || self.names.split('\n').skip(1).any(|taken| taken == name)
    }
}
