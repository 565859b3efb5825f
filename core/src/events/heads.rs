//! The parts of records that are read in advance: routing, order and identifiers.

use alloc::borrow::Cow;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::ToString;
use alloc::sync::Arc;
use alloc::vec::Vec;

use super::arn::name_from_arn;
use super::batch_source::BatchSource;
use super::error::{Error, ErrorKind};
use super::event::{SOURCE_MEMBERS, first_source};
use crate::document::{Object, Value};
use crate::json::JsonError;

/// The part of a record that is read in advance.
#[derive(Clone, Debug)]
pub(super) struct Head<'a> {
    /// The record's place in the document.
    pub(super) place: usize,
    /// The index of the record's [origin](Heads::origins).
    pub(super) origin: usize,
    /// The service's identifier; blank if there is none.
    pub(super) identifier: Cow<'a, str>,
    /// Why the record cannot be read.
    pub(super) fault: Option<Arc<Error>>,
}

/// The origin of records. A batch has few origins, and their records share their texts.
#[derive(Clone, Debug)]
pub(super) struct Origin<'a> {
    /// The ARN, the list, or the name, as in the event.
    pub(super) source: Cow<'a, str>,
    /// The part of the origin with its own order: a shard, or a message group.
    part: Cow<'a, str>,
    /// The name by which handlers are registered.
    pub(super) name: Cow<'a, str>,
    /// The group in which records run in order; `None` for records without an order.
    pub(super) group: Option<Cow<'a, str>>,
}

/// The heads of all records of an event, in order.
#[derive(Clone, Debug)]
pub(super) struct Heads<'a> {
    service: BatchSource,
    pub(super) records: Vec<Head<'a>>,
    pub(super) origins: Vec<Origin<'a>>,
    /// Whether a record is from a FIFO queue.
    pub(super) is_fifo: bool,
}

/// The initial capacity for records: most queues send up to ten at a time.
const TYPICAL: usize = 10;

impl<'a> Heads<'a> {
    pub(super) fn read(service: BatchSource, event: Object<'a, '_>) -> Result<Self, JsonError> {
        let (records, origins) = (Vec::with_capacity(TYPICAL), Vec::new());
        let mut heads = Self { service, records, origins, is_fifo: false };
        match service {
            BatchSource::Kafka => heads.read_lists(event.object("records")?),
            BatchSource::RabbitMq => heads.read_lists(event.object("rmqMessagesByQueue")?),
            BatchSource::ActiveMq => heads.read_list(event.list("messages")?),
            BatchSource::DocumentDb => heads.read_list(event.list("events")?),
            BatchSource::Firehose => {
                let stream = event.get("deliveryStreamArn")?.trimmed();
                heads.origins.push(Origin::of(service, stream, "".into()));
                heads.read_list(event.list("records")?);
            }
            BatchSource::CloudWatchLogs => {
                heads.origins.push(Origin::of(service, "".into(), "".into()));
                heads.read_list([event.get("awslogs")?].into_iter());
            }
            BatchSource::Ses => {
                heads.origins.push(Origin::of(service, "".into(), "".into()));
                heads.read_list(event.list("Records")?);
            }
            BatchSource::Sqs
            | BatchSource::Kinesis
            | BatchSource::DynamoDbStream
            | BatchSource::S3
            | BatchSource::CodeCommit => heads.read_list(event.list("Records")?),
        }
        Ok(heads)
    }

    /// Reads records that contain their origin, or are from the last origin.
    fn read_list<'d>(&mut self, records: impl Iterator<Item = Value<'a, 'd>>)
    where
        'a: 'd,
    {
        for record in records {
            let head = self.head(record);
            self.records.push(head);
        }
    }

    /// Reads lists named after a partition or queue. A list that is invalid, or has a duplicate
    /// name, becomes an unreadable record, so that its contents are not lost. Several of them all
    /// use the place of the first.
    fn read_lists(&mut self, lists: Object<'a, '_>) {
        let (service, what) = (self.service, self.service.names().1);
        let malformed = |cause| Arc::new(Error::malformed(what, cause));
        let mut names = BTreeMap::new();
        let mut repeated = None;
        for (name, _) in lists.members() {
            let is_repeated = names.insert(name.trimmed(), false).is_some();
            if is_repeated {
                repeated.get_or_insert_with(|| malformed(name.error()));
                names.insert(name.trimmed(), true);
            }
        }
        let mut no_list = None;
        for (name, list) in lists.members() {
            let name = name.trimmed();
            let Some(records) = list.elements() else {
                let fault = no_list.get_or_insert_with(|| malformed(list.error()));
                let (fault, identifier) = (Some(Arc::clone(fault)), "".into());
                let origin = self.origins.len();
                self.origins.push(Origin::named(name));
                self.records.push(Head { place: list.place(), origin, identifier, fault });
                continue;
            };
            let fault = repeated.as_ref().filter(|_| names.get(&name) == Some(&true));
            self.origins.push(Origin::of(service, name, "".into()));
            for record in records {
                let head = self.head(record);
                let fault = fault.cloned().or(head.fault);
                self.records.push(Head { fault, ..head });
            }
        }
    }

