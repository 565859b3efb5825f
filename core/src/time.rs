//! Instants on the wall clock, as data.
//!
//! This module rounds, adds and formats instants. It never reads a clock: every [`Timestamp`] comes
//! from the caller.
//!
//! There are two ways to round down. [`Timestamp::floor_from_1970`] counts whole periods from the
//! Unix epoch (fixed windows). [`Timestamp::floor_from_year_one`] counts them from 0001-01-01
//! (sliding sub-windows, minutes, hours). They agree for every divisor of a day and differ for
//! periods such as seven minutes or a week.
//!
//! ```
//! use core::time::Duration;
//! use apptheory_core::time::Timestamp;
//!
//! let now: Timestamp = "2026-01-01T12:34:56.5Z".parse()?;
//! let seven_minutes = Duration::from_secs(7 * 60);
//! assert_eq!(now.floor_from_1970(seven_minutes).to_string(), "2026-01-01T12:29:00Z");
//! assert_eq!(now.floor_from_year_one(seven_minutes).to_string(), "2026-01-01T12:28:00Z");
//! # Ok::<(), apptheory_core::time::TimestampError>(())
//! ```

use alloc::string::{String, ToString};
use core::fmt;
use core::str::FromStr;
use core::time::Duration;

use jiff::civil::{Date, DateTime, Time};
use jiff::fmt::temporal::{Pieces, PiecesOffset};
use jiff::tz::Offset;

/// An instant: integer nanoseconds since 1970-01-01T00:00:00Z, within the years 0001 to 9999.
///
/// Arithmetic saturates at the ends of that range.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Timestamp(i128);

impl Timestamp {
    /// 0001-01-01T00:00:00Z, the earliest instant.
    pub const MIN: Self = Self(-62_135_596_800 * NANOS_PER_SECOND);

    /// 9999-12-31T23:59:59.999999999Z, the latest instant.
    pub const MAX: Self = Self(253_402_300_800 * NANOS_PER_SECOND - 1);

    /// 1970-01-01T00:00:00Z.
    pub const UNIX_EPOCH: Self = Self(0);

    /// Returns the instant `nanos` nanoseconds after the Unix epoch.
    ///
    /// # Errors
    ///
    /// [`TimestampError::OutOfRange`] outside the years 0001 to 9999.
    pub fn from_unix_nanos(nanos: i128) -> Result<Self, TimestampError> {
        let instant = Self(nanos);
        if instant < Self::MIN || instant > Self::MAX {
            return Err(TimestampError::OutOfRange);
        }
        Ok(instant)
    }

    /// Returns the instant `nanos` nanoseconds after the Unix epoch, clamped to [`MIN`](Self::MIN)
    /// and [`MAX`](Self::MAX). For constants.
    pub(crate) const fn clamped_from_unix_nanos(nanos: i128) -> Self {
        if nanos < Self::MIN.0 {
            return Self::MIN;
        }
        if nanos > Self::MAX.0 { Self::MAX } else { Self(nanos) }
    }

    /// Returns the instant `seconds` seconds after the Unix epoch, clamped to [`MIN`](Self::MIN)
    /// and [`MAX`](Self::MAX).
    #[must_use]
    pub const fn from_unix_seconds(seconds: i64) -> Self {
        Self::clamped_from_unix_nanos((seconds as i128).saturating_mul(NANOS_PER_SECOND))
    }

    /// Returns the nanoseconds since the Unix epoch.
    #[must_use]
    pub const fn unix_nanos(self) -> i128 {
        self.0
    }

    /// Returns the whole seconds since the Unix epoch, rounded down (also before 1970).
    #[must_use]
    pub fn unix_seconds(self) -> i64 {
        self.parts().0
    }

    /// Returns the whole seconds since the Unix epoch, rounded up.
    #[must_use]
    pub fn unix_seconds_ceil(self) -> i64 {
        let (seconds, subsecond) = self.parts();
        seconds.saturating_add(i64::from(subsecond != 0))
    }

