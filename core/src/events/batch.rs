//! Batches: which record may run now, and what is answered in the end.

use alloc::borrow::Cow;
use alloc::collections::{BTreeMap, BinaryHeap};
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::cmp::Reverse;
use core::fmt;

use super::error::{Error, ErrorKind};
use crate::json::{ObjectWriter, write_array};
use crate::time::Timestamp;

/// What happens to the rest of a batch when one of its records fails.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum AfterFailure {
    /// It runs all the same: what comes after the failed record runs before it succeeds, and
    /// again when the service sends it anew.
    #[default]
    Continue,
    /// It is not run, and fails too, so that the order holds across attempts. Other groups go on.
    SkipGroup,
    /// No further record of any group is run: the rest of the batch fails too. Those that run at
    /// that moment end as they end. For work whose order counts across groups.
    SkipAll,
}

/// What a batch has to know about a record.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct BatchItem<'a> {
    /// What the service knows the record by; blank when it has no such thing.
    pub identifier: Cow<'a, str>,
    /// The group in which records run in their order, one at a time; `None` for a record that has
    /// no order with any other.
    pub group: Option<Cow<'a, str>>,
}

/// The records of an invocation, each of which succeeds or not.
///
/// A transducer. [`take`](Self::take) says which record may run now: the first whose predecessor in
/// its group has been reported. Take one at a time, or more while others run; report each with
/// [`succeed`](Self::succeed) or [`fail`](Self::fail), in any order. When `take` gives none
/// although none is running, the batch is over.
///
/// Whatever did not succeed has failed: also what was not run because its group failed or the
/// deadline came, and what was taken and never reported. No record is lost by a mistake of its
/// host.
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
    /// Those whose predecessors were reported, and that were not taken.
    ready: BinaryHeap<Reverse<usize>>,
    after_failure: AfterFailure,
    stops_at: Option<Timestamp>,
    /// Whether a failure ended it for all groups.
    is_stopped: bool,
}

#[derive(Clone, Debug)]
struct Member<'a> {
    identifier: Cow<'a, str>,
    /// The partition that the identifier is an offset in, if it is one.
    partition: Option<Cow<'a, str>>,
    /// The next record of its group.
    successor: Option<usize>,
    /// Whether it succeeded; `None` while it is not reported.
    succeeded: Option<bool>,
}

/// A record's turn to run. Hand it back with what came of it.
#[derive(Debug)]
#[must_use = "a turn that is not reported counts as a failure"]
pub struct Turn {
    index: usize,
}

impl Turn {
    /// Which record it is, counted from 0.
    #[must_use]
    pub const fn index(&self) -> usize {
        self.index
    }
}

impl<'a> Batch<'a> {
    /// A batch of records in the order in which they came.
    #[must_use]
    pub fn new(
        items: impl IntoIterator<Item = BatchItem<'a>>,
        after_failure: AfterFailure,
    ) -> Self {
        Self::of(items, after_failure, |_| None)
    }

    /// A batch of records of Kafka: groups are partitions, and identifiers offsets in them.
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
        let mut records: Vec<Member<'a>> = Vec::new();
        let mut ready = BinaryHeap::new();
        let mut last_of_group = BTreeMap::new();
        for (index, BatchItem { identifier, group }) in items.into_iter().enumerate() {
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

    /// Takes no record at `instant` or later: the time that is left then is
    /// for those that run, and for the answer.
    #[must_use]
    pub fn stopping_at(self, instant: Timestamp) -> Self {
        Self { stops_at: Some(instant), ..self }
    }

    /// The first record that may run now. `None` when others have to be reported first, when all
    /// have been taken, when the time to stop has come, or after a failure that ends the batch.
    pub fn take(&mut self, now: Timestamp) -> Option<Turn> {
        if self.is_stopped || self.stops_at.is_some_and(|instant| now >= instant) {
            return None;
        }
        self.ready.pop().map(|Reverse(index)| Turn { index })
    }

    /// A record was handled.
    pub fn succeed(&mut self, turn: Turn) {
        let successor = self.report(&turn, true);
        self.ready.extend(successor.map(Reverse));
    }

    /// A record failed: it could not be read, nothing is registered for it, or its handler failed
    /// or panicked.
    pub fn fail(&mut self, turn: Turn) {
        let successor = self.report(&turn, false);
        match self.after_failure {
            AfterFailure::Continue => self.ready.extend(successor.map(Reverse)),
            AfterFailure::SkipGroup => {}
            AfterFailure::SkipAll => self.is_stopped = true,
        }
    }

    /// Keeps what came of a record, and returns the next one of its group.
    fn report(&mut self, turn: &Turn, succeeded: bool) -> Option<usize> {
        let record = self.records.get_mut(turn.index)?;
        record.succeeded = Some(succeeded);
        record.successor
    }

    /// The records that were not reported so far, by index: they were not run, or given up.
    pub fn unfinished(&self) -> impl Iterator<Item = usize> {
        let records = self.records.iter().enumerate();
        records.filter(|(_, record)| record.succeeded.is_none()).map(|(index, _)| index)
    }

    /// The answer: every record that did not succeed, in the order in which they came.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::UnnamedRecord`] when one of them has no identifier. The service sends the whole
    /// batch again.
    pub fn finish(self) -> Result<BatchResponse, Error> {
        let failed = self.records.into_iter().filter(|record| record.succeeded != Some(true));
        let failures = failed.map(|record| record.identifier());
        failures.collect::<Result<_, _>>().map(|failures| BatchResponse { failures })
    }
}

impl Member<'_> {
    fn identifier(self) -> Result<ItemIdentifier, Error> {
        // Left out, the record would count as handled; named by an empty text, it would fail the batch
        // without a word about why.
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

/// What a service knows a record by that failed. Its text is the id, or `{partition}:{offset}`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum ItemIdentifier {
    /// A message id of SQS, or a sequence number of a stream.
    Id(String),
    /// A place in a partition of Kafka.
    Offset {
        /// The topic and the number of the partition: `orders-0`.
        partition: String,
        /// The record's offset in it.
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

/// What an invocation with a batch answers. The service needs `ReportBatchItemFailures` on the
/// event source mapping: without it, it takes any answer for success.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct BatchResponse {
    /// The identifiers of records to send again, in the order of the records. For streams and
    /// partitions, the service starts again at the lowest.
    pub failures: Vec<ItemIdentifier>,
}

impl BatchResponse {
    /// The answer as JSON: `{"batchItemFailures":[{"itemIdentifier":"…"}]}`. For Kafka an identifier
    /// is an object: `{"partition":"orders-0","offset":5}`.
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

    /// Runs one record at a time; those of `failing` fail.
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
