//! Never more admissions than the limit while time passes: with clocks that differ, and replies
//! that are late or lost.
//!
//! A call has two halves, the request that reaches the store and the reply that reaches the caller,
//! and anything may happen in between. The tests follow all schedules of a few callers around the
//! end of a sub-window, and random ones of up to four instances with caches.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use core::cell::RefCell;
use core::time::Duration;
use std::collections::BTreeSet;

use apptheory::layer::Fault;
use apptheory::limiter::{Attempt, Basis, CheckAndIncrement, Coverage, Decided, Limiter, Recall};
use apptheory::machine::{Machine, Step};
use apptheory::store::StoreRequest;
use apptheory::testkit::{Sent, World, model};
use apptheory::time::Timestamp;
use apptheory_proptests::any;
use apptheory_proptests::cases;
use apptheory_proptests::limit::{Admission, Limit, Writing};
use apptheory_proptests::world::{Decide as _, attempt, nanos, seconds, the_key};
use proptest::prelude::*;
use proptest::sample::select;

const NOON: i64 = 1_767_268_800;

/// The admissions: as counted, and when they were known in real time.
#[derive(Clone, Debug, Default)]
struct Tally {
    counted: Vec<Admission>,
    real: Vec<Admission>,
}

impl Tally {
    fn note(&mut self, decided: &Decided, cost: u32, now: Timestamp) {
        if let Ok(decision) = &decided.decision
            && decision.allowed
            && decision.basis == Basis::Counted
        {
            self.counted.push(Admission { at: decision.decided_at, cost });
            self.real.push(Admission { at: now, cost });
        }
    }

    /// Returns whether the limit held, over what is counted together and over real time.
    fn held(&self, limit: &Limit) -> bool {
        limit.held(&self.counted) && holds_in_real_time(limit, &self.real)
    }
}

/// Returns whether a sliding window's guarantee held for every real span of time.
fn holds_in_real_time(limit: &Limit, admitted: &[Admission]) -> bool {
    let Limit::Sliding { parts, granularity, coverage, limit } = limit else { return true };
    let span = match coverage {
        Coverage::Conservative => parts * granularity,
        Coverage::Aligned => (parts - 1) * granularity,
    };
    model::Limit::busiest(admitted, Duration::from_secs(span)) <= (*limit).max(0)
}

/// The state of a caller.
#[derive(Clone, Debug)]
enum Stand {
    Idle,
    /// About to send a request.
    Asking(StoreRequest<CheckAndIncrement>),
    /// Its reply is in flight.
    Waiting(StoreRequest<CheckAndIncrement>, Sent),
    Done,
}

/// A caller with its own clock.
#[derive(Clone, Debug)]
struct Caller {
    /// How far its clock is ahead of real time.
    ahead: Duration,
    stand: Stand,
}

/// Callers around the end of a sub-window.
struct Crossing<'a> {
    limit: &'a Limit,
    limiter: &'a Limiter,
    callers: Vec<Caller>,
    world: World,
    /// The instants at which callers may still act.
    times: &'a [Timestamp],
    /// The number of calls that may still fail.
    faults: usize,
    /// Whether other callers may act between a request and its reply.
    in_halves: bool,
    tally: Tally,
    /// States of other schedules from which everything was already followed.
    seen: &'a RefCell<BTreeSet<String>>,
}

