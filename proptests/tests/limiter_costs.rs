//! The cost of a decision: store calls and capacity, as in `ARCHITECTURE.md`.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use core::time::Duration;

use apptheory::layer::Fault;
use apptheory::limiter::{Basis, CheckAndIncrement, Coverage, Decision, Limiter, Recall};
use apptheory::machine::{Interpret, Machine, Step, run};
use apptheory::store::{ConsumedCapacity, OperationUsage};
use apptheory::store::{DeleteItem, Guard, Key, StoreRequest, Value};
use apptheory::testkit::World;
use apptheory_proptests::any;
use apptheory_proptests::cases;
use apptheory_proptests::limit::{Admission, Limit, Writing};
use apptheory_proptests::world::{Decide as _, attempt, nanos, seconds, the_key};
use proptest::prelude::*;

const NOON: i64 = 1_767_268_800;

fn at(second: i64) -> Admission {
    Admission { at: seconds(NOON + second), cost: 1 }
}

/// Calls, write units, read units.
const fn cost(calls: u64, write_units: u64, read_units: u64) -> OperationUsage {
    let consumed = ConsumedCapacity { write_units, read_half_units: 2 * read_units };
    OperationUsage { calls, consumed }
}

/// A limiter with a cache, on its own table.
struct Instance {
    limiter: Limiter,
    world: World,
    recall: Recall,
}

impl Instance {
    fn new(limit: &Limit) -> Self {
        let limiter = limit.fail_closed().build();
        Self { world: World::new(&limiter), limiter, recall: Recall::default() }
    }

    fn decide(&mut self, request: Admission) -> (Decision, OperationUsage) {
        let Self { limiter, world, recall } = self;
        let (decision, spent) = world.spent(|world| world.decide_with(limiter, request, recall));
        (decision.unwrap(), spent)
    }

    fn forget(&mut self) {
        self.recall = Recall::default();
    }

    fn start(&self, request: Admission) -> Step<CheckAndIncrement> {
        self.limiter.check_and_increment(attempt(&the_key(), request), &self.recall).start()
    }
}

#[test]
fn fixed_and_packed_windows_take_one_call_and_one_write_unit() {
    let packed =
        Limit::Multi { writing: Writing::Packed, quotas: vec![(60, 2), (600, 4), (3_600, 9)] };
    for limit in [Limit::Fixed { window: 60, limit: 2 }, packed] {
        let mut instance = Instance::new(&limit);
        // Creating the item, changing it, refusing; and in the next window again.
        for (second, allowed) in [(0, true), (1, true), (2, false), (60, true), (61, true)] {
            let (decision, spent) = instance.decide(at(second));
            assert_eq!((decision.allowed, spent), (allowed, cost(1, 1, 0)), "{limit:?}");
        }
    }
}

#[test]
fn several_windows_take_one_call_and_two_write_units_each() {
    for windows in 1..=3 {
        let quotas = [(60, 1), (600, 4), (3_600, 9)][..windows].to_vec();
        let mut instance = Instance::new(&Limit::Multi { writing: Writing::Transaction, quotas });
        // A single one needs no transaction.
        let units = if windows == 1 { 1 } else { 2 * u64::try_from(windows).unwrap() };
        for (second, allowed) in [(0, true), (1, false), (60, true)] {
            let (decision, spent) = instance.decide(at(second));
            assert_eq!((decision.allowed, spent), (allowed, cost(1, units, 0)), "{windows}");
        }
    }
}

#[test]
fn reading_back_takes_one_more_call() {
    let quotas = vec![(60, 1), (600, 4)];
    let limit = Limit::Multi { writing: Writing::Transaction, quotas };
    let limiter = limit.fail_closed().read_back().build();
    let mut instance = Instance { world: World::new(&limiter), limiter, recall: Recall::default() };
    let (decision, spent) = instance.decide(at(0));
    assert_eq!((decision.count, spent), (Some(1), cost(2, 4, 1)));
    assert_eq!(instance.decide(at(1)).1, cost(1, 4, 0), "refused");
}

#[test]
fn windows_without_transactions_take_a_call_each() {
    let quotas = vec![(60, 1), (600, 4), (3_600, 9)];
    let mut instance = Instance::new(&Limit::Multi { writing: Writing::OneByOne, quotas });
    assert_eq!(instance.decide(at(0)).1, cost(3, 3, 0));
    // The minute is counted last and refuses, and the two before it are taken back.
    assert_eq!(instance.decide(at(1)).1, cost(5, 5, 0));
}

