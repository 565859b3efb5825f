//! The configuration of several windows.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use serde::Deserialize;

use super::exceptions::Exceptions;
use super::{Quota, check_window, divides};
use crate::limiter::error::Error;
use crate::limiter::setting::Setting;
use crate::store::MAX_TRANSACT_WRITES;

/// Several fixed windows; a request is admitted only if every window admits it.
///
/// Each window admits at most its limit of the requests counted in it, as a
/// [`FixedWindow`](super::FixedWindow) does, even if clocks are wrong or a write arrives late.
/// [`Layout::Packed`] needs synchronized clocks.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "Settings")]
pub struct MultiWindow {
    pub(in crate::limiter) layout: Layout,
    pub(in crate::limiter) quotas: Exceptions<Arc<[Quota]>>,
}

/// How the counters of several windows are stored.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "snake_case")]
pub enum Layout {
    /// One item per window, written in one transaction (two write units per window).
    #[default]
    PerWindow,
    /// All counters in one item of the longest window, written with one update (one write unit).
    /// Limits hold as long as any two callers' clocks differ by at most the [skew
    /// allowance](crate::limiter::LimiterBuilder::skew_allowance), because the item drops counters
    /// of ended windows. A decision that is answered after the next window has ended fails with a
    /// timeout.
    Packed,
}

impl MultiWindow {
    /// Creates limits that all have to hold. The first one is reported with an allowed request.
    ///
    /// # Errors
    ///
    /// [`Error`] unless there are 1 to 25 windows, all different, each a whole number of seconds.
    pub fn new(quotas: impl IntoIterator<Item = Quota>) -> Result<Self, Error> {
        let quotas = checked_list(quotas)?;
        Ok(Self { layout: Layout::PerWindow, quotas: Exceptions::new(quotas) })
    }

    /// Sets other windows and limits for one identifier. They take precedence over a resource's.
    ///
    /// # Errors
    ///
    /// The same as for [`new`](Self::new).
    pub fn with_identifier_limits(
        mut self,
        identifier: &str,
        quotas: impl IntoIterator<Item = Quota>,
    ) -> Result<Self, Error> {
        self.quotas.for_identifier(identifier, checked_list(quotas)?);
        self.checked_layout()
    }

    /// Sets other windows and limits for one resource.
    ///
    /// # Errors
    ///
    /// The same as for [`new`](Self::new).
    pub fn with_resource_limits(
        mut self,
        resource: &str,
        quotas: impl IntoIterator<Item = Quota>,
    ) -> Result<Self, Error> {
        self.quotas.for_resource(resource, checked_list(quotas)?);
        self.checked_layout()
    }

    /// Sets how the counters are stored.
    ///
    /// # Errors
    ///
    /// [`Error`] for [`Layout::Packed`] if a window does not divide the longest window, or is
    /// shorter than a sixtieth of it.
    pub fn with_layout(self, layout: Layout) -> Result<Self, Error> {
        Self { layout, ..self }.checked_layout()
    }

    fn checked_layout(self) -> Result<Self, Error> {
        if self.layout == Layout::Packed {
            self.quotas.lists().try_for_each(|quotas| check_packing(quotas))?;
        }
        Ok(self)
    }
}

fn checked_list(quotas: impl IntoIterator<Item = Quota>) -> Result<Arc<[Quota]>, Error> {
    let quotas: Vec<Quota> = quotas.into_iter().collect();
    if quotas.is_empty() {
        return Err(Setting::NoWindows.into());
    }
    if quotas.len() > MAX_TRANSACT_WRITES {
        return Err(Setting::TooManyWindows(quotas.len()).into());
    }
    // Two windows of the same length would count in one item, and DynamoDB refuses two writes to
    // one item in a transaction.
    let mut seen = Vec::with_capacity(quotas.len());
    for quota in &quotas {
        check_window(quota.window)?;
        if seen.contains(&quota.window) {
            return Err(Setting::DuplicateWindow(quota.window).into());
        }
        seen.push(quota.window);
    }
    Ok(Arc::from(quotas))
}

fn check_packing(quotas: &[Quota]) -> Result<(), Error> {
    // A window that does not divide the longest would span two items, and one write changes one
    // item.
    let longest = quotas.iter().map(|quota| quota.window).max().unwrap_or_default();
    for Quota { window, .. } in quotas.iter().copied() {
        let at_most_sixty = window.saturating_mul(MAX_PACKED_RATIO) >= longest;
        if !divides(window, longest) || !at_most_sixty {
            return Err(Setting::Packing { window, longest }.into());
        }
    }
    Ok(())
}

/// The largest ratio of the longest packed window to the shortest. It bounds the number of counters
/// in an item.
const MAX_PACKED_RATIO: u32 = 60;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    windows: Vec<Quota>,
    #[serde(default)]
    layout: Layout,
    #[serde(default)]
    identifier_limits: BTreeMap<String, Vec<Quota>>,
    #[serde(default)]
    resource_limits: BTreeMap<String, Vec<Quota>>,
}

impl TryFrom<Settings> for MultiWindow {
    type Error = Error;

    fn try_from(settings: Settings) -> Result<Self, Error> {
        let mut multi = Self::new(settings.windows)?.with_layout(settings.layout)?;
        for (identifier, windows) in settings.identifier_limits {
            multi = multi.with_identifier_limits(&identifier, windows)?;
        }
        for (resource, windows) in settings.resource_limits {
            multi = multi.with_resource_limits(&resource, windows)?;
        }
        Ok(multi)
    }
}
