//! Counting store calls.

use core::future::Future;
use core::sync::atomic::{AtomicU64, Ordering};

use apptheory_core::store::StoreEffect;

use crate::execute::Execute;

/// Counts calls to the store. Effects that cannot fail, such as
/// [`Sleep`](apptheory_core::store::Sleep), are not calls.
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
/// use apptheory::layer::Counted;
///
/// let store = Counted::new(Empty);
/// let key = Key::of("ID", Value::from("e1"));
/// let order = GetItem { table: "events".into(), key, consistent: true };
/// assert_eq!(store.execute(&order).await.map(|read| read.answer), Ok(None));
/// assert_eq!(store.calls(), 1);
/// # });
/// ```
#[derive(Debug, Default)]
pub struct Counted<X> {
    inner: X,
    calls: AtomicU64,
}

impl<X> Counted<X> {
    /// Wraps `inner` with a count of 0.
    pub const fn new(inner: X) -> Self {
        Self { inner, calls: AtomicU64::new(0) }
    }

    /// Returns the number of calls so far, including those without a reply.
    pub fn calls(&self) -> u64 {
        self.calls.load(Ordering::Relaxed)
    }

    /// Returns the wrapped executor.
    pub const fn inner(&self) -> &X {
        &self.inner
    }
}

impl<E: StoreEffect, X: Execute<E>> Execute<E> for Counted<X> {
    fn execute(&self, effect: &E) -> impl Future<Output = E::Outcome> + Send {
        if E::is_call() {
            self.calls.fetch_add(1, Ordering::Relaxed);
        }
        self.inner.execute(effect)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layer::testing::{Answering, block_on, increment, nap};

    #[test]
    fn sleeps_are_not_counted_as_calls() {
        let store = Counted::new(Answering::new());
        block_on(async {
            assert!(store.execute(&increment()).await.is_ok());
            store.execute(&nap(1)).await;
            assert!(store.execute(&increment()).await.is_ok());
        });
        assert_eq!(store.calls(), 2);
        assert_eq!(store.inner().applied(), 2);
    }
}
