//! The token bucket: one number per key, moved by one of two conditional writes.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::time::Duration;

use super::call::Description;
use super::{Call, Conclusion, Next, Reads, UsageLine, Verdict, Write, Wrote};
use crate::limiter::config::seconds_after;
use crate::limiter::decision::UsageWindow;
use crate::limiter::recall::{Learned, Lesson, Recall};
use crate::limiter::strategy::Quota;
use crate::limiter::token_bucket::{Rate, TokenBucket};
use crate::store::{
    Assignment, AttributeName, Comparison, Guard, Item, Key, Number, UpdateItem, Value,
};
use crate::time::Timestamp;

/// `Tat`, the theoretical arrival time, is the instant (Unix nanoseconds) at which the bucket is
/// full again. It never falls, so a refused write tells which other one to try, and no decision
/// needs more than three.
#[derive(Clone, Debug)]
pub(in crate::limiter) struct Bucket {
    call: Call,
    quotas: Arc<[Quota]>,
    rate: Rate,
    /// The last `Tat` that is known; none when no item is known.
    tat: Option<i128>,
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

impl Bucket {
    pub(super) fn new(call: Call, bucket: &TokenBucket, recall: &Recall) -> Self {
        let rate = *bucket.rates.of(&call.attempt.key);
        let window = rate.interval.map_or(rate.period, |interval| {
            ceil_seconds(interval.saturating_mul(i128::from(rate.burst)))
        });
        let quotas = Arc::from([Quota { limit: i64::from(rate.burst), window }]);
        let tat = recall.tat(&call.attempt.key);
        Self { call, quotas, rate, tat, writes: 0 }
    }

    pub(super) fn call(&self) -> &Call {
        &self.call
    }

