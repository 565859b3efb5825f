//! Never more admissions than the limit, in any schedule and with any faults.
//!
//! All callers act at one time here. `limiter_clocks.rs` lets time pass.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use apptheory::layer::Fault;
use apptheory::limiter::{Attempt, Basis, Decided, Decision, Limiter, LimiterBuilder, Recall};
use apptheory::machine::{Machine, Step, run};
use apptheory::testkit::{Schedules, World};
use apptheory_proptests::limit::{Admission, Limit, Writing, every_kind};
use apptheory_proptests::world::{Decide as _, attempt, seconds, the_key};

const NOON: i64 = 1_767_268_800;

/// The result of callers that acted at one time.
#[derive(Debug, Default)]
struct End {
    admitted: Vec<Admission>,
    denied: Vec<Admission>,
    failed: usize,
}

impl End {
    fn note(&mut self, request: Admission, decided: &Decided) {
        match &decided.decision {
            Ok(decision) if is_counted(decision) => {
                let list = if decision.allowed { &mut self.admitted } else { &mut self.denied };
                list.push(request);
            }
            Ok(_) | Err(_) => self.failed += 1,
        }
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

/// Lets callers act in the order of each schedule, on a table where `earlier` requests were
/// counted. Passes each result to `judge`, and returns their number.
fn explore(
    limiter: &Limiter,
    earlier: &[Admission],
    callers: &[Admission],
    schedules: Schedules,
    judge: impl Fn(&End),
) -> usize {
    let mut world = World::new(limiter);
    let mut before = earlier.to_vec();
    before.retain(|one| world.decide(limiter, *one).is_ok_and(|decision| decision.allowed));
    world.set_time(callers[0].at);
    let recall = Recall::default();
    let machine =
        |caller: &Admission| limiter.check_and_increment(attempt(&the_key(), *caller), &recall);
    let machines: Vec<_> = callers.iter().map(machine).collect();
    let ends = schedules.map(|schedule| {
        let run = world.run_each(schedule, |caller| machines[caller].clone());
        let mut end = End { admitted: before.clone(), ..End::default() };
        for (caller, decided) in callers.iter().zip(&run.outputs) {
            end.note(*caller, decided);
        }
        judge(&end);
    });
    ends.count()
}

fn at_once(costs: [u32; 3]) -> [Admission; 3] {
    costs.map(|cost| Admission { at: seconds(NOON), cost })
}

#[test]
fn attempts_without_an_id_are_counted_one_by_one() {
    for limit in every_kind(2) {
        let limiter = limit.fail_closed().build();
        let mut world = World::new(&limiter);
        world.set_time(seconds(NOON));
        let mut decide = || {
            let attempt = Attempt::new(the_key(), seconds(NOON));
            let machine = limiter.check_and_increment(attempt, &Recall::default());
            run(machine, &mut world).decision.unwrap().allowed
        };
        let admitted = (0..4).filter(|_| decide()).count();
        assert_eq!(admitted, 2, "{limit:?}");
    }
}

#[test]
fn every_schedule_of_three_callers_admits_exactly_what_fits() {
    for limit in (0..=3).flat_map(every_kind) {
        let callers = at_once([1, 1, 1]);
        let limiter = limit.fail_closed().build();
        let ends = explore(&limiter, &[], &callers, Schedules::of(3), |end| {
            assert_eq!(end.failed, 0);
            let room = i64::from(limit.room(&[], seconds(NOON)).min(3));
            let admitted = i64::try_from(end.admitted.len()).unwrap();
            assert!(admitted <= room, "{limit:?}");
            // One window after the other: a caller may be refused by what another one counts for a
            // moment and takes back when a later window refuses it; then fewer are admitted.
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
            let limiter = limit.fail_closed().build();
            explore(&limiter, &[], &at_once(costs), Schedules::of(3), |end| {
                assert!(limit.held(&end.admitted), "{limit:?} {:?}", end.admitted);
                for denied in end.denied.iter().filter(|_| !limit.is_one_by_one()) {
                    let fits = limit.admits(&end.admitted, *denied);
                    assert!(!fits, "{limit:?} {:?} {denied:?}", end.admitted);
                }
            });
        }
    }
}

/// Returns a limit of every kind, in either mode; of windows that are counted one after the other
/// only two.
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
        let (limiter, schedules) = (mode(&limit).build(), Schedules::of(3).failing(1));
        explore(&limiter, &[], &at_once([1, 1, 1]), schedules, |end| {
            assert!(limit.held(&end.admitted), "{limit:?} {:?}", end.admitted);
        });
    }
}

#[test]
fn every_schedule_of_two_callers_with_three_faults_holds_the_limit() {
    for (limit, mode) in short_and_either_mode(1) {
        let (limiter, schedules) = (mode(&limit).build(), Schedules::of(2).failing(3));
        explore(&limiter, &[], &at_once([1, 1, 1])[..2], schedules, |end| {
            assert!(limit.held(&end.admitted), "{limit:?} {:?}", end.admitted);
        });
    }
}

#[test]
fn every_schedule_of_callers_that_tell_different_times_holds_the_limit() {
    // All within one sub-window, on top of earlier admissions.
    let earlier = [-59, -41, -21, -1].map(|ago| Admission { at: seconds(NOON + ago), cost: 1 });
    for limit in (3..=5).flat_map(every_kind) {
        for (times, costs) in [([0, 7, 19], [1, 1, 1]), ([19, 0, 7], [1, 2, 1])] {
            let mut callers = at_once(costs);
            for (caller, time) in callers.iter_mut().zip(times) {
                caller.at = seconds(NOON + time);
            }
            let limiter = limit.fail_closed().build();
            explore(&limiter, &earlier, &callers, Schedules::of(3), |end| {
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
            let (limiter, schedules) = (limit.fail_closed().build(), Schedules::of(3).failing(1));
            explore(&limiter, &earlier, &callers, schedules, |end| {
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
        let limiter = limit.fail_open().build();
        let mut world = World::new(&limiter);
        assert!(world.decide(&limiter, one).unwrap().allowed);
        let machine = limiter.check_and_increment(attempt(&the_key(), two), &Recall::default());
        let mut step = machine.start();
        for fault in [None, None, Some(fault)] {
            let Step::Ask(request) = step else { panic!("it counts twice and takes one back") };
            step = world.step(request, fault);
        }
        let Step::Done(decided) = step else { panic!("it is done, {fault:?}") };
        let decision = decided.decision.unwrap();
        assert!(!decision.allowed && is_counted(&decision), "{fault:?}");
    }
}
