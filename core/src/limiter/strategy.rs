//! Strategies: what is counted, over which time, and what the limits are.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::time::Duration;

use super::key::{RateLimitKey, stored_identifier, stored_resource};
use super::token_bucket::TokenBucket;
use crate::duration::{write_duration, write_duration_short};
use crate::store::MAX_TRANSACT_WRITES;

/// How requests are counted. Closed on purpose: each strategy decides everything about its counters.
#[derive(Clone, Debug)]
pub enum Strategy {
    /// At most so many in each window that counts from 1970.
    Fixed(FixedWindow),
    /// At most so many in any span of time.
    Sliding(SlidingWindow),
    /// Several fixed windows at once.
    Multi(MultiWindow),
    /// A steady rate with bursts.
    TokenBucket(TokenBucket),
}

/// At most `limit` in each window.
///
/// Two limits' worth may pass around a boundary; [`SlidingWindow`] does not allow that. A request
/// counts in the window that its caller's clock shows, and each window admits at most its limit of
/// what is counted in it, whatever clocks show and however late a write lands. A clock that is wrong
/// makes requests count in a neighbouring window.
#[derive(Clone, Debug)]
pub struct FixedWindow {
    pub(super) window: Duration,
    pub(super) quotas: Overridable<Arc<[Quota]>>,
}

/// At most `limit` in any span of time as long as the window.
///
/// Requests are counted in sub-windows, and the sum over the last of them never exceeds the limit.
/// [`Coverage`] says over which, and so what is promised of real time:
///
/// | | in any span of `window` | in any span of `window − granularity` | counters read when cold |
/// |---|---|---|---|
/// | [`Coverage::Conservative`], the default | at most `limit` | at most `limit` | `window / granularity + 1` |
/// | [`Coverage::Aligned`] | at most twice `limit` | at most `limit` | `window / granularity` |
///
/// Both hold whatever the order in which callers act, however late writes land, and whatever is lost
/// or repeated on the way, as long as any two callers' clocks differ by at most the
/// [skew allowance](super::LimiterBuilder::skew_allowance) and none is set back. A decision whose
/// answer comes so late that its sub-window may have ended starts over, once; the second time it fails
/// with a time-out, as when the store gives no answer. The source of `limiter/plan/sliding.rs` has the
/// proof.
#[derive(Clone, Debug)]
pub struct SlidingWindow {
    pub(super) window: Duration,
    pub(super) granularity: Duration,
    pub(super) coverage: Coverage,
    pub(super) quotas: Overridable<Arc<[Quota]>>,
}

/// Which sub-windows a sliding window sums up.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Coverage {
    /// The current one, those before it that are `window` long together with it, and one older: no
    /// span of time as long as the window admits more than the limit. Room comes back up to one
    /// granularity later than the window says.
    #[default]
    Conservative,
    /// The current one and those before it, `window` long together. A span of time as long as the
    /// window can reach one granularity further back, and admit up to twice the limit. Choose it to
    /// count as other implementations do.
    Aligned,
}

/// Several fixed windows, of which every one must have room.
///
/// Each window admits at most its limit of what is counted in it, as a [`FixedWindow`] does: whatever
/// clocks show and however late a write lands. [`Layout::Packed`] needs clocks that agree.
#[derive(Clone, Debug)]
pub struct MultiWindow {
    pub(super) layout: Layout,
    pub(super) quotas: Overridable<Arc<[Quota]>>,
}

/// How the counters of several windows are stored.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Layout {
    /// One item per window, written in one transaction (two write units per window).
    #[default]
    PerWindow,
    /// All counters in one item of the longest window, written with one update (one write unit).
    /// Limits hold as long as any two callers' clocks differ by at most the
    /// [skew allowance](super::LimiterBuilder::skew_allowance): the item sheds counters of windows
    /// that have ended. A decision that is answered after the next window has ended fails with a
    /// time-out.
    Packed,
}

/// A limit over a window of time.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Quota {
    /// How much may be used in a window; zero or less admits nothing.
    pub limit: i64,
    /// The length of the window.
    pub window: Duration,
}

