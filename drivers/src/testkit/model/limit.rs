//! A model of rate limits.

use core::time::Duration;

use apptheory_core::limiter::{Coverage, Quota};
use apptheory_core::time::Timestamp;

/// A request for units at an instant; in a list of admissions, a request that was admitted.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Admission {
    /// The instant.
    pub at: Timestamp,
    /// The number of units.
    pub cost: u32,
}

/// The limit of one key, as a model of what its strategy admits. The model keeps every admission
/// and adds them up: a bucket is a bound on what every span of time admits, not a level that rises
/// and falls.
///
/// ```
/// use core::time::Duration;
///
/// use apptheory::limiter::{Attempt, Limiter, RateLimitKey, Recall, TokenBucket};
/// use apptheory::machine;
/// use apptheory::testkit::World;
/// use apptheory::testkit::model::{self, Admission};
///
/// let period = Duration::from_secs(60);
/// let model = model::Limit::TokenBucket { period, limit: 30, burst: 2 };
/// let limiter = Limiter::fail_closed(TokenBucket::new(period, 30, 2)?).build();
///
/// let mut world = World::new(&limiter);
/// let mut admitted = Vec::new();
/// for seconds in [0, 0, 0, 1, 1, 0, 5] {
///     world.set_time(world.now().saturating_add(Duration::from_secs(seconds)));
///     let attempt = Attempt::new(RateLimitKey::new("tenant-7", "/orders", "POST")?, world.now());
///     let machine = limiter.check_and_increment(attempt, &Recall::default());
///     let decision = machine::run(machine, &mut world).decision?;
///
///     let request = Admission { at: world.now(), cost: 1 };
///     assert_eq!(decision.allowed, model.admits(&admitted, request));
///     admitted.extend(decision.allowed.then_some(request));
/// }
/// assert_eq!(admitted.len(), 4);
/// # Ok::<(), apptheory::limiter::Error>(())
/// ```
///
/// A model panics if a window, sub-window or period is zero, or if there is no window.
///
/// Requests are assumed to arrive one after the other, by one clock. For concurrent callers, check
/// afterwards whether the limit [held](Self::held).
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Limit {
    /// A number of units in each window; windows are aligned to 1970.
    FixedWindow {
        /// The length of a window.
        window: Duration,
        /// The number of units.
        limit: i64,
    },
    /// A number of units in the sub-windows that cover the last window.
    SlidingWindow {
        /// The length of the window.
        window: Duration,
        /// The length of a sub-window; sub-windows are aligned to the year 1.
        granularity: Duration,
        /// Which sub-windows are added up.
        coverage: Coverage,
        /// The number of units.
        limit: i64,
    },
    /// Several windows at once, each with its own number of units.
    MultiWindow(Vec<Quota>),
    /// A token bucket that is full at first.
    TokenBucket {
        /// The period.
        period: Duration,
        /// The number of tokens that a period restores.
        limit: i64,
        /// The number of tokens in a full bucket.
        burst: u32,
    },
}

impl Limit {
    /// Returns whether the limit admits `next` after `admitted`, which are in order of time.
    #[must_use]
    pub fn admits(&self, admitted: &[Admission], next: Admission) -> bool {
        let with_next = |used: i64| used + i64::from(next.cost);
        let used = self.used(admitted, next.at);
        match self {
            Self::FixedWindow { limit, .. } | Self::SlidingWindow { limit, .. } => {
                used.iter().all(|used| with_next(*used) <= *limit)
            }
            Self::MultiWindow(quotas) => {
                used.iter().zip(quotas).all(|(used, quota)| with_next(*used) <= quota.limit)
            }
            Self::TokenBucket { burst, .. } => self.interval_nanos().is_some_and(|interval| {
                let missing = missing(admitted, next.at, interval);
                missing + interval * i128::from(next.cost) <= interval * i128::from(*burst)
            }),
        }
    }

