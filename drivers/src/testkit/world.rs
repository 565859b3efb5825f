//! A store in memory with planned failures, which can be forked.

use apptheory_core::each_store_effect;
use apptheory_core::limiter::{Attempt, Decided, DecisionId, Limiter, RateLimitKey, Recall};
use apptheory_core::machine::{Machine, Step};
use apptheory_core::run::Interpret;
use apptheory_core::store::memory::Memory;
use apptheory_core::store::transcript::Exchange;
use apptheory_core::store::{Conclusion, StoreEffect, StoreRequest, TableDefinition};
use apptheory_core::time::Timestamp;

use super::TestEnv;
use super::schedules::{Run, Schedule};
use crate::layer::Fault;

/// Tables in memory and a clock, in which machines run in any order, and in which calls fail as
/// planned. A [fork](Self::fork) continues independently.
///
/// Use it to check properties of concurrent callers. [`run`](Self::run) and
/// [`run_each`](Self::run_each) follow a schedule; machines that prepare a test are [run] alone:
///
/// ```
/// use apptheory::limiter::{Attempt, FixedWindow, Limiter, RateLimitKey, Recall};
/// use apptheory::machine;
/// use apptheory::testkit::{Schedules, World};
///
/// let limiter = Limiter::fail_closed(FixedWindow::per_minute(3)).build();
/// let mut world = World::new(&limiter);
///
/// let key = RateLimitKey::new("tenant-7", "/orders", "POST")?;
/// let attempt = Attempt::new(key, world.now());
/// let check_and_increment =
///     || limiter.check_and_increment(attempt.clone(), &Recall::default());
/// assert!(machine::run(check_and_increment(), &mut world).decision?.allowed);
///
/// for schedule in Schedules::of(3) {
///     let run = world.run_each(schedule, |_| check_and_increment());
///     assert_eq!(run.admitted(), 2);
/// }
/// # Ok::<(), apptheory::limiter::Error>(())
/// ```
///
/// There is no waiting: a [`Sleep`](crate::store::Sleep) advances the clock for all callers.
///
/// [run]: crate::machine::run
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct World {
    memory: Memory,
    /// How many callers of [`run`](Self::run) there were: an id of a decision must not be used
    /// again, also in a later run.
    callers: u128,
}

impl Default for World {
    /// Creates a world without tables, at [`BEGINNING`](TestEnv::BEGINNING).
    fn default() -> Self {
        let mut memory = Memory::default();
        memory.set_time(TestEnv::BEGINNING);
        Self { memory, callers: 0 }
    }
}

impl World {
    /// Creates a world with the table of a limiter, at [`BEGINNING`](TestEnv::BEGINNING).
    #[must_use]
    pub fn new(limiter: &Limiter) -> Self {
        Self::default().with_table(limiter.table())
    }

    /// Adds an empty table, such as that of an event bus.
    #[must_use]
    pub fn with_table(self, definition: TableDefinition) -> Self {
        Self { memory: self.memory.with_table(definition), ..self }
    }

    /// Copies the world.
    #[must_use]
    pub fn fork(&self) -> Self {
        self.clone()
    }

    /// Returns the time on its clock.
    #[must_use]
    pub const fn now(&self) -> Timestamp {
        self.memory.now()
    }

    /// Sets its clock, also backwards.
    pub const fn set_time(&mut self, now: Timestamp) {
        self.memory.set_time(now);
    }

    /// Returns the tables, and the usage of calls.
    #[must_use]
    pub const fn memory(&self) -> &Memory {
        &self.memory
    }

    /// Lets each caller of the schedule request one unit of one key from a limiter, at the current
    /// time. It runs in a fork, and does not change this world.
    #[must_use]
    pub fn run(&self, limiter: &Limiter, schedule: Schedule) -> Run<Decided> {
        let key = RateLimitKey::new("tenant-7", "/orders", "POST");
        let key = key.unwrap_or_else(|error| panic!("the key's texts are valid: {error}"));
        let recall = Recall::default();
        let mut world = self.fork();
        world.callers += schedule.callers() as u128;
        schedule.follow(world, |caller| {
            let id = DecisionId(self.callers + caller as u128 + 1);
            limiter.check_and_increment(Attempt::new(key.clone(), self.now()).with_id(id), &recall)
        })
    }

