//! Batches: which record may run next, and the response.

use alloc::borrow::Cow;
use alloc::collections::{BTreeMap, BinaryHeap};
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::cmp::Reverse;
use core::fmt;

use super::error::{Error, ErrorKind};
use crate::json::{ObjectWriter, write_array};
use crate::time::Timestamp;

/// Says what happens to the rest of a batch after a record has failed.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum AfterFailure {
    /// The rest runs. Records after the failed one run before it succeeds, and again when the
    /// service repeats the batch.
    #[default]
    Continue,
    /// The rest of the record's group does not run and fails, too, so that the order is kept across
    /// attempts. Other groups continue.
    SkipGroup,
    /// No further record of any group starts, and the rest of the batch fails. Running records
    /// finish. For work whose order matters across groups.
    SkipAll,
}

/// The properties of a record that a batch needs.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct BatchItem<'a> {
    /// The service's identifier of the record; blank if there is none.
    pub identifier: Cow<'a, str>,
    /// The group in which records run in order, one at a time; `None` for a record without an
    /// order.
    pub group: Option<Cow<'a, str>>,
}

/// The records of an invocation, with the result of each.
///
/// A transducer. [`take`](Self::take) returns the next record that may run: the first whose
/// predecessor in its group has finished. Take one at a time, or several concurrently. Report each
/// with [`succeed`](Self::succeed) or [`fail`](Self::fail), in any order. The batch is over when
/// `take` returns `None` and no record is running.
///
/// A record that did not succeed has failed. This includes records that did not run because of a
/// failed group or the deadline, and records that were taken and never reported, so a bug in the
/// host does not lose records.
///
/// ```
/// use apptheory_core::time::Timestamp;
/// use apptheory_core::events::{AfterFailure, Batch, BatchItem};
///
/// let items = [("1", "a"), ("2", "a"), ("3", "b")].map(|(identifier, group)| BatchItem {
///     identifier: identifier.into(),
///     group: Some(group.into()),
/// });
/// let mut batch = Batch::new(items, AfterFailure::SkipGroup);
/// let now = Timestamp::UNIX_EPOCH;
/// let (first, third) = (batch.take(now).unwrap(), batch.take(now).unwrap());
/// assert_eq!((first.index(), third.index()), (0, 2));
/// assert!(batch.take(now).is_none(), "the second waits for the first");
///
/// batch.fail(first);
/// batch.succeed(third);
/// assert!(batch.take(now).is_none(), "nothing is left to run");
/// let json = r#"{"batchItemFailures":[{"itemIdentifier":"1"},{"itemIdentifier":"2"}]}"#;
/// assert_eq!(batch.finish()?.to_json(), json);
/// # Ok::<(), apptheory_core::events::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Batch<'a> {
    records: Vec<Member<'a>>,
    /// The records whose predecessors have finished, and that were not taken.
    ready: BinaryHeap<Reverse<usize>>,
    after_failure: AfterFailure,
    stops_at: Option<Timestamp>,
    /// Whether a failure stopped all groups.
    is_stopped: bool,
}

#[derive(Clone, Debug)]
struct Member<'a> {
    identifier: Cow<'a, str>,
    /// The partition, if the identifier is an offset in a partition.
    partition: Option<Cow<'a, str>>,
    /// The next record of the group.
    successor: Option<usize>,
    /// Whether the record succeeded; `None` until it is reported.
    succeeded: Option<bool>,
}

/// The permission to run a record. Return it with the result.
#[derive(Debug)]
#[must_use = "a turn that is not reported counts as a failure"]
pub struct Turn {
    index: usize,
}

impl Turn {
    /// Returns the index of the record, from 0.
    #[must_use]
    pub const fn index(&self) -> usize {
        self.index
    }
}

impl<'a> Batch<'a> {
    /// Creates a batch of records, in their order in the event.
    #[must_use]
    pub fn new(
        items: impl IntoIterator<Item = BatchItem<'a>>,
        after_failure: AfterFailure,
    ) -> Self {
        Self::of(items, after_failure, |_| None)
    }

    /// Creates a batch of Kafka records: groups are partitions, and identifiers are offsets.
    #[must_use]
    pub fn of_partitions(
        items: impl IntoIterator<Item = BatchItem<'a>>,
        after_failure: AfterFailure,
    ) -> Self {
        Self::of(items, after_failure, |group| Some(group.clone().unwrap_or_default()))
    }

