//! Limits the size of a response of unknown length.

use core::num::NonZeroU64;

/// Admits chunks until one would exceed the limit, and none after that. A chunk is admitted
/// completely or not at all.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct StreamLimiter {
    max_bytes: Option<NonZeroU64>,
    admitted: u64,
    is_tripped: bool,
}

impl StreamLimiter {
    /// Creates a limiter; `None` admits everything.
    #[must_use]
    pub const fn new(max_bytes: Option<NonZeroU64>) -> Self {
        Self { max_bytes, admitted: 0, is_tripped: false }
    }

    /// Returns whether a chunk of `len` bytes is admitted. An empty chunk always is, until the
    /// limit was exceeded.
    #[must_use = "a chunk that is not admitted must be dropped"]
    pub fn admit(&mut self, len: usize) -> bool {
        if self.is_tripped {
            return false;
        }
        let len = u64::try_from(len).unwrap_or(u64::MAX);
        let total = self.admitted.saturating_add(len);
        self.is_tripped = self.max_bytes.is_some_and(|most| total > most.get());
        if !self.is_tripped {
            self.admitted = total;
        }
        !self.is_tripped
    }

    /// Returns the number of admitted bytes.
    #[must_use]
    pub const fn admitted(&self) -> u64 {
        self.admitted
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;
    use core::num::NonZeroU64;

    use super::StreamLimiter;

    fn admitted(max_bytes: u64, lens: &[usize]) -> Vec<bool> {
        let mut limiter = StreamLimiter::new(NonZeroU64::new(max_bytes));
        lens.iter().map(|len| limiter.admit(*len)).collect()
    }

    #[test]
    fn chunks_pass_whole_or_not_at_all() {
        assert_eq!(admitted(5, &[3, 2]), [true, true]);
        assert_eq!(admitted(5, &[3, 3]), [true, false]);
        assert_eq!(admitted(3, &[3, 0, 0]), [true, true, true]);
        assert_eq!(admitted(3, &[4]), [false]);
        assert_eq!(admitted(1, &[0, 0]), [true, true]);
        assert_eq!(admitted(0, &[usize::MAX, usize::MAX]), [true, true]);
    }

    #[test]
    fn a_tripped_limiter_admits_nothing() {
        assert_eq!(admitted(5, &[6, 1, 0]), [false, false, false]);
    }
}
