//! Handlers that do their work once, however often they are asked to.
//!
//! [`Idempotent`] is a middleware, of requests and of events. It lends the core's machines a store,
//! and turns what they conclude into answers. It decides nothing about who may do a piece of work:
//! that is the core's.
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

/// A middleware that has work done once: of a request by the key that it brings, of a record by the
/// id that its service gave it.
///
/// The first caller gets a lease for the time that the invocation has left, or a minute. While it
/// lasts, others are told that the work is in progress; once the work is done, they get what came
/// of it. Work that fails or panics can be tried again at once; work that is given up half-way, by a
/// timeout around this middleware or with its invocation, once the lease has ended. So put a
/// [`Timeout`](crate::app::Timeout) inside, not around.
///
/// | | Request | Record or event |
/// |---|---|---|
/// | done | the first answer, with `idempotency-replayed: true` | succeeds with the first output, without running |
/// | in progress | 409 `app.conflict`, with `retry-after` | fails, and comes again |
/// | the key was used with another payload | 422 `app.validation_failed` | – |
/// | no key | runs, unless [required](Self::require_key) | fails |
/// | no [caller](AnswerCallers) | runs, and its answer is not kept, unless [shared](Self::shared_by_anonymous) | – |
/// | the store does not answer | 503 `app.overloaded`, unless [open](Self::fail_open) | fails, unless open |
///
/// An answer is kept for its caller alone: for an identity, or else for who shows the same
/// `authorization`, `x-api-key` and [session cookies](Self::with_session_cookies). `set-cookie` fields
/// are never kept. Answers above 350 KB and streams are not kept either: repetitions get 200, the
/// field, and no body.
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
    /// Makes a middleware on a store, configured by the store's environment, and declares its table.
    /// The scope keeps this application's work apart from that of others in the same table: give the
    /// function's name. Two functions with one scope that consume the same topic would skip each
    /// other's notifications as done.
    ///
    /// Keys of requests come in the field `Idempotency-Key`.
    #[must_use]
    pub fn new(scope: &str, store: &Store) -> Self {
        let config = IdempotencyConfig::builder().env(|name| store.env(name)).build();
        Self::with_config(scope, config, store)
    }

    /// Makes a middleware of another configuration on a store, and declares its table. See
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

    /// Takes the keys of requests from elsewhere.
    #[must_use]
    pub fn with_key(self, key: KeySource) -> Self {
        Self { key, ..self }
    }

    /// Names the cookies that the application knows its sessions by. Name every one of them: where a
    /// cookie is all that tells callers apart and is not named, they would get each other's answers.
    ///
    /// # Errors
    ///
    /// [`Error`] for an empty list, and for a name that no cookie can have.
    pub fn with_session_cookies<T: Into<String>>(
        self,
        names: impl IntoIterator<Item = T>,
    ) -> Result<Self, Error> {
        Ok(Self { callers: self.callers.with_session_cookies(names)?, ..self })
    }

    /// Makes fingerprints of credentials under a secret of the deployment, such as 32 random bytes,
    /// instead of the published key. Changing it forgets whose the kept answers are.
    ///
    /// # Errors
    ///
    /// [`EmptySecret`] when it is empty or blank.
    pub fn with_secret(self, secret: impl AsRef<[u8]>) -> Result<Self, EmptySecret> {
        Ok(Self { callers: self.callers.with_secret(secret)?, ..self })
    }

    /// Keeps answers also for requests that show neither an identity nor a credential, one for all of
    /// them. Anybody who learns or guesses a key is then given its answer: only for applications
    /// whose anonymous answers are for everybody.
    #[must_use]
    pub fn shared_by_anonymous(self) -> Self {
        Self { callers: self.callers.shared_by_anonymous(), ..self }
    }

    /// Answers 400 to requests that bring no key. Without it, they are served as
    /// often as they come. Safe methods, such as GET, never need one.
    #[must_use]
    pub fn require_key(self) -> Self {
        Self { requires_key: true, ..self }
    }

    /// Does the work all the same when the store does not answer: maybe twice, rather
    /// than not at all.
    #[must_use]
    pub fn fail_open(self) -> Self {
        Self { fails_open: true, ..self }
    }

    /// Gives each call of the store another time, instead of [`DECISION_BUDGET`]. Asking
    /// for the work takes one call, or two when the outcome of the first is unknown.
    #[must_use]
    pub fn with_budget(self, budget: Duration) -> Self {
        Self { budget, ..self }
    }

    /// Asks whether the work may be done. `None` when nobody knows and it is to be done all the
    /// same.
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

    /// Keeps what came of the work, or that it is done. The caller has its answer whatever comes of
    /// this: the work was done.
    async fn complete(&self, lease: Lease, result: Option<Vec<u8>>) {
        let now = self.store.clock().now();
        let complete: Complete = match result {
            Some(result) => self.config.complete(lease, result, now),
            None => self.config.complete_without_result(lease, now),
        };
        let _ = drive(complete, &self.in_time()).await;
    }

    /// Gives work back that failed. Where that fails too, the lease ends by itself.
    async fn release(&self, lease: Lease) {
        let release: Release = self.config.release(lease);
        let _ = drive(release, &self.in_time()).await;
    }

    const fn in_time(&self) -> EachInTime<'_> {
        EachInTime::new(&self.store, self.budget, None)
    }
}

/// An event of any kind was to be handled once, but it has no id that a repetition would share.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("events of any kind have no id that a repetition has, too: `Idempotent` is not for them")]
struct NoIdentity;

/// A record of a tumbling window was to be handled once. Where its invocation fails, what it changed in
/// the state is gone, and it has to be handled again.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error(
    "records of tumbling windows are handled again after a failure: `Idempotent` is not for them"
)]
struct InWindow;

impl Middleware for Idempotent {
    async fn handle(&self, context: Context, next: Next) -> Answer {
        if context.is_in_window() {
            return Err(AppError::internal().with_cause(InWindow));
        }
        match (context.record().cloned(), context.event()) {
            (Some(record), _) => self.handle_record(record, context, next).await,
            // Served unprotected, its work would run once for every time that it comes.
            (None, Some(_)) => Err(AppError::internal().with_cause(NoIdentity)),
            (None, None) => self.handle_request(context, next).await,
        }
    }
}
