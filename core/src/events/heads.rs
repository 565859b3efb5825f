//! What of a record is read before its turn: what routes, orders and names it.

use alloc::borrow::Cow;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::ToString;
use alloc::vec::Vec;

use super::arn::name_from_arn;
use super::batch::BatchItem;
use super::batch_source::BatchSource;
use super::error::{Error, ErrorKind};
use super::event::source_of_record;
use crate::document::{Object, Value};
use crate::json::JsonError;

/// What of a record is read before its turn.
#[derive(Clone, Debug)]
pub(super) struct Head<'a> {
    /// Where in the document the record is.
    pub(super) place: usize,
    /// What it is from, as its handler is registered by.
    pub(super) name: Cow<'a, str>,
    pub(super) item: BatchItem<'a>,
    /// Why it cannot be read as a record of its batch.
    pub(super) fault: Option<Error>,
}

/// The heads of all records of an event, in the order in which they are in it.
#[derive(Debug)]
pub(super) struct Heads<'a> {
    pub(super) records: Vec<Head<'a>>,
    /// Whether one of them is from a FIFO queue.
    pub(super) is_fifo: bool,
}

impl<'a> Heads<'a> {
    pub(super) fn read(source: BatchSource, event: Object<'a, '_>) -> Result<Self, JsonError> {
        let mut heads = Self { records: Vec::new(), is_fifo: false };
        match source {
            BatchSource::Kafka => heads.of_lists(source, event.object("records")?),
            BatchSource::RabbitMq => heads.of_lists(source, event.object("rmqMessagesByQueue")?),
            BatchSource::ActiveMq => heads.of_list(source, event.list("messages")?),
            BatchSource::DocumentDb => heads.of_list(source, event.list("events")?),
            BatchSource::Firehose => {
                let stream = event.get("deliveryStreamArn")?.trimmed();
                for record in event.list("records")? {
                    let head = heads.head(source, record, stream.clone());
                    heads.records.push(head);
                }
            }
            BatchSource::CloudWatchLogs => {
                let head = heads.head(source, event.get("awslogs")?, "".into());
                heads.records.push(head);
            }
            BatchSource::Sqs
            | BatchSource::Kinesis
            | BatchSource::DynamoDbStream
            | BatchSource::S3
            | BatchSource::Ses
            | BatchSource::CodeCommit => heads.of_list(source, event.list("Records")?),
        }
        Ok(heads)
    }

    fn of_list<'d>(&mut self, source: BatchSource, records: impl Iterator<Item = Value<'a, 'd>>)
    where
        'a: 'd,
    {
        for record in records {
            let head = self.head(source, record, "".into());
            self.records.push(head);
        }
    }

    /// Lists by the name of a partition, or of a queue. One that is no list, or has the name of another
    /// one, is a record that cannot be read: what it holds is not lost. Of several such lists, all say
    /// where the first is: to find a place takes as long as the text before it.
    fn of_lists(&mut self, source: BatchSource, lists: Object<'a, '_>) {
        let what = source.names().1;
        let mut names = BTreeMap::new();
        let mut repeated = None;
        for (name, _) in lists.members() {
            let is_repeated = names.insert(name.trimmed(), false).is_some();
            if is_repeated {
                repeated.get_or_insert_with(|| Error::malformed(what, name.error()));
                names.insert(name.trimmed(), true);
            }
        }
        let mut no_list = None;
        for (name, list) in lists.members() {
            let name = name.trimmed();
            let Some(records) = list.elements() else {
                let fault = no_list.get_or_insert_with(|| Error::malformed(what, list.error()));
                let (fault, item) = (Some(fault.clone()), BatchItem::default());
                self.records.push(Head { place: list.place(), name, item, fault });
                continue;
            };
            let fault = repeated.as_ref().filter(|_| names.get(&name) == Some(&true));
            for record in records {
                let mut head = self.head(source, record, name.clone());
                if fault.is_some() {
                    head.fault = fault.cloned();
                }
                self.records.push(head);
            }
        }
    }

