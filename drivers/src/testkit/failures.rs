//! Failures that are reported to the application and not to clients; they explain failed
//! expectations.

use std::sync::{Arc, Mutex, PoisonError};

use crate::app::Failure;

/// The failures since the last check.
#[derive(Clone, Debug, Default)]
pub(super) struct Failures(Arc<Mutex<Vec<String>>>);

impl Failures {
    /// Returns a hook that records failures.
    pub(super) fn hook(&self) -> impl Fn(&Failure) + Send + Sync + 'static {
        let kept = Arc::clone(&self.0);
        move |failure| kept.lock().unwrap_or_else(PoisonError::into_inner).push(failure.to_string())
    }

    pub(super) fn take(&self) -> Vec<String> {
        // A panic cannot leave a half-pushed text, so a poisoned lock is still consistent.
        core::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
