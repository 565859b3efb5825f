//! The one byte-exact JSON writer.
//!
//! This module decides the bytes of every JSON text that leaves this crate: compact, members of a
//! [`Value`](Json) sorted by the bytes of their names, and the escapes that Go's `encoding/json`
//! writes, so that texts are safe inside HTML and equal to those of other
//! runtimes to the byte. It refuses to know what the texts are for.
//!
//! ```
//! use apptheory_core::json::{self, ObjectWriter};
//! use serde_json::json;
//!
//! assert_eq!(json::to_text(&json!({"b": 1, "a": "<x>&"})), r#"{"a":"\u003cx\u003e\u0026","b":1}"#);
//!
//! let mut out = String::new();
//! let mut object = ObjectWriter::begin(&mut out);
//! object.text("name", "in the order of the calls");
//! object.value("count", &json!(1.0));
//! object.end();
//! assert_eq!(out, r#"{"name":"in the order of the calls","count":1}"#);
//! ```

pub(crate) mod packed;
mod plain;
mod reading;
mod texts;

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::Write as _;

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Map, Number, Value as Json};

pub(crate) use plain::to_plain_bytes;
pub(crate) use reading::within_text;
pub use reading::{Misread, read, read_value};
pub(crate) use texts::read_texts;

/// Returns the text of a value.
#[must_use]
pub fn to_text(value: &Json) -> String {
    let mut out = String::new();
    write_value(value, &mut out);
    out
}

/// Appends the text of a value.
pub fn write_value(value: &Json, out: &mut String) {
    match value {
        Json::Null => out.push_str("null"),
        Json::Bool(true) => out.push_str("true"),
        Json::Bool(false) => out.push_str("false"),
        Json::Number(number) => write_number(number, out),
        Json::String(text) => write_string(text, out),
        Json::Array(values) => write_array(values, out, write_value),
        Json::Object(members) => write_object(members, out),
    }
}

/// Appends an array, each element as `write` appends it.
pub fn write_array<T>(
    values: impl IntoIterator<Item = T>,
    out: &mut String,
    mut write: impl FnMut(T, &mut String),
) {
    out.push('[');
    for (index, value) in values.into_iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        write(value, out);
    }
    out.push(']');
}

/// Appends a text in quotes, escaped.
pub fn write_string(text: &str, out: &mut String) {
    write_escaped(text, may_need_escape, out);
}

/// Appends a text in quotes with no more escapes than JSON asks for: for readers that are no browsers.
pub(crate) fn write_plain_string(text: &str, out: &mut String) {
    if needs_no_escape(text) {
        out.push('"');
        out.push_str(text);
        out.push('"');
    } else {
        write_escaped(text, needs_escape, out);
    }
}

/// Whether JSON takes the text as it is.
pub(crate) fn needs_no_escape(text: &str) -> bool {
    // It does not end at the first: that way, the compiler looks at sixteen bytes at a time.
    !text.bytes().fold(false, |found, b| found | needs_escape(b))
}

const fn needs_escape(b: u8) -> bool {
    matches!(b, b'\0'..b' ' | b'"' | b'\\')
}

fn write_escaped(text: &str, may_need_escape: impl Fn(u8) -> bool, out: &mut String) {
    out.push('"');
    // Nearly every text needs no escape, and those that do need few: whole stretches are copied.
    let mut rest = text;
    while let Some(at) = first_byte(rest, &may_need_escape) {
        let (plain, special) = rest.split_at_checked(at).unwrap_or((rest, ""));
        out.push_str(plain);
        let mut chars = special.chars();
        match chars.next() {
            Some('"') => out.push_str("\\\""),
            Some('\\') => out.push_str("\\\\"),
            Some('\u{8}') => out.push_str("\\b"),
            Some('\t') => out.push_str("\\t"),
            Some('\n') => out.push_str("\\n"),
            Some('\u{c}') => out.push_str("\\f"),
            Some('\r') => out.push_str("\\r"),
            Some(c) if c < ' ' || is_unsafe_in_html(c) => write_escape(c, out),
            other => out.extend(other),
        }
        rest = chars.as_str();
    }
    out.push_str(rest);
    out.push('"');
}

