//! Limits in the words of a test: what the limiter is asked for, and a naive model of it.
//!
//! The models keep every admission and add up. They share no code and no formula with the limiter: a
//! bucket is no level that rises and falls here, but a bound on what every span of time admits.

use core::time::Duration;

use apptheory::limiter::{
    Coverage, FixedWindow, Layout, Limiter, LimiterBuilder, MultiWindow, Quota, SlidingWindow,
    Strategy, TokenBucket,
};
use apptheory::time::Timestamp;

/// A request for some units at an instant; admitted, if it is kept.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Admission {
    /// When.
    pub at: Timestamp,
    /// How much.
    pub cost: u32,
}

/// A limit; times are in seconds.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Limit {
    /// So many in each window.
    Fixed {
        /// The window.
        window: u64,
        /// How many.
        limit: i64,
    },
    /// So many in the sub-windows that cover the last window.
    Sliding {
        /// How many sub-windows make the window.
        parts: u64,
        /// The sub-window.
        granularity: u64,
        /// Which sub-windows are summed up.
        coverage: Coverage,
        /// How many.
        limit: i64,
    },
    /// Several windows at once, each with its own number.
    Multi {
        /// How they are stored and written.
        writing: Writing,
        /// Windows with their limits.
        quotas: Vec<(u64, i64)>,
    },
    /// A token bucket.
    Bucket {
        /// The period.
        period: u64,
        /// Tokens regained in a period.
        limit: i64,
        /// Tokens in a full bucket.
        burst: u32,
    },
}

/// How the counters of several windows are written.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Writing {
    /// In one transaction.
    Transaction,
    /// In one item.
    Packed,
    /// One after the other, without transactions.
    OneByOne,
}

