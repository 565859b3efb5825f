//! Sources of ids. Nothing else draws random numbers.
//!
//! ```
//! use apptheory::ids::{IdSource, SequentialIds};
//!
//! let ids = SequentialIds::default();
//! assert_eq!((ids.next_id(), ids.next_id()), (1, 2));
//! ```

#[cfg(feature = "local")]
mod stock;

use core::fmt;
use core::sync::atomic::{AtomicU64, Ordering};
use std::sync::Arc;

use apptheory_core::eventbus::{Event, Ulid, UlidGenerator};
use apptheory_core::time::Timestamp;
use uuid::Uuid;

use crate::clock::Clock as _;
use crate::snapshot::Forgotten;
use crate::store::Store;

/// Generates unique ids. Implement it for ids of your own format; tests use [`SequentialIds`].
pub trait IdSource: fmt::Debug + Send + Sync {
    /// Returns the next id.
    fn next_id(&self) -> u128;

    /// Returns the next id as text: 32 lower-case hexadecimal digits.
    fn next_text(&self) -> String {
        format!("{:032x}", self.next_id())
    }
}

/// Generates 122 random bits per id (UUID version 4), from the operating system's generator.
#[derive(Clone, Copy, Debug, Default)]
pub struct RandomIds;

impl IdSource for RandomIds {
    fn next_id(&self) -> u128 {
        Uuid::new_v4().as_u128()
    }

    fn next_text(&self) -> String {
        text(Uuid::new_v4())
    }
}

/// Returns an id as text, faster than the formatter of numbers.
fn text(id: Uuid) -> String {
    id.simple().encode_lower(&mut Uuid::encode_buffer()).to_owned()
}

/// The ids of an application.
#[derive(Clone, Debug, Default)]
pub(crate) enum AppIds {
    /// Those of [`RandomIds`].
    #[default]
    Random,
    /// The same, of which the operating system is asked for many at once. A process that is
    /// restored from a snapshot would repeat those that it had not used, so this is not for Lambda.
    #[cfg(feature = "local")]
    Stocked,
    /// The application's own.
    Own(Arc<dyn IdSource>),
}

impl AppIds {
    pub(crate) fn next_text(&self) -> String {
        match self {
            Self::Random => RandomIds.next_text(),
            #[cfg(feature = "local")]
            Self::Stocked => text(stock::draw()),
            Self::Own(ids) => ids.next_text(),
        }
    }

    /// Returns ids that a local server draws faster, unless they are the application's own.
    #[cfg(feature = "local")]
    pub(crate) fn stocked(&self) -> Self {
        match self {
            Self::Random | Self::Stocked => Self::Stocked,
            Self::Own(ids) => Self::Own(Arc::clone(ids)),
        }
    }
}

/// Generates 1, 2, 3, …, for tests.
#[derive(Debug, Default)]
pub struct SequentialIds(AtomicU64);

impl IdSource for SequentialIds {
    fn next_id(&self) -> u128 {
        u128::from(self.0.fetch_add(1, Ordering::Relaxed).wrapping_add(1))
    }
}

/// Generates the ids of a bus's events: ULIDs in ascending order, also within one millisecond and
/// across threads, as long as the clock does not go back.
#[derive(Debug, Default)]
pub(crate) struct EventIds(Forgotten<UlidGenerator>);

/// An event's id, with the instant and the random bits that it was drawn with.
pub(crate) struct DrawnId {
    pub(crate) id: Ulid,
    pub(crate) now: Timestamp,
    pub(crate) entropy: u128,
}

impl EventIds {
    /// Draws the id of a new event.
    pub(crate) fn draw(&self, store: &Store) -> DrawnId {
        let entropy = store.ids().next_id();
        self.0.with(UlidGenerator::default, |last| {
            // Reads the clock under the lock: no thread sees an earlier instant than that of the id
            // before.
            let now = store.clock().now();
            DrawnId { id: last.next(now, entropy), now, entropy }
        })
    }

    /// Gives the event an id if it has none, and draws the instant and the random bits that
    /// publishing takes.
    pub(crate) fn name(&self, event: Event, store: &Store) -> (Event, Timestamp, u128) {
        if !event.id.trim().is_empty() {
            return (event, store.clock().now(), store.ids().next_id());
        }
        let DrawnId { id, now, entropy } = self.draw(store);
        (Event { id: id.into(), ..event }, now, entropy)
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;
    use crate::clock::VirtualClock;

    #[cfg(feature = "local")]
    #[test]
    fn ids_of_a_stock_are_random_uuids_on_every_thread() {
        let ids = AppIds::default().stocked();
        let draw = || (0..200).map(|_| ids.next_text()).collect::<Vec<_>>();
        let mut drawn = thread::scope(|scope| {
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(draw)).collect();
            threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect::<Vec<_>>()
        });
        for id in &drawn {
            let id = Uuid::try_parse(id).unwrap();
            assert_eq!(id.get_version_num(), 4, "{id}");
        }
        drawn.sort_unstable();
        drawn.dedup();
        assert_eq!(drawn.len(), 800);
        let own = AppIds::Own(Arc::new(SequentialIds::default())).stocked();
        assert_eq!(own.next_text(), format!("{:032x}", 1));
    }

    #[test]
    fn ids_of_one_millisecond_rise_across_threads() {
        let clock = VirtualClock::new(Timestamp::from_unix_seconds(1_767_225_600));
        let (ids, store) = (EventIds::default(), Store::builder().clock(clock).memory());
        let draw = || (0..1000).map(|_| ids.draw(&store).id).collect::<Vec<_>>();
        let mut drawn = thread::scope(|scope| {
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(draw)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect::<Vec<_>>()
        });
        assert!(drawn.iter().all(|of_thread| of_thread.is_sorted_by(|a, b| a < b)));
        let last = drawn.iter().flatten().max().copied();
        let mut all: Vec<_> = drawn.drain(..).flatten().collect();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), 4000);
        assert!(Some(ids.draw(&store).id) > last);
    }
}
