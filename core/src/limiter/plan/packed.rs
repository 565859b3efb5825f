//! Several windows in one item, with one conditional update for all of them.

use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use super::call::{DescribedWindow, Description};
use super::reads::count_in;
use super::windows::{full_until, last_to_end, of};
use super::{Call, Limiting, Next, Plan, Reads, Ruling, UsageLine, Write, Wrote};
use crate::duration::write_duration;
use crate::limiter::decision::{Decision, Stage};
use crate::limiter::strategy::Quota;
use crate::limiter::window::{Naming, TimeWindow};
use crate::store::{Assignment, AttributeName, Guard, Item, Key, Number, UpdateItem};
use crate::time::Timestamp;

/// All windows in the item of the longest window, into which every other window divides. Each
/// window counts in its own attribute, `c_{seconds}_{start}`.
///
/// A write removes the counters of windows before its own. A late write, from a window that has
/// ended, must not mistake a removed counter for an unused one:
///
/// * A counter only starts if the next window's counter does not exist yet.
/// * The next window's counter is removed by a write of the window after it. Its caller sends that
///   write after the next window has ended on its clock. So a reply that arrives earlier than that
///   end, by more than clocks may differ, belongs to a write before that removal. A later reply
///   does not admit.
///
/// So each window admits at most its limit, as long as any two callers' clocks differ by at most
/// the skew allowance, which is shorter than every packed window.
#[derive(Clone, Debug)]
pub(in crate::limiter) struct Packed {
    call: Call,
    quotas: Arc<[Quota]>,
    windows: Vec<TimeWindow>,
    longest: TimeWindow,
}

impl Packed {
    pub(super) fn new(call: Call, quotas: Arc<[Quota]>) -> Self {
        let windows = of(&quotas, call.now(), Naming::StartAndLength);
        let length = quotas.iter().map(|quota| quota.window).max().unwrap_or_default();
        let longest = TimeWindow::fixed(call.now(), length, Naming::StartAndLength);
        Self { call, quotas, windows, longest }
    }

    /// Returns the decision on the window at an index.
    fn decision(&self, ruling: Ruling, at: usize) -> Decision {
        let window = self.windows.get(at).copied().unwrap_or(self.longest);
        let (quotas, resets_at) = (&self.quotas, window.end());
        self.call.decision(ruling, Limiting { quotas, at, window: Some(window), resets_at })
    }

    /// Requires that the window's counter has enough units left, or can start.
    fn guard(&self, window: &TimeWindow, room: i64) -> Guard {
        let unused = Guard::Absent(counter(window));
        let can_start = match self.next(window) {
            Some(next) => unused.and(Guard::Absent(counter(&next))),
            None => unused,
        };
        can_start.or(Guard::at_most(counter(window), Number::from(room)))
    }

    /// Returns the window after this one, if it counts in the same item.
    fn next(&self, window: &TimeWindow) -> Option<TimeWindow> {
        let next = TimeWindow { start: window.end(), ..*window };
        (next.start < self.longest.end()).then_some(next)
    }

    fn update(&self, guard: Guard) -> UpdateItem {
        let cost = self.call.cost();
        let counts = self.windows.iter().map(|window| Assignment::add(counter(window), cost));
        let stale = self.windows.iter().filter(|window| window.length < self.longest.length);
        let removals = stale.flat_map(|window| {
            // Windows before the item's start never counted in this item.
            let preceding = preceding(*window).filter(|window| window.start >= self.longest.start);
            preceding.map(|window| Assignment::Remove { name: counter(&window) })
        });
        let start = self.longest.start;
        let (id, window_type) = (start.to_rfc3339_seconds(), self.suffix());
        let description = Description {
            window: Some(DescribedWindow { start, id, window_type }),
            expires_at: self.call.config.expires_at(&self.longest),
        };
        self.call.update(self.key(), counts.chain(removals), description, guard)
    }

    /// Returns whether a counter that this write started may have been used and removed before.
    fn is_late(&self, answered_at: Timestamp) -> bool {
        let skew = self.call.config.skew_allowance;
        let mut next = self.windows.iter().filter_map(|window| self.next(window));
        next.any(|next| answered_at >= next.end().saturating_sub(skew))
    }

    fn denied(&self, seen: &Item) -> Decision {
        let counts = self.counts(Some(seen));
        self.decision_at(Ruling::Denied, self.without_room(&counts).unwrap_or(0), &counts)
    }

    /// Returns the decision on the window at an index, given the counts of all windows.
    fn decision_at(
        &self,
        ruling: fn(Option<i64>) -> Ruling,
        at: usize,
        counts: &[Option<i64>],
    ) -> Decision {
        let known = counts.iter().enumerate().filter_map(|(at, count)| Some((at, (*count)?)));
        let full_until = full_until(&self.windows, &self.quotas, known);
        let count = counts.get(at).copied().flatten();
        self.decision(ruling(count), at).with_room_at(full_until)
    }

