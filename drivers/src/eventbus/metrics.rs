//! The metrics hook of a bus.

use core::fmt;
use core::panic::AssertUnwindSafe;
use std::panic::catch_unwind;
use std::sync::Arc;

use apptheory_core::eventbus::BusMetric;

/// Receives the record of each concluded operation; by default nothing does.
#[derive(Clone, Default)]
pub(super) struct Metrics(Option<Arc<dyn Fn(BusMetric) + Send + Sync>>);

impl Metrics {
    pub(super) fn to(hook: impl Fn(BusMetric) + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(hook)))
    }

    pub(super) fn record(&self, record: Option<BusMetric>) {
        if let (Some(hook), Some(record)) = (&self.0, record) {
            // A metric must not fail an operation. The process's panic hook has already reported
            // the panic.
            drop(catch_unwind(AssertUnwindSafe(|| hook(record))));
        }
    }
}

// Closures have no `Debug` output.
impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "Metrics(set)" } else { "Metrics(none)" })
    }
}
