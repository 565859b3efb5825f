//! One request after the other: the limiter decides like a model that keeps every admission.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use core::time::Duration;

use apptheory::limiter::{Basis, Coverage, Recall};
use apptheory::machine::run;
use apptheory::testkit::{World, model};
use apptheory_proptests::any;
use apptheory_proptests::cases;
use apptheory_proptests::limit::{Admission, Exception, Limit};
use apptheory_proptests::world::{Decide as _, attempt, key, nanos, seconds};
use proptest::prelude::*;

proptest! {
    #![proptest_config(cases(256))]

    #[test]
    fn decisions_are_those_of_the_model(
        limit in any::limit(),
        requests in any::requests(40),
        remembers in any::<bool>(),
    ) {
        let builder = limit.fail_closed();
        let limiter = if remembers { builder.deny_cache() } else { builder }.build();
        let shadow = limit.fail_closed().shadow().build();
        let (mut world, mut shadowed) = (World::new(&limiter), World::new(&shadow));
        let mut recall = if remembers { Recall::default() } else { Recall::with_capacity(0) };
        let mut admitted = Vec::new();
        for request in requests {
            let expected = limit.admits(&admitted, request);
            let before = limit.used(&admitted, request.at);
            let checked = world.check(&limiter, request).unwrap();
            let decision = world.decide_with(&limiter, request, &mut recall).unwrap();
            prop_assert_eq!(decision.allowed, expected, "{:?} after {:?}", request, admitted);
            prop_assert_eq!(checked.allowed, expected, "check of {:?} after {:?}", request, admitted);

            let observed = shadowed.decide(&shadow, request).unwrap();
            prop_assert!(observed.allowed && observed.shadowed != expected);

            admitted.extend(expected.then_some(request));
            let now = limit.used(&admitted, request.at);
            // A multi-window transaction returns no counts, and a decision without the store does
            // not know them.
            let counts = if expected { now } else { before };
            let at = decision.quota;
            if let (Some(count), false) = (decision.count, decision.basis == Basis::LocalDeny) {
                prop_assert_eq!(count, counts[at], "{:?}", decision);
            }
        }
    }

    #[test]
    fn no_real_span_of_a_conservative_window_admits_more(
        limit in any::sliding(Just(Coverage::Conservative)),
        requests in any::requests(80),
        remembers in any::<bool>(),
    ) {
        let limiter = limit.fail_closed().build();
        let mut world = World::new(&limiter);
        let mut recall = if remembers { Recall::default() } else { Recall::with_capacity(0) };
        let admitted: Vec<Admission> = requests
            .into_iter()
            .filter(|one| world.decide_with(&limiter, *one, &mut recall).unwrap().allowed)
            .collect();
        let Limit::Sliding { parts, granularity, limit, .. } = limit else { unreachable!() };
        let window = Duration::from_secs(parts * granularity);
        prop_assert!(model::Limit::busiest(&admitted, window) <= limit.max(0), "{:?}", admitted);
    }

    #[test]
    fn a_bucket_lets_its_burst_and_its_rate_through_and_no_more(
        limit in any::bucket(),
        requests in any::requests(60),
    ) {
        let limiter = limit.fail_closed().build();
        let mut world = World::new(&limiter);
        let mut admitted: Vec<Admission> = Vec::new();
        for request in requests {
            if world.decide(&limiter, request).unwrap().allowed {
                admitted.push(request);
            }
        }
        prop_assert!(limit.held(&admitted), "{:?}", admitted);
        let Limit::Bucket { burst, .. } = limit else { unreachable!() };
        let at_once = model::Limit::busiest(&admitted, Duration::ZERO);
        prop_assert!(at_once <= i64::from(burst), "{:?}", admitted);
    }

    #[test]
    fn no_span_of_an_extreme_bucket_admits_more(
        limit in any::extreme_bucket(),
        gaps in prop::collection::vec((0..4_u32, -2..3_i128, 1..4_u32), 1..60),
    ) {
        let limiter = limit.fail_closed().build();
        let mut world = World::new(&limiter);
        let Limit::Bucket { burst, .. } = limit else { unreachable!() };
        let interval = limit.interval().unwrap();
        // The greediest caller: first everything at once, then about when the next tokens are
        // restored.
        let mut now = 1_767_225_600_000_000_000;
        let mut admitted = Vec::new();
        let gaps = core::iter::once((0, 0, burst)).chain(gaps);
        for (tokens, more, cost) in gaps {
            now += (interval * i128::from(tokens) + more).max(0);
            let request = Admission { at: nanos(now), cost: cost.min(burst) };
            let expected = limit.admits(&admitted, request);
            prop_assert_eq!(world.decide(&limiter, request).unwrap().allowed, expected);
            admitted.extend(expected.then_some(request));
        }
        prop_assert!(limit.held(&admitted), "{:?}", admitted);
    }

    #[test]
    fn exceptions_apply_to_their_identifier_or_resource(
        limit in any::limit(),
        for_identifier in 0..5_i64,
        for_resource in 0..5_i64,
        requests in any::requests(20),
    ) {
        let limiter = limit
            .with_exceptions(&[
                (Exception::Identifier("vip"), for_identifier),
                (Exception::Resource("/cheap"), for_resource),
            ])
            .build();
        let mut world = World::new(&limiter);
        for (identifier, resource, holds) in [
            ("vip", "/cheap", limit.with_limit(for_identifier)),
            ("vip", "/dear", limit.with_limit(for_identifier)),
            ("guest", "/cheap", limit.with_limit(for_resource)),
            ("guest", "/dear", limit.clone()),
        ] {
            let key = key(identifier, resource);
            let mut admitted = Vec::new();
            for request in &requests {
                world.set_time(request.at);
                let machine = limiter.check_and_increment(attempt(&key, *request), &Recall::default());
                let decision = run(machine, &mut world).decision.unwrap();
                let expected = holds.admits(&admitted, *request);
                prop_assert_eq!(decision.allowed, expected, "{} {}", identifier, resource);
                admitted.extend(expected.then_some(*request));
            }
        }
    }
}

