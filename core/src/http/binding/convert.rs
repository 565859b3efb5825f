//! Converts texts to values, for all sources alike.

pub(super) const INTEGER: &str = "an integer within ±(2^53 − 1)";
pub(super) const FLOAT: &str = "a finite decimal number";
pub(super) const BOOL: &str = "true or false";

/// Parses `^[+-]?\d+$` within ±(2^53 − 1), the range that a double represents exactly.
pub(super) fn integer(text: &str) -> Option<i64> {
    let (is_negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    // Without leading zeros the digits are empty (zero), or at worst too long for 64 bits.
    let magnitude = match digits.trim_start_matches('0') {
        "" => 0,
        digits => digits.parse::<i64>().ok()?,
    };
    let value = if is_negative { magnitude.checked_neg()? } else { magnitude };
    (magnitude <= MAX_INTEGER).then_some(value)
}

/// Parses a finite decimal number; refuses names such as `inf` and hexadecimal digits.
pub(in crate::http) fn float(text: &str) -> Option<f64> {
    let is_decimal =
        text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E'));
    text.parse::<f64>().ok().filter(|value| is_decimal && value.is_finite())
}

pub(super) fn boolean(text: &str) -> Option<bool> {
    match text {
        "1" | "t" | "T" | "TRUE" | "true" | "True" => Some(true),
        "0" | "f" | "F" | "FALSE" | "false" | "False" => Some(false),
        _ => None,
    }
}

/// 2^53 − 1.
const MAX_INTEGER: i64 = 9_007_199_254_740_991;
