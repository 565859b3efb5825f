//! Never more admissions than the limit, whatever the schedule and whatever fails.
//!
//! A suspended decision is a value, so a test holds several and steps whichever it likes: every
//! schedule of three callers at one time. `limiter_clocks.rs` lets time pass.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use apptheory::limiter::{
    Attempt, Basis, CheckAndIncrement, Decided, Decision, LimiterBuilder, Recall,
};
use apptheory::machine::{Machine, Step};
use apptheory::store::StoreRequest;
use apptheory_proptests::limit::{Admission, Limit, Writing, every_kind};
use apptheory_proptests::world::{Fault, World, attempt, seconds, the_key};

const NOON: i64 = 1_767_268_800;

/// A point of a schedule: who waits for what, what the world is like, what has been answered.
struct Moment<'a> {
    limit: &'a Limit,
    waiting: Vec<(Admission, Option<Step<CheckAndIncrement>>)>,
    world: World,
    /// How many more calls may fail.
    faults: usize,
    admitted: Vec<Admission>,
    denied: Vec<Admission>,
    failed: usize,
}

impl<'a> Moment<'a> {
    /// Callers about to start, on a table where `earlier` requests were counted.
    fn new(
        limit: &'a Limit,
        build: fn(&Limit) -> LimiterBuilder,
        earlier: &[Admission],
        callers: &[Admission],
        faults: usize,
    ) -> Self {
        let limiter = build(limit).build();
        let world = World::new(&limiter);
        let admitted = earlier
            .iter()
            .copied()
            .filter(|one| world.decide(&limiter, *one).is_ok_and(|decision| decision.allowed));
        let admitted: Vec<Admission> = admitted.collect();
        if let Some(first) = callers.first() {
            world.set_time(first.at);
        }
        let recall = Recall::default();
        let start = |caller: &Admission| {
            let machine = limiter.check_and_increment(attempt(&the_key(), *caller), &recall);
            (*caller, Some(machine.start()))
        };
        let waiting = callers.iter().map(start).collect();
        Self { limit, waiting, world, faults, admitted, denied: Vec::new(), failed: 0 }
    }

    fn fork(&self) -> Self {
        Self {
            limit: self.limit,
            waiting: self.waiting.clone(),
            world: self.world.fork(),
            faults: self.faults,
            admitted: self.admitted.clone(),
            denied: self.denied.clone(),
            failed: self.failed,
        }
    }

    /// Follows every schedule with every choice of faults, and hands each end to `judge`. Says how
    /// many there were.
    fn explore(self, judge: &impl Fn(&Self)) -> usize {
        let Some(first) = self.waiting.iter().position(|(_, step)| step.is_some()) else {
            judge(&self);
            return 1;
        };
        let mut ends = 0;
        for caller in first..self.waiting.len() {
            match &self.waiting[caller].1 {
                None => {}
                // An answer touches nobody else: it can be taken note of at once.
                Some(Step::Done(_)) => return self.conclude(caller).explore(judge),
                Some(Step::Ask(request)) => {
                    let faults = if self.faults > 0 { faults_of(request) } else { &[] };
                    for fault in core::iter::once(None).chain(faults.iter().map(Some)) {
                        ends += self.fork().step(caller, fault.copied()).explore(judge);
                    }
                }
            }
        }
        ends
    }

    fn step(mut self, caller: usize, fault: Option<Fault>) -> Self {
        if let Some(Step::Ask(request)) = self.waiting[caller].1.take() {
            self.waiting[caller].1 = Some(self.world.step(request, fault));
            self.faults -= usize::from(fault.is_some());
        }
        self
    }

    fn conclude(mut self, caller: usize) -> Self {
        let (request, step) = &mut self.waiting[caller];
        if let Some(Step::Done(Decided { decision, .. })) = step.take() {
            match decision {
                Ok(decision) if is_counted(&decision) => {
                    if decision.allowed {
                        self.admitted.push(*request);
                    } else {
                        self.denied.push(*request);
                    }
                }
                Ok(_) | Err(_) => self.failed += 1,
            }
        }
        self
    }
}

/// What can go wrong with an effect, in as many ways as its machine can tell apart: only the back-off
/// of transactions looks at the kind of an error.
const fn faults_of(request: &StoreRequest<CheckAndIncrement>) -> &'static [Fault] {
    match request {
        StoreRequest::Sleep(_) => &[],
        StoreRequest::TransactWriteItems(_) => &Fault::ALL,
        StoreRequest::UpdateItem(_)
        | StoreRequest::PutItem(_)
        | StoreRequest::DeleteItem(_)
        | StoreRequest::GetItem(_)
        | StoreRequest::BatchGetItem(_)
        | StoreRequest::QueryItems(_) => &[Fault::REPLY_LOST, Fault::NOT_APPLIED],
    }
}

fn is_counted(decision: &Decision) -> bool {
    match decision.basis {
        Basis::Counted | Basis::LocalDeny => true,
        Basis::FailOpen { .. } => {
            assert!(decision.allowed && decision.count.is_none(), "{decision:?}");
            false
        }
    }
}

fn at_once(costs: [u32; 3]) -> [Admission; 3] {
    costs.map(|cost| Admission { at: seconds(NOON), cost })
}

#[test]
fn attempts_without_an_id_are_counted_one_by_one() {
    for limit in every_kind(2) {
        let limiter = limit.fail_closed().build();
        let world = World::new(&limiter);
        world.set_time(seconds(NOON));
        let decide = || {
            let attempt = Attempt::new(the_key(), seconds(NOON));
            let machine = limiter.check_and_increment(attempt, &Recall::default());
            world.run(machine).decision.unwrap().allowed
        };
        let admitted = (0..4).filter(|_| decide()).count();
        assert_eq!(admitted, 2, "{limit:?}");
    }
}

