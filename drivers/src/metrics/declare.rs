//! Declaring instruments.

use std::sync::{Arc, PoisonError};

use apptheory_core::observe::emf::{Breakdown, Directive, Metric};

use super::instrument::{By, Cells, Counter, Gauge, Histogram};
use super::{Dimension, Error, Metrics, Unit};

/// Declares instruments with dimensions; made by [`Metrics::by`].
#[derive(Debug)]
#[must_use = "it does nothing until an instrument is declared"]
pub struct MetricsBy<'m, const N: usize> {
    metrics: &'m Metrics,
    dimensions: [Dimension; N],
}

/// Instruments with the same dimensions.
pub(super) struct Group {
    pub(super) directive: Directive,
    /// The measurements, by the number of the metric.
    pub(super) cells: Vec<Cells>,
}

impl<'m, const N: usize> MetricsBy<'m, N> {
    pub(super) const fn new(metrics: &'m Metrics, dimensions: [Dimension; N]) -> Self {
        Self { metrics, dimensions }
    }

    /// Declares a counter for each combination of dimension values: how often something happens, in
    /// [`Unit::Count`].
    ///
    /// # Errors
    ///
    /// [`Error`] if CloudWatch does not accept the name or the dimensions, the name is already
    /// declared, or there are more than 1,000 combinations.
    pub fn counter(self, name: &str) -> Result<By<Counter, N>, Error> {
        let metric = Metric::new(name, Unit::Count)?;
        let (breakdown, cells) = self.declare(metric, |len| {
            let cells = Counter::cells(len);
            (Cells::Counters(Arc::clone(&cells)), cells)
        })?;
        Ok(By::new(breakdown, Counter::new(cells), Counter::at))
    }

    /// Declares a gauge for each combination of dimension values: a current amount.
    ///
    /// # Errors
    ///
    /// As [`counter`](Self::counter).
    pub fn gauge(self, name: &str, unit: Unit) -> Result<By<Gauge, N>, Error> {
        let lost = Arc::clone(&self.metrics.shared.lost);
        let (breakdown, cells) = self.declare(Metric::new(name, unit)?, |len| {
            let cells = Gauge::cells(len);
            (Cells::Gauges(Arc::clone(&cells)), cells)
        })?;
        Ok(By::new(breakdown, Gauge::new(cells, lost), Gauge::at))
    }

    /// Declares a histogram for each combination of dimension values. CloudWatch shows count, sum,
    /// extremes and percentiles of its values.
    ///
    /// # Errors
    ///
    /// As [`counter`](Self::counter).
    pub fn histogram(self, name: &str, unit: Unit) -> Result<By<Histogram, N>, Error> {
        let lost = Arc::clone(&self.metrics.shared.lost);
        let (breakdown, cells) = self.declare(Metric::new(name, unit)?, |len| {
            let cells = Histogram::cells(len);
            (Cells::Histograms(Arc::clone(&cells)), cells)
        })?;
        Ok(By::new(breakdown, Histogram::new(cells, lost), Histogram::at))
    }

    /// Declares a metric, with a cell for each combination.
    fn declare<C>(
        self,
        metric: Metric,
        cells: impl FnOnce(usize) -> (Cells, C),
    ) -> Result<(Breakdown, C), Error> {
        let Metrics { shared, is_high_resolution } = self.metrics;
        let metric = if *is_high_resolution { metric.high_resolution() } else { metric };
        let breakdown = Breakdown::new(self.dimensions)?;
        // No panic leaves a group half-declared.
        let mut groups = shared.groups.lock().unwrap_or_else(PoisonError::into_inner);
        if groups.iter().any(|group| group.directive.declares(metric.name())) {
            return Err(Error::Twice { given: metric.name().to_owned() });
        }
        let known = groups.iter_mut().find(|group| *group.directive.breakdown() == breakdown);
        let (kept, made) = cells(breakdown.combinations());
        if let Some(group) = known {
            group.directive.declare(metric)?;
            group.cells.push(kept);
        } else {
            let mut directive = shared.directive(breakdown.clone())?;
            directive.declare(metric)?;
            groups.push(Group { directive, cells: vec![kept] });
        }
        Ok((breakdown, made))
    }
}