#[test]
fn a_transaction_that_meets_conflicts_is_sent_four_times() {
    let quotas = vec![(60, 1), (600, 4)];
    let mut instance = Instance::new(&Limit::Multi { writing: Writing::Transaction, quotas });
    let mut step = instance.start(at(0));
    let (mut sent, mut slept) = (0, Vec::new());
    while let Step::Ask(request) = step {
        if let StoreRequest::Sleep(ask) = &request {
            slept.push(ask.effect().duration.as_millis());
        } else {
            sent += 1;
        }
        assert!(sent <= 4, "it does not end");
        step = instance.world.step(request, Some(Fault::CONFLICT));
    }
    assert_eq!((sent, slept.len()), (4, 3));
    for (slept, most) in slept.into_iter().zip([10, 20, 40]) {
        assert!(slept <= most, "{slept} of {most} ms");
    }
}

#[test]
fn sliding_windows_take_one_call_when_warm_and_two_when_cold() {
    for (coverage, past) in [(Coverage::Aligned, 2), (Coverage::Conservative, 3)] {
        let mut instance =
            Instance::new(&Limit::Sliding { parts: 3, granularity: 20, coverage, limit: 2 });
        // Cold: all past sub-windows and the current one are read at once.
        assert_eq!(instance.decide(at(0)).1, cost(2, 1, past + 1), "{coverage:?}");
        assert_eq!(instance.decide(at(1)).1, cost(1, 1, 0), "warm, {coverage:?}");
        let (refused, spent) = instance.decide(at(2));
        assert_eq!((refused.allowed, spent), (false, cost(1, 1, 0)), "{coverage:?}");
        // In the next sub-window only the one that has just ended is unknown; it is too much.
        let (refused, spent) = instance.decide(at(20));
        assert_eq!((refused.allowed, spent), (false, cost(1, 0, 2)), "{coverage:?}");
        // Known to be too much: only the current count is read, for the response.
        let (refused, spent) = instance.decide(at(21));
        assert_eq!((refused.allowed, spent), (false, cost(1, 0, 1)), "{coverage:?}");
        instance.forget();
        let (refused, spent) = instance.decide(at(22));
        assert_eq!((refused.allowed, spent), (false, cost(1, 0, past + 1)), "{coverage:?}");
    }
    // The only sub-window is the current one: there is nothing to read.
    let alone = Limit::Sliding { parts: 1, granularity: 20, coverage: Coverage::Aligned, limit: 1 };
    let mut instance = Instance::new(&alone);
    for allowed in [true, false] {
        let (decision, spent) = instance.decide(at(0));
        assert_eq!((decision.allowed, spent), (allowed, cost(1, 1, 0)));
    }
}

#[test]
fn a_late_write_takes_a_read_and_another_write() {
    for coverage in [Coverage::Aligned, Coverage::Conservative] {
        let mut instance =
            Instance::new(&Limit::Sliding { parts: 3, granularity: 20, coverage, limit: 9 });
        assert!(instance.decide(at(0)).0.allowed);
        let step = instance.start(at(1));
        let ((), spent) = instance.world.spent(|world| {
            // The reply arrives in the next sub-window: only the one that has ended is unknown.
            world.set_time(at(20).at);
            let mut step = step;
            while let Step::Ask(request) = step {
                step = world.step(request, None);
            }
        });
        assert_eq!(spent, cost(3, 2, 2), "{coverage:?}");
    }
}

#[test]
fn reads_take_one_call_for_a_hundred_counters() {
    for (parts, reads) in [(99, 1), (100, 1), (101, 2), (250, 3)] {
        let coverage = Coverage::Aligned;
        let limit = Limit::Sliding { parts, granularity: 1, coverage, limit: 9 };
        let Instance { limiter, mut world, recall } = Instance::new(&limit);
        let mut spent = |act: &dyn Fn(&mut World)| world.spent(|world| act(world)).1;
        let all = cost(reads, 0, parts);
        assert_eq!(spent(&|world| drop(world.check(&limiter, at(0)))), all, "check of {parts}");
        let usage = limiter.usage(the_key(), at(0).at);
        assert_eq!(spent(&|world| drop(run(usage.clone(), world))), all, "usage of {parts}");
        let record = limiter.record(attempt(&the_key(), at(0)), &recall);
        assert_eq!(spent(&|world| run(record.clone(), world).unwrap()), cost(1, 1, 0), "record");
        let decided = cost(reads + 1, 1, parts);
        assert_eq!(spent(&|world| drop(world.decide(&limiter, at(0)))), decided, "{parts}");
    }
}

#[test]
fn a_remembered_denial_takes_nothing() {
    let limit = Limit::Fixed { window: 60, limit: 1 };
    let limiter = limit.fail_closed().deny_cache().build();
    let world = World::new(&limiter);
    let mut instance = Instance { limiter, world, recall: Recall::default() };
    let spent = [0, 1, 2, 59, 60].map(|second| {
        let (decision, spent) = instance.decide(at(second));
        (decision.allowed, decision.basis, spent)
    });
    let counted = |allowed| (allowed, Basis::Counted, cost(1, 1, 0));
    let remembered = (false, Basis::LocalDeny, cost(0, 0, 0));
    assert_eq!(spent, [counted(true), counted(false), remembered, remembered, counted(true)]);
}

