//! A store in memory that fails on demand, and whose past can be forked.

use core::cell::{RefCell, RefMut};
use core::num::NonZeroU32;
use core::sync::atomic::{AtomicU64, Ordering};
use core::time::Duration;

use apptheory::limiter::{
    self, Attempt, Decided, Decision, DecisionId, Limiter, RateLimitKey, Recall,
};
use apptheory::machine::{Advance, Interpret, run};
use apptheory::machine::{Machine, Step};
use apptheory::store::memory::Memory;
use apptheory::store::transcript::Exchange;
use apptheory::store::{self, OperationUsage, StoreEffect, StoreRequest};
use apptheory::time::Timestamp;

use crate::limit::Admission;

/// What goes wrong with one store call.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Fault {
    /// What the caller is told.
    pub error: store::Error,
    /// Whether the store carried the order out, and only its reply was lost.
    pub applied: bool,
}

impl Fault {
    /// Carried out; the reply never came.
    pub const REPLY_LOST: Self = Self { error: store::Error::Timeout, applied: true };
    /// Never arrived.
    pub const NOT_APPLIED: Self = Self { error: store::Error::Unavailable, applied: false };
    /// Turned away for throughput.
    pub const THROTTLED: Self = Self { error: store::Error::Throttled, applied: false };
    /// Turned away because a transaction holds the item.
    pub const CONFLICT: Self = Self { error: store::Error::Conflict, applied: false };

    /// All of them.
    pub const ALL: [Self; 4] =
        [Self::REPLY_LOST, Self::NOT_APPLIED, Self::THROTTLED, Self::CONFLICT];
}

/// A limiter's table in memory, with a clock that only tests move.
#[derive(Clone, Debug)]
pub struct World {
    memory: RefCell<Memory>,
}

impl World {
    /// An empty table for `limiter`, in 1970.
    #[must_use]
    pub fn new(limiter: &Limiter) -> Self {
        Self { memory: RefCell::new(Memory::default().with_table(limiter.table())) }
    }

    /// The same world, of which each copy has its own future.
    #[must_use]
    pub fn fork(&self) -> Self {
        self.clone()
    }

    /// The time on the store's clock.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.memory.borrow().now()
    }

    /// Sets the store's clock.
    pub fn set_time(&self, now: Timestamp) {
        self.memory.borrow_mut().set_time(now);
    }

    /// The tables themselves.
    pub fn memory(&self) -> RefMut<'_, Memory> {
        self.memory.borrow_mut()
    }

    /// Calls made and capacity consumed by `act`.
    pub fn spent<T>(&self, act: impl FnOnce(&Self) -> T) -> (T, OperationUsage) {
        let before = self.memory().usage().clone();
        let result = act(self);
        (result, self.memory().usage().since(&before).total())
    }

    /// Runs a machine to its end, without faults.
    pub fn run<M>(&self, machine: M) -> M::Output
    where
        M: Machine<Request = StoreRequest<M>>,
    {
        run(machine, &mut *self.memory())
    }

    /// Carries out one effect, or lets it fail; a sleep cannot.
    pub fn step<M>(&self, request: StoreRequest<M>, fault: Option<Fault>) -> Step<M>
    where
        M: Machine<Request = StoreRequest<M>>,
    {
        request.advance(&mut Faulty { memory: &mut self.memory(), fault })
    }

    /// Carries out one effect, or lets it fail, by the clock of a caller that is `ahead` of the
    /// world's. Its answer is on the way then: others may act before it [arrives](Self::arrive).
    pub fn send<M>(&self, request: &StoreRequest<M>, fault: Option<Fault>, ahead: Duration) -> Sent
    where
        M: Machine<Request = StoreRequest<M>> + Clone,
        StoreRequest<M>: Clone,
    {
        let mut memory = self.memory();
        let now = memory.now().saturating_add(ahead);
        memory.set_time(now);
        let mut sending = Sending { store: Faulty { memory: &mut memory, fault }, sent: None };
        drop(request.clone().advance(&mut sending));
        let exchange = sending.sent;
        let now = memory.now().saturating_sub(ahead);
        memory.set_time(now);
        Sent { exchange, ahead }
    }

    /// Hands an answer to the caller that it was sent to.
    pub fn arrive<M>(&self, request: StoreRequest<M>, sent: Sent) -> Step<M>
    where
        M: Machine<Request = StoreRequest<M>>,
    {
        let at = self.now().saturating_add(sent.ahead);
        request.advance(&mut Arriving { exchange: sent.exchange, at })
    }

    /// Decides on a request for [`the_key`] as of its instant, to which the clock is set, without
    /// remembering anything.
    ///
    /// # Errors
    ///
    /// What the limiter gives when it fails closed.
    pub fn decide(
        &self,
        limiter: &Limiter,
        request: Admission,
    ) -> Result<Decision, limiter::Error> {
        self.conclude(limiter, request, &Recall::default()).decision
    }

    /// As [`decide`](Self::decide), but remembers.
    ///
    /// # Errors
    ///
    /// What the limiter gives when it fails closed.
    pub fn decide_with(
        &self,
        limiter: &Limiter,
        request: Admission,
        recall: &mut Recall,
    ) -> Result<Decision, limiter::Error> {
        let Decided { decision, learned } = self.conclude(limiter, request, recall);
        recall.learn(learned);
        decision
    }

    /// Says what [`decide`](Self::decide) would, and counts nothing.
    ///
    /// # Errors
    ///
    /// What the limiter gives when it fails closed.
    pub fn check(&self, limiter: &Limiter, request: Admission) -> Result<Decision, limiter::Error> {
        self.set_time(request.at);
        self.run(limiter.check(attempt(&the_key(), request), &Recall::default())).decision
    }

    fn conclude(&self, limiter: &Limiter, request: Admission, recall: &Recall) -> Decided {
        self.set_time(request.at);
        self.run(limiter.check_and_increment(attempt(&the_key(), request), recall))
    }
}

