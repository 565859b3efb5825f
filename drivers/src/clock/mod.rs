//! Clocks. Nothing else reads the time.
//!
//! Executors are generic over their [`Clock`], so that tests can control time.
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

/// Returns the current time, and sleeps. Implement it for a clock of your own; tests use
/// [`ManualClock`] or [`VirtualClock`].
pub trait Clock: Send + Sync {
    /// Returns the current instant.
    fn now(&self) -> Timestamp;

    /// Sleeps for `duration`, and returns the instant afterwards.
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

/// Returns the output of `work`; `None` if `alarm` completes first. If both are ready, `work`
/// counts.
pub(crate) async fn before<F: Future>(alarm: impl Future, work: F) -> Option<F::Output> {
    let (mut work, mut alarm) = (pin!(work), pin!(alarm));
    poll_fn(|context| match work.as_mut().poll(context) {
        Poll::Ready(outcome) => Poll::Ready(Some(outcome)),
        Poll::Pending => alarm.as_mut().poll(context).map(|_| None),
    })
    .await
}

/// The system clock. It sleeps on tokio's timer, so it needs a runtime with time enabled.
///
/// ```
/// use apptheory::clock::{Clock, SystemClock};
///
/// assert!(SystemClock.now().unix_seconds() > 1_700_000_000);
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the only reader of the system clock")]
    fn now(&self) -> Timestamp {
        let now = SystemTime::now();
        match now.duration_since(UNIX_EPOCH) {
            Ok(since) => Timestamp::UNIX_EPOCH.saturating_add(since),
            Err(before) => Timestamp::UNIX_EPOCH.saturating_sub(before.duration()),
        }
    }

    #[expect(clippy::disallowed_methods, reason = "the only sleep on the real timer")]
    async fn sleep(&self, duration: Duration) -> Timestamp {
        tokio::time::sleep(duration).await;
        self.now()
    }
}

/// A clock that a test sets by hand. A sleep advances it and returns at once. Use it in tests
/// without concurrency, and [`VirtualClock`] in tests with concurrency. Clones share the same time.
///
/// Use it only with stores in this process. Over a network every call would time out at once: no
/// time passes on this clock while a response is on its way, and the timeout's sleep returns
/// immediately. Use [`SystemClock`] there.
///
/// ```
/// use core::time::Duration;
///
/// use apptheory::clock::{Clock, ManualClock};
/// use apptheory::time::Timestamp;
///
/// let clock = ManualClock::new(Timestamp::UNIX_EPOCH);
/// clock.advance(Duration::from_secs(90));
/// assert_eq!(clock.now().unix_seconds(), 90);
/// ```
#[derive(Clone, Debug)]
pub struct ManualClock(Arc<Mutex<Timestamp>>);

impl ManualClock {
    /// Creates a clock that shows `now`.
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
        // A panic cannot leave a `Timestamp` half-written, so a poisoned lock is still consistent.
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
