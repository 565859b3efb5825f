//! With any refusals, failures and malformed replies of a stream, every lost record is named, and
//! records of one key stay in order.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use apptheory::backoff::Backoff;
use apptheory::error::Happened;
use apptheory::kinesis::{
    Error, Incomplete, MAX_RECORD_BYTES, MAX_REQUEST_BYTES, MAX_REQUEST_RECORDS, Misconfiguration,
    ProducerConfig, PutRecords, PutResult, Reason, Record, StreamName,
};
use apptheory::machine::{Interpret, run};
use apptheory::store::Sleep;
use apptheory::time::Timestamp;
use apptheory_proptests::cases;
use proptest::prelude::*;
use proptest::sample::select;

const THROUGHPUT: &str = "ProvisionedThroughputExceededException";

/// What a stream does with a request.
#[derive(Clone, Debug)]
enum Act {
    /// Accepts the records whose bit is set, and replies so.
    Answer(u64),
    /// Accepts these records, and fails.
    Fail(u64, Error),
    /// Accepts these records, and replies for one more, or one less.
    Garble(u64, bool),
}

fn act() -> impl Strategy<Value = Act> {
    let bits = prop_oneof![2 => Just(u64::MAX), 3 => any::<u64>(), 1 => Just(0)];
    (0..10_u8, bits, any::<bool>()).prop_map(|(way, bits, flag)| match way {
        0 => Act::Fail(bits, if flag { Error::Timeout } else { Error::Unavailable }),
        1 => Act::Fail(0, Error::Throttled),
        2 => Act::Garble(bits, flag),
        _ => Act::Answer(bits),
    })
}

/// Generates at most one act that ends everything.
fn end() -> impl Strategy<Value = Option<(usize, Error)>> {
    let errors = vec![Error::OutOfTime, Error::Misconfigured(Misconfiguration::AccessDenied)];
    prop_oneof![2 => Just(None), 1 => (0..12_usize, select(errors)).prop_map(Some)]
}

/// A stream that acts as planned, and then accepts everything.
#[derive(Default)]
struct Stream {
    acts: Vec<Act>,
    end: Option<(usize, Error)>,
    requests: Vec<Vec<Arc<Record>>>,
    accepted: Vec<Arc<Record>>,
    slept: Duration,
}

impl Interpret<PutRecords> for Stream {
    fn interpret(&mut self, order: &PutRecords) -> Result<Vec<PutResult>, Error> {
        let at = self.requests.len();
        self.requests.push(order.records.clone());
        if let Some((_, error)) = self.end.filter(|(end, _)| *end == at) {
            return Err(error);
        }
        let act = self.acts.get(at).cloned().unwrap_or(Act::Answer(u64::MAX));
        let (Act::Answer(bits) | Act::Fail(bits, _) | Act::Garble(bits, _)) = act;
        let mut results = Vec::new();
        for (place, record) in order.records.iter().enumerate() {
            let takes = bits >> (place % 64) & 1 == 1;
            if takes {
                self.accepted.push(Arc::clone(record));
            }
            let error_code = if takes { String::new() } else { THROUGHPUT.to_owned() };
            results.push(PutResult { error_code, ..PutResult::default() });
        }
        match act {
            Act::Answer(_) => Ok(results),
            Act::Fail(_, error) => Err(error),
            Act::Garble(_, true) => Ok([results, vec![PutResult::default()]].concat()),
            Act::Garble(_, false) => Ok(results.split_off(1)),
        }
    }
}

impl Interpret<Sleep> for Stream {
    fn interpret(&mut self, sleep: &Sleep) -> Timestamp {
        self.slept += sleep.duration;
        Timestamp::UNIX_EPOCH
    }
}

/// Generates records of few keys, each with its index in its data; some are large, or too large.
fn records() -> impl Strategy<Value = Vec<Arc<Record>>> {
    let size = prop_oneof![
        60 => Just(0), 2 => Just(MAX_RECORD_BYTES - 20), 1 => Just(MAX_RECORD_BYTES - 8),
    ];
    prop::collection::vec((0..12_u8, size), 0..24).prop_map(|records| {
        let record = |(at, (key, size)): (usize, (u8, usize))| {
            let mut data = vec![b'x'; size + 8];
            data[..8].copy_from_slice(format!("{at:08}").as_bytes());
            Arc::new(Record::new(&format!("key {key}"), data).unwrap())
        };
        records.into_iter().enumerate().map(record).collect()
    })
}