    /// `list` is the name of the list that the record is in, if it has one; for Firehose, its stream.
    fn head(&mut self, source: BatchSource, record: Value<'a, '_>, list: Cow<'a, str>) -> Head<'a> {
        let mut reading = Reading { record, fault: None };
        let mut group = None;
        let (name, identifier) = match source {
            BatchSource::Sqs => {
                let arn = reading.source_arn();
                let group_id = reading.member(&["attributes", "MessageGroupId"]).trimmed();
                // The message groups of other queues are about fairness, and have no order.
                if arn.ends_with(".fifo") && !group_id.is_empty() {
                    group = Some(format!("{arn} {group_id}").into());
                }
                self.is_fifo |= arn.ends_with(".fifo");
                (name_in(source, arn), reading.member(&["messageId"]).trimmed())
            }
            BatchSource::Kinesis => {
                let arn = reading.source_arn();
                // `{shard}:{sequence number}`. The sequence number alone is what the answer names, since
                // it is what Lambda takes up a shard at.
                let event_id = reading.member(&["eventID"]).trimmed();
                let shard = event_id.split_once(':').map_or("", |(shard, _)| shard);
                group = Some(format!("{arn} {shard}").into());
                let number = reading.member(&["kinesis", "sequenceNumber"]);
                (name_in(source, arn), number.trimmed())
            }
            BatchSource::DynamoDbStream => {
                let arn = reading.source_arn();
                // Nothing in a record says its shard; a batch is from one.
                group = Some(arn.clone());
                let number = reading.member(&["dynamodb", "SequenceNumber"]);
                (name_in(source, arn), number.trimmed())
            }
            BatchSource::Kafka => {
                let topic =
                    part(&list, |list| list.rsplit_once('-').map_or(list, |(topic, _)| topic));
                group = Some(list);
                (topic, offset(reading.member(&["offset"])))
            }
            BatchSource::S3 => {
                let bucket = reading.member(&["s3", "bucket", "name"]).trimmed();
                (bucket, reading.member(&["s3", "object", "sequencer"]).trimmed())
            }
            // Nothing says which rule received a mail: one handler is for all of them.
            BatchSource::Ses => {
                (source.name().into(), reading.member(&["ses", "mail", "messageId"]).trimmed())
            }
            // The log group is in the data, which is compressed.
            BatchSource::CloudWatchLogs => (source.name().into(), "".into()),
            BatchSource::Firehose => {
                let stream = part(&list, |arn| arn.rsplit_once('/').map_or(arn, |(_, name)| name));
                (stream, reading.member(&["recordId"]).trimmed())
            }
            BatchSource::CodeCommit => {
                let repository = name_in(source, reading.source_arn());
                (repository, reading.member(&["eventId"]).trimmed())
            }
            BatchSource::ActiveMq => {
                let destination = reading.member(&["destination", "physicalName"]).trimmed();
                (destination, reading.member(&["messageID"]).trimmed())
            }
            BatchSource::RabbitMq => {
                let queue = part(&list, |list| queue_and_host(list).0);
                group = Some(list);
                (queue, reading.member(&["basicProperties", "messageId"]).trimmed())
            }
            BatchSource::DocumentDb => {
                let database = reading.member(&["event", "ns", "db"]).trimmed();
                (database, reading.member(&["event", "_id", "_data"]).trimmed())
            }
        };
        let fault = reading.fault(source);
        Head { place: record.place(), name, item: BatchItem { identifier, group }, fault }
    }
}

/// A record whose members are looked up, and the first of them that comes twice.
struct Reading<'a, 'd> {
    record: Value<'a, 'd>,
    fault: Option<JsonError>,
}

impl<'a, 'd> Reading<'a, 'd> {
    /// A member of any type, by its path: only one that comes twice is a fault.
    fn member(&mut self, path: &[&str]) -> Value<'a, 'd> {
        path.iter().fold(self.record, |value, name| {
            // What is no object is not asked for one: an error takes as long as the text before it.
            if value.is_object()
                && let Err(twice) = value.object().and_then(|object| object.get(name))
            {
                self.fault.get_or_insert(twice);
            }
            value.member(name)
        })
    }

    fn source_arn(&mut self) -> Cow<'a, str> {
        self.member(&["eventSourceARN"]).trimmed()
    }

    /// Why it cannot be read as a record of its batch.
    fn fault(mut self, source: BatchSource) -> Option<Error> {
        self.member(&["eventSource"]);
        self.member(&["EventSource"]);
        let (_, what) = source.names();
        if let Some(cause) = self.fault {
            return Some(Error::malformed(what, cause));
        }
        let own = source_of_record(self.record)?;
        let why = "it is from another service";
        let is_foreign = own != source.event_source();
        is_foreign.then(|| Error::refused(ErrorKind::ForeignRecord, what, why))
    }
}

/// The name in an ARN of a source.
fn name_in(source: BatchSource, arn: Cow<'_, str>) -> Cow<'_, str> {
    part(&arn, |arn| source.arn_kind().map_or("", |kind| name_from_arn(kind, arn)))
}

/// A part of a text.
pub(super) fn part<'a>(text: &Cow<'a, str>, of: impl Fn(&str) -> &str) -> Cow<'a, str> {
    match text {
        Cow::Borrowed(text) => Cow::Borrowed(of(text)),
        Cow::Owned(text) => Cow::Owned(of(text).to_string()),
    }
}

/// A queue of RabbitMQ and its virtual host, as events write the two: `{queue}::{virtual host}`.
pub(super) fn queue_and_host(list: &str) -> (&str, &str) {
    list.rsplit_once("::").unwrap_or((list, ""))
}

/// An offset in a partition of Kafka, as it is written; empty where it is no offset.
fn offset<'a>(value: Value<'a, '_>) -> Cow<'a, str> {
    let is_offset = value.json().parse::<i64>().is_ok_and(|offset| offset >= 0);
    if is_offset { value.json().into() } else { "".into() }
}
