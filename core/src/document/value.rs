//! Values of a document, read strictly or leniently.

use alloc::borrow::Cow;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use serde_json::Number;

use super::{Document, Kind, Node};
use crate::ascii::trim;
use crate::json::{JsonError, special_bytes};

/// A value of a document. A missing value reads as null.
///
/// Strict readers refuse a value of another type, and report its position; lenient ones treat it as
/// missing.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Value<'a, 'd> {
    document: &'d Document<'a>,
    node: usize,
}

/// An object whose members are known by name.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Object<'a, 'd>(Value<'a, 'd>);

/// The elements of a list, or the names and values of an object.
struct Children<'a, 'd> {
    next: Value<'a, 'd>,
    end: usize,
}

const MISSING: usize = usize::MAX;

impl<'a, 'd> Value<'a, 'd> {
    pub(super) const fn new(document: &'d Document<'a>, node: usize) -> Self {
        Self { document, node }
    }

    fn node(self) -> Node {
        const NULL: Node = Node { kind: Kind::Null, start: 0, end: 0, next: 0 };
        self.document.nodes.get(self.node).copied().unwrap_or(NULL)
    }

    /// Returns the value's place in its document, for [`Document::at`].
    pub(crate) const fn place(self) -> usize {
        self.node
    }

    /// Returns the value's JSON text; empty if it is missing.
    pub(crate) fn json(self) -> &'a str {
        let Node { start, end, .. } = self.node();
        slice(self.document.text, start, end)
    }

    /// Returns whether the value is null or missing.
    pub(crate) fn is_null(self) -> bool {
        self.node().kind == Kind::Null
    }

    pub(crate) fn is_object(self) -> bool {
        self.node().kind == Kind::Object
    }

    /// Returns the value unless it is null.
    pub(crate) fn filled(self) -> Option<Self> {
        (!self.is_null()).then_some(self)
    }

    /// Returns the error for an unexpected value.
    pub(crate) fn error(self) -> JsonError {
        self.document.error_at(self.node().start)
    }

    /// Returns a string; empty for null.
    pub(crate) fn text(self) -> Result<Cow<'a, str>, JsonError> {
        self.any_text().ok_or_else(|| self.error())
    }

    /// Returns a string; `None` for any other value.
    #[inline]
    fn any_text(self) -> Option<Cow<'a, str>> {
        let node = self.node();
        match node.kind {
            Kind::Null => Some(Cow::Borrowed("")),
            Kind::Plain => Some(Cow::Borrowed(self.inner(node))),
            Kind::Escaped => self.unescaped(node).map(Cow::Owned),
            Kind::True | Kind::False | Kind::Number | Kind::List | Kind::Object => None,
        }
    }

    /// Returns a boolean; false for null.
    pub(crate) fn flag(self) -> Result<bool, JsonError> {
        match self.node().kind {
            Kind::Null | Kind::False => Ok(false),
            Kind::True => Ok(true),
            Kind::Number | Kind::Plain | Kind::Escaped | Kind::List | Kind::Object => {
                Err(self.error())
            }
        }
    }

    /// Yields the elements of a list; empty for null.
    pub(crate) fn list(self) -> Result<impl Iterator<Item = Self>, JsonError> {
        self.elements().ok_or_else(|| self.error())
    }

    /// Yields the elements of a list; `None` for any other value.
    pub(crate) fn elements(self) -> Option<impl Iterator<Item = Self>> {
        let is_list = matches!(self.node().kind, Kind::Null | Kind::List);
        is_list.then(|| self.children())
    }

    /// Returns the strings in a list; empty for null.
    pub(crate) fn texts(self) -> Result<Vec<Cow<'a, str>>, JsonError> {
        self.list()?.map(Self::text).collect()
    }

    /// Returns copies of the strings in a list; empty for null.
    pub(crate) fn strings(self) -> Result<Vec<String>, JsonError> {
        self.list()?.map(|value| value.text().map(Cow::into_owned)).collect()
    }

    /// Returns an object; an empty one for null.
    pub(crate) fn object(self) -> Result<Object<'a, 'd>, JsonError> {
        let is_object = matches!(self.node().kind, Kind::Null | Kind::Object);
        if is_object { Ok(Object(self)) } else { Err(self.error()) }
    }

    /// Returns a string that is not blank, if it is one.
    pub(crate) fn filled_text(self) -> Option<Cow<'a, str>> {
        self.any_text().filter(|text| !trim(text).is_empty())
    }

    /// Returns a trimmed string; empty for any other value.
    pub(crate) fn trimmed(self) -> Cow<'a, str> {
        match self.any_text() {
            Some(Cow::Borrowed(text)) => Cow::Borrowed(trim(text)),
            Some(Cow::Owned(text)) => Cow::Owned(trim(&text).to_string()),
            None => Cow::Borrowed(""),
        }
    }

    /// Returns an integer within 64 bits; zero for null.
    pub(crate) fn exact_integer(self) -> Result<i64, JsonError> {
        match self.filled() {
            Some(value) => value.json().parse().map_err(|_| self.error()),
            None => Ok(0),
        }
    }

    /// Returns a number without its fraction; zero for any other value, and for numbers outside 64
    /// bits.
    pub(crate) fn integer(self) -> i64 {
        const TWO_TO_63: f64 = 9_223_372_036_854_775_808.0;

        let Ok(number) = serde_json::from_str::<Number>(self.json()) else { return 0 };
        let fits = |float: &f64| (-TWO_TO_63..TWO_TO_63).contains(float);
        // The cast drops the fraction; larger numbers are filtered out.
        let whole = || number.as_f64().filter(|_| number.is_f64()).filter(fits).map(|f| f as i64);
        number.as_i64().or_else(whole).unwrap_or(0)
    }

    /// Returns a member of an object, the last of several with one name; or a missing value.
    pub(crate) fn member(self, name: &str) -> Self {
        let [(member, _)] = self.members_or_twice([name]);
        member
    }

    /// Returns several members as [`member`](Self::member) does, looked up in one pass, and the
    /// error of each duplicate.
    pub(crate) fn members_or_twice<const N: usize>(
        self,
        names: [&str; N],
    ) -> [(Self, Option<JsonError>); N] {
        self.places(names).map(|(member, again)| {
            let again = Self { node: again, ..self };
            (Self { node: member, ..self }, (again.node != MISSING).then(|| again.error()))
        })
    }

    /// Returns the places of members, looked up in one pass, and those of the first names that are
    /// duplicates.
    fn places<const N: usize>(self, names: [&str; N]) -> [(usize, usize); N] {
        let mut found = [(MISSING, MISSING); N];
        if !self.is_object() {
            return found;
        }
        let Children { next, end } = self.children();
        let nodes = self.document.nodes.get(..end).unwrap_or_default();
        let text = self.document.text.as_bytes();
        let lens = names.iter().fold(0, |lens, name| lens | len_bit(name.len()));
        let mut place = next.node;
        while let Some([name, value, ..]) = nodes.get(place..) {
            // Without the quotes.
            let start = (name.start as usize).wrapping_add(1);
            let end = (name.end as usize).wrapping_sub(1);
            let at = if name.kind == Kind::Escaped {
                names.iter().position(|sought| Self { node: place, ..self }.is(sought))
            } else if lens & len_bit(end.wrapping_sub(start)) == 0 {
                // Every look-up visits all names of an object, so other names must be cheap.
                None
            } else {
                let name = text.get(start..end).unwrap_or_default();
                names.iter().position(|sought| are_same(sought.as_bytes(), name))
            };
            if let Some((member, again)) = at.and_then(|at| found.get_mut(at)) {
                if *member != MISSING && *again == MISSING {
                    *again = place;
                }
                *member = place.wrapping_add(1);
            }
            place = value.next as usize;
        }
        found
    }

    /// Returns whether the value is this string.
    pub(crate) fn is(self, text: &str) -> bool {
        let node = self.node();
        match node.kind {
            Kind::Plain => self.inner(node) == text,
            Kind::Escaped => self.unescaped(node).is_some_and(|own| own == text),
            Kind::Null | Kind::True | Kind::False | Kind::Number | Kind::List | Kind::Object => {
                false
            }
        }
    }

    /// Returns a string without its quotes, given the value's node.
    fn inner(self, Node { start, end, .. }: Node) -> &'a str {
        slice(self.document.text, start.wrapping_add(1), end.wrapping_sub(1))
    }

    /// Returns a string without its escapes, given the value's node; `None` for half of a surrogate
    /// pair.
    fn unescaped(self, node: Node) -> Option<String> {
        #[cfg(test)]
        super::scans::count(self.json());
        let mut rest = self.inner(node).as_bytes();
        let mut text = Vec::with_capacity(rest.len());
        loop {
            // Escapes are a few bytes apart, in JSON within JSON: eight bytes are copied at once,
            // and those from the escape on are taken back. Only backslashes are special here.
            if let Some((eight, others)) = rest.split_first_chunk() {
                text.extend_from_slice(eight);
                let special = special_bytes(*eight);
                if special == 0 {
                    rest = others;
                    continue;
                }
                let plain = special.trailing_zeros() as usize / 8;
                text.truncate(text.len().wrapping_sub(8).wrapping_add(plain));
                rest = rest.get(plain..)?;
            } else {
                let plain = rest.iter().position(|b| *b == b'\\').unwrap_or(rest.len());
                let (plain, escape) = rest.split_at_checked(plain)?;
                text.extend_from_slice(plain);
                rest = escape;
            }
            let [_, escaped, after @ ..] = rest else { return String::from_utf8(text).ok() };
            rest = push_unescaped(*escaped, after, &mut text)?;
        }
    }

    fn children(self) -> Children<'a, 'd> {
        let end = usize::try_from(self.node().next).unwrap_or_default();
        Children { next: Self { node: self.node.saturating_add(1), ..self }, end }
    }
}

