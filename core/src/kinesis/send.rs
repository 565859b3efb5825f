//! Sends any number of records.

use alloc::borrow::ToOwned as _;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;
use core::mem;

use super::config::ProducerConfig;
use super::error::Error;
use super::incomplete::{Incomplete, Reason, Unaccepted};
use super::put_records::{ProducerRequest, PutRecords, PutResult};
use super::record::Record;
use super::{MAX_RECORD_BYTES, MAX_REQUEST_BYTES, MAX_REQUEST_RECORDS};
use crate::error::Happened;
use crate::machine::{Machine, Step};
use crate::store::Sleep;
use crate::time::Timestamp;

/// Sends records, in order for each partition key. Returns their number, or [`Incomplete`], which
/// lists each record that was not accepted.
///
/// A request has at most [`MAX_REQUEST_RECORDS`] and [`MAX_REQUEST_BYTES`], and only one record of
/// each key. Refused records are sent again after a random part of a doubling delay, as often as
/// the producer is configured to, together with records that have become ready. An error that a
/// retry cannot fix ends the machine.
///
/// # Order
///
/// If a request had two records of one partition key, Kinesis could refuse the first and accept the
/// second, and the first would be behind the second after its retry. Therefore a record is sent
/// only after the previous record of its key was accepted. If a record is given up, later records
/// of its key are [held back](Reason::HeldBack), so that a later call can send them in order.
/// Records of different keys fill requests of up to 500. Many records of one key need as many
/// requests: use random keys if the order does not matter.
///
/// A record whose response was lost is sent again, and may be in the stream twice; readers should
/// detect duplicates. A request that was given up but arrives late can put its records a second
/// time, behind later ones of their keys; the first copies stay in order.
#[derive(Clone, Debug)]
#[must_use = "a machine does nothing until it is driven"]
pub struct SendRecords {
    producer: ProducerConfig,
    slots: Vec<Slot>,
    /// The first record of each key that is neither accepted nor given up, by index.
    ready: BTreeSet<usize>,
    /// The indices of the last request's records.
    sent: Vec<usize>,
    /// The number of consecutive requests with a record that was not accepted.
    failed_requests: u32,
    seed: u64,
}

/// A record and its state.
#[derive(Clone, Debug)]
struct Slot {
    record: Arc<Record>,
    /// The next record of the same key.
    next: Option<usize>,
    attempts: u32,
    /// Whether an attempt with a lost response may have been accepted.
    is_in_doubt: bool,
    /// Why the record was not accepted; `None` once it was.
    reason: Option<Reason>,
}

impl ProducerConfig {
    /// Returns the machine that sends records. The seed spreads the delays of producers that were
    /// refused at the same time.
    pub fn send<R: Into<Arc<Record>>>(
        &self,
        records: impl IntoIterator<Item = R>,
        seed: u64,
    ) -> SendRecords {
        let records: Vec<Arc<Record>> = records.into_iter().map(Into::into).collect();
        let (first_of_keys, next) = line_up(&records);
        let slots = records.into_iter().zip(next).map(|(record, next)| Slot {
            record,
            next,
            attempts: 0,
            is_in_doubt: false,
            reason: None,
        });
        let mut sending = SendRecords {
            producer: self.clone(),
            slots: slots.collect(),
            ready: BTreeSet::new(),
            sent: Vec::new(),
            failed_requests: 0,
            seed,
        };
        for at in first_of_keys {
            sending.is_next(at);
        }
        sending
    }
}

/// Returns the first record of each key, and for each record the next one of its key.
fn line_up(records: &[Arc<Record>]) -> (Vec<usize>, Vec<Option<usize>>) {
    let mut last_of_key = BTreeMap::new();
    let (mut first_of_keys, mut next) = (Vec::new(), vec![None; records.len()]);
    for (at, record) in records.iter().enumerate() {
        match last_of_key.insert(record.partition_key(), at) {
            Some(before) => {
                if let Some(next) = next.get_mut(before) {
                    *next = Some(at);
                }
            }
            None => first_of_keys.push(at),
        }
    }
    (first_of_keys, next)
}

impl Machine for SendRecords {
    type Output = Result<usize, Incomplete>;
    type Request = ProducerRequest<Self>;

    fn start(mut self) -> Step<Self> {
        if self.ready.is_empty() {
            return Step::Done(self.conclude());
        }
        self.sent = self.next_request();
        let records = self.sent.iter().filter_map(|at| self.slots.get(*at));
        let records = records.map(|slot| Arc::clone(&slot.record)).collect();
        let stream = self.producer.stream.clone();
        self.ask(PutRecords { stream, records }, Self::on_answer)
    }
}

