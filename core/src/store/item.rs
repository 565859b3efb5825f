//! Items, the names of their attributes, and the keys that find them.

use alloc::borrow::Cow;
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;
use core::borrow::Borrow;
use core::fmt;
use core::mem;
use core::ops::Deref;

use serde::de::{MapAccess, Visitor};
use serde::ser::SerializeMap as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value as Json;

use super::number::Number;
use super::value::{ReadError, Value};

/// The name of an attribute. Names known at compile time cost nothing to clone.
#[derive(Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
pub struct AttributeName(Cow<'static, str>);

impl From<&'static str> for AttributeName {
    fn from(name: &'static str) -> Self {
        Self(Cow::Borrowed(name))
    }
}

impl From<String> for AttributeName {
    fn from(name: String) -> Self {
        Self(Cow::Owned(name))
    }
}

impl Deref for AttributeName {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl Borrow<str> for AttributeName {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for AttributeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A named value.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Attribute {
    /// The attribute's name.
    pub name: AttributeName,
    /// The attribute's value.
    pub value: Value,
}

/// The primary key of one item.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Key {
    /// The partition key attribute.
    pub partition: Attribute,
    /// The sort key attribute, in tables that have one.
    pub sort: Option<Attribute>,
}

impl Key {
    /// A key of a partition key alone.
    #[must_use]
    pub fn of(name: impl Into<AttributeName>, value: Value) -> Self {
        Self { partition: Attribute { name: name.into(), value }, sort: None }
    }

    /// Adds a sort key.
    #[must_use]
    pub fn with_sort(self, name: impl Into<AttributeName>, value: Value) -> Self {
        Self { sort: Some(Attribute { name: name.into(), value }), ..self }
    }

    /// The key's attributes: one, or two.
    pub fn attributes(&self) -> impl Iterator<Item = &Attribute> {
        core::iter::once(&self.partition).chain(&self.sort)
    }

    /// The value of one of its attributes.
    pub(super) fn get(&self, name: &str) -> Option<&Value> {
        let attributes = self.sort.iter().chain([&self.partition]);
        attributes.into_iter().find(|at| *at.name == *name).map(|at| &at.value)
    }

    /// Bytes that its attributes count for in an item's size.
    pub(super) fn size(&self) -> usize {
        let sizes = self.attributes().map(|at| at.name.len().saturating_add(at.value.size()));
        sizes.sum()
    }

    /// The key as an item of just its attributes.
    #[must_use]
    pub fn to_item(&self) -> Item {
        self.attributes().cloned().map(|Attribute { name, value }| (name, value)).collect()
    }

    /// Whether `item` is the one that this key finds.
    #[must_use]
    pub fn matches(&self, item: &Item) -> bool {
        self.attributes().all(|attribute| item.get(&attribute.name) == Some(&attribute.value))
    }
}

/// As an item of just its attributes.
impl Serialize for Key {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (partition, sort) = (&self.partition, self.sort.as_ref());
        let mut map = serializer.serialize_map(None)?;
        let before = sort.filter(|sort| sort.name < partition.name);
        let after = sort.filter(|sort| sort.name > partition.name);
        for Attribute { name, value } in before.into_iter().chain([partition]).chain(after) {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

/// An item: attributes by name, in the order of their names. With `serde` it is written and read as
/// its low-level DynamoDB JSON.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize)]
pub struct Item(pub(super) BTreeMap<AttributeName, Value>);

impl Item {
    /// An item without attributes.
    #[must_use]
    pub const fn new() -> Self {
        Self(BTreeMap::new())
    }

    /// The value of an attribute.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    /// The value of a numeric attribute, if it is a whole number.
    #[must_use]
    pub fn integer(&self, name: &str) -> Option<i128> {
        self.get(name).and_then(Value::as_number).and_then(Number::to_i128)
    }

    /// The value of a text attribute.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        self.get(name).and_then(Value::as_text)
    }

    /// Sets an attribute.
    pub fn insert(&mut self, name: impl Into<AttributeName>, value: Value) {
        self.0.insert(name.into(), value);
    }

    /// Removes an attribute and returns its value.
    pub fn remove(&mut self, name: &str) -> Option<Value> {
        self.0.remove(name)
    }

    /// Takes the value of an attribute and leaves a null in its place: cheaper than removing it, for
    /// readers to whom both mean the same. A null is no value to them, either.
    pub(crate) fn take(&mut self, name: &str) -> Option<Value> {
        let value = self.0.get_mut(name).map(|value| mem::replace(value, Value::Null));
        value.filter(|value| *value != Value::Null)
    }

    /// Adds an attribute.
    #[must_use]
    pub fn with(mut self, name: impl Into<AttributeName>, value: Value) -> Self {
        self.insert(name, value);
        self
    }

    /// Whether there is no attribute.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The attributes, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&AttributeName, &Value)> {
        self.0.iter()
    }

    pub(super) fn values_mut(&mut self) -> impl Iterator<Item = &mut Value> {
        self.0.values_mut()
    }

    /// Bytes that the item counts for: names and values (DynamoDB's published rules).
    #[must_use]
    pub fn size(&self) -> usize {
        self.iter().map(|(name, value)| name.len().saturating_add(value.size())).sum()
    }

    /// The low-level DynamoDB JSON of the item.
    #[must_use]
    pub fn to_json(&self) -> Json {
        // It fails for maps whose keys are no texts; there is none.
        serde_json::to_value(self).unwrap_or_default()
    }

    /// Reads the low-level DynamoDB JSON of an item.
    ///
    /// # Errors
    ///
    /// [`ReadError`] when the JSON is not an object of attribute values.
    pub fn from_json(json: &Json) -> Result<Self, ReadError> {
        json.as_object()
            .ok_or(ReadError::NotTagged)?
            .iter()
            .map(|(name, value)| Ok((AttributeName::from(name.clone()), Value::from_json(value)?)))
            .collect()
    }
}

impl<'de> Deserialize<'de> for Item {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Attributes;

        impl<'de> Visitor<'de> for Attributes {
            type Value = Item;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of attribute values")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Item, A::Error> {
                // A map that is made of all its entries compares them less often than one that grows.
                let mut attributes = Vec::with_capacity(TYPICAL_ATTRIBUTES);
                while let Some(attribute) = map.next_entry()? {
                    attributes.push(attribute);
                }
                Ok(attributes.into_iter().collect())
            }
        }

        deserializer.deserialize_map(Attributes)
    }
}

/// Room for the attributes of most items.
const TYPICAL_ATTRIBUTES: usize = 16;

impl IntoIterator for Item {
    type Item = (AttributeName, Value);
    type IntoIter = alloc::collections::btree_map::IntoIter<AttributeName, Value>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl FromIterator<(AttributeName, Value)> for Item {
    fn from_iter<I: IntoIterator<Item = (AttributeName, Value)>>(attributes: I) -> Self {
        Self(attributes.into_iter().collect())
    }
}