impl FixedWindow {
    /// At most `limit` in each `window`.
    ///
    /// # Errors
    ///
    /// [`StrategyError::Window`] unless the window is a whole number of seconds, at least one.
    pub fn new(window: Duration, limit: i64) -> Result<Self, StrategyError> {
        check_window(window)?;
        Ok(Self { window, quotas: Overridable::new(one(limit, window)) })
    }

    /// Another limit for one identifier. It wins over a resource's.
    #[must_use]
    pub fn with_identifier_limit(mut self, identifier: &str, limit: i64) -> Self {
        self.quotas.for_identifier(identifier, one(limit, self.window));
        self
    }

    /// Another limit for one resource.
    #[must_use]
    pub fn with_resource_limit(mut self, resource: &str, limit: i64) -> Self {
        self.quotas.for_resource(resource, one(limit, self.window));
        self
    }
}

impl SlidingWindow {
    /// At most `limit` in any span of `window`, counted in sub-windows of `granularity`.
    ///
    /// # Errors
    ///
    /// [`StrategyError`] unless both are whole seconds, the granularity divides the window, and
    /// there are at most [`MAX_SUB_WINDOWS`] sub-windows.
    pub fn new(window: Duration, granularity: Duration, limit: i64) -> Result<Self, StrategyError> {
        check_window(window)?;
        check_window(granularity)?;
        if !divides(granularity, window) {
            return Err(StrategyError::Granularity { granularity, window });
        }
        if granularity.as_secs().saturating_mul(MAX_SUB_WINDOWS) < window.as_secs() {
            return Err(StrategyError::SubWindows { granularity, window });
        }
        let quotas = Overridable::new(one(limit, window));
        Ok(Self { window, granularity, coverage: Coverage::default(), quotas })
    }

    /// The same with another coverage.
    #[must_use]
    pub fn with_coverage(self, coverage: Coverage) -> Self {
        Self { coverage, ..self }
    }

    /// Another limit for one identifier. It wins over a resource's.
    #[must_use]
    pub fn with_identifier_limit(mut self, identifier: &str, limit: i64) -> Self {
        self.quotas.for_identifier(identifier, one(limit, self.window));
        self
    }

    /// Another limit for one resource.
    #[must_use]
    pub fn with_resource_limit(mut self, resource: &str, limit: i64) -> Self {
        self.quotas.for_resource(resource, one(limit, self.window));
        self
    }
}

impl MultiWindow {
    /// Limits that hold together. The first one is reported with an allowed request.
    ///
    /// # Errors
    ///
    /// [`StrategyError`] unless there is at least one, every window is a whole number of seconds,
    /// and no two windows are equally long.
    pub fn new(quotas: impl IntoIterator<Item = Quota>) -> Result<Self, StrategyError> {
        let quotas = checked_list(quotas)?;
        Ok(Self { layout: Layout::PerWindow, quotas: Overridable::new(quotas) })
    }

    /// Other limits for one identifier: windows and all. They win over a resource's.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new).
    pub fn with_identifier_limits(
        mut self,
        identifier: &str,
        quotas: impl IntoIterator<Item = Quota>,
    ) -> Result<Self, StrategyError> {
        self.quotas.for_identifier(identifier, checked_list(quotas)?);
        self.checked_layout()
    }

    /// Other limits for one resource: windows and all.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new).
    pub fn with_resource_limits(
        mut self,
        resource: &str,
        quotas: impl IntoIterator<Item = Quota>,
    ) -> Result<Self, StrategyError> {
        self.quotas.for_resource(resource, checked_list(quotas)?);
        self.checked_layout()
    }

    /// The same with another storage layout.
    ///
    /// # Errors
    ///
    /// [`StrategyError::Packing`] when [`Layout::Packed`] is asked for a list in which a window does
    /// not divide the longest, or is shorter than a sixtieth of it.
    pub fn with_layout(self, layout: Layout) -> Result<Self, StrategyError> {
        Self { layout, ..self }.checked_layout()
    }

    fn checked_layout(self) -> Result<Self, StrategyError> {
        if self.layout == Layout::Packed {
            self.quotas.lists().try_for_each(|quotas| check_packing(quotas))?;
        }
        Ok(self)
    }
}

