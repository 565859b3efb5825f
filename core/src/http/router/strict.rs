//! What a router takes unless it is permissive: patterns that mean what they look like.

use super::pattern::{Pattern, PatternError, Segment};

/// Reads a pattern without what would be dropped from it, and without the syntax of other routers,
/// which would be literal text here or part of a name: `{*rest}`, `*`, `{rest...}`, `{id:int}`.
pub(super) fn read(text: &str) -> Result<Pattern, PatternError> {
    if text.contains(['?', '#']) {
        return Err(PatternError::Query);
    }
    let pattern = Pattern::parse(text)?;
    let is_name = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-');
    let is_plain = pattern.segments().iter().all(|segment| match segment {
        Segment::Static(text) => !text.starts_with('*'),
        Segment::Param(name) | Segment::Proxy(name) => name.chars().all(is_name),
    });
    if is_plain { Ok(pattern) } else { Err(PatternError::ForeignSyntax) }
}