impl<'a, 'd> Iterator for Children<'a, 'd> {
    type Item = Value<'a, 'd>;

    fn next(&mut self) -> Option<Self::Item> {
        let value = self.next;
        if value.node >= self.end {
            return None;
        }
        self.next.node = usize::try_from(value.node().next).unwrap_or(MISSING);
        Some(value)
    }
}

impl<'a, 'd> Object<'a, 'd> {
    /// Yields names and values, in the order of the text.
    pub(crate) fn members(self) -> impl Iterator<Item = (Value<'a, 'd>, Value<'a, 'd>)> {
        let mut held = self.0.children();
        core::iter::from_fn(move || held.next().zip(held.next()))
    }

    /// Returns a member, or a missing value.
    ///
    /// # Errors
    ///
    /// [`JsonError`] if it occurs twice, because readers differ in which one they use.
    pub(crate) fn get(self, name: &str) -> Result<Value<'a, 'd>, JsonError> {
        let [member] = self.get_each([name]);
        member
    }

    /// Returns several members as [`get`](Self::get) does, looked up in one pass.
    pub(crate) fn get_each<const N: usize>(
        self,
        names: [&str; N],
    ) -> [Result<Value<'a, 'd>, JsonError>; N] {
        self.0.places(names).map(|(member, again)| match again {
            MISSING => Ok(Value { node: member, ..self.0 }),
            _ => Err(Value { node: again, ..self.0 }.error()),
        })
    }

