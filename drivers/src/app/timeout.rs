//! Answers in time.

use core::time::Duration;

use apptheory_core::error::{AppError, code};
use apptheory_core::http::exchange::Timeouts;

use super::Answer;
use super::body::BodyStream;
use super::chain::Next;
use super::context::Context;
use super::middleware::Middleware;
use crate::clock::Clock as _;

/// A middleware that answers 504 when a handler takes too long. A record whose handler does so fails.
///
/// The handler is given up then: its future is dropped where it waits, and its
/// [cancellation](Context::cancellation) ends, for what it started elsewhere. A handler that blocks
/// its thread, or never waits, is not stopped. An answer that is ready at the very end of its time
/// is given.
///
/// The time is that of the operation, else that of the tenant, else the default; never more than
/// the invocation has left, less its [reserve](super::App::reserve). A time of zero is no
/// limit. It ends with the handler, unless [streams count too](Self::including_streams).
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

/// The time that [`Timeout::default`] gives: 30 s.
pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(30);

impl Default for Timeout {
    /// [`DEFAULT_TIMEOUT`] for everything.
    fn default() -> Self {
        Self::after(DEFAULT_TIMEOUT)
    }
}

/// These times, as a configuration has them.
impl From<Timeouts> for Timeout {
    fn from(times: Timeouts) -> Self {
        Self { times, message: None, includes_streams: false }
    }
}

impl Timeout {
    /// Gives every operation this time.
    #[must_use]
    pub const fn after(time: Duration) -> Self {
        Self { times: Timeouts::after(time), message: None, includes_streams: false }
    }

    /// Sets no time of its own: only what the invocation has left, and tenants or operations have.
    #[must_use]
    pub fn when_due() -> Self {
        Self { times: Timeouts::default(), ..Self::after(Duration::ZERO) }
    }

    /// Gives a tenant another time, as [`Timeouts::for_tenant`].
    #[must_use]
    pub fn for_tenant(self, tenant_id: &str, time: Duration) -> Self {
        Self { times: self.times.for_tenant(tenant_id, time), ..self }
    }

    /// Gives an operation another time, as [`Timeouts::for_operation`].
    #[must_use]
    pub fn for_operation(self, method: &str, path: &str, time: Duration) -> Self {
        Self { times: self.times.for_operation(method, path, time), ..self }
    }

    /// Bounds the streams of responses, too: what has not been sent when the time is up is dropped,
    /// and the stream ends with `app.timeout`. Set it where a response of many pieces has to be done
    /// in the same time as any other; leave it out for streams that are meant to last, such as
    /// server-sent events.
    #[must_use]
    pub const fn including_streams(mut self) -> Self {
        self.includes_streams = true;
        self
    }

    /// Answers with another message than `request timeout`.
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
        let given_up = context.cancellation().child_token();
        let guard = given_up.clone().drop_guard();
        let clock = context.clock().clone();
        let ends_at = clock.now().saturating_add(time);
        let answer = clock.race(Some(ends_at), next.run(context.cancelled_by(given_up))).await;
        let mut response = answer.ok_or_else(|| self.error())?;
        let _ = guard.disarm();
        if self.includes_streams {
            let bounded = |stream: BodyStream| stream.until(clock, ends_at, self.error());
            response.stream = response.stream.map(bounded);
        }
        Ok(response)
    }
}
