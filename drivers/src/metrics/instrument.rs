//! Instruments, and the values that they keep until a flush.

use core::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use apptheory_core::observe::emf::{Breakdown, Measurement};

/// The most values that a [`Histogram`] keeps between two flushes, per combination of dimension
/// values. Further values are dropped, and counted: see
/// [`MetricsStats::dropped`](super::MetricsStats::dropped). The number is the largest batch size of
/// SQS.
pub const MAX_VALUES: usize = 10_000;

/// Counts how often something happens. Clones share the same count.
///
/// Counting never waits and never allocates. The sum saturates at 2^64 − 1.
#[derive(Clone, Debug)]
pub struct Counter {
    sums: Arc<[AtomicU64]>,
    at: usize,
}

/// Holds a current amount, such as the number of waiting jobs: the last value that was set. Clones
/// share the same value.
///
/// Setting never waits and never allocates.
#[derive(Clone, Debug)]
pub struct Gauge {
    /// As bits.
    values: Arc<[AtomicU64]>,
    at: usize,
    lost: Arc<Lost>,
}

/// Keeps every value, so that CloudWatch can compute percentiles. Clones share the same values.
///
/// Recording waits only for concurrent recordings of the same histogram, and allocates only when it
/// keeps more values than ever before.
#[derive(Clone, Debug)]
pub struct Histogram {
    values: Arc<[Mutex<Vec<Measurement>>]>,
    at: usize,
    lost: Arc<Lost>,
}

/// Instruments of one name, one for each combination of dimension values.
///
/// ```
/// use apptheory::metrics::{Dimension, Metrics};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let metrics = Metrics::builder("Shop").build()?;
/// let method = Dimension::new("method", ["card", "cash"])?;
/// let payments = metrics.by([method]).counter("Payments")?;
/// payments.with(["card"]).add(1);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct By<I, const N: usize> {
    breakdown: Arc<Breakdown>,
    instrument: I,
    at: fn(&I, usize) -> I,
}

/// Values that are lost.
#[derive(Debug, Default)]
pub(super) struct Lost {
    /// The number of values that CloudWatch does not accept.
    pub(super) refused: AtomicU64,
    /// The number of values above the limit.
    pub(super) dropped: AtomicU64,
}

/// The measurements of a metric, by combination.
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

    /// Adds to the count.
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

    /// Sets the value. A value that CloudWatch does not accept (infinite, not a number, or beyond
    /// ±2^360) is ignored, and counted: see
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

    /// Records a value. A value that CloudWatch does not accept (infinite, not a number, or beyond
    /// ±2^360), or above [`MAX_VALUES`], is ignored, and counted.
    pub fn record(&self, value: f64) {
        let Some(cell) = self.values.get(self.at) else { return };
        let Some(value) = Measurement::new(value) else { return add(&self.lost.refused, 1) };
        // A list is complete even after a panic.
        let mut values = cell.lock().unwrap_or_else(PoisonError::into_inner);
        if values.len() < MAX_VALUES { values.push(value) } else { add(&self.lost.dropped, 1) }
    }
}

impl<I, const N: usize> By<I, N> {
    pub(super) fn new(breakdown: Breakdown, instrument: I, at: fn(&I, usize) -> I) -> Self {
        Self { breakdown: Arc::new(breakdown), instrument, at }
    }

    /// Returns the instrument of these values, in the order of the dimensions. Values that were not
    /// declared count as `_OTHER`. It allocates nothing.
    #[must_use]
    pub fn with(&self, values: [&str; N]) -> I {
        (self.at)(&self.instrument, self.breakdown.index_of(values))
    }
}

impl Cells {
    /// Takes the measurements of a combination, and resets them.
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
                // An unset gauge holds NaN, which is not a measurement.
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

/// The bits of an unset gauge.
const UNSET: u64 = f64::NAN.to_bits();

fn add(sum: &AtomicU64, count: u64) {
    let add = |sum: u64| Some(sum.saturating_add(count));
    // Never fails, because the closure always returns a value.
    let _ = sum.fetch_update(Ordering::Relaxed, Ordering::Relaxed, add);
}
