//! Changes of DynamoDB tables, as their streams tell them.

use alloc::borrow::Cow;
use alloc::format;
use alloc::string::{String, ToString};

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::arn::{ArnKind, name_from_arn};
use super::raw::{integer, json_of, object, trimmed};
use super::records::BatchRecord;
use super::trigger::{RecordError, Trigger};
use crate::json;
use crate::members::{Object, Text, owned};
use crate::printing::prints;
use crate::sanitize::log_safe_value;
use crate::store::{Item, ValueError};

/// A change of an item. What the record lacks is empty.
///
/// For the table of the event bus, [`EventCodec`](crate::eventbus::EventCodec) reads records as
/// events.
#[derive(Clone)]
pub struct DynamoDbRecord<'a> {
    /// The id of the event.
    pub event_id: Cow<'a, str>,
    /// `INSERT`, `MODIFY` or `REMOVE`.
    pub event_name: Cow<'a, str>,
    /// The stream's ARN.
    pub event_source_arn: Cow<'a, str>,
    /// The record's place in its shard.
    pub sequence_number: Cow<'a, str>,
    /// Who made the change, where that was DynamoDB itself; `None` for every other change.
    pub user_identity: Option<UserIdentity<'a>>,
    text: Cow<'a, str>,
    keys: Option<Cow<'a, str>>,
    new_image: Option<Cow<'a, str>>,
    old_image: Option<Cow<'a, str>>,
}

prints!(DynamoDbRecord<'_>: event_id, event_name, event_source_arn, sequence_number);

/// Who made a change that no caller made.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct UserIdentity<'a> {
    /// `Service`, for DynamoDB itself.
    pub identity_type: Cow<'a, str>,
    /// `dynamodb.amazonaws.com`, for DynamoDB itself.
    pub principal_id: Cow<'a, str>,
}

impl<'a> DynamoDbRecord<'a> {
    /// Reads a record. Items are read when they are asked for.
    ///
    /// # Errors
    ///
    /// [`RecordError`] when a member that is read is of another type or there twice, or the record
    /// is from another service than its batch.
    pub fn read(record: &BatchRecord<'a>) -> Result<Self, RecordError> {
        #[derive(Debug, Default, Deserialize)]
        #[serde(default, rename_all = "camelCase")]
        struct Record<'a> {
            #[serde(borrow, rename = "eventID")]
            event_id: Text<'a>,
            #[serde(borrow)]
            event_name: Text<'a>,
            #[serde(borrow, rename = "eventSourceARN")]
            event_source_arn: Text<'a>,
            #[serde(borrow)]
            user_identity: Option<Object<Identity<'a>>>,
            #[serde(borrow)]
            dynamodb: Object<Change<'a>>,
        }

