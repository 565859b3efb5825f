//! Several windows without transactions: one conditional update each, undone after a refusal.

use alloc::boxed::Box;
use alloc::vec::Vec;

use super::reads::count_in;
use super::windows::Limited;
use super::{AnyPlan, Call, Next, Plan, Reads, Ruling, UsageLine, Windows, Write, Wrote};
use crate::limiter::decision::Decision;
use crate::store::{Assignment, Comparison, Guard, Item, Key, Number, UpdateItem, Value};
use crate::time::Timestamp;

/// Counts window after window, the last to end first: a refusal then comes from the window that
/// decides when to retry. If a write fails on the way, earlier counts stay, which can only refuse
/// too much.
///
/// After a refusal, windows that were counted before it are undone and have units left again;
/// windows that end earlier were not written. So if the refusing window is full, a unit becomes
/// available when that window ends. If it has units left, but too few for the cost, its end is
/// reported as well: whether another window is full is unknown.
#[derive(Clone, Debug)]
pub(in crate::limiter) struct Sequential {
    windows: Windows,
    /// Windows to count, the next one last.
    pending: Vec<Limited>,
    /// The window being counted, or, after a refusal, undone.
    current: Limited,
    /// Windows counted before `current`.
    counted: Vec<Limited>,
    /// The count of the configuration's first window.
    first_count: Option<i64>,
    /// When the last full window ends.
    full_until: Option<Timestamp>,
    denied: Option<Decision>,
}

impl Sequential {
    /// Plans `windows` one by one, if there are several.
    pub(super) fn plan(windows: Windows) -> AnyPlan {
        let mut pending: Vec<Limited> = windows.limited().collect();
        pending.sort_by_key(|limited| (limited.window.end(), limited.window.length));
        match pending.pop() {
            Some(current) if !pending.is_empty() => AnyPlan::Sequential(Box::new(Self {
                windows,
                pending,
                current,
                counted: Vec::new(),
                first_count: None,
                full_until: None,
                denied: None,
            })),
            _ => AnyPlan::Windows(windows),
        }
    }

    fn count_next(&mut self, attributes: &Item) -> Next {
        let count = count_in(attributes, self.call().names().count);
        if self.current.at == 0 {
            self.first_count = count;
        }
        if count.is_some_and(|count| count >= self.current.limit) {
            self.full_until = self.full_until.max(Some(self.current.window.end()));
        }
        match self.pending.pop() {
            Some(next) => {
                self.counted.push(core::mem::replace(&mut self.current, next));
                Next::Write(self.write())
            }
            None => {
                let admitted = self.windows.admitted(self.first_count);
                Next::Decide(admitted.with_room_at(self.full_until))
            }
        }
    }

    fn take_back_next(&mut self, denied: Decision) -> Next {
        match self.counted.pop() {
            Some(last) => {
                self.current = last;
                Next::Write(self.write())
            }
            None => Next::Decide(denied),
        }
    }

    /// Returns the update that subtracts the cost, unless the counter no longer exists.
    fn take_back(&self) -> UpdateItem {
        let counter = self.call().names().count;
        let cost = self.call().cost();
        UpdateItem {
            table: self.call().config.table.clone(),
            key: self.windows.key(&self.current.window),
            assignments: Vec::from([Assignment::add(counter, cost.saturating_neg())]),
            guard: Guard::Compare {
                name: counter.into(),
                comparison: Comparison::AtLeast,
                value: Value::N(Number::from(cost)),
            },
        }
    }
}

impl Plan for Sequential {
    fn call(&self) -> &Call {
        self.windows.call()
    }

    fn admitted(&self, count: Option<i64>) -> Decision {
        self.windows.admitted(count)
    }

    fn begin(&mut self) -> Next {
        match self.windows.hopeless() {
            Some(denied) => Next::Decide(denied),
            None => Next::Write(self.write()),
        }
    }

    fn write(&self) -> Write {
        let Limited { window, limit, .. } = &self.current;
        Write::Update(match self.denied {
            Some(_) => self.take_back(),
            None => self.windows.update(window, self.windows.guard(*limit)),
        })
    }

    fn after_write(&mut self, wrote: Wrote, _: Timestamp) -> Next {
        match (&self.denied, wrote) {
            // Whether or not this undo succeeded, continue with the window before it.
            (Some(denied), _) => {
                let denied = denied.clone();
                self.take_back_next(denied)
            }
            (None, Wrote::Applied { attributes }) => self.count_next(&attributes),
            (None, Wrote::Refused(refusals)) => {
                let seen = refusals.into_iter().find_map(|refusal| refusal.seen);
                let counter = self.call().names().count;
                let count = seen.map(|item| count_in(&item, counter).unwrap_or(0));
                let denied = self.windows.decision(Ruling::Denied(count), self.current.at);
                self.denied = Some(denied.clone());
                self.take_back_next(denied)
            }
        }
    }

    /// A refusal stands, even if undoing earlier counts fails.
    fn after_failure(&mut self) -> Option<Next> {
        let denied = self.denied.clone()?;
        Some(self.take_back_next(denied))
    }

    fn keys(&self) -> Vec<Key> {
        self.windows.keys()
    }

    fn judge(&mut self, reads: &Reads) -> Decision {
        self.windows.judge(reads)
    }

    fn usage(&self, reads: &Reads) -> Vec<UsageLine> {
        self.windows.usage(reads)
    }

    fn record(&mut self) -> Write {
        Write::Update(self.windows.update(&self.current.window, Guard::Always))
    }

    fn after_record(&mut self, _: &Wrote, _: Timestamp) -> Option<Write> {
        self.current = self.pending.pop()?;
        Some(self.record())
    }
}