    fn of(
        items: impl IntoIterator<Item = BatchItem<'a>>,
        after_failure: AfterFailure,
        partition: impl Fn(&Option<Cow<'a, str>>) -> Option<Cow<'a, str>>,
    ) -> Self {
        let items = items.into_iter();
        let (len, _) = items.size_hint();
        let mut records: Vec<Member<'a>> = Vec::with_capacity(len);
        let mut ready = BinaryHeap::with_capacity(len);
        let mut last_of_group = BTreeMap::new();
        for (index, BatchItem { identifier, group }) in items.enumerate() {
            let partition = partition(&group);
            records.push(Member { identifier, partition, successor: None, succeeded: None });
            let predecessor = group.and_then(|group| last_of_group.insert(group, index));
            match predecessor.and_then(|predecessor: usize| records.get_mut(predecessor)) {
                Some(predecessor) => predecessor.successor = Some(index),
                None => ready.push(Reverse(index)),
            }
        }
        Self { records, ready, after_failure, stops_at: None, is_stopped: false }
    }

    /// Starts no record at or after `instant`. The time after that is for running records and the
    /// response.
    #[must_use]
    pub fn stopping_at(self, instant: Timestamp) -> Self {
        Self { stops_at: Some(instant), ..self }
    }

    /// Returns the first record that may run now. `None` if others have to finish first, all have
    /// been taken, the time to stop has come, or a failure has stopped the batch.
    pub fn take(&mut self, now: Timestamp) -> Option<Turn> {
        if self.is_stopped || self.stops_at.is_some_and(|instant| now >= instant) {
            return None;
        }
        self.ready.pop().map(|Reverse(index)| Turn { index })
    }

    /// Reports that a record succeeded.
    pub fn succeed(&mut self, turn: Turn) {
        let successor = self.report(&turn, true);
        self.ready.extend(successor.map(Reverse));
    }

    /// Reports that a record failed: it could not be read, it has no handler, or its handler failed
    /// or panicked.
    pub fn fail(&mut self, turn: Turn) {
        let successor = self.report(&turn, false);
        match self.after_failure {
            AfterFailure::Continue => self.ready.extend(successor.map(Reverse)),
            AfterFailure::SkipGroup => {}
            AfterFailure::SkipAll => self.is_stopped = true,
        }
    }

    /// Stores the result of a record, and returns the next record of its group.
    fn report(&mut self, turn: &Turn, succeeded: bool) -> Option<usize> {
        let record = self.records.get_mut(turn.index)?;
        record.succeeded = Some(succeeded);
        record.successor
    }

    /// Yields the indices of the records without a result: they did not run, or were abandoned.
    pub fn unfinished(&self) -> impl Iterator<Item = usize> {
        let records = self.records.iter().enumerate();
        records.filter(|(_, record)| record.succeeded.is_none()).map(|(index, _)| index)
    }

    /// Returns the response, which lists every record that did not succeed, in order.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::UnnamedRecord`] if one of these has no identifier. The service then repeats the
    /// whole batch.
    pub fn finish(self) -> Result<BatchResponse, Error> {
        let failed = self.records.into_iter().filter(|record| record.succeeded != Some(true));
        let failures = failed.map(|record| record.identifier());
        failures.collect::<Result<_, _>>().map(|failures| BatchResponse { failures })
    }
}

impl Member<'_> {
    fn identifier(self) -> Result<ItemIdentifier, Error> {
        // If left out, the record would count as handled. With an empty identifier, the whole batch
        // would fail without a reason.
        const UNNAMED: Error =
            Error::new(ErrorKind::UnnamedRecord, "apptheory: failed record has no identifier");
        match (self.identifier.trim(), self.partition) {
            ("", _) => Err(UNNAMED),
            (id, None) => Ok(ItemIdentifier::Id(id.to_string())),
            (offset, Some(partition)) => {
                let offset = offset.parse().map_err(|_| UNNAMED)?;
                Ok(ItemIdentifier::Offset { partition: partition.into_owned(), offset })
            }
        }
    }
}

/// The service's identifier of a failed record. Its text is the id, or `{partition}:{offset}`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum ItemIdentifier {
    /// A message id of SQS, or a sequence number of a stream.
    Id(String),
    /// A position in a Kafka partition.
    Offset {
        /// The topic and the number of the partition, as in `orders-0`.
        partition: String,
        /// The record's offset in the partition.
        offset: i64,
    },
}

impl fmt::Display for ItemIdentifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id(id) => f.write_str(id),
            Self::Offset { partition, offset } => write!(f, "{partition}:{offset}"),
        }
    }
}

/// The response to a batch. Set `ReportBatchItemFailures` on the event source mapping: without it,
/// the service ignores the response, and treats the batch as successful.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct BatchResponse {
    /// The identifiers of records to repeat, in order. For streams and partitions, the service
    /// restarts at the lowest.
    pub failures: Vec<ItemIdentifier>,
}