/// For whom another number holds.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Exception<'a> {
    /// For an identifier.
    Identifier(&'a str),
    /// For a resource.
    Resource(&'a str),
}

impl Limit {
    /// A limiter that gives errors while its store gives none of its own.
    pub fn fail_closed(&self) -> LimiterBuilder {
        self.applied_to(Limiter::fail_closed(self.strategy(&[])))
    }

    /// A limiter that allows while its store gives no answer.
    pub fn fail_open(&self) -> LimiterBuilder {
        self.applied_to(Limiter::fail_open(self.strategy(&[])))
    }

    /// As [`fail_closed`](Self::fail_closed), with other numbers for some.
    pub fn with_exceptions(&self, exceptions: &[(Exception<'_>, i64)]) -> LimiterBuilder {
        self.applied_to(Limiter::fail_closed(self.strategy(exceptions)))
    }

    /// As [`fail_closed`](Self::fail_closed), for callers whose clocks differ by up to `skew`.
    #[expect(clippy::expect_used, reason = "tests keep clocks closer than sub-windows are long")]
    pub fn with_skew(&self, skew: Duration) -> LimiterBuilder {
        self.fail_closed().skew_allowance(skew).expect("a short difference")
    }

    #[expect(clippy::expect_used, reason = "no difference is shorter than any window")]
    fn applied_to(&self, builder: LimiterBuilder) -> LimiterBuilder {
        let builder = builder.skew_allowance(Duration::ZERO).expect("no difference");
        match self {
            Self::Multi { writing: Writing::OneByOne, .. } => builder.without_transactions(),
            Self::Multi { .. }
            | Self::Fixed { .. }
            | Self::Sliding { .. }
            | Self::Bucket { .. } => builder,
        }
    }

    #[expect(clippy::expect_used, reason = "tests build limits that are valid")]
    fn strategy(&self, exceptions: &[(Exception<'_>, i64)]) -> Strategy {
        let secs = Duration::from_secs;
        match *self {
            Self::Fixed { window, limit } => {
                let fixed = FixedWindow::new(secs(window), limit).expect("a fixed window");
                let exceptional = |fixed: FixedWindow, (who, limit): &_| match *who {
                    Exception::Identifier(id) => fixed.with_identifier_limit(id, *limit),
                    Exception::Resource(resource) => fixed.with_resource_limit(resource, *limit),
                };
                exceptions.iter().fold(fixed, exceptional).into()
            }
            Self::Sliding { parts, granularity, coverage, limit } => {
                let window = secs(parts * granularity);
                let sliding = SlidingWindow::new(window, secs(granularity), limit);
                let sliding = sliding.expect("a sliding window").with_coverage(coverage);
                let exceptional = |sliding: SlidingWindow, (who, limit): &_| match *who {
                    Exception::Identifier(id) => sliding.with_identifier_limit(id, *limit),
                    Exception::Resource(resource) => sliding.with_resource_limit(resource, *limit),
                };
                exceptions.iter().fold(sliding, exceptional).into()
            }
            Self::Multi { writing, ref quotas } => {
                let list = |limit: Option<i64>| {
                    let quota = |&(window, own): &(u64, i64)| Quota {
                        limit: limit.unwrap_or(own),
                        window: secs(window),
                    };
                    quotas.iter().map(quota).collect::<Vec<_>>()
                };
                let multi = MultiWindow::new(list(None)).expect("several windows");
                let layout = match writing {
                    Writing::Packed => Layout::Packed,
                    Writing::Transaction | Writing::OneByOne => Layout::PerWindow,
                };
                let multi = multi.with_layout(layout).expect("windows that pack");
                let exceptional = |multi: MultiWindow, (who, limit): &_| match *who {
                    Exception::Identifier(id) => {
                        multi.with_identifier_limits(id, list(Some(*limit)))
                    }
                    Exception::Resource(resource) => {
                        multi.with_resource_limits(resource, list(Some(*limit)))
                    }
                };
                let exceptional =
                    |multi, exception: &_| exceptional(multi, exception).expect("the same windows");
                exceptions.iter().fold(multi, exceptional).into()
            }
            Self::Bucket { period, limit, burst } => {
                let bucket = TokenBucket::new(secs(period), limit, burst).expect("a bucket");
                let exceptional = |bucket: TokenBucket, (who, limit): &_| match *who {
                    Exception::Identifier(id) => bucket.with_identifier_limit(id, *limit, burst),
                    Exception::Resource(resource) => {
                        bucket.with_resource_limit(resource, *limit, burst)
                    }
                };
                let exceptional =
                    |bucket, exception: &_| exceptional(bucket, exception).expect("the same burst");
                exceptions.iter().fold(bucket, exceptional).into()
            }
        }
    }

    /// The same limit with another number in place of every number.
    #[must_use]
    pub fn with_limit(&self, limit: i64) -> Self {
        match self.clone() {
            Self::Fixed { window, .. } => Self::Fixed { window, limit },
            Self::Sliding { parts, granularity, coverage, .. } => {
                Self::Sliding { parts, granularity, coverage, limit }
            }
            Self::Multi { writing, quotas } => Self::Multi {
                writing,
                quotas: quotas.into_iter().map(|(window, _)| (window, limit)).collect(),
            },
            Self::Bucket { period, burst, .. } => Self::Bucket { period, limit, burst },
        }
    }

    /// Requests of cost 1 that fit after `admitted`, at the same instant.
    #[must_use]
    pub fn room(&self, admitted: &[Admission], at: Timestamp) -> u32 {
        let mut admitted = admitted.to_vec();
        let next = Admission { at, cost: 1 };
        let mut room = 0;
        while self.admits(&admitted, next) {
            admitted.push(next);
            room += 1;
        }
        room
    }

    /// Whether windows are counted one after the other, so that callers can be in each other's way.
    #[must_use]
    pub const fn is_one_by_one(&self) -> bool {
        matches!(self, Self::Multi { writing: Writing::OneByOne, .. })
    }

    /// Units in use as of `now` where the limit is nearest: per quota for several windows.
    #[must_use]
    pub fn used(&self, admitted: &[Admission], now: Timestamp) -> Vec<i64> {
        match self {
            Self::Fixed { window, .. } => vec![in_window(admitted, now, *window)],
            Self::Multi { quotas, .. } => {
                quotas.iter().map(|(window, _)| in_window(admitted, now, *window)).collect()
            }
            Self::Sliding { parts, granularity, coverage, .. } => {
                vec![in_cover(admitted, now, *granularity, covered(*parts, *coverage))]
            }
            Self::Bucket { .. } => self.interval().map_or_else(Vec::new, |interval| {
                let missing = missing(admitted, now, interval);
                let tokens = (missing + interval - 1).div_euclid(interval);
                vec![i64::try_from(tokens).unwrap_or(i64::MAX)]
            }),
        }
    }

    /// Whether the limit lets `next` in after `admitted`, which are in the order of time.
    #[must_use]
    pub fn admits(&self, admitted: &[Admission], next: Admission) -> bool {
        let fits = |used: i64, limit: i64| used + i64::from(next.cost) <= limit;
        match self {
            Self::Fixed { limit, .. } | Self::Sliding { limit, .. } => {
                self.used(admitted, next.at).iter().all(|used| fits(*used, *limit))
            }
            Self::Multi { quotas, .. } => {
                let used = self.used(admitted, next.at);
                used.iter().zip(quotas).all(|(used, (_, limit))| fits(*used, *limit))
            }
            Self::Bucket { burst, .. } => self.interval().is_some_and(|interval| {
                let with_next =
                    missing(admitted, next.at, interval) + interval * i128::from(next.cost);
                with_next <= interval * i128::from(*burst)
            }),
        }
    }

    /// Whether the limit held over all of `admitted`, in whatever order they came.
    #[must_use]
    pub fn held(&self, admitted: &[Admission]) -> bool {
        match self {
            Self::Fixed { limit, .. } => admitted
                .iter()
                .all(|last| self.used(admitted, last.at).iter().all(|used| used <= limit)),
            Self::Multi { quotas, .. } => admitted.iter().all(|last| {
                let used = self.used(admitted, last.at);
                used.iter().zip(quotas).all(|(used, (_, limit))| used <= limit)
            }),
            Self::Sliding { limit, .. } => admitted
                .iter()
                .all(|last| self.used(admitted, last.at).iter().all(|used| used <= limit)),
            // Units in a span ≤ limit × span / period + burst, both sides times the period: exact.
            Self::Bucket { period, limit, burst } => {
                let period = i128::from(*period) * NANOS;
                let most =
                    |span: i128| i128::from(*limit.max(&0)) * span + i128::from(*burst) * period;
                let mut in_time: Vec<Admission> = admitted.to_vec();
                in_time.sort_by_key(|one| one.at);
                (*limit > 0 || admitted.is_empty())
                    && (0..in_time.len()).all(|from| {
                        let mut units = 0;
                        in_time[from..].iter().all(|one| {
                            units += i128::from(one.cost);
                            let span = one.at.unix_nanos() - in_time[from].at.unix_nanos();
                            units * period <= most(span)
                        })
                    })
            }
        }
    }

    /// Seconds below which clocks must not differ for the limit to hold; `None` if they may show
    /// anything.
    #[must_use]
    pub fn most_skew(&self) -> Option<u64> {
        match self {
            Self::Sliding { granularity, .. } => Some(*granularity),
            Self::Multi { writing: Writing::Packed, quotas } => {
                quotas.iter().map(|(window, _)| *window).min()
            }
            Self::Fixed { .. } | Self::Multi { .. } | Self::Bucket { .. } => None,
        }
    }

    /// Units of `admitted` in the busiest real span of `length`, both of its ends included.
    #[must_use]
    pub fn busiest(admitted: &[Admission], length: Duration) -> i64 {
        let length = i128::try_from(length.as_nanos()).unwrap_or(i128::MAX);
        let within = |first: &Admission| {
            let last = first.at.unix_nanos().saturating_add(length);
            sum(admitted
                .iter()
                .filter(|one| (first.at.unix_nanos()..=last).contains(&one.at.unix_nanos())))
        };
        admitted.iter().map(within).max().unwrap_or(0)
    }

    /// Nanoseconds that a token takes to come back: the fewest whole ones of which `limit` are no less
    /// than the period. `None` if nothing is ever admitted.
    #[must_use]
    pub fn interval(&self) -> Option<i128> {
        let Self::Bucket { period, limit, .. } = *self else { return None };
        let is_enough = |nanos: i128| nanos * i128::from(limit) >= i128::from(period) * NANOS;
        let (mut too_few, mut enough) = (0, i128::from(period) * NANOS);
        while enough - too_few > 1 {
            let middle = too_few + (enough - too_few) / 2;
            *(if is_enough(middle) { &mut enough } else { &mut too_few }) = middle;
        }
        (limit > 0).then_some(enough)
    }
}

/// Units admitted in the window of `window` seconds, counted from 1970, that holds `now`.
fn in_window(admitted: &[Admission], now: Timestamp, window: u64) -> i64 {
    sum(admitted.iter().filter(|one| number(one.at, window) == number(now, window)))
}

fn number(at: Timestamp, window: u64) -> i128 {
    at.unix_nanos().div_euclid(i128::from(window) * NANOS)
}

/// Units admitted in the last `covered` sub-windows, counted from year 1, up to the one of `now`.
fn in_cover(admitted: &[Admission], now: Timestamp, granularity: u64, covered: u64) -> i64 {
    let last = sub_window(now, granularity);
    let cover = last - i128::from(covered) + 1..=last;
    sum(admitted.iter().filter(|one| cover.contains(&sub_window(one.at, granularity))))
}

fn sub_window(at: Timestamp, granularity: u64) -> i128 {
    let since_year_one = at.unix_nanos() - Timestamp::MIN.unix_nanos();
    since_year_one / (i128::from(granularity) * NANOS)
}

const fn covered(parts: u64, coverage: Coverage) -> u64 {
    match coverage {
        Coverage::Aligned => parts,
        Coverage::Conservative => parts + 1,
    }
}

fn sum<'a>(admissions: impl Iterator<Item = &'a Admission>) -> i64 {
    admissions.map(|one| i64::from(one.cost)).sum()
}

/// Nanoseconds' worth of tokens that a bucket still misses at `now`: of all spans that end there, the
/// most by which what was admitted in one exceeds what came back in it.
fn missing(admitted: &[Admission], now: Timestamp, interval: i128) -> i128 {
    let mut taken = 0;
    let spans = admitted.iter().rev().map(|first| {
        taken += i128::from(first.cost) * interval;
        taken - (now.unix_nanos() - first.at.unix_nanos())
    });
    spans.max().unwrap_or(0).max(0)
}

const NANOS: i128 = 1_000_000_000;

/// One of every kind, with room for `limit` units at one instant.
#[must_use]
pub fn every_kind(limit: i64) -> Vec<Limit> {
    // The second window is the strict one: whoever looks at the first only lets too much in.
    let quotas = vec![(60, limit + 1), (3_600, limit), (600, limit + 2)];
    let sliding = |coverage| Limit::Sliding { parts: 3, granularity: 20, coverage, limit };
    let multi = |writing| Limit::Multi { writing, quotas: quotas.clone() };
    vec![
        Limit::Fixed { window: 60, limit },
        sliding(Coverage::Aligned),
        sliding(Coverage::Conservative),
        multi(Writing::Transaction),
        multi(Writing::Packed),
        multi(Writing::OneByOne),
        Limit::Bucket { period: 60, limit, burst: u32::try_from(limit).unwrap_or(0).max(1) },
    ]
}
