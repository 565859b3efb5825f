//! The token bucket: one number per key, moved by one of three conditional writes.

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
/// full again. A write starts it afresh from now, advances it, or, where it cannot be this limit's,
/// replaces it by that of an empty bucket. A refused write shows which one to try next; only other
/// callers, coming in between, make a third one necessary.
#[derive(Clone, Debug)]
pub(in crate::limiter) struct Bucket {
    call: Call,
    quotas: Arc<[Quota]>,
    rate: Rate,
    /// The last `Tat` that is known, a foreign one taken for that of an empty bucket; `None` when no
    /// item is known.
    tat: Option<i128>,
    /// A stored value that this limit cannot have made, to be replaced.
    foreign: Option<Value>,
    writes: u32,
}

/// What a bucket asks of a `Tat`, in nanoseconds.
#[derive(Clone, Copy, Debug)]
struct Terms {
    /// What the request costs.
    increment: i128,
    /// The time in which an empty bucket fills.
    tolerance: i128,
}

/// What an item says of its bucket.
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

    /// `None` for a rate that admits nothing.
    fn terms(&self) -> Option<Terms> {
        let interval = self.rate.interval?;
        Some(Terms {
            increment: interval.saturating_mul(i128::from(self.call.cost())),
            tolerance: interval.saturating_mul(i128::from(self.rate.burst)),
        })
    }

    /// The terms, also for a rate that admits nothing: then recording costs nothing either.
    fn effective_terms(&self) -> Terms {
        self.terms().unwrap_or(Terms { increment: 0, tolerance: 0 })
    }

    /// The latest `Tat` that leaves room for the cost.
    fn most(&self) -> i128 {
        let terms = self.effective_terms();
        self.now().saturating_add(terms.tolerance).saturating_sub(terms.increment)
    }

    /// A denial of what even a full bucket would not admit.
    fn hopeless(&self) -> Decision {
        let window = self.quotas.first().map_or(self.rate.period, |quota| quota.window);
        let resets_at = self.call.now().saturating_add(window);
        self.call.decision(Ruling::DeniedLocally(0), self.limiting(resets_at))
    }

    /// The decision on a bucket that is full at `tat`.
    fn decision(&self, ruling: Ruling, tat: i128) -> Decision {
        let decision = self.call.decision(ruling, self.limiting(instant(tat)));
        decision.with_room_at(Some(self.room_at(tat)))
    }

    const fn limiting(&self, resets_at: Timestamp) -> Limiting<'_> {
        Limiting { quotas: &self.quotas, at: 0, window: None, resets_at }
    }

    /// The write that suits what is known: replacing a `Tat` that is foreign, starting afresh from
    /// now, or advancing it, at most from `most`.
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
            // Only the very value that was seen is replaced: whatever came between, a rival's repair
            // or a request, is this limit's own and stays.
            (Some(foreign), tat) => {
                let empty = tat.unwrap_or(full);
                let guard = Guard::equals(name.clone(), foreign.clone());
                (Assignment::set(name.clone(), Number::from(empty)), guard, empty)
            }
            // No `Tat` is known, or a past one: the bucket is full, and has been since then. Time that
            // passes while it is full regains nothing, so the request counts from now: added to a past
            // `Tat` it would take tokens beyond the burst. The guard keeps this from wiping out what
            // another caller has taken since: then there is a later `Tat`.
            (None, None) => {
                let guard = Guard::Absent(name.clone()).or(compare(Comparison::AtMost, now));
                (Assignment::set(name.clone(), Number::from(fresh)), guard, fresh)
            }
            // Others may have moved it since it was seen. To add commutes with what they add, so no
            // request is lost, and `Tat` need not be the one that is known; it has to be
            //  * later than now: else others let the bucket fill up, or it expired, and the case above
            //    holds;
            //  * at most the bound: else others took the room that this request needs. This one is
            //    the limit itself; recording goes without.
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
            window_type: None,
            window_start: None,
            expires_at: seconds_after(instant(latest).unix_seconds_ceil(), buffer),
        };
        self.call.update(self.key(), [change], description, guard)
    }

    /// The decision after a refusal, or `None` when another write has to be tried.
    fn after_refusal(&mut self, seen: Option<Item>, at: Timestamp) -> Option<Decision> {
        let tried = self.tat;
        Stored { tat: self.tat, foreign: self.foreign } = self.stored(seen.as_ref(), Some(at));
        if self.foreign.is_none() && self.tat.is_some_and(|tat| tat > self.most()) {
            return Some(self.denied());
        }
        if self.writes < MAX_WRITES {
            if seen.is_none() && tried.is_none() {
                // The store refused a fresh start without showing why: there is a later `Tat`.
                self.tat = Some(self.most());
            }
            return None;
        }
        // Others came in between each time: refusing errs on the safe side.
        Some(Decision { count: None, near_limit: false, ..self.denied() })
    }

    /// What an item says. A decision may be late, and others may have moved `Tat` by later clocks in
    /// the meantime: what is foreign is told as of when the item was read.
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

    /// A denial: the cost fits once the bucket has regained enough of what is in use.
    fn denied(&self) -> Decision {
        let (terms, tat) = (self.effective_terms(), self.full_at(self.tat));
        let wait = terms.tolerance.saturating_sub(terms.increment);
        let retry_after = self.call.now().until(instant(tat.saturating_sub(wait)));
        let denied = self.decision(Ruling::Denied(Some(self.in_use(tat))), tat);
        Decision { retry_after: Some(retry_after), ..denied }
    }

    /// When the bucket is full again, or now: a `Tat` that has passed, or is not known, says that the
    /// bucket is full, and a full bucket gains nothing by having been full for long.
    fn full_at(&self, tat: Option<i128>) -> i128 {
        tat.unwrap_or_else(|| self.now()).max(self.now())
    }

    /// When a token is back, for a bucket that is full at `tat`: all that are in use but one are
    /// still to come then.
    fn room_at(&self, tat: i128) -> Timestamp {
        let others = self.in_use(tat).min(i64::from(self.rate.burst)).saturating_sub(1).max(0);
        let interval = self.rate.interval.unwrap_or(0);
        instant(tat.saturating_sub(interval.saturating_mul(i128::from(others))))
    }

    /// Tokens in use: what the bucket still has to regain, rounded up.
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

    /// As if this request had met a full bucket.
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
            // The foreign one is replaced: nothing is left of the bucket now.
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

    /// What is recorded beyond what a bucket holds stays, until the next decision finds it.
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

/// The instant of a `Tat`, held within what a [`Timestamp`] can say.
fn instant(nanos: i128) -> Timestamp {
    let (first, last) = (Timestamp::MIN.unix_nanos(), Timestamp::MAX.unix_nanos());
    Timestamp::from_unix_nanos(nanos.clamp(first, last)).unwrap_or(Timestamp::MAX)
}

fn ceil_seconds(nanos: i128) -> Duration {
    let seconds = ceil_div(nanos, 1_000_000_000);
    Duration::from_secs(u64::try_from(seconds).unwrap_or(u64::MAX))
}

/// Divides what is not negative by what is positive, rounding up.
fn ceil_div(value: i128, by: i128) -> i128 {
    let whole = value.checked_div(by).unwrap_or(0);
    whole.saturating_add(i128::from(value.checked_rem(by).unwrap_or(0) != 0))
}

/// The most writes of one decision: two, and one more when other callers come in between.
const MAX_WRITES: u32 = 3;

/// What follows the identifier in the partition key.
const KEY_SUFFIX: &str = "gcra";
