//! Changes of CodeCommit repositories and DocumentDB databases.

use serde::Serialize;
use serde_json::{Value, json};

use super::records::records;
use super::{REGION, arn};
use crate::testkit::json_of;

/// Creates the event of a push to a CodeCommit repository that changes these branches and tags,
/// such as `refs/heads/main`.
#[must_use]
pub fn codecommit<R: AsRef<str>>(
    repository: &str,
    references: impl IntoIterator<Item = R>,
) -> Value {
    let references = references.into_iter().enumerate().map(|(index, name)| {
        json!({"commit": format!("{:040x}", index.saturating_add(1)), "ref": name.as_ref()})
    });
    let references: Vec<_> = references.collect();
    records([references], |number, references| {
        json!({
            "eventId": format!("push-{number}"),
            "eventVersion": "1.0",
            "eventTime": "1970-01-01T00:00:00.000+0000",
            "eventTriggerName": "test",
            "eventPartNumber": 1,
            "eventTotalParts": 1,
            "codecommit": {"references": references},
            "eventName": "ReferenceChanges",
            "eventTriggerConfigId": "0",
            "eventSourceARN": arn("codecommit", repository, str::to_owned),
            "userIdentityARN": arn("iam", "test", |name| format!("user/{name}")),
            "eventSource": "aws:codecommit",
            "awsRegion": REGION,
        })
    })
}

/// Creates an event of changes in a DocumentDB database.
#[must_use]
pub fn documentdb(database: &str, changes: impl IntoIterator<Item = DocumentChange>) -> Value {
    let changes = changes.into_iter().enumerate().map(|(index, change)| {
        let DocumentChange { operation, collection, document } = change;
        let number = index.saturating_add(1);
        let mut event = json!({
            "_id": {"_data": format!("{number:08x}")},
            "clusterTime": {"$timestamp": {"t": 0, "i": number}},
            "documentKey": {"_id": document["_id"]},
            "ns": {"db": database, "coll": collection},
            "operationType": operation,
        });
        if operation != "delete" {
            event["fullDocument"] = document;
        }
        json!({"event": event})
    });
    json!({
        "eventSource": "aws:docdb",
        "eventSourceArn": arn("rds", "test", |name| format!("cluster:{name}")),
        "events": changes.collect::<Vec<_>>(),
    })
}

/// A change of a DocumentDB document.
#[derive(Clone, Debug)]
pub struct DocumentChange {
    operation: &'static str,
    collection: String,
    document: Value,
}

impl DocumentChange {
    /// Creates the insertion of a document into a collection.
    ///
    /// # Panics
    ///
    /// If the document cannot be written as JSON.
    #[must_use]
    pub fn insert<T: Serialize + ?Sized>(collection: &str, document: &T) -> Self {
        Self::of("insert", collection, json_of(document))
    }

    /// Creates the replacement of a document.
    ///
    /// # Panics
    ///
    /// If the document cannot be written as JSON.
    #[must_use]
    pub fn replace<T: Serialize + ?Sized>(collection: &str, document: &T) -> Self {
        Self::of("replace", collection, json_of(document))
    }

    /// Creates the deletion of a document, given its `_id`.
    ///
    /// # Panics
    ///
    /// If the id cannot be written as JSON.
    #[must_use]
    pub fn delete<T: Serialize + ?Sized>(collection: &str, id: &T) -> Self {
        Self::of("delete", collection, json!({"_id": json_of(id)}))
    }

    fn of(operation: &'static str, collection: &str, document: Value) -> Self {
        Self { operation, collection: collection.to_owned(), document }
    }
}
