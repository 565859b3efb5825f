//! Elements of XML in running text.

use super::super::free_text::behind_slash;
use super::super::markup::{self, behind, local, unescaped};
use super::super::scan::{same_text, span};

/// How often the brackets of an element may be escaped: a text is read once for each of these, and not
/// once for each name in it.
const DEEPEST: usize = 3;

/// How many characters of a tag may follow its name. No more are read for a name that is in none.
const LONGEST_TAG: usize = 256;

/// How many characters a bracket may have: `&amp;amp;#x003c;` has fewer.
const LONGEST_BRACKET: usize = 24;

/// What follows the tag that a name is in.
pub(super) struct Content<'t> {
    pub(super) start: &'t str,
    /// How often the brackets are escaped.
    depth: usize,
}

impl<'t> Content<'t> {
    /// The content behind a name whose tag ends directly behind it, or which has attributes and begins
    /// with it. `ahead` is the text before the name, `after` the one behind it.
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

    /// What follows the content, if the element is closed by its name: in running text `<token>` alone
    /// is any word. A section belongs to it in any case.
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

/// Whether a text ends with the bracket that begins a tag, or with that and a prefix.
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
    /// How often it is escaped.
    depth: usize,
    rest: &'t str,
}

impl<'t> Bracket<'t> {
    /// The one with which `here` begins, if it is escaped at most so often.
    fn read(before: &'t str, here: &'t str, deepest: usize) -> Option<Self> {
        let (c, depth, rest) = unescaped(here)?;
        let is_bracket = matches!(c, '<' | '>') && depth <= deepest;
        is_bracket.then_some(Self { before, c, depth, rest })
    }
}

/// The first angle bracket that is escaped at most so often.
fn bracket(text: &str, deepest: usize) -> Option<Bracket<'_>> {
    text.match_indices(['<', '>', '&']).find_map(|(at, _)| {
        let (before, here) = text.split_at_checked(at)?;
        Bracket::read(before, here, deepest)
    })
}
