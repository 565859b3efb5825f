//! Texts of any kind as parts of stored keys.

use alloc::borrow::Cow;
use alloc::string::String;

use sha2::{Digest, Sha256};

use crate::hex::push_hex;

/// A text without `#`, which separates the parts of keys; no two texts become the same.
pub(crate) fn escape(text: &str) -> Cow<'_, str> {
    if text.contains(['%', '#']) {
        return Cow::Owned(text.replace('%', "%25").replace('#', "%23"));
    }
    Cow::Borrowed(text)
}

/// A text of at most `most` bytes: longer ones are replaced by `sha256:{hex digest}`.
pub(crate) fn shortened(part: &str, most: usize) -> Cow<'_, str> {
    if part.len() <= most {
        return Cow::Borrowed(part);
    }
    let mut text = String::from("sha256:");
    push_hex(&mut text, &Sha256::digest(part.as_bytes()));
    Cow::Owned(text)
}
