//! The cursor of the in-memory bus: the number of events to skip.

use alloc::string::{String, ToString};

use base64::Engine as _;
use base64::alphabet;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, NO_PAD};

use crate::store::{CursorError, without_line_breaks};

/// The number of events before a page. Its text is the decimal number in base64url without padding.
///
/// ```
/// use apptheory_core::eventbus::OffsetCursor;
///
/// assert_eq!(OffsetCursor(42).encode(), "NDI");
/// assert_eq!(OffsetCursor::decode("NDI"), Ok(OffsetCursor(42)));
/// assert!(OffsetCursor::decode("NDI=").is_err());
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct OffsetCursor(pub u64);

impl OffsetCursor {
    /// Returns the cursor's text.
    #[must_use]
    pub fn encode(self) -> String {
        UNPADDED.encode(self.0.to_string())
    }

    /// Parses a cursor's text. Line breaks and excess bits at the end are ignored; the number may
    /// have a sign and leading zeros.
    ///
    /// # Errors
    ///
    /// [`CursorError::NotAnOffset`] unless the text encodes a number from 0 to 2^63-1.
    pub fn decode(text: &str) -> Result<Self, CursorError> {
        let text = without_line_breaks(text);
        let bytes = UNPADDED.decode(text.as_bytes()).map_err(|_| CursorError::NotAnOffset)?;
        let digits = core::str::from_utf8(&bytes).map_err(|_| CursorError::NotAnOffset)?;
        // The standard parser of integers accepts exactly this grammar: `[+-]?[0-9]+`.
        let offset: i64 = digits.parse().map_err(|_| CursorError::NotAnOffset)?;
        u64::try_from(offset).map(Self).map_err(|_| CursorError::NotAnOffset)
    }
}

/// Ignores only excess bits, as the decoders of other clients do.
const UNPADDED: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, NO_PAD_LENIENT);
const NO_PAD_LENIENT: GeneralPurposeConfig = NO_PAD.with_decode_allow_trailing_bits(true);

#[cfg(test)]
mod tests {
    use super::{CursorError, OffsetCursor};

    #[test]
    fn offsets_are_encoded_and_read() {
        for (offset, text) in
            [(0, "MA"), (1, "MQ"), (2, "Mg"), (10, "MTA"), (99, "OTk"), (12345, "MTIzNDU")]
        {
            assert_eq!(OffsetCursor(offset).encode(), text);
            assert_eq!(OffsetCursor::decode(text), Ok(OffsetCursor(offset)));
        }
        for (text, offset) in [
            ("Mh", 2),
            ("Mg\n", 2),
            ("M\r\ng", 2),
            ("KzU", 5),
            ("MDA3", 7),
            ("LTA", 0),
            ("OTIyMzM3MjAzNjg1NDc3NTgwNw", 9_223_372_036_854_775_807),
        ] {
            assert_eq!(OffsetCursor::decode(text), Ok(OffsetCursor(offset)), "{text:?}");
        }
    }

    #[test]
    fn anything_else_is_refused() {
        for text in [
            "",
            "\n",
            "Mg==",
            " Mg",
            "!!!",
            "A",
            "LTE",
            "IDU",
            "NSA",
            "MV8wMDA",
            "MHgxMA",
            "MS41",
            "OTIyMzM3MjAzNjg1NDc3NTgwOA",
            "2aM",
            "YWJj",
            "Mg+/",
        ] {
            assert_eq!(OffsetCursor::decode(text), Err(CursorError::NotAnOffset), "{text:?}");
        }
    }
}
