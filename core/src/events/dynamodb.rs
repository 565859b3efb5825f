//! Changes of DynamoDB tables, from their streams.

use alloc::format;
use alloc::string::{String, ToString};

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::arn::{ArnKind, name_from_arn};
use super::batch_event::BatchRecord;
use super::error::Error;
use super::text::{OwnedJson, Text};
use crate::document::{Document, Object, Value};
use crate::json::{JsonError, Misread};
use crate::printing::prints;
use crate::sanitize::log_safe_value;
use crate::store::{Item, ReadError};

/// A change of an item. Missing values are empty.
///
/// For the table of the event bus, use [`EventCodec`](crate::eventbus::EventCodec) to read records
/// as events.
#[derive(Clone)]
pub struct DynamoDbRecord<'a> {
    /// The id of the event.
    pub event_id: Text<'a>,
    /// `INSERT`, `MODIFY` or `REMOVE`.
    pub event_name: Text<'a>,
    /// The stream's ARN.
    pub event_source_arn: Text<'a>,
    /// The record's position in its shard.
    pub sequence_number: Text<'a>,
    /// The identity that made the change, if DynamoDB itself did; `None` for all other changes.
    pub user_identity: Option<UserIdentity<'a>>,
    text: Text<'a>,
    /// Only set in records that arrive through Kinesis.
    table_name: Text<'a>,
    keys: Option<Text<'a>>,
    new_image: Option<Text<'a>>,
    old_image: Option<Text<'a>>,
}

prints!(DynamoDbRecord<'_>: event_id, event_name, event_source_arn, sequence_number);

/// A change of an item, as values of a program's own type.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Change<T> {
    /// The item before the change; `None` if it is new, or not in the stream.
    pub old: Option<T>,
    /// The item after the change; `None` if it was removed, or not in the stream.
    pub new: Option<T>,
    /// Whether DynamoDB removed the item because its time to live expired.
    pub is_expiry: bool,
}

/// The identity of a change that DynamoDB itself made.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct UserIdentity<'a> {
    /// `Service`, for DynamoDB itself.
    pub identity_type: Text<'a>,
    /// `dynamodb.amazonaws.com`, for DynamoDB itself.
    pub principal_id: Text<'a>,
}

impl<'a> DynamoDbRecord<'a> {
    /// Reads a record. Items are read later, on demand.
    ///
    /// # Errors
    ///
    /// [`Error`] if a member has the wrong type or occurs twice, or the record is from another
    /// service than its batch.
    pub fn read(record: &BatchRecord<'a>) -> Result<Self, Error> {
        record.read(|object| Self::of(object, record.as_json()))
    }

    pub(super) fn of(object: Object<'a, '_>, text: &'a str) -> Result<Self, JsonError> {
        let [change, identity, event_id, event_name, event_source_arn, table_name] = object
            .get_each([
                "dynamodb",
                "userIdentity",
                "eventID",
                "eventName",
                "eventSourceARN",
                "tableName",
            ]);
        let names = ["SequenceNumber", "Keys", "NewImage", "OldImage"];
        let [sequence_number, keys, new_image, old_image] = change?.object()?.get_each(names);
        let json = |value: Value<'a, '_>| value.filled().map(|value| value.json().into());
        let user_identity = match identity?.filled() {
            None => None,
            Some(identity) => {
                let identity = identity.object()?;
                Some(UserIdentity {
                    identity_type: identity.text("type")?.into(),
                    principal_id: identity.text("principalId")?.into(),
                })
            }
        };
        Ok(Self {
            event_id: event_id?.text()?.into(),
            event_name: event_name?.text()?.into(),
            event_source_arn: event_source_arn?.text()?.into(),
            sequence_number: sequence_number?.text()?.into(),
            user_identity,
            text: text.into(),
            table_name: table_name?.text()?.into(),
            keys: json(keys?),
            new_image: json(new_image?),
            old_image: json(old_image?),
        })
    }

    /// Returns the record as it is in the event.
    #[must_use]
    pub fn as_json(&self) -> &str {
        &self.text
    }

