//! The configuration of a fixed window.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::sync::Arc;
use core::time::Duration;

use serde::Deserialize;

use super::exceptions::Exceptions;
use super::{Quota, check_window, one};
use crate::duration;
use crate::limiter::error::Error;
use crate::limiter::window::{HOUR, MINUTE, SECOND};

/// Admits at most `limit` requests in each window.
///
/// Up to twice the limit may pass around the boundary between two windows; use
/// [`SlidingWindow`](super::SlidingWindow) to prevent that. A request counts in the window of its
/// caller's clock. Each window admits at most its limit of the requests counted in it, even if
/// clocks are wrong or a write arrives late. With a wrong clock, requests count in a neighboring
/// window.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "Settings")]
pub struct FixedWindow {
    pub(in crate::limiter) window: Duration,
    pub(in crate::limiter) quotas: Exceptions<Arc<[Quota]>>,
}

impl FixedWindow {
    /// Admits at most `limit` requests in each `window`.
    ///
    /// # Errors
    ///
    /// [`Error`] unless the window is a whole number of seconds, at least one.
    pub fn new(window: Duration, limit: i64) -> Result<Self, Error> {
        check_window(window)?;
        Ok(Self::of(window, limit))
    }

    /// Admits at most `limit` requests in each second.
    #[must_use]
    pub fn per_second(limit: i64) -> Self {
        Self::of(SECOND, limit)
    }

    /// Admits at most `limit` requests in each minute.
    #[must_use]
    pub fn per_minute(limit: i64) -> Self {
        Self::of(MINUTE, limit)
    }

    /// Admits at most `limit` requests in each hour.
    #[must_use]
    pub fn per_hour(limit: i64) -> Self {
        Self::of(HOUR, limit)
    }

    fn of(window: Duration, limit: i64) -> Self {
        Self { window, quotas: Exceptions::new(one(limit, window)) }
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

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    #[serde(deserialize_with = "duration::deserialize")]
    window: Duration,
    limit: i64,
    #[serde(default)]
    identifier_limits: BTreeMap<String, i64>,
    #[serde(default)]
    resource_limits: BTreeMap<String, i64>,
}

impl TryFrom<Settings> for FixedWindow {
    type Error = Error;

    fn try_from(settings: Settings) -> Result<Self, Error> {
        let mut fixed = Self::new(settings.window, settings.limit)?;
        for (identifier, limit) in &settings.identifier_limits {
            fixed = fixed.with_identifier_limit(identifier, *limit);
        }
        for (resource, limit) in &settings.resource_limits {
            fixed = fixed.with_resource_limit(resource, *limit);
        }
        Ok(fixed)
    }
}
