//! The time limits of an invocation.
//!
//! This module decides when work is stopped, so that there is time left to send a response, and how
//! long sending may take. Drivers race the work against these instants on their own clock.
//!
//! ```
//! use core::time::Duration;
//! use apptheory_core::invocation_time::InvocationTime;
//! use apptheory_core::time::Timestamp;
//!
//! let now = Timestamp::from_unix_seconds(1_767_225_600);
//! let deadline = now.saturating_add(Duration::from_secs(3));
//! let time = InvocationTime::new(now, Some(deadline), None);
//! assert_eq!(now.until(time.stops_at().unwrap()), Duration::from_millis(2_700));
//! assert_eq!(InvocationTime::default().stops_at(), None);
//! ```

use core::time::Duration;

use crate::time::Timestamp;

/// The longest reserve: the time before the deadline at which work is stopped, unless an
/// application sets its own. 500 ms is enough to send a response and to record it.
pub const MAX_RESERVE: Duration = Duration::from_millis(500);

/// How long before the deadline a stream of server-sent events ends by itself: 1 s.
pub const EVENTS_RESERVE: Duration = Duration::from_secs(1);

/// The time limits of an invocation: when its work is stopped and when it ends. The default has no
/// deadline, and so no limits.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct InvocationTime(Option<Limits>);

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Limits {
    stops_at: Timestamp,
    ends_at: Timestamp,
}

impl InvocationTime {
    /// Returns the limits of an invocation that arrived at `now` and ends at `deadline`.
    ///
    /// Work is stopped `reserve` before the deadline. Without a reserve, it is stopped
    /// [`MAX_RESERVE`] or a tenth of the given time before the deadline, whichever is shorter. A
    /// reserve longer than the given time leaves no time to work.
    #[must_use]
    pub fn new(now: Timestamp, deadline: Option<Timestamp>, reserve: Option<Duration>) -> Self {
        Self(deadline.map(|ends_at| {
            let tenth = now.until(ends_at).checked_div(10).unwrap_or_default();
            let reserve = reserve.unwrap_or_else(|| MAX_RESERVE.min(tenth));
            Limits { stops_at: ends_at.saturating_sub(reserve), ends_at }
        }))
    }

    /// Returns when work is stopped: handlers are dropped, streams end, and batches start no more
    /// records. `None` without a deadline.
    #[must_use]
    pub fn stops_at(self) -> Option<Timestamp> {
        self.0.map(|limits| limits.stops_at)
    }

    /// Returns when a stream of server-sent events ends by itself: [`EVENTS_RESERVE`] before the
    /// deadline, or 500 ms before work is stopped, whichever is earlier. A stream that ends by
    /// itself looks complete, and its reader reconnects; one that is cut off looks like an error.
    /// `None` without a deadline.
    #[must_use]
    pub fn events_end_at(self) -> Option<Timestamp> {
        const MARGIN: Duration = Duration::from_millis(500);
        let Limits { stops_at, ends_at } = self.0?;
        let early = ends_at.saturating_sub(EVENTS_RESERVE);
        Some(early.min(stops_at.saturating_sub(MARGIN)))
    }

    /// Returns when the invocation ends. `None` without a deadline.
    #[must_use]
    pub fn ends_at(self) -> Option<Timestamp> {
        self.0.map(|limits| limits.ends_at)
    }

    /// Returns until when a response that is sent from `now` on may take: until the deadline. After
    /// the deadline (a handler blocked its thread) it may take [`MAX_RESERVE`]. `None` without a
    /// deadline.
    #[must_use]
    pub fn answers_by(self, now: Timestamp) -> Option<Timestamp> {
        let ends_at = self.ends_at()?;
        Some(if now < ends_at { ends_at } else { now.saturating_add(MAX_RESERVE) })
    }

    /// Returns until when work from `now` on may take that must finish before the response is sent:
    /// half of the time left, so that the response has the other half. `None` without a deadline.
    #[must_use]
    pub fn flushes_by(self, now: Timestamp) -> Option<Timestamp> {
        let half = now.until(self.ends_at()?).checked_div(2).unwrap_or_default();
        Some(now.saturating_add(half))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> Timestamp {
        Timestamp::UNIX_EPOCH.saturating_add(Duration::from_millis(ms))
    }

    fn stops_at(deadline_ms: u64, reserve_ms: Option<u64>) -> Option<Timestamp> {
        let reserve = reserve_ms.map(Duration::from_millis);
        InvocationTime::new(at(1_000), Some(at(deadline_ms)), reserve).stops_at()
    }

    #[test]
    fn a_tenth_is_kept_back_but_never_more_than_half_a_second() {
        for (deadline_ms, stopped_ms) in [
            (901_000, 900_500),
            (6_000, 5_500),
            (5_999, 5_499),
            (4_000, 3_700),
            (1_010, 1_009),
            (1_000, 1_000),
            // The deadline has passed.
            (500, 500),
        ] {
            let stopped = stops_at(deadline_ms, None).map(|at| at.unix_nanos() / 1_000_000);
            // A tenth of 4,999 ms is 499.9 ms.
            assert_eq!(stopped, Some(stopped_ms), "{deadline_ms}");
        }
    }

    #[test]
    fn a_chosen_reserve_is_kept_whatever_the_time_given() {
        assert_eq!(stops_at(2_000, Some(0)), Some(at(2_000)));
        assert_eq!(stops_at(2_000, Some(800)), Some(at(1_200)));
        assert_eq!(stops_at(2_000, Some(1_500)), Some(at(500)));
    }

    #[test]
    fn an_answer_ends_at_the_deadline_and_a_late_one_soon_after() {
        let time = InvocationTime::new(at(0), Some(at(3_000)), None);
        assert_eq!(time.answers_by(at(10)), Some(at(3_000)));
        assert_eq!(time.answers_by(at(2_999)), Some(at(3_000)));
        assert_eq!(time.answers_by(at(3_000)), Some(at(3_500)));
        assert_eq!(time.answers_by(at(60_000)), Some(at(60_500)));
    }

    #[test]
    fn an_answer_keeps_half_of_the_time_from_what_is_done_before_it_is_handed_over() {
        let time = InvocationTime::new(at(0), Some(at(3_000)), None);
        for (now, by) in [(0, 1_500), (2_700, 2_850), (3_000, 3_000), (4_000, 4_000)] {
            assert_eq!(time.flushes_by(at(now)), Some(at(by)));
        }
        assert_eq!(InvocationTime::default().flushes_by(at(0)), None);
    }

    #[test]
    fn streams_of_events_end_before_they_are_cut_off() {
        for (reserve_ms, expected_ms) in [(0, 9_000), (300, 9_000), (500, 9_000), (800, 8_700)] {
            let reserve = Some(Duration::from_millis(reserve_ms));
            let time = InvocationTime::new(at(0), Some(at(10_000)), reserve);
            assert_eq!(time.events_end_at(), Some(at(expected_ms)), "{reserve_ms}");
        }
        assert_eq!(InvocationTime::default().events_end_at(), None);
    }

    #[test]
    fn without_a_deadline_there_is_no_end() {
        let time = InvocationTime::new(at(0), None, Some(Duration::from_secs(1)));
        assert_eq!(time, InvocationTime::default());
        assert_eq!((time.stops_at(), time.ends_at(), time.answers_by(at(9))), (None, None, None));
    }
}
