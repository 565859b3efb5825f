//! Sampling of invocations.

use sha2::{Digest as _, Sha256};

/// The share of ids that are sampled. The decision depends on the id only, so all functions agree
/// about an id.
///
/// ```
/// use apptheory_core::observe::SampleRate;
///
/// assert!(SampleRate::new(1.0).takes("r1") && !SampleRate::new(0.0).takes("r1"));
/// ```
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct SampleRate {
    /// Ids whose 32-bit hash is below this number are sampled.
    below: u64,
}

impl SampleRate {
    /// Creates a rate from a number between 0 (no ids) and 1 (all ids). A number outside this range
    /// is clamped, and `NaN` is 0.
    #[must_use]
    pub fn new(rate: f64) -> Self {
        // The conversion maps negative numbers and `NaN` to 0.
        Self { below: (rate.clamp(0.0, 1.0) * TOTAL) as u64 }
    }

    /// Returns whether no id is sampled.
    #[must_use]
    pub const fn is_zero(self) -> bool {
        self.below == 0
    }

    /// Returns whether this id is sampled.
    #[must_use]
    pub fn takes(self, id: &str) -> bool {
        let [a, b, c, d, ..] = <[u8; 32]>::from(Sha256::digest(id));
        u64::from(u32::from_be_bytes([a, b, c, d])) < self.below
    }
}

/// The number of different hashes.
const TOTAL: f64 = 4_294_967_296.0;

#[cfg(test)]
mod tests {
    use alloc::string::ToString as _;

    use super::SampleRate;

    #[test]
    fn about_that_share_is_taken_and_always_the_same_ids() {
        for (share, expected) in
            [(0.0, 0..=0), (0.1, 900..=1100), (0.5, 4850..=5150), (1.0, 10_000..=10_000)]
        {
            let taken = |n: &u32| SampleRate::new(share).takes(&n.to_string());
            let ids = (0..10_000).filter(taken);
            assert!(expected.contains(&ids.clone().count()), "{share}");
            assert!(ids.eq((0..10_000).filter(taken)));
        }
        let more = SampleRate::new(0.2);
        assert!(
            (0..1000)
                .map(|n: u32| n.to_string())
                .all(|id| !SampleRate::new(0.1).takes(&id) || more.takes(&id))
        );
        for (odd, like) in [(-1.0, 0.0), (f64::NAN, 0.0), (7.0, 1.0)] {
            assert_eq!(SampleRate::new(odd), SampleRate::new(like), "{odd}");
        }
    }
}
