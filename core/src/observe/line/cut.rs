//! Where texts are cut that are too long.

/// Ends a value that was cut.
pub const CUT: &str = "…[cut]";

/// The text, or as much of one with more bytes as can be sanitized by itself: it ends where no secret
/// goes on, behind a separator, and with no digit of a number that was cut.
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

/// As much of a text as has so many bytes in quotes, with `"` and `\` escaped: other characters with
/// escapes are not shown.
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