    /// Returns a copy that does not borrow from the event.
    #[must_use]
    pub fn into_owned(self) -> DynamoDbRecord<'static> {
        let owned = OwnedJson::of(&self.text);
        DynamoDbRecord {
            event_id: owned.text(self.event_id),
            event_name: owned.text(self.event_name),
            event_source_arn: owned.text(self.event_source_arn),
            sequence_number: owned.text(self.sequence_number),
            user_identity: self.user_identity.map(|identity| UserIdentity {
                identity_type: owned.text(identity.identity_type),
                principal_id: owned.text(identity.principal_id),
            }),
            table_name: owned.text(self.table_name),
            keys: self.keys.map(|text| owned.text(text)),
            new_image: self.new_image.map(|text| owned.text(text)),
            old_image: self.old_image.map(|text| owned.text(text)),
            text: owned.json(),
        }
    }

    /// Returns the name of the changed table; empty if it is unknown.
    #[must_use]
    pub fn table(&self) -> &str {
        match name_from_arn(ArnKind::DynamoDbStream, &self.event_source_arn) {
            "" => &self.table_name,
            table => table,
        }
    }

    /// Returns whether DynamoDB removed the item because its time to live expired.
    #[must_use]
    pub fn is_expiry(&self) -> bool {
        let by_dynamodb = |identity: &UserIdentity<'_>| {
            identity.identity_type == "Service" && identity.principal_id == "dynamodb.amazonaws.com"
        };
        self.event_name == "REMOVE" && self.user_identity.as_ref().is_some_and(by_dynamodb)
    }

    /// Returns the key of the item; `None` if it is not in the stream.
    ///
    /// # Errors
    ///
    /// [`ReadError`] if it does not consist of DynamoDB attribute values.
    pub fn keys(&self) -> Result<Option<Item>, ReadError> {
        item(self.keys.as_deref())
    }

    /// Returns the item after the change; `None` if it was removed, or not in the stream.
    ///
    /// # Errors
    ///
    /// [`ReadError`] if it does not consist of DynamoDB attribute values.
    pub fn new_image(&self) -> Result<Option<Item>, ReadError> {
        item(self.new_image.as_deref())
    }

    /// Returns the item before the change; `None` if it is new, or not in the stream.
    ///
    /// # Errors
    ///
    /// [`ReadError`] if it does not consist of DynamoDB attribute values.
    pub fn old_image(&self) -> Result<Option<Item>, ReadError> {
        item(self.old_image.as_deref())
    }

    /// Deserializes the images of the change with [`Item::read`].
    ///
    /// # Errors
    ///
    /// [`Misread`] if an image is not a valid `T`, or the stream has no images.
    pub fn change<T: DeserializeOwned>(&self) -> Result<Change<T>, Misread> {
        let image = |place: &str, image: Result<Option<Item>, ReadError>| {
            let expected = "attribute values of DynamoDB".to_string();
            let image = image.map_err(|_| Misread::OtherShape { path: place.into(), expected })?;
            let read = image.map(|item| item.read().map_err(|misread| misread.within(place)));
            read.transpose()
        };
        let old = image("OldImage", self.old_image())?;
        let new = image("NewImage", self.new_image())?;
        if old.is_none() && new.is_none() && self.summary().stream_view_type == "KEYS_ONLY" {
            let expected = "images: the view type of the stream is KEYS_ONLY".to_string();
            return Err(Misread::OtherShape { path: "dynamodb".into(), expected });
        }
        Ok(Change { old, new, is_expiry: self.is_expiry() })
    }

    /// Returns the loggable properties of the record, without the item.
    #[must_use]
    pub fn summary(&self) -> DynamoDbSummary {
        let document = Document::scan(&self.text);
        document.map(|document| DynamoDbSummary::of_value(document.root())).unwrap_or_default()
    }
}

/// The loggable properties of a change, without keys and images.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize)]
pub struct DynamoDbSummary {
    /// The region.
    pub aws_region: String,
    /// The id of the event.
    pub event_id: String,
    /// `INSERT`, `MODIFY` or `REMOVE`.
    pub event_name: String,
    /// One line for logs, with [escaped](log_safe_value) values.
    pub safe_log: String,
    /// The record's position in its shard.
    pub sequence_number: String,
    /// The record's size in bytes.
    pub size_bytes: i64,
    /// The images that the stream contains.
    pub stream_view_type: String,
    /// The table.
    pub table_name: String,
}

impl DynamoDbSummary {
    /// Returns the summary of any record, even an unreadable one: members with wrong types are
    /// empty, or 0.
    #[must_use]
    pub fn of(record: &BatchRecord<'_>) -> Self {
        Self::of_value(record.value())
    }

