//! The rate limiter over an executor.
//!
//! This module lends the core's machines a clock, ids and a memory, and gives each decision its
//! time. It decides nothing about limits.
//!
//! ```
//! use core::time::Duration;
//!
//! use apptheory::clock::ManualClock;
//! use apptheory::limiter::{FixedWindow, Limiter, RateLimitKey, RateLimiter};
//! use apptheory::store::MemoryStore;
//! use apptheory::time::Timestamp;
//!
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! let limiter = Limiter::fail_closed(FixedWindow::new(Duration::from_secs(60), 2)?).build();
//! let clock = ManualClock::new(Timestamp::from_unix_seconds(1_767_225_630));
//! let store = MemoryStore::new(clock.clone()).with_table(limiter.table());
//! let limiter = RateLimiter::new(limiter, store).with_clock(clock);
//!
//! let key = RateLimitKey::new("tenant-7", "/orders", "POST")?;
//! for allowed in [true, true, false] {
//!     let decision = limiter.check_and_increment(limiter.attempt(key.clone())).await?;
//!     assert_eq!(decision.allowed, allowed);
//! }
//! # Ok::<(), Box<dyn core::error::Error>>(())
//! # }).unwrap();
//! ```

use core::time::Duration;
use std::sync::{Mutex, PoisonError};

use apptheory_core::limiter::{
    self, Attempt, Decided, Decision, DecisionId, Limiter, RateLimitKey, Recall, UsageStats,
};
use apptheory_core::time::Timestamp;

use crate::clock::{Clock, SystemClock};
use crate::execute::{StoreExecutor, drive};
use crate::ids::{IdSource, RandomIds};
use crate::layer::{DECISION_BUDGET, Deadline};

/// A [`Limiter`] that decides: over an executor, by a clock, with what this instance remembers.
///
/// Make one per limit and process, and share it: the memory is what saves store calls.
#[derive(Debug)]
pub struct RateLimiter<X, C = SystemClock> {
    limiter: Limiter,
    executor: X,
    clock: C,
    ids: Box<dyn IdSource>,
    recall: Mutex<Recall>,
    budget: Duration,
}

impl<X> RateLimiter<X> {
    /// Makes a limiter over `executor`, by the system clock.
    pub fn new(limiter: Limiter, executor: X) -> Self {
        Self {
            limiter,
            executor,
            clock: SystemClock,
            ids: Box::new(RandomIds),
            recall: Mutex::default(),
            budget: DECISION_BUDGET,
        }
    }
}

impl<X, C> RateLimiter<X, C> {
    /// Uses another clock. It says when a decision began and when the store's answers arrived,
    /// and not the executor's: sliding windows compare the two.
    pub fn with_clock<D: Clock>(self, clock: D) -> RateLimiter<X, D> {
        let Self { limiter, executor, ids, recall, budget, .. } = self;
        RateLimiter { limiter, executor, clock, ids, recall, budget }
    }

    /// Takes decision ids from elsewhere.
    #[must_use]
    pub fn with_ids(self, ids: impl IdSource + 'static) -> Self {
        Self { ids: Box::new(ids), ..self }
    }

    /// Gives each call another time, instead of [`DECISION_BUDGET`]. A store that has
    /// not answered by then counts as failed with a time-out.
    #[must_use]
    pub fn with_budget(self, budget: Duration) -> Self {
        Self { budget, ..self }
    }

    #[cfg(feature = "tower")]
    pub(crate) const fn clock(&self) -> &C {
        &self.clock
    }

    /// Returns the limiter's configuration.
    pub fn limiter(&self) -> &Limiter {
        &self.limiter
    }
}

impl<X: StoreExecutor, C> RateLimiter<X, C> {
    /// As [`check_and_increment`](Self::check_and_increment), by a clock of the caller's.
    pub(crate) async fn check_and_increment_by<D: Clock>(
        &self,
        clock: &D,
        attempt: Attempt,
    ) -> Result<Decision, limiter::Error> {
        let machine = self.with_recall(|recall| self.limiter.check_and_increment(attempt, recall));
        let in_time = Deadline::after(&self.executor, clock, self.budget);
        let decided = drive(machine, &in_time).await;
        self.conclude(decided)
    }

