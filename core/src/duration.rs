//! Reads and writes durations as text: `1h0m0s`, `1.5s`, `100ms`.
//!
//! Stored keys and fixtures use one spelling, the one that Go's `time.Duration` prints. Reading
//! accepts every equivalent spelling. The largest unit is the hour.
//!
//! ```
//! use apptheory_core::duration::{parse_duration_nanos, write_duration_nanos};
//!
//! assert_eq!(write_duration_nanos(90_000_000_000), "1m30s");
//! assert_eq!(parse_duration_nanos("1m30s"), Ok(90_000_000_000));
//! assert_eq!(parse_duration_nanos("0.5ms"), Ok(500_000));
//! ```

use alloc::format;
use alloc::string::{String, ToString};
use core::time::Duration;

use serde::{Deserialize, Deserializer};

/// Returns the text of a duration in whole nanoseconds. Negative durations begin with `-`.
#[must_use]
pub fn write_duration_nanos(nanos: i128) -> String {
    let sign = if nanos < 0 { "-" } else { "" };
    let nanos = nanos.unsigned_abs();
    if nanos == 0 {
        return "0s".to_string();
    }
    if nanos < NANOS_PER_SECOND {
        return format!("{sign}{}", write_below_a_second(nanos));
    }
    let (seconds, fraction) = split(nanos, NANOS_PER_SECOND);
    let (minutes, seconds) = split(seconds, 60);
    let (hours, minutes) = split(minutes, 60);
    let seconds = write_decimal(seconds, fraction, 9);
    match (hours, minutes) {
        (0, 0) => format!("{sign}{seconds}s"),
        (0, _) => format!("{sign}{minutes}m{seconds}s"),
        (_, _) => format!("{sign}{hours}h{minutes}m{seconds}s"),
    }
}

/// Returns the text of a non-negative duration, as [`write_duration_nanos`] does.
#[must_use]
pub fn write_duration(duration: Duration) -> String {
    write_duration_nanos(i128::try_from(duration.as_nanos()).unwrap_or(i128::MAX))
}

/// Returns the shortest text of a duration, for people and headers: trailing zero units are left
/// out (`1m` instead of `1m0s`). [`parse_duration_nanos`] reads both.
#[must_use]
pub fn write_duration_short(duration: Duration) -> String {
    let text = write_duration(duration);
    let text = match text.strip_suffix("m0s") {
        Some(rest) => format!("{rest}m"),
        None => text,
    };
    match text.strip_suffix("h0m") {
        Some(rest) => format!("{rest}h"),
        None => text,
    }
}

/// Parses a sum of numbers with units (`1h`, `1m0s`, `1.5s`, `-100ms`) into nanoseconds. Digits
/// beyond a nanosecond are dropped.
///
/// The units are `h`, `m`, `s`, `ms`, `us`, `µs` (either micro sign) and `ns`. A lone `0` needs no
/// unit.
///
/// # Errors
///
/// [`DurationTextError`] with the text, if the text does not have this form or the result exceeds
/// 128 bits.
pub fn parse_duration_nanos(text: &str) -> Result<i128, DurationTextError> {
    let error = || DurationTextError { text: text.to_string() };
    let (negative, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if rest == "0" {
        return Ok(0);
    }
    if rest.is_empty() {
        return Err(error());
    }
    let mut total: i128 = 0;
    while !rest.is_empty() {
        let (term, after) = parse_term(rest).ok_or_else(error)?;
        total = total.checked_add(term).ok_or_else(error)?;
        rest = after;
    }
    Ok(if negative { total.saturating_neg() } else { total })
}

/// Parses a non-negative duration, as [`parse_duration_nanos`] does.
///
/// # Errors
///
/// [`DurationTextError`], also if the duration is negative.
pub fn parse_duration(text: &str) -> Result<Duration, DurationTextError> {
    let nanos = parse_duration_nanos(text)?;
    let nanos = u128::try_from(nanos).map_err(|_| DurationTextError { text: text.to_string() })?;
    let seconds = u64::try_from(nanos / NANOS_PER_SECOND)
        .map_err(|_| DurationTextError { text: text.to_string() })?;
    // The remainder of a division by 10^9 fits 32 bits.
    let subsecond = u32::try_from(nanos % NANOS_PER_SECOND).unwrap_or(0);
    Ok(Duration::new(seconds, subsecond))
}

/// Parses a duration that clients in every language can hold, in nanoseconds. Reads the same texts
/// as [`parse_duration_nanos`], but only whole microseconds within 64 bits of nanoseconds (about
/// 292 years).
///
/// # Errors
///
/// [`DurationTextError`], also if the duration is finer or longer than that.
pub fn parse_portable_nanos(text: &str) -> Result<i64, DurationTextError> {
    let nanos = i64::try_from(parse_duration_nanos(text)?).ok();
    nanos
        .filter(|nanos| nanos % NANOS_PER_MICROSECOND == 0)
        .ok_or_else(|| DurationTextError { text: text.to_string() })
}

/// Deserializes a non-negative duration from its text. For `#[serde(deserialize_with =
/// "apptheory_core::duration::deserialize")]`.
///
/// # Errors
///
/// The deserializer's error, made from a [`DurationTextError`].
pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    read(&String::deserialize(deserializer)?)
}

