//! Finding and replacing in a text, from left to right and in linear time.

use alloc::borrow::Cow;
use alloc::string::String;

/// What was found at the beginning of a rest.
pub(super) struct Found<'t> {
    /// What stands for it from now on; `None` leaves it as it is.
    pub(super) with: Option<String>,
    /// What follows it.
    pub(super) rest: &'t str,
}

impl<'t> Found<'t> {
    pub(super) const fn replaced(with: String, rest: &'t str) -> Self {
        Self { with: Some(with), rest }
    }

    /// It stays, and nothing begins inside it.
    pub(super) const fn kept(rest: &'t str) -> Self {
        Self { with: None, rest }
    }
}

/// Tries `find` at each character that `starts` picks, with what begins there and the character before
/// it. A text in which nothing is replaced is borrowed.
///
/// To stay linear, `find` has to skip with [`Found::kept`] what it read in vain, unless nothing that
/// it could begin with stands in there.
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

/// Applies one more pass; one that finds nothing copies nothing.
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

/// Splits a text behind its longest beginning of such characters, which may be empty.
pub(super) fn span(text: &str, is: impl Fn(char) -> bool) -> (&str, &str) {
    text.split_at(text.find(|c| !is(c)).unwrap_or(text.len()))
}

/// What of `whole` stands before `end`, with which it ends.
pub(super) fn ahead_of<'t>(end: &str, whole: &'t str) -> &'t str {
    whole.get(..whole.len().saturating_sub(end.len())).unwrap_or(whole)
}

/// The text without its first character.
pub(super) fn skip_char(text: &str) -> &str {
    let mut chars = text.chars();
    chars.next();
    chars.as_str()
}

/// The text behind a beginning of ASCII, in any case.
pub(super) fn strip_prefix<'t>(text: &'t str, prefix: &str) -> Option<&'t str> {
    let mut chars = text.chars();
    prefix.chars().all(|p| chars.next().is_some_and(|c| same(c, p))).then_some(chars.as_str())
}

/// Whether two texts are the same in any case; `b` is ASCII.
pub(super) fn same_text(a: &str, b: &str) -> bool {
    strip_prefix(a, b).is_some_and(str::is_empty)
}

/// Whether a character is an ASCII one in some case: Unicode has two more letters that fold to ASCII.
fn same(c: char, ascii: char) -> bool {
    let folded = match c {
        '\u{17f}' => 's',
        '\u{212a}' => 'k',
        other => other.to_ascii_lowercase(),
    };
    folded == ascii.to_ascii_lowercase()
}

/// White space of ASCII, but for the vertical tab.
pub(super) const fn is_blank(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\u{c}' | '\r' | ' ')
}

/// What regular expressions call a word character.
pub(super) const fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}
