//! Notifications of S3.

use alloc::borrow::Cow;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use serde_json::Value as Json;

use super::batch_event::BatchRecord;
use super::error::Error;
use super::text::{OwnedJson, Text};
use crate::document::{Document, Object};
use crate::json::{self, JsonError};
use crate::percent::decode_form;
use crate::printing::prints;

/// A change of an S3 object. Missing values are empty.
#[derive(Clone)]
pub struct S3Record<'a> {
    /// The event's name: `ObjectCreated:Put`, `ObjectRemoved:Delete` and so on.
    pub event_name: Text<'a>,
    /// When it happened, in S3's format.
    pub event_time: Text<'a>,
    /// The bucket's region.
    pub aws_region: Text<'a>,
    /// The bucket's name.
    pub bucket: Text<'a>,
    /// The bucket's ARN.
    pub bucket_arn: Text<'a>,
    /// The object's key, decoded from the encoding of notifications, as SDKs expect it.
    pub key: Text<'a>,
    /// The object's size in bytes; `None` if the notification has no size, as after a removal.
    pub size: Option<u64>,
    /// The object's entity tag.
    pub etag: Text<'a>,
    /// The object's version, if the bucket has versioning.
    pub version_id: Text<'a>,
    /// A hexadecimal number that is larger for later events of the same key. To compare two, pad
    /// them with zeros on the right to the same length.
    pub sequencer: Text<'a>,
    /// The name of the notification's configuration on the bucket.
    pub configuration_id: Text<'a>,
    id: String,
    text: Text<'a>,
}

prints!(S3Record<'_>: event_name, event_time, bucket, size, sequencer);

impl<'a> S3Record<'a> {
    /// Reads a record, and decodes the key once.
    ///
    /// # Errors
    ///
    /// [`Error`] if a member has the wrong type or occurs twice, or the record is from another
    /// service than its event.
    pub fn read(record: &BatchRecord<'a>) -> Result<Self, Error> {
        record.read(|object| Self::of(object, record.as_json()))
    }

    fn of(record: Object<'a, '_>, text: &'a str) -> Result<Self, JsonError> {
        let names = ["s3", "eventName", "eventTime", "awsRegion"];
        let [s3, event_name, event_time, aws_region] = record.get_each(names);
        let names = ["bucket", "object", "configurationId"];
        let [bucket, object, configuration_id] = s3?.object()?.get_each(names);
        let [bucket, bucket_arn] = bucket?.object()?.get_each(["name", "arn"]);
        let names = ["key", "size", "eTag", "versionId", "sequencer"];
        let [key, size, etag, version_id, sequencer] = object?.object()?.get_each(names);
        let size = size?.filled();
        let size = size.map(|size| size.json().parse().map_err(|_| size.error())).transpose()?;
        let mut read = Self {
            event_name: event_name?.text()?.into(),
            event_time: event_time?.text()?.into(),
            aws_region: aws_region?.text()?.into(),
            bucket: bucket?.text()?.into(),
            bucket_arn: bucket_arn?.text()?.into(),
            key: decoded(key?.text()?).into(),
            size,
            etag: etag?.text()?.into(),
            version_id: version_id?.text()?.into(),
            sequencer: sequencer?.text()?.into(),
            configuration_id: configuration_id?.text()?.into(),
            id: String::new(),
            text: text.into(),
        };
        if !read.sequencer.trim().is_empty() {
            let Self { event_name, key, version_id, sequencer, .. } = &read;
            read.id = format!("{event_name} {sequencer} {version_id} {key}");
        }
        Ok(read)
    }

    /// Returns an id of the notification: its event name, sequencer, version and key. The id stays
    /// the same if S3 sends the notification again. Empty without a sequencer.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Returns whether an object was written: the event's name begins with `ObjectCreated:`.
    #[must_use]
    pub fn is_created(&self) -> bool {
        self.event_name.starts_with("ObjectCreated:")
    }

    /// Returns whether an object or version was removed, by a caller or a rule of the bucket: the
    /// event's name begins with `ObjectRemoved:` or `LifecycleExpiration:`.
    #[must_use]
    pub fn is_removed(&self) -> bool {
        ["ObjectRemoved:", "LifecycleExpiration:"]
            .into_iter()
            .any(|removed| self.event_name.starts_with(removed))
    }

    /// Returns the record as it is in the event.
    #[must_use]
    pub fn as_json(&self) -> &str {
        &self.text
    }

    /// Returns a copy that does not borrow from the event.
    #[must_use]
    pub fn into_owned(self) -> S3Record<'static> {
        let owned = OwnedJson::of(&self.text);
        S3Record {
            event_name: owned.text(self.event_name),
            event_time: owned.text(self.event_time),
            aws_region: owned.text(self.aws_region),
            bucket: owned.text(self.bucket),
            bucket_arn: owned.text(self.bucket_arn),
            key: owned.text(self.key),
            size: self.size,
            etag: owned.text(self.etag),
            version_id: owned.text(self.version_id),
            sequencer: owned.text(self.sequencer),
            configuration_id: owned.text(self.configuration_id),
            id: self.id,
            text: owned.json(),
        }
    }
}

