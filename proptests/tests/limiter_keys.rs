//! Two counters never share an item, and every key fits DynamoDB's limits.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

use core::time::Duration;
use std::collections::BTreeMap;

use apptheory::limiter::{
    FixedWindow, Layout, Limiter, MultiWindow, Quota, RateLimitKey, Recall, SlidingWindow,
    Strategy, TokenBucket,
};
use apptheory::machine::{Machine, Step};
use apptheory::store::{
    Key, MAX_PARTITION_KEY_BYTES, MAX_SORT_KEY_BYTES, StoreRequest, TransactWrite,
};
use apptheory::testkit::World;
use apptheory::time::Timestamp;
use apptheory_proptests::cases;
use apptheory_proptests::limit::Admission;
use apptheory_proptests::world::{Decide as _, attempt, seconds, the_key};
use proptest::prelude::Strategy as Generator;
use proptest::prelude::*;
use proptest::sample::select;

/// Who is counted.
type Who = [String; 3];

/// What a counter is for. Fixed and sliding windows with the same start are the same, because of
/// the layout of their keys.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
enum Counter {
    Window(Timestamp),
    OneOfSeveral(Timestamp, Duration),
    Packed(Timestamp, Vec<Duration>),
    Bucket,
}

/// Generates texts made of the separators of keys.
fn adversarial() -> impl Generator<Value = String> {
    let pieces = vec![
        "#",
        "%",
        "%23",
        "%25",
        "_",
        "a",
        "é",
        " ",
        "0",
        "60",
        "1767225600",
        "-60",
        "gcra",
        "#gcra",
        "2026-01-01T00:00:00Z",
        "2026-01-01T00:00:00Z_1m0s",
        "packed:1m0s,1h0m0s",
        "packed:",
        "sha256:",
    ];
    prop_oneof![
        12 => prop::collection::vec(select(pieces), 1..5).prop_map(|pieces| pieces.concat()),
        1 => (1..5_usize, 0..3_u8).prop_map(|(kilobytes, end)| {
            format!("{}{end}", "é".repeat(kilobytes * 512 - 1))
        }),
        1 => (240..260_usize).prop_map(|length| "x".repeat(length)),
        1 => (1020..1030_usize).prop_map(|length| "#".repeat(length)),
    ]
    .prop_filter("not blank", |text| !text.trim().is_empty())
}

fn any_who() -> impl Generator<Value = Who> {
    let resource = adversarial().prop_map(|text| text.replace('#', "/"));
    (adversarial(), resource, adversarial())
        .prop_map(|(identifier, resource, operation)| [identifier, resource, operation])
}

/// Generates a strategy, with its counters at an instant.
fn any_counting() -> impl Generator<Value = (Strategy, Timestamp, Vec<Counter>)> {
    let nested = || prop::sample::subsequence(vec![60_u64, 120, 360, 3_600], 1..4);
    let now = select(vec![-60_i64, 0, 60, 1_767_225_600, 1_767_225_660, 253_402_300_799]);
    (0..5_usize, nested(), now).prop_map(|(kind, windows, now)| {
        let now = seconds(now);
        let windows: Vec<Duration> = windows.into_iter().map(Duration::from_secs).collect();
        let length = windows[0];
        let start = |length| now.floor_from_1970(length);
        let quotas = || windows.iter().map(|window| Quota { limit: 9, window: *window });
        let (strategy, counters) = match kind {
            0 => {
                (FixedWindow::new(length, 9).unwrap().into(), vec![Counter::Window(start(length))])
            }
            1 => (
                SlidingWindow::new(length, length, 9).unwrap().into(),
                vec![Counter::Window(now.floor_from_year_one(length))],
            ),
            2 => (
                MultiWindow::new(quotas()).unwrap().into(),
                windows
                    .iter()
                    .map(|length| Counter::OneOfSeveral(start(*length), *length))
                    .collect(),
            ),
            3 => {
                let packed = MultiWindow::new(quotas()).unwrap().with_layout(Layout::Packed);
                let longest = *windows.iter().max().unwrap();
                (packed.unwrap().into(), vec![Counter::Packed(start(longest), windows.clone())])
            }
            _ => (TokenBucket::new(length, 9, 9).unwrap().into(), vec![Counter::Bucket]),
        };
        (strategy, now, counters)
    })
}

/// Returns the keys of the items that a request is counted in, in the order of the configuration.
fn written(strategy: Strategy, name: Option<&str>, who: &Who, now: Timestamp) -> Vec<Key> {
    let [identifier, resource, operation] = who;
    let key = RateLimitKey::new(identifier, resource, operation).unwrap();
    let attempt = attempt(&key, Admission { at: now, cost: 1 });
    let builder = Limiter::fail_closed(strategy);
    let limiter = match name {
        Some(name) => builder.named(name).unwrap().build(),
        None => builder.build(),
    };
    let step = limiter.record(attempt, &Recall::default()).start();
    if let Step::Ask(StoreRequest::UpdateItem(ask)) = step {
        return vec![ask.effect().key.clone()];
    }
    let Step::Ask(StoreRequest::TransactWriteItems(ask)) = step else {
        panic!("a write: {step:?}")
    };
    let key_of = |write: &TransactWrite| {
        let TransactWrite::Update(update) = write else { panic!("an update: {write:?}") };
        update.key.clone()
    };
    ask.effect().writes.iter().map(key_of).collect()
}

