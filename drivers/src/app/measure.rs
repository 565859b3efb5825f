//! Metrics of an application.

use core::time::Duration;
use std::collections::BTreeMap;

use apptheory_core::events::{EventOutcome, Trigger};
use apptheory_core::http::exchange::Observation;
#[cfg(doc)]
use apptheory_core::http::exchange::Pipeline;
use apptheory_core::time::Timestamp;

use super::App;
use crate::metrics::{self, By, Counter, Dimension, Histogram, Metrics, Unit};

/// Where an application's metrics go, and whether they are kept per route.
pub(super) struct Measuring {
    metrics: Metrics,
    by_route: bool,
}

/// The instruments of an application.
pub(super) struct Measures {
    metrics: Metrics,
    cold_starts: Counter,
    /// By source and outcome.
    events: By<Counter, 2>,
    /// For requests without instruments of their own route.
    requests: Requests,
    /// By route pattern, if metrics are kept per route.
    routes: BTreeMap<String, Requests>,
}

struct Requests {
    count: Counter,
    durations: Histogram,
    client_errors: Counter,
    server_errors: Counter,
}

/// Metrics.
impl<S> App<S> {
    /// Records metrics of the application, and writes them whenever [`on_flush`](Self::on_flush)
    /// runs, on Lambda before the next invocation is fetched. CloudWatch reads them from the
    /// standard output.
    ///
    /// The following are recorded beside your own instruments:
    ///
    /// | Metric | Unit | Counts |
    /// |---|---|---|
    /// | `RequestCount` | `Count` | requests, in [`Pipeline::Observed`] |
    /// | `RequestDuration` | `Milliseconds` | the same requests, until the response is ready; for a stream, until it begins |
    /// | `RequestClientErrors`, `RequestServerErrors` | `Count` | responses with 4xx, and with 5xx |
    /// | `EventCount` | `Count` | messages and events, by `source` (a [trigger](Trigger::as_str): `sqs`, `s3`, `other` …) and `outcome` (`success`, `error`, `unmatched`) |
    /// | `ColdStart` | `Count` | first invocations of a process |
    ///
    /// ```
    /// use apptheory::App;
    /// use apptheory::metrics::Metrics;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let metrics = Metrics::builder("Shop").dimension("service", "orders").build()?;
    /// let app = App::new().get("/", async || "hello").metrics(&metrics).build()?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// [`build`](Self::build) fails if these names are taken, or if metrics are already set: an
    /// application has one set of metrics, and a set belongs to one application.
    #[must_use]
    pub fn metrics(self, metrics: &Metrics) -> Self {
        self.measuring(metrics, false)
    }

    /// Records metrics of the application as [`metrics`](Self::metrics) does, and metrics of
    /// requests also by `route`: the route's pattern, or `unmatched`. CloudWatch bills four
    /// additional metrics for every route that is used.
    #[must_use]
    pub fn metrics_by_route(self, metrics: &Metrics) -> Self {
        self.measuring(metrics, true)
    }

    fn measuring(mut self, metrics: &Metrics, by_route: bool) -> Self {
        let before = self.measuring.replace(Measuring { metrics: metrics.clone(), by_route });
        if before.is_some() {
            self.hooks.twice.get_or_insert(METHOD);
        }
        self
    }
}

impl Measuring {
    /// Declares the instruments of an application whose routes have these patterns.
    pub(super) fn declare<'p>(
        self,
        patterns: impl IntoIterator<Item = &'p str>,
    ) -> Result<Measures, metrics::Error> {
        let Self { metrics, by_route } = self;
        let sources = Trigger::ALL.map(Trigger::as_str);
        let outcomes = EventOutcome::ALL.map(EventOutcome::as_str);
        let by = [Dimension::new("source", sources)?, Dimension::new("outcome", outcomes)?];
        let (requests, routes) = if by_route {
            let patterns = patterns.into_iter().chain([UNMATCHED]).map(str::to_owned);
            Requests::by_route(&metrics, patterns.collect())?
        } else {
            (Requests::declare(&metrics)?, BTreeMap::new())
        };
        Ok(Measures {
            cold_starts: metrics.counter("ColdStart")?,
            events: metrics.by(by).counter("EventCount")?,
            requests,
            routes,
            metrics,
        })
    }
}

impl Requests {
    fn declare(metrics: &Metrics) -> Result<Self, metrics::Error> {
        Ok(Self {
            count: metrics.counter(COUNT)?,
            durations: metrics.histogram(DURATION, Unit::Milliseconds)?,
            client_errors: metrics.counter(CLIENT_ERRORS)?,
            server_errors: metrics.counter(SERVER_ERRORS)?,
        })
    }

    /// Declares the instruments of unmatched requests, and those of each pattern.
    fn by_route(
        metrics: &Metrics,
        patterns: Vec<String>,
    ) -> Result<(Self, BTreeMap<String, Self>), metrics::Error> {
        let route = Dimension::new("route", patterns.iter().map(String::as_str))?;
        let by = || metrics.by([route.clone()]);
        let count = by().counter(COUNT)?;
        let durations = by().histogram(DURATION, Unit::Milliseconds)?;
        let client_errors = by().counter(CLIENT_ERRORS)?;
        let server_errors = by().counter(SERVER_ERRORS)?;
        let of = |route: &str| Self {
            count: count.with([route]),
            durations: durations.with([route]),
            client_errors: client_errors.with([route]),
            server_errors: server_errors.with([route]),
        };
        let routes = patterns.into_iter().map(|pattern| (of(&pattern), pattern));
        Ok((of(UNMATCHED), routes.map(|(requests, pattern)| (pattern, requests)).collect()))
    }

    fn measure(&self, status: u16, taken: Duration) {
        self.count.add(1);
        self.durations.record(taken.as_secs_f64() * 1000.0);
        match status {
            400..=499 => self.client_errors.add(1),
            500.. => self.server_errors.add(1),
            _ => {}
        }
    }
}

impl Measures {
    pub(super) fn cold_start(&self) {
        self.cold_starts.add(1);
    }

    pub(super) fn request(&self, observation: &Observation, ended_at: Timestamp) {
        let of_route = observation.route().and_then(|route| self.routes.get(route));
        let requests = of_route.unwrap_or(&self.requests);
        requests.measure(observation.status(), observation.duration(ended_at));
    }

    pub(super) fn event(&self, source: Trigger, outcome: EventOutcome) {
        self.events.with([source.as_str(), outcome.as_str()]).add(1);
    }

    pub(super) fn flush(&self) {
        self.metrics.flush();
    }
}

/// The methods that set an application's metrics, for error texts.
const METHOD: &str = "metrics (or metrics_by_route)";
const COUNT: &str = "RequestCount";
const DURATION: &str = "RequestDuration";
const CLIENT_ERRORS: &str = "RequestClientErrors";
const SERVER_ERRORS: &str = "RequestServerErrors";
/// The `route` of requests that match no route.
const UNMATCHED: &str = "unmatched";
