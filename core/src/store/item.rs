//! Items, the names of their attributes, and the keys that find them.

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
// Sorted, each name once. Items are read, copied and dropped far more often than attributes are put
// into them, and most have a dozen: one list of them is found through faster than a tree of nodes.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Item(Vec<(AttributeName, Value)>);

impl Item {
    /// An item without attributes.
    #[must_use]
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// An item without attributes that has room for so many.
    pub(super) fn with_capacity(attributes: usize) -> Self {
        Self(Vec::with_capacity(attributes))
    }

    /// The value of an attribute.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.find(name).and_then(|at| self.0.get(at)).map(|(_, value)| value)
    }

    /// Where an attribute is.
    fn find(&self, name: &str) -> Option<usize> {
        if self.0.len() > FEW {
            return self.search(name).ok();
        }
        // Most names differ in length already: few texts are compared at all.
        self.0.iter().position(|(known, _)| **known == *name)
    }

    /// Where an attribute is, or where it belongs.
    fn search(&self, name: &str) -> Result<usize, usize> {
        self.0.binary_search_by(|(known, _)| (**known).cmp(name))
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
        let name = name.into();
        match self.search(&name) {
            Ok(at) => {
                if let Some((_, old)) = self.0.get_mut(at) {
                    *old = value;
                }
            }
            Err(at) => self.0.insert(at, (name, value)),
        }
    }

    /// Removes an attribute and returns its value.
    pub fn remove(&mut self, name: &str) -> Option<Value> {
        self.find(name).map(|at| self.0.remove(at).1)
    }

    /// Takes the value of an attribute and leaves a null in its place: cheaper than removing it, for
    /// readers to whom both mean the same. A null is no value to them, either.
    pub(crate) fn take(&mut self, name: &str) -> Option<Value> {
        let (_, value) = self.find(name).and_then(|at| self.0.get_mut(at))?;
        Some(mem::replace(value, Value::Null)).filter(|value| *value != Value::Null)
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
        self.0.iter().map(|(name, value)| (name, value))
    }

    pub(super) fn values_mut(&mut self) -> impl Iterator<Item = &mut Value> {
        self.0.iter_mut().map(|(_, value)| value)
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

/// Room for the attributes of most items.
const TYPICAL_ATTRIBUTES: usize = 16;

impl IntoIterator for Item {
    type Item = (AttributeName, Value);
    type IntoIter = alloc::vec::IntoIter<(AttributeName, Value)>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

/// Of attributes with the same name, the last one stays.
impl FromIterator<(AttributeName, Value)> for Item {
    fn from_iter<I: IntoIterator<Item = (AttributeName, Value)>>(attributes: I) -> Self {
        let mut attributes: Vec<(AttributeName, Value)> = attributes.into_iter().collect();
        // Stable, so that the last of a name stays behind the others.
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

/// Up to so many attributes are looked through one after the other.
const FEW: usize = 16;

#[cfg(test)]
mod tests {
    use alloc::collections::BTreeMap;
    use alloc::format;
    use alloc::string::String;
    use alloc::vec::Vec;

    use super::{AttributeName, FEW, Item, Number, Value};

    /// Every attribute, in order.
    fn listed(item: &Item) -> Vec<(String, Value)> {
        item.iter().map(|(name, value)| (String::from(&**name), value.clone())).collect()
    }

    #[test]
    fn an_item_is_a_map_in_order_of_names() {
        let few = i64::try_from(FEW).unwrap();
        for count in [0, 1, 5, few, few + 1, 3 * few] {
            // 7 and the counts have no common factor: each name comes twice, out of order.
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
        let mut taken = null.clone();
        assert_eq!((taken.take("x"), taken.take("x")), (Some(Value::N(Number::from(1))), None));
        assert_eq!((taken.take("n"), taken.take("y")), (None, None));
    }
}
