//! Expressions with placeholders.

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;
use core::ops::Range;

use serde::ser::{Serialize, SerializeMap as _, Serializer};

use super::guard::Guard;
use super::item::AttributeName;
use super::update::{Assignment, write_update};
use super::value::Value;

/// The expressions of one order, with the names and values of their placeholders.
///
/// Every name and value is replaced by a placeholder, so that attribute names cannot collide with
/// reserved words and values cannot be read as syntax. Placeholders are numbered by first use: an
/// order always renders to the same text.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Expressions<'a> {
    /// `UpdateExpression`.
    pub update: Option<String>,
    /// `ConditionExpression`.
    pub condition: Option<String>,
    /// `KeyConditionExpression`.
    pub key_condition: Option<String>,
    /// `FilterExpression`.
    pub filter: Option<String>,
    /// `ProjectionExpression`.
    pub projection: Option<String>,
    /// `ExpressionAttributeNames`: the names for `#n0`, `#n1`, ….
    pub names: Vec<&'a AttributeName>,
    /// `ExpressionAttributeValues`: the values for `:v0`, `:v1`, ….
    pub values: Vec<Cow<'a, Value>>,
}

impl<'a> Expressions<'a> {
    pub(super) fn with_guard(mut self, guard: &'a Guard) -> Self {
        self.condition = guard.render(&mut self);
        self
    }

    pub(super) fn with_filter(mut self, filter: &'a Guard) -> Self {
        self.filter = filter.render(&mut self);
        self
    }

    pub(super) fn with_update(mut self, assignments: &'a [Assignment]) -> Self {
        // Most assignments have their own name and value.
        self.names.reserve(assignments.len());
        self.values.reserve(assignments.len().saturating_add(1));
        self.update = write_update(assignments, &mut self);
        self
    }

    pub(super) fn with_projection(mut self, names: &'a [AttributeName]) -> Self {
        if !names.is_empty() {
            let mut projection = String::new();
            for name in names {
                separate(", ", &mut projection);
                self.write_name(name, &mut projection);
            }
            self.projection = Some(projection);
        }
        self
    }

    /// Appends the placeholder of an attribute name.
    pub(super) fn write_name(&mut self, name: &'a AttributeName, out: &mut String) {
        // Searches from the end: most names are used again at once, or never.
        let known = self.names.iter().rposition(|known| *known == name);
        let index = known.unwrap_or(self.names.len());
        if known.is_none() {
            self.names.push(name);
        }
        write_placeholder(NAME, index, out);
    }

    /// Appends a placeholder for a value, borrowed from the order or converted from it.
    pub(super) fn write_value(&mut self, value: Cow<'a, Value>, out: &mut String) {
        write_placeholder(VALUE, self.values.len(), out);
        self.values.push(value);
    }

    /// Yields each name placeholder with its name.
    pub fn placeholder_names(&self) -> impl Iterator<Item = (String, &AttributeName)> {
        self.names.iter().enumerate().map(|(index, name)| (placeholder(NAME, index), *name))
    }

    /// Yields each value placeholder with its value.
    pub fn placeholder_values(&self) -> impl Iterator<Item = (String, &Value)> {
        self.values.iter().enumerate().map(|(index, value)| (placeholder(VALUE, index), &**value))
    }
}

const NAME: &str = "#n";
const VALUE: &str = ":v";

/// Serializes names as `ExpressionAttributeNames`.
pub(super) fn serialize_names<S: Serializer>(
    names: &[&AttributeName],
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serialize_placeholders(NAME, names, serializer)
}

/// Serializes values as `ExpressionAttributeValues`.
pub(super) fn serialize_values<S: Serializer>(
    values: &[Cow<'_, Value>],
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serialize_placeholders(VALUE, values, serializer)
}

/// Serializes placeholders with their names or values, in the order of their texts.
fn serialize_placeholders<S: Serializer>(
    kind: &str,
    meanings: &[impl Serialize],
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(Some(meanings.len()))?;
    let mut text = String::with_capacity(8);
    in_text_order(0..10, meanings, &mut |index, meaning| {
        text.clear();
        write_placeholder(kind, index, &mut text);
        map.serialize_entry(&text, meaning)
    })?;
    map.end()
}

/// Calls `visit` with the elements at the indices of a range, and at those that begin with the
/// digits of one of them, in the order of the indices' texts: 0, 1, 10, 11, 2, ….
fn in_text_order<'m, M, E>(
    indices: Range<usize>,
    elements: &'m [M],
    visit: &mut impl FnMut(usize, &'m M) -> Result<(), E>,
) -> Result<(), E> {
    for index in indices {
        let Some(element) = elements.get(index) else { break };
        visit(index, element)?;
        let longer = index.saturating_mul(10);
        if (1..elements.len()).contains(&longer) {
            in_text_order(longer..longer.saturating_add(10), elements, visit)?;
        }
    }
    Ok(())
}

fn placeholder(kind: &str, index: usize) -> String {
    let mut text = String::with_capacity(8);
    write_placeholder(kind, index, &mut text);
    text
}

fn write_placeholder(kind: &str, index: usize, out: &mut String) {
    out.push_str(kind);
    // Nearly always a single digit, for which the general formatter would take most of the time.
    match u8::try_from(index) {
        Ok(digit @ 0..=9) => out.push(char::from(b'0' | digit)),
        _ => write_decimal(index, out),
    }
}

fn write_decimal(number: usize, out: &mut String) {
    if number > 9 {
        write_decimal(number / 10, out);
    }
    // A single digit.
    out.push(char::from(b'0' | (number % 10) as u8));
}

/// Appends a separator, unless the list is empty so far.
pub(super) fn separate(separator: &str, out: &mut String) {
    if !out.is_empty() {
        out.push_str(separator);
    }
}
