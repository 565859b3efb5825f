//! Notifications of SNS.

use alloc::borrow::Cow;
use alloc::vec::Vec;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::arn::{ArnKind, name_from_arn};
use super::records::{is_foreign, read_records};
use super::routes::Routes;
use super::trigger::{EventError, Trigger};
use crate::json;
use crate::members::{Object, Text, owned};
use crate::printing::prints;

/// A notification of SNS. What the record lacks is empty.
#[derive(Clone)]
pub struct SnsRecord<'a> {
    /// The message's id.
    pub message_id: Cow<'a, str>,
    /// The topic's ARN.
    pub topic_arn: Cow<'a, str>,
    /// The subject.
    pub subject: Cow<'a, str>,
    /// The message.
    pub message: Cow<'a, str>,
    /// When it was published, as SNS writes it.
    pub timestamp: Cow<'a, str>,
    text: Cow<'a, str>,
}

prints!(SnsRecord<'_>: message_id, topic_arn, timestamp);

impl SnsRecord<'_> {
    /// The topic; empty when the ARN names none.
    #[must_use]
    pub fn topic(&self) -> &str {
        name_from_arn(ArnKind::SnsTopic, &self.topic_arn)
    }

    /// The record as the event has it, message attributes included.
    #[must_use]
    pub fn as_json(&self) -> &str {
        &self.text
    }

    /// The record without its event, for a handler that may outlive it.
    #[must_use]
    pub fn into_owned(self) -> SnsRecord<'static> {
        SnsRecord {
            message_id: owned(self.message_id),
            topic_arn: owned(self.topic_arn),
            subject: owned(self.subject),
            message: owned(self.message),
            timestamp: owned(self.timestamp),
            text: owned(self.text),
        }
    }
}

/// Reads an event. There is no failing in part: a record that is malformed fails the event.
///
/// # Errors
///
/// [`EventError`] when the text is no JSON object, its `Records` are no list of objects, a member
/// that is read is of another type or there twice, or a record is from another service.
pub fn read_sns(event: &str) -> Result<Vec<SnsRecord<'_>>, EventError> {
    #[derive(Debug, Default, Deserialize)]
    #[serde(default)]
    struct Record<'a> {
        #[serde(borrow, rename = "EventSource")]
        event_source: Option<&'a RawValue>,
        #[serde(borrow, rename = "eventSource")]
        camel_event_source: Option<&'a RawValue>,
        #[serde(borrow, rename = "Sns")]
        sns: Object<Sns<'a>>,
    }

    #[derive(Debug, Default, Deserialize)]
    #[serde(default, rename_all = "PascalCase")]
    struct Sns<'a> {
        #[serde(borrow)]
        message_id: Text<'a>,
        #[serde(borrow)]
        topic_arn: Text<'a>,
        #[serde(borrow)]
        subject: Text<'a>,
        #[serde(borrow)]
        message: Text<'a>,
        #[serde(borrow)]
        timestamp: Text<'a>,
    }

    let records = read_records(Trigger::Sns, event)?.into_iter().map(|record| {
        const TRIGGER: Trigger = Trigger::Sns;
        let text = record.get();
        let read: Record<'_> = json::read_object(text)
            .map_err(|cause| EventError::Malformed { trigger: TRIGGER, cause })?;
        if is_foreign(TRIGGER, read.camel_event_source, read.event_source) {
            return Err(EventError::ForeignRecord { trigger: TRIGGER });
        }
        let sns = read.sns.0;
        Ok(SnsRecord {
            message_id: sns.message_id.0,
            topic_arn: sns.topic_arn.0,
            subject: sns.subject.0,
            message: sns.message.0,
            timestamp: sns.timestamp.0,
            text: Cow::Borrowed(text),
        })
    });
    records.collect()
}

impl<H> Routes<H> {
    /// The handler of each notification. All are looked up before any runs, so that an event that
    /// will fail for a topic does not have half of its work done first.
    ///
    /// # Errors
    ///
    /// [`UnrecognizedTopic`] when one has none, or there are no notifications.
    pub fn of_notifications(
        &self,
        records: &[SnsRecord<'_>],
    ) -> Result<Vec<&H>, UnrecognizedTopic> {
        if records.is_empty() {
            return Err(UnrecognizedTopic);
        }
        records.iter().map(|record| self.find(record.topic()).ok_or(UnrecognizedTopic)).collect()
    }
}

/// Nothing is registered for the topic of a notification. The invocation fails, and SNS sends the
/// notification again: register a handler, or remove the subscription.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("apptheory: unrecognized sns topic")]
pub struct UnrecognizedTopic;

#[cfg(test)]
mod tests {
    use super::{Routes, UnrecognizedTopic, read_sns};

    #[test]
    fn every_topic_needs_a_handler() {
        let mut routes = Routes::new();
        routes.insert("a", 1).unwrap();
        routes.insert("b", 2).unwrap();
        let route = |topics: &[&str]| {
            let records: alloc::vec::Vec<_> = topics
                .iter()
                .map(|topic| {
                    alloc::format!(r#"{{"Sns":{{"TopicArn":"arn:aws:sns:r:1:{topic}"}}}}"#)
                })
                .collect();
            let event = alloc::format!(r#"{{"Records":[{}]}}"#, records.join(","));
            let records = read_sns(&event).unwrap();
            routes.of_notifications(&records).map(|found| found.into_iter().copied().collect())
        };
        assert_eq!(route(&["b", "a", "b"]), Ok(alloc::vec![2, 1, 2]));
        assert_eq!(route(&["a", "c"]), Err(UnrecognizedTopic));
        assert_eq!(route(&[]), Err(UnrecognizedTopic));
        for records in [
            r#"{"Sns":{"Message":5}}"#,
            r#"{"Sns":{}},null"#,
            r#"{"Sns":{}},{"EventSource":"aws:sqs","Sns":{}}"#,
            r#"{"Sns":{"Message":"a","Message":"b"}}"#,
        ] {
            let event = alloc::format!(r#"{{"Records":[{records}]}}"#);
            assert!(read_sns(&event).is_err(), "{records}");
        }
    }
}
