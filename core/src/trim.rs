//! Trims texts that hardly ever have white space around them.

/// Trims like [`str::trim`]. Fast if both ends are visible ASCII, as nearly always.
pub(crate) fn trim(text: &str) -> &str {
    match text.as_bytes() {
        [b'!'..=b'~'] | [b'!'..=b'~', .., b'!'..=b'~'] => text,
        _ => text.trim(),
    }
}

#[cfg(test)]
mod tests {
    use super::trim;

    #[test]
    fn texts_are_trimmed_as_str_trims_them() {
        for text in ["", " ", "a", " a", "a ", "\u{2003}é", "\u{1}", "a b", "a\u{a0}"] {
            assert_eq!(trim(text), text.trim(), "{text:?}");
        }
    }
}
