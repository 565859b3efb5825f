//! A stream of events that never falls silent.

use alloc::vec::Vec;
use core::time::Duration;

use super::event::{SseEvent, write_comment};
use crate::time::Timestamp;

/// Writes events, and a comment whenever nothing was written for too long, so that neither proxies
/// nor API Gateway's idle timeout take the connection for dead.
///
/// Call [`handle_event`](Self::handle_event) for what happens,
/// [`handle_timeout`](Self::handle_timeout) when the time of [`poll_timeout`](Self::poll_timeout)
/// has come, and send what was appended. Every call appends whole events and comments, so a comment
/// is never inside an event.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SseFramer {
    keep_alive: Duration,
    last_output: Timestamp,
    ends_at: Option<Timestamp>,
    is_open: bool,
}

impl SseFramer {
    /// A keep-alive for everybody: the 15 seconds that the HTML standard advises against proxies
    /// (§9.2.7), half of the shortest idle timeout of
    /// [`StreamLimits`](crate::stream::StreamLimits).
    pub const KEEP_ALIVE: Duration = Duration::from_secs(15);

    /// A stream that was opened at `now`, and writes a comment after every `keep_alive` without
    /// output. Zero turns the comments off.
    #[must_use]
    pub const fn new(keep_alive: Duration, now: Timestamp) -> Self {
        Self { keep_alive, last_output: now, ends_at: None, is_open: true }
    }

    /// Returns the stream that ends at an instant, be there more events or not: see
    /// [`InvocationTime::events_end_at`](crate::invocation_time::InvocationTime::events_end_at).
    #[must_use]
    pub fn ending_at(self, ends_at: Option<Timestamp>) -> Self {
        Self { ends_at, ..self }
    }

    /// Returns whether the stream is over by `now`.
    #[must_use]
    pub fn is_over(&self, now: Timestamp) -> bool {
        !self.is_open || self.ends_at.is_some_and(|ends_at| ends_at <= now)
    }

    /// Appends an event to `out`.
    ///
    /// # Errors
    ///
    /// [`SseClosed`] after [`handle_close`](Self::handle_close); nothing is appended.
    pub fn handle_event(
        &mut self,
        event: &SseEvent,
        now: Timestamp,
        out: &mut Vec<u8>,
    ) -> Result<(), SseClosed> {
        if !self.is_open {
            return Err(SseClosed);
        }
        event.encode(out);
        self.last_output = now;
        Ok(())
    }

    /// Appends a comment to `out` if one is due by `now`; otherwise, and after the end, nothing. A
    /// timer that fires early or late does no harm.
    pub fn handle_timeout(&mut self, now: Timestamp, out: &mut Vec<u8>) {
        if self.comment_due().is_some_and(|due| due <= now) {
            write_comment("keep-alive", out);
            self.last_output = now;
        }
    }

    /// Ends the stream, which has no bytes of its own to say so. Nothing is due any more.
    pub const fn handle_close(&mut self) {
        self.is_open = false;
    }

    /// When to call [`handle_timeout`](Self::handle_timeout), if nothing is written before, or to see
    /// whether the stream [is over](Self::is_over); `None` without a keep-alive or an end, and after
    /// it.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Timestamp> {
        [self.comment_due(), self.ends_at.filter(|_| self.is_open)].into_iter().flatten().min()
    }

    fn comment_due(&self) -> Option<Timestamp> {
        let is_kept_alive = self.is_open && !self.keep_alive.is_zero();
        is_kept_alive.then(|| self.last_output.saturating_add(self.keep_alive))
    }
}

/// An event came after the end of its stream: a mistake of the driver. The event is not written;
/// keep it for the reader's next connection, or drop it.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the stream of events is closed")]
pub struct SseClosed;

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;
    use core::time::Duration;

    use super::{SseClosed, SseEvent, SseFramer};
    use crate::stream::{StreamLimits, Target};
    use crate::time::Timestamp;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_unix_seconds(seconds)
    }

    #[test]
    fn a_comment_is_due_a_whole_interval_after_the_last_output() {
        let mut framer = SseFramer::new(Duration::from_secs(10), at(0));
        let mut out = Vec::new();
        assert_eq!(framer.poll_timeout(), Some(at(10)));
        framer.handle_event(&SseEvent::new("x"), at(9), &mut out).unwrap();
        framer.handle_timeout(at(18), &mut out);
        assert_eq!((out.as_slice(), framer.poll_timeout()), (&b"data: x\n\n"[..], Some(at(19))));
        framer.handle_timeout(at(25), &mut out);
        assert_eq!(out, b"data: x\n\n: keep-alive\n\n");
        assert_eq!(framer.poll_timeout(), Some(at(35)));
    }

    #[test]
    fn nothing_is_due_without_a_keep_alive_or_after_the_end() {
        let mut out = Vec::new();
        let mut framer = SseFramer::new(Duration::ZERO, at(0));
        assert_eq!(framer.poll_timeout(), None);
        framer.handle_timeout(Timestamp::MAX, &mut out);

        framer = SseFramer::new(SseFramer::KEEP_ALIVE, at(0));
        framer.handle_close();
        assert_eq!(framer.poll_timeout(), None);
        framer.handle_timeout(Timestamp::MAX, &mut out);
        assert_eq!(framer.handle_event(&SseEvent::new("x"), at(1), &mut out), Err(SseClosed));
        assert!(out.is_empty());
    }

    #[test]
    fn the_keep_alive_for_everybody_is_shorter_than_any_idle_timeout() {
        for target in [Target::FunctionUrl, Target::RestApi] {
            let limits = StreamLimits::of(target);
            let timeouts = [limits.idle_timeout, limits.edge_idle_timeout];
            assert!(timeouts.into_iter().flatten().all(|idle| SseFramer::KEEP_ALIVE * 2 <= idle));
        }
    }
}