/// Appends a JSON text without its insignificant white space; numbers, member order and escapes
/// stay as they are, and what is unsafe in HTML is escaped.
///
/// # Errors
///
/// [`JsonError`] when `text` is not exactly one JSON value; nothing is appended then.
pub fn write_compact(text: &str, out: &mut String) -> Result<(), JsonError> {
    // Checked first, so that below a quote is one of a string and nothing is left half-written.
    serde_json::from_str::<IgnoredAny>(text).map_err(|error| JsonError::from(&error))?;
    let (mut rest, mut in_string) = (text, false);
    while let Some(at) = match in_string {
        true => first_byte(rest, |b| matches!(b, b'"' | b'\\' | b'<' | b'>' | b'&' | 0xe2)),
        false => first_byte(rest, |b| b == b'"' || b.is_ascii_whitespace()),
    } {
        let (same, special) = rest.split_at_checked(at).unwrap_or((rest, ""));
        out.push_str(same);
        let mut chars = special.chars();
        match chars.next() {
            Some('"') => {
                in_string = !in_string;
                out.push('"');
            }
            // It takes a character with it, be that a quote.
            Some('\\') => out.extend(['\\'].into_iter().chain(chars.next())),
            Some(c) if is_unsafe_in_html(c) => write_escape(c, out),
            Some(c) if !in_string && c.is_ascii_whitespace() => {}
            other => out.extend(other),
        }
        rest = chars.as_str();
    }
    out.push_str(rest);
    Ok(())
}

/// Reads an object; unlike the readers that `serde` derives, it takes no array in its place.
///
/// # Errors
///
/// [`JsonError`] when `text` is not exactly one JSON object, or not one of a `T`.
pub fn read_object<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, JsonError> {
    // `serde` reads a struct from a list of its members, too: `[1, 2]` would pass for an object.
    let start = text.trim_start_matches([' ', '\t', '\n', '\r']);
    if !start.starts_with('{') {
        return Err(JsonError { line: 1, column: 1 });
    }
    serde_json::from_str(text).map_err(|error| JsonError::from(&error))
}

/// The text is not JSON, or not that of what is wanted. Says where, and nothing of what the text
/// holds.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("not the expected JSON (line {line}, column {column})")]
pub struct JsonError {
    /// The line, from 1, at which reading failed.
    pub line: usize,
    /// The column, in bytes, at which reading failed.
    pub column: usize,
}

impl JsonError {
    /// Says that the byte at `at` is not what is expected there.
    pub(crate) fn at(text: &str, at: usize) -> Self {
        let before = text.get(..at).unwrap_or(text).bytes();
        let lines = before.clone().filter(|b| *b == b'\n').count();
        let column = before.rev().take_while(|b| *b != b'\n').count();
        Self { line: lines.saturating_add(1), column: column.saturating_add(1) }
    }
}

impl From<&serde_json::Error> for JsonError {
    fn from(error: &serde_json::Error) -> Self {
        Self { line: error.line(), column: error.column() }
    }
}

/// Appends an object member by member, in the order of the calls.
#[derive(Debug)]
pub struct ObjectWriter<'a> {
    out: &'a mut String,
    is_empty: bool,
}

impl<'a> ObjectWriter<'a> {
    /// Opens an object at the end of `out`.
    pub fn begin(out: &'a mut String) -> Self {
        out.push('{');
        Self { out, is_empty: true }
    }

    /// Appends a member's name; its value is what the caller appends to the buffer returned.
    pub fn member(&mut self, name: &str) -> &mut String {
        if !self.is_empty {
            self.out.push(',');
        }
        self.is_empty = false;
        write_string(name, self.out);
        self.out.push(':');
        self.out
    }

    /// Appends a member that is a text.
    pub fn text(&mut self, name: &str, text: &str) {
        write_string(text, self.member(name));
    }

    /// Appends a member of any value.
    pub fn value(&mut self, name: &str, value: &Json) {
        write_value(value, self.member(name));
    }

    /// Closes the object.
    pub fn end(self) {
        self.out.push('}');
    }
}

/// Members are sorted here: whether `Map` keeps them sorted depends on the features of a build.
fn write_object(members: &Map<String, Json>, out: &mut String) {
    let mut object = ObjectWriter::begin(out);
    if members.keys().is_sorted() {
        members.iter().for_each(|(name, value)| object.value(name, value));
    } else {
        let mut sorted: Vec<(&String, &Json)> = members.iter().collect();
        sorted.sort_unstable_by_key(|(name, _)| *name);
        sorted.into_iter().for_each(|(name, value)| object.value(name, value));
    }
    object.end();
}

/// Integers as they are; others as [`write_float`] appends them.
fn write_number(number: &Number, out: &mut String) {
    match number.as_f64().filter(|_| number.is_f64()) {
        Some(float) => write_float(float, out),
        // Appending to a string cannot fail.
        None => drop(write!(out, "{number}")),
    }
}

