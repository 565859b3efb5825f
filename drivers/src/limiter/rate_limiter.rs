//! The rate limiter on a store.
//!
//! This module gives the core's machines a store and a cache, and limits the time of each decision.
//! The core decides about limits.

use core::time::Duration;
use std::sync::{Mutex, PoisonError};

use apptheory_core::limiter::{
    self, Attempt, Decided, Decision, DecisionId, Limiter, RateLimitKey, Recall, UsageStats,
};

use crate::clock::{Clock as _, SharedClock};
use crate::execute::drive;
use crate::layer::{DECISION_BUDGET, Deadline};
use crate::store::Store;

/// A [`Limiter`] on a store, with its cache. Call it from your code to limit work that is not a
/// request.
///
/// Create one per limit and process, and share it: the cache saves store calls.
///
/// ```
/// use core::time::Duration;
///
/// use apptheory::limiter::{FixedWindow, Limiter, RateLimitKey, RateLimiter};
/// use apptheory::store::Store;
///
/// # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(async {
/// let limit = FixedWindow::new(Duration::from_secs(3_600), 2)?;
/// let limiter = RateLimiter::new(Limiter::fail_closed(limit).build(), &Store::memory());
///
/// let key = RateLimitKey::new("tenant-7", "/orders", "POST")?;
/// for allowed in [true, true, false] {
///     let decision = limiter.check_and_increment(limiter.attempt(key.clone())).await?;
///     assert_eq!(decision.allowed, allowed);
/// }
/// # Ok::<(), apptheory::limiter::Error>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct RateLimiter {
    limiter: Limiter,
    store: Store,
    recall: Mutex<Recall>,
    budget: Duration,
}

impl RateLimiter {
    /// Creates a limiter on a store, and declares its table. It uses the store's clock and ids.
    #[must_use]
    pub fn new(limiter: Limiter, store: &Store) -> Self {
        store.declare(limiter.table());
        let store = store.clone();
        Self { limiter, store, recall: Mutex::default(), budget: DECISION_BUDGET }
    }

    /// Sets the time limit of each decision, instead of [`DECISION_BUDGET`]. A store that does not
    /// respond in time counts as a timeout.
    #[must_use]
    pub fn with_budget(self, budget: Duration) -> Self {
        Self { budget, ..self }
    }

    /// Returns the limiter's configuration.
    #[must_use]
    pub fn limiter(&self) -> &Limiter {
        &self.limiter
    }

    /// Creates an attempt on `key` at the current time, with cost 1 and a new id.
    #[must_use]
    pub fn attempt(&self, key: RateLimitKey) -> Attempt {
        Attempt::new(key, self.store.clock().now()).with_id(DecisionId(self.store.ids().next_id()))
    }

    /// Decides on a request, and counts it if it is allowed.
    ///
    /// # Errors
    ///
    /// [`limiter::Error`] if the store did not respond and the limiter fails closed.
    pub async fn check_and_increment(&self, attempt: Attempt) -> Result<Decision, limiter::Error> {
        let machine = self.with_recall(|recall| self.limiter.check_and_increment(attempt, recall));
        let decided = drive(machine, &self.in_time()).await;
        self.conclude(decided)
    }

    /// Decides on a request without counting it.
    ///
    /// # Errors
    ///
    /// As [`check_and_increment`](Self::check_and_increment).
    pub async fn check(&self, attempt: Attempt) -> Result<Decision, limiter::Error> {
        let machine = self.with_recall(|recall| self.limiter.check(attempt, recall));
        let decided = drive(machine, &self.in_time()).await;
        self.conclude(decided)
    }

    /// Counts a request without deciding on it. Use it for work that has already happened.
    ///
    /// # Errors
    ///
    /// [`limiter::Error`] if the store did not respond, under either policy.
    pub async fn record(&self, attempt: Attempt) -> Result<(), limiter::Error> {
        let machine = self.with_recall(|recall| self.limiter.record(attempt, recall));
        drive(machine, &self.in_time()).await
    }

    /// Reads the current usage of a key's limits.
    ///
    /// # Errors
    ///
    /// [`limiter::Error`] if the store did not respond, under either policy.
    pub async fn usage(&self, key: RateLimitKey) -> Result<UsageStats, limiter::Error> {
        drive(self.limiter.usage(key, self.store.clock().now()), &self.in_time()).await
    }

    fn conclude(&self, decided: Decided) -> Result<Decision, limiter::Error> {
        self.with_recall(|recall| recall.learn(decided.learned));
        decided.decision
    }

    fn with_recall<T>(&self, look: impl FnOnce(&mut Recall) -> T) -> T {
        // The cache is only an optimization, so its content after a panic is safe to use.
        look(&mut self.recall.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn in_time(&self) -> Deadline<&Store, &SharedClock> {
        Deadline::after(&self.store, self.store.clock(), self.budget)
    }
}

#[cfg(test)]
mod tests {
    use apptheory_core::limiter::SlidingWindow;
    use apptheory_core::machine::Effect;
    use apptheory_core::time::Timestamp;

    use super::*;
    use crate::clock::ManualClock;
    use crate::execute::Execute;
    use crate::store::MemoryStore;

    /// An executor whose clock stands still, while every call takes 300 ms of the store's time.
    struct Elsewhere {
        memory: MemoryStore,
        clock: ManualClock,
    }

    impl<E> Execute<E> for Elsewhere
    where
        E: Effect<Outcome: Send> + Sync,
        MemoryStore: Execute<E>,
    {
        async fn execute(&self, effect: &E) -> E::Outcome {
            self.clock.advance(Duration::from_millis(300));
            self.memory.execute(effect).await
        }
    }

    #[tokio::test]
    async fn late_replies_are_recognised_by_the_clock_of_the_store() {
        let second = Duration::from_secs(1);
        let sliding = SlidingWindow::new(Duration::from_secs(3), second, 1).unwrap();
        let limiter = Limiter::fail_closed(sliding).build();
        let clock = ManualClock::new(Timestamp::from_unix_seconds(1_767_225_630));
        let next = clock.now().saturating_add(second);
        clock.advance(Duration::from_millis(400));
        let elsewhere = ManualClock::new(Timestamp::UNIX_EPOCH);
        let memory = MemoryStore::new(elsewhere).with_table(limiter.table());
        let executor = Elsewhere { memory, clock: clock.clone() };
        let store = Store::builder().clock(clock).executor(executor);
        let limiter = RateLimiter::new(limiter, &store).with_budget(Duration::from_secs(9));
        let key = RateLimitKey::new("tenant-7", "/orders", "POST").unwrap();
        // The reply to its write arrives after the sub-window has ended, so the next write counts
        // it again. The first count stays, and leaves no room.
        let decision = limiter.check_and_increment(limiter.attempt(key)).await.unwrap();
        assert_eq!(decision.window.unwrap().start, next);
        assert!(!decision.allowed);
    }
}