impl Strategy {
    /// The shortest span that callers' clocks have to agree about for the limit to hold.
    pub(super) fn shortest_relied_on(&self) -> Option<Duration> {
        match self {
            Self::Sliding(sliding) => Some(sliding.granularity),
            Self::Multi(multi) if multi.layout == Layout::Packed => {
                let quotas = multi.quotas.lists().flat_map(|quotas| quotas.iter());
                quotas.map(|quota| quota.window).min()
            }
            Self::Multi(_) | Self::Fixed(_) | Self::TokenBucket(_) => None,
        }
    }
}

/// In words: `a fixed window of 15 per 15m`, `a token bucket of 60 per 1m with bursts of 5`. What holds
/// for single identifiers or resources is left out.
impl fmt::Display for Strategy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (kind, quotas) = match self {
            Self::Fixed(fixed) => ("a fixed window of", fixed.quotas.default()),
            Self::Sliding(sliding) => ("a sliding window of", sliding.quotas.default()),
            Self::Multi(multi) => ("windows of", multi.quotas.default()),
            Self::TokenBucket(bucket) => return bucket.rates.default().fmt(f),
        };
        f.write_str(kind)?;
        for (at, Quota { limit, window }) in quotas.iter().enumerate() {
            let and = if at == 0 { "" } else { " and" };
            write!(f, "{and} {limit} per {}", write_duration_short(*window))?;
        }
        Ok(())
    }
}

impl From<FixedWindow> for Strategy {
    fn from(strategy: FixedWindow) -> Self {
        Self::Fixed(strategy)
    }
}

impl From<SlidingWindow> for Strategy {
    fn from(strategy: SlidingWindow) -> Self {
        Self::Sliding(strategy)
    }
}

impl From<MultiWindow> for Strategy {
    fn from(strategy: MultiWindow) -> Self {
        Self::Multi(strategy)
    }
}

impl From<TokenBucket> for Strategy {
    fn from(strategy: TokenBucket) -> Self {
        Self::TokenBucket(strategy)
    }
}

/// A setting with exceptions, by identifier and by resource.
#[derive(Clone, Debug)]
pub(super) struct Overridable<T> {
    default: T,
    identifiers: BTreeMap<String, T>,
    resources: BTreeMap<String, T>,
}

impl<T> Overridable<T> {
    pub(super) fn new(default: T) -> Self {
        Self { default, identifiers: BTreeMap::new(), resources: BTreeMap::new() }
    }

    pub(super) fn for_identifier(&mut self, identifier: &str, value: T) {
        self.identifiers.insert(stored_identifier(identifier), value);
    }

    pub(super) fn for_resource(&mut self, resource: &str, value: T) {
        self.resources.insert(stored_resource(resource), value);
    }

    /// What holds for a key: its identifier's setting, else its resource's, else the default.
    pub(super) fn of(&self, key: &RateLimitKey) -> &T {
        self.identifiers
            .get(key.identifier())
            .or_else(|| self.resources.get(key.resource()))
            .unwrap_or(&self.default)
    }

    pub(super) const fn default(&self) -> &T {
        &self.default
    }

    fn lists(&self) -> impl Iterator<Item = &T> {
        core::iter::once(&self.default)
            .chain(self.identifiers.values())
            .chain(self.resources.values())
    }
}

