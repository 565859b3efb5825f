//! The token bucket: one number per key, changed by one of three conditional writes.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::time::Duration;

use super::call::Description;
use super::{Call, Limiting, Next, Plan, Reads, Ruling, UsageLine, Write, Wrote};
use crate::limiter::config::seconds_after;
use crate::limiter::decision::{Decision, UsageWindow};
use crate::limiter::recall::{Learned, Lesson, Recall};
use crate::limiter::strategy::{Quota, Rate, TokenBucket};
use crate::store::{
    Assignment, AttributeName, Comparison, Guard, Item, Key, Number, UpdateItem, Value,
};
use crate::time::Timestamp;

/// `Tat`, the theoretical arrival time, is the instant (Unix nanoseconds) at which the bucket is
/// full again. A write sets it afresh from now, advances it, or, if this limit cannot have written
/// it, replaces it by that of an empty bucket. A refused write returns the item, which shows which
/// of the three writes to try next. A third write is only needed if other callers wrote in between.
#[derive(Clone, Debug)]
pub(in crate::limiter) struct Bucket {
    call: Call,
    quotas: Arc<[Quota]>,
    rate: Rate,
    /// The last known `Tat`; a foreign one counts as that of an empty bucket. `None` if no item is
    /// known.
    tat: Option<i128>,
    /// A stored value that this limit cannot have written, to be replaced.
    foreign: Option<Value>,
    writes: u32,
}

/// The request's cost and the bucket's size as times, in nanoseconds.
#[derive(Clone, Copy, Debug)]
struct Terms {
    /// The time that the request costs.
    increment: i128,
    /// The time in which an empty bucket fills.
    tolerance: i128,
}

/// The state of a bucket, as read from its item.
struct Stored {
    tat: Option<i128>,
    foreign: Option<Value>,
}

impl Bucket {
    pub(super) fn new(call: Call, bucket: &TokenBucket, recall: &Recall) -> Self {
        let rate = *bucket.rates.of(&call.attempt.key);
        let window = rate.interval.map_or(rate.period, |interval| {
            ceil_seconds(interval.saturating_mul(i128::from(rate.burst)))
        });
        let quotas = Arc::from([Quota { limit: i64::from(rate.burst), window }]);
        let tat = recall.tat(&call.attempt.key);
        Self { call, quotas, rate, tat, foreign: None, writes: 0 }
    }

    fn now(&self) -> i128 {
        self.call.now().unix_nanos()
    }

    /// Returns `None` for a rate that admits nothing.
    fn terms(&self) -> Option<Terms> {
        let interval = self.rate.interval?;
        Some(Terms {
            increment: interval.saturating_mul(i128::from(self.call.cost())),
            tolerance: interval.saturating_mul(i128::from(self.rate.burst)),
        })
    }

    /// Returns the terms, also for a rate that admits nothing: then recording costs nothing either.
    fn effective_terms(&self) -> Terms {
        self.terms().unwrap_or(Terms { increment: 0, tolerance: 0 })
    }

    /// Returns the latest `Tat` that leaves enough tokens for the cost.
    fn most(&self) -> i128 {
        let terms = self.effective_terms();
        self.now().saturating_add(terms.tolerance).saturating_sub(terms.increment)
    }

    /// Returns the denial for a cost that even a full bucket does not admit.
    fn hopeless(&self) -> Decision {
        let window = self.quotas.first().map_or(self.rate.period, |quota| quota.window);
        let resets_at = self.call.now().saturating_add(window);
        self.call.decision(Ruling::DeniedLocally(0), self.limiting(resets_at))
    }

    /// Returns the decision on a bucket that is full at `tat`.
    fn decision(&self, ruling: Ruling, tat: i128) -> Decision {
        let decision = self.call.decision(ruling, self.limiting(instant(tat)));
        decision.with_room_at(Some(self.room_at(tat)))
    }

