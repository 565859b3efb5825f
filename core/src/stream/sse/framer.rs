//! A stream of events with keep-alive comments.

use alloc::vec::Vec;
use core::time::Duration;

use super::event::{SseEvent, write_comment};
use crate::time::Timestamp;

/// Writes events, and a comment whenever nothing was written for too long, so that neither proxies
/// nor API Gateway's idle timeout close the connection.
///
/// Call [`handle_event`](Self::handle_event) for events and
/// [`handle_timeout`](Self::handle_timeout) at the time of [`poll_timeout`](Self::poll_timeout),
/// and send what was appended. Every call appends whole events and comments, so a comment is never
/// inside an event.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SseFramer {
    keep_alive: Duration,
    last_output: Timestamp,
    ends_at: Option<Timestamp>,
    is_open: bool,
}

impl SseFramer {
    /// The recommended interval of comments: the 15 seconds of the HTML standard (§9.2.7), half of
    /// the shortest idle timeout of [`StreamLimits`](crate::stream::StreamLimits).
    pub const KEEP_ALIVE: Duration = Duration::from_secs(15);

    /// Creates a stream opened at `now`, which writes a comment after every `keep_alive` without
    /// output. Zero disables comments.
    #[must_use]
    pub const fn new(keep_alive: Duration, now: Timestamp) -> Self {
        Self { keep_alive, last_output: now, ends_at: None, is_open: true }
    }

    /// Sets when the stream ends by itself, even if there are more events: see
    /// [`InvocationTime::events_end_at`](crate::invocation_time::InvocationTime::events_end_at).
    #[must_use]
    pub fn ending_at(self, ends_at: Option<Timestamp>) -> Self {
        Self { ends_at, ..self }
    }

    /// Returns whether the stream has ended at `now`.
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

    /// Appends a comment to `out` if one is due at `now`, but never after the end. Timers may fire
    /// early or late.
    pub fn handle_timeout(&mut self, now: Timestamp, out: &mut Vec<u8>) {
        if self.comment_due().is_some_and(|due| due <= now) {
            write_comment("keep-alive", out);
            self.last_output = now;
        }
    }

    /// Closes the stream. Nothing is written, and no timeout is due after that.
    pub const fn handle_close(&mut self) {
        self.is_open = false;
    }

    /// Returns when to call [`handle_timeout`](Self::handle_timeout) if nothing is written before,
    /// or to check whether the stream [is over](Self::is_over). `None` after the end, and without a
    /// keep-alive and an end.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Timestamp> {
        [self.comment_due(), self.ends_at.filter(|_| self.is_open)].into_iter().flatten().min()
    }

    fn comment_due(&self) -> Option<Timestamp> {
        let is_kept_alive = self.is_open && !self.keep_alive.is_zero();
        is_kept_alive.then(|| self.last_output.saturating_add(self.keep_alive))
    }
}

/// An event was passed after the end of its stream: a bug of the driver. The event was not written;
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
