//! Items, the names of their attributes, and their keys.

use alloc::borrow::Cow;
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

/// The name of an attribute. A name known at compile time is cheap to clone.
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

/// An attribute: a name and a value.
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
    /// The sort key attribute, if the table has one.
    pub sort: Option<Attribute>,
}

impl Key {
    /// Creates a key with only a partition key.
    #[must_use]
    pub fn of(name: impl Into<AttributeName>, value: Value) -> Self {
        Self { partition: Attribute { name: name.into(), value }, sort: None }
    }

    /// Adds a sort key.
    #[must_use]
    pub fn with_sort(self, name: impl Into<AttributeName>, value: Value) -> Self {
        Self { sort: Some(Attribute { name: name.into(), value }), ..self }
    }

    /// Yields the key's attributes: one or two.
    pub fn attributes(&self) -> impl Iterator<Item = &Attribute> {
        core::iter::once(&self.partition).chain(&self.sort)
    }

    /// Returns the value of one of its attributes.
    pub(super) fn get(&self, name: &str) -> Option<&Value> {
        let attributes = self.sort.iter().chain([&self.partition]);
        attributes.into_iter().find(|at| *at.name == *name).map(|at| &at.value)
    }

    /// Returns the bytes that the key's attributes add to an item's size.
    pub(super) fn size(&self) -> usize {
        let sizes = self.attributes().map(|at| at.name.len().saturating_add(at.value.size()));
        sizes.sum()
    }

    /// Returns an item with only the key's attributes.
    #[must_use]
    pub fn to_item(&self) -> Item {
        self.attributes().cloned().map(|Attribute { name, value }| (name, value)).collect()
    }

    /// Returns whether `item` has this key.
    #[must_use]
    pub fn matches(&self, item: &Item) -> bool {
        self.attributes().all(|attribute| item.get(&attribute.name) == Some(&attribute.value))
    }
}

/// Serializes as an item with only the key's attributes.
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

/// An item: attributes sorted by name. Serializes as low-level DynamoDB JSON.
// A sorted list without duplicates. Items are read, copied and dropped far more often than changed,
// and most have about a dozen attributes; searching a list is then faster than a tree.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Item(Vec<(AttributeName, Value)>);

impl Item {
    /// Creates an item without attributes.
    #[must_use]
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// Returns the value of an attribute.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.find(name).and_then(|at| self.0.get(at)).map(|(_, value)| value)
    }

    /// Returns the index of an attribute.
    fn find(&self, name: &str) -> Option<usize> {
        if self.0.len() > FEW {
            return self.search(name).ok();
        }
        // Most names differ in length, so few texts are compared.
        self.0.iter().position(|(known, _)| **known == *name)
    }

    /// Returns the index of an attribute, or the index at which to insert it.
    fn search(&self, name: &str) -> Result<usize, usize> {
        self.0.binary_search_by(|(known, _)| (**known).cmp(name))
    }

    /// Returns the value of a numeric attribute, if it is an integer.
    #[must_use]
    pub fn integer(&self, name: &str) -> Option<i128> {
        self.get(name).and_then(Value::as_number).and_then(Number::to_i128)
    }

    /// Returns the value of a string attribute.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        self.get(name).and_then(Value::as_text)
    }

    /// Sets an attribute.
    pub fn insert(&mut self, name: impl Into<AttributeName>, value: Value) {
        let name = name.into();
        if let Some((_, old)) = self.find(&name).and_then(|at| self.0.get_mut(at)) {
            *old = value;
        } else {
            let at = self.search(&name).unwrap_or_else(|at| at);
            self.0.insert(at, (name, value));
        }
    }

    /// Removes an attribute and returns its value.
    pub fn remove(&mut self, name: &str) -> Option<Value> {
        self.find(name).map(|at| self.0.remove(at).1)
    }

    /// Takes the value of an attribute and leaves a null. Cheaper than removing the attribute, and
    /// the same for readers that treat null as missing. Looks first at `expected_at`, and then sets
    /// it to the index after the attribute: attributes that are taken in the order of their names
    /// are found without a search.
    pub(crate) fn take(&mut self, name: &str, expected_at: &mut usize) -> Option<Value> {
        let is_expected = self.0.get(*expected_at).is_some_and(|(known, _)| **known == *name);
        let at = if is_expected { *expected_at } else { self.find(name)? };
        *expected_at = at.saturating_add(1);
        let (_, value) = self.0.get_mut(at)?;
        Some(mem::replace(value, Value::Null)).filter(|value| !matches!(value, Value::Null))
    }

    /// Adds an attribute.
    #[must_use]
    pub fn with(mut self, name: impl Into<AttributeName>, value: Value) -> Self {
        self.insert(name, value);
        self
    }

    /// Returns whether the item has no attributes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Yields the attributes, sorted by name.
    pub fn iter(&self) -> impl Iterator<Item = (&AttributeName, &Value)> {
        self.0.iter().map(|(name, value)| (name, value))
    }

    /// Returns a copy with the attributes that `keep` accepts.
    pub(super) fn retained(&self, keep: impl Fn(&AttributeName) -> bool) -> Self {
        let mut kept = Vec::with_capacity(self.0.len());
        kept.extend(self.0.iter().filter(|(name, _)| keep(name)).cloned());
        Self(kept)
    }

    pub(super) fn values_mut(&mut self) -> impl Iterator<Item = &mut Value> {
        self.0.iter_mut().map(|(_, value)| value)
    }

    /// Returns the item's size in bytes: names and values, by DynamoDB's published rules.
    #[must_use]
    pub fn size(&self) -> usize {
        self.iter().map(|(name, value)| name.len().saturating_add(value.size())).sum()
    }

    /// Returns the item as low-level DynamoDB JSON.
    #[must_use]
    pub fn to_json(&self) -> Json {
        // Only maps whose keys are not strings fail; there are none.
        serde_json::to_value(self).unwrap_or_default()
    }

    /// Reads an item from low-level DynamoDB JSON.
    ///
    /// # Errors
    ///
    /// [`ReadError`] if the JSON is not an object of attribute values.
    pub fn from_json(json: &Json) -> Result<Self, ReadError> {
        json.as_object()
            .ok_or(ReadError::NotTagged)?
            .iter()
            .map(|(name, value)| Ok((AttributeName::from(name.clone()), Value::from_json(value)?)))
            .collect()
    }
}

