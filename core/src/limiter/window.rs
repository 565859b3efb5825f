//! Windows of time.

use alloc::format;
use alloc::string::String;
use core::time::Duration;

use crate::duration::write_duration;
use crate::time::Timestamp;

/// A window of time in which requests are counted, from its start (inclusive) to its end
/// (exclusive).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct TimeWindow {
    /// When the window starts.
    pub start: Timestamp,
    /// How long the window is.
    pub length: Duration,
    pub(super) naming: Naming,
}

/// How a window's key text is formed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Naming {
    /// The start.
    Start,
    /// The start and the length, because windows of different lengths may start together.
    StartAndLength,
}

impl TimeWindow {
    /// Returns the window of a `length`, counted from 1970, that contains `now`.
    pub(super) fn fixed(now: Timestamp, length: Duration, naming: Naming) -> Self {
        Self { start: now.floor_from_1970(length), length, naming }
    }

    /// Returns when the window ends.
    #[must_use]
    pub fn end(&self) -> Timestamp {
        self.start.saturating_add(self.length)
    }

    /// Returns the window's key text: `2026-01-01T00:00:00Z`, or in multi-window limits
    /// `2026-01-01T00:00:00Z_1m0s`.
    #[must_use]
    pub fn key(&self) -> String {
        self.key_after(self.start.to_rfc3339_seconds())
    }

    /// Returns the window's key text, given the text of its start.
    pub(super) fn key_after(&self, start: String) -> String {
        match self.naming {
            Naming::Start => start,
            Naming::StartAndLength => format!("{start}_{}", write_duration(self.length)),
        }
    }
}

/// A window with the name of its kind, for reports.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct NamedWindow {
    /// `MINUTE`, `HOUR`, `DAY` or `CUSTOM_{length}`.
    pub window_type: String,
    /// When the window starts.
    pub start: Timestamp,
    /// When the window ends.
    pub end: Timestamp,
}

/// Returns the minute that contains `now`.
#[must_use]
pub fn minute_window(now: Timestamp) -> NamedWindow {
    named("MINUTE", now.floor_from_year_one(MINUTE), MINUTE)
}

/// Returns the hour that contains `now`.
#[must_use]
pub fn hour_window(now: Timestamp) -> NamedWindow {
    named("HOUR", now.floor_from_year_one(HOUR), HOUR)
}

/// Returns the UTC day that contains `now`.
#[must_use]
pub fn day_window(now: Timestamp) -> NamedWindow {
    named("DAY", now.floor_from_year_one(DAY), DAY)
}

/// Returns the window of a `length`, counted from 1970, that contains `now`. A zero length gives an
/// empty window.
#[must_use]
pub fn fixed_window(now: Timestamp, length: Duration) -> NamedWindow {
    let window_type = format!("CUSTOM_{}", write_duration(length));
    named(&window_type, now.floor_from_1970(length), length)
}

fn named(window_type: &str, start: Timestamp, length: Duration) -> NamedWindow {
    NamedWindow { window_type: window_type.into(), start, end: start.saturating_add(length) }
}

pub(super) const SECOND: Duration = Duration::from_secs(1);
pub(super) const MINUTE: Duration = Duration::from_secs(60);
pub(super) const HOUR: Duration = Duration::from_secs(3_600);
pub(super) const DAY: Duration = Duration::from_secs(86_400);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn named_windows_hold_their_instant() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let now = at("2026-01-01T10:07:30Z");
        for (window, window_type, start, end) in [
            (minute_window(now), "MINUTE", "2026-01-01T10:07:00Z", "2026-01-01T10:08:00Z"),
            (hour_window(now), "HOUR", "2026-01-01T10:00:00Z", "2026-01-01T11:00:00Z"),
            (day_window(now), "DAY", "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"),
            (
                fixed_window(now, Duration::from_secs(900)),
                "CUSTOM_15m0s",
                "2026-01-01T10:00:00Z",
                "2026-01-01T10:15:00Z",
            ),
        ] {
            let window_type = window_type.into();
            assert_eq!(window, NamedWindow { window_type, start: at(start), end: at(end) });
        }
        let empty = fixed_window(now, Duration::ZERO);
        assert_eq!((&*empty.window_type, empty.start, empty.end), ("CUSTOM_0s", now, now));
    }
}