    /// Returns whether the limit held over all of `admitted`, in any order.
    #[must_use]
    pub fn held(&self, admitted: &[Admission]) -> bool {
        self.check();
        let mut used = admitted.iter().map(|last| self.used(admitted, last.at));
        match self {
            Self::FixedWindow { limit, .. } | Self::SlidingWindow { limit, .. } => {
                used.all(|used| used.iter().all(|used| used <= limit))
            }
            Self::MultiWindow(quotas) => {
                used.all(|used| used.iter().zip(quotas).all(|(used, quota)| *used <= quota.limit))
            }
            // Units in a span ≤ limit × span / period + burst; both sides times the period are
            // exact.
            Self::TokenBucket { period, limit, burst } => {
                let period = nanos(*period);
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

    /// Returns how many requests of cost 1 the limit admits after `admitted`, all at one instant.
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

    /// Returns the units in use at `now`: one number; for several windows one each; for a bucket
    /// that restores no tokens none.
    #[must_use]
    pub fn used(&self, admitted: &[Admission], now: Timestamp) -> Vec<i64> {
        self.check();
        match self {
            Self::FixedWindow { window, .. } => vec![in_window(admitted, now, *window)],
            Self::SlidingWindow { window, granularity, coverage, .. } => {
                let parts = nanos(*window) / nanos(*granularity);
                let covered = match coverage {
                    Coverage::Aligned => parts,
                    Coverage::Conservative => parts + 1,
                };
                vec![in_cover(admitted, now, *granularity, covered)]
            }
            Self::MultiWindow(quotas) => {
                quotas.iter().map(|quota| in_window(admitted, now, quota.window)).collect()
            }
            Self::TokenBucket { .. } => {
                let tokens = self.interval_nanos().map(|interval| {
                    (missing(admitted, now, interval) + interval - 1).div_euclid(interval)
                });
                tokens.into_iter().map(|tokens| i64::try_from(tokens).unwrap_or(i64::MAX)).collect()
            }
        }
    }

    /// Returns how long a bucket takes to restore a token: the shortest time of which `limit` are
    /// at least the period. `None` if no tokens are restored, and for windows.
    #[must_use]
    pub fn interval(&self) -> Option<Duration> {
        let nanos = u64::try_from(self.interval_nanos()?);
        Some(Duration::from_nanos(nanos.unwrap_or(u64::MAX)))
    }

    /// Panics if nothing bounds what the limit admits.
    fn check(&self) {
        let spans = match self {
            Self::FixedWindow { window, .. } => vec![*window],
            Self::SlidingWindow { window, granularity, .. } => vec![*window, *granularity],
            Self::MultiWindow(quotas) => quotas.iter().map(|quota| quota.window).collect(),
            Self::TokenBucket { period, .. } => vec![*period],
        };
        let is_bounded = !spans.is_empty() && spans.iter().all(|span| !span.is_zero());
        assert!(is_bounded, "a limit without a window or period: {self:?}");
    }

    fn interval_nanos(&self) -> Option<i128> {
        let Self::TokenBucket { period, limit, .. } = *self else { return None };
        let is_enough = |interval: i128| interval * i128::from(limit) >= nanos(period);
        let (mut too_few, mut enough) = (0, nanos(period));
        while enough - too_few > 1 {
            let middle = too_few + (enough - too_few) / 2;
            *(if is_enough(middle) { &mut enough } else { &mut too_few }) = middle;
        }
        (limit > 0).then_some(enough)
    }

    /// Returns the units of `admitted` in the busiest span of a length, including both ends: what
    /// clients see of a limit, whatever its windows are.
    #[must_use]
    pub fn busiest(admitted: &[Admission], length: Duration) -> i64 {
        let within = |first: &Admission| {
            let last = first.at.unix_nanos().saturating_add(nanos(length));
            let span = first.at.unix_nanos()..=last;
            sum(admitted.iter().filter(|one| span.contains(&one.at.unix_nanos())))
        };
        admitted.iter().map(within).max().unwrap_or(0)
    }
}

/// Returns the units admitted in the window that contains `now`.
fn in_window(admitted: &[Admission], now: Timestamp, window: Duration) -> i64 {
    let number = |at: Timestamp| at.unix_nanos().div_euclid(nanos(window));
    sum(admitted.iter().filter(|one| number(one.at) == number(now)))
}

/// Returns the units admitted in the last `covered` sub-windows, up to the one of `now`.
fn in_cover(admitted: &[Admission], now: Timestamp, granularity: Duration, covered: i128) -> i64 {
    let number = |at: Timestamp| {
        (at.unix_nanos() - Timestamp::MIN.unix_nanos()).div_euclid(nanos(granularity))
    };
    let cover = number(now) - covered + 1..=number(now);
    sum(admitted.iter().filter(|one| cover.contains(&number(one.at))))
}

/// Returns the tokens, in nanoseconds, that a bucket still lacks at `now`: over all spans that end
/// then, the largest excess of what was admitted over what was restored.
fn missing(admitted: &[Admission], now: Timestamp, interval: i128) -> i128 {
    let mut taken = 0;
    let spans = admitted.iter().rev().map(|first| {
        taken += i128::from(first.cost) * interval;
        taken - (now.unix_nanos() - first.at.unix_nanos())
    });
    spans.max().unwrap_or(0).max(0)
}

fn sum<'a>(admissions: impl Iterator<Item = &'a Admission>) -> i64 {
    admissions.map(|one| i64::from(one.cost)).sum()
}

/// Every duration fits: it has less than 2⁹⁴ nanoseconds.
fn nanos(duration: Duration) -> i128 {
    i128::try_from(duration.as_nanos()).unwrap_or(i128::MAX)
}
