//! Sequential ids.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::ids::IdSource;

/// Generates sequential ids: as texts `test-id-1`, `test-id-2` and so on, as numbers 1, 2 and so
/// on, counted together. Clones share the same source.
///
/// ```
/// use apptheory::ids::IdSource;
/// use apptheory::testkit::TestIds;
///
/// let ids = TestIds::default();
/// ids.queue(["order-7"]);
/// assert_eq!([ids.next_text(), ids.next_text()], ["order-7", "test-id-1"]);
/// ```
#[derive(Clone, Debug, Default)]
pub struct TestIds(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    drawn: u64,
    queued: VecDeque<String>,
}

impl TestIds {
    /// Queues texts, each of which is used once before the numbered ones. They take no number.
    pub fn queue<T: Into<String>>(&self, ids: impl IntoIterator<Item = T>) {
        self.state().queued.extend(ids.into_iter().map(T::into));
    }

    /// Returns the number of queued texts that are left.
    #[must_use]
    pub fn queued(&self) -> usize {
        self.state().queued.len()
    }

    /// Clears the queue, and restarts with 1.
    pub fn reset(&self) {
        *self.state() = State::default();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing panics while the lock is held, so a poisoned lock is still consistent.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    const fn number(&mut self) -> u64 {
        self.drawn = self.drawn.saturating_add(1);
        self.drawn
    }
}

impl IdSource for TestIds {
    fn next_id(&self) -> u128 {
        self.state().number().into()
    }

    fn next_text(&self) -> String {
        let mut state = self.state();
        let queued = state.queued.pop_front();
        queued.unwrap_or_else(|| format!("test-id-{}", state.number()))
    }
}
