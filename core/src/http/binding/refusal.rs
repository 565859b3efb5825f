//! The error inside the deserializers, before the source is known.

use alloc::borrow::Cow;
use alloc::format;
use alloc::string::{String, ToString};
use core::fmt::{self, Display};

use serde::de::{self, Expected, Unexpected};

use super::error::{self, Source};

/// What was expected, and under which name. Never quotes the actual value, which is the client's.
#[derive(Debug)]
pub(in crate::http) struct Refusal {
    name: Option<String>,
    expected: Cow<'static, str>,
    /// Whether the type wants other names, or another number of them, whatever their values are.
    pub(super) is_of_names: bool,
}

impl Refusal {
    pub(in crate::http) fn expected(expected: impl Into<Cow<'static, str>>) -> Self {
        Self { name: None, expected: expected.into(), is_of_names: false }
    }

    /// Refuses the names, or their number.
    pub(super) fn of_names(expected: impl Into<Cow<'static, str>>) -> Self {
        Self { is_of_names: true, ..Self::expected(expected) }
    }

    /// Sets the name of the refused value, unless a name is already set.
    pub(super) fn of(mut self, name: &str) -> Self {
        self.name.get_or_insert_with(|| name.to_string());
        self
    }

    /// Returns the name of the refused value, if it is known, and what was expected.
    pub(in crate::http) fn into_parts(self) -> (Option<String>, Cow<'static, str>) {
        (self.name, self.expected)
    }

    /// Converts to the error of a source. Without a name, the source as a whole is reported.
    pub(super) fn from(self, from: Source) -> error::Error {
        let name = self.name.unwrap_or_else(|| from.to_string());
        error::Error { from, name, expected: self.expected }
    }
}

impl de::Error for Refusal {
    /// A type's own message may quote the value, so it is dropped.
    fn custom<T: Display>(_: T) -> Self {
        Self::expected("a value that its type accepts")
    }

    fn invalid_type(_: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::expected(expected.to_string())
    }

    fn invalid_value(_: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::expected(expected.to_string())
    }

    fn invalid_length(_: usize, expected: &dyn Expected) -> Self {
        Self::expected(expected.to_string())
    }

    fn unknown_variant(_: &str, expected: &'static [&'static str]) -> Self {
        Self::expected(format!("one of {}", expected.join(", ")))
    }

    fn unknown_field(field: &str, _: &'static [&'static str]) -> Self {
        Self::of_names("no such name").of(field)
    }

    fn missing_field(field: &'static str) -> Self {
        Self::of_names("a value").of(field)
    }

    fn duplicate_field(field: &'static str) -> Self {
        Self::expected("one value").of(field)
    }
}

impl Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "expected {}", self.expected)
    }
}

impl core::error::Error for Refusal {}
