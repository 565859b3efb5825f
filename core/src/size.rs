//! Reads sizes as text, for configuration files: `6MiB`, `200MB`, `512`.
//!
//! ```
//! use apptheory_core::size::parse_size;
//!
//! assert_eq!(parse_size("6MiB"), Some(6 << 20));
//! assert_eq!(parse_size("1.5 MB"), None, "whole numbers, without a blank");
//! ```

use alloc::string::String;
use core::fmt;
use core::num::NonZeroU64;

use serde::de::{Error, Unexpected, Visitor};
use serde::{Deserialize, Deserializer};

/// Parses a whole number of bytes with an optional unit: `B`, `KB`, `MB`, `GB` (powers of 1000),
/// `KiB`, `MiB` or `GiB` (powers of 1024). Returns `None` for any other text, and for sizes beyond
/// 64 bits.
#[must_use]
pub fn parse_size(text: &str) -> Option<u64> {
    let (number, unit) =
        text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()));
    let unit = match unit {
        "" | "B" => 1,
        "KB" => 1_000,
        "MB" => 1_000_000,
        "GB" => 1_000_000_000,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(unit)
}

/// Deserializes a limit in bytes: a number, a text as [`parse_size`] reads it, or null for no
/// limit. For `#[serde(default, deserialize_with = "apptheory_core::size::deserialize_limit")]`.
///
/// # Errors
///
/// The deserializer's error for any other value, and for zero: a limit of zero bytes is a mistake.
pub fn deserialize_limit<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<NonZeroU64>, D::Error> {
    let above_zero = |size: Size| {
        let zero = || D::Error::invalid_value(Unexpected::Unsigned(0), &"a size above zero");
        NonZeroU64::new(size.0).ok_or_else(zero)
    };
    Option::<Size>::deserialize(deserializer)?.map(above_zero).transpose()
}

struct Size(u64);

impl<'de> Deserialize<'de> for Size {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(SizeVisitor)
    }
}

struct SizeVisitor;

impl Visitor<'_> for SizeVisitor {
    type Value = Size;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a size such as 6MiB, or a number of bytes")
    }

    fn visit_u64<E: Error>(self, bytes: u64) -> Result<Size, E> {
        Ok(Size(bytes))
    }

    // Some formats have only signed numbers.
    fn visit_i64<E: Error>(self, bytes: i64) -> Result<Size, E> {
        let bytes = u64::try_from(bytes);
        bytes.map(Size).map_err(|_| E::invalid_value(Unexpected::Other("a negative size"), &self))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Size, E> {
        parse_size(text).map(Size).ok_or_else(|| E::invalid_value(Unexpected::Str(text), &self))
    }

    fn visit_string<E: Error>(self, text: String) -> Result<Size, E> {
        self.visit_str(&text)
    }
}

#[cfg(test)]
mod tests {
    use super::parse_size;

    #[test]
    fn sizes_are_whole_numbers_with_a_unit() {
        for (text, bytes) in [
            ("0", Some(0)),
            ("512", Some(512)),
            ("7B", Some(7)),
            ("3KB", Some(3_000)),
            ("3KiB", Some(3_072)),
            ("200MB", Some(200_000_000)),
            ("1GiB", Some(1 << 30)),
            ("18446744073709551615", Some(u64::MAX)),
            ("18446744073709551616", None),
            ("18446744073709551615KB", None),
            ("", None),
            ("MB", None),
            ("1 MB", None),
            ("1mb", None),
            ("-1", None),
            ("+1", None),
            ("1.5MB", None),
        ] {
            assert_eq!(parse_size(text), bytes, "{text:?}");
        }
    }
}