fn place(record: &Record) -> usize {
    std::str::from_utf8(&record.data()[..8]).unwrap().parse().unwrap()
}

fn producer(retry_attempts: u32) -> ProducerConfig {
    let backoff = Backoff { base: Duration::from_millis(1), cap: Duration::from_millis(8) };
    ProducerConfig::new(StreamName::new("s").unwrap())
        .retry_attempts(retry_attempts)
        .backoff(backoff)
}

/// Returns the indices of records that were not accepted, and whether they may be in the stream
/// anyway.
fn named(sent: &Result<usize, Incomplete>) -> BTreeMap<usize, Happened> {
    let Err(incomplete) = sent else { return BTreeMap::new() };
    incomplete.unaccepted().iter().map(|named| (named.index, named.happened)).collect()
}

proptest! {
    #![proptest_config(cases(256))]

    #[test]
    fn nothing_is_lost_without_being_named(
        records in records(),
        acts in prop::collection::vec(act(), 0..40),
        end in end(),
        retries in 0..4_u32,
    ) {
        let mut stream = Stream { acts, end, ..Stream::default() };
        let sent = run(producer(retries).send(records.clone(), 7), &mut stream);
        let named = named(&sent);
        match &sent {
            Ok(count) => prop_assert_eq!(*count, records.len()),
            Err(incomplete) => {
                prop_assert_eq!(incomplete.record_count(), records.len());
                prop_assert!(!named.is_empty());
                for unaccepted in incomplete.unaccepted() {
                    prop_assert_eq!(&unaccepted.record, &records[unaccepted.index]);
                    prop_assert!(unaccepted.attempts <= retries + 1);
                }
                prop_assert!(incomplete.unaccepted().is_sorted_by_key(|named| named.index));
            }
        }
        let times = |at: usize| stream.accepted.iter().filter(|record| place(record) == at).count();
        for at in 0..records.len() {
            match named.get(&at) {
                None => prop_assert!(times(at) >= 1, "{} is lost", at),
                Some(Happened::No) => prop_assert_eq!(times(at), 0, "{} is there", at),
                Some(_) => {}
            }
        }
    }

    #[test]
    fn records_of_a_key_stay_in_order(
        records in records(),
        acts in prop::collection::vec(act(), 0..40),
        end in end(),
        retries in 0..4_u32,
    ) {
        let mut stream = Stream { acts, end, ..Stream::default() };
        let sent = run(producer(retries).send(records.clone(), 7), &mut stream);
        let named = named(&sent);
        let first = |at: usize| stream.accepted.iter().position(|record| place(record) == at);
        for (later, record) in records.iter().enumerate() {
            let Some(there) = first(later) else { continue };
            for (earlier, before) in records[..later].iter().enumerate() {
                if before.partition_key() == record.partition_key() {
                    prop_assert!(!named.contains_key(&earlier), "{} passed {}", later, earlier);
                    prop_assert!(first(earlier).is_some_and(|earlier| earlier < there));
                }
            }
        }
    }

    #[test]
    fn requests_are_such_as_kinesis_takes(
        records in records(),
        acts in prop::collection::vec(act(), 0..40),
        retries in 0..4_u32,
    ) {
        let mut stream = Stream { acts, ..Stream::default() };
        let _ = run(producer(retries).send(records.clone(), 7), &mut stream);
        let mut attempts = BTreeMap::<usize, u32>::new();
        for request in &stream.requests {
            prop_assert!((1..=MAX_REQUEST_RECORDS).contains(&request.len()));
            prop_assert!(request.iter().map(|r| r.size()).sum::<usize>() <= MAX_REQUEST_BYTES);
            let mut keys: Vec<_> = request.iter().map(|record| record.partition_key()).collect();
            keys.sort_unstable();
            prop_assert!(keys.windows(2).all(|keys| keys[0] != keys[1]));
            for record in request {
                prop_assert!(record.size() <= MAX_RECORD_BYTES);
                *attempts.entry(place(record)).or_default() += 1;
            }
        }
        prop_assert!(attempts.values().all(|attempts| *attempts <= retries + 1));
        prop_assert!(stream.slept <= Duration::from_millis(8) * (stream.requests.len() as u32));
    }

    #[test]
    fn sending_what_is_left_again_sends_all(
        records in records(),
        acts in prop::collection::vec(act(), 0..20),
        retries in 0..4_u32,
    ) {
        let too_large = |record: &Record| record.size() > MAX_RECORD_BYTES;
        let records: Vec<_> = records.into_iter().filter(|record| !too_large(record)).collect();
        let mut stream = Stream { acts, ..Stream::default() };
        let mut left = records.clone();
        for _ in 0..=20 {
            let sent = run(producer(retries).send(left, 7), &mut stream);
            left = sent.map_or_else(Incomplete::into_records, |_| Vec::new());
            if left.is_empty() {
                break;
            }
        }
        prop_assert!(left.is_empty(), "{:?}", left);
        for record in &records {
            let at = place(record);
            let first = stream.accepted.iter().position(|record| place(record) == at);
            let before = records.iter().take_while(|other| place(other) < at);
            let of_key = before.filter(|other| other.partition_key() == record.partition_key());
            for other in of_key {
                let other = stream.accepted.iter().position(|there| place(there) == place(other));
                prop_assert!(other.is_some() && other < first);
            }
        }
    }
}

