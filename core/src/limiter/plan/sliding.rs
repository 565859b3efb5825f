//! Sliding windows: the sum over sub-windows guards the write to the current sub-window.
//!
//! # What holds, and why
//!
//! *Terms.* `g` is the granularity. `n` sub-windows make the window, `W = n·g`. `end(k)` is the end
//! of sub-window `k`. `σ` is the skew allowance, shorter than `g`. An *admission* is an allowed
//! decision that rests on the count ([`Basis::Counted`](crate::limiter::Basis::Counted)); its
//! instant is the time on the caller's clock when the reply to its write arrived. Requests that are
//! allowed because the store failed, allowed in shadow mode, or recorded are not admissions.
//!
//! *Assumption.* Any two callers' clocks differ by at most `σ`, and no clock is set back. Reads are
//! strongly consistent. Nothing is assumed about delays, crashes, lost replies or repeated writes.
//!
//! *Algorithm.* (1) In the last `σ` of a sub-window, wait for its end. (2) Only then read the
//! sub-windows before the current one: a count read after the sub-window's end is final. (3) Count
//! in the current sub-window, on the condition that the sum leaves room. (4) A reply that arrives
//! in the last `σ` of the current sub-window, or later, does not admit: the decision starts over,
//! once.
//!
//! *Theorem A.* Up to any sub-window, the last `n` (aligned) or `n + 1` (conservative) sub-windows
//! hold at most `limit` admissions together.
//!
//! *Proof.* Let B be the last write to sub-window `k` that admitted. B's caller had read every
//! earlier sub-window `j` of the sum when its own clock showed `end(j)` or later. Suppose that
//! caller missed a write to `j`. This write was applied after the read, so its reply arrived when
//! its caller's clock showed `end(j) − σ` or later; by (4) it did not admit. So `j` holds at most
//! as many admissions as B's caller read; `k` holds at most as many as its counter showed after B;
//! and B's condition bounds the sum of both.
//!
//! *Theorem B.* Conservative: every real span of time as long as `W` holds at most `limit`
//! admissions.
//! Aligned: every span as long as `W − g` does; one as long as `W` may hold up to twice that.
//!
//! *Proof.* On the callers' own clocks a span grows by at most `σ`. Admissions of sub-window `k`
//! fall between its start and `end(k) − σ`. Between the last instant in which sub-window `a` admits
//! and the first in which `a + m` does, `(m − 1)·g + σ` pass. So a span that is at most `W + σ`
//! long by those clocks contains admissions of at most `n + 1` consecutive sub-windows, and a span
//! of `W − g + σ` those of at most `n`. Theorem A bounds both.
//!
//! *Cost.* A late reply costs one more write, and leaves one count too many until the counter
//! expires.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::cmp::Reverse;
use core::time::Duration;

use super::call::Description;
use super::reads::count_in;
use super::windows::room;
use super::{Call, Limiting, Next, Plan, Reads, Ruling, UsageLine, Write, Wrote};
use crate::limiter::decision::{Decision, Stage};
use crate::limiter::recall::{EndedWindow, Learned, Lesson, Recall};
use crate::limiter::strategy::{Coverage, Quota, SlidingWindow};
use crate::limiter::window::{Naming, TimeWindow};
use crate::store::{Assignment, Guard, Key, UpdateItem};
use crate::time::Timestamp;

/// Admissions of ended sub-windows never change, so their sum can be read once and remembered. The
/// write to the current sub-window is guarded by what this sum leaves of the limit.
#[derive(Clone, Debug)]
pub(in crate::limiter) struct Sliding {
    call: Call,
    quotas: Arc<[Quota]>,
    cover: Cover,
    /// The current sub-window.
    current: TimeWindow,
    /// The earlier sub-windows in the sum, newest first.
    past: Vec<Past>,
    /// The sum of their known counts.
    sum: i64,
    /// Remembered or read counts of ended sub-windows, newest first.
    known: Vec<EndedWindow>,
    restarted: bool,
    /// How often the decision has waited for the end of a sub-window since it started (over).
    sleeps: u32,
    has_read: bool,
}

/// An ended sub-window, with its count if it is known.
#[derive(Clone, Copy, Debug)]
struct Past {
    window: TimeWindow,
    count: Option<i64>,
}

