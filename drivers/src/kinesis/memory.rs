//! Streams in memory, for tests.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use apptheory_core::kinesis::{
    Error, MAX_RECORD_BYTES, MAX_REQUEST_BYTES, MAX_REQUEST_RECORDS, Misconfiguration, PutRecords,
    PutResult, Record, StreamName,
};

use crate::execute::Execute;

/// Streams in memory: keeps records in the order of acceptance, and fails as planned. Clones share
/// the same streams.
///
/// Like Kinesis, it refuses unknown streams, and requests with too many records or bytes. Each
/// stream has one shard.
#[derive(Clone, Debug, Default)]
pub struct MemoryStreams(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    streams: BTreeMap<StreamName, Vec<Arc<Record>>>,
    faults: BTreeMap<u64, Planned>,
    requests: u64,
}

/// A planned failure of a request.
#[derive(Debug)]
enum Planned {
    Failed(Error),
    LostReply(Error),
    /// Error codes by the record's index in the request.
    Refused(BTreeMap<usize, String>),
}

impl MemoryStreams {
    /// Creates empty streams.
    #[must_use]
    pub fn new(names: impl IntoIterator<Item = StreamName>) -> Self {
        let streams = names.into_iter().map(|name| (name, Vec::new())).collect();
        Self(Arc::new(Mutex::new(State { streams, ..State::default() })))
    }

    /// Makes request number `request` fail with `error`, so that none of its records is accepted.
    /// The first request is number 1; the last plan for a number counts.
    pub fn fail(&self, request: u64, error: Error) {
        self.plan(request, Planned::Failed(error));
    }

    /// Accepts request number `request`, but loses its reply and returns `error`. The last plan for
    /// a number counts.
    pub fn lose_reply(&self, request: u64, error: Error) {
        self.plan(request, Planned::LostReply(error));
    }

    /// Refuses the records at these indices of request number `request` with a Kinesis error code,
    /// and accepts the others. The last plan for a number counts.
    pub fn refuse(&self, request: u64, places: impl IntoIterator<Item = usize>, code: &str) {
        let codes = places.into_iter().map(|place| (place, code.to_owned())).collect();
        self.plan(request, Planned::Refused(codes));
    }

    fn plan(&self, request: u64, planned: Planned) {
        self.state().faults.insert(request, planned);
    }

    /// Returns the records of a stream in the order of acceptance; empty for an unknown stream.
    #[must_use]
    pub fn records(&self, stream: &StreamName) -> Vec<Arc<Record>> {
        self.state().streams.get(stream).cloned().unwrap_or_default()
    }

    /// Returns the number of requests.
    #[must_use]
    pub fn requests(&self) -> u64 {
        self.state().requests
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing panics while the lock is held, so a poisoned lock is still consistent.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Execute<PutRecords> for MemoryStreams {
    async fn execute(&self, order: &PutRecords) -> Result<Vec<PutResult>, Error> {
        self.state().put(order)
    }
}

impl State {
    fn put(&mut self, order: &PutRecords) -> Result<Vec<PutResult>, Error> {
        self.requests = self.requests.saturating_add(1);
        match self.faults.remove(&self.requests) {
            None => self.accept(order, &BTreeMap::new()),
            Some(Planned::Failed(error)) => Err(error),
            Some(Planned::LostReply(error)) => self.accept(order, &BTreeMap::new()).and(Err(error)),
            Some(Planned::Refused(codes)) => self.accept(order, &codes),
        }
    }

    fn accept(
        &mut self,
        order: &PutRecords,
        refused: &BTreeMap<usize, String>,
    ) -> Result<Vec<PutResult>, Error> {
        let missing = Error::Misconfigured(Misconfiguration::MissingStream);
        let stream = self.streams.get_mut(&order.stream).ok_or(missing)?;
        check(&order.records)?;
        let put = |(place, record): (usize, &Arc<Record>)| match refused.get(&place) {
            Some(code) => PutResult { error_code: code.clone(), ..PutResult::default() },
            None => {
                stream.push(Arc::clone(record));
                PutResult {
                    sequence_number: format!("{:056}", stream.len()),
                    shard_id: "shardId-000000000000".to_owned(),
                    ..PutResult::default()
                }
            }
        };
        Ok(order.records.iter().enumerate().map(put).collect())
    }
}

fn check(records: &[Arc<Record>]) -> Result<(), Error> {
    let bytes: usize = records.iter().map(|record| record.size()).sum();
    let is_valid = (1..=MAX_REQUEST_RECORDS).contains(&records.len())
        && bytes <= MAX_REQUEST_BYTES
        && records.iter().all(|record| record.size() <= MAX_RECORD_BYTES);
    if is_valid { Ok(()) } else { Err(Error::Misconfigured(Misconfiguration::InvalidRequest)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_beyond_the_limits_is_refused() {
        let stream = StreamName::new("orders").unwrap();
        let streams = MemoryStreams::new([stream.clone()]);
        let put = |count: usize, bytes: usize| {
            let record = Arc::new(Record::new("k", vec![0; bytes]).unwrap());
            let records = vec![record; count];
            streams.state().put(&PutRecords { stream: stream.clone(), records })
        };
        assert_eq!(put(MAX_REQUEST_RECORDS, 1).map(|results| results.len()), Ok(500));
        assert!(put(5, MAX_RECORD_BYTES - 1).is_ok());
        for (count, bytes) in [(0, 1), (501, 1), (6, MAX_RECORD_BYTES - 1), (1, MAX_RECORD_BYTES)] {
            let invalid = Error::Misconfigured(Misconfiguration::InvalidRequest);
            assert_eq!(put(count, bytes), Err(invalid), "{count} of {bytes}");
        }
    }
}
