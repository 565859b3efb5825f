//! Names with lists of values: the queries of requests, and what headers are made of.

use alloc::string::String;
use alloc::vec::Vec;
use core::{fmt, mem, slice};

use serde::{Serialize, Serializer};

use crate::printing::Hidden;

/// Names, each with a list of values in their order. Names are sorted by their bytes, and equal
/// only when spelled alike.
///
/// A name may have an empty list, which is not the same as no name: providers send such members.
#[derive(Clone, Default, Eq, PartialEq)]
pub struct MultiMap {
    /// Sorted by name, and each name once.
    entries: Vec<(String, Values)>,
}

/// Most names have one value: it needs no list of its own.
#[derive(Clone)]
enum Values {
    One(String),
    Many(Vec<String>),
}

impl MultiMap {
    /// A map without names.
    #[must_use]
    pub const fn new() -> Self {
        Self { entries: Vec::new() }
    }

    /// The first value of a name, if it has one.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.get_all(name).first().map(String::as_str)
    }

    /// All values of a name; none when it is not there.
    #[must_use]
    pub fn get_all(&self, name: &str) -> &[String] {
        let found = self.position(name).ok().and_then(|at| self.entries.get(at));
        found.map_or(&[], |(_, values)| values.as_slice())
    }

    /// Whether the name is there, be it with an empty list.
    #[must_use]
    pub fn contains(&self, name: &str) -> bool {
        self.position(name).is_ok()
    }

    /// Adds a value after those that the name has.
    pub fn append(&mut self, name: impl Into<String>, value: impl Into<String>) {
        self.append_all(name.into(), Values::One(value.into()));
    }

    /// Gives a name exactly these values. It is there from then on, even with none.
    pub fn set(&mut self, name: impl AsRef<str> + Into<String>, values: Vec<String>) {
        self.put(name, Values::Many(values));
    }

    /// Gives a name exactly this value.
    pub(super) fn set_one(&mut self, name: impl AsRef<str> + Into<String>, value: String) {
        self.put(name, Values::One(value));
    }

    /// Takes a name out, and returns its values.
    pub fn remove(&mut self, name: &str) -> Vec<String> {
        match self.position(name) {
            Ok(at) => self.entries.remove(at).1.into_vec(),
            Err(_) => Vec::new(),
        }
    }

    /// Keeps the names that `keep` wants.
    pub(super) fn retain(&mut self, keep: impl Fn(&str, &[String]) -> bool) {
        self.entries.retain(|(name, values)| keep(name, values.as_slice()));
    }

    /// The names and their values, sorted by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[String])> {
        self.entries.iter().map(|(name, values)| (name.as_str(), values.as_slice()))
    }

    /// How many names there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are no names.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The map with every name rewritten. Names that become equal share one list, in the order of
    /// their former spellings; names that become blank go.
    pub(super) fn renamed(self, rename: impl Fn(String) -> String) -> Self {
        let entries = self.entries.into_iter();
        let entries = entries.map(|(name, values)| (rename(name), values));
        Self::merged(entries.filter(|(name, _)| !name.is_empty()).collect())
    }

    fn put(&mut self, name: impl AsRef<str> + Into<String>, values: Values) {
        match self.position(name.as_ref()) {
            Ok(at) => {
                if let Some((_, earlier)) = self.entries.get_mut(at) {
                    *earlier = values;
                }
            }
            Err(at) => self.entries.insert(at, (name.into(), values)),
        }
    }

    fn append_all(&mut self, name: String, values: Values) {
        match self.position(&name) {
            Ok(at) => {
                if let Some((_, earlier)) = self.entries.get_mut(at) {
                    earlier.extend(values);
                }
            }
            Err(at) => self.entries.insert(at, (name, values)),
        }
    }

    fn merged(mut entries: Vec<(String, Values)>) -> Self {
        if entries.is_sorted_by(|(a, _), (b, _)| a < b) {
            return Self { entries };
        }
        entries.sort_by(|(a, _), (b, _)| a.cmp(b));
        entries.dedup_by(|(name, values), (earlier_name, earlier)| {
            let same = name == earlier_name;
            if same {
                earlier.extend(mem::replace(values, Values::Many(Vec::new())));
            }
            same
        });
        Self { entries }
    }

    fn position(&self, name: &str) -> Result<usize, usize> {
        self.entries.binary_search_by(|(at, _)| at.as_str().cmp(name))
    }
}