/// How sub-windows cover the last span of time.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cover {
    window: Duration,
    granularity: Duration,
    coverage: Coverage,
}

impl Cover {
    pub(super) const fn of(sliding: &SlidingWindow) -> Self {
        let SlidingWindow { window, granularity, coverage, .. } = *sliding;
        Self { window, granularity, coverage }
    }

    fn current(self, now: Timestamp) -> TimeWindow {
        let start = now.floor_from_year_one(self.granularity);
        TimeWindow { start, length: self.granularity, naming: Naming::Start }
    }

    /// Returns the number of sub-windows in the sum.
    fn count(self) -> u32 {
        let within = self.window.as_secs().checked_div(self.granularity.as_secs()).unwrap_or(1);
        let covered = within.saturating_add(u64::from(self.coverage == Coverage::Conservative));
        u32::try_from(covered).unwrap_or(u32::MAX)
    }

    /// Returns the sub-windows in the sum as of `now`, newest first. Time starts with year 1, where
    /// there are fewer of them.
    pub(super) fn windows(self, now: Timestamp) -> impl Iterator<Item = TimeWindow> {
        core::iter::successors(Some(self.current(now)), |window| {
            let start = window.start.saturating_sub(window.length);
            (start < window.start).then_some(TimeWindow { start, ..*window })
        })
        .take(usize::try_from(self.count()).unwrap_or(usize::MAX))
    }
}

impl Sliding {
    pub(super) fn new(call: Call, sliding: &SlidingWindow, recall: &Recall) -> Self {
        let key = &call.attempt.key;
        let cover = Cover::of(sliding);
        let mut plan = Self {
            quotas: Arc::clone(sliding.quotas.of(key)),
            cover,
            current: cover.current(call.now()),
            past: Vec::new(),
            sum: 0,
            known: recall.ended(key).to_vec(),
            restarted: false,
            sleeps: 0,
            has_read: false,
            call,
        };
        plan.look_back();
        plan
    }

    /// Lists the sub-windows before the current one, each with its count if it is known.
    fn look_back(&mut self) {
        let windows = self.cover.windows(self.call.now()).skip(1);
        let mut known = self.known.iter().peekable();
        self.past.clear();
        self.past.reserve(usize::try_from(self.cover.count()).unwrap_or_default());
        self.past.extend(windows.map(|window| {
            // Both lists are newest first.
            while known.next_if(|known| known.start > window.start).is_some() {}
            let count = known.next_if(|known| known.start == window.start);
            Past { window, count: count.map(|known| known.count) }
        }));
        self.sum_up();
    }

    fn sum_up(&mut self) {
        self.sum = self.past_counts().fold(0, i64::saturating_add);
    }

    /// Returns when the first unit becomes available, given the current sub-window's count: when
    /// enough of the oldest sub-windows have dropped out. If the sum exceeds the limit, the first
    /// to drop out free no unit.
    fn room_at(&self, current: i64) -> Option<Timestamp> {
        let oldest_first = self.past.iter().rev();
        let oldest_first = oldest_first.map(|past| (&past.window, past.count.unwrap_or(0)));
        let mut left = self.sum.saturating_add(current);
        let full = left.min(self.limit());
        let mut leaving = oldest_first.chain([(&self.current, current)]);
        let last = leaving.find(|(_, count)| {
            left = left.saturating_sub(*count);
            left < full
        });
        let covered = self.cover.granularity.saturating_mul(self.cover.count());
        last.map(|(window, _)| window.start.saturating_add(covered))
    }

    /// Returns whether `at` is too late to admit in the current sub-window: on another clock it may
    /// have ended, and its count may have been read as final.
    fn is_late(&self, at: Timestamp) -> bool {
        at >= self.current.end().saturating_sub(self.call.config.skew_allowance)
    }

    /// Waits for the end of the current sub-window.
    fn wait(&mut self) -> Next {
        if self.sleeps >= MAX_SLEEPS {
            return Next::TooLate(Stage::Read);
        }
        self.sleeps = self.sleeps.saturating_add(1);
        Next::Sleep(self.call.now().until(self.current.end()))
    }

