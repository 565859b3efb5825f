//! What an application decides once for all of its routes.

use core::time::Duration;
use std::sync::Arc;

use apptheory_core::contract::{self, ContractSettings};
use apptheory_core::error::ErrorFormat;
use apptheory_core::http::exchange::{Cors, HttpSettings, Limits, Pipeline};

use super::App;
use crate::clock::{Clock, SharedClock};
use crate::ids::IdSource;

/// Settings.
impl<S> App<S> {
    /// Sets how much of the pipeline runs; by default all of it.
    #[must_use]
    pub fn pipeline(mut self, pipeline: Pipeline) -> Self {
        self.settings.pipeline = pipeline;
        self
    }

    /// Sets the shape of error bodies.
    #[must_use]
    pub fn error_format(mut self, format: ErrorFormat) -> Self {
        self.settings.error_format = format;
        self
    }

    /// Sets how large bodies may be.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.settings.limits = limits;
        self
    }

    /// Lets pages of other origins read answers. By default, they may not.
    #[must_use]
    pub fn cors(mut self, cors: Cors) -> Self {
        self.settings.cors = Some(cors);
        self
    }

    /// Takes over the settings of the [contract profile](apptheory_core::contract): those under
    /// which the portable cases are answered. Call it first, and change single settings after it.
    ///
    /// Use it for conformance tests and for migrations. It is less safe than saying nothing.
    #[must_use]
    pub fn contract_profile(mut self) -> Self {
        let ContractSettings { http, reserve, .. } = contract::profile();
        self.settings = http;
        self.events.names_what_was_seen = false;
        self.reserve(reserve)
    }

    /// Changes any of the core's settings.
    #[must_use]
    pub fn settings(mut self, change: impl FnOnce(&mut HttpSettings)) -> Self {
        change(&mut self.settings);
        self
    }

    /// Cuts work short this long before an invocation's deadline, so that there is time left to
    /// answer. Without it, that is 500 ms or a tenth of the time given, whichever is shorter. Set it
    /// where answers take longer to send or to record.
    ///
    /// | What is cut short | What becomes of it |
    /// |---|---|
    /// | a handler of a request, its middleware, authentication and policy | dropped; 504 `app.timeout` |
    /// | a stream | dropped; 504 before its first chunk or behind a buffered answer, trailers later |
    /// | a batch | its running records are dropped, and the rest fails: they come again |
    /// | any other event, a message of a WebSocket among them | dropped; the invocation fails as [`TimedOut`](super::TimedOut) |
    ///
    /// Only what waits can be dropped: a handler that blocks its thread is not stopped. Have it
    /// block a thread of its own, such as tokio's `spawn_blocking` gives. Invocations without a
    /// deadline are never cut short.
    #[must_use]
    pub fn reserve(mut self, reserve: Duration) -> Self {
        self.reserve = Some(reserve);
        self
    }

    /// Goes by another clock than the machine's.
    #[must_use]
    pub fn clock(mut self, clock: impl Clock + 'static) -> Self {
        self.clock = SharedClock::new(clock);
        self
    }

    /// Takes ids from another source than the machine's randomness.
    #[must_use]
    pub fn ids(mut self, ids: impl IdSource + 'static) -> Self {
        self.ids = Arc::new(ids);
        self
    }
}
