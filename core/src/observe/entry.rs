//! Entries of a structured logger.

use alloc::string::String;

use serde::ser::SerializeMap as _;
use serde::{Serialize, Serializer};
use serde_json::Value as Json;

use super::bounded::beginning;
#[cfg(doc)]
use super::line::MAX_LINE_BYTES;
use super::{Fields, Level};
use crate::sanitize::Sanitizer;
use crate::time::Timestamp;

/// An entry of a structured logger: sanitized, so that it may be stored, shown and sent.
///
/// ```
/// use apptheory_core::observe::{Fields, Level, LogEntry};
/// use apptheory_core::sanitize::Sanitizer;
/// use apptheory_core::time::Timestamp;
///
/// let fields = Fields::from([
///     ("request_id".to_owned(), "r1".into()),
///     ("status".to_owned(), 401.into()),
///     ("password".to_owned(), "hunter2".into()),
/// ]);
/// let at = Timestamp::UNIX_EPOCH;
/// let entry = LogEntry::new(at, Level::Warn, "refused", &fields, &Sanitizer::new());
/// assert_eq!(
///     serde_json::to_string(&entry)?,
///     concat!(
///         r#"{"timestamp":"1970-01-01T00:00:00Z","level":"warn","message":"refused","#,
///         r#""fields":{"password":"[REDACTED]","status":"401"},"request_id":"r1"}"#,
///     ),
/// );
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct LogEntry {
    /// When it was logged.
    pub at: Timestamp,
    /// The severity.
    pub level: Level,
    /// The message.
    pub message: String,
    /// Further values. Numbers are strings.
    pub fields: Fields,
    /// The request's id. Like the ids below, it is left out of the JSON if empty.
    pub request_id: String,
    /// The request's tenant.
    pub tenant_id: String,
    /// The request's user.
    pub user_id: String,
    /// The request's trace.
    pub trace_id: String,
    /// The request's span in the trace.
    pub span_id: String,
}

impl LogEntry {
    /// Creates an entry. The fields `request_id`, `tenant_id`, `user_id`, `trace_id` and `span_id`
    /// become members of their own. A text is cut after [`MAX_LINE_BYTES`] bytes.
    #[must_use]
    pub fn new(
        at: Timestamp,
        level: Level,
        message: &str,
        fields: &Fields,
        sanitizer: &Sanitizer,
    ) -> Self {
        let shown = fields.iter().map(|(name, value)| {
            let value = match value.as_str() {
                Some(text) => sanitizer.field_text(name, &beginning(text)).into(),
                None => sanitizer.field(name, value),
            };
            (sanitizer.free_text(name).into_owned(), value)
        });
        let mut fields: Fields = shown.collect();
        let mut id = |name| match fields.remove(name) {
            Some(Json::String(text)) => text,
            Some(Json::Null) | None => String::new(),
            Some(other) => crate::json::to_text(&other),
        };
        Self {
            at,
            level,
            message: sanitizer.free_text(&beginning(message)).into_owned(),
            request_id: id("request_id"),
            tenant_id: id("tenant_id"),
            user_id: id("user_id"),
            trace_id: id("trace_id"),
            span_id: id("span_id"),
            fields,
        }
    }

    /// Returns the five ids with their names, including empty ones.
    #[must_use]
    pub fn ids(&self) -> [(&'static str, &str); 5] {
        [
            ("request_id", &self.request_id),
            ("tenant_id", &self.tenant_id),
            ("user_id", &self.user_id),
            ("trace_id", &self.trace_id),
            ("span_id", &self.span_id),
        ]
    }
}

impl Serialize for LogEntry {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("timestamp", &self.at.to_rfc3339())?;
        map.serialize_entry("level", self.level.name())?;
        map.serialize_entry("message", &self.message)?;
        if !self.fields.is_empty() {
            map.serialize_entry("fields", &self.fields)?;
        }
        for (name, id) in self.ids().into_iter().filter(|(_, id)| !id.is_empty()) {
            map.serialize_entry(name, id)?;
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::super::line::{CUT, MAX_LINE_BYTES};
    use super::*;

    #[test]
    fn an_entry_has_the_ids_that_its_line_has() {
        for id in ["8f5e4111-1111-4111-1111-11116a37c5d1", "fba99c4c281a4367b587219408758248"] {
            let fields = Fields::from([("request_id".into(), id.into())]);
            let (at, sanitizer) = (Timestamp::UNIX_EPOCH, Sanitizer::new());
            let entry = LogEntry::new(at, Level::Error, "no", &fields, &sanitizer);
            assert_eq!(entry.request_id, id);
        }
    }

    #[test]
    fn texts_are_cut_that_are_longer_than_a_line() {
        let long = "a ".repeat(MAX_LINE_BYTES);
        let fields = Fields::from([("long".into(), (&*long).into()), ("short".into(), 1.into())]);
        let (at, sanitizer) = (Timestamp::UNIX_EPOCH, Sanitizer::new());
        let entry = LogEntry::new(at, Level::Error, &long, &fields, &sanitizer);
        for text in [&*entry.message, entry.fields["long"].as_str().unwrap()] {
            let shown = text.strip_suffix(CUT).unwrap();
            assert!(
                long.starts_with(shown)
                    && (MAX_LINE_BYTES - 9..=MAX_LINE_BYTES).contains(&shown.len())
            );
        }
        assert_eq!(entry.fields["short"], "1");
    }
}
