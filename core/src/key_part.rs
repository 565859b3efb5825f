//! Makes any text usable as a part of a stored key.

use alloc::borrow::Cow;
use alloc::string::String;

use sha2::{Digest, Sha256};

use crate::hex::push_hex;

/// Escapes `#`, which separates the parts of keys. Different texts stay different.
pub(crate) fn escape(text: &str) -> Cow<'_, str> {
    if text.contains(['%', '#']) {
        return Cow::Owned(text.replace('%', "%25").replace('#', "%23"));
    }
    Cow::Borrowed(text)
}

/// Returns a text of at most `most` bytes: a longer one becomes `sha256:{hex digest}`.
pub(crate) fn shortened(part: &str, most: usize) -> Cow<'_, str> {
    if part.len() <= most {
        return Cow::Borrowed(part);
    }
    let mut text = String::from("sha256:");
    push_hex(&mut text, &Sha256::digest(part.as_bytes()));
    Cow::Owned(text)
}
