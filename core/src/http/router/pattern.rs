//! Route patterns: parsing, and their canonical form.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

use super::matchable;
use super::matched::Param;
use super::segment::first_len;
use crate::http::path::{UriPath, normal_segment};

/// A route pattern. Two patterns are equal if their canonical texts are, including names.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Pattern {
    segments: Vec<Segment>,
    canonical: String,
    captures: Vec<Capture>,
}

/// A parameter or proxy, as it is extracted from matching paths.
#[derive(Clone, Debug, Eq, PartialEq)]
struct Capture {
    name: String,
    /// The number of bytes between the previous capture and this one. Static text matches byte by
    /// byte, so its length is known.
    skipped: usize,
    is_proxy: bool,
}

/// A segment of a pattern.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Segment {
    /// Exactly this text, in the normal form of [`UriPath`].
    Static(String),
    /// Any single segment that is not empty, captured under this name.
    Param(String),
    /// The rest of the path, at least one segment, captured under this name.
    Proxy(String),
}

impl Pattern {
    /// Parses a pattern. White space around segments and names, a query, and a missing first `/`
    /// are accepted; `:name` means `{name}`. Braces inside a name belong to it. Static text is
    /// converted to the normal form of [`UriPath`]: `/café` becomes `/caf%C3%A9`.
    ///
    /// # Errors
    ///
    /// [`PatternError`], which says what is wrong.
    pub fn parse(pattern: &str) -> Result<Self, PatternError> {
        let path = pattern.split('?').next().unwrap_or_default().trim();
        let path = path.strip_prefix('/').unwrap_or(path);
        if path.split('/').nth(Self::MAX_SEGMENTS).is_some() {
            return Err(PatternError::TooManySegments);
        }
        let mut segments = Vec::new();
        let mut canonical = String::new();
        for text in path.split('/').filter(|_| !path.is_empty()) {
            if matches!(segments.last(), Some(Segment::Proxy(_))) {
                return Err(PatternError::ProxyBeforeEnd);
            }
            let segment = Segment::parse(text.trim())?;
            let taken = |earlier: &Segment| earlier.name() == segment.name();
            if segment.name().is_some() && segments.iter().any(taken) {
                return Err(PatternError::RepeatedName);
            }
            canonical.push('/');
            canonical.push_str(&segment.to_string());
            segments.push(segment);
        }
        if canonical.is_empty() {
            canonical.push('/');
        }
        let captures = captures(&segments);
        Ok(Self { segments, canonical, captures })
    }

    /// The most segments of a pattern. It bounds the depth of look-ups; without it, a request line
    /// of 10,240 bytes (API Gateway's limit) could have 5,119 segments.
    pub const MAX_SEGMENTS: usize = 256;

    /// Returns the canonical text: `/users/{id}`, `/files/{path+}`, or `/` for the root.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.canonical
    }

    /// Returns the segments; empty for the root.
    #[must_use]
    pub fn segments(&self) -> &[Segment] {
        &self.segments
    }

    /// Yields the texts that the parameters capture from a matching path, in the order of the
    /// pattern.
    pub fn captures<'r, 'p>(
        &'r self,
        path: &'p UriPath,
    ) -> impl Iterator<Item = Param<'r, 'p>> + use<'r, 'p> {
        self.capture(matchable(path))
    }

    pub(super) fn capture<'r, 'p>(
        &'r self,
        path: Option<&'p str>,
    ) -> impl Iterator<Item = Param<'r, 'p>> + use<'r, 'p> {
        let mut rest = path.unwrap_or_default();
        self.captures.iter().map(move |Capture { name, skipped, is_proxy }| {
            let own = rest.get(*skipped..).unwrap_or_default();
            let len = if *is_proxy { own.len() } else { first_len(own.as_bytes()) };
            let (raw, after) = own.split_at_checked(len).unwrap_or_default();
            rest = after;
            Param { name, raw }
        })
    }

    pub(super) fn has_proxy(&self) -> bool {
        matches!(self.segments.last(), Some(Segment::Proxy(_)))
    }
}

/// Returns the positions of the parameters among these segments.
fn captures(segments: &[Segment]) -> Vec<Capture> {
    let (mut captures, mut skipped) = (Vec::new(), 0_usize);
    for segment in segments {
        match segment {
            Segment::Static(text) => skipped = skipped.saturating_add(text.len()),
            Segment::Param(name) | Segment::Proxy(name) => {
                let is_proxy = matches!(segment, Segment::Proxy(_));
                captures.push(Capture { name: name.clone(), skipped, is_proxy });
                skipped = 0;
            }
        }
        // The slash after the segment.
        skipped = skipped.saturating_add(1);
    }
    captures
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.canonical)
    }
}

impl Segment {
    /// Parses a trimmed segment.
    fn parse(text: &str) -> Result<Self, PatternError> {
        if text.is_empty() {
            return Err(PatternError::EmptySegment);
        }
        let name = match text.strip_prefix(':').filter(|name| !name.is_empty()) {
            Some(name) => Some(name),
            None => text.strip_prefix('{').and_then(|text| text.strip_suffix('}')),
        };
        let Some(name) = name.filter(|name| !name.is_empty()) else {
            return match text.contains(['{', '}']) {
                true => Err(PatternError::StrayBrace),
                false => Ok(Self::Static(normal_segment(text))),
            };
        };
        let name = name.trim();
        let (name, segment): (_, fn(String) -> Self) = match name.strip_suffix('+') {
            Some(name) => (name.trim(), Self::Proxy),
            None => (name, Self::Param),
        };
        if name.is_empty() {
            return Err(PatternError::BlankName);
        }
        Ok(segment(name.to_string()))
    }

