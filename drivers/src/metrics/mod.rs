//! Metrics: counters, gauges and histograms that CloudWatch gets as lines of a function's log.
//!
//! This module decides what is kept between two invocations, how several of them count at a time, and
//! when lines are written. What a line says, and what CloudWatch would refuse, is
//! [`observe::emf`](crate::observe::emf)'s to decide.
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
//! An [application](crate::App::metrics) writes them once per invocation, after its answer is
//! delivered, and adds metrics of its own. Other programs call [`Metrics::flush`].
//!
//! | Instrument | Keeps between two flushes | Becomes |
//! |---|---|---|
//! | [`Counter`] | a sum | one number, unless it is 0 |
//! | [`Gauge`] | the value that was set last | one number, if one was set |
//! | [`Histogram`] | every value, at most [`MAX_VALUES`] | a list of numbers |
//!
//! CloudWatch bills each metric, and each combination of dimension values as a metric of its own. So
//! values are known when an instrument is declared, and all others count as `_OTHER`.

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

/// The metrics of a program. Clones are the same metrics.
#[derive(Clone)]
pub struct Metrics {
    shared: Arc<Shared>,
    is_high_resolution: bool,
}

struct Shared {
    namespace: String,
    /// Dimensions that every metric has.
    fixed: Vec<(String, String)>,
    clock: SharedClock,
    groups: Mutex<Vec<Group>>,
    /// What measures by looking, before each flush.
    observers: Mutex<Vec<Observer>>,
    sink: Mutex<Sink>,
    lost: Arc<Lost>,
}

type Observer = Box<dyn Fn() + Send + Sync>;

impl Metrics {
    /// Begins metrics in a namespace of CloudWatch, such as the name of a product.
    pub fn builder(namespace: impl Into<String>) -> MetricsBuilder {
        MetricsBuilder::new(namespace.into())
    }

    /// Declares a counter: how often something happened, in [`Unit::Count`].
    ///
    /// # Errors
    ///
    /// [`Error`] when CloudWatch would not take the name, or it is declared already.
    pub fn counter(&self, name: &str) -> Result<Counter, Error> {
        Ok(self.by([]).counter(name)?.with([]))
    }

    /// Declares a gauge: how much there is of something.
    ///
    /// # Errors
    ///
    /// [`Error`] when CloudWatch would not take the name, or it is declared already.
    pub fn gauge(&self, name: &str, unit: Unit) -> Result<Gauge, Error> {
        Ok(self.by([]).gauge(name, unit)?.with([]))
    }

    /// Declares a histogram: values of which CloudWatch shows count, sum, extremes and percentiles.
    ///
    /// # Errors
    ///
    /// [`Error`] when CloudWatch would not take the name, or it is declared already.
    pub fn histogram(&self, name: &str, unit: Unit) -> Result<Histogram, Error> {
        Ok(self.by([]).histogram(name, unit)?.with([]))
    }

    /// Begins to declare an instrument that is broken down by further dimensions.
    ///
    /// CloudWatch then gets each metric in total, and once for every combination of values that was
    /// counted. Each is billed.
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

    /// Returns the same metrics. CloudWatch keeps what is declared on them by the second, and what is
    /// declared on others by the minute. Alarms on metrics by the second cost more.
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
