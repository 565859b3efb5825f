//! Names with lists of values, for queries and headers.

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;
use core::ops::Range;
use core::{fmt, iter};

use serde::{Serialize, Serializer};

use super::values::{Entry, Span, Values};

/// Names with lists of values in order. Names are sorted by their bytes, and case-sensitive.
///
/// A name may have an empty list, which differs from a missing name; providers send such members.
///
/// All names and values are in one text, so a map of any size takes two allocations.
#[derive(Clone, Default)]
pub struct MultiMap {
    text: String,
    /// Sorted by name. The entries of a name share its span, in the order of its values. A name
    /// with an empty list has one entry.
    entries: Vec<Entry>,
    /// The number of bytes in the text that no entry uses anymore.
    unused: usize,
}

impl MultiMap {
    /// Creates an empty map.
    #[must_use]
    pub const fn new() -> Self {
        Self { text: String::new(), entries: Vec::new(), unused: 0 }
    }

    /// Creates a map with capacity for a number of values, and for the bytes of values and names.
    pub(crate) fn with_capacity(values: usize, bytes: usize) -> Self {
        Self { text: String::with_capacity(bytes), entries: Vec::with_capacity(values), unused: 0 }
    }

    /// Creates a map from pairs with about `bytes` bytes. Pairs with the same name share a list, in
    /// the order of the pairs. Use it where the number of bytes is known, which saves allocations.
    pub fn of_pairs<N: AsRef<str>, V: AsRef<str>>(
        pairs: impl IntoIterator<Item = (N, V)>,
        bytes: usize,
    ) -> Self {
        let pairs = pairs.into_iter();
        let mut map = Self::with_capacity(pairs.size_hint().0, bytes);
        for (name, value) in pairs {
            let name = name.as_ref();
            // The values of a name often follow each other, and its text is stored once.
            let last = map.entries.last().map(|last| last.name);
            match last.filter(|last| last.of(&map.text) == name) {
                Some(name) => {
                    let value = Some(Span::push(&mut map.text, value.as_ref()));
                    map.entries.push(Entry { name, value });
                }
                None => map.push(name, [value]),
            }
        }
        map.sorted()
    }

    /// Creates a map from names with lists. Equal names share a list, in the given order.
    pub(crate) fn of_lists<N: AsRef<str>, V: AsRef<str>>(
        lists: impl IntoIterator<Item = (N, Vec<V>)>,
    ) -> Self {
        let mut map = Self::new();
        lists.into_iter().for_each(|(name, values)| map.push(name.as_ref(), values));
        map.sorted()
    }

