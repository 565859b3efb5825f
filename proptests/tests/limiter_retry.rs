//! A denial says exactly when the same request can be admitted, and a decision that uses the last
//! unit when the first one is restored: not a nanosecond earlier or later. No one is refused for
//! longer than a bucket takes to fill, whatever is stored.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use core::time::Duration;

use apptheory::limiter::{Basis, Decision, Limiter, Recall};
use apptheory::machine::run;
use apptheory::testkit::World;
use apptheory_proptests::any;
use apptheory_proptests::cases;
use apptheory_proptests::limit::{Admission, Limit, Writing};
use apptheory_proptests::world::{Decide as _, attempt, nanos, the_key};
use proptest::prelude::*;

const NANOSECOND: Duration = Duration::from_nanos(1);

/// Returns what a new instance, and one with a cache, decide at another time if nothing else
/// happens, and what a check returns.
fn replays(world: &World, limiter: &Limiter, recall: &Recall, request: Admission) -> [bool; 3] {
    let anew = world.fork().decide(limiter, request).unwrap();
    let remembered = world.fork().decide_with(limiter, request, &mut recall.clone()).unwrap();
    let checked = world.fork().check(limiter, request).unwrap();
    [anew, remembered, checked].map(|decision| decision.allowed)
}

fn compare(
    world: &World,
    limiter: &Limiter,
    recall: &Recall,
    request: Admission,
    denied: &Decision,
) -> Result<(), TestCaseError> {
    let wait = denied.retry_after.unwrap();
    prop_assert!(!wait.is_zero(), "{:?}", denied);
    let in_time = Admission { at: request.at.saturating_add(wait), ..request };
    prop_assert_eq!(replays(world, limiter, recall, in_time), [true; 3], "{:?}", denied);
    let early = Admission { at: in_time.at.saturating_sub(NANOSECOND), ..request };
    prop_assert_eq!(replays(world, limiter, recall, early), [false; 3], "{:?}", denied);
    Ok(())
}

proptest! {
    #![proptest_config(cases(192))]

    #[test]
    fn a_denial_says_when_to_come_back(
        limit in any::limit(),
        requests in any::requests(25),
        remembers in any::<bool>(),
    ) {
        compare_all(&limit, &requests, remembers)?;
    }
}

/// Returns whether a decision knows all windows without room. An admission by a transaction returns
/// no counts, its refusal those of every full window. When counted one by one, the windows that end
/// before the refusing one are not read: they only matter if the refusing one has units left.
fn knows_all(limit: &Limit, used: &[i64], decision: &Decision) -> bool {
    match limit {
        Limit::Multi { writing: Writing::Transaction, .. } => !decision.allowed,
        Limit::Multi { writing: Writing::OneByOne, .. } => {
            decision.allowed || used[decision.quota] >= decision.limit
        }
        Limit::Multi { writing: Writing::Packed, .. }
        | Limit::Fixed { .. }
        | Limit::Sliding { .. }
        | Limit::Bucket { .. } => true,
    }
}

