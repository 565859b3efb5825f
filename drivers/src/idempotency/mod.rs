//! Idempotency: handlers that run once, even if a request or record is repeated.
//!
//! [`Idempotent`] is a middleware for requests and events. It runs the core's machines on a store,
//! and turns their results into responses. The core decides who may run a handler.
//!
//! ```
//! use apptheory::app::{App, Invocation};
//! use apptheory::idempotency::Idempotent;
//! use apptheory::store::Store;
//!
//! let once = Idempotent::new("shop", &Store::memory());
//! let app = App::new().layer(once).post("/orders", async || "order 7").build()?;
//!
//! let event = r#"{"rawPath":"/orders","requestContext":{"http":{"method":"POST"}},
//!     "headers":{"idempotency-key":"k1","authorization":"Bearer of-ann"}}"#;
//! # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
//! let first = app.invoke(event, Invocation::default()).await?;
//! let again = app.invoke(event, Invocation::default()).await?;
//! assert!(!first.contains("idempotency-replayed"));
//! assert!(again.contains(r#""idempotency-replayed":"true""#) && again.contains("order 7"));
//! # Ok::<(), apptheory::app::InvokeError>(())
//! # }).unwrap();
//! # Ok::<(), apptheory::app::BuildError>(())
//! ```

mod event;
mod http;
#[cfg(test)]
mod tests;

use core::time::Duration;

use apptheory_core::error::AppError;
#[doc(inline)]
pub use apptheory_core::idempotency::*;
use apptheory_core::identity::EmptySecret;

use crate::app::{Answer, Context, Middleware, Next};
use crate::clock::Clock as _;
use crate::execute::drive;
use crate::layer::{DECISION_BUDGET, EachInTime};
use crate::store::Store;

/// A middleware that runs a handler once: per request by the request's idempotency key, per record
/// by the id that its service gave it.
///
/// The first caller gets a lease for the remaining time of the invocation, or for a minute without
/// a deadline. During the lease, repetitions learn that the work is in progress; afterwards they
/// get the first result. Work that fails or panics can be retried at once. Work that is cancelled
/// half-way, by a timeout around this middleware or with its invocation, can be retried when the
/// lease has ended; so put a [`Timeout`](crate::app::Timeout) inside of this middleware, not around
/// it.
///
/// | | Request | Record or event |
/// |---|---|---|
/// | done | the first response, with `idempotency-replayed: true` | succeeds with the first output, without running |
/// | in progress | 409 `app.conflict`, with `retry-after` | fails, and is retried |
/// | the key was used with another payload | 422 `app.validation_failed` | – |
/// | no key | runs, unless [required](Self::require_key) | fails |
/// | no [caller](AnswerCallers) | runs, and its response is not kept, unless [shared](Self::shared_by_anonymous) | – |
/// | the store does not respond | 503 `app.overloaded`, unless [open](Self::fail_open) | fails, unless open |
///
/// A response is replayed only to its caller: to the same identity, or else to a request with the
/// same `authorization`, `x-api-key` and [session cookies](Self::with_session_cookies).
/// `set-cookie` headers are never kept. Responses above 350 KB and streams are not kept:
/// repetitions get a 200 with the header `idempotency-replayed`, and no body.
///
/// ```
/// use apptheory::prelude::*;
///
/// let store = Store::memory();
/// let once = Idempotent::new("shop", &store);
/// let app = App::new().post("/orders", async || "order 7").layer(once.require_key()).build()?;
/// # Ok::<(), BuildError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Idempotent {
    config: IdempotencyConfig,
    store: Store,
    scope: String,
    key: KeySource,
    callers: AnswerCallers,
    requires_key: bool,
    fails_open: bool,
    budget: Duration,
}

impl Idempotent {
    /// Creates the middleware on a store, configured by the store's environment variables, and
    /// declares its table. Pass the function's name as `scope`: it separates this application's
    /// work from that of others in the same table. Two functions with the same scope that consume
    /// the same topic would skip each other's notifications.
    ///
    /// The key of a request is its header `Idempotency-Key`.
    #[must_use]
    pub fn new(scope: &str, store: &Store) -> Self {
        let config = IdempotencyConfig::builder().env(|name| store.env(name)).build();
        Self::with_config(scope, config, store)
    }

    /// Creates the middleware with a configuration of your own, and declares its table. See
    /// [`new`](Self::new).
    #[must_use]
    pub fn with_config(scope: &str, config: IdempotencyConfig, store: &Store) -> Self {
        store.declare(config.table());
        Self {
            config,
            store: store.clone(),
            scope: scope.to_owned(),
            key: KeySource::idempotency_key_header(),
            callers: AnswerCallers::new(),
            requires_key: false,
            fails_open: false,
            budget: DECISION_BUDGET,
        }
    }

