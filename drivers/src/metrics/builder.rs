//! Building metrics.

use core::fmt;
use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use apptheory_core::observe::emf::{Breakdown, Directive};

use super::flush::Sink;
use super::{Error, Metrics, Shared};
use crate::clock::{Clock, SharedClock, SystemClock};

/// Builds metrics; made by [`Metrics::builder`].
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

    /// Adds a dimension with a fixed value to every metric, such as the name of a service.
    pub fn dimension(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.fixed.push((name.into(), value.into()));
        self
    }

    /// Sets the clock of the lines' times; by default the system clock.
    pub fn clock(self, clock: impl Clock + 'static) -> Self {
        Self { clock: SharedClock::new(clock), ..self }
    }

    /// Sets the writer of lines; by default the standard output, where Lambda expects them. Lines
    /// are written by [`flush`](Metrics::flush), which waits for a writer that blocks.
    pub fn writer(self, writer: impl Write + Send + 'static) -> Self {
        Self { writer: Box::new(writer), ..self }
    }

    /// Builds the metrics.
    ///
    /// # Errors
    ///
    /// [`Error`] if CloudWatch does not accept the namespace or a dimension.
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
