//! Texts of visible ASCII, as nearly all are, in fewer instructions.

/// Trims like [`str::trim`]. Fast if both ends are visible ASCII.
pub(crate) fn trim(text: &str) -> &str {
    match text.as_bytes() {
        [b'!'..=b'~'] | [b'!'..=b'~', .., b'!'..=b'~'] => text,
        _ => text.trim(),
    }
}

/// Returns whether a text consists of spaces and visible ASCII.
pub(crate) fn is_printable(text: &str) -> bool {
    all(text, |b| matches!(b, b' '..=b'~'))
}

/// Returns whether all bytes of a text are as expected. Without an early exit the compiler compares
/// many bytes at once.
pub(crate) fn all(text: &str, is_expected: impl Fn(u8) -> bool) -> bool {
    text.bytes().fold(true, |holds, b| holds & is_expected(b))
}

#[cfg(test)]
mod tests {
    use super::{is_printable, trim};

    #[test]
    fn texts_are_trimmed_as_str_trims_them() {
        for text in ["", " ", "a", " a", "a ", "\u{2003}é", "\u{1}", "a b", "a\u{a0}"] {
            assert_eq!(trim(text), text.trim(), "{text:?}");
        }
    }

    #[test]
    fn printable_texts_have_spaces_and_visible_ascii() {
        assert!(["", " ", "a ~", "!"].into_iter().all(is_printable));
        assert!(!["\t", "a\u{7f}", "é", "\u{1f}a"].into_iter().any(is_printable));
    }
}