    /// Returns the instant `by` later, at most [`MAX`](Self::MAX).
    #[must_use]
    pub fn saturating_add(self, by: Duration) -> Self {
        Self(self.0.saturating_add(nanos(by))).clamped()
    }

    /// Returns the instant `by` earlier, at least [`MIN`](Self::MIN).
    #[must_use]
    pub fn saturating_sub(self, by: Duration) -> Self {
        Self(self.0.saturating_sub(nanos(by))).clamped()
    }

    /// Returns the time from `self` until `later`, or zero if `later` is earlier.
    #[must_use]
    pub fn until(self, later: Self) -> Duration {
        let nanos = later.0.saturating_sub(self.0).max(0);
        let (seconds, subsecond) = Self(nanos).parts();
        Duration::new(seconds.unsigned_abs(), subsecond)
    }

    /// Rounds down to a whole number of `period`s since 1970, also before 1970. A zero `period`
    /// leaves the instant unchanged.
    #[must_use]
    pub fn floor_from_1970(self, period: Duration) -> Self {
        self.floor(period, Self::UNIX_EPOCH)
    }

    /// Rounds down to a whole number of `period`s since 0001-01-01. A zero `period` leaves the
    /// instant unchanged.
    #[must_use]
    pub fn floor_from_year_one(self, period: Duration) -> Self {
        self.floor(period, Self::MIN)
    }

    fn floor(self, period: Duration, origin: Self) -> Self {
        match i64::try_from(period.as_secs()) {
            // Both origins are whole seconds, and so is the result.
            Ok(length) if period.subsec_nanos() == 0 => {
                let seconds = self.unix_seconds();
                let since = seconds.saturating_sub(origin.unix_seconds());
                let into = since.checked_rem_euclid(length);
                into.map_or(self, |into| Self::from_unix_seconds(seconds.saturating_sub(into)))
            }
            _ => {
                let into = self.0.saturating_sub(origin.0).checked_rem_euclid(nanos(period));
                Self(self.0.saturating_sub(into.unwrap_or(0))).clamped()
            }
        }
    }

    /// Returns the whole seconds since the Unix epoch, rounded down, and the nanoseconds after
    /// them.
    fn parts(self) -> (i64, u32) {
        // A 128-bit division takes ten times as long as a 64-bit one, and 64 bits cover the 292
        // years before and after 1970.
        if let Ok(nanos) = i64::try_from(self.0) {
            let subsecond = nanos.rem_euclid(1_000_000_000);
            // Below 10^9.
            return (nanos.div_euclid(1_000_000_000), u32::try_from(subsecond).unwrap_or(0));
        }
        // In range: the years 0001 to 9999, and the time between any two of them, are below 2^39
        // seconds.
        let seconds = i64::try_from(self.0.div_euclid(NANOS_PER_SECOND)).unwrap_or(i64::MAX);
        (seconds, u32::try_from(self.0.rem_euclid(NANOS_PER_SECOND)).unwrap_or(0))
    }

    /// Returns RFC 3339 in UTC without the fraction of a second: `2026-01-01T00:00:00Z`.
    #[must_use]
    pub fn to_rfc3339_seconds(self) -> String {
        self.printed(Some(0))
    }

    /// Returns RFC 3339 in UTC with the shortest fraction: `2026-01-01T00:00:00.5Z`.
    #[must_use]
    pub fn to_rfc3339(self) -> String {
        self.printed(None)
    }

    /// Returns RFC 3339 in UTC with exactly nine fraction digits: `2026-01-01T00:00:00.500000000Z`.
    /// Sorting these texts sorts the instants.
    #[must_use]
    pub fn to_rfc3339_fixed9(self) -> String {
        self.printed(Some(9))
    }

    /// Appends RFC 3339 in UTC with exactly three fraction digits, truncated:
    /// `2026-01-01T00:00:00.500Z`. Use it for log lines.
    pub fn write_rfc3339_millis(self, out: &mut String) {
        self.print(Some(3), out);
    }

