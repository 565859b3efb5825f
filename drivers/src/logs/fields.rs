//! Fields of events and spans.

use core::error::Error;
use core::fmt::{self, Debug, Write as _};
use core::ops::Deref;

use apptheory_core::observe::line::{self, Line, MAX_LINE_BYTES};
use tracing::field::{Field, Visit};

use crate::causes::WithCauses;

/// The fields of a span.
#[derive(Default)]
pub(super) struct SpanFields {
    /// The fields; each name occurs once.
    fields: Vec<(&'static str, Value)>,
    /// Whether the span belongs to an invocation whose debug events are logged.
    pub(super) is_sampled: bool,
}

/// The value of a span's field.
pub(super) enum Value {
    Bool(bool),
    Signed(i64),
    Unsigned(u64),
    Float(f64),
    Text(String),
}

/// Writes an event's fields to a line, except its message, and except texts that its spans already
/// have.
pub(super) struct Fields<'l, 'b> {
    pub(super) line: &'l mut Line<'b>,
    pub(super) value: &'l mut Bounded,
    /// Returns whether the spans have this text under this name.
    pub(super) is_in_spans: &'l dyn Fn(&str, &str) -> bool,
}

/// Writes an event's message.
pub(super) struct Message<'m>(pub(super) &'m mut Bounded);

/// A text of at most the length that a line can show.
#[derive(Default)]
pub(super) struct Bounded(String);

const MESSAGE: &str = "message";

impl SpanFields {
    /// Iterates over the fields that are not empty.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&'static str, &Value)> {
        let filled = self.fields.iter().filter(|(_, value)| !value.is_empty());
        filled.map(|(name, value)| (*name, value))
    }

    pub(super) fn get(&self, name: &str) -> Option<&Value> {
        self.iter().find(|(known, _)| *known == name).map(|(_, value)| value)
    }

    pub(super) fn text(&self, name: &str) -> Option<&str> {
        match self.get(name)? {
            Value::Text(text) => Some(text),
            Value::Bool(_) | Value::Signed(_) | Value::Unsigned(_) | Value::Float(_) => None,
        }
    }

    /// Replaces values by those of `other`.
    pub(super) fn merge(&mut self, other: Self) {
        for (name, value) in other.fields {
            self.set(name, value);
        }
    }

    fn set(&mut self, name: &'static str, value: Value) {
        match self.fields.iter_mut().find(|(known, _)| *known == name) {
            Some((_, known)) => *known = value,
            None => self.fields.push((name, value)),
        }
    }
}

impl Value {
    fn is_empty(&self) -> bool {
        matches!(self, Self::Text(text) if text.is_empty())
    }

    pub(super) fn as_field(&self) -> line::Field<'_> {
        match self {
            Self::Bool(flag) => (*flag).into(),
            Self::Signed(number) => (*number).into(),
            Self::Unsigned(number) => (*number).into(),
            Self::Float(number) => (*number).into(),
            Self::Text(text) => text.as_str().into(),
        }
    }
}

/// Returns a field's name, without the prefix of a raw identifier (`r#type`).
fn name(field: &Field) -> &'static str {
    let name = field.name();
    name.strip_prefix("r#").unwrap_or(name)
}

impl Visit for SpanFields {
    fn record_bool(&mut self, field: &Field, value: bool) {
        self.set(name(field), Value::Bool(value));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.set(name(field), Value::Signed(value));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.set(name(field), Value::Unsigned(value));
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.set(name(field), Value::Float(value));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.record_debug(field, &format_args!("{value}"));
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        self.record_debug(field, &format_args!("{}", WithCauses(value)));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let mut text = Bounded::default();
        text.write(value);
        self.set(name(field), Value::Text(text.0));
    }
}

impl Visit for Fields<'_, '_> {
    fn record_bool(&mut self, field: &Field, value: bool) {
        self.line.field(name(field), value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.line.field(name(field), value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.line.field(name(field), value);
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.line.field(name(field), value);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        let name = name(field);
        if name != MESSAGE && !(self.is_in_spans)(name, value) {
            self.line.field(name, value);
        }
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        self.record_debug(field, &format_args!("{}", WithCauses(value)));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let name = name(field);
        if name == MESSAGE {
            return;
        }
        self.value.clear();
        self.value.write(value);
        if !(self.is_in_spans)(name, self.value) {
            self.line.field(name, &**self.value);
        }
    }
}

impl Visit for Message<'_> {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.record_debug(field, &format_args!("{value}"));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        if field.name() == MESSAGE {
            self.0.write(value);
        }
    }
}

impl Bounded {
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// Appends a value. A value that does not fit is not even formatted.
    fn write(&mut self, value: &dyn Debug) {
        // An error means that the text is full.
        let _ = write!(self, "{value:?}");
    }
}

impl fmt::Write for Bounded {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let room = MAX_LINE_BYTES.saturating_sub(self.0.len());
        if text.len() <= room {
            self.0.push_str(text);
            return Ok(());
        }
        self.0.push_str(&text[..text.floor_char_boundary(room)]);
        Err(fmt::Error)
    }
}

impl Deref for Bounded {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}
