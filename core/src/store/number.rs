//! DynamoDB's number: decimal text with up to 38 significant digits.

use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::format;
use alloc::string::{String, ToString};
use core::cmp::Ordering;
use core::fmt;

use serde::de::{Deserialize, Deserializer, Visitor};
use serde::ser::{Serialize, Serializer};

use crate::decimal::DecimalText;

/// A DynamoDB number (`N`).
///
/// Integers are stored as such. Any other text is kept unchanged, so that a number survives a
/// cursor or a copy exactly. Equality compares the texts (`1` and `1.0` differ);
/// [`compare`](Self::compare) compares values, as DynamoDB does.
#[derive(Clone, Eq, Hash, PartialEq)]
pub struct Number(Repr);

#[derive(Clone, Eq, Hash, PartialEq)]
enum Repr {
    /// An integer in its shortest form.
    Integer(i128),
    /// Any other text, valid or not.
    Text(Box<str>),
}

impl Number {
    /// Creates a number from decimal text, which is kept as it is. The text is not checked here,
    /// because a cursor may contain any text; comparing and adding check it.
    #[must_use]
    pub fn from_text(text: &str) -> Self {
        // Nearly every number fits 64 bits, which parse in a third of the time.
        let integer = text.parse::<i64>().map(i128::from).or_else(|_| text.parse::<i128>());
        match integer {
            Ok(integer) if is_shortest_integer(text) => Self(Repr::Integer(integer)),
            _ => Self(Repr::Text(text.into())),
        }
    }

    /// Returns the value, if it is an integer within 128 bits.
    #[must_use]
    pub fn to_i128(&self) -> Option<i128> {
        match &self.0 {
            Repr::Integer(integer) => Some(*integer),
            Repr::Text(text) => Decimal::parse(text)?.to_i128(),
        }
    }

    /// Compares two numbers by value; `None` if a text is not a number.
    #[must_use]
    pub fn compare(&self, other: &Self) -> Option<Ordering> {
        if let (Repr::Integer(a), Repr::Integer(b)) = (&self.0, &other.0) {
            return Some(a.cmp(b));
        }
        Some(self.decimal()?.cmp(&other.decimal()?))
    }

    /// Returns the exact sum; `None` if a text is not a number or the sum exceeds 38 significant
    /// digits, which DynamoDB refuses, too.
    #[must_use]
    pub fn checked_add(&self, other: &Self) -> Option<Self> {
        if let (Repr::Integer(a), Repr::Integer(b)) = (&self.0, &other.0)
            && let Some(sum) = a.checked_add(*b)
            && sum.unsigned_abs() < TEN_TO_38
        {
            return Some(sum.into());
        }
        self.decimal()?.checked_add(other.decimal()?).map(Self::from_decimal)
    }

    /// Returns the number as DynamoDB stores and returns it: in plain decimals, without an
    /// exponent, a plus sign or superfluous zeros. `None` if DynamoDB does not accept the number.
    #[must_use]
    pub fn normalized(&self) -> Option<Self> {
        match &self.0 {
            Repr::Integer(_) => self.is_valid().then(|| self.clone()),
            Repr::Text(text) => Decimal::parse(text).map(Self::from_decimal),
        }
    }

    /// Returns whether DynamoDB accepts the number: at most 38 significant digits, and zero or a
    /// magnitude between 1E-130 and 9.99…E+125.
    #[must_use]
    pub fn is_valid(&self) -> bool {
        match &self.0 {
            Repr::Integer(integer) if integer.unsigned_abs() < TEN_TO_38 => true,
            Repr::Integer(_) | Repr::Text(_) => self.decimal().is_some(),
        }
    }

    /// Returns the bytes that the number adds to an item's size: one for every two significant
    /// digits before the point, one for every two after it, one more, and one for a minus sign.
    /// DynamoDB publishes this as an estimate; the separate rounding at the point was measured.
    #[must_use]
    pub fn size(&self) -> usize {
        if let Repr::Integer(integer) = self.0
            && let Ok(integer) = i64::try_from(integer)
        {
            return size_of_integer(integer);
        }
        let Some(decimal) = self.decimal().filter(|decimal| decimal.mantissa != 0) else {
            return 1;
        };
        let (whole, fraction) = decimal.digits_around_point();
        let bytes = whole.div_ceil(2).saturating_add(fraction.div_ceil(2)).saturating_add(1);
        bytes.saturating_add(usize::from(decimal.mantissa < 0))
    }

