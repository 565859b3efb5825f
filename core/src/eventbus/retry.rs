//! Trying a write again: whether, and after how long.

use core::time::Duration;

use super::config::BusConfig;
use crate::backoff::Backoff;
use crate::store;
use crate::time::Timestamp;

/// The attempts of one write, or of several that share their patience.
#[derive(Clone, Debug)]
pub(super) struct Retry {
    backoff: Backoff,
    /// How many retries are allowed.
    allowed: u32,
    /// How many attempts have failed.
    failed: u32,
    /// Whether one of them may have been carried out all the same.
    may_have_written: bool,
    seed: u64,
    now: Timestamp,
    deadline: Option<Timestamp>,
}

impl Retry {
    pub(super) fn new(bus: &BusConfig, now: Timestamp, seed: u64) -> Self {
        Self {
            backoff: bus.backoff(),
            allowed: bus.retry_attempts(),
            failed: 0,
            may_have_written: false,
            seed,
            now,
            deadline: None,
        }
    }

    /// The same patience, but no wait that would not end before `deadline`.
    pub(super) fn until(self, deadline: Timestamp) -> Self {
        Self { deadline: Some(deadline), ..self }
    }

    /// How many attempts have failed.
    pub(super) const fn failed_attempts(&self) -> u32 {
        self.failed
    }

    /// Whether a failed attempt may have been carried out all the same.
    pub(super) const fn may_have_written(&self) -> bool {
        self.may_have_written
    }

    /// Counts a failed attempt; says how long to wait before the next one, if there is to be one.
    pub(super) fn after(&mut self, error: store::Error) -> Option<Duration> {
        self.failed = self.failed.saturating_add(1);
        self.may_have_written |= error.may_have_written();
        if !error.is_retryable() || self.failed > self.allowed {
            return None;
        }
        self.backoff.delay_within(self.failed, self.seed, self.now, self.deadline)
    }

    /// Notes what time it is.
    pub(super) fn woke_at(&mut self, now: Timestamp) {
        self.now = now;
    }

    /// Forgets the failures: the next write starts afresh.
    pub(super) fn succeeded(&mut self) {
        self.failed = 0;
    }
}