impl Crossing<'_> {
    fn fork(&self) -> Self {
        Self {
            callers: self.callers.clone(),
            world: self.world.fork(),
            tally: self.tally.clone(),
            ..*self
        }
    }

    /// Follows every schedule with every passing of time and every choice of faults. Schedules that
    /// reach the same state continue alike, so it is followed once.
    fn explore(self) {
        if !self.seen.borrow_mut().insert(self.point()) {
            return;
        }
        if self.callers.iter().all(|caller| matches!(caller.stand, Stand::Done)) {
            assert!(self.tally.held(self.limit), "{:?} {:?}", self.limit, self.tally);
            return;
        }
        if let Some((next, later)) = self.times.split_first() {
            let mut fork = Self { times: later, ..self.fork() };
            fork.world.set_time(fork.world.now().max(*next));
            fork.explore();
        }
        for at in 0..self.callers.len() {
            let faults = match &self.callers[at].stand {
                Stand::Done => continue,
                // Callers with the same clock are interchangeable: they start in one order.
                Stand::Idle if self.is_preceded(at) => continue,
                Stand::Asking(StoreRequest::Sleep(_)) | Stand::Waiting(..) => &[],
                Stand::Idle | Stand::Asking(_) if self.faults == 0 => &[],
                Stand::Idle | Stand::Asking(_) => &FAULTS[..],
            };
            for fault in core::iter::once(None).chain(faults.iter().copied().map(Some)) {
                self.fork().act(at, fault).explore();
            }
        }
    }

    /// Returns everything that the continuation depends on.
    fn point(&self) -> String {
        let items = self.world.memory().items(&self.limiter.table().name);
        let rest = (self.world.now(), self.times.len(), self.faults);
        format!("{:?} {items:?} {rest:?} {:?}", self.callers, self.tally)
    }

    fn is_preceded(&self, at: usize) -> bool {
        let is_idle = |caller: &Caller| matches!(caller.stand, Stand::Idle);
        let twin = |caller: &&Caller| caller.ahead == self.callers[at].ahead;
        self.callers[..at].iter().filter(twin).any(is_idle)
    }

    fn act(mut self, at: usize, fault: Option<Fault>) -> Self {
        let ahead = self.callers[at].ahead;
        let stand = core::mem::replace(&mut self.callers[at].stand, Stand::Done);
        self.faults -= usize::from(fault.is_some());
        self.callers[at].stand = match stand {
            Stand::Done => Stand::Done,
            Stand::Idle => {
                let now = self.world.now().saturating_add(ahead);
                // Without an id, equal attempts are equal.
                let attempt = Attempt::new(the_key(), now);
                let step = self.limiter.check_and_increment(attempt, &Recall::default()).start();
                match self.stand_after(step) {
                    Stand::Asking(request) => self.send(request, fault, ahead),
                    done @ (Stand::Idle | Stand::Waiting(..) | Stand::Done) => done,
                }
            }
            Stand::Asking(request) => self.send(request, fault, ahead),
            Stand::Waiting(request, sent) => {
                let step = by_clock(&mut self.world, ahead, |world| world.arrive(request, sent));
                self.stand_after(step)
            }
        };
        self
    }

    fn send(
        &mut self,
        request: StoreRequest<CheckAndIncrement>,
        fault: Option<Fault>,
        ahead: Duration,
    ) -> Stand {
        let sent = by_clock(&mut self.world, ahead, |world| world.send(&request, fault));
        if self.in_halves {
            return Stand::Waiting(request, sent);
        }
        let step = by_clock(&mut self.world, ahead, |world| world.arrive(request, sent));
        self.stand_after(step)
    }

    fn stand_after(&mut self, step: Step<CheckAndIncrement>) -> Stand {
        match step {
            Step::Ask(request) => Stand::Asking(request),
            Step::Done(decided) => {
                self.tally.note(&decided, 1, self.world.now());
                Stand::Done
            }
        }
    }
}

/// Acts by the clock of a caller that is ahead of real time.
fn by_clock<T>(world: &mut World, ahead: Duration, act: impl FnOnce(&mut World) -> T) -> T {
    world.set_time(world.now().saturating_add(ahead));
    let result = act(world);
    world.set_time(world.now().saturating_sub(ahead));
    result
}

/// The faults that matter here: a request that never arrives changes nothing.
const FAULTS: [Fault; 1] = [Fault::REPLY_LOST];

const SKEW: Duration = Duration::from_secs(2);

/// Returns sliding windows that each add up two or three sub-windows of ten seconds.
fn short_windows(limit: i64) -> [Limit; 3] {
    [(2, Coverage::Aligned), (1, Coverage::Conservative), (2, Coverage::Conservative)]
        .map(|(parts, coverage)| Limit::Sliding { parts, granularity: 10, coverage, limit })
}

/// Returns instants around the end of the sub-window that ends at noon: in its open part, at either
/// end of the skew allowance, and after it.
fn around_noon() -> [Timestamp; 4] {
    let noon = seconds(NOON);
    let open = noon.saturating_sub(SKEW).saturating_sub(Duration::from_nanos(1));
    [open, noon.saturating_sub(SKEW), noon.saturating_sub(Duration::from_nanos(1)), noon]
}

/// Follows every schedule of callers whose clocks are ahead by these numbers of allowances, and
/// returns the number of different states.
fn cross(
    limit: &Limit,
    ahead: &[u32],
    times: &[Timestamp],
    faults: usize,
    in_halves: bool,
) -> usize {
    let limiter = limit.with_skew(SKEW).build();
    let mut world = World::new(&limiter);
    let (first, times) = times.split_first().unwrap();
    world.set_time(*first);
    let caller = |ahead: &u32| Caller { ahead: SKEW * *ahead, stand: Stand::Idle };
    let callers = ahead.iter().map(caller).collect();
    let (tally, seen) = (Tally::default(), RefCell::default());
    let limiter = &limiter;
    Crossing { limit, limiter, callers, world, times, faults, in_halves, tally, seen: &seen }
        .explore();
    seen.into_inner().len()
}

