//! Operations of tests in a world.

use core::num::NonZeroU32;
use core::sync::atomic::{AtomicU64, Ordering};

use apptheory::limiter::{
    self, Attempt, Decided, Decision, DecisionId, Limiter, RateLimitKey, Recall,
};
use apptheory::machine::run;
use apptheory::store::OperationUsage;
use apptheory::testkit::World;
use apptheory::testkit::model::Admission;
use apptheory::time::Timestamp;

/// Decides on requests for [`the_key`], each at its instant, to which the clock is set.
pub trait Decide {
    /// Decides, and keeps what it learned.
    ///
    /// # Errors
    ///
    /// The limiter's error when it fails closed.
    fn decide_with(
        &mut self,
        limiter: &Limiter,
        request: Admission,
        recall: &mut Recall,
    ) -> Result<Decision, limiter::Error>;

    /// Decides without keeping anything.
    ///
    /// # Errors
    ///
    /// The limiter's error when it fails closed.
    fn decide(
        &mut self,
        limiter: &Limiter,
        request: Admission,
    ) -> Result<Decision, limiter::Error> {
        self.decide_with(limiter, request, &mut Recall::default())
    }

    /// Returns what [`decide`](Self::decide) would, without counting.
    ///
    /// # Errors
    ///
    /// The limiter's error when it fails closed.
    fn check(&mut self, limiter: &Limiter, request: Admission) -> Result<Decision, limiter::Error>;

    /// Returns the calls made and capacity consumed by `act`.
    fn spent<T>(&mut self, act: impl FnOnce(&mut Self) -> T) -> (T, OperationUsage);
}

impl Decide for World {
    fn decide_with(
        &mut self,
        limiter: &Limiter,
        request: Admission,
        recall: &mut Recall,
    ) -> Result<Decision, limiter::Error> {
        self.set_time(request.at);
        let machine = limiter.check_and_increment(attempt(&the_key(), request), recall);
        let Decided { decision, learned } = run(machine, self);
        recall.learn(learned);
        decision
    }

    fn check(&mut self, limiter: &Limiter, request: Admission) -> Result<Decision, limiter::Error> {
        self.set_time(request.at);
        run(limiter.check(attempt(&the_key(), request), &Recall::default()), self).decision
    }

    fn spent<T>(&mut self, act: impl FnOnce(&mut Self) -> T) -> (T, OperationUsage) {
        let before = self.memory().usage().clone();
        let result = act(self);
        (result, self.memory().usage().since(&before).total())
    }
}

/// Returns an attempt with a unique id.
#[must_use]
pub fn attempt(key: &RateLimitKey, request: Admission) -> Attempt {
    static ATTEMPTS: AtomicU64 = AtomicU64::new(0);
    let id = DecisionId(u128::from(ATTEMPTS.fetch_add(1, Ordering::Relaxed)) + 1);
    let cost = NonZeroU32::new(request.cost).unwrap_or(NonZeroU32::MIN);
    Attempt::new(key.clone(), request.at).with_cost(cost).with_id(id)
}

/// Returns the key of tests that need only one.
#[must_use]
pub fn the_key() -> RateLimitKey {
    key("tenant-7", "/orders")
}

/// Returns a key with an identifier and a resource.
#[must_use]
#[expect(clippy::expect_used, reason = "tests give texts that make a key")]
pub fn key(identifier: &str, resource: &str) -> RateLimitKey {
    RateLimitKey::new(identifier, resource, "POST").expect("three texts without separators")
}

/// Returns the instant a number of seconds after 1970.
#[must_use]
pub fn seconds(since_1970: i64) -> Timestamp {
    Timestamp::from_unix_seconds(since_1970)
}

/// Returns the instant a number of nanoseconds after 1970.
#[must_use]
#[expect(clippy::expect_used, reason = "tests stay within the years 0001 to 9999")]
pub fn nanos(since_1970: i128) -> Timestamp {
    Timestamp::from_unix_nanos(since_1970).expect("an instant in range")
}
