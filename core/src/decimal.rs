//! Integers as decimal text. The general formatter takes several times as long, which counts where
//! numbers are written for every decision: in keys and in DynamoDB's numbers.

/// The decimal text of an integer.
pub(crate) struct DecimalText {
    /// Right-aligned.
    bytes: [u8; LONGEST],
    start: usize,
}

/// The length of `-9223372036854775808`.
const LONGEST: usize = 20;

impl DecimalText {
    pub(crate) fn as_str(&self) -> &str {
        let text = self.bytes.get(self.start..).unwrap_or_default();
        // All bytes are ASCII.
        str::from_utf8(text).unwrap_or_default()
    }
}

impl From<i64> for DecimalText {
    fn from(integer: i64) -> Self {
        let (mut bytes, mut start) = ([b'-'; LONGEST], LONGEST);
        let mut rest = integer.unsigned_abs();
        for place in bytes.iter_mut().rev() {
            // A single digit.
            *place = b'0' | (rest % 10) as u8;
            start = start.saturating_sub(1);
            rest /= 10;
            if rest == 0 {
                break;
            }
        }
        // The longest number has a place left for its sign.
        Self { bytes, start: start.saturating_sub(usize::from(integer < 0)) }
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::DecimalText;

    #[test]
    fn integers_are_written_as_the_formatter_writes_them() {
        for integer in [0, 1, 9, 10, -1, -10, 1_767_225_600, i64::MAX, i64::MIN] {
            assert_eq!(DecimalText::from(integer).as_str(), integer.to_string());
        }
    }
}
