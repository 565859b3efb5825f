//! Values of sensitive names in running text, however they are written: `token=x`, `"pin": "x"`,
//! `\"pin\":\"x\"`, `("pin", "x")`, `token%3Dx`, `Authorization: Basic x`.

use alloc::borrow::{Cow, ToOwned as _};
use alloc::format;

use super::free_text::is_value;
use super::key::{Action, Key, not_allowed};
use super::mask::Style;
use super::scan::{Found, ahead_of, is_blank, rewrite, same_text, skip_char, span, strip_prefix};
use super::{REDACTED, Sanitizer};

impl Sanitizer {
    /// Replaces the values that follow names whose values the rules redact or mask.
    pub(super) fn pairs<'t>(&self, text: &'t str) -> Cow<'t, str> {
        if !text.contains([':', '=', '%', ',']) {
            return Cow::Borrowed(text);
        }
        let mut before = ["", ""];
        rewrite(
            text,
            |c| is_name(c) || is_quote(c),
            |here, _| {
                let is_quoted = here.starts_with(is_quote);
                let (words, after) = if is_quoted {
                    let name = ahead_of(here, text).rsplit(|c| here.starts_with(c)).next();
                    (["", "", name.unwrap_or_default()], skip_char(here))
                } else {
                    let (name, after) = span(here, is_name);
                    ([before[0], before[1], name], after)
                };
                let [_, last, name] = words;
                before = if is_phrase(after) { [last, name] } else { ["", ""] };
                let in_tuple = || {
                    let second = behind_comma(after).filter(|_| is_quoted)?;
                    begins_tuple(name, ahead_of(here, text)).then_some((second, IN_TUPLE))
                };
                let in_pair = behind_joint(after).map(|start| {
                    let ends = if is_quoted { IN_OBJECT } else { "" };
                    (start, ends)
                });
                let found = in_pair.or_else(in_tuple).and_then(|(start, ends)| {
                    let shown = self.named(words)?;
                    let value = Value::read(start, ends, is_header(name))?;
                    Some(self.replaced(here, start, value, shown))
                });
                let encoded = || if is_quoted { None } else { self.encoded_pair(here, name) };
                Some(found.or_else(encoded).unwrap_or_else(|| Found::kept(after)))
            },
        )
    }

    /// A pair with `%3D` or `%3A` in it, as queries in queries have them, in a row of characters with
    /// which `here` begins.
    fn encoded_pair<'t>(&self, here: &'t str, row: &str) -> Option<Found<'t>> {
        let mut start_of_name = 0;
        for (at, _) in row.match_indices('%') {
            let (before, joint) = row.split_at_checked(at)?;
            let Some(rest) = behind_encoded_joint(joint) else { continue };
            let name = before.get(start_of_name..).unwrap_or_default();
            start_of_name = row.len().saturating_sub(rest.len());
            let start = here.get(start_of_name..)?;
            let shown = self.named(["", "", name]);
            if let Some(shown) = shown.or_else(|| self.named(["", "", behind_escapes(name)?]))
                && let Some(value) = Value::bare(start, span(start, is_value).1)
            {
                return Some(self.replaced(here, start, value, shown));
            }
        }
        None
    }

    /// What begins with `here`, with another value in place of the one that begins with `start`.
    fn replaced<'t>(&self, here: &str, start: &str, value: Value<'t>, shown: Shown) -> Found<'t> {
        let shown = match shown {
            Shown::Masked(style) => style.mask(value.inner, self.profile),
            Shown::Nothing => REDACTED.to_owned(),
        };
        let (kept, Value { open, close, rest, .. }) = (ahead_of(start, here), value);
        Found::replaced(format!("{kept}{open}{shown}{close}"), rest)
    }

    /// What is shown of a name's value, by the name itself or with the words before it: `security
    /// code: 7`. A `number` by itself is anything.
    pub(super) fn named(&self, [two_before, before, name]: [&str; 3]) -> Option<Shown> {
        let shown = |name: &str, action: fn(&Self, &Key<'_>) -> Option<Action>| {
            let key = Key::read(name)?;
            not_allowed(action(self, &key)).map(|action| match action {
                Action::Mask => Shown::Masked(key.style()),
                Action::Allow | Action::Redact => Shown::Nothing,
            })
        };
        let phrase = |words: &str| shown(words, |_, key| key.listed());
        let alone = shown(name, |rules, key| rules.action(key, ""));
        alone
            .filter(|_| !same_text(name, "number"))
            .or_else(|| (!before.is_empty()).then(|| phrase(&format!("{before}{name}"))).flatten())
            .or_else(|| {
                (!two_before.is_empty())
                    .then(|| phrase(&format!("{two_before}{before}{name}")))
                    .flatten()
            })
    }
}

/// What is shown of a value.
pub(super) enum Shown {
    Nothing,
    Masked(Style),
}

fn is_name(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '\\' | '%')
}

const fn is_quote(c: char) -> bool {
    matches!(c, '"' | '\'')
}

