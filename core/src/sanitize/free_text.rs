//! Finds secrets in free text by their form.

use alloc::borrow::{Cow, ToOwned as _};
use alloc::format;

use super::card_numbers;
use super::mask::Style;
use super::scan::{
    Found, ahead_of, is_blank, is_word, rewrite, skip_char, span, strip_prefix, then,
};
use super::{Profile, REDACTED, Sanitizer, is_line_break, log_text};

impl Sanitizer {
    /// Returns the text of a message without unsafe characters and without parts that look like
    /// secrets: JSON web tokens, bearer tokens, values of sensitive names (`password=…`, `"cvv":
    /// "…"`, `("pin", "…")`, `"name": "pin", "value": "…"`, `"--pin", "…"`, `token%3D…`, `Cookie:
    /// …`, `<pin>…</pin>`), credentials in URLs, private keys, email addresses, social security
    /// numbers and card numbers. Ordinary words after a name are shown: `--password x`, `password
    /// is x`. Use it for messages that quote data of clients. A text without such parts is not
    /// copied.
    ///
    /// ```
    /// use apptheory_core::sanitize::Sanitizer;
    ///
    /// let shown = Sanitizer::new().free_text("declined: card 4111 1111 1111 1111, token=t_1");
    /// assert_eq!(shown, "declined: card 4111 11** **** 1111, token=[REDACTED]");
    /// ```
    #[must_use]
    pub fn free_text<'t>(&self, text: &'t str) -> Cow<'t, str> {
        match self.profile {
            Profile::Reference => {
                let text = super::without_line_breaks(text);
                let passes = [tokens, bearers, pairs, addresses, security_numbers];
                let text = passes.into_iter().fold(text, then);
                then(text, card_numbers::mask_in_rows)
            }
            // A word ends with its line, but log lines contain no line ends, and secrets may stand
            // after them or after other characters that are removed.
            Profile::Default => match log_text(text) {
                Cow::Borrowed(text) => self.without_secrets(text),
                Cow::Owned(_) => {
                    let shown = then(self.without_secrets(text), log_text);
                    then(shown, |text| self.without_secrets(text))
                }
            },
        }
    }

    /// Values of names are searched first, in the original text, and again at the end, because
    /// hiding an address may have revealed a name.
    fn without_secrets<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let text = [private_keys, tokens, bearers, credentials]
            .into_iter()
            .fold(Cow::Borrowed(text), then);
        let text = then(text, |text| self.pairs(text));
        let text = then(text, addresses);
        let text = then(text, card_numbers::hide);
        let text = then(text, security_numbers);
        then(text, |text| self.pairs(text))
    }
}

/// Finds private keys in PEM (RFC 7468), even without an end.
fn private_keys(text: &str) -> Cow<'_, str> {
    if !text.contains(BEGIN) {
        return Cow::Borrowed(text);
    }
    rewrite(
        text,
        |c| c == '-',
        |here, _| {
            let (label, after) = span(here.strip_prefix(BEGIN)?, |c| c != '-');
            let body = after.strip_prefix("-----").filter(|_| label.contains("PRIVATE KEY"))?;
            let rest = body.find("-----END").and_then(|end| body.get(end..)).unwrap_or_default();
            Some(Found::replaced(format!("{}{REDACTED}", ahead_of(body, here)), rest))
        },
    )
}

const BEGIN: &str = "-----BEGIN ";

/// Finds JSON web tokens: three parts of at least eight characters, the first beginning with `eyJ`.
fn tokens(text: &str) -> Cow<'_, str> {
    rewrite(
        text,
        |c| c == 'e',
        |here, before| {
            let start = here.strip_prefix("eyJ")?;
            if before.is_some_and(is_word) {
                return None;
            }
            let (header, rest) = span(start, is_token);
            let found = (header.len() >= PART).then(|| signed(rest)).flatten();
            // A search that fails here would fail at every other start in these characters, too.
            Some(found.map_or_else(
                || Found::kept(rest),
                |rest| Found::replaced(REDACTED.to_owned(), rest),
            ))
        },
    )
}

const PART: usize = 8;

/// Returns what follows the other two parts of a token; dashes at the end do not belong to it.
fn signed(rest: &str) -> Option<&str> {
    let (claims, rest) = span(rest.strip_prefix('.')?, is_token);
    let rest = rest.strip_prefix('.')?;
    let signature = span(rest, is_token).0.trim_end_matches('-');
    let is_long = claims.len() >= PART && signature.len() >= PART;
    rest.get(signature.len()..).filter(|_| is_long)
}

const fn is_token(c: char) -> bool {
    is_word(c) || c == '-'
}

/// Finds `Bearer` and the token after it.
fn bearers(text: &str) -> Cow<'_, str> {
    rewrite(
        text,
        |c| matches!(c, 'b' | 'B'),
        |here, _| {
            let after = strip_prefix(here, "bearer")?;
            let (blanks, start) = span(after, is_blank);
            let (value, rest) = span(start, is_value);
            if blanks.is_empty() || value.is_empty() {
                return None;
            }
            Some(Found::replaced(format!("{} {REDACTED}", ahead_of(after, here)), rest))
        },
    )
}

