//! What an application is told of, and no client: why an expectation may not hold.

use std::sync::{Arc, Mutex, PoisonError};

use crate::app::Failure;

/// What went wrong since it was last asked for.
#[derive(Clone, Debug, Default)]
pub(super) struct Failures(Arc<Mutex<Vec<String>>>);

impl Failures {
    /// A hook that keeps failures.
    pub(super) fn hook(&self) -> impl Fn(&Failure) + Send + Sync + 'static {
        let kept = Arc::clone(&self.0);
        move |failure| kept.lock().unwrap_or_else(PoisonError::into_inner).push(failure.to_string())
    }

    pub(super) fn take(&self) -> Vec<String> {
        // A text is pushed whole: poisoning says nothing here.
        core::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
