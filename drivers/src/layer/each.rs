//! A time limit for each call, within one for all calls.

use core::time::Duration;

use apptheory_core::store::StoreEffect;
use apptheory_core::time::Timestamp;

use super::Deadline;
use crate::clock::Clock as _;
use crate::execute::Execute;
use crate::store::Store;

/// Gives each call to the store the same time limit, so that there is time left to try again.
pub(crate) struct EachInTime<'s> {
    store: &'s Store,
    budget: Duration,
    ends_at: Option<Timestamp>,
}

impl<'s> EachInTime<'s> {
    /// Also ends all calls at `ends_at`, if set.
    pub(crate) const fn new(
        store: &'s Store,
        budget: Duration,
        ends_at: Option<Timestamp>,
    ) -> Self {
        Self { store, budget, ends_at }
    }
}

impl<E> Execute<E> for EachInTime<'_>
where
    E: StoreEffect<Outcome: Send> + Send + Sync,
    Store: Execute<E>,
{
    async fn execute(&self, effect: &E) -> E::Outcome {
        let clock = self.store.clock();
        let budgeted = clock.now().saturating_add(self.budget);
        let ends_at = self.ends_at.map_or(budgeted, |ends_at| ends_at.min(budgeted));
        Deadline::at(self.store, clock, ends_at).execute(effect).await
    }
}
