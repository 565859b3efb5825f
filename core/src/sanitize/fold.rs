//! Maps letters and digits in other forms to ASCII: full-width, mathematical, circled, of any
//! script.

use alloc::borrow::Cow;
use alloc::string::String;

use super::hidden::is_hidden;

/// Returns the lower case of a character, as a single character. Characters with the same capital
/// are the same: `µ` (a micro sign) and `μ` (a letter).
pub(super) fn lower(c: char) -> char {
    if c.is_ascii() {
        return c.to_ascii_lowercase();
    }
    let mut capitals = c.to_uppercase();
    let capital = capitals.next().filter(|_| capitals.len() == 0).unwrap_or(c);
    capital.to_lowercase().next().unwrap_or(c)
}

/// Returns the value of a decimal digit of any script.
pub(super) fn digit(c: char) -> Option<u32> {
    if c.is_ascii() {
        return c.to_digit(10);
    }
    let code = u32::from(c);
    let zero = ZEROS.iter().rev().find(|zero| **zero <= code)?;
    Some(code.wrapping_sub(*zero)).filter(|value| *value < 10)
}

/// Returns a name with its escapes decoded, and with variants of ASCII letters and digits replaced
/// by these. Decodes `%70`, `\u0070` and `\n`, which occur in names that were encoded twice.
pub(super) fn plain_name(name: &str) -> Cow<'_, str> {
    if name.bytes().all(|b| b.is_ascii() && !matches!(b, b'%' | b'\\')) {
        return Cow::Borrowed(name);
    }
    let mut plain = String::with_capacity(name.len());
    let mut rest = name;
    while let Some(c) = rest.chars().next() {
        let (read, after) = escape(rest).unwrap_or_else(|| (c, super::scan::skip_char(rest)));
        // An escape that was escaped again leaves a backslash.
        if !is_hidden(read) && read != '\\' {
            plain.push(plain_char(read));
        }
        rest = after;
    }
    Cow::Owned(plain)
}

/// Returns the character of an escape at the beginning, and the rest.
fn escape(text: &str) -> Option<(char, &str)> {
    let (start, digits) = match text.as_bytes() {
        [b'%', ..] => (1, 2),
        [b'\\', b'x', ..] => (2, 2),
        [b'\\', b'u', ..] => (2, 4),
        [b'\\', b'n' | b'r' | b't', ..] => return Some((' ', text.get(2..)?)),
        _ => return None,
    };
    let (code, after) = text.get(start..)?.split_at_checked(digits)?;
    let code = u32::from_str_radix(code, 16).ok()?;
    Some((char::from_u32(code)?, after))
}

/// Returns the ASCII letter or digit that a character is a variant of, or the character itself.
fn plain_char(c: char) -> char {
    let letters_from = |first: u32, capital: char| {
        let place = u32::from(c).wrapping_sub(first) % 26;
        char::from_u32(u32::from(capital).wrapping_add(place)).unwrap_or(c)
    };
    match u32::from(c) {
        0x17f => 's',
        code @ 0xff01..=0xff5e => char::from_u32(code.wrapping_sub(0xfee0)).unwrap_or(c),
        0x24b6..=0x24e9 => letters_from(0x24b6, 'a'),
        0x1d400..=0x1d6a3 => letters_from(0x1d400, 'a'),
        0x1f130..=0x1f149 => letters_from(0x1f130, 'a'),
        _ => digit(c).and_then(|value| char::from_digit(value, 10)).unwrap_or(c),
    }
}

/// The zeros beyond ASCII, each followed by its script's other nine digits: general category Nd of
/// Unicode 16.
const ZEROS: [u32; 75] = [
    0x660, 0x6f0, 0x7c0, 0x966, 0x9e6, 0xa66, 0xae6, 0xb66, 0xbe6, 0xc66, 0xce6, 0xd66, 0xde6,
    0xe50, 0xed0, 0xf20, 0x1040, 0x1090, 0x17e0, 0x1810, 0x1946, 0x19d0, 0x1a80, 0x1a90, 0x1b50,
    0x1bb0, 0x1c40, 0x1c50, 0xa620, 0xa8d0, 0xa900, 0xa9d0, 0xa9f0, 0xaa50, 0xabf0, 0xff10,
    0x104a0, 0x10d30, 0x10d40, 0x11066, 0x110f0, 0x11136, 0x111d0, 0x112f0, 0x11450, 0x114d0,
    0x11650, 0x116c0, 0x116d0, 0x116da, 0x11730, 0x118e0, 0x11950, 0x11bf0, 0x11c50, 0x11d50,
    0x11da0, 0x11f50, 0x16130, 0x16a60, 0x16ac0, 0x16b50, 0x16d70, 0x1ccf0, 0x1d7ce, 0x1d7d8,
    0x1d7e2, 0x1d7ec, 0x1d7f6, 0x1e140, 0x1e2f0, 0x1e4f0, 0x1e5f1, 0x1e950, 0x1fbf0,
];