    /// Makes an attempt as of `now`, of cost 1, with an id of its own.
    pub(crate) fn attempt_at(&self, key: RateLimitKey, now: Timestamp) -> Attempt {
        Attempt::new(key, now).with_id(DecisionId(self.ids.next_id()))
    }

    fn conclude(&self, decided: Decided) -> Result<Decision, limiter::Error> {
        self.with_recall(|recall| recall.learn(decided.learned));
        decided.decision
    }

    fn with_recall<T>(&self, look: impl FnOnce(&mut Recall) -> T) -> T {
        // Forgetting is harmless, so whatever a panic left behind is still good to use.
        look(&mut self.recall.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl<X: StoreExecutor, C: Clock> RateLimiter<X, C> {
    /// Makes an attempt on `key` as of now, of cost 1, with an id of its own.
    pub fn attempt(&self, key: RateLimitKey) -> Attempt {
        self.attempt_at(key, self.clock.now())
    }

    /// Decides on a request and counts it if it is allowed.
    ///
    /// # Errors
    ///
    /// [`limiter::Error`] when the store gave no answer and the limiter fails closed.
    pub async fn check_and_increment(&self, attempt: Attempt) -> Result<Decision, limiter::Error> {
        self.check_and_increment_by(&self.clock, attempt).await
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

    /// Counts a request without deciding on it.
    ///
    /// # Errors
    ///
    /// [`limiter::Error`] when the store gave no answer, under either policy.
    pub async fn record(&self, attempt: Attempt) -> Result<(), limiter::Error> {
        let machine = self.with_recall(|recall| self.limiter.record(attempt, recall));
        drive(machine, &self.in_time()).await
    }

    /// Reads what is used of a key's limits.
    ///
    /// # Errors
    ///
    /// [`limiter::Error`] when the store gave no answer, under either policy.
    pub async fn usage(&self, key: RateLimitKey) -> Result<UsageStats, limiter::Error> {
        drive(self.limiter.usage(key, self.clock.now()), &self.in_time()).await
    }

    fn in_time(&self) -> Deadline<&X, &C> {
        Deadline::after(&self.executor, &self.clock, self.budget)
    }
}

#[cfg(test)]
mod tests {
    use apptheory_core::limiter::SlidingWindow;
    use apptheory_core::machine::Effect;

    use super::*;
    use crate::clock::ManualClock;
    use crate::execute::Execute;
    use crate::store::MemoryStore;

    /// A store with a clock that stands still, while every call takes 300 ms by the limiter's.
    struct Elsewhere {
        store: MemoryStore,
        clock: ManualClock,
    }

    impl<E> Execute<E> for Elsewhere
    where
        E: Effect<Outcome: Send> + Sync,
        MemoryStore: Execute<E>,
    {
        async fn execute(&self, effect: &E) -> E::Outcome {
            self.clock.advance(Duration::from_millis(300));
            self.store.execute(effect).await
        }
    }

    #[tokio::test]
    async fn answers_are_late_by_the_limiters_clock_whatever_the_stores_shows() {
        let second = Duration::from_secs(1);
        let sliding = SlidingWindow::new(Duration::from_secs(3), second, 1).unwrap();
        let limiter = Limiter::fail_closed(sliding).build();
        let clock = ManualClock::new(Timestamp::from_unix_seconds(1_767_225_630));
        let next = clock.now().saturating_add(second);
        clock.advance(Duration::from_millis(400));
        let elsewhere = ManualClock::new(Timestamp::UNIX_EPOCH);
        let store = MemoryStore::new(elsewhere).with_table(limiter.table());
        let store = Elsewhere { store, clock: clock.clone() };
        let limiter =
            RateLimiter::new(limiter, store).with_clock(clock).with_budget(Duration::from_secs(9));
        let key = RateLimitKey::new("tenant-7", "/orders", "POST").unwrap();
        // Its write is answered when the sub-window has ended, so it counts once more in the next.
        // The first count stays, and leaves no room.
        let decision = limiter.check_and_increment(limiter.attempt(key)).await.unwrap();
        assert_eq!(decision.window.unwrap().start, next);
        assert!(!decision.allowed);
    }
}
