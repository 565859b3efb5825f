//! Lower-case hexadecimal text.

use alloc::string::String;
use core::fmt::Write as _;

/// Appends bytes as lower-case hex digits.
pub(crate) fn push_hex(text: &mut String, bytes: &[u8]) {
    for byte in bytes {
        // Writing to a `String` cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
}
