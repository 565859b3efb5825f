//! Instruments: what counts, and what is kept of it until it is written.

use core::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use apptheory_core::observe::emf::{Breakdown, Measurement};

/// The most values that a [`Histogram`] keeps between two flushes, for each combination of dimension
/// values. Those beyond are dropped, and counted: see
/// [`MetricsStats::dropped`](super::MetricsStats::dropped). It is as many as SQS puts in one batch.
pub const MAX_VALUES: usize = 10_000;

/// Counts how often something happens. Clones count the same.
///
/// Counting never waits and never allocates. A sum above 2^64 stays there.
#[derive(Clone, Debug)]
pub struct Counter {
    sums: Arc<[AtomicU64]>,
    at: usize,
}

/// Holds how much there is of something, such as jobs that wait: the value that was set last. Clones are
/// the same.
///
/// Setting never waits and never allocates.
#[derive(Clone, Debug)]
pub struct Gauge {
    /// As bits.
    values: Arc<[AtomicU64]>,
    at: usize,
    lost: Arc<Lost>,
}

/// Keeps every value, so that CloudWatch can tell percentiles. Clones are the same.
///
/// Recording waits for others that record the same at that moment, and allocates only when it keeps
/// more values than ever before.
#[derive(Clone, Debug)]
pub struct Histogram {
    values: Arc<[Mutex<Vec<Measurement>>]>,
    at: usize,
    lost: Arc<Lost>,
}

/// Instruments of one name, one for each combination of dimension values.
#[derive(Clone, Debug)]
pub struct By<I, const N: usize> {
    breakdown: Arc<Breakdown>,
    instrument: I,
    at: fn(&I, usize) -> I,
}

/// What was measured and will not be written.
#[derive(Debug, Default)]
pub(super) struct Lost {
    /// Values that CloudWatch does not take.
    pub(super) refused: AtomicU64,
    /// Values that there was no room for.
    pub(super) dropped: AtomicU64,
}

/// What is kept of one metric, by combination.
pub(super) enum Cells {
    Counters(Arc<[AtomicU64]>),
    Gauges(Arc<[AtomicU64]>),
    Histograms(Arc<[Mutex<Vec<Measurement>>]>),
}

impl Counter {
    pub(super) fn cells(len: usize) -> Arc<[AtomicU64]> {
        (0..len).map(|_| AtomicU64::new(0)).collect()
    }

    pub(super) const fn new(sums: Arc<[AtomicU64]>) -> Self {
        Self { sums, at: 0 }
    }

    pub(super) fn at(&self, at: usize) -> Self {
        Self { at, ..self.clone() }
    }

    /// Adds to the sum.
    pub fn add(&self, count: u64) {
        if let Some(sum) = self.sums.get(self.at) {
            add(sum, count);
        }
    }
}

impl Gauge {
    pub(super) fn cells(len: usize) -> Arc<[AtomicU64]> {
        (0..len).map(|_| AtomicU64::new(UNSET)).collect()
    }

    pub(super) const fn new(values: Arc<[AtomicU64]>, lost: Arc<Lost>) -> Self {
        Self { values, at: 0, lost }
    }

    pub(super) fn at(&self, at: usize) -> Self {
        Self { at, ..self.clone() }
    }

    /// Sets the value. One that CloudWatch does not take, because it is infinite, no number or more
    /// than 2^360 from zero, changes nothing and is counted: see
    /// [`MetricsStats::refused`](super::MetricsStats::refused).
    pub fn set(&self, value: f64) {
        let Some(cell) = self.values.get(self.at) else { return };
        match Measurement::new(value) {
            Some(value) => cell.store(value.get().to_bits(), Ordering::Relaxed),
            None => add(&self.lost.refused, 1),
        }
    }
}

impl Histogram {
    pub(super) fn cells(len: usize) -> Arc<[Mutex<Vec<Measurement>>]> {
        (0..len).map(|_| Mutex::default()).collect()
    }

    pub(super) const fn new(values: Arc<[Mutex<Vec<Measurement>>]>, lost: Arc<Lost>) -> Self {
        Self { values, at: 0, lost }
    }

    pub(super) fn at(&self, at: usize) -> Self {
        Self { at, ..self.clone() }
    }

    /// Keeps a value. One that CloudWatch does not take, because it is infinite, no number or more
    /// than 2^360 from zero, is counted instead, as is one beyond [`MAX_VALUES`].
    pub fn record(&self, value: f64) {
        let Some(cell) = self.values.get(self.at) else { return };
        let Some(value) = Measurement::new(value) else { return add(&self.lost.refused, 1) };
        // A list is whole whatever panicked beside it.
        let mut values = cell.lock().unwrap_or_else(PoisonError::into_inner);
        if values.len() < MAX_VALUES { values.push(value) } else { add(&self.lost.dropped, 1) }
    }
}

impl<I, const N: usize> By<I, N> {
    pub(super) fn new(breakdown: Breakdown, instrument: I, at: fn(&I, usize) -> I) -> Self {
        Self { breakdown: Arc::new(breakdown), instrument, at }
    }

    /// Returns the instrument of these values, in the order of the dimensions. A value that was not
    /// declared counts as `_OTHER`. It allocates nothing.
    #[must_use]
    pub fn with(&self, values: [&str; N]) -> I {
        (self.at)(&self.instrument, self.breakdown.index_of(values))
    }
}

impl Cells {
    /// Appends what is kept for a combination, and begins anew.
    pub(super) fn take(&self, combination: usize, taken: &mut Vec<Measurement>) {
        match self {
            Self::Counters(sums) => {
                let sum = sums.get(combination).map_or(0, |sum| sum.swap(0, Ordering::Relaxed));
                if sum > 0 {
                    taken.push(Measurement::of_count(sum));
                }
            }
            Self::Gauges(values) => {
                let value = values.get(combination).map(|v| v.swap(UNSET, Ordering::Relaxed));
                // What marks an unset gauge is no number, and no measurement.
                taken.extend(value.map(f64::from_bits).and_then(Measurement::new));
            }
            Self::Histograms(values) => {
                if let Some(values) = values.get(combination) {
                    taken.append(&mut values.lock().unwrap_or_else(PoisonError::into_inner));
                }
            }
        }
    }
}

/// The bits of a gauge that nothing was set on.
const UNSET: u64 = f64::NAN.to_bits();

fn add(sum: &AtomicU64, count: u64) {
    let add = |sum: u64| Some(sum.saturating_add(count));
    // It cannot fail: there is a next value for every one.
    let _ = sum.fetch_update(Ordering::Relaxed, Ordering::Relaxed, add);
}
