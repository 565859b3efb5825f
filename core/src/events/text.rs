//! Texts of events, which borrow from the event, or share a record's copy of its JSON.

use alloc::borrow::{Cow, ToOwned};
use alloc::string::String;
use alloc::sync::Arc;
use core::cmp::Ordering;
use core::fmt;
use core::hash::{Hash, Hasher};
use core::ops::Deref;

use serde::{Serialize, Serializer};

/// A text of an event. Use it as the `str` that it dereferences to.
///
/// A record that outlives its event has one copy of its JSON, which all of its texts share.
/// Creating such a record takes one allocation, regardless of its number of texts, and cloning a
/// text takes none. A text keeps the JSON of its whole record in memory; use
/// [`into_string`](Self::into_string) to keep the text alone.
///
/// ```
/// use apptheory_core::events::Text;
///
/// let text = Text::from("tea");
/// assert_eq!((text.len(), text == "tea"), (3, true));
/// assert_eq!(text.into_string(), String::from("tea"));
/// ```
#[derive(Clone)]
pub struct Text<'a>(Repr<'a>);

#[derive(Clone)]
enum Repr<'a> {
    Borrowed(&'a str),
    /// The bytes `start..end` of a record's JSON.
    Part {
        whole: Arc<str>,
        start: usize,
        end: usize,
    },
    /// A text with escapes in the JSON, such as a body.
    Own(String),
}

impl Text<'_> {
    /// Returns a copy of the text alone, without the JSON of its record.
    #[must_use]
    pub fn into_string(self) -> String {
        match self.0 {
            Repr::Own(text) => text,
            Repr::Borrowed(_) | Repr::Part { .. } => (*self).to_owned(),
        }
    }
}

/// The JSON of a record, and the record's copy, from which its texts are made.
pub(super) struct OwnedJson<'t> {
    json: &'t str,
    copy: Arc<str>,
}

impl<'t> OwnedJson<'t> {
    /// Copies the JSON of a record, unless it is a copy already.
    pub(super) fn of(json: &'t Text<'_>) -> Self {
        let copy = match &json.0 {
            Repr::Part { whole, .. } if whole.len() == json.len() => Arc::clone(whole),
            Repr::Borrowed(_) | Repr::Part { .. } | Repr::Own(_) => Arc::from(&**json),
        };
        Self { json, copy }
    }

    /// Returns a text that does not borrow from the event: a part of the copy if the JSON contains
    /// the text without escapes.
    pub(super) fn text(&self, text: Text<'_>) -> Text<'static> {
        let borrowed = match text.0 {
            Repr::Borrowed(text) => text,
            Repr::Part { whole, start, end } => return Text(Repr::Part { whole, start, end }),
            Repr::Own(text) => return Text(Repr::Own(text)),
        };
        // If its bytes lie within the JSON, its offset there is also its offset in the copy.
        let start = borrowed.as_ptr().addr().wrapping_sub(self.json.as_ptr().addr());
        let end = start.wrapping_add(borrowed.len());
        if start <= end && end <= self.copy.len() {
            Text(Repr::Part { whole: Arc::clone(&self.copy), start, end })
        } else {
            Text(Repr::Own(borrowed.to_owned()))
        }
    }

    /// Returns the JSON itself.
    pub(super) fn json(self) -> Text<'static> {
        let end = self.copy.len();
        Text(Repr::Part { whole: self.copy, start: 0, end })
    }
}

impl Deref for Text<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        match &self.0 {
            Repr::Borrowed(text) => text,
            Repr::Part { whole, start, end } => whole.get(*start..*end).unwrap_or_default(),
            Repr::Own(text) => text,
        }
    }
}

impl AsRef<str> for Text<'_> {
    fn as_ref(&self) -> &str {
        self
    }
}

impl Default for Text<'_> {
    fn default() -> Self {
        Self::from("")
    }
}

impl<'a> From<&'a str> for Text<'a> {
    fn from(text: &'a str) -> Self {
        Self(Repr::Borrowed(text))
    }
}

impl From<String> for Text<'_> {
    fn from(text: String) -> Self {
        Self(Repr::Own(text))
    }
}

impl<'a> From<Cow<'a, str>> for Text<'a> {
    fn from(text: Cow<'a, str>) -> Self {
        match text {
            Cow::Borrowed(text) => Self::from(text),
            Cow::Owned(text) => Self::from(text),
        }
    }
}

impl From<Text<'_>> for String {
    fn from(text: Text<'_>) -> Self {
        text.into_string()
    }
}

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&**self, f)
    }
}

impl fmt::Debug for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}

impl Serialize for Text<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self)
    }
}

impl Eq for Text<'_> {}

impl PartialEq for Text<'_> {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl PartialEq<str> for Text<'_> {
    fn eq(&self, other: &str) -> bool {
        **self == *other
    }
}

impl PartialEq<&str> for Text<'_> {
    fn eq(&self, other: &&str) -> bool {
        **self == **other
    }
}

impl PartialEq<String> for Text<'_> {
    fn eq(&self, other: &String) -> bool {
        **self == **other
    }
}

impl Ord for Text<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        (**self).cmp(&**other)
    }
}

impl PartialOrd for Text<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Hash for Text<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (**self).hash(state);
    }
}

#[cfg(test)]
mod tests {
    use alloc::format;
    use alloc::string::{String, ToString};
    use alloc::sync::Arc;
    use alloc::vec::Vec;

    use super::{OwnedJson, Repr, Text};

    #[test]
    fn texts_of_a_record_are_parts_of_one_copy() {
        let record = r#"{"id":"7","body":"tea"}"#;
        let event = format!(r#"{{"records":[{record}],"source":"far"}}"#);
        let of_event = |text: &str| Text::from(&event[event.find(text).unwrap()..][..text.len()]);
        let json = of_event(record);
        let owned = OwnedJson::of(&json);
        let [id, body, blank, elsewhere] =
            ["7", "tea", "", "far"].map(|text| owned.text(of_event(text)));
        let other = owned.text(Text::from("tea"));
        let whole = owned.json();
        let read = [&id, &body, &blank, &elsewhere, &other].map(|text| text.to_string());
        assert_eq!(read, ["7", "tea", "", "far", "tea"]);
        assert_eq!(whole, record);
        let shares = |text: &Text<'_>| match (&text.0, &whole.0) {
            (Repr::Part { whole, .. }, Repr::Part { whole: one, .. }) => Arc::ptr_eq(whole, one),
            _ => false,
        };
        let shared: Vec<_> = [&id, &body, &blank, &elsewhere, &other].map(shares).into();
        // An empty text has nothing to share.
        assert_eq!([shared[0], shared[1], shared[3], shared[4]], [true, true, false, false]);
        // A record with a copy is not copied again.
        let again = OwnedJson::of(&whole);
        assert!(shares(&again.text(id.clone())) && shares(&again.json()));
        let own = OwnedJson::of(&whole).text(Text::from(String::from("\u{e9}")));
        assert_eq!(
            (own.clone().into_string(), body.into_string()),
            ("\u{e9}".into(), "tea".into())
        );
    }
}
