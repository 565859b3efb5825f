//! Finds values of sensitive names in free text, in any notation: `token=x`, `"pin": "x"`,
//! `\"pin\":\"x\"`, `&quot;pin&quot;:&quot;x&quot;`, `("pin", "x")`, `"name": "pin", "value": "x"`,
//! `"--pin", "x"`, `token%3Dx`, `Authorization: Basic x`, `<pin>x</pin>`.

mod element;
mod value;

use alloc::borrow::{Cow, ToOwned as _};
use alloc::format;

use self::element::Content;
use self::value::{Value, behind_bare};
use super::free_text::{behind_pairs, is_value};
use super::key::{Action, Key, not_allowed};
use super::markup::unescaped;
use super::mask::Style;
use super::scan::{Found, ahead_of, rewrite, same_text, skip_char, span, strip_prefix};
use super::{REDACTED, Sanitizer};

impl Sanitizer {
    /// Replaces the values of names that the rules redact or mask.
    pub(super) fn pairs<'t>(&self, text: &'t str) -> Cow<'t, str> {
        if !text.contains([':', '=', '%', ',', '>', ';', '"', '\'']) {
            return Cow::Borrowed(text);
        }
        let mut before = ["", ""];
        rewrite(text, begins_word, |here, _| {
            let Word { pair, after } = self.word(text, here, &mut before);
            let Some(pair) = pair else { return Some(Found::kept(after)) };
            Some(self.replaced([text, here], pair, &mut before))
        })
    }

    /// Reads the word or quote at the beginning of `here`, the end of `text`. `before` are the two
    /// words before it, if they may belong to its name.
    fn word<'t>(&self, text: &'t str, here: &'t str, before: &mut [&'t str; 2]) -> Word<'t> {
        let ahead = ahead_of(here, text);
        let is_quoted = here.starts_with(is_quote);
        let (words, after) = if is_quoted {
            let name = ahead.rsplit(|c| here.starts_with(c)).next();
            (["", "", name.unwrap_or_default()], skip_char(here))
        } else {
            let (name, after) = span(here, is_name);
            ([before[0], before[1], name], after)
        };
        let [_, last, name] = words;
        *before = if is_phrase(after) { [last, name] } else { ["", ""] };
        let found = find_value([ahead, name, after], is_quoted).and_then(|found| {
            let shown = self.named(words)?;
            let (start, value) = found.read(name)?;
            Some(Pair { start, value, shown })
        });
        let encoded = || if is_quoted { None } else { self.encoded_pair(here, name) };
        Word { pair: found.or_else(encoded), after }
    }

    /// Finds a pair with `%3D` or `%3A`, as in nested queries, in the row of characters at the
    /// beginning of `here`.
    fn encoded_pair<'t>(&self, here: &'t str, row: &str) -> Option<Pair<'t>> {
        let mut start_of_name = 0;
        for (at, _) in row.match_indices('%') {
            let (before, joint) = row.split_at_checked(at)?;
            let Some(rest) = behind_encoded_joint(joint) else { continue };
            let name = before.get(start_of_name..).unwrap_or_default();
            start_of_name = row.len().saturating_sub(rest.len());
            let start = here.get(start_of_name..)?;
            let shown = self.named(["", "", name]);
            if let Some(shown) = shown.or_else(|| self.named(["", "", behind_escapes(name)?]))
                && let Some(value) = Value::bare(start, behind_bare(start, is_value))
            {
                return Some(Pair { start, value, shown });
            }
        }
        None
    }

    /// Returns the text from `here` on, with the pair's value replaced.
    fn replaced<'t>(
        &self,
        [text, here]: [&'t str; 2],
        pair: Pair<'t>,
        before: &mut [&'t str; 2],
    ) -> Found<'t> {
        let Pair { start, value, shown } = pair;
        let kept = ahead_of(start, here);
        let rest = self.behind_hidden(text, start, &value, before);
        if rest.len() < value.rest.len() {
            return Found::replaced(format!("{kept}{REDACTED}"), rest);
        }
        let shown = match shown {
            Shown::Masked(style) => style.mask(value.inner, self.profile),
            Shown::Nothing => REDACTED.to_owned(),
        };
        let Value { open, close, .. } = value;
        Found::replaced(format!("{kept}{open}{shown}{close}"), rest)
    }

    /// Returns what follows a value that is hidden, and all values that begin in what is hidden and
    /// end later: the quotes, brackets or tags that end a value may be part of another one.
    ///
    /// Each of the two searches reads on where it stopped, so that both take linear time.
    fn behind_hidden<'t>(
        &self,
        text: &'t str,
        start: &'t str,
        value: &Value<'t>,
        before: &mut [&'t str; 2],
    ) -> &'t str {
        let (mut here, mut portable) = (value.rest, start);
        let mut rest = self.behind_last_word(text, value);
        loop {
            let known = rest.len();
            while here.len() > rest.len() {
                if !here.starts_with(begins_word) {
                    here = skip_char(here);
                    continue;
                }
                let Word { pair, after } = self.word(text, here, before);
                here = pair.as_ref().map_or(after, |pair| pair.value.rest);
                if let Some(pair) = pair.filter(|pair| pair.value.rest.len() <= rest.len()) {
                    rest = self.behind_last_word(text, &pair.value);
                }
            }
            portable = behind_pairs(start, portable, rest);
            if portable.len() < value.rest.len() {
                // Characters adjacent to what is hidden belong to it.
                let run = ahead_of(portable, start).trim_end_matches(is_value);
                rest = behind_bare(start.get(run.len()..).unwrap_or(portable), is_value);
            }
            if rest.len() == known {
                return rest;
            }
        }
    }

    /// Returns what follows a value and, if it ends with another name, also that name's value:
    /// `token: pin: 1`.
    fn behind_last_word<'t>(&self, text: &'t str, value: &Value<'t>) -> &'t str {
        let (mut inner, mut rest) = (value.inner, value.rest);
        while inner.ends_with([':', '=']) {
            let named = inner.trim_end_matches([':', '=', '>']);
            let name = named.trim_end_matches(is_name);
            let at = if name.len() < named.len() { name } else { named.trim_end_matches(is_quote) };
            let after = inner.len().saturating_sub(at.len()).saturating_add(rest.len());
            let here = text.get(text.len().saturating_sub(after)..).unwrap_or(rest);
            let next = self.word(text, here, &mut ["", ""]).pair.map(|pair| pair.value);
            let Some(next) = next.filter(|next| next.rest.len() < rest.len()) else { break };
            (inner, rest) = (next.inner, next.rest);
        }
        rest
    }

    /// Returns what is shown of a name's value, by the name alone or with the words before it:
    /// `security code: 7`. A `number` alone may be anything.
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

