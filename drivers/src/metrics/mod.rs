//! Metrics: counters, gauges and histograms, sent to CloudWatch as lines of a function's log.
//!
//! This module keeps measurements between flushes, and writes the lines.
//! [`observe::emf`](crate::observe::emf) describes the format of a line, and what CloudWatch does
//! not accept.
//!
//! ```
//! use apptheory::App;
//! use apptheory::metrics::{Dimension, Metrics, Unit};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let metrics = Metrics::builder("Shop").dimension("service", "orders").build()?;
//!
//! // Declare them once, and keep the handles: they are cheap to clone.
//! let baskets = metrics.histogram("Basket", Unit::Count)?;
//! let payment = Dimension::new("method", ["card", "cash"])?;
//! let payments = metrics.by([payment]).counter("Payments")?;
//!
//! let pay = move || {
//!     baskets.record(3.0);
//!     payments.with(["card"]).add(1);
//!     async { "thank you" }
//! };
//! let app = App::new().post("/payments", pay).metrics(&metrics).build()?;
//! # Ok(())
//! # }
//! ```
//!
//! An [application](crate::App::metrics) writes its metrics once per invocation, after the response
//! is delivered, and adds metrics of its own. Other programs call [`Metrics::flush`].
//!
//! | Instrument | Keeps between flushes | Written as |
//! |---|---|---|
//! | [`Counter`] | a sum | one number, unless it is 0 |
//! | [`Gauge`] | the value that was set last | one number, if one was set |
//! | [`Histogram`] | every value, at most [`MAX_VALUES`] | a list of numbers |
//!
//! CloudWatch bills each metric, and each combination of dimension values as a metric of its own.
//! Therefore the values of a dimension are declared with the instrument, and all others count as
//! `_OTHER`.

mod builder;
mod declare;
mod flush;
mod instrument;
mod store;
#[cfg(test)]
mod tests;

use core::fmt;
use std::sync::{Arc, Mutex};

#[doc(inline)]
pub use apptheory_core::observe::emf::{Dimension, Error, Unit};

pub use builder::MetricsBuilder;
pub use declare::MetricsBy;
pub use flush::MetricsStats;
pub use instrument::{By, Counter, Gauge, Histogram, MAX_VALUES};

use crate::clock::SharedClock;
use declare::Group;
use flush::Sink;
use instrument::Lost;

/// The metrics of a program. Clones share the same metrics.
///
/// ```
/// use apptheory::metrics::{Metrics, Unit};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let metrics = Metrics::builder("Shop").build()?;
/// metrics.counter("Orders")?.add(1);
/// metrics.gauge("Queued", Unit::Count)?.set(7.0);
/// metrics.histogram("Basket", Unit::Count)?.record(3.0);
/// metrics.flush();
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Metrics {
    shared: Arc<Shared>,
    is_high_resolution: bool,
}

struct Shared {
    namespace: String,
    /// Dimensions of every metric.
    fixed: Vec<(String, String)>,
    clock: SharedClock,
    groups: Mutex<Vec<Group>>,
    /// Functions that measure at each flush.
    observers: Mutex<Vec<Observer>>,
    sink: Mutex<Sink>,
    lost: Arc<Lost>,
}

type Observer = Box<dyn Fn() + Send + Sync>;

impl Metrics {
    /// Builds metrics in a CloudWatch namespace, such as the name of a product.
    pub fn builder(namespace: impl Into<String>) -> MetricsBuilder {
        MetricsBuilder::new(namespace.into())
    }

    /// Declares a counter: how often something happens, in [`Unit::Count`].
    ///
    /// # Errors
    ///
    /// [`Error`] if CloudWatch does not accept the name, or it is already declared.
    pub fn counter(&self, name: &str) -> Result<Counter, Error> {
        Ok(self.by([]).counter(name)?.with([]))
    }

    /// Declares a gauge: a current amount.
    ///
    /// # Errors
    ///
    /// [`Error`] if CloudWatch does not accept the name, or it is already declared.
    pub fn gauge(&self, name: &str, unit: Unit) -> Result<Gauge, Error> {
        Ok(self.by([]).gauge(name, unit)?.with([]))
    }

    /// Declares a histogram. CloudWatch shows count, sum, extremes and percentiles of its values.
    ///
    /// # Errors
    ///
    /// [`Error`] if CloudWatch does not accept the name, or it is already declared.
    pub fn histogram(&self, name: &str, unit: Unit) -> Result<Histogram, Error> {
        Ok(self.by([]).histogram(name, unit)?.with([]))
    }

    /// Declares instruments with dimensions.
    ///
    /// CloudWatch gets each metric in total, and once for every combination of values that occurs.
    /// Each is billed.
    ///
    /// ```
    /// use apptheory::metrics::{Dimension, Metrics, Unit};
    ///
    /// # fn main() -> Result<(), apptheory::metrics::Error> {
    /// let metrics = Metrics::builder("Shop").build()?;
    /// let method = Dimension::new("method", ["card", "cash"])?;
    /// let currency = Dimension::new("currency", ["EUR", "USD"])?;
    /// let amounts = metrics.by([method, currency]).histogram("Amount", Unit::None)?;
    ///
    /// amounts.with(["card", "EUR"]).record(19.5);
    /// amounts.with(["card", "Euro"]).record(19.5); // counts as `_OTHER`
    /// # Ok(())
    /// # }
    /// ```
    pub const fn by<const N: usize>(&self, dimensions: [Dimension; N]) -> MetricsBy<'_, N> {
        MetricsBy::new(self, dimensions)
    }

    /// Returns the same metrics with a resolution of 1 s for instruments that are declared on the
    /// returned value, instead of 1 min. Alarms on such metrics cost more.
    ///
    /// ```
    /// use apptheory::metrics::{Metrics, Unit};
    ///
    /// # fn main() -> Result<(), apptheory::metrics::Error> {
    /// let metrics = Metrics::builder("Shop").build()?;
    /// let waiting = metrics.high_resolution().gauge("Waiting", Unit::Count)?;
    /// waiting.set(7.0);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn high_resolution(&self) -> Self {
        Self { is_high_resolution: true, ..self.clone() }
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics").field("namespace", &self.shared.namespace).finish_non_exhaustive()
    }
}