    /// Returns the name of a parameter or proxy.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        match self {
            Self::Static(_) => None,
            Self::Param(name) | Self::Proxy(name) => Some(name),
        }
    }
}

impl fmt::Display for Segment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Static(text) => f.write_str(text),
            Self::Param(name) => write!(f, "{{{name}}}"),
            Self::Proxy(name) => write!(f, "{{{name}+}}"),
        }
    }
}

/// Says why a text is not a valid pattern. Change the pattern in the application.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum PatternError {
    /// A segment is blank, as in `/a//b` or `/a/`. Remove a slash. A pattern for a path with a
    /// trailing slash does not exist; a proxy matches such paths.
    #[error("a segment is empty: remove a slash")]
    EmptySegment,
    /// A brace stands next to other text, as in `/{id}.json`. A parameter must be the whole
    /// segment.
    #[error(
        "a parameter must be the whole segment, as in `/{{id}}`: split the segment in the handler"
    )]
    StrayBrace,
    /// A parameter has no name, as in `/{ }` or `/{+}`. Name it.
    #[error("a parameter has no name: write one, as in `/{{id}}`")]
    BlankName,
    /// Two parameters have the same name, as in `/{id}/{id}`. One of them could never be read.
    #[error("two parameters have the same name: rename one of them")]
    RepeatedName,
    /// The pattern has more than [`Pattern::MAX_SEGMENTS`] segments. Capture the rest with a proxy.
    #[error("there are more than {} segments: take the rest as `{{rest+}}`", Pattern::MAX_SEGMENTS)]
    TooManySegments,
    /// A segment has another framework's syntax for a proxy or an optional parameter, such as
    /// `{*rest}`, `*` or `{rest...}`. Write `{rest+}`, or register two routes.
    #[error(
        "the rest of a path is written `{{name+}}`, one segment `{{name}}`, and names consist of \
         letters, digits, `_` and `-`"
    )]
    ForeignSyntax,
    /// The pattern has a query or a fragment, as in `/search?q={q}`. Routes are selected by the
    /// path only. Write `%3F` for a literal `?`, and `%23` for `#`.
    #[error(
        "a pattern has neither a query nor a fragment: read the query in the handler, and write \
         `%3F` and `%23` for a literal `?` and `#`"
    )]
    Query,
    /// A proxy is followed by more segments, as in `/{path+}/edit`. It captures all of them.
    #[error("a proxy must be the last segment: it takes the rest of the path")]
    ProxyBeforeEnd,
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::{Pattern, PatternError};

    #[test]
    fn patterns_have_one_canonical_form() {
        for (text, canonical) in [
            ("", "/"),
            (" / ", "/"),
            ("/?page=1", "/"),
            ("orders", "/orders"),
            (" /orders / open ?x", "/orders/open"),
            ("/:order", "/{order}"),
            ("/: order ", "/{order}"),
            ("/{  order }", "/{order}"),
            ("/{ rest + }", "/{rest+}"),
            ("/:rest+", "/{rest+}"),
            ("/{rest++}", "/{rest++}"),
            ("/:", "/:"),
            ("/::", "/{:}"),
            ("/:{order}", "/{{order}}"),
            ("/{order}{line}", "/{order}{line}"),
            ("/{order+}{line+}", "/{order+}{line+}"),
            ("/*", "/*"),
            ("/c++", "/c++"),
            ("/%7Bid%7D", "/%7Bid%7D"),
            ("/%7bid%7d/%61", "/%7Bid%7D/a"),
            ("/café/50%/a b", "/caf%C3%A9/50%25/a%20b"),
            ("/{café}", "/{café}"),
        ] {
            assert_eq!(Pattern::parse(text).unwrap().to_string(), canonical, "{text:?}");
            assert_eq!(Pattern::parse(canonical).unwrap().as_str(), canonical);
        }
    }

    #[test]
    fn malformed_patterns_are_refused() {
        for (text, error) in [
            ("//", PatternError::EmptySegment),
            ("/orders/", PatternError::EmptySegment),
            ("/orders/ /x", PatternError::EmptySegment),
            ("/{}", PatternError::StrayBrace),
            ("/{order", PatternError::StrayBrace),
            ("/order}", PatternError::StrayBrace),
            ("/{order}.json", PatternError::StrayBrace),
            ("/{order?}", PatternError::StrayBrace),
            ("/{ }", PatternError::BlankName),
            ("/{ + }", PatternError::BlankName),
            ("/{rest+}/x", PatternError::ProxyBeforeEnd),
            ("/{a}/{a}", PatternError::RepeatedName),
            ("/{a}/x/:a+", PatternError::RepeatedName),
            (&"/a".repeat(Pattern::MAX_SEGMENTS + 1), PatternError::TooManySegments),
        ] {
            assert_eq!(Pattern::parse(text), Err(error), "{text:?}");
        }
        assert!(Pattern::parse(&"/a".repeat(Pattern::MAX_SEGMENTS)).is_ok());
        assert!(Pattern::parse(&"/a".repeat(300_000)).is_err());
    }

    #[test]
    fn a_proxy_keeps_the_braces_inside_its_name() {
        let pattern = Pattern::parse("/{a+}{b}").unwrap();
        assert_eq!(pattern.segments()[0].name(), Some("a+}{b"));
        assert!(!pattern.has_proxy());
    }
}