/// Appends a finite number in the shortest digits that read back the same, with an exponent below
/// 10^-6 and from 10^21 on.
pub(crate) fn write_float(float: f64, out: &mut String) {
    // The bounds are JavaScript's and Go's: the same number is the same text in every runtime.
    let magnitude = float.abs();
    if magnitude == 0.0 || (1e-6..1e21).contains(&magnitude) {
        // Appending to a string cannot fail.
        let _ = write!(out, "{float}");
        return;
    }
    let text = format!("{float:e}");
    match text.split_once('e') {
        Some((digits, exponent)) if !exponent.starts_with('-') => {
            out.push_str(&format!("{digits}e+{exponent}"));
        }
        _ => out.push_str(&text),
    }
}

/// Where the first byte of a kind is in a text.
pub(crate) fn first_byte(text: &str, is_sought: impl Fn(u8) -> bool) -> Option<usize> {
    let (blocks, _) = text.as_bytes().as_chunks::<16>();
    // Without an early end, all bytes of a block are looked at together.
    let has_none = |block: &&[u8; 16]| !block.iter().fold(false, |any, b| any | is_sought(*b));
    let skipped = blocks.iter().take_while(has_none).count().saturating_mul(16);
    let at = text.bytes().skip(skipped).position(is_sought)?;
    Some(skipped.saturating_add(at))
}

/// Whether a character that begins with this byte may need an escape; most of those that begin with
/// the byte of U+2028 and U+2029 do not.
const fn may_need_escape(first: u8) -> bool {
    matches!(first, b'\0'..b' ' | b'"' | b'\\' | b'<' | b'>' | b'&' | 0xe2)
}

/// Characters that are ordinary in JSON but end a script or start a tag when pasted into HTML.
pub(crate) const fn is_unsafe_in_html(c: char) -> bool {
    matches!(c, '<' | '>' | '&' | '\u{2028}' | '\u{2029}')
}

fn write_escape(c: char, out: &mut String) {
    out.push_str(&format!("\\u{:04x}", u32::from(c)));
}

#[cfg(test)]
mod tests {
    use alloc::string::String;

    use serde_json::json;

    use super::{to_text, write_compact};

    #[test]
    fn strings_are_escaped_as_specified() {
        for (text, expected) in [
            ("q\"b\\s/", r#""q\"b\\s/""#),
            ("\u{8}\t\n\u{c}\r", r#""\b\t\n\f\r""#),
            ("\0\u{1}\u{1f}\u{7f}", "\"\\u0000\\u0001\\u001f\u{7f}\""),
            ("<a>&", r#""\u003ca\u003e\u0026""#),
            ("x\u{2028}y\u{2029}z", r#""x\u2028y\u2029z""#),
            ("é漢😀", "\"é漢😀\""),
        ] {
            assert_eq!(to_text(&json!(text)), expected);
        }
    }

    #[test]
    fn members_are_sorted_by_the_bytes_of_their_names() {
        let value = json!({"é": 7, "b": 1, "a": {"z": [], "y": null}, "B": true, "_": 6, "9": 5});
        let expected = r#"{"9":5,"B":true,"_":6,"a":{"y":null,"z":[]},"b":1,"é":7}"#;
        assert_eq!(to_text(&value), expected);
        assert_eq!(to_text(&json!({"😀": 1, "\u{ff5e}": 2})), "{\"\u{ff5e}\":2,\"😀\":1}");
    }

    #[test]
    fn numbers_are_plain_until_they_grow_long() {
        for (number, expected) in [
            (json!(u64::MAX), "18446744073709551615"),
            (json!(-7), "-7"),
            (json!(1.0), "1"),
            (json!(-0.5), "-0.5"),
            (json!(1e20), "100000000000000000000"),
            (json!(1e21), "1e+21"),
            (json!(-1.5e300), "-1.5e+300"),
            (json!(1e-6), "0.000001"),
            (json!(1.25e-7), "1.25e-7"),
        ] {
            assert_eq!(to_text(&number), expected);
        }
    }

    #[test]
    fn compacting_keeps_what_the_text_says() {
        let compact = |text: &str| {
            let mut out = String::new();
            write_compact(text, &mut out).map(|()| out)
        };
        assert_eq!(compact(r#" { "b" : "< \" >" , "a":1.50 } "#).unwrap(), {
            r#"{"b":"\u003c \" \u003e","a":1.50}"#
        });
        assert_eq!(compact("[ \"\\\\\" , \" \u{2028}\" ]").unwrap(), r#"["\\"," \u2028"]"#);
        assert_eq!(compact("123456789012345678901234567890").unwrap().len(), 30);
        for text in ["", "{", "{} x", "'a'", "\u{feff}{}", "\"\n\""] {
            assert!(compact(text).is_err(), "{text:?}");
        }
    }
}
