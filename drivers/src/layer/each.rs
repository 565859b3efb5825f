//! A time for every call, instead of one for all.

use core::time::Duration;

use apptheory_core::store::StoreEffect;
use apptheory_core::time::Timestamp;

use super::Deadline;
use crate::clock::Clock;
use crate::execute::Execute;

/// Gives every call of the store the same time, so that there is some left to ask again.
pub(crate) struct EachInTime<'x, X, C> {
    pub(crate) executor: &'x X,
    pub(crate) clock: &'x C,
    pub(crate) budget: Duration,
    /// When no call has any time left, if there is such an instant.
    pub(crate) ends_at: Option<Timestamp>,
}

impl<E, X, C> Execute<E> for EachInTime<'_, X, C>
where
    E: StoreEffect<Outcome: Send> + Send + Sync,
    X: Execute<E>,
    C: Clock,
{
    async fn execute(&self, effect: &E) -> E::Outcome {
        let budgeted = self.clock.now().saturating_add(self.budget);
        let ends_at = self.ends_at.map_or(budgeted, |ends_at| ends_at.min(budgeted));
        Deadline::at(self.executor, self.clock, ends_at).execute(effect).await
    }
}