    pub(crate) fn text(self, name: &str) -> Result<Cow<'a, str>, JsonError> {
        self.get(name)?.text()
    }

    pub(crate) fn flag(self, name: &str) -> Result<bool, JsonError> {
        self.get(name)?.flag()
    }

    pub(crate) fn object(self, name: &str) -> Result<Self, JsonError> {
        self.get(name)?.object()
    }

    pub(crate) fn list(self, name: &str) -> Result<impl Iterator<Item = Value<'a, 'd>>, JsonError> {
        self.get(name)?.list()
    }

    /// Returns how many members the object has, or more if some of them are lists or objects.
    pub(crate) fn most_members(self) -> usize {
        self.0.children().end.saturating_sub(self.0.node).div_euclid(2)
    }

    /// Returns the members of an object sorted by name, the last of several with one name. For
    /// objects whose names are data.
    pub(crate) fn sorted<V>(
        self,
        read: impl Fn(Value<'a, 'd>) -> Result<V, JsonError>,
    ) -> Result<Vec<(Cow<'a, str>, V)>, JsonError> {
        let mut members = Vec::with_capacity(self.most_members());
        for (name, value) in self.members() {
            members.push((name.text()?, read(value)?));
        }
        if !members.is_sorted_by(|(a, _), (b, _)| a < b) {
            // Reversed, the last of equal names comes first and is kept.
            members.reverse();
            members.sort_by(|(a, _), (b, _)| a.cmp(b));
            members.dedup_by(|(later, _), (kept, _)| later == kept);
        }
        Ok(members)
    }
}

/// Appends the character that a backslash and `escaped` stand for, together with digits in `after`;
/// returns what follows.
fn push_unescaped<'t>(escaped: u8, after: &'t [u8], out: &mut Vec<u8>) -> Option<&'t [u8]> {
    out.push(match escaped {
        b'b' => 8,
        b'f' => 12,
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'u' => {
            let (c, after) = code_point(after)?;
            out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
            return Some(after);
        }
        same => same,
    });
    Some(after)
}

/// Reads a character of four digits, or of two groups of four for a surrogate pair; returns it and
/// the rest.
fn code_point(text: &[u8]) -> Option<(char, &[u8])> {
    let (first, rest) = digits(text)?;
    if let Some(c) = char::from_u32(first.into()) {
        return Some((c, rest));
    }
    let (second, rest) = digits(rest.strip_prefix(b"\\u")?)?;
    let c = char::decode_utf16([first, second]).next()?.ok()?;
    Some((c, rest))
}

/// Reads four hexadecimal digits; returns their number and the rest.
fn digits(text: &[u8]) -> Option<(u16, &[u8])> {
    let (digits, rest) = text.split_at_checked(4)?;
    Some((u16::from_str_radix(core::str::from_utf8(digits).ok()?, 16).ok()?, rest))
}

fn slice(text: &str, start: u32, end: u32) -> &str {
    text.get(start as usize..end as usize).unwrap_or_default()
}

/// Returns whether two names are the same. Names of 8 to 16 bytes, as most are, are the same if
/// their first and last eight bytes are: calling `memcmp` takes longer.
fn are_same(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len()
        && a.first_chunk::<8>() == b.first_chunk()
        && a.last_chunk::<8>() == b.last_chunk()
        && (matches!(a.len(), 8..=16) || a == b)
}

/// Returns one bit of 64, by the length of a name: most other names of an object have another
/// length.
const fn len_bit(len: usize) -> u64 {
    1 << (len % 64)
}
