//! Messages of SQS.

use alloc::borrow::Cow;

use super::batch_event::BatchRecord;
use super::error::Error;
use super::text::{OwnedJson, Text};
use crate::document::Document;
use crate::printing::prints;

/// A message of SQS. Missing values are empty.
#[derive(Clone)]
pub struct SqsRecord<'a> {
    /// The message's id.
    pub message_id: Text<'a>,
    /// The handle for deleting the message; Lambda deletes messages that succeed.
    pub receipt_handle: Text<'a>,
    /// The body.
    pub body: Text<'a>,
    /// The queue's ARN.
    pub event_source_arn: Text<'a>,
    text: Text<'a>,
}

prints!(SqsRecord<'_>: message_id, event_source_arn);

impl<'a> SqsRecord<'a> {
    /// Reads a record.
    ///
    /// # Errors
    ///
    /// [`Error`] if a member has the wrong type or occurs twice, or the record is from another
    /// service than its batch.
    pub fn read(record: &BatchRecord<'a>) -> Result<Self, Error> {
        record.read(|message| {
            let names = ["messageId", "receiptHandle", "body", "eventSourceARN"];
            let [message_id, receipt_handle, body, event_source_arn] = message.get_each(names);
            Ok(Self {
                message_id: message_id?.text()?.into(),
                receipt_handle: receipt_handle?.text()?.into(),
                body: body?.text()?.into(),
                event_source_arn: event_source_arn?.text()?.into(),
                text: record.as_json().into(),
            })
        })
    }

    /// Returns the record as it is in the event, including its message attributes.
    #[must_use]
    pub fn as_json(&self) -> &str {
        &self.text
    }

    /// Returns a copy that does not borrow from the event.
    #[must_use]
    pub fn into_owned(self) -> SqsRecord<'static> {
        let owned = OwnedJson::of(&self.text);
        SqsRecord {
            message_id: owned.text(self.message_id),
            receipt_handle: owned.text(self.receipt_handle),
            body: owned.text(self.body),
            event_source_arn: owned.text(self.event_source_arn),
            text: owned.json(),
        }
    }

    /// Returns a system attribute, such as `ApproximateReceiveCount` or `MessageGroupId`. Parses
    /// the record again, because most handlers need no attributes. `None` if it is missing or not a
    /// string.
    #[must_use]
    pub fn attribute(&self, name: &str) -> Option<Cow<'_, str>> {
        let message = Document::scan(&self.text).ok()?;
        let attributes = message.object().ok()?.get("attributes").ok()?.object().ok()?;
        let (_, value) = attributes.members().filter(|(known, _)| known.is(name)).last()?;
        value.text().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::SqsRecord;
    use crate::events::{BatchEvent, BatchSource};

    #[test]
    fn attributes_are_read_when_they_are_asked_for() {
        let event = r#"{"Records":[{"attributes":{"SenderId":"a\u0062","Other":null}}]}"#;
        let event = BatchEvent::read(BatchSource::Sqs, event).unwrap();
        let message = SqsRecord::read(&event.record(0).unwrap()).unwrap().into_owned();
        assert_eq!(message.attribute("SenderId").as_deref(), Some("ab"));
        assert_eq!(message.attribute("Other").as_deref(), Some(""));
        assert_eq!(message.attribute("SentTimestamp"), None);
        // Attributes that are not requested may have any type.
        let mistyped = r#"{"Records":[{"attributes":{"SenderId":5}},{"attributes":5}]}"#;
        let event = BatchEvent::read(BatchSource::Sqs, mistyped).unwrap();
        for record in event.records() {
            assert_eq!(SqsRecord::read(&record).unwrap().attribute("SenderId"), None);
        }
    }
}