#[test]
fn records_of_different_keys_fill_requests() {
    let records = (0..1203).map(|n| Record::new(&format!("k{n}"), "x").unwrap());
    let mut stream = Stream::default();
    assert_eq!(run(producer(0).send(records, 7), &mut stream).unwrap(), 1203);
    let sizes: Vec<_> = stream.requests.iter().map(Vec::len).collect();
    assert_eq!(sizes, [500, 500, 203]);
    assert_eq!(stream.slept, Duration::ZERO);

    let large =
        (0..9).map(|n| Record::new(&format!("k{n}"), vec![0; MAX_RECORD_BYTES - 2]).unwrap());
    let mut stream = Stream::default();
    assert_eq!(run(producer(0).send(large, 7), &mut stream).unwrap(), 9);
    let sizes: Vec<_> = stream.requests.iter().map(Vec::len).collect();
    assert_eq!(sizes, [5, 4]);
}

/// A record that is never accepted delays only those behind it with the same key.
#[test]
fn a_record_that_is_never_accepted_holds_back_its_key_alone() {
    struct Stubborn(Vec<Arc<Record>>);

    impl Interpret<PutRecords> for Stubborn {
        fn interpret(&mut self, order: &PutRecords) -> Result<Vec<PutResult>, Error> {
            let put = |record: &Arc<Record>| {
                if place(record) == 1 {
                    return PutResult { error_code: THROUGHPUT.to_owned(), ..PutResult::default() };
                }
                self.0.push(Arc::clone(record));
                PutResult::default()
            };
            Ok(order.records.iter().map(put).collect())
        }
    }

    impl Interpret<Sleep> for Stubborn {
        fn interpret(&mut self, _: &Sleep) -> Timestamp {
            Timestamp::UNIX_EPOCH
        }
    }

    let keys = ["a", "b", "a", "b", "c", "b"];
    let records =
        keys.iter().enumerate().map(|(at, key)| Record::new(key, format!("{at:08}")).unwrap());
    let mut stream = Stubborn(Vec::new());
    let incomplete = run(producer(3).send(records, 7), &mut stream).unwrap_err();
    let accepted: Vec<_> = stream.0.iter().map(|record| place(record)).collect();
    assert_eq!(accepted, [0, 4, 2]);
    let reasons: Vec<_> = incomplete.unaccepted().iter().map(|u| (u.index, &u.reason)).collect();
    let refused = Reason::Refused { code: THROUGHPUT.to_owned() };
    assert_eq!(reasons, [(1, &refused), (3, &Reason::HeldBack), (5, &Reason::HeldBack)]);
}
