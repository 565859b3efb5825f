//! Instants on the wall clock, as data.
//!
//! This module decides how instants are rounded, added and written. It never asks what time it is:
//! a [`Timestamp`] always comes from the caller.
//!
//! There are two ways to round down, and both are needed. [`Timestamp::floor_from_1970`] counts
//! whole periods from the Unix epoch (fixed windows); [`Timestamp::floor_from_year_one`] counts
//! them from 0001-01-01 (sliding sub-windows, minutes, hours). They agree for every divisor of a
//! day and differ for periods such as seven minutes or a week.
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

use jiff::SignedDuration;
use jiff::civil::DateTime;
use jiff::fmt::temporal::{DateTimePrinter, Pieces, PiecesOffset};

/// An instant: integer nanoseconds since 1970-01-01T00:00:00Z, within the years 0001 to 9999.
///
/// Arithmetic that would leave that range stops at its ends, as each method's name says.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Timestamp(i128);

impl Timestamp {
    /// 0001-01-01T00:00:00Z, the earliest instant.
    pub const MIN: Self = Self(-62_135_596_800 * NANOS_PER_SECOND);

    /// 9999-12-31T23:59:59.999999999Z, the latest instant.
    pub const MAX: Self = Self(253_402_300_800 * NANOS_PER_SECOND - 1);

    /// 1970-01-01T00:00:00Z.
    pub const UNIX_EPOCH: Self = Self(0);

    /// The instant `nanos` nanoseconds after the Unix epoch.
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

    /// The instant `nanos` nanoseconds after the Unix epoch, held within [`MIN`](Self::MIN) and
    /// [`MAX`](Self::MAX); for constants.
    pub(crate) const fn clamped_from_unix_nanos(nanos: i128) -> Self {
        if nanos < Self::MIN.0 {
            return Self::MIN;
        }
        if nanos > Self::MAX.0 { Self::MAX } else { Self(nanos) }
    }

    /// The instant `seconds` seconds after the Unix epoch, held within [`MIN`](Self::MIN) and
    /// [`MAX`](Self::MAX).
    #[must_use]
    pub const fn from_unix_seconds(seconds: i64) -> Self {
        Self::clamped_from_unix_nanos((seconds as i128).saturating_mul(NANOS_PER_SECOND))
    }

    /// Nanoseconds since the Unix epoch.
    #[must_use]
    pub const fn unix_nanos(self) -> i128 {
        self.0
    }

    /// Whole seconds since the Unix epoch, rounded down (also before 1970).
    #[must_use]
    pub fn unix_seconds(self) -> i64 {
        // In range: the years 0001 to 9999 span less than 2^38 seconds.
        i64::try_from(self.0.div_euclid(NANOS_PER_SECOND)).unwrap_or(i64::MAX)
    }

    /// Whole seconds since the Unix epoch, rounded up.
    #[must_use]
    pub fn unix_seconds_ceil(self) -> i64 {
        self.unix_seconds().saturating_add(i64::from(self.0.rem_euclid(NANOS_PER_SECOND) != 0))
    }

    /// The instant `by` later, at most [`MAX`](Self::MAX).
    #[must_use]
    pub fn saturating_add(self, by: Duration) -> Self {
        Self(self.0.saturating_add(nanos(by))).clamped()
    }

    /// The instant `by` earlier, at least [`MIN`](Self::MIN).
    #[must_use]
    pub fn saturating_sub(self, by: Duration) -> Self {
        Self(self.0.saturating_sub(nanos(by))).clamped()
    }

    /// The time from `self` until `later`; zero when `later` is not later.
    #[must_use]
    pub fn until(self, later: Self) -> Duration {
        let nanos = later.0.saturating_sub(self.0).max(0);
        // In range: the whole span of `Timestamp` is below 2^64 seconds.
        let seconds = u64::try_from(nanos / NANOS_PER_SECOND).unwrap_or(u64::MAX);
        let subsecond = u32::try_from(nanos % NANOS_PER_SECOND).unwrap_or(0);
        Duration::new(seconds, subsecond)
    }

    /// Rounds down to a whole number of `period`s since 1970, also before 1970. A zero `period`
    /// leaves the instant as it is.
    #[must_use]
    pub fn floor_from_1970(self, period: Duration) -> Self {
        self.floor(period, 0)
    }

    /// Rounds down to a whole number of `period`s since 0001-01-01. A zero `period` leaves the
    /// instant as it is.
    #[must_use]
    pub fn floor_from_year_one(self, period: Duration) -> Self {
        self.floor(period, Self::MIN.0)
    }

    fn floor(self, period: Duration, origin: i128) -> Self {
        let into = self.0.saturating_sub(origin).checked_rem_euclid(nanos(period)).unwrap_or(0);
        Self(self.0.saturating_sub(into)).clamped()
    }

    /// RFC 3339 in UTC, the fraction of a second dropped: `2026-01-01T00:00:00Z`.
    #[must_use]
    pub fn to_rfc3339_seconds(self) -> String {
        self.printed(Some(0))
    }

    /// RFC 3339 in UTC with the shortest fraction: `2026-01-01T00:00:00.5Z`.
    #[must_use]
    pub fn to_rfc3339(self) -> String {
        self.printed(None)
    }

    /// RFC 3339 in UTC with exactly nine fraction digits, so that text order is time order:
    /// `2026-01-01T00:00:00.500000000Z`.
    #[must_use]
    pub fn to_rfc3339_fixed9(self) -> String {
        self.printed(Some(9))
    }