    pub(super) fn as_text(&self) -> Cow<'_, str> {
        match &self.0 {
            Repr::Integer(integer) => Cow::Owned(integer.to_string()),
            Repr::Text(text) => Cow::Borrowed(text),
        }
    }

    fn from_decimal(decimal: Decimal) -> Self {
        match decimal.to_i128() {
            Some(integer) => Self::from(integer),
            None => Self(Repr::Text(decimal.to_text().into())),
        }
    }

    fn decimal(&self) -> Option<Decimal> {
        match &self.0 {
            Repr::Integer(integer) => {
                Some(Decimal { mantissa: *integer, exponent: 0 }.normalized()).filter(Decimal::fits)
            }
            Repr::Text(text) => Decimal::parse(text),
        }
    }
}

impl From<i128> for Number {
    fn from(integer: i128) -> Self {
        Self(Repr::Integer(integer))
    }
}

impl From<i64> for Number {
    fn from(integer: i64) -> Self {
        Self(Repr::Integer(i128::from(integer)))
    }
}

impl From<i32> for Number {
    fn from(integer: i32) -> Self {
        Self(Repr::Integer(i128::from(integer)))
    }
}

impl From<u32> for Number {
    fn from(integer: u32) -> Self {
        Self(Repr::Integer(i128::from(integer)))
    }
}

/// Serializes as a string, which is how DynamoDB's JSON represents numbers.
impl Serialize for Number {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.0 {
            Repr::Integer(integer) => match i64::try_from(*integer) {
                Ok(integer) => serializer.serialize_str(DecimalText::from(integer).as_str()),
                Err(_) => serializer.collect_str(self),
            },
            Repr::Text(text) => serializer.serialize_str(text),
        }
    }
}

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;

        impl Visitor<'_> for Text {
            type Value = Number;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number as a string")
            }

            fn visit_str<E>(self, text: &str) -> Result<Number, E> {
                Ok(Number::from_text(text))
            }
        }

        deserializer.deserialize_str(Text)
    }
}

/// Writes the number's text unchanged.
impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Repr::Integer(integer) => match i64::try_from(*integer) {
                Ok(integer) => fmt::Display::fmt(&integer, f),
                Err(_) => fmt::Display::fmt(integer, f),
            },
            Repr::Text(text) => f.write_str(text),
        }
    }
}

impl fmt::Debug for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// `mantissa × 10^exponent`, where the mantissa has no trailing zeros.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Decimal {
    mantissa: i128,
    exponent: i32,
}