        #[derive(Debug, Default, Deserialize)]
        #[serde(default, rename_all = "camelCase")]
        struct Identity<'a> {
            #[serde(borrow, rename = "type")]
            identity_type: Text<'a>,
            #[serde(borrow)]
            principal_id: Text<'a>,
        }

        #[derive(Debug, Default, Deserialize)]
        #[serde(default, rename_all = "PascalCase")]
        struct Change<'a> {
            #[serde(borrow)]
            sequence_number: Text<'a>,
            #[serde(borrow)]
            keys: Option<&'a RawValue>,
            #[serde(borrow)]
            new_image: Option<&'a RawValue>,
            #[serde(borrow)]
            old_image: Option<&'a RawValue>,
        }

        let read: Record<'a> = record.read(Trigger::DynamoDbStream)?;
        let change = read.dynamodb.0;
        let identity = |Object(read): Object<Identity<'a>>| UserIdentity {
            identity_type: read.identity_type.0,
            principal_id: read.principal_id.0,
        };
        Ok(Self {
            user_identity: read.user_identity.map(identity),
            event_id: read.event_id.0,
            event_name: read.event_name.0,
            event_source_arn: read.event_source_arn.0,
            sequence_number: change.sequence_number.0,
            text: Cow::Borrowed(record.as_json()),
            keys: change.keys.map(json_of),
            new_image: change.new_image.map(json_of),
            old_image: change.old_image.map(json_of),
        })
    }

    /// The record as the event has it.
    #[must_use]
    pub fn as_json(&self) -> &str {
        &self.text
    }

    /// The record without its event, for a handler that may outlive it.
    #[must_use]
    pub fn into_owned(self) -> DynamoDbRecord<'static> {
        DynamoDbRecord {
            event_id: owned(self.event_id),
            event_name: owned(self.event_name),
            event_source_arn: owned(self.event_source_arn),
            sequence_number: owned(self.sequence_number),
            user_identity: self.user_identity.map(|identity| UserIdentity {
                identity_type: owned(identity.identity_type),
                principal_id: owned(identity.principal_id),
            }),
            text: owned(self.text),
            keys: self.keys.map(owned),
            new_image: self.new_image.map(owned),
            old_image: self.old_image.map(owned),
        }
    }

    /// The table that changed; empty when the ARN names none.
    #[must_use]
    pub fn table(&self) -> &str {
        name_from_arn(ArnKind::DynamoDbStream, &self.event_source_arn)
    }

    /// Returns whether DynamoDB removed the item because its time to live ran out, and nobody
    /// deleted it.
    #[must_use]
    pub fn is_expiry(&self) -> bool {
        let by_dynamodb = |identity: &UserIdentity<'_>| {
            identity.identity_type == "Service" && identity.principal_id == "dynamodb.amazonaws.com"
        };
        self.event_name == "REMOVE" && self.user_identity.as_ref().is_some_and(by_dynamodb)
    }

    /// The key of the item; `None` if the stream does not carry it.
    ///
    /// # Errors
    ///
    /// [`ValueError`] when it is not made of DynamoDB's attribute values.
    pub fn keys(&self) -> Result<Option<Item>, ValueError> {
        item(self.keys.as_deref())
    }

    /// The item after the change; `None` if it was removed, or the stream does not carry it.
    ///
    /// # Errors
    ///
    /// [`ValueError`] when it is not made of DynamoDB's attribute values.
    pub fn new_image(&self) -> Result<Option<Item>, ValueError> {
        item(self.new_image.as_deref())
    }

    /// The item before the change; `None` if it is new, or the stream does not carry it.
    ///
    /// # Errors
    ///
    /// [`ValueError`] when it is not made of DynamoDB's attribute values.
    pub fn old_image(&self) -> Result<Option<Item>, ValueError> {
        item(self.old_image.as_deref())
    }

    /// What of the record can be logged: nothing of the item.
    #[must_use]
    pub fn summary(&self) -> DynamoDbSummary {
        DynamoDbSummary::of_json(&self.text)
    }
}

/// What can be logged about a change: never keys or images.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize)]
pub struct DynamoDbSummary {
    /// The region.
    pub aws_region: String,
    /// The id of the event.
    pub event_id: String,
    /// `INSERT`, `MODIFY` or `REMOVE`.
    pub event_name: String,
    /// One line for logs; values in it are [escaped](log_safe_value).
    pub safe_log: String,
    /// The record's place in its shard.
    pub sequence_number: String,
    /// How large the record is, in bytes.
    pub size_bytes: i64,
    /// Which images the stream carries.
    pub stream_view_type: String,
    /// The table.
    pub table_name: String,
}

impl DynamoDbSummary {
    /// The summary of a record, also of one that cannot be read otherwise: what has another type
    /// than it should is empty, or 0.
    #[must_use]
    pub fn of(record: &BatchRecord<'_>) -> Self {
        Self::of_json(record.as_json())
    }

