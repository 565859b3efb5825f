//! ULIDs: event ids that sort by time.

use alloc::string::String;
use core::fmt;
use core::str::FromStr;

use crate::time::Timestamp;

/// A ULID: 48 bits of milliseconds since 1970 and 80 bits of entropy, written as 26 characters of
/// Crockford's base 32. Sorting the texts sorts them by time.
///
/// ```
/// use apptheory_core::eventbus::Ulid;
/// use apptheory_core::time::Timestamp;
///
/// let now: Timestamp = "2026-01-01T00:00:00Z".parse()?;
/// let id = Ulid::new(now, 1);
/// assert_eq!(id.to_string(), "01KDVDNA000000000000000001");
/// assert_eq!(id.timestamp(), now);
/// assert_eq!("01KDVDNA000000000000000001".parse(), Ok(id));
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Ulid(u128);

impl Ulid {
    /// Creates the ULID of an instant, rounded down to the millisecond (1970 for earlier instants),
    /// with the low 80 bits of `entropy`. Take the entropy from a cryptographic source, so that ids
    /// can neither be guessed nor repeat.
    #[must_use]
    pub fn new(at: Timestamp, entropy: u128) -> Self {
        let millis = u128::try_from(at.unix_nanos() / NANOS_PER_MILLI).unwrap_or(0);
        Self((millis << ENTROPY_BITS) | (entropy & MAX_ENTROPY))
    }

    /// Returns the instant, to the millisecond.
    #[must_use]
    pub fn timestamp(self) -> Timestamp {
        let millis = i128::try_from(self.0 >> ENTROPY_BITS).unwrap_or(i128::MAX);
        // 48 bits of milliseconds reach a little beyond the year 9999.
        Timestamp::from_unix_nanos(millis.saturating_mul(NANOS_PER_MILLI)).unwrap_or(Timestamp::MAX)
    }

    /// Returns the 80 bits of entropy.
    #[must_use]
    pub const fn entropy(self) -> u128 {
        self.0 & MAX_ENTROPY
    }
}

impl fmt::Display for Ulid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (0..LENGTH).rev().try_for_each(|place| {
            let digit = usize::try_from((self.0 >> place.saturating_mul(5)) & 31).unwrap_or(0);
            fmt::Write::write_char(f, ALPHABET.get(digit).copied().map_or('0', char::from))
        })
    }
}

/// Parses the 26 characters, upper case only.
impl FromStr for Ulid {
    type Err = NotUlid;

    fn from_str(text: &str) -> Result<Self, NotUlid> {
        // 26 characters hold 130 bits, so the first may be at most 7.
        if text.len() != LENGTH || !matches!(text.as_bytes().first(), Some(b'0'..=b'7')) {
            return Err(NotUlid);
        }
        text.bytes()
            .try_fold(0_u128, |bits, c| {
                let digit = ALPHABET.iter().position(|letter| *letter == c)?;
                Some((bits << 5) | u128::try_from(digit).ok()?)
            })
            .map(Self)
            .ok_or(NotUlid)
    }
}

impl From<Ulid> for String {
    fn from(id: Ulid) -> Self {
        alloc::format!("{id}")
    }
}

/// The text is not a ULID: 26 characters of `0123456789ABCDEFGHJKMNPQRSTVWXYZ`, of which the first
/// is at most `7`.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("not a ULID: 26 upper-case characters of Crockford's base 32")]
pub struct NotUlid;

/// Creates ULIDs that also sort in the order of their creation within one millisecond.
///
/// ```
/// use apptheory_core::eventbus::UlidGenerator;
/// use apptheory_core::time::Timestamp;
///
/// let mut ids = UlidGenerator::default();
/// let first = ids.next(Timestamp::UNIX_EPOCH, 0xffff_ffff);
/// let second = ids.next(Timestamp::UNIX_EPOCH, 0);
/// assert!(first < second);
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct UlidGenerator {
    last: Option<Drawn>,
}

/// An id, and the millisecond in which it was created: that of the id, or an earlier one.
#[derive(Clone, Copy, Debug)]
struct Drawn {
    id: Ulid,
    at: Timestamp,
}