    /// Runs the machines of several callers, numbered from 0, in the order of a schedule. It runs
    /// in a fork, and does not change this world.
    pub fn run_each<M>(&self, schedule: Schedule, machine: impl FnMut(usize) -> M) -> Run<M::Output>
    where
        M: Machine<Request = StoreRequest<M>>,
    {
        schedule.follow(self.fork(), machine)
    }

    /// Executes the effect that a machine waits for, or makes it fail, and resumes the machine. A
    /// sleep cannot fail.
    pub fn step<M>(&mut self, request: StoreRequest<M>, fault: Option<Fault>) -> Step<M>
    where
        M: Machine<Request = StoreRequest<M>>,
    {
        carry_out(self, request, fault, |_| {})
    }

    /// Executes the effect that a machine waits for, or makes it fail, and delays the reply: other
    /// machines may run before it [arrives](Self::arrive).
    pub fn send<M: Machine>(&mut self, request: &StoreRequest<M>, fault: Option<Fault>) -> Sent {
        Sent(transcribe(self, request, fault))
    }

    /// Resumes a machine with the reply to its request, which arrives now.
    pub fn arrive<M: Machine>(&self, request: StoreRequest<M>, sent: Sent) -> Step<M> {
        let exchange = Exchange { answered_at: Some(self.now()), ..sent.0 };
        read_back(request, &exchange)
    }

    /// Executes an effect, or makes it fail.
    fn interpret_or_fail<E: StoreEffect>(&mut self, effect: &E, fault: Option<Fault>) -> E::Outcome
    where
        Memory: Interpret<E>,
    {
        let failed = fault.and_then(|fault| Some((fault, E::failed(fault.error)?)));
        let Some((fault, failed)) = failed else {
            return self.memory.interpret(effect);
        };
        if fault.applied {
            drop(self.memory.interpret(effect)); // the reply that is lost
        }
        failed
    }
}

/// Without faults: [`run`](crate::machine::run) runs a machine in a world to its end.
impl<E: StoreEffect> Interpret<E> for World
where
    Memory: Interpret<E>,
{
    fn interpret(&mut self, effect: &E) -> E::Outcome {
        self.memory.interpret(effect)
    }
}

/// A reply that is delayed.
#[must_use = "pass it to `World::arrive`"]
#[derive(Clone, Debug)]
pub struct Sent(Exchange);

/// Runs code for a request, whatever its effect.
macro_rules! requests {
    ($($Effect:ident $method:ident,)+) => {
        /// Executes the requested effect; `conclude` learns how it ended before the machine goes
        /// on, which may panic.
        pub(super) fn carry_out<M: Machine>(
            world: &mut World,
            request: StoreRequest<M>,
            fault: Option<Fault>,
            conclude: impl FnOnce(Conclusion),
        ) -> Step<M> {
            match request {
                $(StoreRequest::$Effect(ask) => {
                    let outcome = world.interpret_or_fail(ask.effect(), fault);
                    conclude(apptheory_core::store::$Effect::conclusion(&outcome));
                    ask.answer(outcome)
                })+
            }
        }

        fn transcribe<M: Machine>(
            world: &mut World,
            request: &StoreRequest<M>,
            fault: Option<Fault>,
        ) -> Exchange {
            match request {
                $(StoreRequest::$Effect(ask) => {
                    let outcome = world.interpret_or_fail(ask.effect(), fault);
                    ask.effect().transcribe(&outcome)
                })+
            }
        }

        fn read_back<M: Machine>(request: StoreRequest<M>, exchange: &Exchange) -> Step<M> {
            match request {
                $(StoreRequest::$Effect(ask) => {
                    let outcome = ask.effect().outcome_of(exchange);
                    ask.answer(outcome)
                })+
            }
        }

        /// Returns the name of the requested effect, such as `UpdateItem` or `Sleep`.
        pub(super) const fn name_of<M: Machine>(request: &StoreRequest<M>) -> &'static str {
            match request {
                $(StoreRequest::$Effect(_) => {
                    <apptheory_core::store::$Effect as StoreEffect>::NAME
                })+
            }
        }
    };
}

each_store_effect!(requests);