    fn of_json(record: &str) -> Self {
        let record: RawRecord<'_> = json::read_object(record).unwrap_or_default();
        let change: RawChange<'_> = object(record.dynamodb).unwrap_or_default();
        let arn = trimmed(record.event_source_arn);
        let mut summary = Self {
            aws_region: trimmed(record.aws_region),
            event_id: trimmed(record.event_id),
            event_name: trimmed(record.event_name),
            safe_log: String::new(),
            sequence_number: trimmed(change.sequence_number),
            size_bytes: integer(change.size_bytes),
            stream_view_type: trimmed(change.stream_view_type),
            table_name: name_from_arn(ArnKind::DynamoDbStream, &arn).to_string(),
        };
        summary.safe_log = format!(
            "table={} event_id={} event_name={} sequence_number={}",
            log_safe_value(&summary.table_name),
            log_safe_value(&summary.event_id),
            log_safe_value(&summary.event_name),
            log_safe_value(&summary.sequence_number),
        );
        summary
    }
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct RawRecord<'a> {
    #[serde(borrow, rename = "eventID")]
    event_id: Option<&'a RawValue>,
    #[serde(borrow)]
    event_name: Option<&'a RawValue>,
    #[serde(borrow, rename = "eventSourceARN")]
    event_source_arn: Option<&'a RawValue>,
    #[serde(borrow)]
    aws_region: Option<&'a RawValue>,
    #[serde(borrow)]
    dynamodb: Option<&'a RawValue>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct RawChange<'a> {
    #[serde(borrow)]
    sequence_number: Option<&'a RawValue>,
    #[serde(borrow)]
    stream_view_type: Option<&'a RawValue>,
    #[serde(borrow)]
    size_bytes: Option<&'a RawValue>,
}

fn item(image: Option<&str>) -> Result<Option<Item>, ValueError> {
    let Some(image) = image else { return Ok(None) };
    let json = serde_json::from_str(image).map_err(|_| ValueError::NotTagged)?;
    Item::from_json(&json).map(Some)
}

#[cfg(test)]
mod tests {
    use super::DynamoDbRecord;
    use crate::events::{BatchEvent, BatchSource};

    const EVENT: &str = r#"{"Records":[{"eventID":" e\n1 ","eventName":"MODIFY","awsRegion":5,
        "eventSourceARN":"a:table/t/stream/x","dynamodb":{"SequenceNumber":"7","SizeBytes":9.9,
        "StreamViewType":" KEYS_ONLY ","Keys":{"PK":{"S":"secret"}},"NewImage":5}}]}"#;

    #[test]
    fn a_summary_says_nothing_of_the_item_and_cannot_forge_lines() {
        let event = BatchEvent::read(BatchSource::DynamoDbStream, EVENT).unwrap();
        let record = DynamoDbRecord::read(&event.records()[0]).unwrap();
        let summary = record.summary();
        assert_eq!(summary.safe_log, "table=t event_id=e%0A1 event_name=MODIFY sequence_number=7");
        assert_eq!((summary.size_bytes, &*summary.stream_view_type), (9, "KEYS_ONLY"));
        assert_eq!(summary.aws_region, "");
        assert!(!serde_json::to_string(&summary).unwrap().contains("secret"));
    }

    #[test]
    fn what_dynamodb_removed_itself_says_so() {
        let read = |name: &str, identity: &str| {
            let event = alloc::format!(
                r#"{{"Records":[{{"eventName":"{name}","userIdentity":{identity}}}]}}"#
            );
            let event = BatchEvent::read(BatchSource::DynamoDbStream, &event).unwrap();
            let record = DynamoDbRecord::read(&event.records()[0]).map(DynamoDbRecord::into_owned);
            record.ok().map(|record| (record.user_identity.is_some(), record.is_expiry()))
        };
        let expiry = r#"{"type":"Service","principalId":"dynamodb.amazonaws.com"}"#;
        assert_eq!(read("REMOVE", expiry), Some((true, true)));
        assert_eq!(read("MODIFY", expiry), Some((true, false)));
        assert_eq!(read("REMOVE", "null"), Some((false, false)));
        assert_eq!(read("REMOVE", r#"{"type":"Service"}"#), Some((true, false)));
        assert_eq!(read("REMOVE", r#"{"principalId":5}"#), None);
    }

    #[test]
    fn items_are_read_when_they_are_asked_for() {
        let event = BatchEvent::read(BatchSource::DynamoDbStream, EVENT).unwrap();
        let record = DynamoDbRecord::read(&event.records()[0]).unwrap();
        let keys = record.keys().unwrap().unwrap();
        assert_eq!(keys.text("PK"), Some("secret"));
        assert_eq!(record.old_image(), Ok(None));
        assert!(record.new_image().is_err());
    }
}