    /// Returns, of the windows that cannot take the cost, the one that decides when to retry.
    fn without_room(&self, counts: &[Option<i64>]) -> Option<usize> {
        let cost = self.call.cost();
        let limited = counts.iter().zip(self.quotas.iter()).enumerate();
        let full = limited.filter(|(_, (count, quota))| {
            count.is_none_or(|count| count.saturating_add(cost) > quota.limit)
        });
        last_to_end(&self.windows, full.map(|(at, _)| at))
    }

    fn counts(&self, item: Option<&Item>) -> Vec<Option<i64>> {
        self.windows.iter().map(|window| self.count(window, item)).collect()
    }

    /// Returns a window's count; `None` if it was removed because the next window has begun.
    fn count(&self, window: &TimeWindow, item: Option<&Item>) -> Option<i64> {
        let count_of = |window: &TimeWindow| count_in(item?, &counter(window));
        let forgotten = || self.next(window).is_some_and(|next| count_of(&next).is_some());
        count_of(window).or_else(|| (!forgotten()).then_some(0))
    }

    fn last_to_end(&self, is_meant: impl Fn(&TimeWindow, i64) -> bool) -> Option<usize> {
        let limited = self.windows.iter().zip(self.quotas.iter()).enumerate();
        let meant = limited.filter(|(_, (window, quota))| is_meant(window, quota.limit));
        last_to_end(&self.windows, meant.map(|(at, _)| at))
    }

    fn key(&self) -> Key {
        let key = &self.call.attempt.key;
        let start = self.longest.start.unix_seconds();
        key.store_key(key.partition_key(start, Some(&self.suffix())))
    }

    /// Returns `packed:{durations}`, ascending, so that different lists of windows never share an
    /// item.
    fn suffix(&self) -> String {
        let mut lengths: Vec<_> = self.windows.iter().map(|window| window.length).collect();
        lengths.sort_unstable();
        let lengths: Vec<String> = lengths.into_iter().map(write_duration).collect();
        format!("packed:{}", lengths.join(","))
    }
}

impl Plan for Packed {
    fn call(&self) -> &Call {
        &self.call
    }

    fn admitted(&self, count: Option<i64>) -> Decision {
        self.decision(Ruling::Admitted(count), 0)
    }

    fn begin(&mut self) -> Next {
        let cost = self.call.cost();
        match self.last_to_end(|_, limit| limit < cost) {
            Some(at) => Next::Decide(self.decision(Ruling::DeniedLocally(0), at)),
            None => Next::Write(self.write()),
        }
    }

    fn write(&self) -> Write {
        let cost = self.call.cost();
        let guards = self
            .windows
            .iter()
            .zip(self.quotas.iter())
            .map(|(window, quota)| self.guard(window, quota.limit.saturating_sub(cost)));
        Write::Update(self.update(guards.reduce(Guard::and).unwrap_or(Guard::Always)))
    }

    fn after_write(&mut self, wrote: Wrote, at: Timestamp) -> Next {
        Next::Decide(match wrote {
            Wrote::Applied { .. } if self.is_late(at) => {
                return Next::TooLate(Stage::Write);
            }
            Wrote::Applied { attributes } => {
                let told = |window| count_in(&attributes, &counter(window));
                let counts: Vec<Option<i64>> = self.windows.iter().map(told).collect();
                self.decision_at(Ruling::Admitted, 0, &counts)
            }
            Wrote::Refused(refusals) => {
                match refusals.into_iter().find_map(|refusal| refusal.seen) {
                    Some(seen) => self.denied(&seen),
                    None => {
                        let at = self.last_to_end(|_, _| true).unwrap_or(0);
                        self.decision(Ruling::Denied(None), at)
                    }
                }
            }
        })
    }

    fn keys(&self) -> Vec<Key> {
        Vec::from([self.key()])
    }

    fn counters(&self) -> Vec<AttributeName> {
        let next = self.windows.iter().filter_map(|window| self.next(window));
        self.windows.iter().copied().chain(next).map(|window| counter(&window)).collect()
    }

    fn judge(&mut self, reads: &Reads) -> Decision {
        let counts = self.counts(reads.item(&self.key()));
        match self.without_room(&counts) {
            Some(at) => self.decision_at(Ruling::Denied, at, &counts),
            None => self.decision_at(Ruling::Admitted, 0, &counts),
        }
    }

    fn usage(&self, reads: &Reads) -> Vec<UsageLine> {
        let key = self.key();
        let windows = self.windows.iter().zip(self.quotas.iter());
        windows
            .map(|(window, quota)| {
                UsageLine::of(window, reads.count(&key, &counter(window)), quota.limit)
            })
            .collect()
    }

    fn record(&mut self) -> Write {
        Write::Update(self.update(Guard::Always))
    }
}

fn counter(window: &TimeWindow) -> AttributeName {
    format!("c_{}_{}", window.length.as_secs(), window.start.unix_seconds()).into()
}

/// Returns windows of the same length before this one, whose counters are obsolete. Four, so that
/// an item drops old counters even if few requests arrive.
fn preceding(window: TimeWindow) -> impl Iterator<Item = TimeWindow> {
    let before = |window: &TimeWindow| {
        Some(TimeWindow { start: window.start.saturating_sub(window.length), ..*window })
    };
    core::iter::successors(before(&window), before).take(4)
}