    /// Sets where the keys of requests come from.
    #[must_use]
    pub fn with_key(self, key: KeySource) -> Self {
        Self { key, ..self }
    }

    /// Names the application's session cookies. Name all of them: if callers differ only in a
    /// cookie that is not named, they get each other's responses.
    ///
    /// # Errors
    ///
    /// [`Error`] for an empty list, or an invalid cookie name.
    pub fn with_session_cookies<T: Into<String>>(
        self,
        names: impl IntoIterator<Item = T>,
    ) -> Result<Self, Error> {
        Ok(Self { callers: self.callers.with_session_cookies(names)?, ..self })
    }

    /// Sets the secret for fingerprints of credentials, such as 32 random bytes, instead of a
    /// published key. After a change of the secret, kept responses are no longer replayed.
    ///
    /// # Errors
    ///
    /// [`EmptySecret`] if it is empty or blank.
    pub fn with_secret(self, secret: impl AsRef<[u8]>) -> Result<Self, EmptySecret> {
        Ok(Self { callers: self.callers.with_secret(secret)?, ..self })
    }

    /// Also keeps responses for requests without identity or credentials, shared by all of them.
    /// Anyone who learns or guesses a key then gets its response: use it only if anonymous
    /// responses are public.
    #[must_use]
    pub fn shared_by_anonymous(self) -> Self {
        Self { callers: self.callers.shared_by_anonymous(), ..self }
    }

    /// Refuses requests without a key with 400. By default, they run each time. Safe methods such
    /// as GET never need a key.
    #[must_use]
    pub fn require_key(self) -> Self {
        Self { requires_key: true, ..self }
    }

    /// Runs the handler even if the store does not respond: the work may then be done twice. By
    /// default, it is refused.
    #[must_use]
    pub fn fail_open(self) -> Self {
        Self { fails_open: true, ..self }
    }

    /// Sets the time limit of each call to the store, instead of [`DECISION_BUDGET`]. Acquiring a
    /// lease takes one call, or two if the outcome of the first is unknown.
    #[must_use]
    pub fn with_budget(self, budget: Duration) -> Self {
        Self { budget, ..self }
    }

    /// Acquires the lease; `None` if the store does not respond, and the handler runs anyway.
    async fn acquire(
        &self,
        key: IdempotencyKey,
        payload_hash: String,
        remaining: Option<Duration>,
    ) -> Result<Option<Acquisition>, Error> {
        let (owner, now) = (Owner::new(self.store.ids().next_id()), self.store.clock().now());
        let acquire: Acquire = self.config.acquire(key, payload_hash, owner, now, remaining);
        match drive(acquire, &self.in_time()).await {
            Err(error) if self.fails_open && error.is_undecided() => Ok(None),
            acquired => acquired.map(Some),
        }
    }

    /// Stores the result. A failure to do so does not change the response, because the work was
    /// done.
    async fn complete(&self, lease: Lease, result: Option<Vec<u8>>) {
        let now = self.store.clock().now();
        let complete: Complete = match result {
            Some(result) => self.config.complete(lease, result, now),
            None => self.config.complete_without_result(lease, now),
        };
        let _ = drive(complete, &self.in_time()).await;
    }

    /// Releases the lease of work that failed. If that fails too, the lease ends by itself.
    async fn release(&self, lease: Lease) {
        let release: Release = self.config.release(lease);
        let _ = drive(release, &self.in_time()).await;
    }

    const fn in_time(&self) -> EachInTime<'_> {
        EachInTime::new(&self.store, self.budget, None)
    }
}

/// `Idempotent` was put around a handler of events of any kind, which have no id that a repetition
/// shares.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error(
    "events of any kind have no id by which a repetition is recognized: remove `Idempotent` from `on` and `otherwise`"
)]
struct NoIdentity;

/// `Idempotent` was put around a handler of a tumbling window. When its invocation fails, its
/// changes to the state are discarded, so the record must be handled again.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error(
    "records of tumbling windows must be handled again after a failure: remove `Idempotent` from the window"
)]
struct InWindow;

impl Middleware for Idempotent {
    async fn handle(&self, context: Context, next: Next) -> Answer {
        if context.is_in_window() {
            return Err(AppError::internal().with_cause(InWindow));
        }
        match (context.record().cloned(), context.event()) {
            (Some(record), _) => self.handle_record(record, context, next).await,
            // Without protection, the work would run for every delivery.
            (None, Some(_)) => Err(AppError::internal().with_cause(NoIdentity)),
            (None, None) => self.handle_request(context, next).await,
        }
    }
}
