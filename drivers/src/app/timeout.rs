//! Timeouts around handlers.

use core::time::Duration;

use apptheory_core::error::{AppError, code};
use apptheory_core::http::exchange::Timeouts;

use super::Answer;
use super::body::BodyStream;
use super::cancellation::Cancellation;
use super::chain::Next;
use super::context::Context;
use super::middleware::Middleware;
use crate::clock::Clock as _;

/// A middleware that responds with 504 when a handler takes too long. A record whose handler takes
/// too long fails.
///
/// The handler's future is dropped, and its [cancellation token](Context::cancellation) is
/// cancelled, for work that it spawned elsewhere. A handler that blocks its thread, or never waits,
/// is not stopped. If the response is ready when the time is up, it is sent.
///
/// The timeout of the operation applies, else that of the tenant, else the default; it is capped at
/// the invocation's remaining time, less its [reserve](super::App::reserve). A duration of zero
/// disables the timeout. It covers the handler only, unless [streams are
/// included](Self::including_streams).
///
/// ```
/// use core::time::Duration;
/// use apptheory::app::{App, Timeout};
///
/// let timeout = Timeout::after(Duration::from_secs(5))
///     .for_operation("POST", "/reports", Duration::from_secs(60));
/// let app = App::new().layer(timeout).build()?;
/// # Ok::<(), apptheory::app::BuildError>(())
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Timeout {
    times: Timeouts,
    message: Option<String>,
    includes_streams: bool,
}

/// The timeout of [`Timeout::default`]: 30 s.
pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(30);

impl Default for Timeout {
    /// Sets [`DEFAULT_TIMEOUT`] for all operations.
    fn default() -> Self {
        Self::after(DEFAULT_TIMEOUT)
    }
}

/// Uses the timeouts of a configuration.
impl From<Timeouts> for Timeout {
    fn from(times: Timeouts) -> Self {
        Self { times, message: None, includes_streams: false }
    }
}

impl Timeout {
    /// Sets the timeout for all operations.
    #[must_use]
    pub const fn after(time: Duration) -> Self {
        Self { times: Timeouts::after(time), message: None, includes_streams: false }
    }

    /// Sets no default timeout: only the invocation's remaining time applies, and timeouts of
    /// tenants and operations.
    #[must_use]
    pub fn when_due() -> Self {
        Self { times: Timeouts::default(), ..Self::after(Duration::ZERO) }
    }

    /// Sets the timeout of a tenant, as [`Timeouts::for_tenant`].
    #[must_use]
    pub fn for_tenant(self, tenant_id: &str, time: Duration) -> Self {
        Self { times: self.times.for_tenant(tenant_id, time), ..self }
    }

    /// Sets the timeout of an operation, as [`Timeouts::for_operation`].
    ///
    /// ```
    /// use core::time::Duration;
    ///
    /// use apptheory::app::Timeout;
    ///
    /// let timeout = Timeout::after(Duration::from_secs(5))
    ///     .for_operation("POST", "/reports", Duration::from_secs(25));
    /// ```
    #[must_use]
    pub fn for_operation(self, method: &str, path: &str, time: Duration) -> Self {
        Self { times: self.times.for_operation(method, path, time), ..self }
    }

    /// Applies the timeout to streamed bodies, too: a stream that has not ended in time is dropped
    /// and ends with `app.timeout`. Use it if large responses must finish as quickly as small ones;
    /// leave it out for streams that are meant to last, such as server-sent events.
    #[must_use]
    pub const fn including_streams(mut self) -> Self {
        self.includes_streams = true;
        self
    }

    /// Sets the message of the response; by default `request timeout`.
    #[must_use]
    pub fn with_message(mut self, message: impl Into<String>) -> Self {
        self.message = Some(message.into());
        self
    }

    fn error(&self) -> AppError {
        match &self.message {
            Some(message) => AppError::new(code::TIMEOUT, message),
            None => AppError::of(code::TIMEOUT),
        }
    }
}

impl Middleware for Timeout {
    async fn handle(&self, context: Context, next: Next) -> Answer {
        let remaining = context.time().stops_at().map(|at| context.now().until(at));
        let time = self.times.of(context.call(), context.tenant_id(), remaining);
        let Some(time) = time else { return Ok(next.run(context).await) };
        if time.is_zero() {
            return Err(self.error());
        }
        let cancellation = context.cancellation().child_token();
        let guard = cancellation.clone().drop_guard();
        let clock = context.clock().clone();
        let ends_at = clock.now().saturating_add(time);
        let answer = clock
            .race(Some(ends_at), next.run(context.cancelled_by(Cancellation::This(cancellation))))
            .await;
        let mut response = answer.ok_or_else(|| self.error())?;
        let _ = guard.disarm();
        if self.includes_streams {
            let bounded = |stream: BodyStream| stream.until(clock, ends_at, self.error());
            response.stream = response.stream.map(bounded);
        }
        Ok(response)
    }
}