/// A word or a quote, and the text after it.
struct Word<'t> {
    /// The pair of which it is the name.
    pair: Option<Pair<'t>>,
    after: &'t str,
}

/// A value that is not shown completely, and the text from its start on.
struct Pair<'t> {
    start: &'t str,
    value: Value<'t>,
    shown: Shown,
}

/// What is shown of a value.
pub(super) enum Shown {
    Nothing,
    Masked(Style),
}

/// Finds the value of a name, if one follows: `ahead` is the text before the name, `after` the text
/// after it and its closing quote, if it `is_quoted`.
fn find_value<'t>([ahead, name, after]: [&'t str; 3], is_quoted: bool) -> Option<Place<'t>> {
    // A quote may be an entity, which is not part of the name.
    let behind = if is_quoted { after } else { behind_entity(after).unwrap_or(after) };
    let is_quoted = is_quoted || behind.len() < after.len();
    if let Some(start) = behind_joint(behind).or_else(|| behind_member(behind)) {
        let ends = if is_quoted { IN_OBJECT } else { "" };
        return Some(Place::Open { start, ends });
    }
    if !is_quoted {
        return Content::opened(ahead, after).map(Place::Element);
    }
    let second = || behind_comma(behind).filter(|_| begins_tuple(name, ahead));
    let start = second().or_else(|| behind_flag(name, behind))?;
    Some(Place::Open { start, ends: IN_TUPLE })
}

/// The place of a value.
enum Place<'t> {
    /// A value of unknown length begins here. `ends` are the characters that end its context.
    Open {
        start: &'t str,
        ends: &'static str,
    },
    Element(Content<'t>),
}

impl<'t> Place<'t> {
    /// Returns where the value begins, and the value.
    fn read(&self, name: &str) -> Option<(&'t str, Value<'t>)> {
        match self {
            Self::Open { start, ends } => {
                Some((*start, Value::read(start, ends, is_header(name))?))
            }
            Self::Element(content) => {
                Some((content.start, Value::bare(content.start, content.rest(name)?)?))
            }
        }
    }
}

fn is_name(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '\\' | '%')
}

