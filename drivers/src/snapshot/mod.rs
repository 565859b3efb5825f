//! Snapshots of the process, as Lambda SnapStart takes them: what is in memory then is the same in all
//! processes that run on from it, and old.

#[cfg(feature = "_aws_sdk")]
mod aws;

use core::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

#[cfg(feature = "_aws_sdk")]
pub(crate) use aws::{config, http_client, identity_cache};

/// How often this process was restored. It is one for the process, since a snapshot is of all of it.
static RESTORES: AtomicU64 = AtomicU64::new(0);

/// Says that the process runs on from a snapshot.
#[cfg(feature = "lambda")]
pub(crate) fn restored() {
    RESTORES.fetch_add(1, Ordering::SeqCst);
}

/// A value that is forgotten when the process is restored from a snapshot.
#[derive(Debug, Default)]
pub(crate) struct Forgotten<T>(Mutex<Known<T>>);

#[derive(Debug, Default)]
struct Known<T> {
    restores: u64,
    value: T,
}

impl<T> Forgotten<T> {
    /// A value for as long as the process is not restored.
    #[cfg(feature = "_aws_sdk")]
    pub(crate) fn new(value: T) -> Self {
        let restores = RESTORES.load(Ordering::SeqCst);
        Self(Mutex::new(Known { restores, value }))
    }

    /// Calls a function with the value, which is made anew after a restore.
    pub(crate) fn with<R>(&self, anew: impl FnOnce() -> T, call: impl FnOnce(&mut T) -> R) -> R {
        // Nothing panics half-way through a change: poisoning says nothing.
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let restores = RESTORES.load(Ordering::SeqCst);
        if known.restores != restores {
            *known = Known { restores, value: anew() };
        }
        call(&mut known.value)
    }
}
