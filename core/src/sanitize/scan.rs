//! Finds and replaces parts of a text, from left to right and in linear time.

use alloc::borrow::Cow;
use alloc::string::String;

/// A part found at the beginning of a rest.
pub(super) struct Found<'t> {
    /// The replacement; `None` keeps the part.
    pub(super) with: Option<String>,
    /// The text after the part.
    pub(super) rest: &'t str,
}

impl<'t> Found<'t> {
    pub(super) const fn replaced(with: String, rest: &'t str) -> Self {
        Self { with: Some(with), rest }
    }

    /// Keeps the part, and skips it.
    pub(super) const fn kept(rest: &'t str) -> Self {
        Self { with: None, rest }
    }
}

/// Calls `find` at each character that `starts` accepts, with the text from there and the character
/// before it. A text without replacements is borrowed.
///
/// To stay linear, `find` must skip what it has read unsuccessfully with [`Found::kept`], unless
/// nothing that it searches for can begin in there.
pub(super) fn rewrite<'t>(
    text: &'t str,
    starts: impl Fn(char) -> bool,
    mut find: impl FnMut(&'t str, Option<char>) -> Option<Found<'t>>,
) -> Cow<'t, str> {
    let mut written = String::new();
    let (mut unwritten, mut rest) = (text, text);
    while let Some(at) = rest.find(&starts) {
        let (_, here) = rest.split_at(at);
        rest = match find(here, ahead_of(here, text).chars().next_back()) {
            None => skip_char(here),
            Some(Found { with: None, rest }) => rest,
            Some(Found { with: Some(with), rest }) => {
                written.push_str(ahead_of(here, unwritten));
                written.push_str(&with);
                unwritten = rest;
                rest
            }
        };
    }
    if unwritten.len() == text.len() {
        return Cow::Borrowed(text);
    }
    written.push_str(unwritten);
    Cow::Owned(written)
}

/// Applies another pass, which copies nothing if it finds nothing.
pub(super) fn then<'t>(
    text: Cow<'t, str>,
    pass: impl FnOnce(&str) -> Cow<'_, str>,
) -> Cow<'t, str> {
    let changed = match pass(&text) {
        Cow::Borrowed(_) => None,
        Cow::Owned(changed) => Some(changed),
    };
    changed.map_or(text, Cow::Owned)
}

/// Splits a text after its longest prefix of such characters, which may be empty.
pub(super) fn span(text: &str, is: impl Fn(char) -> bool) -> (&str, &str) {
    text.split_at(text.find(|c| !is(c)).unwrap_or(text.len()))
}

/// Returns the part of `whole` before `end`, which is its suffix.
pub(super) fn ahead_of<'t>(end: &str, whole: &'t str) -> &'t str {
    whole.get(..whole.len().saturating_sub(end.len())).unwrap_or(whole)
}

/// Returns the text without its first character.
pub(super) fn skip_char(text: &str) -> &str {
    let mut chars = text.chars();
    chars.next();
    chars.as_str()
}

/// Returns the text after an ASCII prefix, in any case.
pub(super) fn strip_prefix<'t>(text: &'t str, prefix: &str) -> Option<&'t str> {
    let mut chars = text.chars();
    prefix.chars().all(|p| chars.next().is_some_and(|c| same(c, p))).then_some(chars.as_str())
}

/// Returns whether two texts are equal in any case; `b` is ASCII.
pub(super) fn same_text(a: &str, b: &str) -> bool {
    strip_prefix(a, b).is_some_and(str::is_empty)
}

/// Returns whether a character equals an ASCII one in any case: Unicode has two more letters that
/// fold to ASCII.
fn same(c: char, ascii: char) -> bool {
    let folded = match c {
        '\u{17f}' => 's',
        '\u{212a}' => 'k',
        other => other.to_ascii_lowercase(),
    };
    folded == ascii.to_ascii_lowercase()
}

/// Returns whether a character is ASCII white space, except the vertical tab.
pub(super) const fn is_blank(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\u{c}' | '\r' | ' ')
}

/// Returns whether a character is a word character of regular expressions.
pub(super) const fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}
