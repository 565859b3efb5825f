//! Searches texts for the bytes that need an escape, eight bytes at a time.

/// Returns whether a string needs no escape in JSON.
#[inline(always)]
pub(crate) fn needs_no_escape(text: &str) -> bool {
    has_none(text, special_bytes, needs_escape)
}

/// Returns whether a string certainly needs no escape in JSON that is part of HTML.
#[inline(always)]
pub(super) fn needs_no_escape_in_html(text: &str) -> bool {
    has_none(text, special_bytes_in_html, may_need_escape)
}

/// Returns the position of the first quote, backslash or control character from a position on; the
/// end of the text without one.
#[inline(always)]
pub(crate) fn next_special(text: &[u8], from: usize) -> usize {
    next(text, from, special_bytes, needs_escape)
}

/// Returns the position of the first byte that may need an escape in HTML from a position on; the
/// end of the text without one.
pub(crate) fn next_special_in_html(text: &[u8], from: usize) -> usize {
    next(text, from, special_bytes_in_html, may_need_escape)
}

/// Returns the position of the first special byte from a position on; the end of the text without
/// one. Its callers contain a copy each, with their own way to look at eight bytes at once.
#[inline(always)]
fn next(
    text: &[u8],
    from: usize,
    among_eight: fn([u8; 8]) -> u64,
    is_special: fn(u8) -> bool,
) -> usize {
    // The rest is never longer than the text.
    let end_of = |rest: &[u8]| text.len().wrapping_sub(rest.len());
    let Some(mut rest) = text.get(from..) else { return text.len() };
    while let Some((eight, others)) = rest.split_first_chunk() {
        let special = among_eight(*eight);
        if special != 0 {
            return end_of(rest).wrapping_add(special.trailing_zeros() as usize / 8);
        }
        rest = others;
    }
    let special = rest.iter().position(|b| is_special(*b));
    end_of(rest).wrapping_add(special.unwrap_or(rest.len()))
}

/// Returns whether none of the bytes of a text is special. `among_eight` looks at eight of them.
/// Its callers contain a copy each, as those of [`next`].
#[inline(always)]
pub(crate) fn has_none(
    text: &str,
    among_eight: fn([u8; 8]) -> u64,
    is_special: fn(u8) -> bool,
) -> bool {
    let bytes = text.as_bytes();
    if let Some(last) = bytes.last_chunk() {
        let (eights, _) = bytes.as_chunks();
        // The last eight bytes overlap the chunks before them, which is faster than a loop over
        // bytes.
        return eights.iter().chain([last]).fold(0, |found, eight| found | among_eight(*eight))
            == 0;
    }
    // Of four to seven bytes, the first four and the last four are the eight.
    match (bytes.first_chunk(), bytes.last_chunk()) {
        (Some([a, b, c, d]), Some([e, f, g, h])) => {
            among_eight([*a, *b, *c, *d, *e, *f, *g, *h]) == 0
        }
        _ => !bytes.iter().any(|b| is_special(*b)),
    }
}

/// Finds quotes, backslashes and control characters among eight bytes. The result has the high bit
/// of the first such byte set, and possibly those of bytes after it; the first byte is the lowest.
pub(crate) const fn special_bytes(eight: [u8; 8]) -> u64 {
    let bytes = u64::from_le_bytes(eight);
    // With one bit flipped, a quote becomes a space, and control characters stay below it.
    let up_to_space = (bytes ^ each(b'"' ^ b' ')).wrapping_sub(each(b'!'));
    let backslash = (bytes ^ each(b'\\')).wrapping_sub(each(1));
    // Bytes outside ASCII have the high bit from the beginning.
    (up_to_space | backslash) & !bytes & each(0x80)
}

/// Finds what [`special_bytes`] finds, and what is unsafe in HTML: angle brackets, ampersands, and
/// the first byte of U+2028 and U+2029.
const fn special_bytes_in_html(eight: [u8; 8]) -> u64 {
    let bytes = u64::from_le_bytes(eight);
    let control = bytes.wrapping_sub(each(b' '));
    let backslash = (bytes ^ each(b'\\')).wrapping_sub(each(1));
    // These pairs differ in one bit.
    let quote_or_ampersand = ((bytes | each(b'"' ^ b'&')) ^ each(b'&')).wrapping_sub(each(1));
    let angle_bracket = ((bytes | each(b'<' ^ b'>')) ^ each(b'>')).wrapping_sub(each(1));
    let separator = bytes ^ each(0xe2);
    let separator = separator.wrapping_sub(each(1)) & !separator;
    let ascii = (control | backslash | quote_or_ampersand | angle_bracket) & !bytes;
    (ascii | separator) & each(0x80)
}

/// Returns a word whose eight bytes are all the same.
pub(crate) const fn each(byte: u8) -> u64 {
    u64::from_le_bytes([byte; 8])
}

/// Returns whether a character needs an escape in JSON. All that do have one byte.
const fn needs_escape(b: u8) -> bool {
    matches!(b, b'\0'..b' ' | b'"' | b'\\')
}

/// Returns whether a character that begins with this byte may need an escape. The first byte of
/// U+2028 and U+2029 begins many other characters, too.
const fn may_need_escape(first: u8) -> bool {
    matches!(first, b'\0'..b' ' | b'"' | b'\\' | b'<' | b'>' | b'&' | 0xe2)
}

#[cfg(test)]
mod tests {
    use alloc::format;

    use super::*;

    #[test]
    fn bytes_are_found_wherever_they_are() {
        let others = [
            "", "\0", "\u{1f}", " ", "!", "\"", "#", "%", "&", "'", ";", "<", "=", ">", "?", "[",
            "\\", "]", "\u{7f}", "\u{80}", "\u{e9}", "\u{2028}", "\u{202a}",
        ];
        for (before, after, other) in (0..40)
            .flat_map(|before| (0..20).map(move |after| (before, after)))
            .flat_map(|(before, after)| others.map(|other| (before, after, other)))
        {
            for filler in ["a", "#", "\u{a2}"] {
                let text = format!("{}{other}{}", filler.repeat(before), filler.repeat(after));
                let expected = text.bytes().position(needs_escape);
                assert_eq!(needs_no_escape(&text), expected.is_none(), "{text:?}");
                assert_eq!(next_special(text.as_bytes(), 0), expected.unwrap_or(text.len()));
                let expected = text.bytes().position(may_need_escape);
                assert_eq!(needs_no_escape_in_html(&text), expected.is_none(), "{text:?}");
                let found = next_special_in_html(text.as_bytes(), 0);
                assert_eq!(found, expected.unwrap_or(text.len()), "{text:?}");
            }
        }
    }
}
