//! Decodes bytes that should be UTF-8.
//!
//! Every byte outside a valid sequence becomes one U+FFFD. (`String::from_utf8_lossy` differs: it
//! replaces a truncated sequence as a whole.)
//!
//! ```
//! use apptheory_core::utf8::decode_lossy;
//!
//! assert_eq!(decode_lossy(b"caf\xc3\xa9"), "café");
//! assert_eq!(decode_lossy(b"a\xe2\x82b"), "a\u{fffd}\u{fffd}b");
//! ```

use alloc::borrow::Cow;
use alloc::string::String;

/// Decodes `bytes` as UTF-8; each byte outside a valid sequence becomes U+FFFD.
#[must_use]
pub fn decode_lossy(bytes: &[u8]) -> Cow<'_, str> {
    if let Ok(text) = core::str::from_utf8(bytes) {
        return Cow::Borrowed(text);
    }
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        text.extend(chunk.invalid().iter().map(|_| char::REPLACEMENT_CHARACTER));
    }
    Cow::Owned(text)
}
