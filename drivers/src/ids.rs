//! Ids: the one place where randomness enters.
//!
//! ```
//! use apptheory::ids::{IdSource, SequentialIds};
//!
//! let ids = SequentialIds::default();
//! assert_eq!((ids.next_id(), ids.next_id()), (1, 2));
//! ```

use core::fmt;
use core::sync::atomic::{AtomicU64, Ordering};

/// Hands out ids that no one else hands out.
pub trait IdSource: fmt::Debug + Send + Sync {
    /// The next id.
    fn next_id(&self) -> u128;

    /// The next id as a text: 32 hexadecimal digits in lower case.
    fn next_text(&self) -> String {
        format!("{:032x}", self.next_id())
    }
}

/// 122 random bits each (UUID version 4), from the operating system's generator.
#[derive(Clone, Copy, Debug, Default)]
pub struct RandomIds;

impl IdSource for RandomIds {
    fn next_id(&self) -> u128 {
        uuid::Uuid::new_v4().as_u128()
    }
}

/// 1, 2, 3, …: for tests.
#[derive(Debug, Default)]
pub struct SequentialIds(AtomicU64);

impl IdSource for SequentialIds {
    fn next_id(&self) -> u128 {
        u128::from(self.0.fetch_add(1, Ordering::Relaxed).wrapping_add(1))
    }
}
