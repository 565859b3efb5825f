//! Splits texts at separators.
//!
//! The pieces of paths, queries and cookies are so short that a plain loop is faster than the
//! searchers of `str`, which are made for long texts.

use core::iter;

/// Returns the text before the first `separator`, an ASCII character, and the text after it.
pub(super) fn cut(text: &str, separator: u8) -> (&str, Option<&str>) {
    match text.bytes().position(|b| b == separator) {
        Some(at) => (text.get(..at).unwrap_or_default(), text.get(at.saturating_add(1)..)),
        None => (text, None),
    }
}

/// Yields the texts between separators.
pub(super) fn pieces(text: &str, separator: u8) -> impl Iterator<Item = &str> {
    let mut rest = Some(text);
    iter::from_fn(move || {
        let (piece, after) = cut(rest?, separator);
        rest = after;
        Some(piece)
    })
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::{cut, pieces};

    #[test]
    fn texts_are_cut_as_str_cuts_them() {
        for text in ["", "/", "a", "a/", "/a", "é/ü//", "a/b/c"] {
            let expected = text.split_once('/').map_or((text, None), |(a, b)| (a, Some(b)));
            assert_eq!(cut(text, b'/'), expected, "{text:?}");
            assert!(pieces(text, b'/').eq(text.split('/')), "{text:?}");
        }
        assert_eq!(pieces("a;b", b';').collect::<Vec<_>>(), ["a", "b"]);
    }
}
