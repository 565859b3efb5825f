//! Expressions with placeholders.

use alloc::borrow::Cow;
use alloc::format;
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

    /// Appends the placeholder of an attribute name, which may already have one.
    pub(super) fn write_name(&mut self, name: &'a AttributeName, out: &mut String) {
        match self.names.iter().position(|known| *known == name) {
            Some(index) => out.push_str(&NAME.text(index)),
            None => out.push_str(&self.add_name(name)),
        }
    }

    /// Returns a placeholder for an attribute name that has none yet.
    pub(super) fn add_name(&mut self, name: &'a AttributeName) -> Cow<'static, str> {
        let index = self.names.len();
        self.names.push(name);
        NAME.text(index)
    }

    /// Appends a placeholder for a value, borrowed from the order or converted from it.
    pub(super) fn write_value(&mut self, value: Cow<'a, Value>, out: &mut String) {
        out.push_str(&VALUE.text(self.values.len()));
        self.values.push(value);
    }

    /// Yields each name placeholder with its name.
    pub fn placeholder_names(&self) -> impl Iterator<Item = (String, &AttributeName)> {
        let names = self.names.iter().enumerate();
        names.map(|(index, name)| (NAME.text(index).into_owned(), *name))
    }

    /// Yields each value placeholder with its value.
    pub fn placeholder_values(&self) -> impl Iterator<Item = (String, &Value)> {
        let values = self.values.iter().enumerate();
        values.map(|(index, value)| (VALUE.text(index).into_owned(), &**value))
    }
}

/// The texts of one kind of placeholders: a prefix and an index.
struct Placeholders {
    prefix: &'static str,
    /// The first texts. Most orders need no others, and formatting them takes most of the time.
    first: [&'static str; 16],
}

impl Placeholders {
    fn text(&self, index: usize) -> Cow<'static, str> {
        match self.first.get(index) {
            Some(text) => Cow::Borrowed(text),
            None => Cow::Owned(format!("{}{index}", self.prefix)),
        }
    }
}

const NAME: Placeholders = Placeholders {
    prefix: "#n",
    first: [
        "#n0", "#n1", "#n2", "#n3", "#n4", "#n5", "#n6", "#n7", "#n8", "#n9", "#n10", "#n11",
        "#n12", "#n13", "#n14", "#n15",
    ],
};

const VALUE: Placeholders = Placeholders {
    prefix: ":v",
    first: [
        ":v0", ":v1", ":v2", ":v3", ":v4", ":v5", ":v6", ":v7", ":v8", ":v9", ":v10", ":v11",
        ":v12", ":v13", ":v14", ":v15",
    ],
};

/// A placeholder as the name of a member.
struct Placeholder(Cow<'static, str>);

impl Serialize for Placeholder {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.0 {
            // Names from code are not searched for characters to escape.
            Cow::Borrowed(text) => serializer.serialize_unit_variant("Placeholder", 0, text),
            Cow::Owned(text) => serializer.serialize_str(text),
        }
    }
}

/// Serializes names as `ExpressionAttributeNames`.
pub(super) fn serialize_names<S: Serializer>(
    names: &[&AttributeName],
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serialize_placeholders(&NAME, names, serializer)
}

/// Serializes values as `ExpressionAttributeValues`.
pub(super) fn serialize_values<S: Serializer>(
    values: &[Cow<'_, Value>],
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serialize_placeholders(&VALUE, values, serializer)
}

/// Serializes placeholders with their names or values, in the order of their texts.
fn serialize_placeholders<S: Serializer>(
    placeholders: &Placeholders,
    meanings: &[impl Serialize],
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(Some(meanings.len()))?;
    in_text_order(0..10, meanings, &mut |index, meaning| {
        map.serialize_entry(&Placeholder(placeholders.text(index)), meaning)
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

/// Appends a separator, unless the list is empty so far.
pub(super) fn separate(separator: &str, out: &mut String) {
    if !out.is_empty() {
        out.push_str(separator);
    }
}
