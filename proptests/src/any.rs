//! Generators of limits and requests.

use apptheory::limiter::Coverage;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};

use crate::limit::{Admission, Limit, Writing};
use crate::world::nanos;

/// Generates any limit: with small numbers, so that they are reached, and windows that divide a day
/// or do not.
pub fn limit() -> impl Strategy<Value = Limit> + Clone {
    prop_oneof![
        fixed(),
        sliding(select(vec![Coverage::Aligned, Coverage::Conservative])),
        multi(),
        bucket(),
    ]
}

/// Generates a fixed window.
pub fn fixed() -> impl Strategy<Value = Limit> + Clone {
    (select(vec![1, 7, 60, 61, 420, 3_600, 604_800]), -1..6_i64)
        .prop_map(|(window, limit)| Limit::Fixed { window, limit })
}

/// Generates a sliding window with a coverage.
pub fn sliding(
    coverage: impl Strategy<Value = Coverage> + Clone,
) -> impl Strategy<Value = Limit> + Clone {
    (1..6_u64, select(vec![1, 7, 20, 60]), coverage, -1..8_i64).prop_map(
        |(parts, granularity, coverage, limit)| Limit::Sliding {
            parts,
            granularity,
            coverage,
            limit,
        },
    )
}

/// Generates a list of windows, in any layout and order.
pub fn multi() -> impl Strategy<Value = Limit> + Clone {
    // Each divides the next, so that any of them can be packed.
    let nested = subsequence(vec![10, 20, 60, 120, 600], 1..4);
    let loose = subsequence(vec![7, 10, 60, 61, 600], 1..4);
    let written = prop_oneof![
        (Just(Writing::Packed), nested),
        (select(vec![Writing::Transaction, Writing::OneByOne]), loose),
    ];
    written.prop_flat_map(|(writing, windows)| {
        let limits =
            prop::collection::vec(prop_oneof![9 => 1..8_i64, 1 => -1..1_i64], windows.len());
        (Just(windows).prop_shuffle(), limits).prop_map(move |(windows, limits)| Limit::Multi {
            writing,
            quotas: windows.into_iter().zip(limits).collect(),
        })
    })
}

/// Generates a token bucket.
pub fn bucket() -> impl Strategy<Value = Limit> + Clone {
    (select(vec![1, 7, 60]), select(vec![-1, 0, 1, 3, 7, 100]), 1..6_u32)
        .prop_map(|(period, limit, burst)| Limit::Bucket { period, limit, burst })
}

/// Generates a token bucket with extreme numbers: rates from one token per nanosecond to one in ten
/// days, intervals that are whole nanoseconds or not, bursts of one and of billions.
pub fn extreme_bucket() -> impl Strategy<Value = Limit> + Clone {
    let limit = prop_oneof![
        select(vec![
            1,
            3,
            30_000,
            400_000_007,
            500_000_001,
            600_000_000,
            999_999_999,
            1_000_000_000
        ]),
        1..1_000_000_000_i64,
    ];
    let burst = prop_oneof![Just(1), 2..6_u32, select(vec![5_000, 1_000_000, 300_000_000])];
    (select(vec![1_u32, 7, 60, 3_600, 864_000]), limit, burst).prop_map(|(period, limit, burst)| {
        // A bucket that would take longer than a century to fill gets a smaller size.
        let a_century = limit.saturating_mul(3_155_760_000) / i64::from(period);
        let most = u32::try_from(a_century.max(1)).unwrap_or(u32::MAX);
        Limit::Bucket { period: u64::from(period), limit, burst: burst.min(most) }
    })
}

/// Generates `1..=most` requests, one after the other: at the same instant, a little later, much
/// later, and often exactly at or just before a full second.
pub fn requests(most: usize) -> impl Strategy<Value = Vec<Admission>> + Clone {
    let gap = prop_oneof![
        3 => Just(Gap::By(0)),
        2 => (1..1_000_000_000_i128).prop_map(Gap::By),
        4 => (1..30_000_000_000_i128).prop_map(Gap::By),
        1 => (1..700_000_000_000_i128).prop_map(Gap::By),
        2 => (1..60_i128).prop_map(Gap::ToSecond),
        2 => (1..60_i128).prop_map(Gap::BeforeSecond),
    ];
    let cost = prop_oneof![4 => Just(1), 1 => 2..4_u32];
    let start = select(vec![-90, 0, 59, 1_767_225_599, 1_767_270_896_i128]);
    (start, prop::collection::vec((gap, cost), 1..=most)).prop_map(|(start, requests)| {
        let mut now = start * NANOS;
        let request = |(gap, cost): (Gap, u32)| {
            now = gap.after(now);
            Admission { at: nanos(now), cost }
        };
        requests.into_iter().map(request).collect()
    })
}

/// The gap between a request and the previous one.
#[derive(Clone, Copy, Debug)]
enum Gap {
    /// A number of nanoseconds.
    By(i128),
    /// Up to a full second, this many ahead.
    ToSecond(i128),
    /// Up to a nanosecond before a full second.
    BeforeSecond(i128),
}

impl Gap {
    const fn after(self, now: i128) -> i128 {
        match self {
            Self::By(nanos) => now + nanos,
            Self::ToSecond(ahead) => (now.div_euclid(NANOS) + ahead) * NANOS,
            // At least one second ahead, so never before `now`.
            Self::BeforeSecond(ahead) => (now.div_euclid(NANOS) + ahead + 1) * NANOS - 1,
        }
    }
}

const NANOS: i128 = 1_000_000_000;
