//! Type-erased clocks.

use core::fmt;
use core::future::{Future, pending};
use core::pin::{Pin, pin};
use core::time::Duration;
use std::sync::Arc;

use apptheory_core::time::Timestamp;

use super::{Clock, before};

/// A type-erased clock. Clones share the same clock.
#[derive(Clone)]
pub struct SharedClock(Arc<dyn ErasedClock>);

impl SharedClock {
    /// Erases the type of a clock.
    pub fn new(clock: impl Clock + 'static) -> Self {
        Self(Arc::new(clock))
    }

    /// Sleeps until an instant; for `None`, forever.
    pub(crate) async fn sleep_until(&self, at: Option<Timestamp>) {
        match at {
            Some(at) => drop(self.sleep(Clock::now(self).until(at)).await),
            None => pending().await,
        }
    }

    /// Returns the output of `work`; `None` once it is `at`. Work that is already late does not
    /// start. Without an instant, `work` has no time limit.
    pub(crate) async fn race<F: Future>(
        &self,
        at: Option<Timestamp>,
        work: F,
    ) -> Option<F::Output> {
        // Pinned here, so that the future has room for the work once, not for each place that it
        // would be moved to.
        let work = pin!(work);
        let Some(at) = at else { return Some(work.await) };
        let left = Clock::now(self).until(at);
        if left.is_zero() {
            return None;
        }
        before(self.sleep(left), work).await
    }
}

impl Clock for SharedClock {
    fn now(&self) -> Timestamp {
        self.0.now()
    }

    fn sleep(&self, duration: Duration) -> impl Future<Output = Timestamp> + Send {
        self.0.boxed_sleep(duration)
    }
}

impl fmt::Debug for SharedClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SharedClock").finish()
    }
}

trait ErasedClock: Send + Sync {
    fn now(&self) -> Timestamp;

    fn boxed_sleep(
        &self,
        duration: Duration,
    ) -> Pin<Box<dyn Future<Output = Timestamp> + Send + '_>>;
}

impl<C: Clock> ErasedClock for C {
    fn now(&self) -> Timestamp {
        Clock::now(self)
    }

    fn boxed_sleep(
        &self,
        duration: Duration,
    ) -> Pin<Box<dyn Future<Output = Timestamp> + Send + '_>> {
        Box::pin(self.sleep(duration))
    }
}