proptest! {
    #![proptest_config(cases(192))]

    #[test]
    fn a_decision_that_leaves_nothing_says_when_the_first_unit_comes_back(
        limit in any::limit(),
        requests in any::requests(25),
        remembers in any::<bool>(),
    ) {
        let limiter = limit.fail_closed().build();
        let mut world = World::new(&limiter);
        let mut recall = if remembers { Recall::default() } else { Recall::with_capacity(0) };
        let mut admitted = Vec::new();
        for request in requests {
            let checked = world.check(&limiter, request).unwrap();
            let decision = world.decide_with(&limiter, request, &mut recall).unwrap();
            admitted.extend(decision.allowed.then_some(request));
            let one = |at| Admission { at, cost: 1 };
            let is_full = !limit.admits(&admitted, one(request.at));
            if !is_full || !limit.admits(&[], one(request.at)) || decision.basis != Basis::Counted {
                continue;
            }
            let knows_all = knows_all(&limit, &limit.used(&admitted, request.at), &decision);
            if !checked.allowed {
                // A check reads every window; a refusal without knowledge takes the limiting one.
                let expected = if knows_all { checked.room_at } else { decision.resets_at };
                prop_assert_eq!(decision.room_at, expected, "{:?}", decision);
            } else if !knows_all {
                continue;
            }
            let room_at = if knows_all { decision.room_at } else { checked.room_at };
            prop_assert!(room_at > request.at, "{:?}", decision);
            prop_assert_eq!(replays(&world, &limiter, &recall, one(room_at)), [true; 3], "{:?}", decision);
            let early = one(room_at.saturating_sub(NANOSECOND));
            prop_assert_eq!(replays(&world, &limiter, &recall, early), [false; 3], "{:?}", decision);
        }
    }

    #[test]
    fn retry_after_never_exceeds_the_time_to_fill_the_bucket(
        now in prop_oneof![any::bucket(), any::extreme_bucket()],
        earlier in prop_oneof![any::bucket(), any::extreme_bucket()],
        ahead in prop_oneof![Just(0), 0..40_000_000_000_i128, 0..4_000_000_000_000_000_i128],
        recorded in 0..1_000_u32,
        skew in 0..2_000_u64,
        requests in any::requests(12),
    ) {
        // The same counter, under another limit, by a clock that ran ahead, and recorded beyond the
        // limit.
        let skew = Duration::from_millis(skew);
        let limiter = now.fail_closed().skew_allowance(skew).unwrap().build();
        let before = earlier.fail_closed().build();
        let mut world = World::new(&limiter);
        let start = nanos(requests[0].at.unix_nanos() + ahead);
        let burst = Admission { at: start, cost: burst_of(&earlier) };
        world.decide(&before, burst).unwrap();
        if recorded > 0 {
            let request = Admission { at: start, cost: recorded };
            let record = before.record(attempt(&the_key(), request), &Recall::default());
            run(record, &mut world).unwrap();
        }
        let Some(interval) = now.interval() else { return Ok(()) };
        let fill = interval * i128::from(burst_of(&now));
        let longest = fill + i128::try_from(skew.as_nanos()).unwrap();
        let mut admitted = Vec::new();
        for request in requests {
            let decision = world.decide(&limiter, request).unwrap();
            if decision.allowed {
                admitted.push(request);
            } else if request.cost <= burst_of(&now) {
                let wait = i128::try_from(decision.retry_after.unwrap().as_nanos()).unwrap();
                prop_assert!(wait <= longest, "{:?}", decision);
                let again = Admission { at: nanos(request.at.unix_nanos() + wait), ..request };
                prop_assert!(world.fork().decide(&limiter, again).unwrap().allowed);
            }
        }
        prop_assert!(now.held(&admitted), "{:?}", admitted);
    }
}

const fn burst_of(limit: &Limit) -> u32 {
    match limit {
        Limit::Bucket { burst, .. } => *burst,
        Limit::Fixed { .. } | Limit::Sliding { .. } | Limit::Multi { .. } => 0,
    }
}

/// Leaves out what no wait can admit.
fn compare_all(
    limit: &Limit,
    requests: &[Admission],
    remembers: bool,
) -> Result<(), TestCaseError> {
    let builder = limit.fail_closed();
    let limiter = if remembers { builder.deny_cache() } else { builder }.build();
    let mut world = World::new(&limiter);
    let mut recall = if remembers { Recall::default() } else { Recall::with_capacity(0) };
    for request in requests {
        let can_ever = limit.admits(&[], *request);
        let checked = world.check(&limiter, *request).unwrap();
        let decided = world.decide_with(&limiter, *request, &mut recall).unwrap();
        prop_assert_eq!(decided.retry_after.is_some(), !decided.allowed);
        prop_assert_eq!(
            decided.retry_after,
            checked.retry_after.filter(|_| can_ever).or(decided.retry_after)
        );
        if !can_ever {
            prop_assert_eq!(decided.basis, Basis::LocalDeny);
        } else if !decided.allowed {
            compare(&world, &limiter, &recall, *request, &decided)?;
            compare(&world, &limiter, &recall, *request, &checked)?;
        }
    }
    Ok(())
}
