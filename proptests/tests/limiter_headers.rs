//! With any decision and any store, the client's headers are well-formed and true, and every
//! machine ends.

#![allow(clippy::panic, clippy::unwrap_used, reason = "helpers of tests")]

use core::num::NonZeroU32;

use apptheory::limiter::headers::{self, HeaderStyle};
use apptheory::limiter::{self, Attempt, Basis, Decision, DecisionId, Limiter, Recall};
use apptheory::machine::Advance;
use apptheory::machine::{Machine, Step};
use apptheory::store::StoreRequest;
use apptheory::testkit::World;
use apptheory_proptests::adversary::{Adversary, any_adversary};
use apptheory_proptests::any;
use apptheory_proptests::cases;
use apptheory_proptests::limit::{Admission, Limit};
use apptheory_proptests::world::{Decide as _, nanos, the_key};
use proptest::prelude::*;
use sfv::{BareItem, Item, List, ListEntry, Parser};

const MAX_STRUCTURED_INTEGER: i64 = 999_999_999_999_999;

/// Generates limits of ordinary size, and absurd ones.
fn wide_limit() -> impl Strategy<Value = Limit> {
    let huge = prop_oneof![Just(i64::MAX), Just(i64::MIN), any::<i64>()];
    prop_oneof![4 => any::limit(), 1 => (any::limit(), huge).prop_map(|(limit, huge)| match limit {
        // A rate is bounded by one token per nanosecond.
        Limit::Bucket { .. } => limit.with_limit(huge.clamp(i64::MIN, 1_000_000_000)),
        Limit::Fixed { .. } | Limit::Sliding { .. } | Limit::Multi { .. } => limit.with_limit(huge),
    })]
}

/// The most effects of one decision: reads (each retried once), writes, transactions with their
/// sleeps, taking back, reading back.
const MOST_EFFECTS: usize = 12;

/// Runs a machine that must end.
fn bounded<M>(machine: M, adversary: &mut Adversary) -> M::Output
where
    M: Machine<Request = StoreRequest<M>>,
{
    let mut step = machine.start();
    loop {
        step = match step {
            Step::Ask(request) => request.advance(adversary),
            Step::Done(output) => return output,
        };
        assert!(adversary.asked <= MOST_EFFECTS, "it does not end");
    }
}

/// Returns a limiter's decision over a store with arbitrary replies.
fn decide(limiter: &Limiter, attempt: Attempt, mut adversary: Adversary) -> Option<Decision> {
    let recall = Recall::default();
    let checked = bounded(limiter.check(attempt.clone(), &recall), &mut adversary.clone());
    // A record has no decision, but must end.
    let _: Result<(), limiter::Error> =
        bounded(limiter.record(attempt.clone(), &recall), &mut adversary.clone());
    let concluded = bounded(limiter.check_and_increment(attempt, &recall), &mut adversary);
    for decision in [&checked.decision, &concluded.decision].into_iter().flatten() {
        honest(decision);
    }
    concluded.decision.ok()
}

/// Checks what must hold for every decision and its headers.
fn honest(decision: &Decision) {
    assert_eq!(decision.retry_after.is_some(), !decision.allowed, "{decision:?}");
    assert!(decision.remaining().is_none_or(|remaining| remaining >= 0), "{decision:?}");
    if let Basis::FailOpen { .. } = decision.basis {
        assert!(decision.allowed && decision.count.is_none() && !decision.near_limit);
    }
    let failed_open = matches!(decision.basis, Basis::FailOpen { .. });
    let styles =
        [HeaderStyle::XRateLimit, HeaderStyle::Ietf, HeaderStyle::Both, HeaderStyle::Contract];
    for style in styles {
        let headers = headers::headers(decision, style);
        let mut names: Vec<_> = headers.iter().map(|(name, _)| *name).collect();
        for (name, value) in &headers {
            assert!(is_field_name(name), "{name}");
            assert!(is_field_value(value), "{name}: {value}");
            well_formed(decision, name, value);
        }
        names.sort_unstable();
        let all = names.len();
        names.dedup();
        assert_eq!(names.len(), all, "a field twice in {headers:?}");
        assert_eq!(names.contains(&"retry-after"), !decision.allowed, "{headers:?}");
        assert_eq!(names.contains(&"x-rate-limit-fail-open"), failed_open, "{headers:?}");
        // Without a known limit there are no headers about it.
        let alone = style == HeaderStyle::Contract || headers.len() == 1;
        assert!(!failed_open || alone, "{headers:?}");
    }
    let body = headers::problem_body(decision);
    assert!(body.contains("quota-exceeded") && body.contains("429"), "{body}");
}

