//! Sanitizes JSON texts.

use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

use serde_json::Value as Json;

use super::value::{Bodies, Place};
use super::{Profile, Sanitizer};
use crate::{json, utf8};

impl Sanitizer {
    /// Returns a JSON text with its values sanitized: on several lines, with sorted names, and all
    /// scalars except `null` as strings. JSON in a member `body`, as in events of API Gateway, is
    /// sanitized inside its string. Use it for bodies and events.
    ///
    /// A text that is not JSON is replaced as a whole by the position of the error, without quoting
    /// the text: `"(malformed JSON: …)"`. An empty text becomes `"(empty)"`.
    ///
    /// ```
    /// use apptheory_core::sanitize::Sanitizer;
    ///
    /// let sanitizer = Sanitizer::new();
    /// let shown = sanitizer.json(r#"{"ok": 1, "cvv": "7"}"#);
    /// assert_eq!(shown, "{\n  \"cvv\": \"[REDACTED]\",\n  \"ok\": \"1\"\n}");
    /// assert_eq!(sanitizer.json("cvv=7"), r#""(malformed JSON: no JSON at line 1, column 1)""#);
    /// ```
    #[must_use]
    pub fn json(&self, text: impl AsRef<[u8]>) -> String {
        let mut out = String::new();
        match (self.parse(text.as_ref()), self.profile) {
            (Err(reason), Profile::Reference) => out = reason,
            (Err(reason), Profile::Default) => json::write_string(&reason, &mut out),
            (Ok(mut value), _) => {
                self.clean(&mut value, Place::root(Bodies::Texts));
                write_pretty(&value, 0, &mut out);
            }
        }
        out
    }

    /// Returns a JSON text with its values sanitized, as a value. Works as [`json`](Self::json),
    /// but JSON in a member `body` becomes a value. Use it for a field of a log record.
    ///
    /// ```
    /// use apptheory_core::sanitize::Sanitizer;
    /// use serde_json::json;
    ///
    /// let shown = Sanitizer::new().json_value(r#"{"body": "{\"token\": \"t\"}"}"#);
    /// assert_eq!(shown, json!({"body": {"token": "[REDACTED]"}}));
    /// ```
    #[must_use]
    pub fn json_value(&self, text: impl AsRef<[u8]>) -> Json {
        match self.parse(text.as_ref()) {
            Ok(mut value) => {
                self.clean(&mut value, Place::root(Bodies::Values));
                value
            }
            Err(reason) => Json::String(reason),
        }
    }

    fn parse(&self, text: &[u8]) -> Result<Json, String> {
        if text.is_empty() {
            return Err("(empty)".to_string());
        }
        serde_json::from_str(&utf8::decode_lossy(text)).map_err(|error| {
            let what = if error.is_eof() { "it ends early" } else { "no JSON" };
            format!("(malformed JSON: {what} at line {}, column {})", error.line(), error.column())
        })
    }
}

/// Appends a value with an indentation of two spaces per level, and members sorted by the bytes of
/// their names.
fn write_pretty(value: &Json, level: usize, out: &mut String) {
    let inner = level.saturating_add(1);
    match value {
        Json::Array(elements) if !elements.is_empty() => {
            write_lines(['[', ']'], level, elements, out, |element, out| {
                write_pretty(element, inner, out);
            });
        }
        Json::Object(members) if !members.is_empty() => {
            let mut members: Vec<_> = members.iter().collect();
            members.sort_unstable_by_key(|(name, _)| *name);
            write_lines(['{', '}'], level, members, out, |(name, value), out| {
                json::write_string(name, out);
                out.push_str(": ");
                write_pretty(value, inner, out);
            });
        }
        Json::Null
        | Json::Bool(_)
        | Json::Number(_)
        | Json::String(_)
        | Json::Array(_)
        | Json::Object(_) => json::write_value(value, out),
    }
}

fn write_lines<T>(
    [open, close]: [char; 2],
    level: usize,
    values: impl IntoIterator<Item = T>,
    out: &mut String,
    mut write: impl FnMut(T, &mut String),
) {
    let indent = |level: usize, out: &mut String| {
        out.push('\n');
        out.extend(core::iter::repeat_n("  ", level));
    };
    out.push(open);
    for (at, value) in values.into_iter().enumerate() {
        if at > 0 {
            out.push(',');
        }
        indent(level.saturating_add(1), out);
        write(value, out);
    }
    indent(level, out);
    out.push(close);
}
