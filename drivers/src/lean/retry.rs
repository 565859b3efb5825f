//! When requests are sent again, as the AWS SDK's standard mode does it.

use core::sync::atomic::{AtomicU32, Ordering};
use core::time::Duration;

use apptheory_core::backoff::Backoff;

/// The pauses between attempts.
pub(super) const BACKOFF: Backoff =
    Backoff { base: Duration::from_secs(1), cap: Duration::from_secs(20) };

/// Returns whether another attempt may succeed after an error with this code.
pub(super) fn is_transient(code: &str) -> bool {
    matches!(
        code,
        "BandwidthLimitExceeded"
            | "EC2ThrottledException"
            | "LimitExceededException"
            | "PriorRequestNotComplete"
            | "ProvisionedThroughputExceededException"
            | "RequestLimitExceeded"
            | "RequestThrottled"
            | "RequestThrottledException"
            | "RequestTimeout"
            | "RequestTimeoutException"
            | "SlowDown"
            | "ThrottledException"
            | "Throttling"
            | "ThrottlingException"
            | "TooManyRequestsException"
            | "TransactionInProgressException"
    )
}

/// Bounds the retries of a client: while most requests fail, few are sent again.
#[derive(Debug)]
pub(super) struct Quota(AtomicU32);

/// The tokens of a client, and what a retry takes of them until it succeeds.
const TOKENS: u32 = 500;
const RETRY: u32 = 5;

impl Quota {
    pub(super) const fn new() -> Self {
        Self(AtomicU32::new(TOKENS))
    }

    /// Takes the tokens of a retry. Returns whether there were enough.
    pub(super) fn take(&self) -> bool {
        let less = |tokens: u32| tokens.checked_sub(RETRY);
        self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less).is_ok()
    }

    /// Returns the tokens of the last retry, or one token after a first attempt.
    pub(super) fn succeeded(&self, attempt: u32) {
        let back = if attempt == 1 { 1 } else { RETRY };
        let more = |tokens: u32| (tokens < TOKENS).then(|| TOKENS.min(tokens + back));
        // It is full otherwise.
        let _ = self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retries_end_while_everything_fails_and_come_back_with_successes() {
        let quota = Quota::new();
        assert_eq!((0..1_000).filter(|_| quota.take()).count(), 100);
        (0..4).for_each(|_| quota.succeeded(1));
        assert!(!quota.take());
        quota.succeeded(2);
        assert!(quota.take() && !quota.take());
        (0..1_000).for_each(|_| quota.succeeded(1));
        assert_eq!((0..1_000).filter(|_| quota.take()).count(), 100);
    }
}