#[test]
fn every_schedule_of_three_callers_admits_exactly_what_fits() {
    for limit in (0..=3).flat_map(every_kind) {
        let callers = at_once([1, 1, 1]);
        let start = Moment::new(&limit, Limit::fail_closed, &[], &callers, 0);
        let ends = start.explore(&|end| {
            assert_eq!(end.failed, 0);
            let room = i64::from(limit.room(&[], seconds(NOON)).min(3));
            let admitted = i64::try_from(end.admitted.len()).unwrap();
            assert!(admitted <= room, "{limit:?}");
            // One window after the other, a caller may be refused by what another one counts for a
            // moment and takes back once a later window refuses it: then fewer are admitted.
            if !limit.is_one_by_one() {
                assert_eq!(admitted, room, "{limit:?}");
            }
        });
        assert!(ends >= 6 || limit.room(&[], seconds(NOON)) == 0, "{limit:?}: {ends} schedules");
    }
}

#[test]
fn every_schedule_of_mixed_costs_fills_the_room() {
    for limit in (1..=4).flat_map(every_kind) {
        for costs in [[1, 2, 3], [2, 2, 1], [3, 3, 2]] {
            let start = Moment::new(&limit, Limit::fail_closed, &[], &at_once(costs), 0);
            start.explore(&|end| {
                assert!(limit.held(&end.admitted), "{limit:?} {:?}", end.admitted);
                for denied in end.denied.iter().filter(|_| !limit.is_one_by_one()) {
                    let fits = limit.admits(&end.admitted, *denied);
                    assert!(!fits, "{limit:?} {:?} {denied:?}", end.admitted);
                }
            });
        }
    }
}

/// One of every kind, in either mode; of windows that are counted one after the other only two.
fn short_and_either_mode(
    limit: i64,
) -> impl Iterator<Item = (Limit, fn(&Limit) -> LimiterBuilder)> {
    let shortened = |limit| match limit {
        Limit::Multi { writing: Writing::OneByOne, mut quotas } => {
            quotas.truncate(2);
            Limit::Multi { writing: Writing::OneByOne, quotas }
        }
        other @ (Limit::Fixed { .. }
        | Limit::Sliding { .. }
        | Limit::Multi { .. }
        | Limit::Bucket { .. }) => other,
    };
    let modes: [fn(&Limit) -> LimiterBuilder; 2] = [Limit::fail_closed, Limit::fail_open];
    every_kind(limit)
        .into_iter()
        .map(shortened)
        .flat_map(move |limit| modes.map(|mode| (limit.clone(), mode)))
}

#[test]
fn every_schedule_of_three_callers_with_a_fault_holds_the_limit() {
    for (limit, mode) in (1..=2).flat_map(short_and_either_mode) {
        let start = Moment::new(&limit, mode, &[], &at_once([1, 1, 1]), 1);
        start.explore(&|end| assert!(limit.held(&end.admitted), "{limit:?} {:?}", end.admitted));
    }
}

#[test]
fn every_schedule_of_two_callers_with_three_faults_holds_the_limit() {
    for (limit, mode) in short_and_either_mode(1) {
        let start = Moment::new(&limit, mode, &[], &at_once([1, 1, 1])[..2], 3);
        start.explore(&|end| assert!(limit.held(&end.admitted), "{limit:?} {:?}", end.admitted));
    }
}

#[test]
fn every_schedule_of_callers_that_tell_different_times_holds_the_limit() {
    // All within one sub-window, on top of what earlier ones admitted.
    let earlier = [-59, -41, -21, -1].map(|ago| Admission { at: seconds(NOON + ago), cost: 1 });
    for limit in (3..=5).flat_map(every_kind) {
        for (times, costs) in [([0, 7, 19], [1, 1, 1]), ([19, 0, 7], [1, 2, 1])] {
            let mut callers = at_once(costs);
            for (caller, time) in callers.iter_mut().zip(times) {
                caller.at = seconds(NOON + time);
            }
            let start = Moment::new(&limit, Limit::fail_closed, &earlier, &callers, 0);
            start.explore(&|end| {
                assert!(limit.held(&end.admitted), "{limit:?} {:?}", end.admitted);
            });
        }
    }
}

#[test]
fn every_schedule_around_the_end_of_a_window_holds_the_limit() {
    // Requests of a window arrive before, between and after those of the next one.
    let earlier = [Admission { at: seconds(NOON + 58), cost: 1 }];
    let mut callers = at_once([1, 1, 1]);
    for (caller, time) in callers.iter_mut().zip([59, 59, 60]) {
        caller.at = seconds(NOON + time);
    }
    for writing in [Writing::Transaction, Writing::Packed, Writing::OneByOne] {
        for limit in 1..=2 {
            let limit = Limit::Multi { writing, quotas: vec![(3_600, 9), (60, limit)] };
            let start = Moment::new(&limit, Limit::fail_closed, &earlier, &callers, 1);
            start.explore(&|end| {
                assert!(limit.held(&end.admitted), "{limit:?} {:?}", end.admitted);
            });
        }
    }
}

#[test]
fn a_refusal_stands_when_what_was_counted_cannot_be_taken_back() {
    // The longer window is counted first; the shorter one then refuses.
    let limit = Limit::Multi { writing: Writing::OneByOne, quotas: vec![(60, 1), (3_600, 5)] };
    for fault in Fault::ALL {
        let [one, two, _] = at_once([1, 1, 1]);
        let mut moment = Moment::new(&limit, Limit::fail_open, &[one], &[two], 3);
        for fault in [None, None, Some(fault)] {
            moment = moment.step(0, fault);
        }
        let end = moment.conclude(0);
        assert_eq!((end.denied.len(), end.failed), (1, 0), "{fault:?}");
    }
}
