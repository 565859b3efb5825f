//! Planned faults, for tests.

use core::sync::atomic::{AtomicU64, Ordering};
use std::collections::BTreeMap;

use apptheory_core::store::{self, StoreEffect};

use crate::execute::Execute;

/// A fault of a store call.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Fault {
    /// The error that the caller gets.
    pub error: store::Error,
    /// Whether the call is made and only its reply is lost.
    pub applied: bool,
}

impl Fault {
    /// The call is made, but its reply is lost.
    pub const REPLY_LOST: Self = Self { error: store::Error::Timeout, applied: true };
    /// The call does not reach the store.
    pub const NOT_APPLIED: Self = Self { error: store::Error::Unavailable, applied: false };
    /// The call is throttled because of the table's throughput.
    pub const THROTTLED: Self = Self { error: store::Error::Throttled, applied: false };
    /// The call is refused because a transaction holds the item.
    pub const CONFLICT: Self = Self { error: store::Error::Conflict, applied: false };

    /// All four faults.
    pub const ALL: [Self; 4] =
        [Self::REPLY_LOST, Self::NOT_APPLIED, Self::THROTTLED, Self::CONFLICT];
}

/// Which store calls fail, by their number; the first call is number 1.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct FaultPlan {
    faults: BTreeMap<u64, Fault>,
}

impl FaultPlan {
    /// Makes call number `call` fail with `error` without executing it. The last plan for a number
    /// counts.
    #[must_use]
    pub fn fail(self, call: u64, error: store::Error) -> Self {
        self.plan(call, Fault { error, applied: false })
    }

    /// Executes call number `call`, but loses its reply and returns `error`. The last plan for a
    /// number counts.
    #[must_use]
    pub fn lose_reply(self, call: u64, error: store::Error) -> Self {
        self.plan(call, Fault { error, applied: true })
    }

    fn plan(mut self, call: u64, fault: Fault) -> Self {
        self.faults.insert(call, fault);
        self
    }
}

/// Injects planned faults into store calls. Effects that cannot fail, such as
/// [`Sleep`](apptheory_core::store::Sleep), are neither counted nor changed.
///
/// ```
/// # use apptheory::execute::Execute;
/// # use apptheory::store::{self, Answered, GetItem, Item, Key, Value};
/// # use apptheory::time::Timestamp;
/// # struct Empty;
/// # impl Execute<GetItem> for Empty {
/// #     async fn execute(&self, _: &GetItem) -> store::Outcome<Option<Item>> {
/// #         Ok(Answered { answer: None, at: Timestamp::UNIX_EPOCH })
/// #     }
/// # }
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// use apptheory::layer::{FaultPlan, Faulty};
///
/// let store = Faulty::new(Empty, FaultPlan::default().fail(1, store::Error::Throttled));
/// let key = Key::of("ID", Value::from("e1"));
/// let order = GetItem { table: "events".into(), key, consistent: true };
/// assert_eq!(store.execute(&order).await, Err(store::Error::Throttled));
/// assert_eq!(store.execute(&order).await.map(|read| read.answer), Ok(None));
/// # });
/// ```
#[derive(Debug)]
pub struct Faulty<X> {
    inner: X,
    plan: FaultPlan,
    calls: AtomicU64,
}

impl<X> Faulty<X> {
    /// Wraps `inner` with a plan; the next call is number 1.
    pub const fn new(inner: X, plan: FaultPlan) -> Self {
        Self { inner, plan, calls: AtomicU64::new(0) }
    }

    /// Returns the fault planned for the next call, with its outcome.
    fn next_fault<E: StoreEffect>(&self) -> Option<(Fault, E::Outcome)> {
        let call = self.calls.fetch_add(1, Ordering::Relaxed).saturating_add(1);
        let fault = *self.plan.faults.get(&call)?;
        Some((fault, E::failed(fault.error)?))
    }
}

impl<E, X> Execute<E> for Faulty<X>
where
    E: StoreEffect<Outcome: Send> + Sync,
    X: Execute<E>,
{
    async fn execute(&self, effect: &E) -> E::Outcome {
        let planned = if E::is_call() { self.next_fault::<E>() } else { None };
        let Some((fault, failed)) = planned else {
            return self.inner.execute(effect).await;
        };
        if fault.applied {
            drop(self.inner.execute(effect).await); // the reply that is lost
        }
        failed
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layer::testing::{Answering, block_on, counted, increment, nap, twice};

    #[test]
    fn a_failed_call_is_not_made() {
        let plan = FaultPlan::default().fail(1, store::Error::Throttled);
        let store = Faulty::new(Answering::new(), plan);
        let outcomes = block_on(twice(&store));
        assert_eq!(outcomes, [Err(store::Error::Throttled), counted(1)]);
    }

    #[test]
    fn a_lost_reply_leaves_its_write_behind() {
        let plan = FaultPlan::default().lose_reply(2, store::Error::Timeout);
        let store = Faulty::new(Answering::new(), plan);
        let outcomes = block_on(twice(&store));
        assert_eq!(outcomes, [counted(1), Err(store::Error::Timeout)]);
        assert_eq!(store.inner.applied(), 2);
    }

    #[test]
    fn sleeps_take_no_number() {
        let plan = FaultPlan::default().fail(1, store::Error::Unavailable);
        let store = Faulty::new(Answering::new(), plan);
        block_on(async {
            assert_eq!(store.execute(&nap(3)).await.unix_seconds(), 3);
            assert_eq!(store.execute(&increment()).await, Err(store::Error::Unavailable));
            assert_eq!(store.execute(&nap(3)).await.unix_seconds(), 6);
            assert_eq!(store.execute(&increment()).await, counted(1));
        });
    }
}