impl BatchResponse {
    /// Returns the response as JSON: `{"batchItemFailures":[{"itemIdentifier":"…"}]}`. For Kafka an
    /// identifier is an object: `{"partition":"orders-0","offset":5}`.
    #[must_use]
    pub fn to_json(&self) -> String {
        let mut out = String::new();
        let mut object = ObjectWriter::begin(&mut out);
        let failures = object.member("batchItemFailures");
        write_array(&self.failures, failures, |identifier, out| {
            let mut failure = ObjectWriter::begin(out);
            match identifier {
                ItemIdentifier::Id(id) => failure.text("itemIdentifier", id),
                ItemIdentifier::Offset { partition, offset } => {
                    let mut place = ObjectWriter::begin(failure.member("itemIdentifier"));
                    place.text("partition", partition);
                    place.value("offset", &(*offset).into());
                    place.end();
                }
            }
            failure.end();
        });
        object.end();
        out
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;
    use alloc::vec::Vec;

    use super::{AfterFailure, Batch, BatchItem, ErrorKind, ItemIdentifier};
    use crate::time::Timestamp;

    fn item<'a>(identifier: &'a str, group: Option<&'a str>) -> BatchItem<'a> {
        BatchItem { identifier: identifier.into(), group: group.map(Into::into) }
    }

    /// Runs records one by one; those in `failing` fail.
    fn run<'a>(
        items: &[BatchItem<'a>],
        after: AfterFailure,
        failing: &[usize],
    ) -> (Vec<usize>, Batch<'a>) {
        let mut batch = Batch::new(items.iter().cloned(), after);
        let mut ran = Vec::new();
        while let Some(turn) = batch.take(Timestamp::UNIX_EPOCH) {
            ran.push(turn.index());
            if failing.contains(&turn.index()) { batch.fail(turn) } else { batch.succeed(turn) }
        }
        (ran, batch)
    }

    #[test]
    fn the_rest_of_a_failed_group_runs_or_does_not() {
        let (a, b) = (Some("a"), Some("b"));
        let items = [item("1", a), item("2", b), item(" 2 ", a), item("4", b), item("5", None)];
        let (ran, batch) = run(&items, AfterFailure::SkipGroup, &[0, 4]);
        assert_eq!(ran, [0, 1, 3, 4]);
        let failures = batch.finish().unwrap().failures;
        assert_eq!(failures, ["1", "2", "5"].map(|id| ItemIdentifier::Id(id.into())));
        let (ran, batch) = run(&items, AfterFailure::Continue, &[0, 4]);
        assert_eq!(ran, [0, 1, 2, 3, 4]);
        assert_eq!(batch.unfinished().count(), 0);
    }

    #[test]
    fn what_was_not_run_or_not_reported_has_failed() {
        let items = [item("1", None), item("2", None), item("3", None)];
        let at = Timestamp::from_unix_seconds;
        let mut batch = Batch::new(items, AfterFailure::Continue).stopping_at(at(9));
        let first = batch.take(at(0)).expect("a record");
        drop(batch.take(at(8)).expect("another"));
        assert!(batch.take(at(9)).is_none());
        batch.succeed(first);
        assert_eq!(batch.unfinished().collect::<Vec<_>>(), [1, 2]);
        let json = r#"{"batchItemFailures":[{"itemIdentifier":"2"},{"itemIdentifier":"3"}]}"#;
        assert_eq!(batch.finish().map(|answer| answer.to_json()), Ok(json.to_string()));
    }

    #[test]
    fn a_failure_without_identifier_is_never_left_out() {
        let items = [item(" ", None), item("2", None)];
        let (_, batch) = run(&items, AfterFailure::Continue, &[0]);
        let error = batch.finish().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::UnnamedRecord);
        assert_eq!(error.to_string(), "apptheory: failed record has no identifier");
        let (_, batch) = run(&items, AfterFailure::Continue, &[]);
        assert_eq!(batch.finish().unwrap().to_json(), r#"{"batchItemFailures":[]}"#);
    }

    #[test]
    fn records_of_partitions_are_named_by_their_offsets() {
        let items = [
            item("5", Some("a-0")),
            item("6", Some("a-0")),
            item("5", Some("a-1")),
            item(" 9223372036854775807", Some("a-2")),
        ];
        let mut batch = Batch::of_partitions(items, AfterFailure::SkipGroup);
        let now = Timestamp::UNIX_EPOCH;
        let (first, third) = (batch.take(now).unwrap(), batch.take(now).unwrap());
        batch.fail(first);
        batch.succeed(third);
        let answer = batch.finish().unwrap();
        let named: Vec<_> = answer.failures.iter().map(ToString::to_string).collect();
        assert_eq!(named, ["a-0:5", "a-0:6", "a-2:9223372036854775807"]);
        let json = r#"{"batchItemFailures":[{"itemIdentifier":{"partition":"a-0","offset":5}},"#;
        assert!(answer.to_json().starts_with(json), "{}", answer.to_json());

        for unnamed in ["", "x", "1.5"] {
            let batch = Batch::of_partitions([item(unnamed, Some("a"))], AfterFailure::Continue);
            assert_eq!(batch.finish().unwrap_err().kind(), ErrorKind::UnnamedRecord, "{unnamed}");
        }
    }
}