#[test]
fn every_schedule_of_three_callers_across_the_end_of_a_sub_window_holds_the_limit() {
    let [open, closing, _, ended] = around_noon();
    let [aligned, _, conservative] = short_windows(1);
    for (limit, ahead) in [(aligned, [0, 1, 1]), (conservative, [0, 0, 1])] {
        let points = cross(&limit, &ahead, &[open, closing, ended], 0, false);
        assert!(points > 100, "{points}");
    }
}

#[test]
fn every_schedule_of_three_callers_that_lose_a_reply_holds_the_limit() {
    let [open, .., ended] = around_noon();
    let [_, conservative, _] = short_windows(2);
    let points = cross(&conservative, &[0, 0, 1], &[open, ended], 1, false);
    assert!(points > 100, "{points}");
}

#[test]
fn every_schedule_of_two_callers_whose_answers_are_late_holds_the_limit() {
    let [open, _, closing, ended] = around_noon();
    let [_, conservative, _] = short_windows(1);
    let points = cross(&conservative, &[0, 1], &[open, closing, ended], 1, true);
    assert!(points > 100, "{points}");
}

#[test]
fn a_write_applied_after_its_sub_window_is_denied_when_the_next_one_is_full() {
    let limit =
        Limit::Sliding { parts: 60, granularity: 1, coverage: Coverage::Conservative, limit: 1 };
    let limiter = limit.fail_closed().build();
    let mut world = World::new(&limiter);
    let before = nanos(i128::from(NOON) * 1_000_000_000 - 1_000_000);
    world.set_time(before);
    let late = Admission { at: before, cost: 1 };
    let recall = Recall::default();
    let read = limiter.check_and_increment(attempt(&the_key(), late), &recall).start();
    let Step::Ask(read) = read else { panic!("it reads first") };
    let Step::Ask(write) = world.step(read, None) else { panic!("then it writes") };
    assert!(world.decide(&limiter, Admission { at: seconds(NOON), cost: 1 }).unwrap().allowed);
    let mut step = world.step(write, None);
    let decided = loop {
        step = match step {
            Step::Ask(request) => world.step(request, None),
            Step::Done(decided) => break decided,
        };
    };
    assert!(!decided.decision.unwrap().allowed);
}

/// One step of a random schedule.
#[derive(Clone, Debug)]
struct Turn {
    who: prop::sample::Index,
    fault: Option<Fault>,
    /// The time that passes before it.
    passes: Duration,
    /// The cost of the request, if the turn starts one.
    cost: u32,
}

fn any_turn() -> impl Strategy<Value = Turn> {
    let fault = prop_oneof![4 => Just(None), 1 => select(&Fault::ALL[..]).prop_map(Some)];
    let passes = prop_oneof![
        6 => Just(0),
        3 => 0..3_000_u64,
        1 => 0..40_000_u64,
    ];
    let cost = prop_oneof![4 => Just(1_u32), 1 => 2..4_u32];
    (any::<prop::sample::Index>(), fault, passes, cost).prop_map(|(who, fault, passes, cost)| {
        Turn { who, fault, passes: Duration::from_millis(passes), cost }
    })
}

/// A process that decides, with its own cache and clock.
struct Instance {
    recall: Recall,
    ahead: Duration,
    cost: u32,
    stand: Stand,
}

impl Instance {
    fn take_turn(&mut self, turn: &Turn, limiter: &Limiter, world: &mut World, tally: &mut Tally) {
        let step = match core::mem::replace(&mut self.stand, Stand::Idle) {
            Stand::Idle | Stand::Done => {
                self.cost = turn.cost;
                let at = world.now().saturating_add(self.ahead);
                let attempt = attempt(&the_key(), Admission { at, cost: turn.cost });
                limiter.check_and_increment(attempt, &self.recall).start()
            }
            Stand::Asking(request) => {
                let sent = by_clock(world, self.ahead, |world| world.send(&request, turn.fault));
                self.stand = Stand::Waiting(request, sent);
                return;
            }
            Stand::Waiting(request, sent) => {
                by_clock(world, self.ahead, |world| world.arrive(request, sent))
            }
        };
        match step {
            Step::Ask(request) => self.stand = Stand::Asking(request),
            Step::Done(decided) => {
                tally.note(&decided, self.cost, world.now());
                self.recall.learn(decided.learned);
            }
        }
    }