    fn head(&mut self, record: Value<'a, '_>) -> Head<'a> {
        let mut reading = Reading { record, fault: None };
        let [lower, upper] = SOURCE_MEMBERS;
        // The members with the record's service, where they are looked up along with others.
        let mut sources = None;
        // `None` for a record from the last origin.
        let mut from = None;
        let identifier = match self.service {
            BatchSource::Sqs => {
                let names = ["eventSourceARN", "attributes", "messageId", lower, upper];
                let [arn, attributes, id, named @ ..] = reading.members(record, names);
                sources = Some(named);
                let [group] = reading.members(attributes, ["MessageGroupId"]);
                let arn = arn.trimmed();
                let is_fifo = arn.ends_with(".fifo");
                self.is_fifo |= is_fifo;
                // Message groups of standard queues serve fairness, and have no order.
                from = Some((arn, if is_fifo { group.trimmed() } else { "".into() }));
                id.trimmed()
            }
            BatchSource::Kinesis => {
                let names = ["eventSourceARN", "eventID", "kinesis", lower, upper];
                let [arn, event_id, kinesis, named @ ..] = reading.members(record, names);
                sources = Some(named);
                let [sequence_number] = reading.members(kinesis, ["sequenceNumber"]);
                // `{shard}:{sequence number}`. The response contains the sequence number only, at
                // which Lambda resumes the shard.
                let event_id = event_id.trimmed();
                let shard = part(&event_id, |id| id.split_once(':').map_or("", |(shard, _)| shard));
                from = Some((arn.trimmed(), shard));
                sequence_number.trimmed()
            }
            BatchSource::DynamoDbStream => {
                let names = ["eventSourceARN", "dynamodb", lower, upper];
                let [arn, change, named @ ..] = reading.members(record, names);
                sources = Some(named);
                let [sequence_number] = reading.members(change, ["SequenceNumber"]);
                // Records do not contain their shard, but a batch is from a single one.
                from = Some((arn.trimmed(), "".into()));
                sequence_number.trimmed()
            }
            BatchSource::Kafka => offset(reading.member(&["offset"])),
            BatchSource::S3 => {
                let [s3] = reading.members(record, ["s3"]);
                let [bucket, object] = reading.members(s3, ["bucket", "object"]);
                let [name] = reading.members(bucket, ["name"]);
                let [sequencer] = reading.members(object, ["sequencer"]);
                from = Some((name.trimmed(), "".into()));
                sequencer.trimmed()
            }
            BatchSource::Ses => reading.member(&["ses", "mail", "messageId"]).trimmed(),
            BatchSource::CloudWatchLogs => "".into(),
            BatchSource::Firehose => reading.member(&["recordId"]).trimmed(),
            BatchSource::CodeCommit => {
                let [arn, id] = reading.members(record, ["eventSourceARN", "eventId"]);
                from = Some((arn.trimmed(), "".into()));
                id.trimmed()
            }
            BatchSource::ActiveMq => {
                let destination = reading.member(&["destination", "physicalName"]).trimmed();
                from = Some((destination, "".into()));
                reading.member(&["messageID"]).trimmed()
            }
            BatchSource::RabbitMq => reading.member(&["basicProperties", "messageId"]).trimmed(),
            BatchSource::DocumentDb => {
                let database = reading.member(&["event", "ns", "db"]).trimmed();
                from = Some((database, "".into()));
                reading.member(&["event", "_id", "_data"]).trimmed()
            }
        };
        let sources = sources.unwrap_or_else(|| reading.members(record, SOURCE_MEMBERS));
        let fault = reading.fault(self.service, sources).map(Arc::new);
        Head { place: record.place(), origin: self.place_of(from), identifier, fault }
    }

    /// Returns the origin of a record.
    pub(super) fn origin(&self, head: &Head<'_>) -> &Origin<'a> {
        const NOWHERE: &Origin<'static> = &Origin::named(Cow::Borrowed(""));
        self.origins.get(head.origin).unwrap_or(NOWHERE)
    }

    /// Returns the index of an origin, usually that of the previous record.
    fn place_of(&mut self, from: Option<(Cow<'a, str>, Cow<'a, str>)>) -> usize {
        if let Some((source, part)) = from {
            let last = self.origins.last();
            if last.is_none_or(|last| last.source != source || last.part != part) {
                self.origins.push(Origin::of(self.service, source, part));
            }
        }
        self.origins.len().saturating_sub(1)
    }
}

