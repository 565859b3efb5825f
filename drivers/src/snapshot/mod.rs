//! Snapshots of the process, as Lambda SnapStart takes them. All processes that start from a
//! snapshot have the same memory, which may be old.

#[cfg(feature = "_aws_sdk")]
mod aws;

use core::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

#[cfg(feature = "_aws_sdk")]
pub(crate) use aws::{config, http_client, identity_cache};

/// How often this process was restored.
static RESTORES: AtomicU64 = AtomicU64::new(0);

/// Records that the process was restored from a snapshot.
#[cfg(feature = "lambda")]
pub(crate) fn restored() {
    RESTORES.fetch_add(1, Ordering::SeqCst);
}

/// A value that is discarded when the process is restored from a snapshot.
#[derive(Debug, Default)]
pub(crate) struct Forgotten<T>(Mutex<Known<T>>);

#[derive(Debug, Default)]
struct Known<T> {
    restores: u64,
    value: T,
}

impl<T> Forgotten<T> {
    /// Keeps a value until the process is restored.
    #[cfg(feature = "_aws_sdk")]
    pub(crate) fn new(value: T) -> Self {
        let restores = RESTORES.load(Ordering::SeqCst);
        Self(Mutex::new(Known { restores, value }))
    }

    /// Calls `call` with the value; after a restore, `anew` creates it again.
    pub(crate) fn with<R>(&self, anew: impl FnOnce() -> T, call: impl FnOnce(&mut T) -> R) -> R {
        // Nothing panics while the lock is held, so a poisoned lock is still consistent.
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let restores = RESTORES.load(Ordering::SeqCst);
        if known.restores != restores {
            *known = Known { restores, value: anew() };
        }
        call(&mut known.value)
    }
}
