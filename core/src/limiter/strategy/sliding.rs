//! The configuration of a sliding window.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::sync::Arc;
use core::time::Duration;

use serde::Deserialize;

use super::exceptions::Exceptions;
use super::{Quota, check_window, divides, one};
use crate::duration;
use crate::limiter::error::Error;
use crate::limiter::setting::Setting;

/// Admits at most `limit` requests in any span of time as long as the window.
///
/// Requests are counted in sub-windows, and the sum over the last of them never exceeds the limit.
/// [`Coverage`] selects these sub-windows, and so the guarantee in real time:
///
/// | | in any `window` | in any `window − granularity` | counters read when cold |
/// |---|---|---|---|
/// | [`Coverage::Conservative`] (default) | `limit` | `limit` | `window / granularity + 1` |
/// | [`Coverage::Aligned`] | twice `limit` | `limit` | `window / granularity` |
///
/// Both guarantees hold for any order of callers, late writes, and lost or repeated messages, as
/// long as any two callers' clocks differ by at most the [skew
/// allowance](crate::limiter::LimiterBuilder::skew_allowance) and no clock is set back. If a reply
/// arrives so late that its sub-window may have ended, the decision starts over, once; after a
/// second late reply it fails with a timeout, as if the store did not answer. The source of
/// `limiter/plan/sliding.rs` contains the proof.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "Settings")]
pub struct SlidingWindow {
    pub(in crate::limiter) window: Duration,
    pub(in crate::limiter) granularity: Duration,
    pub(in crate::limiter) coverage: Coverage,
    pub(in crate::limiter) quotas: Exceptions<Arc<[Quota]>>,
}

/// Selects the sub-windows that a sliding window sums up.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "snake_case")]
pub enum Coverage {
    /// The current sub-window, the earlier ones that make up `window` together with it, and one
    /// more. No span of time as long as the window admits more than the limit. Units become
    /// available up to one granularity later than with exact timestamps.
    #[default]
    Conservative,
    /// The current sub-window and the earlier ones that make up `window` together with it. A span
    /// of time as long as the window can reach one granularity further back, and admit up to twice
    /// the limit. Use it to count as other implementations do.
    Aligned,
}

impl SlidingWindow {
    /// Admits at most `limit` requests in any span of `window`, counted in sub-windows of
    /// `granularity`.
    ///
    /// # Errors
    ///
    /// [`Error`] unless both are whole seconds, the granularity divides the window, and there are
    /// at most [`MAX_SUB_WINDOWS`] sub-windows.
    pub fn new(window: Duration, granularity: Duration, limit: i64) -> Result<Self, Error> {
        check_window(window)?;
        check_window(granularity)?;
        // Otherwise the sub-windows in the sum would be longer or shorter than the window.
        if !divides(granularity, window) {
            return Err(Setting::Granularity { granularity, window }.into());
        }
        if granularity.as_secs().saturating_mul(MAX_SUB_WINDOWS) < window.as_secs() {
            return Err(Setting::SubWindows { granularity, window }.into());
        }
        let quotas = Exceptions::new(one(limit, window));
        Ok(Self { window, granularity, coverage: Coverage::default(), quotas })
    }

    /// Sets which sub-windows are summed up.
    #[must_use]
    pub fn with_coverage(self, coverage: Coverage) -> Self {
        Self { coverage, ..self }
    }

    /// Sets another limit for one identifier. It takes precedence over a resource's limit.
    #[must_use]
    pub fn with_identifier_limit(mut self, identifier: &str, limit: i64) -> Self {
        self.quotas.for_identifier(identifier, one(limit, self.window));
        self
    }

    /// Sets another limit for one resource.
    #[must_use]
    pub fn with_resource_limit(mut self, resource: &str, limit: i64) -> Self {
        self.quotas.for_resource(resource, one(limit, self.window));
        self
    }
}

/// The most sub-windows of a sliding window. A cold decision reads every one, 100 per call.
pub const MAX_SUB_WINDOWS: u64 = 1_000;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    #[serde(deserialize_with = "duration::deserialize")]
    window: Duration,
    #[serde(deserialize_with = "duration::deserialize")]
    granularity: Duration,
    limit: i64,
    #[serde(default)]
    coverage: Coverage,
    #[serde(default)]
    identifier_limits: BTreeMap<String, i64>,
    #[serde(default)]
    resource_limits: BTreeMap<String, i64>,
}

impl TryFrom<Settings> for SlidingWindow {
    type Error = Error;

    fn try_from(settings: Settings) -> Result<Self, Error> {
        let sliding = Self::new(settings.window, settings.granularity, settings.limit)?;
        let mut sliding = sliding.with_coverage(settings.coverage);
        for (identifier, limit) in &settings.identifier_limits {
            sliding = sliding.with_identifier_limit(identifier, *limit);
        }
        for (resource, limit) in &settings.resource_limits {
            sliding = sliding.with_resource_limit(resource, *limit);
        }
        Ok(sliding)
    }
}
