//! Decides whether and when to retry a write.

use core::time::Duration;

use super::config::BusConfig;
use crate::backoff::Backoff;
use crate::store;
use crate::time::Timestamp;

/// The attempts of one write, or of several writes with one budget of retries.
#[derive(Clone, Debug)]
pub(super) struct Retry {
    backoff: Backoff,
    /// The number of allowed retries.
    allowed: u32,
    /// The number of failed attempts.
    failed: u32,
    /// Whether a failed attempt may have been applied.
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

    /// Allows only delays that end before `deadline`.
    pub(super) fn until(self, deadline: Timestamp) -> Self {
        Self { deadline: Some(deadline), ..self }
    }

    /// Returns the number of failed attempts.
    pub(super) const fn failed_attempts(&self) -> u32 {
        self.failed
    }

    /// Returns whether a failed attempt may have been applied.
    pub(super) const fn may_have_written(&self) -> bool {
        self.may_have_written
    }

    /// Counts a failed attempt. Returns the delay before the next attempt, or `None` to give up.
    pub(super) fn after(&mut self, error: store::Error) -> Option<Duration> {
        self.failed = self.failed.saturating_add(1);
        self.may_have_written |= error.may_have_written();
        if !error.is_retryable() || self.failed > self.allowed {
            return None;
        }
        self.backoff.delay_within(self.failed, self.seed, self.now, self.deadline)
    }

    /// Records the current time.
    pub(super) fn woke_at(&mut self, now: Timestamp) {
        self.now = now;
    }

    /// Resets the failures before the next write.
    pub(super) fn succeeded(&mut self) {
        self.failed = 0;
    }
}