    /// Returns the first value of a name, if it has one.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.get_all(name).first()
    }

    /// Returns all values of a name; empty if it is missing.
    #[must_use]
    pub fn get_all(&self, name: &str) -> Values<'_> {
        Values::new(&self.text, self.find(name))
    }

    /// Returns whether the name exists, even with an empty list.
    #[must_use]
    pub fn contains(&self, name: &str) -> bool {
        !self.find(name).is_empty()
    }

    /// Appends a value to those of a name.
    pub fn append(&mut self, name: impl AsRef<str>, value: impl AsRef<str>) {
        let (name, value) = (name.as_ref(), value.as_ref());
        let places = self.places(name);
        let own = self.entries.get_mut(places.clone()).unwrap_or_default();
        // A name with an empty list has an entry, which takes its first value.
        if let [Entry { value: empty @ None, .. }] = own {
            *empty = Some(Span::push(&mut self.text, value));
            return;
        }
        let known = own.first().map(|entry| entry.name);
        self.insert(places.end, known, name, value);
    }

    /// Sets a name to exactly these values. The name then exists, even without values.
    pub fn set<V: AsRef<str>>(
        &mut self,
        name: impl AsRef<str>,
        values: impl IntoIterator<Item = V>,
    ) {
        let (name, places) = (name.as_ref(), self.places(name.as_ref()));
        let Self { text, entries, unused } = self;
        let known = entries.get(places.clone()).and_then(<[Entry]>::first);
        let name = known.map_or_else(|| Span::push(text, name), |entry| entry.name);
        let mut values = values.into_iter();
        // A name without values has an entry, too.
        let first = values.next().map(|value| Span::push(text, value.as_ref()));
        let others = values.map(|value| Some(Span::push(text, value.as_ref())));
        let added = iter::once(first).chain(others).map(|value| Entry { name, value });
        let removed = entries.splice(places, added).map(Entry::value_len);
        *unused = removed.fold(*unused, usize::saturating_add);
        self.tidy();
    }

    /// Sets a name to exactly one value, as most headers of responses are: nothing is moved if it
    /// has one already.
    pub(super) fn set_one(&mut self, name: &str, value: &str) {
        let places = self.places(name);
        let place = places.start;
        match self.entries.get_mut(places) {
            None | Some([]) => self.insert(place, None, name, value),
            Some([only]) => {
                self.unused = self.unused.saturating_add(only.value_len());
                only.value = Some(Span::push(&mut self.text, value));
                self.tidy();
            }
            Some(_) => self.set(name, [value]),
        }
    }

    /// Inserts a value at its place. `known` is the span of its name, if the map has that name.
    fn insert(&mut self, place: usize, known: Option<Span>, name: &str, value: &str) {
        if self.text.capacity() == 0 {
            self.text.reserve(TYPICAL_BYTES);
        }
        let name = known.unwrap_or_else(|| Span::push(&mut self.text, name));
        let value = Some(Span::push(&mut self.text, value));
        self.entries.insert(place, Entry { name, value });
    }

    /// Removes a name, and returns its values.
    pub fn remove(&mut self, name: &str) -> Vec<String> {
        if !self.contains(name) {
            return Vec::new();
        }
        let values = self.get_all(name).to_vec();
        let removed = self.entries.drain(self.places(name)).map(Entry::value_len);
        let freed = removed.fold(name.len(), usize::saturating_add);
        self.unused = self.unused.saturating_add(freed);
        self.tidy();
        values
    }

    /// Returns the map with only the names that `keep` accepts; `None` if it accepts all.
    pub(super) fn retained(&self, keep: impl Fn(&str, Values<'_>) -> bool) -> Option<Self> {
        if self.iter().all(|(name, values)| keep(name, values)) {
            return None;
        }
        let mut kept = Self::with_capacity(self.entries.len(), self.text.len());
        let wanted = self.iter().filter(|(name, values)| keep(name, *values));
        wanted.for_each(|(name, values)| kept.push(name, values.iter()));
        Some(kept)
    }

    /// Yields the names and their values, sorted by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, Values<'_>)> {
        self.entries.chunk_by(|a, b| a.name == b.name).map(|entries| {
            let name = entries.first().map_or("", |entry| entry.name.of(&self.text));
            (name, Values::new(&self.text, entries))
        })
    }

    /// Returns whether a test holds for every name and value. The test must hold for a text if it
    /// holds for the concatenation.
    pub(super) fn all(&self, holds: impl Fn(&str) -> bool) -> bool {
        let each = |(name, values): (&str, Values<'_>)| holds(name) && values.iter().all(&holds);
        holds(&self.text) || self.iter().all(each)
    }

    /// Returns the number of names.
    #[must_use]
    pub fn len(&self) -> usize {
        self.iter().count()
    }

    /// Returns whether there are no names.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Returns the map with every name rewritten. Names that become equal share a list, in the
    /// order of the original names; blank names are removed.
    pub(super) fn renamed(&self, rename: impl Fn(&str) -> Cow<'_, str>) -> Self {
        let mut renamed = Self::with_capacity(self.entries.len(), self.text.len());
        for (name, values) in self.iter() {
            let name = rename(name);
            if !name.is_empty() {
                renamed.push(&name, values.iter());
            }
        }
        renamed.sorted()
    }

    /// Adds a name with its values at the end, ignoring the order. Sort the map after the last.
    pub(crate) fn push<V: AsRef<str>>(&mut self, name: &str, values: impl IntoIterator<Item = V>) {
        let name = Span::push(&mut self.text, name);
        let at = self.entries.len();
        for value in values {
            let value = Some(Span::push(&mut self.text, value.as_ref()));
            self.entries.push(Entry { name, value });
        }
        if self.entries.len() == at {
            self.entries.push(Entry { name, value: None });
        }
    }

    /// Sorts the names that were pushed. Equal names share a list, in the order of the calls.
    pub(super) fn sorted(mut self) -> Self {
        if self.is_sorted() {
            return self;
        }
        let Self { text, entries, .. } = &mut self;
        entries.sort_by(|a, b| a.name.bytes(text).cmp(b.name.bytes(text)));
        entries.dedup_by(|entry, earlier| {
            if entry.name.bytes(text) != earlier.name.bytes(text) {
                return false;
            }
            entry.name = earlier.name;
            if earlier.value.is_none() {
                earlier.value = entry.value.take();
            }
            // An empty list adds no values to its name.
            entry.value.is_none()
        });
        self
    }

    /// Sorts the names that were pushed. Of equal names the last one counts.
    pub(crate) fn sorted_last(mut self) -> Self {
        if self.is_sorted() {
            return self;
        }
        let Self { text, entries, .. } = &mut self;
        entries.sort_by(|a, b| a.name.bytes(text).cmp(b.name.bytes(text)));
        // Reversed, the last of equal names comes first and is kept.
        entries.reverse();
        entries.dedup_by(|earlier, kept| {
            earlier.name != kept.name && earlier.name.bytes(text) == kept.name.bytes(text)
        });
        entries.reverse();
        self
    }

    /// Returns whether the names that were pushed are sorted, each once.
    fn is_sorted(&self) -> bool {
        let name = |entry: &Entry| entry.name.bytes(&self.text);
        self.entries.is_sorted_by(|a, b| a.name == b.name || name(a) < name(b))
    }

    /// Rebuilds the text once most of it is unused.
    fn tidy(&mut self) {
        if self.unused > self.text.len().div_euclid(2) {
            let used = self.text.len().saturating_sub(self.unused);
            let mut tidied = Self::with_capacity(self.entries.len(), used);
            self.iter().for_each(|(name, values)| tidied.push(name, values.iter()));
            *self = tidied;
        }
    }

    /// Returns the entries of a name.
    fn find(&self, name: &str) -> &[Entry] {
        self.entries.get(self.own_places(name)).unwrap_or_default()
    }

    /// Returns the range of a name's entries, or any empty one.
    fn own_places(&self, name: &str) -> Range<usize> {
        if self.entries.len() > FEW {
            return self.places(name);
        }
        // Most names differ in length already, so few of them are compared.
        let is_own = |entry: &Entry| {
            entry.name.len() == name.len() && entry.name.bytes(&self.text) == name.as_bytes()
        };
        let mut entries = self.entries.iter();
        let Some(start) = entries.position(is_own) else { return 0..0 };
        let own = self.entries.get(start).map(|entry| entry.name);
        let others = entries.take_while(|entry| Some(entry.name) == own).count();
        start..start.saturating_add(others).saturating_add(1)
    }

    /// Returns the range of a name's entries, or the empty one where they would be.
    fn places(&self, name: &str) -> Range<usize> {
        let start =
            self.entries.partition_point(|entry| entry.name.bytes(&self.text) < name.as_bytes());
        let others = self.entries.get(start..).unwrap_or_default();
        let first = others.first().filter(|first| first.name.bytes(&self.text) == name.as_bytes());
        let is_own = |entry: &&Entry| first.is_some_and(|first| first.name == entry.name);
        start..start.saturating_add(others.iter().take_while(is_own).count())
    }
}

/// The initial capacity for names and values that are added one by one: the headers of a response.
const TYPICAL_BYTES: usize = 128;

/// Up to so many entries are searched linearly.
const FEW: usize = 16;

/// Equal if the names are in the same order, with the same values.
impl PartialEq for MultiMap {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Eq for MultiMap {}

/// Pairs with the same name share a list, in the order of the pairs.
impl FromIterator<(String, String)> for MultiMap {
    fn from_iter<I: IntoIterator<Item = (String, String)>>(pairs: I) -> Self {
        Self::of_pairs(pairs, 0)
    }
}

/// Equal names share a list, in the order of the pairs.
impl FromIterator<(String, Vec<String>)> for MultiMap {
    fn from_iter<I: IntoIterator<Item = (String, Vec<String>)>>(lists: I) -> Self {
        Self::of_lists(lists)
    }
}

/// Prints names and the lengths of values; values may be secret.
impl fmt::Debug for MultiMap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

/// Serializes as an object of lists.
impl Serialize for MultiMap {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

#[cfg(test)]
mod tests;
