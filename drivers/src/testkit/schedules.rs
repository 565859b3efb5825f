//! Every order of the calls of concurrent callers.

use core::cell::RefCell;
use core::time::Duration;
use std::rc::Rc;

use apptheory_core::limiter::Decided;
use apptheory_core::machine::{Machine, Step};
use apptheory_core::store::StoreRequest;
use apptheory_core::time::Timestamp;

use super::course::{Course, Fate, Turn};
use super::world::{Sent, World, carry_out, name_of};
use crate::layer::Fault;

/// Every schedule of several callers: each order of their store calls, and each choice of calls
/// that fail. Use it to show that a property holds for every interleaving of callers.
///
/// ```
/// use apptheory::limiter::{FixedWindow, Limiter};
/// use apptheory::testkit::{Schedules, World};
///
/// let limiter = Limiter::fail_closed(FixedWindow::per_minute(2)).build();
/// let world = World::new(&limiter);
/// for schedule in Schedules::of(3) {
///     assert_eq!(world.run(&limiter, schedule).admitted(), 2);
/// }
/// for schedule in Schedules::of(3).losing_one_reply() {
///     assert!(world.run(&limiter, schedule).admitted() <= 2);
/// }
/// ```
///
/// In each turn one caller's store call is executed, and the caller runs until its next call:
/// schedules order calls, and nothing between them. The number of calls is discovered while
/// schedules are followed. Therefore each schedule has to be [run](World::run) before the next one
/// is requested, from an equal world (not from the end of the run before it) and with the same
/// machines; a test with another world, or another number of choices, panics. If a test panics for
/// any reason, the last schedule is printed, turn by turn.
///
/// Schedules do not cover calls that take effect after their caller was told of a failure: a call
/// whose reply is lost has already been executed. Nor do they cover concurrent sleeps: each sleep
/// takes a turn, and advances the clock for all callers.
///
/// There are many schedules: *n* callers with *k* calls each have (*nk*)! / (*k*!)*ⁿ* orders, which
/// are 90 for three callers with two calls, and 34 650 with four. A call that fails multiplies them
/// by about the number of calls.
#[derive(Debug)]
pub struct Schedules {
    callers: usize,
    allowances: Vec<Allowance>,
    pub(super) course: Rc<RefCell<Course>>,
}

/// A number of calls may fail, each in one of these ways.
#[derive(Clone, Debug)]
struct Allowance {
    calls: usize,
    fates: Vec<Fate>,
}

impl Schedules {
    /// Returns every order of the calls of `callers` callers.
    #[must_use]
    pub fn of(callers: usize) -> Self {
        Self { callers, allowances: Vec::new(), course: Rc::default() }
    }

    /// Adds the schedules in which one call is executed and its reply is lost.
    #[must_use]
    pub fn losing_one_reply(self) -> Self {
        self.allowing(1, vec![Fate::Failed(Fault::REPLY_LOST)])
    }

    /// Adds the schedules in which up to `calls` calls fail, each in [every way](Fault::ALL).
    #[must_use]
    pub fn failing(self, calls: usize) -> Self {
        self.allowing(calls, Fault::ALL.map(Fate::Failed).to_vec())
    }

    /// Adds the schedules in which one call is executed at once and its reply arrives `by` later.
    /// Other callers may run until then; when the reply arrives, the clock shows that time, unless
    /// it shows a later one.
    #[must_use]
    pub fn delaying_one_reply(self, by: Duration) -> Self {
        self.allowing(1, vec![Fate::Delayed(by)])
    }

    fn allowing(mut self, calls: usize, fates: Vec<Fate>) -> Self {
        self.allowances.push(Allowance { calls, fates });
        self
    }
}

impl Iterator for Schedules {
    type Item = Schedule;

    fn next(&mut self) -> Option<Schedule> {
        self.course.borrow_mut().next_schedule().then(|| Schedule {
            callers: self.callers,
            allowances: self.allowances.clone(),
            course: Rc::clone(&self.course),
        })
    }
}

impl Drop for Schedules {
    /// Prints the schedule in which a test fails.
    fn drop(&mut self) {
        if std::thread::panicking()
            && let Ok(course) = self.course.try_borrow()
            && course.has_turns()
        {
            eprint!("the last schedule:\n{course}");
        }
    }
}

/// One order of the callers' turns. It is determined while it is followed, once.
#[must_use = "pass it to `World::run` or `World::run_each`"]
#[derive(Debug)]
pub struct Schedule {
    callers: usize,
    allowances: Vec<Allowance>,
    course: Rc<RefCell<Course>>,
}

