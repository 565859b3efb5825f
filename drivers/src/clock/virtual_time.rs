//! A clock whose time advances only while all tasks sleep.

use core::future::{Future, poll_fn};
use core::pin::pin;
use core::task::{Context, Poll, Waker};
use core::time::Duration;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Wake;

use apptheory_core::time::Timestamp;

use super::Clock;

/// A clock that jumps to the next sleeper's instant once no task has anything else to do. A test
/// that sleeps for an hour takes no time, and always runs in the same order. Clones share the same
/// time.
///
/// ```
/// use core::time::Duration;
/// use apptheory::clock::{Clock, VirtualClock};
/// use apptheory::time::Timestamp;
/// use futures_util::future::{Either, select};
///
/// let clock = VirtualClock::new(Timestamp::UNIX_EPOCH);
/// let first = clock.run(async {
///     let hour = Box::pin(clock.sleep(Duration::from_secs(3600)));
///     let second = Box::pin(clock.sleep(Duration::from_secs(1)));
///     matches!(select(hour, second).await, Either::Right(_))
/// });
/// assert!(first && clock.now().unix_seconds() == 1);
/// ```
#[derive(Clone, Debug)]
pub struct VirtualClock(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    now: Timestamp,
    /// Wakers by instant; for equal instants, in the order of falling asleep.
    sleepers: BTreeMap<(Timestamp, u64), Waker>,
    next_sleeper: u64,
}

impl VirtualClock {
    /// Creates a clock that shows `now`.
    #[must_use]
    pub fn new(now: Timestamp) -> Self {
        let state = State { now, sleepers: BTreeMap::new(), next_sleeper: 0 };
        Self(Arc::new(Mutex::new(state)))
    }

    /// Advances the clock, and wakes the sleepers whose instant has come.
    pub fn advance(&self, by: Duration) {
        let woken = {
            let mut state = self.state();
            state.now = state.now.saturating_add(by);
            let now = state.now;
            let later = state.sleepers.split_off(&(now, u64::MAX));
            core::mem::replace(&mut state.sleepers, later)
        };
        woken.into_values().for_each(Waker::wake);
    }

    /// Runs a future to its end on this thread. Whenever it waits for nothing but this clock, the
    /// clock jumps to the next sleeper's instant.
    ///
    /// A future that waits for something else, such as another thread, is polled repeatedly until
    /// that has happened. If a task sleeps meanwhile, the clock jumps, so a timeout around real I/O
    /// fires at once.
    pub fn run<F: Future>(&self, future: F) -> F::Output {
        let flag = Arc::new(Flag(AtomicBool::new(false)));
        let waker = Waker::from(Arc::clone(&flag));
        let mut context = Context::from_waker(&waker);
        let mut future = pin!(future);
        loop {
            if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
                return output;
            }
            if !flag.0.swap(false, Ordering::AcqRel) && !self.jump() {
                std::thread::yield_now();
            }
        }
    }

    /// Jumps to the next sleeper's instant; returns whether there is a sleeper.
    pub(crate) fn jump(&self) -> bool {
        let next = self.state().sleepers.first_key_value().map(|((until, _), _)| *until);
        let Some(until) = next else { return false };
        let by = self.now().until(until);
        self.advance(by);
        true
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing panics while the lock is held, so a poisoned lock is still consistent.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Clock for VirtualClock {
    fn now(&self) -> Timestamp {
        self.state().now
    }

    async fn sleep(&self, duration: Duration) -> Timestamp {
        let mut sleeper = Sleeper { clock: self, key: None };
        let until = self.now().saturating_add(duration);
        poll_fn(|context| sleeper.poll(until, context)).await
    }
}

/// One sleep; dropping it cancels the sleep.
struct Sleeper<'c> {
    clock: &'c VirtualClock,
    key: Option<(Timestamp, u64)>,
}

impl Sleeper<'_> {
    fn poll(&mut self, until: Timestamp, context: &Context<'_>) -> Poll<Timestamp> {
        let mut state = self.clock.state();
        if state.now >= until {
            return Poll::Ready(state.now);
        }
        let next = state.next_sleeper;
        let key = *self.key.get_or_insert((until, next));
        state.next_sleeper = next.wrapping_add(1);
        let former = state.sleepers.insert(key, context.waker().clone());
        // Dropping a waker may drop another sleeper, which takes the lock.
        drop(state);
        drop(former);
        Poll::Pending
    }
}

impl Drop for Sleeper<'_> {
    fn drop(&mut self) {
        if let Some(key) = self.key {
            let waker = self.clock.state().sleepers.remove(&key);
            drop(waker);
        }
    }
}

/// Whether the future was woken since the last poll.
struct Flag(AtomicBool);

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;
    use futures_util::future::{join, join3};

    use super::*;

    fn clock() -> VirtualClock {
        VirtualClock::new(Timestamp::UNIX_EPOCH)
    }

    #[test]
    fn sleepers_wake_in_the_order_of_their_instants() {
        let clock = clock();
        let log = Mutex::new(Vec::new());
        let nap = async |name, seconds| {
            let woken = clock.sleep(Duration::from_secs(seconds)).await;
            log.lock().unwrap().push((name, woken.unix_seconds()));
        };
        clock.run(join3(nap("b", 2), nap("a", 1), nap("c", 2)));
        assert_eq!(*log.lock().unwrap(), [("a", 1), ("b", 2), ("c", 2)]);
        assert!(clock.state().sleepers.is_empty());
    }

    #[test]
    fn ready_tasks_run_before_the_clock_moves_to_the_next_sleep() {
        let clock = clock();
        let advance = async {
            clock.advance(Duration::from_secs(90));
            clock.now().unix_seconds()
        };
        let (woken, advanced) = clock.run(join(clock.sleep(Duration::from_secs(60)), advance));
        assert_eq!((woken.unix_seconds(), advanced), (90, 90));
    }

    #[test]
    fn a_dropped_sleep_is_forgotten() {
        let clock = clock();
        clock.run(async {
            let mut sleep = Box::pin(clock.sleep(Duration::from_secs(9)));
            assert!((&mut sleep).now_or_never().is_none());
            drop(sleep);
        });
        assert!(clock.state().sleepers.is_empty());
        assert_eq!(clock.now(), Timestamp::UNIX_EPOCH);
    }
}
