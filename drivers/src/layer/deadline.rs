//! Deadlines for effects.

use core::time::Duration;

use apptheory_core::store::StoreEffect;
use apptheory_core::time::Timestamp;

use crate::clock::{Clock, before};
use crate::execute::Execute;

/// The default time limit of one decision: 250 ms.
pub const DECISION_BUDGET: Duration = Duration::from_millis(250);

/// Returns [`store::Error::Timeout`](apptheory_core::store::Error::Timeout) for every effect
/// without an outcome by a fixed instant.
///
/// An effect in progress is dropped then, together with its executor's timeouts and retries. A
/// later effect is not executed. A [`Sleep`](apptheory_core::store::Sleep) ends at the deadline at
/// the latest. If the clock is set back, no effect waits longer than the deadline was away at
/// first.
///
/// Arrival times in outcomes are read from this clock, not from the executor's, so that a machine
/// sees a single clock.
///
/// Deadlines nest: use one for the end of the invocation, and one for the budget of each decision.
///
/// ```
/// use core::time::Duration;
///
/// use apptheory::clock::{Clock, ManualClock};
/// use apptheory::execute::Execute;
/// use apptheory::layer::{Deadline, DECISION_BUDGET};
/// # use apptheory::store::{self, GetItem, Item, Key, Value};
/// # struct Slow;
/// # impl Execute<GetItem> for Slow {
/// #     async fn execute(&self, _: &GetItem) -> store::Outcome<Option<Item>> {
/// #         core::future::pending().await
/// #     }
/// # }
/// # let key = Key::of("ID", Value::from("e1"));
/// # let order = GetItem { table: "events".into(), key, consistent: true };
/// use apptheory::time::Timestamp;
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let clock = ManualClock::new(Timestamp::from_unix_seconds(1_767_225_600));
/// let invocation_ends = clock.now().saturating_add(Duration::from_secs(3));
/// let reserve = Duration::from_millis(500);
///
/// let store = Deadline::at(Slow, &clock, invocation_ends.saturating_sub(reserve));
/// let decision = store.within(DECISION_BUDGET);
/// assert_eq!(decision.execute(&order).await, Err(store::Error::Timeout));
/// assert_eq!(clock.now().to_string(), "2026-01-01T00:00:00.25Z");
/// # });
/// ```
#[derive(Clone, Debug)]
pub struct Deadline<X, C> {
    inner: X,
    clock: C,
    ends_at: Timestamp,
    /// The time until the deadline at creation.
    budget: Duration,
}

impl<X, C: Clock> Deadline<X, C> {
    /// Sets the deadline of `inner` to `ends_at` on `clock`. In a Lambda invocation, pass its
    /// deadline less the time that the response takes.
    pub fn at(inner: X, clock: C, ends_at: Timestamp) -> Self {
        let budget = clock.now().until(ends_at);
        Self { inner, clock, ends_at, budget }
    }

    /// Sets the deadline of `inner` to `budget` from now.
    pub fn after(inner: X, clock: C, budget: Duration) -> Self {
        let ends_at = clock.now().saturating_add(budget);
        Self { inner, clock, ends_at, budget }
    }

    /// Borrows the executor with a deadline at `budget` from now, capped at its own deadline. Use
    /// it for one decision.
    pub fn within(&self, budget: Duration) -> Deadline<&X, &C> {
        let ends_at = self.clock.now().saturating_add(budget).min(self.ends_at);
        let budget = budget.min(self.budget);
        Deadline { inner: &self.inner, clock: &self.clock, ends_at, budget }
    }

    /// Returns the deadline.
    pub const fn ends_at(&self) -> Timestamp {
        self.ends_at
    }

    fn left(&self) -> Duration {
        self.clock.now().until(self.ends_at).min(self.budget)
    }
}