/// The result of a schedule.
#[derive(Clone, Debug)]
pub struct Run<O> {
    /// The output of each caller's machine, in the order of the callers.
    pub outputs: Vec<O>,
    /// The world at the end.
    pub world: World,
}

impl Run<Decided> {
    /// Returns how many requests were admitted, counted or not: a limiter that fails open admits
    /// requests that it cannot count. Errors are not admissions. A limit also holds if every
    /// request fails, so assert for schedules without faults how many are admitted.
    #[must_use]
    pub fn admitted(&self) -> usize {
        let decisions = self.outputs.iter().filter_map(|decided| decided.decision.as_ref().ok());
        decisions.filter(|decision| decision.allowed).count()
    }
}

/// The state of a caller.
enum Stand<M: Machine> {
    /// Its call is about to be executed.
    Asking(M::Request),
    /// Its reply is delayed.
    Waiting {
        request: M::Request,
        sent: Sent,
        until: Timestamp,
    },
    Done(M::Output),
}

impl<M: Machine> From<Step<M>> for Stand<M> {
    fn from(step: Step<M>) -> Self {
        match step {
            Step::Ask(request) => Self::Asking(request),
            Step::Done(output) => Self::Done(output),
        }
    }
}

impl Schedule {
    pub(super) const fn callers(&self) -> usize {
        self.callers
    }

    pub(super) fn follow<M>(
        mut self,
        mut world: World,
        mut machine: impl FnMut(usize) -> M,
    ) -> Run<M::Output>
    where
        M: Machine<Request = StoreRequest<M>>,
    {
        self.course.borrow_mut().start(&world);
        let mut callers: Vec<Stand<M>> =
            (0..self.callers).map(|caller| machine(caller).start().into()).collect();
        loop {
            // A caller's end affects no other caller, so it takes no turn.
            let is_done = |caller: &usize| matches!(callers[*caller], Stand::Done(_));
            let under_way: Vec<usize> = (0..self.callers).filter(|at| !is_done(at)).collect();
            if under_way.is_empty() {
                break;
            }
            let caller = under_way[self.choose(under_way.len())];
            let stand = callers.remove(caller);
            callers.insert(caller, self.take_turn(&mut world, caller, stand));
        }
        self.course.borrow_mut().end();
        let outputs = callers.into_iter().filter_map(|stand| match stand {
            Stand::Done(output) => Some(output),
            Stand::Asking(_) | Stand::Waiting { .. } => None,
        });
        Run { outputs: outputs.collect(), world }
    }

    fn take_turn<M>(&mut self, world: &mut World, caller: usize, stand: Stand<M>) -> Stand<M>
    where
        M: Machine<Request = StoreRequest<M>>,
    {
        match stand {
            Stand::Asking(request) => {
                let is_sleep = matches!(request, StoreRequest::Sleep(_));
                let fate = if is_sleep { Fate::Answered } else { self.choose_fate() };
                let effect = name_of(&request);
                self.note(Turn { caller, effect, fate: Some(fate), conclusion: None });
                let conclude = |conclusion| self.course.borrow_mut().conclude(conclusion);
                match fate {
                    Fate::Answered => carry_out(world, request, None, conclude).into(),
                    Fate::Failed(fault) => world.step(request, Some(fault)).into(),
                    Fate::Delayed(by) => {
                        let until = world.now().saturating_add(by);
                        Stand::Waiting { sent: world.send(&request, None), request, until }
                    }
                }
            }
            Stand::Waiting { request, sent, until } => {
                world.set_time(world.now().max(until));
                let effect = name_of(&request);
                self.note(Turn { caller, effect, fate: None, conclusion: None });
                world.arrive(request, sent).into()
            }
            done @ Stand::Done(_) => done,
        }
    }

    /// Chooses the fate of the next call.
    fn choose_fate(&mut self) -> Fate {
        let open = self.allowances.iter().enumerate().filter(|(_, allowance)| allowance.calls > 0);
        let fates: Vec<(usize, Fate)> = open
            .flat_map(|(of, allowance)| allowance.fates.iter().map(move |fate| (of, *fate)))
            .collect();
        // The first alternative is that nothing fails.
        let Some(chosen) = self.choose(fates.len() + 1).checked_sub(1) else {
            return Fate::Answered;
        };
        let (of, fate) = fates[chosen];
        self.allowances[of].calls -= 1;
        fate
    }

    fn choose(&self, among: usize) -> usize {
        self.course.borrow_mut().choose(among)
    }

    fn note(&self, turn: Turn) {
        self.course.borrow_mut().note(turn);
    }
}