/// Tables in memory, with a fault in the way of the next call; a sleep is none.
#[derive(Debug)]
pub struct Faulty<'m> {
    /// The tables.
    pub memory: &'m mut Memory,
    /// What goes wrong, once.
    pub fault: Option<Fault>,
}

impl<E: StoreEffect> Interpret<E> for Faulty<'_>
where
    Memory: Interpret<E>,
{
    fn interpret(&mut self, effect: &E) -> E::Outcome {
        let failed = self.fault.take().and_then(|fault| Some((fault, E::failed(fault.error)?)));
        match failed {
            None => self.memory.interpret(effect),
            Some((fault, failed)) => {
                if fault.applied {
                    drop(self.memory.interpret(effect)); // this is the reply that gets lost
                }
                failed
            }
        }
    }
}

/// An answer that is on its way.
#[derive(Clone, Debug)]
pub struct Sent {
    exchange: Option<Exchange>,
    ahead: Duration,
}

/// Writes down what comes of an effect.
struct Sending<'m> {
    store: Faulty<'m>,
    sent: Option<Exchange>,
}

impl<'m, E: StoreEffect> Interpret<E> for Sending<'m>
where
    Faulty<'m>: Interpret<E>,
{
    fn interpret(&mut self, effect: &E) -> E::Outcome {
        let outcome = self.store.interpret(effect);
        self.sent = Some(effect.transcribe(&outcome));
        outcome
    }
}

/// Answers with what was written down, as of now.
struct Arriving {
    exchange: Option<Exchange>,
    at: Timestamp,
}

impl<E: StoreEffect> Interpret<E> for Arriving {
    #[expect(clippy::expect_used, reason = "what arrives was sent")]
    fn interpret(&mut self, effect: &E) -> E::Outcome {
        let exchange = self.exchange.take().expect("an answer that was sent");
        effect.outcome_of(&Exchange { answered_at: Some(self.at), ..exchange })
    }
}

/// An attempt, with an id that no other one has.
#[must_use]
pub fn attempt(key: &RateLimitKey, request: Admission) -> Attempt {
    static ATTEMPTS: AtomicU64 = AtomicU64::new(0);
    let id = DecisionId(u128::from(ATTEMPTS.fetch_add(1, Ordering::Relaxed)) + 1);
    let cost = NonZeroU32::new(request.cost).unwrap_or(NonZeroU32::MIN);
    Attempt::new(key.clone(), request.at).with_cost(cost).with_id(id)
}

/// The key that tests use where any will do.
#[must_use]
pub fn the_key() -> RateLimitKey {
    key("tenant-7", "/orders")
}

/// A key of an identifier and a resource.
#[must_use]
#[expect(clippy::expect_used, reason = "tests give texts that make a key")]
pub fn key(identifier: &str, resource: &str) -> RateLimitKey {
    RateLimitKey::new(identifier, resource, "POST").expect("three texts without separators")
}

/// The instant a number of seconds after 1970.
#[must_use]
pub fn seconds(since_1970: i64) -> Timestamp {
    Timestamp::from_unix_seconds(since_1970)
}

/// The instant a number of nanoseconds after 1970.
#[must_use]
#[expect(clippy::expect_used, reason = "tests stay within the years 0001 to 9999")]
pub fn nanos(since_1970: i128) -> Timestamp {
    Timestamp::from_unix_nanos(since_1970).expect("an instant in range")
}