/// Decodes a key of a notification.
fn decoded(key: Cow<'_, str>) -> Cow<'_, str> {
    match key {
        Cow::Borrowed(key) => decode_form(key),
        Cow::Owned(key) => Cow::Owned(decode_form(&key).into_owned()),
    }
}

/// An S3 notification as it arrives in a queue message or an SNS notification. Can be nested in
/// other envelopes, as in [`Sns`](super::Sns)`<S3Notification>`:
///
/// ```
/// use apptheory_core::events::S3Notification;
/// use apptheory_core::json;
///
/// let body = r#"{"Records":[{"eventSource":"aws:s3","eventName":"ObjectCreated:Put",
///     "s3":{"bucket":{"name":"photos"},"object":{"key":"my+cat.jpg","size":9}}}]}"#;
/// let notification: S3Notification = json::read(body.as_bytes())?;
/// assert_eq!(notification.objects[0].key, "my cat.jpg");
/// # Ok::<(), json::Misread>(())
/// ```
///
/// The test message that S3 sends once for a new notification has no objects.
#[derive(Clone, Debug, Default)]
pub struct S3Notification {
    /// The changes of objects.
    pub objects: Vec<S3Record<'static>>,
}

impl<'de> Deserialize<'de> for S3Notification {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Notification {
            #[serde(default, rename = "Records")]
            records: Vec<Json>,
        }

        let Notification { records } = Notification::deserialize(deserializer)?;
        let objects = records.iter().map(|record| {
            let text = json::to_text(record);
            let document = Document::scan(&text)?;
            S3Record::of(document.object()?, &text).map(S3Record::into_owned)
        });
        let objects: Result<_, JsonError> = objects.collect();
        objects
            .map(|objects| Self { objects })
            .map_err(|_| D::Error::custom("a record is not an S3 notification"))
    }
}

#[cfg(test)]
mod tests {
    use alloc::format;
    use alloc::string::ToString;

    use super::{S3Notification, S3Record};
    use crate::events::{BatchEvent, BatchSource};
    use crate::json;

    fn read(object: &str) -> Option<S3Record<'static>> {
        let event = format!(
            r#"{{"Records":[{{"eventSource":"aws:s3","eventName":"ObjectRemoved:Delete",
            "s3":{{"bucket":{{"name":"b"}},"object":{object}}}}}]}}"#
        );
        let event = BatchEvent::read(BatchSource::S3, &event).unwrap();
        assert_eq!(event.record(0).unwrap().name(), "b");
        S3Record::read(&event.record(0).unwrap()).ok().map(S3Record::into_owned)
    }

    #[test]
    fn keys_are_decoded_once() {
        for (written, key) in [
            ("a+b%2Bc.jpg", "a b+c.jpg"),
            ("%C3%BC%2520", "ü%20"),
            ("100%", "100%"),
            ("a\\u002bb", "a b"),
            ("plain/key", "plain/key"),
        ] {
            let object = read(&format!(r#"{{"key":"{written}"}}"#)).unwrap();
            assert_eq!(object.key, key, "{written}");
        }
    }

    #[test]
    fn sizes_are_whole_or_not_there() {
        let size = |size: &str| read(&format!(r#"{{"size":{size}}}"#)).map(|object| object.size);
        assert_eq!((size("0"), size("null")), (Some(Some(0)), Some(None)));
        assert_eq!(size("5497558138880"), Some(Some(5_497_558_138_880)));
        assert_eq!((size("-1"), size("1.5"), size("\"1\"")), (None, None, None));
    }

    #[test]
    fn an_id_is_of_one_event_of_one_object() {
        let id = |object: &str| read(object).unwrap().id().to_string();
        assert_eq!(id(r#"{"key":"a+b","sequencer":"0A"}"#), "ObjectRemoved:Delete 0A  a b");
        assert_eq!(id(r#"{"key":"a"}"#), "");
        let object = read("{}").unwrap();
        assert!(object.is_removed() && !object.is_created());
    }

    #[test]
    fn a_notification_in_a_queue_lists_objects() {
        let test = br#"{"Service":"Amazon S3","Event":"s3:TestEvent","Bucket":"b"}"#;
        assert!(json::read::<S3Notification>(test).unwrap().objects.is_empty());
        let error = json::read::<S3Notification>(br#"{"Records":[{"s3":{"object":{"key":5}}}]}"#);
        let error = error.err().unwrap().to_string();
        assert!(!error.contains('5'), "{error}");
    }
}