impl<E, X, C> Execute<E> for Deadline<X, C>
where
    E: StoreEffect<Outcome: Send> + Send + Sync,
    X: Execute<E>,
    C: Clock,
{
    async fn execute(&self, effect: &E) -> E::Outcome {
        let left = self.left();
        let outcome = match effect.shortened_to(left) {
            Ok(shortened) => self.inner.execute(&shortened).await,
            Err(timeout) if left.is_zero() => timeout,
            // An outcome that is ready counts, even at the deadline itself.
            Err(timeout) => {
                // Most clocks box their sleeps. Create one only when the outcome is not ready at
                // once.
                let alarm = async { self.clock.sleep(left).await };
                let answer = before(alarm, self.inner.execute(effect)).await;
                answer.unwrap_or(timeout)
            }
        };
        E::arrived_at(outcome, self.clock.now())
    }
}

#[cfg(test)]
mod tests {
    use apptheory_core::store;

    use super::*;
    use crate::clock::{ManualClock, SystemClock};
    use crate::layer::testing::{Answering, Silent, block_on, counted, increment, nap};

    fn manual() -> ManualClock {
        ManualClock::new(Timestamp::UNIX_EPOCH)
    }

    #[test]
    fn an_answer_in_time_takes_no_time() {
        let clock = manual();
        let store = Deadline::after(Answering::new(), &clock, DECISION_BUDGET);
        assert_eq!(block_on(store.execute(&increment())), counted(1));
        assert_eq!(clock.now(), Timestamp::UNIX_EPOCH);
    }

    #[test]
    fn silence_ends_exactly_at_the_deadline() {
        let clock = manual();
        let store = Deadline::after(Silent, &clock, DECISION_BUDGET);
        assert_eq!(block_on(store.execute(&increment())), Err(store::Error::Timeout));
        assert_eq!(clock.now(), store.ends_at());
    }

    #[test]
    fn silence_ends_on_the_real_clock_too() {
        let store = Deadline::after(Silent, SystemClock, Duration::from_millis(5));
        assert_eq!(block_on(store.execute(&increment())), Err(store::Error::Timeout));
    }

    #[test]
    fn nothing_is_sent_once_the_time_is_up() {
        let clock = manual();
        let store = Deadline::after(Answering::new(), &clock, DECISION_BUDGET);
        clock.advance(DECISION_BUDGET);
        assert_eq!(block_on(store.execute(&increment())), Err(store::Error::Timeout));
        assert_eq!(store.inner.applied(), 0);
    }

    #[test]
    fn a_clock_that_is_set_back_buys_no_time() {
        let clock = manual();
        clock.advance(Duration::from_secs(3_600));
        let store = Deadline::after(Silent, &clock, DECISION_BUDGET);
        clock.set(Timestamp::UNIX_EPOCH);
        assert_eq!(block_on(store.execute(&increment())), Err(store::Error::Timeout));
        assert_eq!(clock.now(), Timestamp::UNIX_EPOCH.saturating_add(DECISION_BUDGET));
    }

    #[test]
    fn a_sleep_ends_at_the_deadline() {
        let world = Answering::new();
        let store = Deadline::after(&world, &world.clock, Duration::from_secs(5));
        block_on(async {
            assert_eq!(store.execute(&nap(3)).await.unix_seconds(), 3);
            assert_eq!(store.execute(&nap(3)).await, store.ends_at());
            assert_eq!(store.execute(&nap(3)).await, store.ends_at());
        });
    }

    #[test]
    fn outcomes_arrive_by_the_clock_of_the_deadline() {
        let clock = manual();
        clock.advance(Duration::from_secs(60));
        let store = Deadline::after(Answering::new(), &clock, DECISION_BUDGET);
        block_on(async {
            let updated = store.execute(&increment()).await.unwrap();
            assert_eq!(updated.at, clock.now());
            assert_eq!(store.execute(&nap(0)).await, clock.now());
        });
    }

    #[test]
    fn a_budget_never_outlives_what_it_is_taken_from() {
        let clock = manual();
        let invocation = Deadline::after(Silent, &clock, Duration::from_secs(1));
        assert_eq!(invocation.within(Duration::from_secs(9)).ends_at(), invocation.ends_at());
        clock.advance(Duration::from_millis(100));
        let decision = invocation.within(DECISION_BUDGET);
        assert_eq!(decision.ends_at(), clock.now().saturating_add(DECISION_BUDGET));
    }
}