impl Decimal {
    fn parse(text: &str) -> Option<Self> {
        let (digits, exponent) = match text.split_once(['e', 'E']) {
            Some((digits, exponent)) => (digits, parse_exponent(exponent)?),
            None => (text, 0),
        };
        let (negative, digits) = match digits.strip_prefix('-') {
            Some(digits) => (true, digits),
            None => (false, digits.strip_prefix('+').unwrap_or(digits)),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        if whole.is_empty() && fraction.is_empty() {
            return None;
        }
        let mut mantissa: i128 = 0;
        let mut exponent = exponent;
        let mut pending_zeros: u32 = 0;
        // Trailing zeros only change the exponent.
        for (digit, is_fraction) in
            whole.bytes().map(|d| (d, false)).chain(fraction.bytes().map(|d| (d, true)))
        {
            let digit = i128::from((digit as char).to_digit(10)?);
            pending_zeros = pending_zeros.checked_add(1)?;
            if is_fraction {
                exponent = exponent.checked_sub(1)?;
            }
            if digit != 0 {
                let shift = if mantissa == 0 { 1 } else { 10_i128.checked_pow(pending_zeros)? };
                mantissa = mantissa.checked_mul(shift)?.checked_add(digit)?;
                pending_zeros = 0;
            }
        }
        exponent = exponent.checked_add(i32::try_from(pending_zeros).ok()?)?;
        let mantissa = if negative { mantissa.checked_neg()? } else { mantissa };
        Some(Self { mantissa, exponent }.normalized()).filter(Self::fits)
    }

    fn normalized(mut self) -> Self {
        if self.mantissa == 0 {
            return Self { mantissa: 0, exponent: 0 };
        }
        // A 128-bit division takes ten times as long as a 64-bit one, and 64 bits are nearly always
        // enough.
        while i64::try_from(self.mantissa).is_err() && self.mantissa % 10 == 0 {
            self.mantissa /= 10;
            self.exponent = self.exponent.saturating_add(1);
        }
        if let Ok(mut mantissa) = i64::try_from(self.mantissa) {
            while mantissa % 10 == 0 {
                mantissa /= 10;
                self.exponent = self.exponent.saturating_add(1);
            }
            self.mantissa = mantissa.into();
        }
        self
    }

    fn fits(&self) -> bool {
        let magnitude = self.magnitude();
        self.mantissa == 0
            || (self.mantissa.unsigned_abs() < TEN_TO_38 && (-129..=126).contains(&magnitude))
    }

    /// Returns the significant digits of the mantissa; one for zero.
    fn digits(&self) -> u32 {
        self.mantissa.unsigned_abs().checked_ilog10().unwrap_or(0).saturating_add(1)
    }

    /// Returns the position of the first digit: 1 for 1 to 9, 0 for 0.1 to 0.9.
    fn magnitude(&self) -> i32 {
        self.exponent.saturating_add(i32::try_from(self.digits()).unwrap_or(i32::MAX))
    }

    fn cmp(&self, other: &Self) -> Ordering {
        let signs = self.mantissa.signum().cmp(&other.mantissa.signum());
        if signs != Ordering::Equal || self.mantissa == 0 {
            return signs;
        }
        let by_size = self.magnitude().cmp(&other.magnitude()).then_with(|| {
            // With equal magnitudes and padded to 38 digits, the mantissas compare directly.
            self.padded().unsigned_abs().cmp(&other.padded().unsigned_abs())
        });
        if self.mantissa < 0 { by_size.reverse() } else { by_size }
    }

    fn padded(&self) -> i128 {
        let missing = 38_u32.saturating_sub(self.digits());
        self.mantissa.saturating_mul(10_i128.checked_pow(missing).unwrap_or(1))
    }

    fn checked_add(self, other: Self) -> Option<Self> {
        let (low, high) =
            if self.exponent <= other.exponent { (self, other) } else { (other, self) };
        // Zero has no magnitude to compare.
        match (low.mantissa, high.mantissa) {
            (0, _) => return Some(high),
            (_, 0) => return Some(low),
            (_, _) => {}
        }
        let shift = u32::try_from(high.exponent.checked_sub(low.exponent)?).ok()?;
        let mantissa =
            high.mantissa.checked_mul(10_i128.checked_pow(shift)?)?.checked_add(low.mantissa)?;
        Some(Self { mantissa, exponent: low.exponent }.normalized()).filter(Self::fits)
    }

    fn to_i128(self) -> Option<i128> {
        let scale = 10_i128.checked_pow(u32::try_from(self.exponent).ok()?)?;
        self.mantissa.checked_mul(scale)
    }

    /// Returns the numbers of significant digits before and after the point.
    fn digits_around_point(&self) -> (usize, usize) {
        let digits = usize::try_from(self.digits()).unwrap_or(MAX_DIGITS);
        let whole = usize::try_from(self.magnitude()).unwrap_or(0).min(digits);
        (whole, digits.saturating_sub(whole))
    }

    /// Returns plain decimals, without an exponent.
    fn to_text(self) -> String {
        let sign = if self.mantissa < 0 { "-" } else { "" };
        let digits = self.mantissa.unsigned_abs().to_string();
        let zeros = usize::try_from(self.exponent.unsigned_abs()).unwrap_or(0);
        if self.exponent >= 0 {
            return format!("{sign}{digits}{:0<zeros$}", "");
        }
        match digits.len().checked_sub(zeros).filter(|whole| *whole > 0) {
            Some(whole) => {
                let (whole, fraction) = digits.split_at(whole);
                format!("{sign}{whole}.{fraction}")
            }
            None => format!("{sign}0.{digits:0>zeros$}"),
        }
    }
}

/// Returns the size of an integer, by the rules of [`Number::size`].
fn size_of_integer(integer: i64) -> usize {
    let mut digits = integer.unsigned_abs();
    while digits != 0 && digits.is_multiple_of(10) {
        digits /= 10;
    }
    match digits.checked_ilog10() {
        None => 1,
        // The logarithm is one less than the number of digits.
        Some(log) => {
            let bytes = usize::try_from(log / 2).unwrap_or(MAX_DIGITS).saturating_add(2);
            bytes.saturating_add(usize::from(integer < 0))
        }
    }
}

fn parse_exponent(text: &str) -> Option<i32> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    text.parse().ok()
}

fn is_shortest_integer(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let zero_led = digits.starts_with('0') && (digits.len() > 1 || text.len() > 1);
    !text.starts_with('+') && !zero_led
}

/// The most significant digits that DynamoDB keeps.
const MAX_DIGITS: usize = 38;
const TEN_TO_38: u128 = 10_u128.pow(38);

#[cfg(test)]
mod tests;
