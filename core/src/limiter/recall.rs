//! The memory of one instance between decisions.
//!
//! Machines share no state: each is built from a [`Recall`] and ends with what it [`Learned`]. The
//! owner of the `Recall` merges that.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;
use core::cmp::Reverse;

use super::key::RateLimitKey;
use crate::time::Timestamp;

/// Remembers denials that still hold, counts of ended sub-windows, and states of token buckets,
/// between the decisions of one instance. Its size is bounded; a forgotten entry costs store calls,
/// never correctness. Each unnamed limiter needs its own, because the same window has another count
/// for another limiter.
#[derive(Clone, Debug)]
pub struct Recall {
    denials: Cache<Denial>,
    ended: Cache<Vec<EndedWindow>>,
    buckets: Cache<i128>,
}

/// A denial that holds until its window ends, because counts only grow.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Denial {
    pub(super) window_start: Timestamp,
    pub(super) count: i64,
}

/// The final count of a sub-window.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct EndedWindow {
    pub(super) start: Timestamp,
    pub(super) count: i64,
}

/// What one decision learned. Merge it with [`Recall::learn`], or drop it.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[must_use = "what is not merged has to be read from the store again"]
pub struct Learned(pub(super) Option<Lesson>);

#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Lesson {
    Denied { key: RateLimitKey, denial: Denial, until: Timestamp },
    Ended { key: RateLimitKey, windows: Vec<EndedWindow>, until: Timestamp },
    Filled { key: RateLimitKey, tat: i128, until: Timestamp },
}

impl Default for Recall {
    fn default() -> Self {
        Self::with_capacity(DEFAULT_CAPACITY)
    }
}

impl Recall {
    /// Remembers at most `keys` keys of each kind; the first to expire is forgotten first.
    #[must_use]
    pub const fn with_capacity(keys: usize) -> Self {
        Self { denials: Cache::new(keys), ended: Cache::new(keys), buckets: Cache::new(keys) }
    }

    /// Merges what a decision learned.
    pub fn learn(&mut self, learned: Learned) {
        match learned.0 {
            None => {}
            Some(Lesson::Denied { key, denial, until }) => self.denials.insert(key, denial, until),
            Some(Lesson::Filled { key, tat, until }) => self.buckets.insert(key, tat, until),
            Some(Lesson::Ended { key, windows, until }) => self.learn_ended(key, windows, until),
        }
    }

    fn learn_ended(&mut self, key: RateLimitKey, windows: Vec<EndedWindow>, until: Timestamp) {
        // One lesson has all windows that its decision needed. Older ones are never needed again;
        // newer ones of a concurrent decision are kept.
        let oldest = windows.iter().map(|window| window.start).min();
        let mut merged: Vec<EndedWindow> = self
            .ended
            .get(&key)
            .into_iter()
            .flatten()
            .filter(|known| Some(known.start) >= oldest)
            .filter(|known| windows.iter().all(|new| new.start != known.start))
            .copied()
            .collect();
        merged.extend(windows);
        merged.sort_unstable_by_key(|window| Reverse(window.start));
        self.ended.insert(key, merged, until);
    }

    /// Returns the denial of the window that starts at `window_start`.
    pub(super) fn denial(&self, key: &RateLimitKey, window_start: Timestamp) -> Option<Denial> {
        self.denials.get(key).copied().filter(|denial| denial.window_start == window_start)
    }

    /// Returns the counts of ended sub-windows, newest first.
    pub(super) fn ended(&self, key: &RateLimitKey) -> &[EndedWindow] {
        self.ended.get(key).map_or(&[], Vec::as_slice)
    }

    pub(super) fn tat(&self, key: &RateLimitKey) -> Option<i128> {
        self.buckets.get(key).copied()
    }
}

#[derive(Clone, Debug)]
struct Cache<V> {
    entries: BTreeMap<RateLimitKey, (V, Timestamp)>,
    by_expiry: BTreeSet<(Timestamp, RateLimitKey)>,
    capacity: usize,
}

impl<V> Cache<V> {
    const fn new(capacity: usize) -> Self {
        Self { entries: BTreeMap::new(), by_expiry: BTreeSet::new(), capacity }
    }

    fn get(&self, key: &RateLimitKey) -> Option<&V> {
        self.entries.get(key).map(|(value, _)| value)
    }

    fn insert(&mut self, key: RateLimitKey, value: V, expires_at: Timestamp) {
        if self.capacity == 0 {
            return;
        }
        if let Some((_, expired_at)) = self.entries.remove(&key) {
            self.by_expiry.remove(&(expired_at, key.clone()));
        } else if self.entries.len() >= self.capacity
            && let Some((_, first_to_expire)) = self.by_expiry.pop_first()
        {
            self.entries.remove(&first_to_expire);
        }
        self.by_expiry.insert((expires_at, key.clone()));
        self.entries.insert(key, (value, expires_at));
    }
}

/// The default number of remembered keys of each kind, about a hundred bytes each.
const DEFAULT_CAPACITY: usize = 10_000;

#[cfg(test)]
mod tests {
    use alloc::format;

    use super::{Cache, RateLimitKey};
    use crate::time::Timestamp;

    #[test]
    fn a_full_cache_forgets_what_expires_first() {
        let key = |n: u32| RateLimitKey::new(&format!("i{n}"), "/r", "GET").expect("a key");
        let mut cache = Cache::new(2);
        for (n, expiry) in [(1, 30), (2, 10), (1, 40), (3, 20)] {
            cache.insert(key(n), n, Timestamp::from_unix_seconds(expiry));
        }
        assert_eq!([1, 2, 3].map(|n| cache.get(&key(n)).copied()), [Some(1), None, Some(3)]);
        assert_eq!(cache.by_expiry.len(), cache.entries.len());
    }
}