/// Deserializes a non-negative duration from its text, or `None` from null. For `#[serde(default,
/// deserialize_with = "apptheory_core::duration::deserialize_option")]`.
///
/// # Errors
///
/// The deserializer's error, made from a [`DurationTextError`].
pub fn deserialize_option<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Duration>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    text.map(|text| read(&text)).transpose()
}

fn read<E: serde::de::Error>(text: &str) -> Result<Duration, E> {
    let nanos = parse_duration_nanos(text).map_err(E::custom)?;
    if nanos < 0 {
        return Err(E::custom(format_args!("{} is negative", write_duration_nanos(nanos))));
    }
    parse_duration(text).map_err(E::custom)
}

/// The text is not a duration. Write it like `1h30m`, `1.5s` or `100ms`.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("not a duration such as 1h30m, 1.5s or 100ms: {text:?}")]
pub struct DurationTextError {
    /// The text that was given.
    pub text: String,
}

/// Splits one number with its unit off a text; returns its nanoseconds and the rest.
fn parse_term(text: &str) -> Option<(i128, &str)> {
    let (whole, rest) = split_digits(text);
    let (fraction, rest) = match rest.strip_prefix('.') {
        Some(after) => split_digits(after),
        None => ("", rest),
    };
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let (unit, rest) =
        UNITS.iter().find_map(|(name, unit)| rest.strip_prefix(name).map(|rest| (*unit, rest)))?;
    let whole: i128 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    // Digits beyond the eighteenth are less than a nanosecond in every unit.
    let fraction = fraction.get(..18).unwrap_or(fraction);
    let scale = 10_i128.checked_pow(u32::try_from(fraction.len()).ok()?)?;
    let fraction: i128 = if fraction.is_empty() { 0 } else { fraction.parse().ok()? };
    let below_one = fraction.checked_mul(unit)?.checked_div(scale)?;
    Some((whole.checked_mul(unit)?.checked_add(below_one)?, rest))
}

fn split_digits(text: &str) -> (&str, &str) {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    text.split_at(end)
}

fn write_below_a_second(nanos: u128) -> String {
    if nanos < 1_000 {
        return format!("{nanos}ns");
    }
    if nanos < 1_000_000 {
        let (whole, fraction) = split(nanos, 1_000);
        return format!("{}µs", write_decimal(whole, fraction, 3));
    }
    let (whole, fraction) = split(nanos, 1_000_000);
    format!("{}ms", write_decimal(whole, fraction, 6))
}

fn write_decimal(whole: u128, fraction: u128, digits: usize) -> String {
    if fraction == 0 {
        return whole.to_string();
    }
    let fraction = format!("{fraction:0digits$}");
    format!("{whole}.{}", fraction.trim_end_matches('0'))
}

fn split(value: u128, by: u128) -> (u128, u128) {
    (value.checked_div(by).unwrap_or(0), value.checked_rem(by).unwrap_or(0))
}

const NANOS_PER_SECOND: u128 = 1_000_000_000;
const NANOS_PER_MICROSECOND: i64 = 1_000;

/// The units in nanoseconds. A name precedes every name that is a prefix of it.
const UNITS: [(&str, i128); 8] = [
    ("h", 3_600_000_000_000),
    ("ms", 1_000_000),
    ("m", 60_000_000_000),
    ("s", 1_000_000_000),
    ("us", 1_000),
    ("\u{b5}s", 1_000),
    ("\u{3bc}s", 1_000),
    ("ns", 1),
];
