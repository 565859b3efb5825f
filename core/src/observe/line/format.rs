//! The formats of lines.

use alloc::string::String;

use super::Level;
use crate::json::write_plain_string;
use crate::time::Timestamp;

/// The format of a line.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum LineFormat {
    /// A JSON object: `timestamp`, `level`, `message`, the fields, `target`.
    Json,
    /// Text for people: the level, the target, the message, and fields as `name=value`. Names and
    /// values that contain blanks, `=` or `"` are quoted.
    Text {
        /// Whether the line begins with the time.
        is_timed: bool,
        /// Whether the line is for a terminal, and the level is colored.
        is_colored: bool,
    },
}

impl LineFormat {
    /// Appends everything before the message.
    pub(super) fn write_head(self, at: Timestamp, level: Level, target: &str, out: &mut String) {
        match self {
            Self::Json => {
                out.push_str(r#"{"timestamp":""#);
                at.write_rfc3339_millis(out);
                out.push_str(r#"","level":""#);
                out.push_str(level.upper_name());
                out.push_str(r#"","message":"#);
            }
            Self::Text { is_timed, is_colored } => {
                if is_timed {
                    at.write_rfc3339_millis(out);
                    out.push(' ');
                }
                let (begin, end) = if is_colored { (color(level), "\u{1b}[0m") } else { ("", "") };
                let blank = if level.upper_name().len() < 5 { " " } else { "" };
                for part in [begin, blank, level.upper_name(), end, " "] {
                    out.push_str(part);
                }
                if !target.is_empty() {
                    out.push_str(target);
                    out.push_str(": ");
                }
            }
        }
    }

    /// Appends the message, and the mark if it was cut.
    pub(super) fn write_message(self, message: &str, cut: &str, out: &mut String) {
        match self {
            Self::Json => self.write_text(message, cut, out),
            Self::Text { .. } => {
                out.push_str(message);
                out.push_str(cut);
            }
        }
    }

    /// Appends a field's name, before its value.
    pub(super) fn write_name(self, name: &str, out: &mut String) {
        match self {
            Self::Json => {
                out.push(',');
                write_plain_string(name, out);
                out.push(':');
            }
            Self::Text { .. } => {
                out.push(' ');
                self.write_text(name, "", out);
                out.push('=');
            }
        }
    }

    /// Appends a text, and the mark if it was cut.
    pub(super) fn write_text(self, text: &str, cut: &str, out: &mut String) {
        let is_plain = |c: char| !c.is_whitespace() && !matches!(c, '"' | '=' | '\\');
        let is_bare = self != Self::Json && !text.is_empty() && text.chars().all(is_plain);
        if is_bare {
            out.push_str(text);
            out.push_str(cut);
            return;
        }
        write_plain_string(text, out);
        if !cut.is_empty() {
            out.pop();
            out.push_str(cut);
            out.push('"');
        }
    }

    /// Appends everything after the fields.
    pub(super) fn write_end(self, target: &str, out: &mut String) {
        if self == Self::Json {
            if !target.is_empty() {
                out.push_str(r#","target":"#);
                write_plain_string(target, out);
            }
            out.push('}');
        }
    }
}

const fn color(level: Level) -> &'static str {
    match level {
        Level::Trace => "\u{1b}[35m",
        Level::Debug => "\u{1b}[34m",
        Level::Info => "\u{1b}[32m",
        Level::Warn => "\u{1b}[33m",
        Level::Error => "\u{1b}[31m",
    }
}
