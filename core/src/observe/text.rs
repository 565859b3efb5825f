//! Texts that may be logged.

use alloc::borrow::Cow;
use alloc::string::String;
use core::fmt;
use core::ops::Deref;

use serde::{Serialize, Serializer};

use crate::sanitize::log_text;

/// A text in a record, without the characters that [`log_text`] removes. Records contain data of
/// clients and end up in logs, so every text in them has this type.
///
/// ```
/// use apptheory_core::observe::LogText;
///
/// assert_eq!(&*LogText::from("tenant\u{202e}\n1"), "tenant1");
/// ```
#[derive(Clone, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct LogText<'a>(Cow<'a, str>);

impl LogText<'_> {
    /// The empty text.
    pub(crate) const EMPTY: Self = Self(Cow::Borrowed(""));
}

impl<'a> From<&'a str> for LogText<'a> {
    fn from(text: &'a str) -> Self {
        Self(log_text(text))
    }
}

impl<'a> From<&'a String> for LogText<'a> {
    fn from(text: &'a String) -> Self {
        Self(log_text(text))
    }
}

impl From<String> for LogText<'_> {
    fn from(text: String) -> Self {
        let other = match log_text(&text) {
            Cow::Borrowed(_) => None,
            Cow::Owned(other) => Some(other),
        };
        Self(Cow::Owned(other.unwrap_or(text)))
    }
}

impl Deref for LogText<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl PartialEq<&str> for LogText<'_> {
    fn eq(&self, other: &&str) -> bool {
        self.0 == *other
    }
}

impl fmt::Display for LogText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for LogText<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}
