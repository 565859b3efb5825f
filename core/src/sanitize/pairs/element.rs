//! XML elements in free text.

use super::super::free_text::behind_slash;
use super::super::markup::{self, behind, local, unescaped};
use super::super::scan::{same_text, span};

/// How often an element's brackets may be escaped. A text is read once for each number, and not
/// once for each name in it.
const DEEPEST: usize = 3;

/// The most characters of a tag after its name. No more are read for a name that is not in a tag.
const LONGEST_TAG: usize = 256;

/// The most characters of a bracket; `&amp;amp;#x003c;` has fewer.
const LONGEST_BRACKET: usize = 24;

/// The text after the tag of a name.
pub(super) struct Content<'t> {
    pub(super) start: &'t str,
    /// How often the brackets are escaped.
    depth: usize,
}

impl<'t> Content<'t> {
    /// Returns the content after a name whose tag ends directly after it, or has attributes and
    /// begins with it. `ahead` is the text before the name, `after` the text after it.
    pub(super) fn opened(ahead: &str, after: &'t str) -> Option<Self> {
        let (near, tag_end) = if after.starts_with(char::is_whitespace) {
            let cut = after.char_indices().nth(LONGEST_TAG).map_or(after.len(), |(at, _)| at);
            let near = after.get(..cut).filter(|_| begins_tag(ahead))?;
            (near, bracket(near, DEEPEST)?)
        } else {
            (after, Bracket::read("", after, DEEPEST)?)
        };
        let tag = near.len().saturating_sub(tag_end.rest.len());
        let start = after.get(tag..).filter(|_| tag_end.c == '>')?;
        Some(Self { start, depth: tag_end.depth })
    }

    /// Returns what follows the content, if the element is closed by its name: in free text
    /// `<token>` alone is an ordinary word. A CDATA section always belongs to it.
    pub(super) fn rest(&self, name: &str) -> Option<&'t str> {
        let end = bracket(self.start, self.depth)
            .filter(|end| end.c == '<' && end.depth == self.depth)?;
        if let Some(section) = end.rest.strip_prefix("![CDATA[") {
            return Some(behind(section, "]]", end.depth));
        }
        let (closing, _) = span(behind_slash(end.rest)?, markup::is_name);
        let is_closed = same_text(local(closing), name) && !end.before.trim().is_empty();
        self.start.get(end.before.len()..).filter(|_| is_closed)
    }
}

/// Returns whether a text ends with the opening bracket of a tag, perhaps followed by a prefix.
fn begins_tag(text: &str) -> bool {
    let is_prefix = |c: char| c != ':' && markup::is_name(c);
    let text = text.strip_suffix(':').map_or(text, |text| text.trim_end_matches(is_prefix));
    let mut near = text.char_indices().rev().take(LONGEST_BRACKET);
    let start = near.find(|(_, c)| matches!(c, '<' | '&')).and_then(|(at, _)| text.get(at..));
    let bracket = start.and_then(|start| Bracket::read("", start, DEEPEST));
    bracket.is_some_and(|bracket| bracket.c == '<' && bracket.rest.is_empty())
}

/// An angle bracket in a text.
struct Bracket<'t> {
    before: &'t str,
    c: char,
    /// How often the bracket is escaped.
    depth: usize,
    rest: &'t str,
}

impl<'t> Bracket<'t> {
    /// Returns the bracket at the beginning of `here`, if it is escaped at most `deepest` times.
    fn read(before: &'t str, here: &'t str, deepest: usize) -> Option<Self> {
        let (c, depth, rest) = unescaped(here)?;
        let is_bracket = matches!(c, '<' | '>') && depth <= deepest;
        is_bracket.then_some(Self { before, c, depth, rest })
    }
}

/// Returns the first angle bracket that is escaped at most `deepest` times.
fn bracket(text: &str, deepest: usize) -> Option<Bracket<'_>> {
    text.match_indices(['<', '>', '&']).find_map(|(at, _)| {
        let (before, here) = text.split_at_checked(at)?;
        Bracket::read(before, here, deepest)
    })
}