impl SendRecords {
    /// Returns as many ready records as a request can hold, the earliest first.
    fn next_request(&self) -> Vec<usize> {
        let mut bytes = 0_usize;
        let fits = |at: &usize| {
            let size = self.slots.get(*at).map_or(0, |slot| slot.record.size());
            bytes = bytes.saturating_add(size);
            bytes <= MAX_REQUEST_BYTES
        };
        self.ready.iter().copied().take(MAX_REQUEST_RECORDS).take_while(fits).collect()
    }

    fn on_answer(mut self, outcome: Result<Vec<PutResult>, Error>) -> Step<Self> {
        let sent = mem::take(&mut self.sent);
        let mut has_failed = true;
        match outcome {
            Ok(results) if results.len() == sent.len() => {
                has_failed = !results.iter().all(PutResult::is_accepted);
                for (at, result) in sent.into_iter().zip(results) {
                    self.learn(at, result);
                }
            }
            // The number of results differs, so they cannot be assigned to records.
            Ok(_) => self.each_failed(sent, Error::Unavailable),
            Err(error) if error.is_retryable() => self.each_failed(sent, error),
            Err(error) => self.give_all_up(&sent, error),
        }
        if !has_failed || self.ready.is_empty() {
            self.failed_requests = 0;
            return self.start();
        }
        self.failed_requests = self.failed_requests.saturating_add(1);
        let duration = self.producer.backoff.delay(self.failed_requests, self.seed);
        self.ask(Sleep { duration }, Self::on_wake)
    }

    fn on_wake(self, _: Timestamp) -> Step<Self> {
        self.start()
    }

    fn learn(&mut self, at: usize, result: PutResult) {
        if !result.is_accepted() {
            let code = result.error_code.trim().to_owned();
            return self.failed(at, Reason::Refused { code });
        }
        self.ready.remove(&at);
        let next = self.slots.get_mut(at).and_then(|slot| {
            slot.reason = None;
            slot.next
        });
        if let Some(next) = next {
            self.is_next(next);
        }
    }

    /// Makes a record ready after all earlier records of its key were accepted.
    fn is_next(&mut self, at: usize) {
        match self.slots.get(at).map_or(0, |slot| slot.record.size()) {
            bytes if bytes > MAX_RECORD_BYTES => self.give_up(at, Reason::TooLarge { bytes }),
            _ => drop(self.ready.insert(at)),
        }
    }

    fn each_failed(&mut self, sent: Vec<usize>, error: Error) {
        for at in sent {
            self.failed(at, Reason::Failed(error));
        }
    }

    /// Counts a failed attempt; gives the record up after the last allowed attempt.
    fn failed(&mut self, at: usize, reason: Reason) {
        let Some(slot) = self.slots.get_mut(at) else { return };
        slot.attempts = slot.attempts.saturating_add(1);
        slot.is_in_doubt |= reason.happened() == Happened::Unknown;
        if slot.attempts > self.producer.retry_attempts {
            self.give_up(at, reason);
        } else {
            slot.reason = Some(reason);
        }
    }

    /// Gives all records up after an error that a retry cannot fix. A record that was sent before
    /// keeps its earlier reason, which says more than "no time left".
    fn give_all_up(&mut self, sent: &[usize], error: Error) {
        let was_sent = error != Error::OutOfTime;
        for at in mem::take(&mut self.ready) {
            let Some(slot) = self.slots.get_mut(at) else { continue };
            let known = slot.reason.take().filter(|_| !was_sent);
            slot.attempts = slot.attempts.saturating_add(u32::from(was_sent && sent.contains(&at)));
            self.give_up(at, known.unwrap_or(Reason::Failed(error)));
        }
    }

    /// Gives a record up, and holds the later records of its key back.
    fn give_up(&mut self, at: usize, reason: Reason) {
        self.ready.remove(&at);
        let mut next = Some((at, reason));
        while let Some((at, reason)) = next.take() {
            if let Some(slot) = self.slots.get_mut(at) {
                slot.reason = Some(reason);
                next = slot.next.map(|at| (at, Reason::HeldBack));
            }
        }
    }

    fn conclude(self) -> Result<usize, Incomplete> {
        let record_count = self.slots.len();
        let given_up = self.slots.into_iter().enumerate().filter_map(|(index, slot)| {
            Some(Unaccepted {
                index,
                record: slot.record,
                reason: slot.reason?,
                attempts: slot.attempts,
                happened: if slot.is_in_doubt { Happened::Unknown } else { Happened::No },
            })
        });
        let unaccepted: Vec<_> = given_up.collect();
        if unaccepted.is_empty() {
            return Ok(record_count);
        }
        Err(Incomplete { stream: self.producer.stream, record_count, unaccepted })
    }
}
