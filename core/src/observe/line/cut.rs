//! Cuts texts that are too long.

/// The end of a value that was cut.
pub const CUT: &str = "…[cut]";

/// Returns a text, or the beginning of a longer one that can be sanitized by itself: it ends after
/// a separator, so that no secret and no number is cut in the middle.
pub(in crate::observe) fn head(text: &str, bytes: usize) -> &str {
    if text.len() <= bytes {
        return text;
    }
    let boundary = (0..=bytes).rev().find(|at| text.is_char_boundary(*at));
    let (head, _) = text.split_at(boundary.unwrap_or_default());
    let separates = |c: char| {
        c.is_whitespace() || matches!(c, ',' | ';' | '{' | '}' | '[' | ']' | '"' | '\'' | '<' | '>')
    };
    let end = head.rfind(separates).unwrap_or_default();
    let (head, _) = head.split_at(end);
    head.trim_end_matches(|c: char| !c.is_alphabetic())
}

/// Returns the beginning of a text that has at most `bytes` bytes in quotes, with `"` and `\`
/// escaped. Other characters that need escapes are not shown.
pub(super) fn fitting(text: &str, bytes: usize) -> &str {
    if text.len().saturating_mul(2).saturating_add(2) <= bytes {
        return text;
    }
    let mut left = bytes.saturating_sub(2);
    let mut end = text.char_indices().filter(|(_, c)| {
        let written = if matches!(c, '"' | '\\') { 2 } else { c.len_utf8() };
        left.checked_sub(written).map(|rest| left = rest).is_none()
    });
    end.next().and_then(|(at, _)| text.get(..at)).unwrap_or(text)
}