#[test]
fn a_bucket_under_constant_load_settles_at_its_rate() {
    for (period, limit, burst) in [(60, 7, 3), (1, 100, 1), (7, 3, 5)] {
        let bucket = Limit::Bucket { period, limit, burst };
        let limiter = bucket.fail_closed().build();
        let mut world = World::new(&limiter);
        // Six requests for every restored token, for forty tokens' time.
        let interval = bucket.interval().unwrap();
        let allowed = (0..240)
            .filter(|n| {
                let at = nanos(1_767_225_600_000_000_001 + n * interval / 6);
                world.decide(&limiter, Admission { at, cost: 1 }).unwrap().allowed
            })
            .count();
        // The burst at once, then one for each of the 239/6 intervals that have passed.
        assert_eq!(allowed, usize::try_from(burst).unwrap() + 39, "{bucket:?}");
    }
}

#[test]
fn an_aligned_window_bounds_its_sub_windows_and_not_every_span() {
    // Three late in one sub-window, three early in the third: 61 seconds apart in real time.
    let times = [59, 59, 59, 120, 120, 120];
    for (coverage, fits) in [(Coverage::Aligned, 6), (Coverage::Conservative, 3)] {
        let limit = Limit::Sliding { parts: 2, granularity: 60, coverage, limit: 3 };
        let limiter = limit.fail_closed().build();
        let mut world = World::new(&limiter);
        let requests = times.map(|time| Admission { at: seconds(1_767_225_600 + time), cost: 1 });
        let admitted =
            requests.iter().filter(|one| world.decide(&limiter, **one).unwrap().allowed).count();
        assert_eq!(admitted, fits, "{coverage:?}");
    }
}