    fn of_value(record: Value<'_, '_>) -> Self {
        let change = record.member("dynamodb");
        let text = |value: Value<'_, '_>, name| value.member(name).trimmed().into_owned();
        let arn = record.member("eventSourceARN").trimmed();
        let mut summary = Self {
            aws_region: text(record, "awsRegion"),
            event_id: text(record, "eventID"),
            event_name: text(record, "eventName"),
            safe_log: String::new(),
            sequence_number: text(change, "SequenceNumber"),
            size_bytes: change.member("SizeBytes").integer(),
            stream_view_type: text(change, "StreamViewType"),
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

fn item(image: Option<&str>) -> Result<Option<Item>, ReadError> {
    image.map(Item::from_text).transpose()
}

#[cfg(test)]
mod tests {
    use alloc::collections::BTreeMap;
    use alloc::string::{String, ToString};

    use super::{Change, DynamoDbRecord};
    use crate::events::{BatchEvent, BatchSource};

    const EVENT: &str = r#"{"Records":[{"eventID":" e\n1 ","eventName":"MODIFY","awsRegion":5,
        "eventSourceARN":"a:table/t/stream/x","dynamodb":{"SequenceNumber":"7","SizeBytes":9.9,
        "StreamViewType":" KEYS_ONLY ","Keys":{"PK":{"S":"secret"}},"NewImage":5}}]}"#;

    #[test]
    fn a_summary_says_nothing_of_the_item_and_cannot_forge_lines() {
        let event = BatchEvent::read(BatchSource::DynamoDbStream, EVENT).unwrap();
        let record = DynamoDbRecord::read(&event.record(0).unwrap()).unwrap();
        let summary = record.summary();
        assert_eq!(summary.safe_log, "table=t event_id=e%0A1 event_name=MODIFY sequence_number=7");
        assert_eq!((summary.size_bytes, &*summary.stream_view_type), (9, "KEYS_ONLY"));
        assert_eq!(summary.aws_region, "");
        assert!(!serde_json::to_string(&summary).unwrap().contains("secret"));
    }

    #[test]
    fn a_change_is_one_of_values() {
        let change = |dynamodb: &str| {
            let event = alloc::format!(r#"{{"Records":[{{"dynamodb":{dynamodb}}}]}}"#);
            let event = BatchEvent::read(BatchSource::DynamoDbStream, &event).unwrap();
            let record = DynamoDbRecord::read(&event.record(0).unwrap()).unwrap();
            let change = record.change::<BTreeMap<String, u8>>();
            change.map_err(|misread| misread.to_string())
        };
        let image = |n| Some(BTreeMap::from([("n".to_string(), n)]));
        let Change { old, new, .. } =
            change(r#"{"OldImage":{"n":{"N":"1"}},"NewImage":{"n":{"N":"2"}}}"#).unwrap();
        assert_eq!((old, new), (image(1), image(2)));
        let Change { old, new, is_expiry } = change(r#"{"NewImage":{"n":{"N":"3"}}}"#).unwrap();
        assert_eq!((old, new, is_expiry), (None, image(3), false));
        assert!(change(r#"{"StreamViewType":"NEW_IMAGE"}"#).is_ok());
        for (dynamodb, expected) in [
            (
                r#"{"OldImage":{"n":{"N":"1"}},"NewImage":{"n":{"S":"secret"}}}"#,
                "invalid json of NewImage.n: expected u8",
            ),
            (
                r#"{"OldImage":{"n":"secret"}}"#,
                "invalid json of OldImage: expected attribute values of DynamoDB",
            ),
            (
                r#"{"StreamViewType":"KEYS_ONLY","Keys":{}}"#,
                "invalid json of dynamodb: expected images: the view type of the stream is KEYS_ONLY",
            ),
        ] {
            assert_eq!(change(dynamodb).unwrap_err(), expected);
        }
    }

    #[test]
    fn what_dynamodb_removed_itself_says_so() {
        let read = |name: &str, identity: &str| {
            let event = alloc::format!(
                r#"{{"Records":[{{"eventName":"{name}","userIdentity":{identity}}}]}}"#
            );
            let event = BatchEvent::read(BatchSource::DynamoDbStream, &event).unwrap();
            let record =
                DynamoDbRecord::read(&event.record(0).unwrap()).map(DynamoDbRecord::into_owned);
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
        let record = DynamoDbRecord::read(&event.record(0).unwrap()).unwrap();
        let keys = record.keys().unwrap().unwrap();
        assert_eq!(keys.text("PK"), Some("secret"));
        assert_eq!(record.old_image(), Ok(None));
        assert!(record.new_image().is_err());
    }
}