impl Serialize for Item {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
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

/// The capacity for the attributes of most items.
const TYPICAL_ATTRIBUTES: usize = 16;

impl IntoIterator for Item {
    type Item = (AttributeName, Value);
    type IntoIter = alloc::vec::IntoIter<(AttributeName, Value)>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

/// Keeps the last of several attributes with the same name.
impl FromIterator<(AttributeName, Value)> for Item {
    fn from_iter<I: IntoIterator<Item = (AttributeName, Value)>>(attributes: I) -> Self {
        let mut attributes: Vec<(AttributeName, Value)> = attributes.into_iter().collect();
        // The sort is stable, so the last of a name stays behind the others.
        attributes.sort_by(|(a, _), (b, _)| a.cmp(b));
        attributes.dedup_by(|later, earlier| {
            let is_same = later.0 == earlier.0;
            if is_same {
                mem::swap(later, earlier);
            }
            is_same
        });
        Self(attributes)
    }
}

/// Up to this number of attributes, a linear search is used.
const FEW: usize = 16;

#[cfg(test)]
mod tests {
    use alloc::collections::BTreeMap;
    use alloc::format;
    use alloc::string::String;
    use alloc::vec::Vec;

    use super::{AttributeName, FEW, Item, Number, Value};

    /// Returns every attribute, in order.
    fn listed(item: &Item) -> Vec<(String, Value)> {
        item.iter().map(|(name, value)| (String::from(&**name), value.clone())).collect()
    }

    #[test]
    fn an_item_is_a_map_in_order_of_names() {
        let few = i64::try_from(FEW).unwrap();
        for count in [0, 1, 5, few, few + 1, 3 * few] {
            // 7 and the counts have no common factor, so each name occurs twice, out of order.
            let order = (0..2 * count).map(|n| (format!("a{}", n * 7 % count), Value::N(n.into())));
            let order: Vec<(String, Value)> = order.collect();
            let map: BTreeMap<String, Value> = order.iter().cloned().collect();
            let expected: Vec<(String, Value)> = map.into_iter().collect();

            let named = |(name, value): (String, Value)| (AttributeName::from(name), value);
            let collected: Item = order.iter().cloned().map(named).collect();
            let mut inserted = Item::new();
            order.into_iter().for_each(|(name, value)| inserted.insert(name, value));
            assert_eq!(listed(&collected), expected);
            assert_eq!(collected, inserted);
            for (name, value) in &expected {
                assert_eq!(inserted.get(name), Some(value), "{name}");
                assert_eq!(inserted.remove(name).as_ref(), Some(value), "{name}");
                assert_eq!(inserted.get(name), None, "{name}");
                assert_eq!(inserted.remove(name), None, "{name}");
            }
            assert!(inserted.is_empty());
        }
        let null = Item::new().with("n", Value::Null).with("x", Value::N(Number::from(1)));
        for expected_at in 0..3 {
            let (mut taken, mut at) = (null.clone(), expected_at);
            let taken = ["x", "x", "n", "y"].map(|name| taken.take(name, &mut at));
            assert_eq!(taken, [Some(Value::N(Number::from(1))), None, None, None]);
            assert_eq!(at, 1);
        }
    }
}
