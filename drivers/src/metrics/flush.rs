//! Writing measurements.

use core::sync::atomic::Ordering;
use std::io::Write;
use std::sync::PoisonError;

use apptheory_core::observe::emf::{Measurement, MetricValues};
use apptheory_core::time::Timestamp;

use super::declare::Group;
use super::{Metrics, Shared};
use crate::clock::Clock as _;

/// Statistics of a program's measurements.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct MetricsStats {
    /// The number of lines that were written.
    pub written: u64,
    /// The number of values that CloudWatch does not accept: infinite, not a number, or beyond
    /// ±2^360.
    pub refused: u64,
    /// The number of values above the [`MAX_VALUES`](super::MAX_VALUES) of a histogram.
    pub dropped: u64,
    /// The number of lines that could not be written, and whose measurements are lost.
    pub failed: u64,
}

/// The writer, and buffers for lines.
pub(super) struct Sink {
    writer: Box<dyn Write + Send>,
    lines: String,
    values: Vec<Measurement>,
    /// For each metric, the end of its values.
    ends: Vec<usize>,
    /// Whether the last write failed, perhaps within a line.
    is_torn: bool,
    written: u64,
    failed: u64,
    /// The statistics at the time of the last warning.
    warned: MetricsStats,
}

impl Sink {
    pub(super) fn new(writer: Box<dyn Write + Send>) -> Self {
        Self {
            writer,
            lines: String::new(),
            values: Vec::new(),
            ends: Vec::new(),
            is_torn: false,
            written: 0,
            failed: 0,
            warned: MetricsStats::default(),
        }
    }

    /// Takes the measurements of a group, and writes them as lines into the buffer.
    fn collect(&mut self, group: &Group, at: Timestamp) -> usize {
        let Group { directive, cells } = group;
        let combinations = 0..directive.breakdown().combinations();
        let lines = combinations.map(|combination| {
            self.values.clear();
            self.ends.clear();
            for cells in cells {
                cells.take(combination, &mut self.values);
                self.ends.push(self.values.len());
            }
            if self.values.is_empty() {
                return 0;
            }
            let starts = [0].into_iter().chain(self.ends.iter().copied());
            let measured = starts.zip(&self.ends).enumerate().map(|(metric, (start, end))| {
                MetricValues { metric, values: self.values.get(start..*end).unwrap_or_default() }
            });
            let measured: Vec<_> = measured.filter(|one| !one.values.is_empty()).collect();
            directive.write(combination, &measured, at, &mut self.lines)
        });
        lines.sum()
    }

    fn write(&mut self, lines: usize) {
        // Until it has returned: the writer may panic.
        self.is_torn = true;
        let sent = self.writer.write_all(self.lines.as_bytes()).and_then(|()| self.writer.flush());
        self.is_torn = sent.is_err();
        let count = if sent.is_ok() { &mut self.written } else { &mut self.failed };
        *count = count.saturating_add(u64::try_from(lines).unwrap_or(u64::MAX));
    }
}

impl Metrics {
    /// Writes the measurements since the last flush, as lines of CloudWatch's embedded metric
    /// format. Without measurements it writes nothing. It waits for the writer, and for concurrent
    /// flushes.
    ///
    /// An application that [has these metrics](crate::App::metrics) calls it by itself. It never
    /// fails: lines that could not be written are counted in [`stats`](Self::stats), and with the
    /// feature `tracing` a warning is logged.
    pub fn flush(&self) {
        let shared = &*self.shared;
        let mut sink = shared.sink();
        let observers = shared.observers.lock().unwrap_or_else(PoisonError::into_inner);
        observers.iter().for_each(|observe| observe());
        drop(observers);
        let at = shared.clock.now();
        sink.lines.clear();
        if sink.is_torn {
            // Begin a new line after one that was torn.
            sink.lines.push('\n');
        }
        let groups = shared.groups.lock().unwrap_or_else(PoisonError::into_inner);
        let lines = groups.iter().map(|group| sink.collect(group, at)).sum();
        drop(groups);
        if lines > 0 {
            sink.write(lines);
        }
        let stats = shared.stats(&sink);
        let warned = core::mem::replace(&mut sink.warned, stats);
        drop(sink);
        warn_lost(&warned, &stats);
    }

    /// Returns statistics of the measurements so far.
    #[must_use]
    pub fn stats(&self) -> MetricsStats {
        self.shared.stats(&self.shared.sink())
    }
}

impl Shared {
    /// Valid after a panic, too: the buffers are cleared before they are used.
    fn sink(&self) -> std::sync::MutexGuard<'_, Sink> {
        self.sink.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn stats(&self, sink: &Sink) -> MetricsStats {
        MetricsStats {
            written: sink.written,
            refused: self.lost.refused.load(Ordering::Relaxed),
            dropped: self.lost.dropped.load(Ordering::Relaxed),
            failed: sink.failed,
        }
    }
}

/// Warns about measurements that were lost since the last warning.
#[cfg(feature = "tracing")]
fn warn_lost(warned: &MetricsStats, now: &MetricsStats) {
    let refused = now.refused.saturating_sub(warned.refused);
    let dropped = now.dropped.saturating_sub(warned.dropped);
    let failed = now.failed.saturating_sub(warned.failed);
    if (refused, dropped, failed) != (0, 0, 0) {
        tracing::warn!(refused, dropped, failed, "measurements were lost");
    }
}

#[cfg(not(feature = "tracing"))]
const fn warn_lost(_: &MetricsStats, _: &MetricsStats) {}
