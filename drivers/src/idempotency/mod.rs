//! Handlers that do their work once, however often they are asked to.
//!
//! [`Idempotent`] is a middleware, of requests and of events. It lends the core's machines a store
//! and the application's clock, and turns what they conclude into answers. It decides nothing about
//! who may do a piece of work: that is [`idempotency`](apptheory_core::idempotency)'s.
//!
//! ```
//! use apptheory::app::{App, Invocation};
//! use apptheory::idempotency::{IdempotencyConfig, Idempotent};
//! use apptheory::store::MemoryStore;
//!
//! let idempotency = IdempotencyConfig::builder().build();
//! let store = MemoryStore::default().with_table(idempotency.table());
//! let once = Idempotent::new("shop", idempotency, store);
//! let app = App::builder().middleware(once).post("/orders", async || "order 7").build()?;
//!
//! let event = r#"{"rawPath":"/orders","requestContext":{"http":{"method":"POST"}},
//!     "headers":{"idempotency-key":"k1","authorization":"Bearer of-ann"}}"#;
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
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

use core::fmt;
use core::time::Duration;

#[doc(inline)]
pub use apptheory_core::idempotency::*;
use apptheory_core::identity::EmptySecret;

use crate::clock::{Clock as _, SharedClock};
use crate::execute::{StoreExecutor, drive};
use crate::ids::IdSource;
use crate::layer::{DECISION_BUDGET, EachInTime};

/// A middleware that has work done once: of a request by the key that it brings, of a record by the
/// id that its service gave it.
///
/// Whoever asks first gets a lease for the time that the invocation has left, or a minute. While it
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
pub struct Idempotent<X> {
    idempotency: IdempotencyConfig,
    executor: X,
    scope: String,
    key: KeySource,
    callers: AnswerCallers,
    requires_key: bool,
    fails_open: bool,
    budget: Duration,
}

impl<X> Idempotent<X> {
    /// A middleware over a store. The scope tells this application's work from that of others in
    /// the same table: name the function. Two functions of the same scope that consume the same
    /// topic would take each other's notifications for done.
    ///
    /// Keys of requests come in the field `Idempotency-Key`.
    pub fn new(scope: &str, idempotency: IdempotencyConfig, executor: X) -> Self {
        Self {
            idempotency,
            executor,
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
}

impl<X: StoreExecutor> Idempotent<X> {
    /// Asks whether the work may be done. `None` when nobody knows and it is to be done all the
    /// same.
    async fn acquire(
        &self,
        key: IdempotencyKey,
        payload_hash: String,
        remaining: Option<Duration>,
        clock: &SharedClock,
        ids: &dyn IdSource,
    ) -> Result<Option<Acquisition>, Error> {
        let (owner, now) = (Owner::new(ids.next_id()), clock.now());
        let acquire: Acquire = self.idempotency.acquire(key, payload_hash, owner, now, remaining);
        match drive(acquire, &self.in_time(clock)).await {
            Err(error) if self.fails_open && error.is_undecided() => Ok(None),
            acquired => acquired.map(Some),
        }
    }

    /// Keeps what came of the work, or that it is done. The caller has its answer whatever comes of
    /// this: the work was done.
    async fn complete(&self, lease: Lease, result: Option<Vec<u8>>, clock: &SharedClock) {
        let complete: Complete = match result {
            Some(result) => self.idempotency.complete(lease, result, clock.now()),
            None => self.idempotency.complete_without_result(lease, clock.now()),
        };
        let _ = drive(complete, &self.in_time(clock)).await;
    }

    /// Gives work back that failed. Where that fails too, the lease ends by itself.
    async fn release(&self, lease: Lease, clock: &SharedClock) {
        let release: Release = self.idempotency.release(lease);
        let _ = drive(release, &self.in_time(clock)).await;
    }

    const fn in_time<'x>(&'x self, clock: &'x SharedClock) -> EachInTime<'x, X, SharedClock> {
        EachInTime { executor: &self.executor, clock, budget: self.budget, ends_at: None }
    }
}

impl<X> fmt::Debug for Idempotent<X> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Idempotent")
            .field("scope", &self.scope)
            .field("key", &self.key)
            .field("callers", &self.callers)
            .field("requires_key", &self.requires_key)
            .field("fails_open", &self.fails_open)
            .finish_non_exhaustive()
    }
}