    pub(super) fn quotas(&self) -> &Arc<[Quota]> {
        &self.quotas
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

    /// As if this request had met a full bucket.
    pub(super) fn allowance(&self) -> Verdict {
        let increment = self.terms().map_or(0, |terms| terms.increment);
        self.verdict(true, None, instant(self.now().saturating_add(increment)))
    }

    fn verdict(&self, allowed: bool, count: Option<i64>, resets_at: Timestamp) -> Verdict {
        let retry_at = resets_at;
        Verdict { allowed, local: false, count, quota: 0, window: None, resets_at, retry_at }
    }

    pub(super) fn begin(&mut self) -> Next {
        match self.terms().filter(|terms| terms.increment <= terms.tolerance) {
            Some(_) => Next::Write(self.write()),
            None => Next::Conclude(Conclusion::Verdict(self.hopeless())),
        }
    }

    /// A denial of what even a full bucket would not admit.
    fn hopeless(&self) -> Verdict {
        let window = self.quotas.first().map_or(self.rate.period, |quota| quota.window);
        let resets_at = self.call.now().saturating_add(window);
        Verdict { local: true, ..self.verdict(false, Some(0), resets_at) }
    }

    pub(super) fn write(&self) -> Write {
        let terms = self.effective_terms();
        let most = self.now().saturating_add(terms.tolerance).saturating_sub(terms.increment);
        Write::Update(self.update(terms, Some(most)))
    }

    pub(super) fn record(&mut self) -> Write {
        Write::Update(self.update(self.effective_terms(), None))
    }

    /// The terms, also for a rate that admits nothing: then recording costs nothing either.
    fn effective_terms(&self) -> Terms {
        self.terms().unwrap_or(Terms { increment: 0, tolerance: 0 })
    }

    /// The write that suits the last known `Tat`: starting afresh from now, or advancing it, at
    /// most from `most`.
    fn update(&self, terms: Terms, most: Option<i128>) -> UpdateItem {
        let (name, now) = (AttributeName::from(self.call.names().tat), self.now());
        let compare = |comparison, bound: i128| Guard::Compare {
            name: name.clone(),
            comparison,
            value: Value::N(Number::from(bound)),
        };
        let fresh = now.saturating_add(terms.increment);
        let (change, guard, latest) = match self.tat.filter(|tat| *tat > now) {
            None => {
                let guard = Guard::Absent(name.clone()).or(compare(Comparison::AtMost, now));
                (Assignment::set(name.clone(), Number::from(fresh)), guard, fresh)
            }
            Some(tat) => {
                let later = compare(Comparison::Greater, now);
                let guard = match most {
                    Some(most) => later.and(compare(Comparison::AtMost, most)),
                    None => later,
                };
                // Others may have moved it since: as far as the bound lets them.
                let full = now.saturating_add(terms.tolerance);
                let latest = full.max(tat.saturating_add(terms.increment));
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

    pub(super) fn after_write(&mut self, wrote: Wrote) -> Next {
        self.writes = self.writes.saturating_add(1);
        let verdict = match wrote {
            Wrote::Applied { attributes } => {
                self.tat = self.tat_in(&attributes);
                self.allowed()
            }
            Wrote::Refused(refusals) => {
                let seen = refusals.into_iter().find_map(|refusal| refusal.seen);
                match self.after_refusal(seen.as_ref()) {
                    Some(verdict) => verdict,
                    None => return Next::Write(self.write()),
                }
            }
        };
        Next::Conclude(Conclusion::Verdict(verdict))
    }

    /// The verdict of a refusal, or `None` when the other write has to be tried.
    fn after_refusal(&mut self, seen: Option<&Item>) -> Option<Verdict> {
        let terms = self.effective_terms();
        let full = self.now().saturating_add(terms.tolerance);
        let tried = self.tat;
        self.tat = seen.and_then(|item| self.tat_in(item));
        let most = full.saturating_sub(terms.increment);
        if self.tat.is_some_and(|tat| tat > most) {
            return Some(self.denied(terms));
        }
        if self.writes < MAX_WRITES {
            if seen.is_none() && tried.is_none() {
                // The store refused a fresh start without showing why: there is a later `Tat`.
                self.tat = Some(most);
            }
            return None;
        }
        // Never reached while `Tat` cannot fall; a store that breaks that is not asked for ever.
        Some(self.verdict(false, None, instant(full)))
    }

    fn allowed(&self) -> Verdict {
        let tat = self.tat.unwrap_or_else(|| self.now());
        self.verdict(true, Some(self.in_use(tat)), instant(tat))
    }

    /// A denial: the cost fits once the bucket has regained enough of what is in use.
    fn denied(&self, terms: Terms) -> Verdict {
        let tat = self.tat.unwrap_or_else(|| self.now()).max(self.now());
        let wait = terms.tolerance.saturating_sub(terms.increment);
        let retry_at = instant(tat.saturating_sub(wait));
        Verdict { retry_at, ..self.verdict(false, Some(self.in_use(tat)), instant(tat)) }
    }

    pub(super) fn after_record(&mut self, wrote: &Wrote) -> Option<Write> {
        self.writes = self.writes.saturating_add(1);
        match wrote {
            Wrote::Applied { .. } => None,
            Wrote::Refused(_) if self.writes >= MAX_WRITES => None,
            Wrote::Refused(refusals) => {
                let seen = refusals.iter().find_map(|refusal| refusal.seen.as_ref());
                self.tat = seen.and_then(|item| self.tat_in(item));
                Some(self.record())
            }
        }
    }

    pub(super) fn judge(&mut self, reads: &Reads) -> Verdict {
        self.tat = reads.item(&self.key()).and_then(|item| self.tat_in(item));
        let Some(terms) = self.terms() else { return self.hopeless() };
        let tat = self.tat.unwrap_or_else(|| self.now()).max(self.now());
        if tat.saturating_add(terms.increment) <= self.now().saturating_add(terms.tolerance) {
            self.verdict(true, Some(self.in_use(tat)), instant(tat))
        } else {
            self.denied(terms)
        }
    }

    pub(super) fn usage(&self, reads: &Reads) -> Vec<UsageLine> {
        let tat = reads.item(&self.key()).and_then(|item| self.tat_in(item));
        let tat = tat.unwrap_or_else(|| self.now()).max(self.now());
        let window = UsageWindow {
            count: self.in_use(tat),
            limit: i64::from(self.rate.burst),
            start: self.call.now(),
            end: instant(tat),
        };
        Vec::from([UsageLine { key: KEY_SUFFIX.into(), length: Duration::ZERO, window }])
    }

    /// Tokens in use: what the bucket still has to regain, rounded up.
    fn in_use(&self, tat: i128) -> i64 {
        let missing = tat.saturating_sub(self.now()).max(0);
        let tokens = self.rate.interval.map_or(0, |interval| ceil_div(missing, interval));
        i64::try_from(tokens).unwrap_or(i64::MAX)
    }

    fn tat_in(&self, item: &Item) -> Option<i128> {
        item.integer(self.call.names().tat)
    }

    pub(super) fn learned(&self) -> Learned {
        let key = self.call.attempt.key.clone();
        Learned(self.tat.map(|tat| Lesson::Filled { key, tat, until: instant(tat) }))
    }

    pub(super) fn keys(&self) -> Vec<Key> {
        Vec::from([self.key()])
    }

    pub(super) fn counters(&self) -> Vec<AttributeName> {
        Vec::from([self.call.names().tat.into()])
    }

    fn key(&self) -> Key {
        let key = &self.call.attempt.key;
        key.store_key(alloc::format!("{}#{KEY_SUFFIX}", key.identifier()))
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

/// The most writes of one decision (`limited.md` §17).
const MAX_WRITES: u32 = 3;

/// What follows the identifier in the partition key (`limited.md` §17).
const KEY_SUFFIX: &str = "gcra";