    const fn limiting(&self, resets_at: Timestamp) -> Limiting<'_> {
        Limiting { quotas: &self.quotas, at: 0, window: None, resets_at }
    }

    /// Returns the write for the known state: replace a foreign `Tat`, set it afresh from now, or
    /// advance it if it is at most `most`.
    fn update(&self, most: Option<i128>) -> UpdateItem {
        let (terms, now) = (self.effective_terms(), self.now());
        let name = AttributeName::from(self.call.names().tat);
        let compare = |comparison, bound: i128| Guard::Compare {
            name: name.clone(),
            comparison,
            value: Value::N(Number::from(bound)),
        };
        let fresh = now.saturating_add(terms.increment);
        let full = now.saturating_add(terms.tolerance);
        let (change, guard, latest) = match (&self.foreign, self.tat.filter(|tat| *tat > now)) {
            // Replaces only the exact value that was seen. A value written since, by another
            // caller's repair or request, belongs to this limit and stays.
            (Some(foreign), tat) => {
                let empty = tat.unwrap_or(full);
                let guard = Guard::equals(name.clone(), foreign.clone());
                (Assignment::set(name.clone(), Number::from(empty)), guard, empty)
            }
            // `Tat` is unknown or past: the bucket has been full since then. A full bucket regains
            // nothing, so the request counts from now: adding to a past `Tat` would admit more than
            // the burst. The guard protects what another caller has taken since; a later `Tat` then
            // exists.
            (None, None) => {
                let guard = Guard::Absent(name.clone()).or(compare(Comparison::AtMost, now));
                (Assignment::set(name.clone(), Number::from(fresh)), guard, fresh)
            }
            // Others may have moved `Tat` since it was seen. `ADD` commutes with their additions,
            // so no request is lost and the exact `Tat` need not be known. It must be
            //  * later than now: otherwise the bucket filled up or expired in the meantime, and the
            //    case above applies;
            //  * at most the bound: otherwise others took the tokens that this request needs. This
            //    bound is the limit itself; recording omits it.
            (None, Some(tat)) => {
                let later = compare(Comparison::Greater, now);
                let (guard, latest) = match most {
                    Some(most) => (later.and(compare(Comparison::AtMost, most)), full),
                    None => (later, full.max(tat.saturating_add(terms.increment))),
                };
                (Assignment::add(name.clone(), terms.increment), guard, latest)
            }
        };
        let buffer = self.call.config.ttl_buffer;
        let description = Description {
            window: None,
            expires_at: seconds_after(instant(latest).unix_seconds_ceil(), buffer),
        };
        self.call.update(self.key(), [change], description, guard)
    }

    /// Returns the decision after a refusal, or `None` if another write has to be tried.
    fn after_refusal(&mut self, seen: Option<Item>, at: Timestamp) -> Option<Decision> {
        let tried = self.tat;
        Stored { tat: self.tat, foreign: self.foreign } = self.stored(seen.as_ref(), Some(at));
        if self.foreign.is_none() && self.tat.is_some_and(|tat| tat > self.most()) {
            return Some(self.denied());
        }
        if self.writes < MAX_WRITES {
            if seen.is_none() && tried.is_none() {
                // The store refused a fresh start without returning the item: a later `Tat` exists.
                self.tat = Some(self.most());
            }
            return None;
        }
        // Other callers wrote in between each time. Refusing is the safe side.
        Some(Decision { count: None, near_limit: false, ..self.denied() })
    }

    /// Reads an item's state. A decision may be late, and others with later clocks may have moved
    /// `Tat` in the meantime, so whether it is foreign is decided as of the item's read.
    fn stored(&self, item: Option<&Item>, read_at: Option<Timestamp>) -> Stored {
        let as_of = read_at.map_or_else(|| self.now(), |at| at.unix_nanos().max(self.now()));
        let empty = as_of.saturating_add(self.effective_terms().tolerance);
        let skew = i128::try_from(self.call.config.skew_allowance.as_nanos()).unwrap_or(i128::MAX);
        let last = empty.saturating_add(skew);
        let name = self.call.names().tat;
        let value = item.and_then(|item| item.get(name));
        match (value, item.and_then(|item| item.integer(name))) {
            (None, _) => Stored { tat: None, foreign: None },
            (Some(_), Some(tat)) if tat <= last => Stored { tat: Some(tat), foreign: None },
            (Some(value), _) => Stored { tat: Some(empty), foreign: Some(value.clone()) },
        }
    }

    fn admitted_at(&self, tat: i128) -> Decision {
        self.decision(Ruling::Admitted(Some(self.in_use(tat))), tat)
    }

    /// Returns a denial. The cost fits once the bucket has regained enough tokens.
    fn denied(&self) -> Decision {
        let (terms, tat) = (self.effective_terms(), self.full_at(self.tat));
        let wait = terms.tolerance.saturating_sub(terms.increment);
        let retry_after = self.call.now().until(instant(tat.saturating_sub(wait)));
        let denied = self.decision(Ruling::Denied(Some(self.in_use(tat))), tat);
        Decision { retry_after: Some(retry_after), ..denied }
    }

    /// Returns when the bucket is full again, at least now. A past or unknown `Tat` means that the
    /// bucket is full.
    fn full_at(&self, tat: Option<i128>) -> i128 {
        tat.unwrap_or_else(|| self.now()).max(self.now())
    }

    /// Returns when the next token returns to a bucket that is full at `tat`: the instant at which
    /// one token less is in use.
    fn room_at(&self, tat: i128) -> Timestamp {
        let others = self.in_use(tat).min(i64::from(self.rate.burst)).saturating_sub(1).max(0);
        let interval = self.rate.interval.unwrap_or(0);
        instant(tat.saturating_sub(interval.saturating_mul(i128::from(others))))
    }

    /// Returns the tokens in use, rounded up.
    fn in_use(&self, tat: i128) -> i64 {
        let missing = tat.saturating_sub(self.now()).max(0);
        let tokens = self.rate.interval.map_or(0, |interval| ceil_div(missing, interval));
        i64::try_from(tokens).unwrap_or(i64::MAX)
    }

    fn key(&self) -> Key {
        let key = &self.call.attempt.key;
        key.store_key(alloc::format!("{}#{KEY_SUFFIX}", key.identifier()))
    }
}