/// Why a strategy cannot be built. Nothing at request time can cause it: fix the configuration.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum StrategyError {
    /// A window is not a whole number of seconds, or shorter than one: stored keys name the second.
    #[error("a window is a whole number of seconds, at least 1s, not {}", write_duration(*.0))]
    Window(Duration),
    /// The granularity does not divide the window: choose one that does, such as a sixtieth.
    #[error(
        "the granularity {} does not divide the window {}",
        write_duration(*.granularity),
        write_duration(*.window)
    )]
    Granularity {
        /// The granularity.
        granularity: Duration,
        /// The window.
        window: Duration,
    },
    /// The window has too many sub-windows: choose a coarser granularity.
    #[error(
        "the window {} has more than {MAX_SUB_WINDOWS} sub-windows of {}",
        write_duration(*.window),
        write_duration(*.granularity)
    )]
    SubWindows {
        /// The granularity.
        granularity: Duration,
        /// The window.
        window: Duration,
    },
    /// A list of windows is empty.
    #[error("at least one window is required")]
    NoWindows,
    /// A list has more windows than one transaction can write.
    #[error("at most {MAX_TRANSACT_WRITES} windows, not {0}")]
    TooManyWindows(usize),
    /// Two windows of a list are equally long: keep the stricter one.
    #[error("two windows are {} long", write_duration(*.0))]
    DuplicateWindow(Duration),
    /// A window cannot be packed with the longest: use [`Layout::PerWindow`], or a window that
    /// divides the longest and is at least a sixtieth of it.
    #[error(
        "the window {} does not pack into {}",
        write_duration(*.window),
        write_duration(*.longest)
    )]
    Packing {
        /// The window.
        window: Duration,
        /// The longest of its list.
        longest: Duration,
    },
    /// Clocks may differ by as much as what they have to tell apart: keep clocks closer, or choose a
    /// coarser granularity or longer packed windows.
    #[error(
        "the skew allowance {} is not shorter than {}",
        write_duration(*.skew),
        write_duration(*.shortest)
    )]
    SkewAllowance {
        /// By how much clocks may differ.
        skew: Duration,
        /// The granularity, or the shortest packed window.
        shortest: Duration,
    },
    /// A token bucket holds less than one token.
    #[error("a burst of at least 1 is required")]
    NoBurst,
    /// A token bucket refills more than one token per nanosecond: lower the limit.
    #[error(
        "{limit} per {} is more than one per nanosecond: lower the limit",
        write_duration(*.period)
    )]
    Rate {
        /// The limit.
        limit: i64,
        /// The period.
        period: Duration,
    },
    /// A token bucket takes longer to fill than there is time from the year 1 to the year 9999, which
    /// is what instants can say: lower the burst, or raise the limit.
    #[error(
        "a bucket of {burst} that regains {limit} per {} takes more than 9,998 years to fill",
        write_duration(*.period)
    )]
    Fill {
        /// The limit.
        limit: i64,
        /// The period.
        period: Duration,
        /// The burst.
        burst: u32,
    },
}

/// A window is a whole number of seconds, at least one.
pub(super) fn check_window(window: Duration) -> Result<(), StrategyError> {
    if window.as_secs() == 0 || window.subsec_nanos() != 0 {
        return Err(StrategyError::Window(window));
    }
    Ok(())
}

fn one(limit: i64, window: Duration) -> Arc<[Quota]> {
    Arc::from([Quota { limit, window }])
}

fn checked_list(quotas: impl IntoIterator<Item = Quota>) -> Result<Arc<[Quota]>, StrategyError> {
    let quotas: Vec<Quota> = quotas.into_iter().collect();
    if quotas.is_empty() {
        return Err(StrategyError::NoWindows);
    }
    if quotas.len() > MAX_TRANSACT_WRITES {
        return Err(StrategyError::TooManyWindows(quotas.len()));
    }
    let mut seen = Vec::with_capacity(quotas.len());
    for quota in &quotas {
        check_window(quota.window)?;
        if seen.contains(&quota.window) {
            return Err(StrategyError::DuplicateWindow(quota.window));
        }
        seen.push(quota.window);
    }
    Ok(Arc::from(quotas))
}

fn check_packing(quotas: &[Quota]) -> Result<(), StrategyError> {
    let longest = quotas.iter().map(|quota| quota.window).max().unwrap_or_default();
    for Quota { window, .. } in quotas.iter().copied() {
        let at_most_sixty = window.saturating_mul(MAX_PACKED_RATIO) >= longest;
        if !divides(window, longest) || !at_most_sixty {
            return Err(StrategyError::Packing { window, longest });
        }
    }
    Ok(())
}

fn divides(part: Duration, whole: Duration) -> bool {
    whole.as_secs().checked_rem(part.as_secs()) == Some(0)
}

/// The most sub-windows of a sliding window: cold, each is read, 100 in a call.
pub const MAX_SUB_WINDOWS: u64 = 1_000;

/// How many times longer than the shortest the longest packed window may be, which bounds the
/// counters that one item can gather.
const MAX_PACKED_RATIO: u32 = 60;
