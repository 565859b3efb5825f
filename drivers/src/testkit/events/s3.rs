//! Notifications of S3.

use apptheory_core::percent;
use serde_json::{Value, json};

use super::REGION;
use super::records::records;

/// Creates an event of objects in an S3 bucket. Keys are encoded as S3 does.
#[must_use]
pub fn s3<O: Into<S3Entry>>(bucket: &str, entries: impl IntoIterator<Item = O>) -> Value {
    records(entries, |number, entry| {
        let S3Entry { event_name, key, size, version_id } = entry.into();
        let key: Vec<_> = key.split('/').map(percent::encode).collect();
        let mut object = json!({
            "key": key.join("/").replace("%20", "+"),
            "sequencer": format!("{number:016X}"),
        });
        if event_name.starts_with("ObjectCreated:") {
            object["size"] = size.into();
            object["eTag"] = "d41d8cd98f00b204e9800998ecf8427e".into();
        }
        if let Some(version_id) = version_id {
            object["versionId"] = version_id.into();
        }
        json!({
            "eventVersion": "2.1",
            "eventSource": "aws:s3",
            "awsRegion": REGION,
            "eventTime": "1970-01-01T00:00:00.000Z",
            "eventName": event_name,
            "userIdentity": {"principalId": "AWS:TEST"},
            "requestParameters": {"sourceIPAddress": "192.0.2.1"},
            "responseElements": {"x-amz-request-id": format!("s3-{number}"), "x-amz-id-2": ""},
            "s3": {
                "s3SchemaVersion": "1.0",
                "configurationId": "test",
                "bucket": {
                    "name": bucket,
                    "ownerIdentity": {"principalId": "TEST"},
                    "arn": format!("arn:aws:s3:::{bucket}"),
                },
                "object": object,
            },
        })
    })
}

/// An event of an S3 object. Texts convert into the creation of an object with that key.
#[derive(Clone, Debug)]
pub struct S3Entry {
    event_name: String,
    key: String,
    size: u64,
    version_id: Option<String>,
}

impl S3Entry {
    /// Creates the creation of an empty object. Pass the key unencoded.
    #[must_use]
    pub fn put(key: &str) -> Self {
        let event_name = "ObjectCreated:Put".to_owned();
        Self { event_name, key: key.to_owned(), size: 0, version_id: None }
    }

    /// Creates the deletion of an object. Pass the key unencoded.
    #[must_use]
    pub fn delete(key: &str) -> Self {
        Self::put(key).event_name("ObjectRemoved:Delete")
    }

    /// Sets the event's name, such as `ObjectRestore:Completed`.
    #[must_use]
    pub fn event_name(self, name: &str) -> Self {
        Self { event_name: name.to_owned(), ..self }
    }

    /// Sets the size, in bytes.
    #[must_use]
    pub fn size(self, bytes: u64) -> Self {
        Self { size: bytes, ..self }
    }

    /// Sets the version.
    #[must_use]
    pub fn version_id(self, id: &str) -> Self {
        Self { version_id: Some(id.to_owned()), ..self }
    }
}

impl From<&str> for S3Entry {
    fn from(key: &str) -> Self {
        Self::put(key)
    }
}

impl From<String> for S3Entry {
    fn from(key: String) -> Self {
        Self::put(&key)
    }
}
