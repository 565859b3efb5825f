//! Values after names.

use super::super::REDACTED;
use super::super::free_text::is_value;
use super::super::markup::unescaped;
use super::super::scan::{ahead_of, is_blank, skip_char, span};
use super::{behind_entity, behind_joint, is_name, is_quote};

/// A value at the beginning of a text, and the rest.
pub(super) struct Value<'t> {
    pub(super) open: &'t str,
    pub(super) inner: &'t str,
    pub(super) close: &'t str,
    pub(super) rest: &'t str,
}

impl<'t> Value<'t> {
    /// Reads a value. `ends` are the characters that end its context.
    pub(super) fn read(text: &'t str, ends: &str, is_header: bool) -> Option<Self> {
        let closes = |c: char| ends.contains(c);
        if is_header && ends.is_empty() {
            return Self::bare(text, behind_header(text));
        }
        let Some(value) = Self::enclosed(text) else {
            return Self::bare(text, behind_bare(text, |c| is_value(c) && !closes(c)));
        };
        // Characters adjacent to a value belong to it.
        if value.rest.starts_with(|c| is_value(c) && !closes(c)) {
            return Self::bare(text, behind_bare(value.rest, is_value));
        }
        Some(value)
    }

    /// Returns a value up to `rest`, unless it is empty.
    pub(super) fn bare(text: &'t str, rest: &'t str) -> Option<Self> {
        let inner = ahead_of(rest, text);
        (!inner.is_empty()).then_some(Self { open: "", inner, close: "", rest })
    }

    /// Reads a value in quotes, brackets, or parentheses after a word: `Some("x y")`.
    fn enclosed(text: &'t str) -> Option<Self> {
        let (_, call) = span(text, |c| is_name(c) && c != '\\');
        let in_brackets = || behind_brackets(if call.starts_with('(') { call } else { text });
        Self::quoted(text).or_else(|| Self::bare(text, in_brackets()?))
    }

    /// Reads a value in quotes, which may be escaped. The closing quote must have at most as many
    /// backslashes, and be an entity if the opening one is. Without a closing quote the value is
    /// the whole rest.
    fn quoted(text: &'t str) -> Option<Self> {
        let (slashes, start) = span(text, |c| c == '\\');
        let (_, _, body) = unescaped(start).filter(|(c, ..)| is_quote(*c))?;
        let mark = ahead_of(body, start);
        let escapes =
            |before: &str| before.len().saturating_sub(before.trim_end_matches('\\').len());
        let splits = body.match_indices(mark).filter_map(|(at, _)| body.split_at_checked(at));
        let mut ends = splits.filter(|(before, _)| escapes(before) <= slashes.len());
        let (content, rest) = match ends.next() {
            Some((content, end)) => (content.trim_end_matches('\\'), end.strip_prefix(mark)?),
            None => (body, ""),
        };
        let close = ahead_of(rest, body.get(content.len()..)?);
        Some(Self { open: ahead_of(body, text), inner: content, close, rest })
    }
}

/// Returns what follows such characters and the `;` of entities, as in `a&amp;b`, unless another
/// name with a joint follows: `a&#10;pin: 1`.
pub(super) fn behind_bare(text: &str, is: impl Fn(char) -> bool) -> &str {
    let begins_pair = |after| {
        let (name, next) = span(after, is_name);
        !name.is_empty() && behind_joint(behind_entity(next).unwrap_or(next)).is_some()
    };
    let mut rest = text;
    loop {
        let (run, end) = span(rest, &is);
        let is_code = |c: char| c.is_ascii_alphanumeric() || c == '#';
        let is_entity = run.trim_end_matches(is_code).ends_with('&');
        match end.strip_prefix(';') {
            Some(after) if is_entity && !begins_pair(after) => rest = after,
            _ => return end,
        }
    }
}

/// Returns what follows an object, an array or parentheses; empty if they are not closed.
fn behind_brackets(text: &str) -> Option<&str> {
    let (opening, closing) = match text.chars().next()? {
        '{' | '[' => (['{', '['], ['}', ']']),
        '(' => (['('; 2], [')'; 2]),
        _ => return None,
    };
    let (mut depth, mut is_text, mut level) = (0_usize, false, None);
    let mut escapes = Escapes::default();
    let end = text.find(|c| {
        let escapes = escapes.before(c);
        match c {
            '"' if escapes <= *level.get_or_insert(escapes) => is_text = !is_text,
            c if !is_text && opening.contains(&c) => depth = depth.saturating_add(1),
            c if !is_text && closing.contains(&c) => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth == 0
    });
    Some(end.and_then(|at| text.get(at..)).map_or("", skip_char))
}

/// Returns what follows a header's value: a scheme with its credentials, and parameters.
fn behind_header(text: &str) -> &str {
    let behind_item = |text| {
        let value = span(text, is_name).1.strip_prefix('=').unwrap_or(text);
        let rest = Value::enclosed(value).map_or(value, |value| value.rest);
        span(rest, is_value).1
    };
    let first = behind_item(text);
    let (blanks, next) = span(first, |c| matches!(c, ' ' | '\t'));
    let is_redacted = ahead_of(first, text) == REDACTED;
    let mut rest = if blanks.is_empty() || is_redacted { first } else { behind_item(next) };
    while let Some(parameter) = rest.strip_prefix([',', ';']) {
        let (name, after) = span(span(parameter, is_blank).1, is_name);
        match after.strip_prefix('=') {
            Some(value) if !name.is_empty() => rest = behind_item(value),
            _ => break,
        }
    }
    rest
}

/// Counts the backslashes before each character.
#[derive(Default)]
struct Escapes(usize);

impl Escapes {
    fn before(&mut self, c: char) -> usize {
        let before = self.0;
        self.0 = if c == '\\' { before.saturating_add(1) } else { 0 };
        before
    }
}
