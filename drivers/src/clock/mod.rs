//! Clocks: the one place where time enters.
//!
//! Executors are generic over their [`Clock`], so that a test can hold time still.
//!
//! ```
//! use core::time::Duration;
//! use apptheory::clock::{Clock, ManualClock};
//! use apptheory::time::Timestamp;
//!
//! let clock = ManualClock::new(Timestamp::UNIX_EPOCH);
//! let same = clock.clone();
//! clock.advance(Duration::from_secs(60));
//! assert_eq!(same.now().unix_seconds(), 60);
//! ```

mod shared;
mod virtual_time;

use core::future::{Future, poll_fn};
use core::pin::pin;
use core::task::Poll;
use core::time::Duration;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use apptheory_core::time::Timestamp;

pub use shared::SharedClock;
pub use virtual_time::VirtualClock;

/// Reads the time, and waits until later.
pub trait Clock: Send + Sync {
    /// The present instant.
    fn now(&self) -> Timestamp;

    /// Waits for `duration`, and says what time it is then.
    fn sleep(&self, duration: Duration) -> impl Future<Output = Timestamp> + Send;
}

impl<C: Clock> Clock for &C {
    fn now(&self) -> Timestamp {
        (**self).now()
    }

    fn sleep(&self, duration: Duration) -> impl Future<Output = Timestamp> + Send {
        (**self).sleep(duration)
    }
}

/// The outcome of `work`, or `None` when `alarm` goes off first. Work is looked at first: an outcome
/// that is there counts.
pub(crate) async fn before<F: Future>(alarm: impl Future, work: F) -> Option<F::Output> {
    let (mut work, mut alarm) = (pin!(work), pin!(alarm));
    poll_fn(|context| match work.as_mut().poll(context) {
        Poll::Ready(outcome) => Poll::Ready(Some(outcome)),
        Poll::Pending => alarm.as_mut().poll(context).map(|_| None),
    })
    .await
}

/// The clock of the machine. It sleeps on tokio's timer, so it needs a runtime with time enabled.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the system clock")]
    fn now(&self) -> Timestamp {
        let now = SystemTime::now();
        match now.duration_since(UNIX_EPOCH) {
            Ok(since) => Timestamp::UNIX_EPOCH.saturating_add(since),
            Err(before) => Timestamp::UNIX_EPOCH.saturating_sub(before.duration()),
        }
    }

    #[expect(clippy::disallowed_methods, reason = "the one place that sleeps on the real timer")]
    async fn sleep(&self, duration: Duration) -> Timestamp {
        tokio::time::sleep(duration).await;
        self.now()
    }
}

/// A clock that moves only when told to. Sleeping moves it and returns at once: for tests in which
/// nothing happens at the same time. [`VirtualClock`] is for those in which something does. Clones
/// share the same time.
///
/// It is for stores in this process. Over a network every deadline is over at once: the time that an
/// answer takes does not pass on this clock, and the sleep that races it ends without waiting, so
/// that each call counts as timed out. Use [`SystemClock`] there.
#[derive(Clone, Debug)]
pub struct ManualClock(Arc<Mutex<Timestamp>>);

impl ManualClock {
    /// Makes a clock that stands at `now`.
    #[must_use]
    pub fn new(now: Timestamp) -> Self {
        Self(Arc::new(Mutex::new(now)))
    }

    /// Sets the time, also backwards.
    pub fn set(&self, now: Timestamp) {
        self.update(|_| now);
    }

    /// Moves the time forward.
    pub fn advance(&self, by: Duration) {
        self.update(|now| now.saturating_add(by));
    }

    fn update(&self, change: impl FnOnce(Timestamp) -> Timestamp) -> Timestamp {
        // A panic elsewhere cannot leave a `Timestamp` half-written: poisoning says nothing here.
        let mut now = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *now = change(*now);
        *now
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        self.update(|now| now)
    }

    async fn sleep(&self, duration: Duration) -> Timestamp {
        self.update(|now| now.saturating_add(duration))
    }
}
