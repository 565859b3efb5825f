//! A denial says exactly when the same request can be admitted: not a nanosecond earlier or later.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use core::time::Duration;

use apptheory::apptheory_core::limiter::{Basis, Decision, Limiter, Recall};
use apptheory_proptests::any;
use apptheory_proptests::cases;
use apptheory_proptests::limit::{Admission, Limit};
use apptheory_proptests::world::World;
use proptest::prelude::*;

const NANOSECOND: Duration = Duration::from_nanos(1);

/// What a fresh instance, and one that remembers, decide at another time if nothing else happens,
/// and what they say when they are only asked.
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

/// What no wait can admit is left out.
fn compare_all(
    limit: &Limit,
    requests: &[Admission],
    remembers: bool,
) -> Result<(), TestCaseError> {
    let builder = limit.fail_closed();
    let limiter = if remembers { builder.deny_cache() } else { builder }.build();
    let world = World::new(&limiter);
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
