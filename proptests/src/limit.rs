//! Limits from which both a limiter and a model of it are created.

use core::time::Duration;

use apptheory::limiter::{
    Coverage, FixedWindow, Layout, Limiter, LimiterBuilder, MultiWindow, Quota, SlidingWindow,
    Strategy, TokenBucket,
};
use apptheory::testkit::model;
pub use apptheory::testkit::model::Admission;
use apptheory::time::Timestamp;

/// A limit; times are in seconds.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Limit {
    /// A number of units in each window.
    Fixed {
        /// The window.
        window: u64,
        /// The number of units.
        limit: i64,
    },
    /// A number of units in the sub-windows that cover the last window.
    Sliding {
        /// The number of sub-windows in the window.
        parts: u64,
        /// The length of a sub-window.
        granularity: u64,
        /// Which sub-windows are added up.
        coverage: Coverage,
        /// The number of units.
        limit: i64,
    },
    /// Several windows at once, each with its own number of units.
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
        /// Tokens restored in a period.
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

/// Who has another limit.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Exception<'a> {
    /// For an identifier.
    Identifier(&'a str),
    /// For a resource.
    Resource(&'a str),
}

impl Limit {
    /// Returns a limiter that fails closed.
    pub fn fail_closed(&self) -> LimiterBuilder {
        self.applied_to(Limiter::fail_closed(self.strategy(&[])))
    }

    /// Returns a limiter that fails open.
    pub fn fail_open(&self) -> LimiterBuilder {
        self.applied_to(Limiter::fail_open(self.strategy(&[])))
    }

    /// Returns a limiter as [`fail_closed`](Self::fail_closed) does, with exceptions.
    pub fn with_exceptions(&self, exceptions: &[(Exception<'_>, i64)]) -> LimiterBuilder {
        self.applied_to(Limiter::fail_closed(self.strategy(exceptions)))
    }

    /// Returns a limiter as [`fail_closed`](Self::fail_closed) does, for callers whose clocks
    /// differ by up to `skew`.
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

    /// Returns the same limit with another number of units everywhere.
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

    /// Returns whether windows are counted one after the other, so that callers can interfere.
    #[must_use]
    pub const fn is_one_by_one(&self) -> bool {
        matches!(self, Self::Multi { writing: Writing::OneByOne, .. })
    }

    /// Returns the model of the limit.
    #[must_use]
    pub fn model(&self) -> model::Limit {
        let secs = Duration::from_secs;
        match *self {
            Self::Fixed { window, limit } => {
                model::Limit::FixedWindow { window: secs(window), limit }
            }
            Self::Sliding { parts, granularity, coverage, limit } => {
                let (window, granularity) = (secs(parts * granularity), secs(granularity));
                model::Limit::SlidingWindow { window, granularity, coverage, limit }
            }
            Self::Multi { ref quotas, .. } => {
                let quota = |&(window, limit): &_| Quota { limit, window: secs(window) };
                model::Limit::MultiWindow(quotas.iter().map(quota).collect())
            }
            Self::Bucket { period, limit, burst } => {
                model::Limit::TokenBucket { period: secs(period), limit, burst }
            }
        }
    }

    /// See the [model](model::Limit::admits).
    #[must_use]
    pub fn admits(&self, admitted: &[Admission], next: Admission) -> bool {
        self.model().admits(admitted, next)
    }

    /// See the [model](model::Limit::held).
    #[must_use]
    pub fn held(&self, admitted: &[Admission]) -> bool {
        self.model().held(admitted)
    }

    /// See the [model](model::Limit::room).
    #[must_use]
    pub fn room(&self, admitted: &[Admission], at: Timestamp) -> u32 {
        self.model().room(admitted, at)
    }

    /// See the [model](model::Limit::used).
    #[must_use]
    pub fn used(&self, admitted: &[Admission], now: Timestamp) -> Vec<i64> {
        self.model().used(admitted, now)
    }

    /// Returns the number of seconds by which clocks must differ less for the limit to hold; `None`
    /// if they may show anything.
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

    /// Returns the nanoseconds that a bucket takes to restore a token.
    #[must_use]
    pub fn interval(&self) -> Option<i128> {
        let nanos = self.model().interval()?.as_nanos();
        Some(i128::try_from(nanos).unwrap_or(i128::MAX))
    }
}

/// Returns a limit of every kind, with room for `limit` units at one instant.
#[must_use]
pub fn every_kind(limit: i64) -> Vec<Limit> {
    // The second window is the strict one: checking only the first admits too much.
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
