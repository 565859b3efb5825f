//! Decodes base64 as AWS services write it, up to a size.

use alloc::vec::Vec;

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

/// Says why a text was not decoded.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Base64Error {
    /// The text is not base64.
    Invalid,
    /// The text decodes to more bytes than allowed.
    TooLarge,
}

/// Decodes a text to at most `max_bytes`. Line ends are ignored anywhere. Padding is required;
/// excess bits of the last digit are ignored.
///
/// Checks the syntax first, then the size. Allocates nothing for a text that it refuses.
pub(crate) fn decode(text: &[u8], max_bytes: Option<usize>) -> Result<Vec<u8>, Base64Error> {
    // Fast path: nearly all texts are well-formed, without line ends and small enough.
    let most = text.len().div_euclid(4).saturating_mul(3);
    if max_bytes.is_none_or(|max| most <= max)
        && let Ok(decoded) = ENGINE.decode(text)
    {
        return Ok(decoded);
    }
    let decoded_len = decoded_len(text).ok_or(Base64Error::Invalid)?;
    if max_bytes.is_some_and(|most| decoded_len > most) {
        return Err(Base64Error::TooLarge);
    }
    let decoded = if text.iter().any(is_line_end) {
        let joined: Vec<u8> = text.iter().filter(|b| !is_line_end(b)).copied().collect();
        ENGINE.decode(joined)
    } else {
        ENGINE.decode(text)
    };
    decoded.map_err(|_| Base64Error::Invalid)
}

/// Returns the number of bytes that a well-formed text decodes to.
fn decoded_len(text: &[u8]) -> Option<usize> {
    let (mut digits, mut padding) = (0_usize, 0_usize);
    for b in text.iter().filter(|b| !is_line_end(b)) {
        match b {
            b'=' => padding = padding.checked_add(1)?,
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'+' | b'/' if padding == 0 => {
                digits = digits.checked_add(1)?;
            }
            _ => return None,
        }
    }
    let blocks = digits.checked_add(padding)?;
    let whole = blocks % 4 == 0 && padding <= 2;
    whole.then(|| (blocks / 4).saturating_mul(3).saturating_sub(padding))
}

const fn is_line_end(b: &u8) -> bool {
    matches!(b, b'\r' | b'\n')
}

const ENGINE: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::RequireCanonical),
);

#[cfg(test)]
mod tests {
    use super::{Base64Error, decode};

    #[test]
    fn line_ends_and_excess_bits_are_ignored() {
        for (text, expected) in [
            ("aGk=", &b"hi"[..]),
            ("aGl=", b"hi"),
            ("aG\r\nk=\n", b"hi"),
            ("AA=\n=", b"\0"),
            ("", b""),
            ("\r\n", b""),
        ] {
            assert_eq!(decode(text.as_bytes(), None).as_deref(), Ok(expected), "{text:?}");
        }
    }

    #[test]
    fn anything_else_is_refused() {
        let bad = ["aGk", "aGk==", "====", "=", "AA=A", "aGk= ", "_-8=", "aGk=aGk=", "AAE", "é==="];
        for text in bad {
            let error = Err(Base64Error::Invalid);
            assert_eq!(decode(text.as_bytes(), None), error, "{text:?}");
        }
    }

    #[test]
    fn the_limit_is_on_decoded_bytes_and_checked_after_the_syntax() {
        assert_eq!(decode(b"MTIzNDU=", Some(5)).as_deref(), Ok(&b"12345"[..]));
        assert_eq!(decode(b"MTIzNDU=", Some(4)), Err(Base64Error::TooLarge));
        assert_eq!(decode(b"AAAA=AAA", Some(1)), Err(Base64Error::Invalid));
    }
}