impl UlidGenerator {
    /// Returns the next id, greater than all before it as long as `now` does not go back. In the
    /// millisecond of the previous call, it is the previous id plus 1 to 2^32-1, as `entropy`
    /// determines; otherwise it is [`Ulid::new`]. If the increments use up a millisecond's entropy,
    /// ids continue in the next one. If `now` goes back, ids follow.
    pub fn next(&mut self, now: Timestamp, entropy: u128) -> Ulid {
        let fresh = Ulid::new(now, entropy);
        let at = fresh.timestamp();
        let id = match self.last {
            Some(last) if at == last.at || (at > last.at && fresh <= last.id) => {
                // Adding to the 128 bits of an id carries into the milliseconds.
                let step = (entropy % MAX_STEP).saturating_add(1);
                Ulid(last.id.0.saturating_add(step))
            }
            Some(_) | None => fresh,
        };
        self.last = Some(Drawn { id, at });
        id
    }
}

const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const LENGTH: usize = 26;
const ENTROPY_BITS: u32 = 80;
const MAX_ENTROPY: u128 = (1 << ENTROPY_BITS) - 1;
/// The greatest distance between two consecutive ids of one millisecond.
const MAX_STEP: u128 = u32::MAX as u128;
const NANOS_PER_MILLI: i128 = 1_000_000;

#[cfg(test)]
mod tests {
    use alloc::string::ToString;
    use core::time::Duration;

    use super::{MAX_ENTROPY, Ulid, UlidGenerator};
    use crate::time::Timestamp;

    #[test]
    fn known_ids_are_written_and_read() {
        let at = Timestamp::from_unix_seconds(1_767_225_600);
        for (ulid, text) in [
            (Ulid(0), "00000000000000000000000000"),
            (Ulid::new(at, 0), "01KDVDNA000000000000000000"),
            (
                Ulid::new(at.saturating_add(Duration::from_millis(1)), 0),
                "01KDVDNA010000000000000000",
            ),
            (Ulid(u128::MAX), "7ZZZZZZZZZZZZZZZZZZZZZZZZZ"),
        ] {
            assert_eq!(ulid.to_string(), text);
            assert_eq!(text.parse(), Ok(ulid));
        }
        assert_eq!(Ulid::new(Timestamp::MIN, 5), Ulid(5));
        assert_eq!(Ulid::new(Timestamp::MAX, 0).timestamp().unix_seconds(), 253_402_300_799);
    }

    #[test]
    fn malformed_ulids_are_refused() {
        for text in [
            "",
            "01KDVDNA0000000000000000000",
            "80000000000000000000000000",
            "01kdvdna000000000000000000",
            "01KDVDNA00000000000000000I",
            "01KDVDNA0000000000000000é",
        ] {
            assert!(text.parse::<Ulid>().is_err(), "{text}");
        }
    }

    #[test]
    fn ids_of_one_millisecond_rise() {
        let mut ids = UlidGenerator::default();
        let mut last = ids.next(Timestamp::UNIX_EPOCH, MAX_ENTROPY - 1);
        for entropy in [0, 7, u128::from(u32::MAX), u128::MAX] {
            let id = ids.next(last.timestamp(), entropy);
            assert!(last < id && id.0 - last.0 <= u128::from(u32::MAX));
            last = id;
        }
        assert_eq!(last.timestamp().unix_nanos(), 1_000_000);
        assert_eq!(ids.next(Timestamp::UNIX_EPOCH, 3), Ulid(3));
    }

    #[test]
    fn ids_rise_beyond_the_entropy_of_a_millisecond() {
        let mut ids = UlidGenerator::default();
        let (first, second) =
            (Timestamp::UNIX_EPOCH, Timestamp::from_unix_nanos(1_000_000).unwrap());
        let drawn = [
            ids.next(first, MAX_ENTROPY),
            ids.next(first, 5),
            ids.next(first, 0),
            ids.next(second, 0),
            ids.next(second, 0),
        ];
        assert!(drawn.is_sorted_by(|a, b| a < b), "{drawn:?}");
    }
}
