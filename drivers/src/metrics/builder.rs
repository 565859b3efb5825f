//! Putting metrics together.

use core::fmt;
use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use apptheory_core::observe::emf::{Breakdown, Directive};

use super::flush::Sink;
use super::{Error, Metrics, Shared};
use crate::clock::{Clock, SharedClock, SystemClock};

/// Collects what all metrics of a program have in common; made by [`Metrics::builder`].
#[must_use = "a builder does nothing until it is built"]
pub struct MetricsBuilder {
    namespace: String,
    fixed: Vec<(String, String)>,
    clock: SharedClock,
    writer: Box<dyn Write + Send>,
}

impl MetricsBuilder {
    pub(super) fn new(namespace: String) -> Self {
        let (clock, writer) = (SharedClock::new(SystemClock), Box::new(io::stdout()));
        Self { namespace, fixed: Vec::new(), clock, writer }
    }

    /// Gives every metric a dimension that always has the same value, such as the name of a service.
    pub fn dimension(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.fixed.push((name.into(), value.into()));
        self
    }

    /// Takes the time of lines from a clock; by default from the machine's.
    pub fn clock(self, clock: impl Clock + 'static) -> Self {
        Self { clock: SharedClock::new(clock), ..self }
    }

    /// Writes lines here; by default to the standard output, which is where Lambda looks for them. They
    /// are written where [`flush`](Metrics::flush) is called, which a writer that blocks delays.
    pub fn writer(self, writer: impl Write + Send + 'static) -> Self {
        Self { writer: Box::new(writer), ..self }
    }

    /// Makes the metrics.
    ///
    /// # Errors
    ///
    /// [`Error`] when CloudWatch would not take the namespace or a dimension.
    pub fn build(self) -> Result<Metrics, Error> {
        let Self { namespace, fixed, clock, writer } = self;
        let shared = Shared {
            namespace,
            fixed,
            clock,
            groups: Mutex::default(),
            observers: Mutex::default(),
            sink: Mutex::new(Sink::new(writer)),
            lost: Arc::default(),
        };
        shared.directive(Breakdown::default())?;
        Ok(Metrics { shared: Arc::new(shared), is_high_resolution: false })
    }
}

impl Shared {
    pub(super) fn directive(&self, breakdown: Breakdown) -> Result<Directive, Error> {
        let fixed = self.fixed.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        Directive::new(&self.namespace, &fixed.collect::<Vec<_>>(), breakdown)
    }
}

impl fmt::Debug for MetricsBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MetricsBuilder").field("namespace", &self.namespace).finish_non_exhaustive()
    }
}
