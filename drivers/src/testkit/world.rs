//! A store in memory that fails on demand, and whose past can be forked.

use apptheory_core::each_store_effect;
use apptheory_core::limiter::{Attempt, Decided, DecisionId, Limiter, RateLimitKey, Recall};
use apptheory_core::machine::{Machine, Step};
use apptheory_core::run::Interpret;
use apptheory_core::store::memory::Memory;
use apptheory_core::store::transcript::Exchange;
use apptheory_core::store::{StoreEffect, StoreRequest, TableDefinition};
use apptheory_core::time::Timestamp;

use super::TestEnv;
use super::schedules::{Run, Schedule};
use crate::layer::Fault;

/// Tables in memory and a clock, in which machines run in whatever order a test wants, and in which
/// calls fail on demand. Each [fork](Self::fork) has a future of its own.
///
/// It is for what must hold however callers come in between each other. [`run`](Self::run) and
/// [`run_each`](Self::run_each) follow a schedule; machines that set the stage are [run] alone:
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
/// Nothing waits: a [`Sleep`](crate::store::Sleep) sets the clock ahead, for everybody.
///
/// [run]: crate::machine::run
#[derive(Clone, Debug)]
pub struct World {
    memory: Memory,
}

impl Default for World {
    /// Makes a world without tables, at the [beginning](TestEnv::BEGINNING).
    fn default() -> Self {
        let mut memory = Memory::default();
        memory.set_time(TestEnv::BEGINNING);
        Self { memory }
    }
}

impl World {
    /// Makes a world with the table of a limiter, at the [beginning](TestEnv::BEGINNING).
    #[must_use]
    pub fn new(limiter: &Limiter) -> Self {
        Self::default().with_table(limiter.table())
    }

    /// Adds an empty table, such as that of an event bus.
    #[must_use]
    pub fn with_table(self, definition: TableDefinition) -> Self {
        Self { memory: self.memory.with_table(definition) }
    }

    /// Returns the same world, with a future of its own.
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

    /// Returns the tables, and an account of the calls.
    #[must_use]
    pub const fn memory(&self) -> &Memory {
        &self.memory
    }

    /// Lets as many callers as the schedule has ask a limiter for one unit each, of one key, as of
    /// now. It happens in a fork: the world stays as it is.
    #[must_use]
    pub fn run(&self, limiter: &Limiter, schedule: Schedule) -> Run<Decided> {
        let key = RateLimitKey::new("tenant-7", "/orders", "POST");
        let key = key.unwrap_or_else(|error| panic!("texts without separators: {error}"));
        let recall = Recall::default();
        self.run_each(schedule, |caller| {
            let id = DecisionId(caller as u128 + 1);
            limiter.check_and_increment(Attempt::new(key.clone(), self.now()).with_id(id), &recall)
        })
    }

    /// Runs the machines of several callers, the first of which is number 0, in the order of a
    /// schedule. It happens in a fork: the world stays as it is.
    pub fn run_each<M>(&self, schedule: Schedule, machine: impl FnMut(usize) -> M) -> Run<M::Output>
    where
        M: Machine<Request = StoreRequest<M>>,
    {
        schedule.follow(self.fork(), machine)
    }

    /// Carries out the one effect that a machine waits for, or lets it fail, and resumes the
    /// machine. A sleep cannot fail.
    pub fn step<M>(&mut self, request: StoreRequest<M>, fault: Option<Fault>) -> Step<M>
    where
        M: Machine<Request = StoreRequest<M>>,
    {
        carry_out(self, request, fault)
    }

    /// Carries out the one effect that a machine waits for, or lets it fail, and keeps the answer
    /// on its way: others may act before it [arrives](Self::arrive).
    pub fn send<M: Machine>(&mut self, request: &StoreRequest<M>, fault: Option<Fault>) -> Sent {
        Sent(transcribe(self, request, fault))
    }

    /// Resumes a machine with the answer to its request, which arrives now.
    pub fn arrive<M: Machine>(&self, request: StoreRequest<M>, sent: Sent) -> Step<M> {
        let exchange = Exchange { answered_at: Some(self.now()), ..sent.0 };
        read_back(request, &exchange)
    }

    /// Carries out an effect, or lets it fail.
    fn interpret_or_fail<E: StoreEffect>(&mut self, effect: &E, fault: Option<Fault>) -> E::Outcome
    where
        Memory: Interpret<E>,
    {
        let failed = fault.and_then(|fault| Some((fault, E::failed(fault.error)?)));
        let Some((fault, failed)) = failed else {
            return self.memory.interpret(effect);
        };
        if fault.applied {
            drop(self.memory.interpret(effect)); // this is the reply that gets lost
        }
        failed
    }
}

/// Without faults: [`run`](crate::machine::run) runs a machine in a world, to its end.
impl<E: StoreEffect> Interpret<E> for World
where
    Memory: Interpret<E>,
{
    fn interpret(&mut self, effect: &E) -> E::Outcome {
        self.memory.interpret(effect)
    }
}

/// An answer that is on its way.
#[must_use = "what is sent has to arrive"]
#[derive(Clone, Debug)]
pub struct Sent(Exchange);

/// What is done with a request, whichever effect it has.
macro_rules! requests {
    ($($Effect:ident $method:ident,)+) => {
        fn carry_out<M: Machine>(
            world: &mut World,
            request: StoreRequest<M>,
            fault: Option<Fault>,
        ) -> Step<M> {
            match request {
                $(StoreRequest::$Effect(ask) => {
                    let outcome = world.interpret_or_fail(ask.effect(), fault);
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

        /// The name of the effect that is asked for, such as `UpdateItem` or `Sleep`.
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