/// Returns partition and sort key.
fn texts(key: &Key) -> (String, String) {
    let text = |value: Option<&str>| value.unwrap().to_owned();
    let sort = key.sort.as_ref().and_then(|sort| sort.value.as_text());
    (text(key.partition.value.as_text()), text(sort))
}

proptest! {
    #![proptest_config(cases(96))]

    #[test]
    fn no_two_counters_share_an_item(
        people in prop::collection::vec(any_who(), 1..12),
        counting in prop::collection::vec(any_counting(), 1..12),
        names in prop::collection::vec(prop::option::of("[A-Za-z0-9_.-]{1,64}|a|gcra|GET"), 1..4),
    ) {
        let mut owners = BTreeMap::new();
        for who in &people {
            for ((strategy, now, counters), name) in counting.iter().zip(names.iter().cycle()) {
                let keys = written(strategy.clone(), name.as_deref(), who, *now);
                prop_assert_eq!(keys.len(), counters.len());
                for (key, counter) in keys.iter().zip(counters) {
                    let (partition, sort) = texts(key);
                    prop_assert!(partition.len() <= MAX_PARTITION_KEY_BYTES, "{}", partition);
                    prop_assert!(sort.len() <= MAX_SORT_KEY_BYTES, "{}", sort);
                    // Readers of the table can tell resource and operation apart.
                    let separators = if name.is_some() { 2 } else { 1 };
                    prop_assert_eq!(sort.matches('#').count(), separators, "{}", sort);
                    let owner = (who.clone(), counter.clone(), name.clone());
                    let first = owners.entry((partition, sort)).or_insert_with(|| owner.clone());
                    prop_assert_eq!(&*first, &owner, "two counters in {:?}", key);
                }
            }
        }
    }

    #[test]
    fn parts_that_are_cut_differently_are_different_keys(text in "[a#%/2]{3,10}", cuts in any::<[prop::sample::Index; 2]>()) {
        // The same characters in the same order, divided differently.
        let divided = |cut: prop::sample::Index| {
            let at = 1 + cut.index(text.len() - 1);
            RateLimitKey::new("i", &text[..at], &text[at..]).ok()
        };
        let [one, other] = cuts.map(divided);
        if let (Some(one), Some(other)) = (one, other) {
            prop_assert_eq!(one == other, one.resource() == other.resource());
            prop_assert_eq!(one == other, one.sort_key() == other.sort_key());
        }
    }
}

#[test]
fn what_one_limiter_learned_says_nothing_of_another() {
    // One cache and one attempt for both: their names keep them apart.
    let fixed = || Limiter::fail_closed(FixedWindow::new(Duration::from_secs(60), 1).unwrap());
    let [one, other] =
        ["one", "other"].map(|name| fixed().named(name).unwrap().deny_cache().build());
    let mut world = World::new(&one);
    let mut recall = Recall::default();
    let request = Admission { at: seconds(0), cost: 1 };
    for allowed in [true, false, false] {
        assert_eq!(world.decide_with(&one, request, &mut recall).unwrap().allowed, allowed);
    }
    assert!(world.decide_with(&other, request, &mut recall).unwrap().allowed);

    let quotas = [60, 600].map(|window| Quota { limit: 1, window: Duration::from_secs(window) });
    let multi = || Limiter::fail_closed(MultiWindow::new(quotas).unwrap());
    let attempt = attempt(&the_key(), request);
    let tokens = ["one", "other"].map(|name| {
        let limiter = multi().named(name).unwrap().build();
        let step = limiter.check_and_increment(attempt.clone(), &recall).start();
        let Step::Ask(StoreRequest::TransactWriteItems(ask)) = step else { panic!("{step:?}") };
        ask.effect().token.clone().unwrap()
    });
    assert_ne!(tokens[0], tokens[1]);
}

#[test]
fn the_longest_parts_and_windows_fit() {
    // Lengths at which a part is kept unchanged, with the longest list that can be packed in a
    // century.
    let who = ["i".repeat(1024), "r".repeat(640), "o".repeat(256)];
    let century = 36_500 * 86_400_u64;
    let quotas = (1..=60)
        .filter(|parts| century.is_multiple_of(*parts))
        .map(|parts| Quota { limit: 9, window: Duration::from_secs(century / parts) });
    let packed = MultiWindow::new(quotas).unwrap().with_layout(Layout::Packed).unwrap();
    let [key] = &written(packed.into(), Some(&"n".repeat(64)), &who, Timestamp::MIN)[..] else {
        panic!("one item")
    };
    let (partition, sort) = texts(key);
    assert!(partition.len() <= MAX_PARTITION_KEY_BYTES, "{}", partition.len());
    assert!(sort.len() <= MAX_SORT_KEY_BYTES, "{}", sort.len());
    assert_eq!(sort.len(), 640 + 1 + 256 + 1 + 64);
}
