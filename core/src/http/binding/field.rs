//! What is bound: fields, their types, and where they come from.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

/// Where a value comes from.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Source {
    /// A member of the JSON object that is the body.
    Body,
    /// The query.
    Query,
    /// A parameter of the route's pattern.
    Path,
    /// A header field.
    Header,
}

impl Source {
    /// The source's name in error messages and details.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Body => "body",
            Self::Query => "query",
            Self::Path => "path",
            Self::Header => "header",
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a field's value has to be. In a body it is JSON of that type; elsewhere it is text, which
/// is converted, and never trimmed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kind {
    /// Any text.
    Text,
    /// A whole number that every language holds exactly: within ±(2^53 − 1). No fraction and no
    /// exponent, not even in a body.
    Integer,
    /// A finite number, decimal and with or without an exponent.
    Float,
    /// `1 t T TRUE true True` or `0 f F FALSE false False`; in a body `true` or `false`.
    Bool,
    /// The text of a duration, as
    /// [`parse_portable_nanos`](crate::duration::parse_portable_nanos) reads it.
    Duration,
    /// All values that there are, as texts; every other kind takes the first.
    Texts,
    /// A JSON object.
    Object,
    /// Any JSON but null.
    Json,
}

impl Kind {
    /// The kind in words, for whoever reads the log.
    pub(super) const fn expected(self) -> &'static str {
        match self {
            Self::Text => "a text",
            Self::Integer => INTEGER,
            Self::Float => FLOAT,
            Self::Bool => BOOL,
            Self::Duration => "a duration of whole microseconds, such as 1h30m or 1.5s",
            Self::Texts => "a list of texts",
            Self::Object => "a JSON object",
            Self::Json => "JSON",
        }
    }
}

pub(super) const INTEGER: &str = "an integer within ±(2^53 − 1)";
pub(super) const FLOAT: &str = "a finite decimal number";
pub(super) const BOOL: &str = "true or false";

/// A field: what it is called, what its value has to be, and where that comes from.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Field {
    pub(super) name: String,
    pub(super) kind: Kind,
    wires: Vec<(Source, String)>,
}

impl Field {
    /// A field that comes from `source`, where it is called `wire`. Its own `name` stands in error
    /// messages, and is what [`Bound::get`](super::Bound::get) takes.
    #[must_use]
    pub fn new(
        name: impl Into<String>,
        kind: Kind,
        source: Source,
        wire: impl Into<String>,
    ) -> Self {
        Self { name: name.into(), kind, wires: Vec::new() }.or_from(source, wire)
    }

    /// Looks for the field in another source, too: of path, query, header and body, the first that
    /// has a value wins.
    #[must_use]
    pub fn or_from(mut self, source: Source, wire: impl Into<String>) -> Self {
        self.wires.push((source, wire.into()));
        self
    }

    /// What the field is called in a source.
    pub(super) fn wire(&self, source: Source) -> Option<&str> {
        self.wires.iter().find(|(at, _)| *at == source).map(|(_, wire)| wire.as_str())
    }
}