impl Values {
    fn as_slice(&self) -> &[String] {
        match self {
            Self::One(value) => slice::from_ref(value),
            Self::Many(values) => values,
        }
    }

    fn into_vec(self) -> Vec<String> {
        match self {
            Self::One(value) => alloc::vec![value],
            Self::Many(values) => values,
        }
    }

    fn extend(&mut self, more: Self) {
        let mut values = mem::replace(self, Self::Many(Vec::new())).into_vec();
        values.extend(more.into_vec());
        *self = Self::Many(values);
    }
}

impl PartialEq for Values {
    fn eq(&self, other: &Self) -> bool {
        self.as_slice() == other.as_slice()
    }
}

impl Eq for Values {}

/// Equal names share one list, in the order of the pairs.
impl FromIterator<(String, String)> for MultiMap {
    fn from_iter<I: IntoIterator<Item = (String, String)>>(pairs: I) -> Self {
        let pairs = pairs.into_iter();
        // An allocation of its own: that of the pairs would have to shrink to whole entries. With room
        // for one more name, such as the field of cookies that came as a list.
        let mut entries = Vec::with_capacity(pairs.size_hint().0.saturating_add(1));
        entries.extend(pairs.map(|(name, value)| (name, Values::One(value))));
        Self::merged(entries)
    }
}

/// Equal names share one list, in the order of the pairs.
impl FromIterator<(String, Vec<String>)> for MultiMap {
    fn from_iter<I: IntoIterator<Item = (String, Vec<String>)>>(pairs: I) -> Self {
        let pairs = pairs.into_iter();
        Self::merged(pairs.map(|(name, values)| (name, Values::Many(values))).collect())
    }
}

/// Prints names and the lengths of their values, which are the sender's own.
impl fmt::Debug for MultiMap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hidden = |values: &[String]| -> Vec<Hidden> {
            values.iter().map(|value| Hidden(value.len())).collect()
        };
        f.debug_map().entries(self.iter().map(|(name, values)| (name, hidden(values)))).finish()
    }
}

/// An object of lists.
impl Serialize for MultiMap {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::{String, ToString};
    use alloc::vec::Vec;

    use super::MultiMap;

    fn pairs(pairs: &[(&str, &str)]) -> MultiMap {
        pairs.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect()
    }

    #[test]
    fn values_keep_their_order_and_names_are_sorted() {
        let mut map = pairs(&[("b", "2"), ("a", "1"), ("b", "1")]);
        map.append("a", "0");
        map.append("B", "3");
        map.set("c", Vec::new());
        let text = serde_json::to_string(&map).unwrap();
        assert_eq!(text, r#"{"B":["3"],"a":["1","0"],"b":["2","1"],"c":[]}"#);
        assert_eq!((map.get("a"), map.get("c"), map.get("d")), (Some("1"), None, None));
        assert!(map.contains("c") && !map.contains("d"));
        assert_eq!(map.remove("b"), ["2", "1"]);
        assert_eq!(map.len(), 3);
    }

    #[test]
    fn renaming_merges_what_becomes_equal() {
        let map = pairs(&[("x", "low"), ("X", "up"), ("-", "gone")]);
        let map = map.renamed(|name| match name.as_str() {
            "-" => String::new(),
            _ => name.to_lowercase(),
        });
        assert_eq!(map, pairs(&[("x", "up"), ("x", "low")]));
    }
}
