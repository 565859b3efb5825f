//! Strict patterns: the check of a router that is not permissive.

use super::pattern::{Pattern, PatternError, Segment};

/// Parses a pattern, but refuses parts that would be ignored, and the syntax of other routers,
/// which would be literal text or part of a name here: `{*rest}`, `*`, `{rest...}`, `{id:int}`.
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
