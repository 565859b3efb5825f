//! The values of one name.

use alloc::string::String;
use alloc::vec::Vec;
use core::{fmt, slice};

use serde::{Serialize, Serializer};

use crate::printing::Hidden;

/// The values of a name in order: of a header, or of a query parameter.
///
/// ```
/// use apptheory_core::http::QueryString;
///
/// let query = QueryString::parse("tag=a&tag=b&page=2");
/// let tags = query.parameters().get_all("tag");
/// assert_eq!(tags, ["a", "b"]);
/// assert_eq!((tags.first(), tags.join("+")), (Some("a"), "a+b".to_owned()));
/// ```
#[derive(Clone, Copy)]
pub struct Values<'a>(Repr<'a>);

#[derive(Clone, Copy)]
enum Repr<'a> {
    One(&'a str),
    Many { text: &'a str, entries: &'a [Entry] },
}

/// The positions of a name and a value in a map's text.
#[derive(Clone, Copy)]
pub(super) struct Entry {
    pub(super) name: Span,
    /// `None` for a name with an empty list.
    pub(super) value: Option<Span>,
}

/// A part of a text.
#[derive(Clone, Copy, Eq, PartialEq)]
pub(super) struct Span {
    start: usize,
    end: usize,
}

impl<'a> Values<'a> {
    /// Returns the values of the entries of one name.
    pub(super) const fn new(text: &'a str, entries: &'a [Entry]) -> Self {
        Self(Repr::Many { text, entries })
    }

    /// Returns a single value.
    pub(in crate::http) const fn one(value: &'a str) -> Self {
        Self(Repr::One(value))
    }

    /// Returns the first value, if there is one.
    #[must_use]
    pub fn first(self) -> Option<&'a str> {
        self.iter().next()
    }

    /// Returns the value if there is exactly one.
    #[must_use]
    pub fn only(self) -> Option<&'a str> {
        let mut values = self.iter();
        values.next().filter(|_| values.next().is_none())
    }

    /// Yields the values in order.
    #[must_use]
    pub fn iter(self) -> impl DoubleEndedIterator<Item = &'a str> + Clone {
        match self.0 {
            Repr::One(value) => Iter::One(Some(value)),
            Repr::Many { text, entries } => Iter::Many { text, entries: entries.iter() },
        }
    }

    /// Returns the number of values.
    #[must_use]
    pub fn len(self) -> usize {
        self.iter().count()
    }

    /// Returns whether there are no values.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.first().is_none()
    }

    /// Joins the values with a separator.
    #[must_use]
    pub fn join(self, separator: &str) -> String {
        let mut joined = String::new();
        for (at, value) in self.iter().enumerate() {
            if at > 0 {
                joined.push_str(separator);
            }
            joined.push_str(value);
        }
        joined
    }

    /// Returns copies of the values.
    #[must_use]
    pub fn to_vec(self) -> Vec<String> {
        self.iter().map(String::from).collect()
    }
}

/// Yields the values of one name. Chained iterators would do, and take three times as long.
#[derive(Clone)]
enum Iter<'a> {
    One(Option<&'a str>),
    Many { text: &'a str, entries: slice::Iter<'a, Entry> },
}

impl<'a> Iterator for Iter<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        match self {
            Self::One(value) => value.take(),
            Self::Many { text, entries } => Some(entries.find_map(|entry| entry.value)?.of(text)),
        }
    }
}

impl DoubleEndedIterator for Iter<'_> {
    fn next_back(&mut self) -> Option<Self::Item> {
        match self {
            Self::One(value) => value.take(),
            Self::Many { text, entries } => {
                Some(entries.rev().find_map(|entry| entry.value)?.of(text))
            }
        }
    }
}

/// Returns no values.
impl Default for Values<'_> {
    fn default() -> Self {
        Self::new("", &[])
    }
}

impl Entry {
    pub(super) fn value_len(self) -> usize {
        self.value.map_or(0, Span::len)
    }
}

impl Span {
    /// Appends `added` to a text; returns its position.
    pub(super) fn push(text: &mut String, added: &str) -> Self {
        let start = text.len();
        text.push_str(added);
        Self { start, end: text.len() }
    }

    pub(super) const fn len(self) -> usize {
        self.end.wrapping_sub(self.start)
    }

    pub(super) fn of(self, text: &str) -> &str {
        text.get(self.start..self.end).unwrap_or_default()
    }

    /// Returns the bytes, which are compared as the text is, without looking for the boundaries of
    /// characters.
    pub(super) fn bytes(self, text: &str) -> &[u8] {
        text.as_bytes().get(self.start..self.end).unwrap_or_default()
    }
}

impl<T: AsRef<str>> PartialEq<[T]> for Values<'_> {
    fn eq(&self, other: &[T]) -> bool {
        self.iter().eq(other.iter().map(T::as_ref))
    }
}

impl<T: AsRef<str>, const N: usize> PartialEq<[T; N]> for Values<'_> {
    fn eq(&self, other: &[T; N]) -> bool {
        *self == *other.as_slice()
    }
}

impl<T: AsRef<str>> PartialEq<Vec<T>> for Values<'_> {
    fn eq(&self, other: &Vec<T>) -> bool {
        *self == *other.as_slice()
    }
}

impl PartialEq for Values<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Eq for Values<'_> {}

/// Prints the lengths of the values, which may be secret.
impl fmt::Debug for Values<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter().map(|value| Hidden(value.len()))).finish()
    }
}

/// Serializes as a list of strings.
impl Serialize for Values<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}