impl<'a> Origin<'a> {
    const fn named(name: Cow<'a, str>) -> Self {
        const NO_TEXT: Cow<'static, str> = Cow::Borrowed("");
        Self { source: NO_TEXT, part: NO_TEXT, name, group: None }
    }

    fn of(service: BatchSource, source: Cow<'a, str>, part_of_it: Cow<'a, str>) -> Self {
        let name = match service {
            BatchSource::Sqs
            | BatchSource::Kinesis
            | BatchSource::DynamoDbStream
            | BatchSource::CodeCommit => {
                let kind = service.arn_kind();
                part(&source, |arn| kind.map_or("", |kind| name_from_arn(kind, arn)))
            }
            BatchSource::Kafka => {
                part(&source, |list| list.rsplit_once('-').map_or(list, |(topic, _)| topic))
            }
            BatchSource::RabbitMq => part(&source, |list| queue_and_host(list).0),
            BatchSource::Firehose => {
                part(&source, |arn| arn.rsplit_once('/').map_or(arn, |(_, name)| name))
            }
            BatchSource::S3 | BatchSource::ActiveMq | BatchSource::DocumentDb => source.clone(),
            // A mail does not contain the rule that received it, so one handler is for all mails.
            // The log group is inside the compressed data.
            BatchSource::Ses | BatchSource::CloudWatchLogs => service.name().into(),
        };
        let group = match service {
            BatchSource::Sqs if part_of_it.is_empty() => None,
            BatchSource::Sqs | BatchSource::Kinesis => {
                Some(format!("{source} {part_of_it}").into())
            }
            BatchSource::DynamoDbStream | BatchSource::Kafka | BatchSource::RabbitMq => {
                Some(source.clone())
            }
            BatchSource::S3
            | BatchSource::Ses
            | BatchSource::CodeCommit
            | BatchSource::ActiveMq
            | BatchSource::DocumentDb
            | BatchSource::Firehose
            | BatchSource::CloudWatchLogs => None,
        };
        Self { source, part: part_of_it, name, group }
    }
}

/// A record whose members are looked up, and its first duplicate member.
struct Reading<'a, 'd> {
    record: Value<'a, 'd>,
    fault: Option<JsonError>,
}

impl<'a, 'd> Reading<'a, 'd> {
    /// Returns members of an object in the record, of any type. Only a duplicate member is an
    /// error.
    fn members<const N: usize>(
        &mut self,
        object: Value<'a, 'd>,
        names: [&str; N],
    ) -> [Value<'a, 'd>; N] {
        object.members_or_twice(names).map(|(member, twice)| {
            self.fault = self.fault.or(twice);
            member
        })
    }

    /// The same of one member, by its path.
    fn member(&mut self, path: &[&str]) -> Value<'a, 'd> {
        path.iter().fold(self.record, |object, name| {
            let [member] = self.members(object, [name]);
            member
        })
    }

    /// Returns why the record cannot be read, if it cannot, given the members with its service.
    fn fault(self, service: BatchSource, sources: [Value<'_, '_>; 2]) -> Option<Error> {
        let (_, what) = service.names();
        if let Some(cause) = self.fault {
            return Some(Error::malformed(what, cause));
        }
        let service_name = first_source(sources)?;
        let why = "it is from another service";
        let is_foreign = service_name != service.event_source();
        is_foreign.then(|| Error::refused(ErrorKind::ForeignRecord, what, why))
    }
}

/// Returns a part of a text.
pub(super) fn part<'a>(text: &Cow<'a, str>, of: impl Fn(&str) -> &str) -> Cow<'a, str> {
    match text {
        Cow::Borrowed(text) => Cow::Borrowed(of(text)),
        Cow::Owned(text) => Cow::Owned(of(text).to_string()),
    }
}

/// Splits a RabbitMQ queue from its virtual host, which events join: `{queue}::{virtual host}`.
pub(super) fn queue_and_host(list: &str) -> (&str, &str) {
    list.rsplit_once("::").unwrap_or((list, ""))
}

/// Returns an offset in a Kafka partition as text; empty if it is not a valid offset.
fn offset<'a>(value: Value<'a, '_>) -> Cow<'a, str> {
    let is_offset = value.json().parse::<i64>().is_ok_and(|offset| offset >= 0);
    if is_offset { value.json().into() } else { "".into() }
}