impl Plan for Bucket {
    fn call(&self) -> &Call {
        &self.call
    }

    /// Returns the decision for a request that meets a full bucket.
    fn admitted(&self, count: Option<i64>) -> Decision {
        let increment = self.terms().map_or(0, |terms| terms.increment);
        self.decision(Ruling::Admitted(count), self.now().saturating_add(increment))
    }

    fn begin(&mut self) -> Next {
        match self.terms().filter(|terms| terms.increment <= terms.tolerance) {
            Some(_) => Next::Write(self.write()),
            None => Next::Decide(self.hopeless()),
        }
    }

    fn write(&self) -> Write {
        Write::Update(self.update(Some(self.most())))
    }

    fn after_write(&mut self, wrote: Wrote, at: Timestamp) -> Next {
        self.writes = self.writes.saturating_add(1);
        Next::Decide(match wrote {
            // A foreign `Tat` was replaced, so the bucket is empty now.
            Wrote::Applied { .. } if self.foreign.is_some() => self.denied(),
            Wrote::Applied { attributes } => {
                self.tat = attributes.integer(self.call.names().tat);
                self.admitted_at(self.tat.unwrap_or_else(|| self.now()))
            }
            Wrote::Refused(refusals) => {
                let seen = refusals.into_iter().find_map(|refusal| refusal.seen);
                match self.after_refusal(seen, at) {
                    Some(denied) => denied,
                    None => return Next::Write(self.write()),
                }
            }
        })
    }

    fn keys(&self) -> Vec<Key> {
        Vec::from([self.key()])
    }

    fn counters(&self) -> Vec<AttributeName> {
        Vec::from([self.call.names().tat.into()])
    }

    fn judge(&mut self, reads: &Reads) -> Decision {
        self.tat = self.stored(reads.item(&self.key()), reads.answered_at).tat;
        if self.terms().is_none() {
            return self.hopeless();
        }
        let tat = self.full_at(self.tat);
        if tat <= self.most() { self.admitted_at(tat) } else { self.denied() }
    }

    fn usage(&self, reads: &Reads) -> Vec<UsageLine> {
        let stored = self.stored(reads.item(&self.key()), reads.answered_at);
        let tat = self.full_at(stored.tat);
        let window = UsageWindow {
            count: self.in_use(tat),
            limit: i64::from(self.rate.burst),
            start: self.call.now(),
            end: instant(tat),
        };
        Vec::from([UsageLine { key: KEY_SUFFIX.into(), length: Duration::ZERO, window }])
    }

    fn record(&mut self) -> Write {
        Write::Update(self.update(None))
    }

    /// Tokens recorded beyond the bucket's size stay recorded until the next decision.
    fn after_record(&mut self, wrote: &Wrote, at: Timestamp) -> Option<Write> {
        self.writes = self.writes.saturating_add(1);
        match wrote {
            Wrote::Applied { .. } => None,
            Wrote::Refused(_) if self.writes >= MAX_WRITES => None,
            Wrote::Refused(refusals) => {
                let seen = refusals.iter().find_map(|refusal| refusal.seen.as_ref());
                let stored = self.stored(seen, Some(at));
                match seen.and_then(|item| item.integer(self.call.names().tat)) {
                    Some(tat) => self.tat = Some(tat),
                    None => (self.tat, self.foreign) = (stored.tat, stored.foreign),
                }
                Some(self.record())
            }
        }
    }

    fn learned(&self) -> Learned {
        let key = self.call.attempt.key.clone();
        Learned(self.tat.map(|tat| Lesson::Filled { key, tat, until: instant(tat) }))
    }
}

/// Returns the instant of a `Tat`, clamped to the range of [`Timestamp`].
fn instant(nanos: i128) -> Timestamp {
    let (first, last) = (Timestamp::MIN.unix_nanos(), Timestamp::MAX.unix_nanos());
    Timestamp::from_unix_nanos(nanos.clamp(first, last)).unwrap_or(Timestamp::MAX)
}

fn ceil_seconds(nanos: i128) -> Duration {
    let seconds = ceil_div(nanos, 1_000_000_000);
    Duration::from_secs(u64::try_from(seconds).unwrap_or(u64::MAX))
}

/// Divides a non-negative number by a positive one, rounding up.
fn ceil_div(value: i128, by: i128) -> i128 {
    let whole = value.checked_div(by).unwrap_or(0);
    whole.saturating_add(i128::from(value.checked_rem(by).unwrap_or(0) != 0))
}

/// The most writes of one decision: two, and a third if other callers wrote in between.
const MAX_WRITES: u32 = 3;

/// The suffix of the partition key, after the identifier.
const KEY_SUFFIX: &str = "gcra";