/// Finds the user information in a URL (RFC 3986 §3.2.1): `scheme://user:password@host`. The
/// slashes may be escaped.
fn credentials(text: &str) -> Cow<'_, str> {
    if !text.contains('@') {
        return Cow::Borrowed(text);
    }
    rewrite(
        text,
        |c| c == ':',
        |here, _| {
            let start = behind_slash(behind_slash(skip_char(here))?)?;
            let ends = |c: char| c.is_whitespace() || "/\\?#\"'`<>".contains(c);
            let (user, _) = span(start, |c| !ends(c)).0.rsplit_once('@')?;
            let rest = start.get(user.len()..).filter(|_| !user.is_empty())?;
            Some(Found::replaced(format!("{}{REDACTED}", ahead_of(start, here)), rest))
        },
    )
}

pub(super) fn behind_slash(text: &str) -> Option<&str> {
    text.trim_start_matches('\\').strip_prefix('/')
}

/// Finds values after some names, by the portable rules.
fn pairs(text: &str) -> Cow<'_, str> {
    rewrite(
        text,
        |c| c.is_ascii_alphabetic() || c == '\u{17f}',
        |here, before| {
            let (start, rest) = pair(here, before)?;
            Some(Found::replaced(format!("{}{REDACTED}", ahead_of(start, here)), rest))
        },
    )
}

/// Returns the value of a name at the beginning of `here`, with all that follows, and what follows
/// the value. Line breaks do not end it: the portable rules remove them before.
fn pair(here: &str, before: Option<char>) -> Option<(&str, &str)> {
    if before.is_some_and(is_word) {
        return None;
    }
    NAMES.iter().find_map(|words| {
        let joint = span(strip_words(here, words)?, is_blank).1.strip_prefix([':', '='])?;
        let (_, start) = span(joint, is_blank);
        let (value, rest) = span(start, |c| is_value(c) || is_line_break(c));
        (!value.is_empty()).then_some((start, rest))
    })
}

/// Returns `rest`, or what follows a value that begins between `here` and `rest` and ends later by
/// the portable rules. Both are ends of `text`.
pub(super) fn behind_pairs<'t>(text: &str, mut here: &'t str, rest: &str) -> &'t str {
    while here.len() > rest.len() {
        let before = ahead_of(here, text).chars().next_back();
        here = pair(here, before).map_or_else(|| skip_char(here), |(_, rest)| rest);
    }
    here
}

/// The names as lists of words, which may be separated by `_` or `-`.
const NAMES: [&[&str]; 11] = [
    &["authorization"],
    &["api", "key"],
    &["client", "secret"],
    &["password"],
    &["secret"],
    &["private", "key"],
    &["secret", "key"],
    &["access", "token"],
    &["refresh", "token"],
    &["id", "token"],
    &["token"],
];

fn strip_words<'t>(text: &'t str, words: &[&str]) -> Option<&'t str> {
    let mut rest = text;
    for (at, word) in words.iter().enumerate() {
        let start = if at > 0 { rest.strip_prefix(['_', '-']).unwrap_or(rest) } else { rest };
        rest = strip_prefix(start, word)?;
    }
    Some(rest)
}

/// Returns whether a character may be part of a value without quotes.
pub(super) const fn is_value(c: char) -> bool {
    !is_blank(c) && !matches!(c, ',' | ';')
}

/// Finds email addresses whose domain ends with a word of letters.
fn addresses(text: &str) -> Cow<'_, str> {
    if !text.contains('@') {
        return Cow::Borrowed(text);
    }
    rewrite(text, is_local, |here, before| {
        let (local, at) = span(here, is_local);
        let found = begins_word(local, before).zip(at.strip_prefix('@').and_then(behind_domain));
        Some(found.map_or_else(
            || Found::kept(at),
            |(start, rest)| Found::replaced(format!("{}{REDACTED}", ahead_of(start, local)), rest),
        ))
    })
}

const fn is_local(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '%' | '+' | '-')
}

/// Returns the text from the first word boundary on.
fn begins_word(text: &str, before: Option<char>) -> Option<&str> {
    let mut before = before.is_some_and(is_word);
    let at = text.find(|c| {
        let is_boundary = is_word(c) != before;
        before = is_word(c);
        is_boundary
    })?;
    text.get(at..)
}

/// Returns what follows the domain at the beginning, which extends as far as its last word allows.
fn behind_domain(text: &str) -> Option<&str> {
    let (row, _) = span(text, |c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-'));
    row.rmatch_indices('.').filter(|(at, _)| *at > 0).find_map(|(at, _)| {
        let (last, rest) = span(skip_char(text.get(at..)?), |c| c.is_ascii_alphabetic());
        (last.len() >= 2 && !rest.starts_with(is_word)).then_some(rest)
    })
}

/// Finds social security numbers: three, two and four digits, with or without dashes.
fn security_numbers(text: &str) -> Cow<'_, str> {
    rewrite(
        text,
        |c| c.is_ascii_digit(),
        |here, before| {
            if before.is_some_and(is_word) {
                return None;
            }
            let rest = digits(here, 3)?;
            let rest = digits(rest.strip_prefix('-').unwrap_or(rest), 2)?;
            let rest = digits(rest.strip_prefix('-').unwrap_or(rest), 4)?;
            let masked = || Style::Restricted.mask(ahead_of(rest, here), Profile::Reference);
            (!rest.starts_with(is_word)).then(|| Found::replaced(masked(), rest))
        },
    )
}

/// Returns what follows `count` digits.
fn digits(text: &str, count: usize) -> Option<&str> {
    let (digits, rest) = text.split_at_checked(count)?;
    digits.bytes().all(|b| b.is_ascii_digit()).then_some(rest)
}
