//! The byte-exact JSON writer.
//!
//! All JSON that this crate writes is compact. Members of a [`Value`](Json) are sorted by the bytes
//! of their names. Escapes are those of Go's `encoding/json`: the text is safe inside HTML, and
//! equal to the byte to what other runtimes write.
//!
//! ```
//! use apptheory_core::json::{self, ObjectWriter};
//! use serde_json::json;
//!
//! let text = json::to_text(&json!({"b": 1, "a": "<x>&"}));
//! assert_eq!(text, r#"{"a":"\u003cx\u003e\u0026","b":1}"#);
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
mod scan;
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
use scan::needs_no_escape_in_html;
pub(crate) use scan::{
    each, has_none, needs_no_escape, next_special, next_special_in_html, special_bytes,
};
pub(crate) use texts::read_texts;

/// Returns a value as JSON text.
#[must_use]
pub fn to_text(value: &Json) -> String {
    // Growing copies what is there.
    let mut out = String::with_capacity(128);
    write_value(value, &mut out);
    out
}

/// Appends a value as JSON text.
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

/// Appends an array; `write` appends each element.
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

/// Appends a JSON string: quoted and escaped.
pub fn write_string(text: &str, out: &mut String) {
    write_escaped(text, needs_no_escape_in_html, next_special_in_html, out);
}

/// Appends a JSON string with only the escapes that JSON requires. Use it for readers other than
/// browsers.
pub(crate) fn write_plain_string(text: &str, out: &mut String) {
    write_escaped(text, needs_no_escape, next_special, out);
}

/// Appends a string; the two functions find the bytes that may begin a character with an escape.
/// Its callers contain a copy each, without calls of the first.
#[inline(always)]
fn write_escaped(
    text: &str,
    needs_no_escape: fn(&str) -> bool,
    next_special: fn(&[u8], usize) -> usize,
    out: &mut String,
) {
    out.reserve(text.len().saturating_add(2));
    out.push('"');
    // Nearly every string needs no escape.
    if needs_no_escape(text) {
        out.push_str(text);
    } else {
        push_escaped(text, next_special, out);
    }
    out.push('"');
}

/// Appends a text with escapes, without quotes.
fn push_escaped(text: &str, next_special: fn(&[u8], usize) -> usize, out: &mut String) {
    let mut rest = text;
    loop {
        // Runs without escapes are copied as a whole.
        let at = next_special(rest.as_bytes(), 0);
        let (plain, special) = rest.split_at_checked(at).unwrap_or((rest, ""));
        out.push_str(plain);
        let mut chars = special.chars();
        let Some(c) = chars.next() else { return };
        rest = chars.as_str();
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\u{8}' => out.push_str("\\b"),
            '\t' => out.push_str("\\t"),
            '\n' => out.push_str("\\n"),
            '\u{c}' => out.push_str("\\f"),
            '\r' => out.push_str("\\r"),
            // Only its first byte is one of those sought.
            c if !c.is_ascii() && !is_unsafe_in_html(c) => out.push(c),
            c => write_escape(c, out),
        }
    }
}

/// Appends a JSON text without its insignificant white space. Numbers, member order and escapes
/// stay as they are; characters that are unsafe in HTML are escaped.
///
/// # Errors
///
/// [`JsonError`] if `text` is not exactly one JSON value. Nothing is appended in this case.
pub fn write_compact(text: &str, out: &mut String) -> Result<(), JsonError> {
    // Checked first: below, every quote then begins or ends a string, and nothing is half-written.
    serde_json::from_str::<IgnoredAny>(text).map_err(|error| JsonError::from(&error))?;
    let (mut rest, mut in_string) = (text, false);
    while !rest.is_empty() {
        let at = match in_string {
            true => next_special_in_html(rest.as_bytes(), 0),
            // Strings are close to each other.
            false => rest.find(|c: char| c == '"' || c.is_ascii_whitespace()).unwrap_or(rest.len()),
        };
        let (same, special) = rest.split_at_checked(at).unwrap_or((rest, ""));
        out.push_str(same);
        let mut chars = special.chars();
        match chars.next() {
            Some('"') => {
                in_string = !in_string;
                out.push('"');
            }
            // A backslash takes the next character along, even a quote.
            Some('\\') => out.extend(['\\'].into_iter().chain(chars.next())),
            Some(c) if is_unsafe_in_html(c) => write_escape(c, out),
            Some(c) if !in_string && c.is_ascii_whitespace() => {}
            other => out.extend(other),
        }
        rest = chars.as_str();
    }
    Ok(())
}

/// Reads an object. The readers that `serde` derives also accept an array in its place; this
/// function does not.
///
/// # Errors
///
/// [`JsonError`] if `text` is not exactly one JSON object, or is not a valid `T`.
pub fn read_object<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, JsonError> {
    // `serde` also reads a struct from a list of its fields: `[1, 2]` would pass for an object.
    let start = text.trim_start_matches([' ', '\t', '\n', '\r']);
    if !start.starts_with('{') {
        return Err(JsonError { line: 1, column: 1 });
    }
    serde_json::from_str(text).map_err(|error| JsonError::from(&error))
}

/// The text is not JSON, or not of the expected type. Reports the position, but no content of the
/// text.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("not the expected JSON (line {line}, column {column})")]
pub struct JsonError {
    /// The line at which reading failed, counted from 1.
    pub line: usize,
    /// The column at which reading failed, in bytes.
    pub column: usize,
}

impl JsonError {
    /// Returns the error for an unexpected byte at `at`.
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

    /// Appends a member's name. The caller appends its value to the returned buffer.
    pub fn member(&mut self, name: &str) -> &mut String {
        if !self.is_empty {
            self.out.push(',');
        }
        self.is_empty = false;
        write_string(name, self.out);
        self.out.push(':');
        self.out
    }

    /// Appends a member that is a string.
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

/// Sorts members here, because `Map` sorts them only with some feature sets.
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

/// Appends an integer as it is, any other number as [`write_float`] does.
fn write_number(number: &Number, out: &mut String) {
    match number.as_f64().filter(|_| number.is_f64()) {
        Some(float) => write_float(float, out),
        // Appending to a string cannot fail.
        None => drop(write!(out, "{number}")),
    }
}

/// Appends a finite number in the fewest digits that read back the same. An exponent is used below
/// 10^-6 and from 10^21 on.
pub(crate) fn write_float(float: f64, out: &mut String) {
    // JavaScript and Go use the same bounds, so a number has the same text in every runtime.
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

/// Returns whether a character is ordinary in JSON but ends a script or starts a tag in HTML.
pub(crate) const fn is_unsafe_in_html(c: char) -> bool {
    matches!(c, '<' | '>' | '&' | '\u{2028}' | '\u{2029}')
}

fn write_escape(c: char, out: &mut String) {
    out.push_str(&format!("\\u{:04x}", u32::from(c)));
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn strings_are_escaped_as_specified() {
        for (text, expected) in [
            ("", "\"\""),
            ("<", "\"\\u003c\""),
            ("\u{202a}<\u{2028}é\"", "\"\u{202a}\\u003c\\u2028é\\\"\""),
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