/// Whether another word follows directly.
fn is_phrase(after: &str) -> bool {
    let (blanks, next) = span(after, char::is_whitespace);
    !blanks.is_empty() && next.starts_with(is_name)
}

/// What follows the `:` or `=` behind a name, or `==`, `=>` and the like where a blank, a quote or a
/// bracket shows that these are not the value's.
fn behind_joint(after: &str) -> Option<&str> {
    let (_, joint) = span(after, char::is_whitespace);
    let short = joint.strip_prefix([':', '='])?;
    let long = short.trim_start_matches([':', '=', '>']);
    let is_long = long.starts_with(|c: char| {
        c.is_whitespace() || is_quote(c) || matches!(c, '\\' | '{' | '[' | '(')
    });
    Some(span(if is_long { long } else { short }, char::is_whitespace).1)
}

/// What follows an escaped `=` or `:` at the beginning, which may be escaped again: `%253D`.
fn behind_encoded_joint(text: &str) -> Option<&str> {
    let code = text.strip_prefix('%')?.trim_start_matches("25");
    strip_prefix(code, "3d").or_else(|| strip_prefix(code, "3a"))
}

/// What follows the last escaped character of a name.
fn behind_escapes(name: &str) -> Option<&str> {
    let (_, escape) = name.rsplit_once('%')?;
    escape.trim_start_matches("25").get(2..)
}

/// What follows a comma.
fn behind_comma(after: &str) -> Option<&str> {
    let (_, comma) = span(after, char::is_whitespace);
    Some(span(comma.strip_prefix(',')?, char::is_whitespace).1)
}

/// Whether a name in quotes, with which a text ends but for the closing one, is the first of a tuple or
/// list: `("name`.
fn begins_tuple(name: &str, text: &str) -> bool {
    let opening = text.strip_suffix(name).and_then(|text| text.strip_suffix(is_quote));
    let before = opening.map(|text| text.trim_end_matches('\\').trim_end());
    before.is_some_and(|before| before.ends_with(['(', '[']))
}

/// Whether a name is that of a header field whose value has several parts.
fn is_header(name: &str) -> bool {
    let key = Key::read(name);
    key.is_some_and(|key| {
        let name = key.in_any_spelling();
        name.contains("authorization") || name.contains("cookie")
    })
}

/// What ends an object or list, and texts that hold one.
const IN_OBJECT: &str = "}]\"'\\";
const IN_TUPLE: &str = "}])\"'\\";

/// A value at the beginning of a text, and what follows it.
struct Value<'t> {
    open: &'t str,
    inner: &'t str,
    close: &'t str,
    rest: &'t str,
}

impl<'t> Value<'t> {
    /// `ends` are the characters that end what the value is in.
    fn read(text: &'t str, ends: &str, is_header: bool) -> Option<Self> {
        let closes = |c: char| ends.contains(c);
        if is_header && ends.is_empty() {
            return Self::bare(text, behind_header(text));
        }
        let Some(value) = Self::enclosed(text) else {
            return Self::bare(text, span(text, |c| is_value(c) && !closes(c)).1);
        };
        // What touches a value belongs to it.
        if value.rest.starts_with(|c| is_value(c) && !closes(c)) {
            return Self::bare(text, span(value.rest, is_value).1);
        }
        Some(value)
    }

    /// A value up to `rest`, unless it is empty.
    fn bare(text: &'t str, rest: &'t str) -> Option<Self> {
        let inner = ahead_of(rest, text);
        (!inner.is_empty()).then_some(Self { open: "", inner, close: "", rest })
    }

    /// A value in quotes, brackets, or parentheses behind a word: `Some("x y")`.
    fn enclosed(text: &'t str) -> Option<Self> {
        let (_, call) = span(text, |c| is_name(c) && c != '\\');
        let in_brackets = || behind_brackets(if call.starts_with('(') { call } else { text });
        Self::quoted(text).or_else(|| Self::bare(text, in_brackets()?))
    }

    /// A value in quotes, which may be escaped themselves: the quotes that close it have no more
    /// backslashes. Without these it is the whole rest.
    fn quoted(text: &'t str) -> Option<Self> {
        let (slashes, start) = span(text, |c| c == '\\');
        let mark = start.chars().next().filter(|c| is_quote(*c))?;
        let body = skip_char(start);
        let mut escapes = Escapes::default();
        let end =
            body.char_indices().find(|(_, c)| escapes.before(*c) <= slashes.len() && *c == mark);
        let (content, rest) = match end {
            Some((at, _)) => (body.get(..at)?, body.get(at..).map(skip_char)?),
            None => (body, ""),
        };
        let inner = if end.is_some() { content.trim_end_matches('\\') } else { content };
        let close = ahead_of(rest, body.get(inner.len()..)?);
        Some(Self { open: ahead_of(body, text), inner, close, rest })
    }
}

/// What follows an object, an array or what is in parentheses; nothing does if it is not closed.
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

/// What follows a header field's value: a word and what it takes, and parameters.
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