    /// Starts over as of the arrival of a late reply. The previous current sub-window is read as
    /// soon as it has ended.
    ///
    /// Only once. A store that answers within a granularity is late by chance, at the end of a
    /// sub-window, and not twice in a row. A slower store is late every time, and each attempt may
    /// leave a count and takes as long again. The second late reply is therefore treated like a
    /// missing reply, and the limiter's policy of failures decides.
    fn start_over(&mut self, answered_at: Timestamp, stage: Stage) -> Next {
        if self.restarted {
            return Next::TooLate(stage);
        }
        self.restarted = true;
        self.sleeps = 0;
        self.move_to(answered_at);
        self.begin()
    }

    fn move_to(&mut self, now: Timestamp) {
        self.call.attempt.now = now;
        self.current = self.cover.current(now);
        self.look_back();
    }

    fn update(&self, guard: Guard) -> UpdateItem {
        let count = Assignment::add(self.call.names().count, self.call.cost());
        let description = Description {
            window: Some((&self.current).into()),
            expires_at: self.call.config.expires_at(&self.current),
        };
        self.call.update(self.key(&self.current), [count], description, guard)
    }

    /// Returns a denial, given the current sub-window's count. An unknown count is taken as one too
    /// many.
    fn denied(&self, current: Option<i64>) -> Decision {
        let least = self.room().saturating_add(1).max(0);
        let at_least = current.unwrap_or(least);
        let counts = core::iter::once(at_least).chain(self.past_counts());
        let count = current.map(|current| self.sum.saturating_add(current));
        self.denied_from(counts, Ruling::Denied(count)).with_room_at(self.room_at(at_least))
    }

    /// Returns a denial, given all counts, newest first. The request fits when enough of the oldest
    /// sub-windows have dropped out.
    fn denied_from(&self, counts: impl Iterator<Item = i64>, denied: Ruling) -> Decision {
        let (limit, cost) = (self.limit(), self.call.cost());
        let mut kept: u32 = 0;
        let mut used = cost;
        for count in counts {
            used = used.saturating_add(count);
            if used > limit {
                break;
            }
            kept = kept.saturating_add(1);
        }
        // Counts that already fit need not drop out, but at least the oldest does.
        let leaving = self.cover.count().saturating_sub(kept).max(1);
        let resets_at =
            self.current.start.saturating_add(self.cover.granularity.saturating_mul(leaving));
        self.decision(denied, resets_at)
    }

    fn decision(&self, ruling: Ruling, resets_at: Timestamp) -> Decision {
        let (quotas, window) = (&self.quotas, Some(self.current));
        self.call.decision(ruling, Limiting { quotas, at: 0, window, resets_at })
    }

    fn take_in(&mut self, reads: &Reads) {
        let counter = self.call.names().count;
        let ended = |window: &TimeWindow| {
            let count = reads.count(&self.key(window), counter);
            EndedWindow { start: window.start, count }
        };
        let read: Vec<EndedWindow> = self.uncached().map(ended).collect();
        if !read.is_empty() {
            self.has_read = true;
            self.known.extend(read);
            self.known.sort_unstable_by_key(|known| Reverse(known.start));
            self.look_back();
        }
    }

    fn current_count(&self, reads: &Reads) -> i64 {
        reads.count(&self.key(&self.current), self.call.names().count)
    }

    fn uncached(&self) -> impl Iterator<Item = &TimeWindow> {
        self.past.iter().filter(|past| past.count.is_none()).map(|past| &past.window)
    }

    fn past_counts(&self) -> impl Iterator<Item = i64> {
        self.past.iter().map(|past| past.count.unwrap_or(0))
    }

    /// Returns the highest count of the current sub-window that still fits the cost.
    fn room(&self) -> i64 {
        self.limit().saturating_sub(self.call.cost()).saturating_sub(self.sum)
    }

    fn limit(&self) -> i64 {
        self.quotas.first().map_or(0, |quota| quota.limit)
    }

    fn key(&self, window: &TimeWindow) -> Key {
        let key = &self.call.attempt.key;
        key.store_key(key.partition_key(window.start.unix_seconds(), None))
    }
}

impl Plan for Sliding {
    fn call(&self) -> &Call {
        &self.call
    }