    fn printed(self, fraction_digits: Option<u8>) -> String {
        let mut text = String::with_capacity(LONGEST_RFC3339);
        self.print(fraction_digits, &mut text);
        text
    }

    fn print(self, fraction_digits: Option<u8>, out: &mut String) {
        let (seconds, subsecond) = self.parts();
        // Below 10^9.
        let subsecond = i32::try_from(subsecond).unwrap_or(0);
        // The library's instants end some hours before ours: it is asked 400 years earlier, where
        // the calendar is the same. `DateTime` has our range, but adding to it brings the texts of
        // all of the library's errors into a program, 140 kB.
        let earlier = jiff::Timestamp::from_second(seconds.saturating_sub(CYCLE_SECONDS));
        // Always in range.
        let utc = Offset::UTC.to_datetime(earlier.unwrap_or_default());
        let mut text = *b"0000-00-00T00:00:00.000000000";
        for (number, places) in [
            (i32::from(utc.year()).saturating_add(CYCLE_YEARS), 0..4),
            (utc.month().into(), 5..7),
            (utc.day().into(), 8..10),
            (utc.hour().into(), 11..13),
            (utc.minute().into(), 14..16),
            (utc.second().into(), 17..19),
            (subsecond, 20..29),
        ] {
            let mut rest = number.unsigned_abs();
            for place in text.get_mut(places).unwrap_or_default().iter_mut().rev() {
                // The remaining digits are zeros, which the template already has.
                if rest == 0 {
                    break;
                }
                // One digit, as ASCII.
                *place = b'0' | u8::try_from(rest % 10).unwrap_or(0);
                rest /= 10;
            }
        }
        let length = match fraction_digits {
            Some(0) => DATE_AND_TIME.len(),
            Some(digits) => DATE_AND_TIME.len().saturating_add(1).saturating_add(digits.into()),
            None if subsecond == 0 => DATE_AND_TIME.len(),
            None => text
                .iter()
                .rposition(|digit| *digit != b'0')
                .map_or(0, |last| last.saturating_add(1)),
        };
        // All bytes are ASCII.
        out.push_str(
            text.get(..length).and_then(|text| str::from_utf8(text).ok()).unwrap_or_default(),
        );
        out.push('Z');
    }

    fn clamped(self) -> Self {
        self.clamp(Self::MIN, Self::MAX)
    }
}

/// Writes RFC 3339 in UTC with the shortest fraction, as [`Timestamp::to_rfc3339`] does.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_rfc3339())
    }
}

/// Reads any RFC 3339 instant, with any offset and up to nine fraction digits after `.` or `,`. `T`
/// and `Z` must be upper case; leap seconds are refused.
impl FromStr for Timestamp {
    type Err = TimestampError;

    fn from_str(text: &str) -> Result<Self, TimestampError> {
        let nanos = read_utc(text).or_else(|| parse_rfc3339(text));
        Self::from_unix_nanos(nanos.ok_or_else(|| TimestampError::NotRfc3339(text.to_string()))?)
    }
}

/// Says why a value is not a [`Timestamp`].
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum TimestampError {
    /// The instant is outside the years 0001 to 9999. Check the unit: nanoseconds.
    #[error("the instant lies outside the years 0001 to 9999")]
    OutOfRange,
    /// The text is not RFC 3339. Write it like `2026-01-01T00:00:00Z`.
    #[error("not an RFC 3339 instant such as 2026-01-01T00:00:00Z: {0:?}")]
    NotRfc3339(String),
}

