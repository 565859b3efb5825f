//! A clock of any type.

use core::fmt;
use core::future::{Future, pending};
use core::pin::Pin;
use core::time::Duration;
use std::sync::Arc;

use apptheory_core::time::Timestamp;

use super::{Clock, before};

/// Any clock, under one type. Clones are the same clock.
#[derive(Clone)]
pub struct SharedClock(Arc<dyn ErasedClock>);

impl SharedClock {
    /// Shares a clock.
    pub fn new(clock: impl Clock + 'static) -> Self {
        Self(Arc::new(clock))
    }

    /// Waits until an instant, and for `None` for ever.
    pub(crate) async fn sleep_until(&self, at: Option<Timestamp>) {
        match at {
            Some(at) => drop(self.sleep(Clock::now(self).until(at)).await),
            None => pending().await,
        }
    }

    /// The outcome of `work`, or `None` once it is `at`; work that comes later than that is not
    /// begun. For `None` there is no race.
    pub(crate) async fn race<F: Future>(
        &self,
        at: Option<Timestamp>,
        work: F,
    ) -> Option<F::Output> {
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
