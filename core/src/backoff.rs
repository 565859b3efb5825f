//! Delays before a retry: exponential back-off with full jitter.
//!
//! This module computes delays; it never waits. A machine waits by asking for a
//! [`Sleep`](crate::store::Sleep) of the delay. Each delay is uniform between zero and a ceiling
//! that doubles with every attempt ("full jitter"), so callers that failed together do not retry
//! together. Randomness is an argument: the same seed gives the same delays.
//!
//! ```
//! use core::time::Duration;
//! use apptheory_core::backoff::Backoff;
//!
//! let backoff = Backoff { base: Duration::from_millis(10), cap: Duration::from_millis(40) };
//! assert_eq!(backoff.ceiling(1), Duration::from_millis(10));
//! assert_eq!(backoff.ceiling(2), Duration::from_millis(20));
//! assert_eq!(backoff.ceiling(9), Duration::from_millis(40));
//! assert!(backoff.delay(2, 7) <= Duration::from_millis(20));
//! ```

use core::time::Duration;

use crate::time::Timestamp;

/// Computes the delays of exponential back-off with full jitter.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Backoff {
    /// The ceiling of the first delay.
    pub base: Duration,
    /// The highest ceiling, regardless of the number of attempts.
    pub cap: Duration,
}

impl Backoff {
    /// Returns the longest delay after `attempt` failed attempts, counted from 1: `base`, then
    /// twice, four times … that, but at most `cap`.
    #[must_use]
    pub fn ceiling(self, attempt: u32) -> Duration {
        let factor = 1_u32.checked_shl(attempt.saturating_sub(1)).unwrap_or(u32::MAX);
        self.base.saturating_mul(factor).min(self.cap)
    }

    /// Returns the delay after `attempt` failed attempts, counted from 1. It is uniform from zero
    /// to [`ceiling`](Self::ceiling), both included; `seed` and `attempt` determine it.
    #[must_use]
    pub fn delay(self, attempt: u32, seed: u64) -> Duration {
        let ceiling = u64::try_from(self.ceiling(attempt).as_nanos()).unwrap_or(u64::MAX);
        let random = mix(seed.wrapping_add(u64::from(attempt).wrapping_mul(GOLDEN_GAMMA)));
        // Scales `random`, of 2^64 values, to 0..=ceiling. The product of two 64-bit numbers fits
        // 128 bits.
        let scaled = u128::from(random).saturating_mul(u128::from(ceiling).saturating_add(1)) >> 64;
        Duration::from_nanos(u64::try_from(scaled).unwrap_or(ceiling))
    }

    /// Returns the delay after `attempt` failed attempts, or `None` if it would not end before
    /// `deadline`: a later retry would be useless.
    #[must_use]
    pub fn delay_within(
        self,
        attempt: u32,
        seed: u64,
        now: Timestamp,
        deadline: Option<Timestamp>,
    ) -> Option<Duration> {
        let delay = self.delay(attempt, seed);
        let in_time = deadline.is_none_or(|deadline| now.saturating_add(delay) < deadline);
        in_time.then_some(delay)
    }
}

/// The finaliser of SplitMix64 (Steele, Lea, Flood 2014): spreads nearby seeds over all 64 bits.
const fn mix(seed: u64) -> u64 {
    let z = (seed ^ (seed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// SplitMix64's increment: 2^64 divided by the golden ratio, made odd.
const GOLDEN_GAMMA: u64 = 0x9e37_79b9_7f4a_7c15;

#[cfg(test)]
mod tests {
    use core::time::Duration;

    use super::Backoff;
    use crate::time::Timestamp;

    const BACKOFF: Backoff =
        Backoff { base: Duration::from_millis(100), cap: Duration::from_secs(3) };

    #[test]
    fn delays_fill_the_range_below_their_ceiling() {
        for attempt in 0..40 {
            let ceiling = BACKOFF.ceiling(attempt);
            let delays = (0..500).map(|seed| BACKOFF.delay(attempt, seed));
            let (mut low, mut high) = (Duration::MAX, Duration::ZERO);
            for delay in delays {
                assert!(delay <= ceiling);
                (low, high) = (low.min(delay), high.max(delay));
            }
            assert!(low < ceiling / 20 && high > ceiling * 19 / 20, "{attempt}: {low:?} {high:?}");
        }
    }

    #[test]
    fn extremes_do_not_overflow() {
        let endless = Backoff { base: Duration::MAX, cap: Duration::MAX };
        assert!(endless.delay(u32::MAX, u64::MAX) > Duration::ZERO);
        let none = Backoff { base: Duration::ZERO, cap: Duration::MAX };
        assert_eq!(none.delay(u32::MAX, 1), Duration::ZERO);
    }

    #[test]
    fn a_wait_that_reaches_the_deadline_is_not_started() {
        let now = Timestamp::UNIX_EPOCH;
        let delay = BACKOFF.delay(1, 5);
        let at_the_deadline = Some(now.saturating_add(delay));
        let after_it = Some(now.saturating_add(delay + Duration::from_nanos(1)));
        assert_eq!(BACKOFF.delay_within(1, 5, now, at_the_deadline), None);
        assert_eq!(BACKOFF.delay_within(1, 5, now, after_it), Some(delay));
        assert_eq!(BACKOFF.delay_within(1, 5, now, None), Some(delay));
    }
}
