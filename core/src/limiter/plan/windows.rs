//! Fixed windows in one item each: one conditional update, or one transaction for several.

use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use sha2::{Digest, Sha256};

use super::call::Description;
use super::reads::count_in;
use super::{Call, Limiting, Next, Plan, Reads, Refusal, Ruling, UsageLine, Write, Wrote};
use crate::hex::push_hex;
use crate::limiter::decision::Decision;
use crate::limiter::recall::{Denial, Learned, Lesson, Recall};
use crate::limiter::strategy::{Quota, Strategy};
use crate::limiter::window::{Naming, TimeWindow};
use crate::store::{
    Assignment, AttributeName, Guard, Key, Number, TransactWrite, TransactWriteItems, UpdateItem,
};
use crate::time::Timestamp;

#[derive(Clone, Debug)]
pub(in crate::limiter) struct Windows {
    call: Call,
    quotas: Arc<[Quota]>,
    naming: Naming,
    windows: Vec<TimeWindow>,
    /// A denial to remember.
    denial: Option<Denial>,
}

/// A window with its limit.
#[derive(Clone, Debug)]
pub(super) struct Limited {
    /// The window's index in the configuration.
    pub(super) at: usize,
    pub(super) window: TimeWindow,
    pub(super) limit: i64,
}

/// Returns the windows of a list of quotas as of `now`, in the list's order.
pub(super) fn of(quotas: &[Quota], now: Timestamp, naming: Naming) -> Vec<TimeWindow> {
    quotas.iter().map(|quota| TimeWindow::fixed(now, quota.window, naming)).collect()
}

impl Call {
    /// Returns the decision of a remembered denial that still holds. Needs no plan, so that a
    /// refusal by the deny cache costs little.
    pub(in crate::limiter) fn remembered_denial(&self, recall: &Recall) -> Option<Decision> {
        let Strategy::Fixed(fixed) = &self.config.strategy else { return None };
        if !self.config.deny_cache {
            return None;
        }
        let key = &self.attempt.key;
        let quotas = fixed.quotas.of(key);
        // A cost above the limit is denied with a count of 0, whatever was counted.
        let quota = quotas.first().filter(|quota| quota.limit >= self.cost())?;
        let window = TimeWindow::fixed(self.now(), quota.window, Naming::Start);
        let denial = recall.denial(key, window.start)?;
        let (window, resets_at) = (Some(window), window.end());
        let limiting = Limiting { quotas, at: 0, window, resets_at };
        Some(self.enforce(self.decision(Ruling::DeniedLocally(denial.count), limiting)))
    }
}

impl Windows {
    pub(super) fn new(call: Call, quotas: Arc<[Quota]>, naming: Naming) -> Self {
        let windows = of(&quotas, call.now(), naming);
        Self { call, quotas, naming, windows, denial: None }
    }

    pub(super) fn is_single(&self) -> bool {
        self.windows.len() == 1
    }

    /// Yields the windows with their limits, in the order of the configuration.
    pub(super) fn limited(&self) -> impl Iterator<Item = Limited> {
        let limited = self.windows.iter().zip(self.quotas.iter()).enumerate();
        limited.map(|(at, (window, quota))| Limited { at, window: *window, limit: quota.limit })
    }

    /// Returns the decision on the window at an index.
    pub(super) fn decision(&self, ruling: Ruling, at: usize) -> Decision {
        let window = self.windows.get(at).copied();
        let resets_at = window.map_or_else(|| self.call.now(), |window| window.end());
        self.call.decision(ruling, Limiting { quotas: &self.quotas, at, window, resets_at })
    }

    /// Returns the denial of a cost that a limit never admits.
    pub(super) fn hopeless(&self) -> Option<Decision> {
        let cost = self.call.cost();
        let hopeless = self.limited().filter(|limited| limited.limit < cost);
        let at = last_to_end(&self.windows, hopeless.map(|limited| limited.at))?;
        Some(self.decision(Ruling::DeniedLocally(0), at))
    }

    fn order(&self, guard: impl Fn(i64) -> Guard) -> Write {
        let mut updates =
            self.limited().map(|limited| self.update(&limited.window, guard(limited.limit)));
        if self.is_single()
            && let Some(only) = updates.next()
        {
            return Write::Update(only);
        }
        let writes = updates.map(TransactWrite::Update).collect();
        Write::Transact(TransactWriteItems { writes, token: self.token() })
    }

    /// Returns the update that counts the cost in one window.
    pub(super) fn update(&self, window: &TimeWindow, guard: Guard) -> UpdateItem {
        let count = Assignment::add(self.call.names().count, self.call.cost());
        let description = Description {
            window: Some(window.into()),
            expires_at: self.call.config.expires_at(window),
        };
        self.call.update(self.key(window), [count], description, guard)
    }

    /// Requires that `limit` leaves enough units for the cost.
    pub(super) fn guard(&self, limit: i64) -> Guard {
        room(self.call.names().count.into(), limit.saturating_sub(self.call.cost()))
    }

    fn denied(&mut self, refusals: &[Refusal]) -> Decision {
        let counter = self.call.names().count;
        let refused = refusals.iter().map(|refusal| refusal.at);
        let at = last_to_end(&self.windows, refused).unwrap_or(0);
        let count_of = |refusal: &Refusal| {
            let count = count_in(refusal.seen.as_ref()?, counter).unwrap_or(0);
            Some((refusal.at, count))
        };
        let counts = || refusals.iter().filter_map(count_of);
        let count = counts().find(|(refused, _)| *refused == at).map(|(_, count)| count);
        let denied = self.decision(Ruling::Denied(count), at);
        self.denial = self.denial_to_remember(&denied);
        denied.with_room_at(self.full_until(counts()))
    }