fn begins_word(c: char) -> bool {
    is_name(c) || is_quote(c)
}

const fn is_quote(c: char) -> bool {
    matches!(c, '"' | '\'')
}

/// Returns whether another word follows directly.
fn is_phrase(after: &str) -> bool {
    let (blanks, next) = span(after, char::is_whitespace);
    !blanks.is_empty() && next.starts_with(is_name)
}

/// Returns what follows the `:` or `=` after a name, or `==`, `=>` and so on if a blank, quote or
/// bracket shows that they are not part of the value.
fn behind_joint(after: &str) -> Option<&str> {
    let (_, joint) = span(after, char::is_whitespace);
    let short = joint.strip_prefix([':', '='])?;
    let long = short.trim_start_matches([':', '=', '>']);
    let is_long = long.starts_with(|c: char| {
        c.is_whitespace() || is_quote(c) || matches!(c, '\\' | '{' | '[' | '(')
    });
    Some(span(if is_long { long } else { short }, char::is_whitespace).1)
}

/// Returns what follows an escaped `=` or `:` at the beginning, even if escaped twice: `%253D`.
fn behind_encoded_joint(text: &str) -> Option<&str> {
    let code = text.strip_prefix('%')?.trim_start_matches("25");
    strip_prefix(code, "3d").or_else(|| strip_prefix(code, "3a"))
}

/// Returns what follows the last escaped character of a name.
fn behind_escapes(name: &str) -> Option<&str> {
    let (_, escape) = name.rsplit_once('%')?;
    escape.trim_start_matches("25").get(2..)
}

/// Returns what follows a quote that is an entity.
fn behind_entity(text: &str) -> Option<&str> {
    unescaped(text).filter(|(c, depth, _)| is_quote(*c) && *depth > 0).map(|(.., rest)| rest)
}

/// Returns what follows the `:` or `=` of a member `value` after a name: `"name": "pin", "value":
/// "…"`, `name="pin" value="…"`.
fn behind_member(after: &str) -> Option<&str> {
    let next = behind_comma(after).or_else(|| behind_blanks(after))?;
    let word = skip_quote(next);
    let rest = strip_prefix(word, "value")?;
    let closed = skip_quote(rest);
    // A quote that closes elsewhere contains more than this word: `"value: x"`.
    let (is_opened, is_closed) = (word.len() < next.len(), closed.len() < rest.len());
    (is_opened == is_closed).then(|| behind_joint(closed)).flatten()
}

/// Returns what follows a flag in quotes, if that is in quotes as well and not a long flag:
/// `"--pin", "…"`.
fn behind_flag<'t>(name: &str, after: &'t str) -> Option<&'t str> {
    let next = behind_comma(after).or_else(|| behind_blanks(after))?;
    let value = skip_quote(next);
    let is_value = value.len() < next.len() && !value.starts_with("--");
    (name.starts_with("--") && is_value).then_some(next)
}

fn behind_blanks(text: &str) -> Option<&str> {
    let (blanks, rest) = span(text, char::is_whitespace);
    (!blanks.is_empty()).then_some(rest)
}

/// Returns the text without a quote at its beginning, escaped or not.
fn skip_quote(text: &str) -> &str {
    let start = text.trim_start_matches('\\');
    unescaped(start).filter(|(c, ..)| is_quote(*c)).map_or(text, |(.., rest)| rest)
}

/// Returns what follows a comma.
fn behind_comma(after: &str) -> Option<&str> {
    let (_, comma) = span(after, char::is_whitespace);
    Some(span(comma.strip_prefix(',')?, char::is_whitespace).1)
}

/// Returns whether a name in quotes at the end of a text (without the closing quote) is the first
/// element of a tuple or list: `("name`.
fn begins_tuple(name: &str, text: &str) -> bool {
    let opening = text.strip_suffix(name).and_then(|text| text.strip_suffix(is_quote));
    let before = opening.map(|text| text.trim_end_matches('\\').trim_end());
    before.is_some_and(|before| before.ends_with(['(', '[']))
}

/// Returns whether a name is a header whose value has several parts.
fn is_header(name: &str) -> bool {
    let key = Key::read(name);
    key.is_some_and(|key| {
        let name = key.in_any_spelling();
        name.contains("authorization") || name.contains("cookie")
    })
}

/// The characters that end an object or list, or a text that contains one.
const IN_OBJECT: &str = "}]\"'\\";
const IN_TUPLE: &str = "}])\"'\\";