    /// Appends RFC 3339 in UTC with exactly three fraction digits, the rest dropped:
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
        let since_1970 = SignedDuration::from_nanos_i128(self.0);
        let utc = EPOCH.saturating_add(since_1970);
        let printer = DateTimePrinter::new().precision(fraction_digits);
        // Writing to a `String` does not fail.
        let _ = printer.print_datetime(&utc, &mut *out);
        out.push('Z');
    }

    fn clamped(self) -> Self {
        self.clamp(Self::MIN, Self::MAX)
    }
}

/// RFC 3339 in UTC with the shortest fraction, as [`Timestamp::to_rfc3339`].
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_rfc3339())
    }
}

/// Reads any RFC 3339 instant, with any offset and up to nine fraction digits, after `.` or `,`; `T`
/// and `Z` in upper case, and no leap seconds.
impl FromStr for Timestamp {
    type Err = TimestampError;

    fn from_str(text: &str) -> Result<Self, TimestampError> {
        let nanos =
            parse_rfc3339(text).ok_or_else(|| TimestampError::NotRfc3339(text.to_string()))?;
        Self::from_unix_nanos(nanos)
    }
}

/// Why a value is not a [`Timestamp`].
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum TimestampError {
    /// The instant lies outside the years 0001 to 9999. Check the unit: it is nanoseconds.
    #[error("the instant lies outside the years 0001 to 9999")]
    OutOfRange,
    /// The text is not RFC 3339. Write it like `2026-01-01T00:00:00Z`.
    #[error("not an RFC 3339 instant such as 2026-01-01T00:00:00Z: {0:?}")]
    NotRfc3339(String),
}

/// Nanoseconds since 1970 of an RFC 3339 text. The library reads more than RFC 3339 (ISO 8601 forms
/// of date, time and offset, zone annotations, leap seconds as the second before), so the shape is
/// checked first.
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

/// Whether a text has the shape `YYYY-MM-DDThh:mm:ss[.f…](Z|±hh:mm)`, with `,` for `.` as in ISO 8601,
/// `T` and `Z` in upper case and no leap second. Whether there is such a day and hour is another matter.
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

/// Whether `text` is `shape` with any digits in place of its zeros.
fn has_shape(text: &str, shape: &str) -> bool {
    let fits = |(byte, wanted): (u8, u8)| {
        if wanted == b'0' { byte.is_ascii_digit() } else { byte == wanted }
    };
    text.len() == shape.len() && text.bytes().zip(shape.bytes()).all(fits)
}

fn nanos(duration: Duration) -> i128 {
    i128::try_from(duration.as_nanos()).unwrap_or(i128::MAX)
}

const EPOCH: DateTime = jiff::civil::date(1970, 1, 1).at(0, 0, 0, 0);
const NANOS_PER_SECOND: i128 = 1_000_000_000;

const DATE_AND_TIME: &str = "0000-00-00T00:00:00";

/// `2026-01-01T00:00:00.500000000Z`.
const LONGEST_RFC3339: usize = 30;

#[cfg(test)]
mod tests {
    use super::Timestamp;

    #[test]
    fn the_ends_of_time_are_written_and_read() {
        assert_eq!(Timestamp::MIN.to_rfc3339(), "0001-01-01T00:00:00Z");
        assert_eq!(Timestamp::MAX.to_rfc3339(), "9999-12-31T23:59:59.999999999Z");
        for end in [Timestamp::MIN, Timestamp::MAX] {
            assert_eq!(end.to_rfc3339().parse(), Ok(end));
        }
    }

    #[test]
    fn offsets_are_applied_and_other_forms_refused() {
        let read = |text: &str| text.parse().map(Timestamp::to_rfc3339);
        assert_eq!(read("2026-01-01T05:30:00.120+05:30"), Ok("2026-01-01T00:00:00.12Z".into()));
        assert_eq!(read("1969-12-31T23:59:59.5-00:00"), Ok("1969-12-31T23:59:59.5Z".into()));
        assert_eq!(
            read("2026-01-01T00:00:00.123456789Z"),
            Ok("2026-01-01T00:00:00.123456789Z".into())
        );
        assert_eq!(read("2026-01-01T02:00:00,25+02:00"), Ok("2026-01-01T00:00:00.25Z".into()));
        for text in [
            "",
            "2026-01-01",
            "2026-01-01T00:00:00",
            "2026-01-01T00:00Z",
            "2026-01-01 00:00:00Z",
            "2026-01-01T00:00:00.Z",
            "2026-01-01T00:00:00,Z",
            "2026-01-01T00:00:00;5Z",
            "2026-01-01T00:00:00,1234567890Z",
            "2026-01-01T00:00:00.1234567890Z",
            "2026-01-01t00:00:00Z",
            "2026-01-01T00:00:00z",
            "2026-01-01T23:59:60Z",
            "2026-01-01T24:00:00Z",
            "2026-01-01T1:00:00Z",
            "2026-01-01T00:00:00+0200",
            "2026-01-01T00:00:00+02",
            "2026-01-01T00:00:00+02:00:30",
            "2026-01-01T00:00:00 Z",
            " 2026-01-01T00:00:00Z",
            "2026-01-01T00:00:0é",
            "2026-02-30T00:00:00Z",
            "2026-01-01T00:00:00Z[UTC]",
            "0000-12-31T23:59:59Z",
            "10000-01-01T00:00:00Z",
        ] {
            assert!(text.parse::<Timestamp>().is_err(), "{text}");
        }
    }
}
