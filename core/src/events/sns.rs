//! Notifications of SNS.

use alloc::vec::Vec;

use super::arn::{ArnKind, name_from_arn};
use super::error::{Error, ErrorKind};
use super::event::source_of_record;
use super::text::{OwnedJson, Text};
use crate::document::{Object, Value};
use crate::json::JsonError;
use crate::printing::prints;
use crate::routes::Routes;

/// A notification of SNS. Missing values are empty.
#[derive(Clone)]
pub struct SnsRecord<'a> {
    /// The message's id.
    pub message_id: Text<'a>,
    /// The topic's ARN.
    pub topic_arn: Text<'a>,
    /// The subject.
    pub subject: Text<'a>,
    /// The message.
    pub message: Text<'a>,
    /// When the message was published, in SNS's format.
    pub timestamp: Text<'a>,
    text: Text<'a>,
}

prints!(SnsRecord<'_>: message_id, topic_arn, timestamp);

impl SnsRecord<'_> {
    /// Returns the topic's name; empty if the ARN has none.
    #[must_use]
    pub fn topic(&self) -> &str {
        name_from_arn(ArnKind::SnsTopic, &self.topic_arn)
    }

    /// Returns the record as it is in the event, including its message attributes.
    #[must_use]
    pub fn as_json(&self) -> &str {
        &self.text
    }

    /// Returns a copy that does not borrow from the event.
    #[must_use]
    pub fn into_owned(self) -> SnsRecord<'static> {
        let owned = OwnedJson::of(&self.text);
        SnsRecord {
            message_id: owned.text(self.message_id),
            topic_arn: owned.text(self.topic_arn),
            subject: owned.text(self.subject),
            message: owned.text(self.message),
            timestamp: owned.text(self.timestamp),
            text: owned.json(),
        }
    }
}

/// Reads an event. SNS has no partial failure, so a malformed record fails the event.
pub(super) fn of<'a>(event: Object<'a, '_>) -> Result<Vec<SnsRecord<'a>>, Error> {
    const WHAT: &str = "sns event";
    let malformed = |cause| Error::malformed(WHAT, cause);
    let records = event.list("Records").map_err(malformed)?.map(|record| {
        let read = read(record).map_err(malformed)?;
        match source_of_record(record) {
            Some(source) if source != "aws:sns" => {
                let why = "a record is from another service";
                Err(Error::refused(ErrorKind::ForeignRecord, WHAT, why))
            }
            _ => Ok(read),
        }
    });
    records.collect()
}

fn read<'a>(record: Value<'a, '_>) -> Result<SnsRecord<'a>, JsonError> {
    let object = record.filled().ok_or_else(|| record.error())?.object()?;
    object.get("EventSource")?;
    object.get("eventSource")?;
    let sns = object.object("Sns")?;
    Ok(SnsRecord {
        message_id: sns.text("MessageId")?.into(),
        topic_arn: sns.text("TopicArn")?.into(),
        subject: sns.text("Subject")?.into(),
        message: sns.text("Message")?.into(),
        timestamp: sns.text("Timestamp")?.into(),
        text: record.json().into(),
    })
}

impl<H> Routes<H> {
    /// Returns the handler of each notification. All are looked up before any runs, so that an
    /// event with an unknown topic fails before half of its work is done.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::UnrecognizedTopic`] if a topic has no handler, or there are no notifications.
    pub fn of_notifications(&self, records: &[SnsRecord<'_>]) -> Result<Vec<&H>, Error> {
        const UNRECOGNIZED: Error =
            Error::new(ErrorKind::UnrecognizedTopic, "apptheory: unrecognized sns topic");
        if records.is_empty() {
            return Err(UNRECOGNIZED);
        }
        records.iter().map(|record| self.find(record.topic()).ok_or(UNRECOGNIZED)).collect()
    }
}

#[cfg(test)]
mod tests {
    use alloc::format;
    use alloc::vec::Vec;

    use super::{Error, ErrorKind, Routes, SnsRecord};
    use crate::document::Document;

    fn read(records: &str) -> Result<Vec<SnsRecord<'static>>, Error> {
        let event = format!(r#"{{"Records":[{records}]}}"#);
        let document = Document::scan(&event).unwrap();
        let records = super::of(document.object().unwrap())?;
        Ok(records.into_iter().map(SnsRecord::into_owned).collect())
    }

    #[test]
    fn every_topic_needs_a_handler() {
        let mut routes = Routes::new();
        routes.insert("a", 1).unwrap();
        routes.insert("b", 2).unwrap();
        let route = |topics: &[&str]| {
            let topics = topics.iter();
            let records: Vec<_> = topics
                .map(|topic| format!(r#"{{"Sns":{{"TopicArn":"arn:aws:sns:r:1:{topic}"}}}}"#))
                .collect();
            let records = read(&records.join(",")).unwrap();
            let found = routes.of_notifications(&records);
            found.map(|found| found.into_iter().copied().collect()).map_err(|error| error.kind())
        };
        assert_eq!(route(&["b", "a", "b"]), Ok(alloc::vec![2, 1, 2]));
        assert_eq!(route(&["a", "c"]), Err(ErrorKind::UnrecognizedTopic));
        assert_eq!(route(&[]), Err(ErrorKind::UnrecognizedTopic));
        for records in [
            r#"{"Sns":{"Message":5}}"#,
            r#"{"Sns":{}},null"#,
            r#"{"Sns":{}},{"EventSource":"aws:sqs","Sns":{}}"#,
            r#"{"Sns":{"Message":"a","Message":"b"}}"#,
        ] {
            assert!(read(records).is_err(), "{records}");
        }
    }
}
