//! Settings of an application.

use core::time::Duration;
use std::sync::Arc;

use apptheory_core::contract::{self, ContractSettings};
use apptheory_core::error::ErrorFormat;
use apptheory_core::http::exchange::{Cors, HttpSettings, Limits, Pipeline};

use super::App;
use crate::clock::{Clock, SharedClock};
use crate::ids::{AppIds, IdSource};

/// Settings of the whole application.
impl<S> App<S> {
    /// Sets how much of the pipeline runs; by default all of it.
    #[must_use]
    pub fn pipeline(mut self, pipeline: Pipeline) -> Self {
        self.settings.pipeline = pipeline;
        self
    }

    /// Sets the format of error bodies.
    #[must_use]
    pub fn error_format(mut self, format: ErrorFormat) -> Self {
        self.settings.error_format = format;
        self
    }

    /// Sets the size limits for request and response bodies.
    ///
    /// ```
    /// use core::num::NonZeroU64;
    ///
    /// use apptheory::app::App;
    /// use apptheory::http::exchange::Limits;
    ///
    /// let limits = Limits { max_request_bytes: NonZeroU64::new(1 << 20), ..Limits::default() };
    /// let app = App::new().limits(limits);
    /// ```
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.settings.limits = limits;
        self
    }

    /// Allows pages of other origins to read responses. By default, they cannot.
    ///
    /// ```
    /// use apptheory::app::App;
    /// use apptheory::http::exchange::Cors;
    ///
    /// let app = App::new().cors(Cors::for_origins(["https://shop.example"]));
    /// ```
    #[must_use]
    pub fn cors(mut self, cors: Cors) -> Self {
        self.settings.cors = Some(cors);
        self
    }

    /// Applies the settings of the [contract profile](apptheory_core::contract), under which
    /// portable test cases of other AppTheory packages pass. Call it first, and change single
    /// settings after it.
    ///
    /// Use it for conformance tests and migrations. It is less safe than the defaults.
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

    /// Cancels work this long before an invocation's deadline, so that there is time left to
    /// respond. The default is 500 ms or a tenth of the available time, whichever is shorter. Raise
    /// it if responses take longer to send or record.
    ///
    /// | Cancelled work | Effect |
    /// |---|---|
    /// | a handler of a request, its middleware, authentication and policy | dropped; 504 `app.timeout` |
    /// | a stream | dropped; 504 before its first chunk or after a buffered response, else trailers |
    /// | a batch | records in progress are dropped, and the rest fails: they are retried |
    /// | any other event, including a WebSocket message | dropped; the invocation fails as [`TimedOut`](super::TimedOut) |
    ///
    /// Only work that waits can be cancelled: a handler that blocks its thread is not stopped. Run
    /// blocking code on another thread, for instance with tokio's `spawn_blocking`. Invocations
    /// without a deadline are never cancelled.
    #[must_use]
    pub fn reserve(mut self, reserve: Duration) -> Self {
        self.reserve = Some(reserve);
        self
    }

    /// Uses `clock` instead of the system clock. Tests pass a manual or virtual clock.
    #[must_use]
    pub fn clock(mut self, clock: impl Clock + 'static) -> Self {
        self.clock = SharedClock::new(clock);
        self
    }

    /// Uses `ids` instead of random ids. Tests pass [`SequentialIds`](crate::ids::SequentialIds).
    #[must_use]
    pub fn ids(mut self, ids: impl IdSource + 'static) -> Self {
        self.ids = AppIds::Own(Arc::new(ids));
        self
    }
}