#[test]
fn a_hopeless_request_takes_nothing() {
    let cost_of_ten = Admission { cost: 10, ..at(0) };
    for limit in apptheory_proptests::limit::every_kind(3) {
        let (decision, spent) = Instance::new(&limit).decide(cost_of_ten);
        assert_eq!((decision.basis, spent), (Basis::LocalDeny, cost(0, 0, 0)), "{limit:?}");
    }
}

#[test]
fn a_bucket_takes_one_call_with_a_hint_and_two_without() {
    let mut instance = Instance::new(&Limit::Bucket { period: 60, limit: 3, burst: 2 });
    let mut spend = |second, forget, allowed| {
        if forget {
            instance.forget();
        }
        let (decision, spent) = instance.decide(at(second));
        assert_eq!(decision.allowed, allowed, "at {second}");
        (spent.calls, spent.consumed.write_units)
    };
    assert_eq!(spend(0, true, true), (1, 1), "a full bucket");
    assert_eq!(spend(1, false, true), (1, 1), "with a hint");
    assert_eq!(spend(2, false, false), (1, 1), "refused with a hint");
    assert_eq!(spend(3, true, false), (1, 1), "refused without a hint: the first write tells");
    assert_eq!(spend(21, true, true), (2, 2), "allowed without a hint");
    assert_eq!(spend(200, false, true), (1, 1), "an old hint: full again");
    assert_eq!(spend(400, true, true), (1, 1), "full again");
}

#[test]
fn a_bucket_takes_a_third_write_only_when_its_item_vanishes_in_between() {
    let mut instance = Instance::new(&Limit::Bucket { period: 60, limit: 3, burst: 3 });
    assert!(instance.decide(at(0)).0.allowed);
    instance.forget();
    let table = instance.limiter.table().name;
    let mut step = instance.start(at(1));
    let mut writes = 0;
    while let Step::Ask(request) = step {
        step = instance.world.step(request, None);
        writes += 1;
        // Setting the time was refused; advancing is tried next, but the table is emptied in
        // between.
        if writes == 1 {
            for item in instance.world.memory().items(&table) {
                let text = |name: &str| Value::from(item.text(name).unwrap());
                let key = Key::of("PK", text("PK")).with_sort("SK", text("SK"));
                let delete = DeleteItem { table: table.clone(), key, guard: Guard::Always };
                instance.world.interpret(&delete).unwrap();
            }
        }
    }
    assert_eq!(writes, 3);
}

#[test]
fn a_foreign_arrival_time_takes_two_calls_once() {
    let limit = Limit::Bucket { period: 60, limit: 3, burst: 2 };
    let mut instance = Instance::new(&limit);
    let record = instance
        .limiter
        .record(attempt(&the_key(), Admission { cost: 9, ..at(0) }), &instance.recall);
    run(record, &mut instance.world).unwrap();
    for (second, allowed, units) in [(0, false, 2), (1, false, 1), (20, true, 1)] {
        let (decision, spent) = instance.decide(at(second));
        assert_eq!((decision.allowed, spent), (allowed, cost(units, units, 0)), "at {second}");
    }
}

/// Returns the number of writes of a decision, while rivals take tokens before some of them.
fn writes_of(instance: &mut Instance, request: Admission, rivals: &[(usize, Admission)]) -> usize {
    let mut step = instance.start(request);
    let mut writes = 0;
    loop {
        for (_, rival) in rivals.iter().filter(|(before, _)| *before == writes) {
            instance.world.decide(&instance.limiter, *rival).unwrap();
        }
        step = match step {
            Step::Ask(ask) => instance.world.step(ask, None),
            Step::Done(_) => return writes,
        };
        writes += 1;
    }
}

proptest! {
    #![proptest_config(cases(192))]

    #[test]
    fn no_bucket_takes_more_than_two_writes_under_contention(
        limit in any::bucket(),
        requests in any::requests(12),
        remembers in any::<bool>(),
        rivals in prop::collection::vec((0..4_usize, -20_000_000_000..20_000_000_000_i128), 0..4),
    ) {
        // As far as the rivals' clocks are apart, so that none takes another's arrival time for
        // foreign.
        let limiter = limit.fail_closed().skew_allowance(Duration::from_secs(40)).unwrap().build();
        let world = World::new(&limiter);
        let mut instance = Instance { limiter, world, recall: Recall::default() };
        for request in requests {
            if !remembers {
                instance.forget();
            }
            let rivals: Vec<_> = rivals
                .iter()
                .map(|(before, ahead)| {
                    let at = nanos(request.at.unix_nanos() + ahead);
                    (*before, Admission { at, cost: 1 })
                })
                .collect();
            // The arrival time does not decrease then, so rivals cannot add writes.
            prop_assert!(writes_of(&mut instance, request, &rivals) <= 2);
            prop_assert!(instance.decide(request).1.calls <= 2);
        }
    }
}