fn well_formed(decision: &Decision, name: &str, value: &str) {
    let failed_open = matches!(decision.basis, Basis::FailOpen { .. });
    match name {
        "retry-after" => {
            let seconds: u64 = value.parse().unwrap();
            let wait = decision.retry_after.unwrap();
            assert!(seconds >= 1 && u128::from(seconds) * 1_000_000_000 >= wait.as_nanos());
            assert!(seconds == 1 || u128::from(seconds - 1) * 1_000_000_000 < wait.as_nanos());
        }
        "x-ratelimit-remaining" => {
            let remaining: i64 = value.parse().unwrap();
            assert!(remaining >= 0 && (!failed_open || remaining == 0), "{decision:?}");
        }
        "x-ratelimit-limit" | "x-ratelimit-reset" => {
            let number: i64 = value.parse().unwrap();
            assert!(!failed_open || number == 0, "{decision:?}");
        }
        "x-ratelimit-window" => assert!(!decision.allowed && !value.is_empty()),
        "x-rate-limit-fail-open" => assert_eq!(value, "true"),
        "ratelimit" => {
            assert!(!failed_open, "{decision:?}");
            let [(_, remaining, until)] = &policies(value, "r", "t")[..] else {
                panic!("one policy: {value}")
            };
            let expected = decision.remaining().unwrap().min(MAX_STRUCTURED_INTEGER);
            assert_eq!(*remaining, expected);
            let until = u128::try_from(*until).unwrap() * 1_000_000_000;
            let comes_back = decision.decided_at.until(decision.room_at).as_nanos();
            assert!((comes_back..comes_back + 1_000_000_000).contains(&until), "{decision:?}");
        }
        "ratelimit-policy" => {
            let policies = policies(value, "q", "w");
            assert_eq!(policies.len(), decision.quotas.len());
            for ((_, limit, window), quota) in policies.iter().zip(&*decision.quotas) {
                assert_eq!(*limit, quota.limit.clamp(0, MAX_STRUCTURED_INTEGER));
                assert_eq!(u64::try_from(*window).unwrap(), quota.window.as_secs());
            }
        }
        other => panic!("an unknown field {other}"),
    }
}

/// Parses the items of a structured list: strings, each with two non-negative integers as
/// parameters.
fn policies(value: &str, first: &str, second: &str) -> Vec<(String, i64, i64)> {
    let list: List = Parser::new(value).parse().unwrap();
    let parameter = |item: &Item, name: &str| {
        let value = item.params.get(name).and_then(BareItem::as_integer).unwrap();
        let value = i64::from(value);
        assert!(value >= 0, "{name} of {item:?}");
        value
    };
    list.iter()
        .map(|entry| {
            let ListEntry::Item(item) = entry else { panic!("an inner list in {list:?}") };
            let name = item.bare_item.as_string().unwrap().as_str().to_owned();
            (name, parameter(item, first), parameter(item, second))
        })
        .collect()
}

/// Returns whether the name is a token (RFC 9110 §5.1), in lower case as HTTP/2 requires.
fn is_field_name(name: &str) -> bool {
    !name.is_empty()
        && name
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

/// Returns whether the value is visible ASCII with single spaces inside (RFC 9110 §5.5).
fn is_field_value(value: &str) -> bool {
    !value.is_empty()
        && value.trim() == value
        && value.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic())
}

proptest! {
    #![proptest_config(cases(512))]

    #[test]
    fn decisions_end_and_are_consistent_for_any_store_replies(
        limit in wide_limit(),
        open in any::<bool>(),
        shadow in any::<bool>(),
        read_back in any::<bool>(),
        cost in prop_oneof![4 => 1..4_u32, 1 => Just(u32::MAX)],
        id in any::<u128>(),
        now in prop_oneof![
            4 => 1_767_225_600_000_000_000..1_767_225_700_000_000_000_i128,
            1 => -62_135_596_800_000_000_000..=253_402_300_799_999_999_999_i128,
        ],
        adversary in any_adversary(),
    ) {
        let mut builder = if open { limit.fail_open() } else { limit.fail_closed() };
        if shadow {
            builder = builder.shadow();
        }
        if read_back {
            builder = builder.read_back();
        }
        let limiter = builder.deny_cache().build();
        let attempt = Attempt::new(the_key(), nanos(now))
            .with_cost(NonZeroU32::new(cost).unwrap())
            .with_id(DecisionId(id));
        let decision = decide(&limiter, attempt, adversary);
        // Only a closed limiter returns no decision, and only an open one allows without a count.
        let failed_open = matches!(decision.as_ref().map(|decision| decision.basis), Some(Basis::FailOpen { .. }));
        prop_assert!(decision.is_some() || !(open || shadow));
        prop_assert!(!failed_open || open || shadow);
    }

    #[test]
    fn headers_of_real_decisions_are_honest(
        limit in any::limit(),
        requests in any::requests(12),
    ) {
        let limiter = limit.fail_closed().build();
        let mut world = World::new(&limiter);
        let mut admitted: Vec<Admission> = Vec::new();
        for request in requests {
            let decision = world.decide(&limiter, request).unwrap();
            honest(&decision);
            admitted.extend(decision.allowed.then_some(request));
            // `remaining` is never more than the limit would still admit.
            if let Some(remaining) = decision.remaining().filter(|_| decision.allowed) {
                let used = limit.used(&admitted, request.at)[decision.quota];
                prop_assert_eq!(remaining, (decision.limit - used).max(0));
            }
        }
    }
}

#[test]
fn a_store_failure_of_a_closed_limiter_has_its_own_fields() {
    for (name, value) in headers::store_failure() {
        assert!(is_field_name(name) && is_field_value(value), "{name}: {value}");
    }
}