    fn admitted(&self, count: Option<i64>) -> Decision {
        self.decision(Ruling::Admitted(count), self.current.end())
    }

    fn begin(&mut self) -> Next {
        if self.limit() < self.call.cost() {
            return Next::Decide(self.denied_from([].into_iter(), Ruling::DeniedLocally(0)));
        }
        if self.is_late(self.call.now()) {
            return self.wait();
        }
        if self.uncached().next().is_none() && self.room() >= 0 {
            return Next::Write(self.write());
        }
        Next::Read
    }

    fn after_sleep(&mut self, woken_at: Timestamp) -> Next {
        self.move_to(woken_at);
        self.begin()
    }

    fn after_reads(&mut self, reads: &Reads) -> Next {
        self.take_in(reads);
        let late = reads.answered_at.filter(|answered_at| self.is_late(*answered_at));
        // A late refusal is safe. But a first late decision may be admitted in the next sub-window,
        // when the oldest one has dropped out.
        if self.room() < 0 && (late.is_none() || self.restarted) {
            return Next::Decide(self.denied(Some(self.current_count(reads))));
        }
        match late {
            // On other clocks the current sub-window may have ended, and somebody may already have
            // read its count as final. The reply to a write would be later still, so by (4) it
            // could not admit, and the write would only leave a count.
            Some(answered_at) => self.start_over(answered_at, Stage::Read),
            None => Next::Write(self.write()),
        }
    }

    fn write(&self) -> Write {
        Write::Update(self.update(room(self.call.names().count.into(), self.room())))
    }

    fn after_write(&mut self, wrote: Wrote, at: Timestamp) -> Next {
        let counter = self.call.names().count;
        Next::Decide(match wrote {
            // The request was counted, but perhaps after others had read this sub-window's count as
            // final. Admitting it here as well would exceed the limit. The limit rests on this:
            // every admission is visible to everyone who reads later.
            Wrote::Applied { .. } if self.is_late(at) => {
                return self.start_over(at, Stage::Write);
            }
            Wrote::Applied { attributes } => {
                let current = count_in(&attributes, counter);
                let count = current.map(|current| self.sum.saturating_add(current));
                let room_at = current.and_then(|current| self.room_at(current));
                self.admitted(count).with_room_at(room_at)
            }
            Wrote::Refused(refusals) => {
                let seen = refusals.into_iter().find_map(|refusal| refusal.seen);
                self.denied(seen.map(|item| count_in(&item, counter).unwrap_or(0)))
            }
        })
    }

    /// Returns the keys of the past sub-windows to read, and of the current one.
    fn keys(&self) -> Vec<Key> {
        self.uncached().chain([&self.current]).map(|window| self.key(window)).collect()
    }

    fn judge(&mut self, reads: &Reads) -> Decision {
        self.take_in(reads);
        let current = self.current_count(reads);
        let count = self.sum.saturating_add(current);
        if count.saturating_add(self.call.cost()) <= self.limit() {
            self.admitted(Some(count)).with_room_at(self.room_at(current))
        } else {
            self.denied(Some(current))
        }
    }

    fn usage(&self, reads: &Reads) -> Vec<UsageLine> {
        let counter = self.call.names().count;
        let past = self.past.iter().map(|past| &past.window);
        core::iter::once(&self.current)
            .chain(past)
            .map(|window| {
                UsageLine::of(window, reads.count(&self.key(window), counter), self.limit())
            })
            .collect()
    }

    fn record(&mut self) -> Write {
        Write::Update(self.update(Guard::Always))
    }

    fn learned(&self) -> Learned {
        if !self.has_read {
            return Learned::default();
        }
        let windows: Vec<EndedWindow> = self
            .past
            .iter()
            .filter_map(|past| Some(EndedWindow { start: past.window.start, count: past.count? }))
            .collect();
        let until = self.current.end().saturating_add(self.cover.window);
        let key = self.call.attempt.key.clone();
        Learned((!windows.is_empty()).then_some(Lesson::Ended { key, windows, until }))
    }
}

/// How often a decision waits for the end of a sub-window. Twice, because a timer may fire a little
/// early; not more, because a deadline may cut every sleep short.
const MAX_SLEEPS: u32 = 2;