/// Reads an instant in the form that this module writes: UTC, with up to nine fraction digits after
/// `.`. Nearly all stored instants have this form. This takes a tenth of the time of
/// [`parse_rfc3339`], which gives the same result for this form and decides on all others.
fn read_utc(text: &str) -> Option<i128> {
    let &[
        y0,
        y1,
        y2,
        y3,
        b'-',
        m0,
        m1,
        b'-',
        d0,
        d1,
        b'T', //
        h0,
        h1,
        b':',
        min0,
        min1,
        b':',
        s0,
        s1,
        ref rest @ ..,
    ] = text.as_bytes()
    else {
        return None;
    };
    let subsecond = match rest {
        [b'Z'] => 0,
        [b'.', fraction @ .., b'Z'] if (1..=9).contains(&fraction.len()) => {
            let mut nanos = *b"000000000";
            nanos.get_mut(..fraction.len())?.copy_from_slice(fraction);
            number(nanos)?
        }
        _ => return None,
    };
    let year = i16::try_from(number([y0, y1, y2, y3])?).ok()?;
    let two = |tens, ones| i8::try_from(number([tens, ones])?).ok();
    let date = Date::new(year, two(m0, m1)?, two(d0, d1)?).ok()?;
    let time = Time::new(two(h0, h1)?, two(min0, min1)?, two(s0, s1)?, subsecond).ok()?;
    Some(DateTime::from_parts(date, time).duration_since(EPOCH).as_nanos())
}

/// Returns the number that at most nine decimal digits make.
fn number<const N: usize>(digits: [u8; N]) -> Option<i32> {
    digits.into_iter().try_fold(0_i32, |number, digit| {
        let digit = digit.is_ascii_digit().then(|| i32::from(digit & 0x0f))?;
        Some(number.wrapping_mul(10).wrapping_add(digit))
    })
}

/// Reads an RFC 3339 text as nanoseconds since 1970. The library accepts more than RFC 3339 (ISO
/// 8601 forms of date, time and offset, zone annotations, leap seconds), so the shape is checked
/// first.
fn parse_rfc3339(text: &str) -> Option<i128> {
    if !is_rfc3339(text) {
        return None;
    }
    let pieces = Pieces::parse(text).ok()?;
    let local = DateTime::from_parts(pieces.date(), pieces.time()?);
    let offset = match pieces.offset()? {
        PiecesOffset::Zulu => 0,
        PiecesOffset::Numeric(offset) => i128::from(offset.offset().seconds()),
        _ => return None,
    };
    let offset = offset.checked_mul(NANOS_PER_SECOND)?;
    local.duration_since(EPOCH).as_nanos().checked_sub(offset)
}

/// Returns whether a text has the shape `YYYY-MM-DDThh:mm:ss[.f…](Z|±hh:mm)`, with `,` for `.` as
/// in ISO 8601, `T` and `Z` in upper case and no leap second. Does not check that the day and hour
/// exist.
fn is_rfc3339(text: &str) -> bool {
    let Some((date_and_time, rest)) = text.split_at_checked(DATE_AND_TIME.len()) else {
        return false;
    };
    let rest = match rest.strip_prefix(['.', ',']) {
        Some(fraction) => fraction.trim_start_matches(|c: char| c.is_ascii_digit()),
        None => rest,
    };
    has_shape(date_and_time, DATE_AND_TIME)
        && !date_and_time.ends_with("60")
        && (rest == "Z" || has_shape(rest, "+00:00") || has_shape(rest, "-00:00"))
}

/// Returns whether `text` equals `shape` with any digits in place of its zeros.
fn has_shape(text: &str, shape: &str) -> bool {
    let fits = |(byte, wanted): (u8, u8)| {
        if wanted == b'0' { byte.is_ascii_digit() } else { byte == wanted }
    };
    text.len() == shape.len() && text.bytes().zip(shape.bytes()).all(fits)
}

fn nanos(duration: Duration) -> i128 {
    i128::try_from(duration.as_nanos()).unwrap_or(i128::MAX)
}

/// The Gregorian calendar repeats itself after 400 years, which are 146,097 days.
const CYCLE_YEARS: i32 = 400;
const CYCLE_SECONDS: i64 = 146_097 * 86_400;

const EPOCH: DateTime = jiff::civil::date(1970, 1, 1).at(0, 0, 0, 0);
const NANOS_PER_SECOND: i128 = 1_000_000_000;

const DATE_AND_TIME: &str = "0000-00-00T00:00:00";

/// `2026-01-01T00:00:00.500000000Z`.
const LONGEST_RFC3339: usize = 30;

#[cfg(test)]
mod tests;
