//! XML in texts: names, brackets and quotes, which may be entities.

use super::scan::{skip_char, span, strip_prefix};

pub(super) fn is_name(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, ':' | '_' | '-' | '.')
}

/// Returns a name without its prefix.
pub(super) fn local(name: &str) -> &str {
    name.rsplit(':').next().unwrap_or(name)
}

/// Returns the character at the beginning of a text, decoded if it is an entity, how often it is
/// escaped, and the rest. `<` is escaped 0 times; `&lt;`, `&#60;` and `&#x3c;` once; `&amp;lt;`
/// twice.
pub(super) fn unescaped(text: &str) -> Option<(char, usize, &str)> {
    let Some(mut entity) = text.strip_prefix('&') else {
        return Some((text.chars().next()?, 0, skip_char(text)));
    };
    let mut depth = 1_usize;
    while let Some(inner) = strip_prefix(entity, "amp;").or_else(|| behind_code(entity, '&')) {
        entity = inner;
        depth = depth.saturating_add(1);
    }
    let named = [("lt;", '<'), ("gt;", '>'), ("quot;", '"'), ("apos;", '\'')];
    let (c, rest) = named
        .into_iter()
        .find_map(|(name, c)| Some((c, strip_prefix(entity, name)?)))
        .or_else(|| code(entity))?;
    Some((c, depth, rest))
}

/// Returns the character of a code such as `#60;` or `#x3c;`, and the rest.
fn code(text: &str) -> Option<(char, &str)> {
    let number = text.strip_prefix('#')?;
    let (digits, radix) = match number.strip_prefix(['x', 'X']) {
        Some(digits) => (digits, 16),
        None => (number, 10),
    };
    let (digits, rest) = span(digits, |c| c.is_digit(radix));
    let code = u32::from_str_radix(digits, radix).ok()?;
    Some((char::from_u32(code)?, rest.strip_prefix(';')?))
}

fn behind_code(text: &str, wanted: char) -> Option<&str> {
    code(text).filter(|(c, _)| *c == wanted).map(|(_, rest)| rest)
}

/// Returns how often an angle bracket at the beginning is escaped, and the rest.
pub(super) fn bracket(text: &str, wanted: char) -> Option<(usize, &str)> {
    unescaped(text).filter(|(c, ..)| *c == wanted).map(|(_, depth, rest)| (depth, rest))
}

/// Yields the texts before and after each `>` that is escaped `depth` times.
pub(super) fn ends(text: &str, depth: usize) -> impl Iterator<Item = (&str, &str)> {
    text.match_indices(['>', '&']).filter_map(move |(at, _)| {
        let (before, end) = text.split_at_checked(at)?;
        let (found, rest) = bracket(end, '>')?;
        (found == depth).then_some((before, rest))
    })
}

/// Returns what follows the end of a section or a comment.
pub(super) fn behind<'t>(text: &'t str, marks: &str, depth: usize) -> &'t str {
    ends(text, depth).find(|(before, _)| before.ends_with(marks)).map_or("", |(_, rest)| rest)
}
