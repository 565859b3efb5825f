//! Changes of DocumentDB databases.

use super::batch_event::BatchRecord;
use super::error::Error;
use super::text::{OwnedJson, Text};
use crate::document::Value;
use crate::printing::prints;

/// A change in a DocumentDB database. Missing values are empty.
#[derive(Clone)]
pub struct DocumentDbRecord<'a> {
    /// The resume token, which identifies the change in its change stream.
    pub resume_token: Text<'a>,
    /// `insert`, `update`, `replace`, `delete`, `drop`, `rename`, `dropDatabase` or `invalidate`.
    pub operation: Text<'a>,
    /// The database.
    pub database: Text<'a>,
    /// The collection.
    pub collection: Text<'a>,
    /// The cluster's ARN.
    pub event_source_arn: Text<'a>,
    document_key: Option<Text<'a>>,
    full_document: Option<Text<'a>>,
    text: Text<'a>,
}

prints!(DocumentDbRecord<'_>: resume_token, operation, database, collection, event_source_arn);

impl<'a> DocumentDbRecord<'a> {
    /// Reads a change.
    ///
    /// # Errors
    ///
    /// [`Error`] if a member has the wrong type or occurs twice.
    pub fn read(record: &BatchRecord<'a>) -> Result<Self, Error> {
        record.read(|record_object| {
            let whole = record_object.get("event")?;
            let change = whole.filled().ok_or_else(|| whole.error())?.object()?;
            let namespace = change.object("ns")?;
            let json = |value: Value<'a, '_>| value.filled().map(|value| value.json().into());
            Ok(Self {
                resume_token: change.object("_id")?.text("_data")?.into(),
                operation: change.text("operationType")?.into(),
                database: namespace.text("db")?.into(),
                collection: namespace.text("coll")?.into(),
                event_source_arn: record.event_text("eventSourceArn").into(),
                document_key: json(change.get("documentKey")?),
                full_document: json(change.get("fullDocument")?),
                text: whole.json().into(),
            })
        })
    }

    /// Returns the key of the changed document, as MongoDB Extended JSON; `None` for a change of a
    /// collection or database.
    #[must_use]
    pub fn document_key(&self) -> Option<&str> {
        self.document_key.as_deref()
    }

    /// Returns the document after the change, as MongoDB Extended JSON; `None` if it was deleted,
    /// or the event source mapping does not request it (`FullDocument: UpdateLookup`).
    #[must_use]
    pub fn full_document(&self) -> Option<&str> {
        self.full_document.as_deref()
    }

    /// Returns the change as it is in the change stream.
    #[must_use]
    pub fn as_json(&self) -> &str {
        &self.text
    }

    /// Returns a copy that does not borrow from the event.
    #[must_use]
    pub fn into_owned(self) -> DocumentDbRecord<'static> {
        let owned = OwnedJson::of(&self.text);
        DocumentDbRecord {
            resume_token: owned.text(self.resume_token),
            operation: owned.text(self.operation),
            database: owned.text(self.database),
            collection: owned.text(self.collection),
            event_source_arn: owned.text(self.event_source_arn),
            document_key: self.document_key.map(|text| owned.text(text)),
            full_document: self.full_document.map(|text| owned.text(text)),
            text: owned.json(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::DocumentDbRecord;
    use crate::events::{BatchEvent, BatchSource};

    #[test]
    fn changes_are_known_by_their_database() {
        let event = r#"{"eventSource":"aws:docdb","eventSourceArn":"arn:aws:rds:r:1:cluster:c",
            "events":[{"event":{"_id":{"_data":"01"},"ns":{"db":"shop","coll":"orders"},
            "operationType":"insert","documentKey":{"_id":{"$oid":"a"}},"fullDocument":{"n":1}}},
            {"event":{"operationType":"dropDatabase","ns":{"db":"shop"}}},{"event":5},{}]}"#;
        let event = BatchEvent::read(BatchSource::DocumentDb, event).unwrap();
        let read = |index| {
            let record = event.record(index).unwrap();
            DocumentDbRecord::read(&record).map(|change| (record, change.into_owned()))
        };
        let (record, change) = read(0).unwrap();
        assert_eq!((record.identifier(), record.name()), ("01", "shop"));
        assert_eq!((&*change.operation, &*change.collection), ("insert", "orders"));
        assert_eq!(change.document_key(), Some(r#"{"_id":{"$oid":"a"}}"#));
        assert_eq!(change.full_document(), Some(r#"{"n":1}"#));
        assert!(change.as_json().starts_with(r#"{"_id":"#));
        let (record, dropped) = read(1).unwrap();
        assert_eq!((record.name(), &*dropped.collection), ("shop", ""));
        assert_eq!(dropped.full_document(), None);
        assert!(read(2).is_err() && read(3).is_err());
    }
}
