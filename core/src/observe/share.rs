//! A share of invocations.

use sha2::{Digest as _, Sha256};

/// A share of all ids, the same ones everywhere: whoever asks about an id gets the same answer.
///
/// ```
/// use apptheory_core::observe::Share;
///
/// assert!(Share::new(1.0).takes("r1") && !Share::new(0.0).takes("r1"));
/// ```
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Share {
    /// Ids whose hash of 32 bits is below are taken.
    below: u64,
}

impl Share {
    /// Makes a share from a number between 0, which takes no id, and 1, which takes all; a smaller or
    /// greater number is the nearer of the two, and `NaN` takes no id.
    #[must_use]
    pub fn new(share: f64) -> Self {
        // The conversion makes 0 of what is below, and of `NaN`.
        Self { below: (share.clamp(0.0, 1.0) * TOTAL) as u64 }
    }

    /// Whether it takes no id.
    #[must_use]
    pub const fn is_none(self) -> bool {
        self.below == 0
    }

    /// Whether it takes this id.
    #[must_use]
    pub fn takes(self, id: &str) -> bool {
        let [a, b, c, d, ..] = <[u8; 32]>::from(Sha256::digest(id));
        u64::from(u32::from_be_bytes([a, b, c, d])) < self.below
    }
}

/// How many hashes there are.
const TOTAL: f64 = 4_294_967_296.0;

#[cfg(test)]
mod tests {
    use alloc::string::ToString as _;

    use super::Share;

    #[test]
    fn about_that_share_is_taken_and_always_the_same_ids() {
        for (share, expected) in
            [(0.0, 0..=0), (0.1, 900..=1100), (0.5, 4850..=5150), (1.0, 10_000..=10_000)]
        {
            let taken = |n: &u32| Share::new(share).takes(&n.to_string());
            let ids = (0..10_000).filter(taken);
            assert!(expected.contains(&ids.clone().count()), "{share}");
            assert!(ids.eq((0..10_000).filter(taken)));
        }
        let more = Share::new(0.2);
        assert!(
            (0..1000)
                .map(|n: u32| n.to_string())
                .all(|id| !Share::new(0.1).takes(&id) || more.takes(&id))
        );
        for (odd, like) in [(-1.0, 0.0), (f64::NAN, 0.0), (7.0, 1.0)] {
            assert_eq!(Share::new(odd), Share::new(like), "{odd}");
        }
    }
}