    // Only a denial of the smallest cost implies that every later request is denied, too.
    fn denial_to_remember(&self, denied: &Decision) -> Option<Denial> {
        let worth =
            self.naming == Naming::Start && self.call.config.deny_cache && self.call.cost() == 1;
        let (window, count) = (denied.window?, denied.count?);
        worth.then_some(Denial { window_start: window.start, count })
    }

    fn full_until(&self, counts: impl Iterator<Item = (usize, i64)>) -> Option<Timestamp> {
        full_until(&self.windows, &self.quotas, counts)
    }

    fn counts(&self, reads: &Reads) -> Vec<i64> {
        let counter = self.call.names().count;
        self.windows.iter().map(|window| reads.count(&self.key(window), counter)).collect()
    }

    /// Returns the key of a window's counter.
    pub(super) fn key(&self, window: &TimeWindow) -> Key {
        let key = &self.call.attempt.key;
        let start = window.start.unix_seconds();
        key.store_key(match self.naming {
            Naming::Start => key.partition_key(start, None),
            Naming::StartAndLength => key.partition_key(start, Some(&window.key())),
        })
    }

    /// Returns the transaction's client token: 32 hex digits; DynamoDB accepts up to 36 characters.
    /// `None` without an id, because two decisions with the same token would be counted as one.
    fn token(&self) -> Option<String> {
        let attempt = &self.call.attempt;
        let mut digest = Sha256::new();
        digest.update(attempt.id?.0.to_be_bytes());
        digest.update(format!("{}#{}", attempt.key.identifier(), attempt.key.sort_key()));
        let mut token = String::new();
        push_hex(&mut token, digest.finalize().get(..16).unwrap_or_default());
        Some(token)
    }
}

impl Plan for Windows {
    fn call(&self) -> &Call {
        &self.call
    }

    fn admitted(&self, count: Option<i64>) -> Decision {
        self.decision(Ruling::Admitted(count), 0)
    }

    fn begin(&mut self) -> Next {
        match self.hopeless() {
            Some(denied) => Next::Decide(denied),
            None => Next::Write(self.write()),
        }
    }

    fn write(&self) -> Write {
        self.order(|limit| self.guard(limit))
    }

    fn after_write(&mut self, wrote: Wrote, _: Timestamp) -> Next {
        Next::Decide(match wrote {
            // Only a cancelled transaction returns the items, an applied one returns no attributes.
            // Applied is enough: every window's guard has held.
            Wrote::Applied { .. } if !self.is_single() => return Next::ReadBack,
            Wrote::Applied { attributes } => {
                self.admitted(count_in(&attributes, self.call.names().count))
            }
            Wrote::Refused(refusals) => self.denied(&refusals),
        })
    }

    fn keys(&self) -> Vec<Key> {
        self.windows.iter().map(|window| self.key(window)).collect()
    }

    fn judge(&mut self, reads: &Reads) -> Decision {
        let cost = self.call.cost();
        let counts = self.counts(reads);
        let exceeded = self.limited().zip(&counts).filter_map(|(limited, count)| {
            (count.saturating_add(cost) > limited.limit).then_some(limited.at)
        });
        let decision = match last_to_end(&self.windows, exceeded) {
            Some(at) => self.decision(Ruling::Denied(counts.get(at).copied()), at),
            None => self.admitted(counts.first().copied()),
        };
        decision.with_room_at(self.full_until(counts.iter().copied().enumerate()))
    }

    fn usage(&self, reads: &Reads) -> Vec<UsageLine> {
        let counts = self.counts(reads);
        let windows = self.limited().zip(counts);
        let line =
            |(limited, count): (Limited, i64)| UsageLine::of(&limited.window, count, limited.limit);
        windows.map(line).collect()
    }

    fn record(&mut self) -> Write {
        self.order(|_| Guard::Always)
    }

    fn learned(&self) -> Learned {
        Learned(self.denial.zip(self.windows.first()).map(|(denial, window)| Lesson::Denied {
            key: self.call.attempt.key.clone(),
            denial,
            until: window.end(),
        }))
    }
}

/// Returns, of some windows, the last to end; among equal ends, the longest. Only after its end do
/// all windows have units left.
pub(super) fn last_to_end(
    windows: &[TimeWindow],
    some: impl Iterator<Item = usize>,
) -> Option<usize> {
    some.max_by_key(|at| windows.get(*at).map(|window| (window.end(), window.length)))
}

/// Returns when a unit becomes available, given the counts of some windows: when the last full
/// window ends.
pub(super) fn full_until(
    windows: &[TimeWindow],
    quotas: &[Quota],
    counts: impl Iterator<Item = (usize, i64)>,
) -> Option<Timestamp> {
    let is_full = |at: usize, count| quotas.get(at).is_some_and(|quota| count >= quota.limit);
    let full =
        counts.filter(|(at, count)| is_full(*at, *count)).filter_map(|(at, _)| windows.get(at));
    full.map(TimeWindow::end).max()
}

/// Requires that the counter does not exist yet, or is at most `room`.
pub(super) fn room(counter: AttributeName, room: i64) -> Guard {
    Guard::Absent(counter.clone()).or(Guard::at_most(counter, Number::from(room)))
}
