//! Streams in memory, for tests.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use apptheory_core::kinesis::{
    Error, MAX_RECORD_BYTES, MAX_REQUEST_BYTES, MAX_REQUEST_RECORDS, Misconfiguration, PutRecords,
    PutResult, Record, StreamName,
};

use crate::execute::Execute;

/// Streams that keep what is put into them, in order of acceptance, and fail as planned. Clones share
/// them.
///
/// Like Kinesis, they refuse requests to streams that are not there, and those with more records or
/// bytes than a request may have. All records of a stream are in one shard.
#[derive(Clone, Debug, Default)]
pub struct MemoryStreams(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    streams: BTreeMap<StreamName, Vec<Arc<Record>>>,
    faults: BTreeMap<u64, Fault>,
    requests: u64,
}

/// What goes wrong with a request.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Fault {
    /// Nothing of it is accepted, and it is answered so.
    Failed(Error),
    /// It is carried out, but its reply is lost, and this is answered in its place.
    LostReply(Error),
    /// Some of its records are refused with these codes, by their places in the request.
    Refused(BTreeMap<usize, String>),
}

impl Fault {
    /// Refuses the records at these places of a request with a code of Kinesis'.
    #[must_use]
    pub fn refusing(places: impl IntoIterator<Item = usize>, code: &str) -> Self {
        Self::Refused(places.into_iter().map(|place| (place, code.to_owned())).collect())
    }
}

impl MemoryStreams {
    /// Makes these streams, without records.
    #[must_use]
    pub fn new(names: impl IntoIterator<Item = StreamName>) -> Self {
        let streams = names.into_iter().map(|name| (name, Vec::new())).collect();
        Self(Arc::new(Mutex::new(State { streams, ..State::default() })))
    }

    /// Lets a request go wrong, by its number: the first one is number 1. The last plan for a number
    /// counts.
    pub fn plan(&self, request: u64, fault: Fault) {
        self.state().faults.insert(request, fault);
    }

    /// Returns the records of a stream in the order in which they were accepted; empty if there is no
    /// such stream.
    #[must_use]
    pub fn records(&self, stream: &StreamName) -> Vec<Arc<Record>> {
        self.state().streams.get(stream).cloned().unwrap_or_default()
    }

    /// Returns how many requests there were.
    #[must_use]
    pub fn requests(&self) -> u64 {
        self.state().requests
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing in there panics half-way through a change: poisoning says nothing.
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
            Some(Fault::Failed(error)) => Err(error),
            Some(Fault::LostReply(error)) => self.accept(order, &BTreeMap::new()).and(Err(error)),
            Some(Fault::Refused(codes)) => self.accept(order, &codes),
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