    const fn is_idle(&self) -> bool {
        matches!(self.stand, Stand::Idle)
    }
}

proptest! {
    #![proptest_config(cases(384))]

    #[test]
    fn no_random_schedule_admits_more(
        limit in any::limit(),
        open in any::<bool>(),
        remembers in any::<bool>(),
        skew in 0..1_000_u64,
        ahead in prop::collection::vec(0..=1_000_u64, 1..=4),
        turns in prop::collection::vec(any_turn(), 1..160),
    ) {
        let build = if open { limit.fail_open() } else { limit.fail_closed() };
        // Clocks may differ much if windows do not depend on them.
        let skew = match limit.most_skew() {
            Some(_) => Duration::from_millis(skew),
            None => Duration::from_secs(15),
        };
        let build = build.skew_allowance(skew).unwrap();
        let limiter = if remembers { build.deny_cache() } else { build }.build();
        let mut world = World::new(&limiter);
        world.set_time(seconds(NOON - 5));
        let instance = |per_mille: &u64| Instance {
            recall: if remembers { Recall::default() } else { Recall::with_capacity(0) },
            ahead: skew / 1_000 * u32::try_from(*per_mille).unwrap(),
            cost: 1,
            stand: Stand::Idle,
        };
        let mut instances: Vec<Instance> = ahead.iter().map(instance).collect();
        let mut tally = Tally::default();
        for turn in &turns {
            world.set_time(world.now().saturating_add(turn.passes));
            let who = turn.who.index(instances.len());
            instances[who].take_turn(turn, &limiter, &mut world, &mut tally);
        }
        // Calls in flight may still finish.
        let last = Turn { fault: None, passes: Duration::ZERO, ..turns[0].clone() };
        for instance in &mut instances {
            while !instance.is_idle() {
                instance.take_turn(&last, &limiter, &mut world, &mut tally);
            }
        }
        prop_assert!(tally.held(&limit), "{:?}", tally);
    }

    #[test]
    fn a_decision_that_keeps_its_budget_is_never_late_twice(
        limit in any::sliding(select(vec![Coverage::Aligned, Coverage::Conservative])),
        skew in 0..1_000_u64,
        start in 0..60_000_u64,
        latencies in prop::collection::vec(0..250_u64, 8),
        remembers in any::<bool>(),
    ) {
        let skew = Duration::from_millis(skew);
        let limiter = limit.with_skew(skew).build();
        let granularity = Duration::from_secs(limit.most_skew().unwrap());
        // Four calls, each with less than a quarter of the budget.
        let call = |per_mille: u64| {
            let budget = u64::try_from((granularity - skew).as_nanos()).unwrap();
            Duration::from_nanos(budget / 1_000 * per_mille)
        };
        let mut world = World::new(&limiter);
        world.set_time(seconds(NOON).saturating_add(Duration::from_millis(start)));
        let mut recall = if remembers { Recall::default() } else { Recall::with_capacity(0) };
        for latencies in latencies.chunks(4) {
            let request = Admission { at: world.now(), cost: 1 };
            let mut step =
                limiter.check_and_increment(attempt(&the_key(), request), &recall).start();
            let mut latencies = latencies.iter();
            let decided = loop {
                step = match step {
                    Step::Ask(request) => {
                        if !matches!(request, StoreRequest::Sleep(_)) {
                            let latency = latencies.next().copied().expect("at most four calls");
                            world.set_time(world.now().saturating_add(call(latency)));
                        }
                        world.step(request, None)
                    }
                    Step::Done(decided) => break decided,
                };
            };
            recall.learn(decided.learned);
            prop_assert!(decided.decision.is_ok(), "{:?}", decided.decision);
        }
    }
}

#[test]
fn packed_windows_need_clocks_that_agree_and_others_do_not() {
    let quotas = vec![(3_600, 9), (60, 1)];
    let skew = |limit: Limit| limit.most_skew();
    assert_eq!(skew(Limit::Multi { writing: Writing::Packed, quotas: quotas.clone() }), Some(60));
    assert_eq!(skew(Limit::Multi { writing: Writing::Transaction, quotas: quotas.clone() }), None);
    for (writing, refused) in [(Writing::Packed, true), (Writing::Transaction, false)] {
        let limit = Limit::Multi { writing, quotas: quotas.clone() };
        let allowance = limit.fail_closed().skew_allowance(Duration::from_secs(60));
        assert_eq!(allowance.is_err(), refused, "{writing:?}");
    }
}
