//! Messages of Amazon MQ.

use alloc::borrow::Cow;
use alloc::vec::Vec;

use super::batch_event::BatchRecord;
use super::error::Error;
use super::heads::{part, queue_and_host};
use super::owned;
use crate::printing::prints;

/// A message of ActiveMQ. What it lacks is empty.
#[derive(Clone)]
pub struct ActiveMqRecord<'a> {
    /// The message's id.
    pub message_id: Cow<'a, str>,
    /// `jms/text-message` or `jms/bytes-message`; Lambda takes no others.
    pub message_type: Cow<'a, str>,
    /// The queue or topic.
    pub destination: Cow<'a, str>,
    /// What the message answers.
    pub correlation_id: Cow<'a, str>,
    /// Where an answer is to go.
    pub reply_to: Cow<'a, str>,
    /// Whether the broker has delivered it before.
    pub is_redelivered: bool,
    /// When it was sent, in Unix milliseconds.
    pub timestamp: i64,
    /// The body, decoded.
    pub data: Vec<u8>,
    /// The broker's ARN.
    pub event_source_arn: Cow<'a, str>,
    text: Cow<'a, str>,
}

prints!(ActiveMqRecord<'_>: message_id, message_type, destination, event_source_arn);

impl<'a> ActiveMqRecord<'a> {
    /// Reads a message, and decodes its body.
    ///
    /// # Errors
    ///
    /// [`Error`] when a member that is read is of another type or comes twice, or the body is not
    /// base64.
    pub fn read(record: &BatchRecord<'a>) -> Result<Self, Error> {
        let (mut read, data) = record.read(|message| {
            let read = Self {
                message_id: message.text("messageID")?,
                message_type: message.text("messageType")?,
                destination: message.object("destination")?.text("physicalName")?,
                correlation_id: message.text("correlationID")?,
                reply_to: message.text("replyTo")?,
                is_redelivered: message.flag("redelivered")?,
                timestamp: message.get("timestamp")?.exact_integer()?,
                data: Vec::new(),
                event_source_arn: record.event_text("eventSourceArn"),
                text: Cow::Borrowed(record.as_json()),
            };
            Ok((read, message.text("data")?))
        })?;
        read.data = record.decode(&data)?;
        Ok(read)
    }

    /// Returns the message as the event has it, properties included.
    #[must_use]
    pub fn as_json(&self) -> &str {
        &self.text
    }

    /// Returns the message without its event, for a handler that may outlive it.
    #[must_use]
    pub fn into_owned(self) -> ActiveMqRecord<'static> {
        ActiveMqRecord {
            message_id: owned(self.message_id),
            message_type: owned(self.message_type),
            destination: owned(self.destination),
            correlation_id: owned(self.correlation_id),
            reply_to: owned(self.reply_to),
            is_redelivered: self.is_redelivered,
            timestamp: self.timestamp,
            data: self.data,
            event_source_arn: owned(self.event_source_arn),
            text: owned(self.text),
        }
    }
}

/// A message of RabbitMQ. What it lacks is empty.
#[derive(Clone)]
pub struct RabbitMqRecord<'a> {
    /// The queue.
    pub queue: Cow<'a, str>,
    /// The virtual host of the queue.
    pub virtual_host: Cow<'a, str>,
    /// The id that the publisher gave the message; most give none.
    pub message_id: Cow<'a, str>,
    /// The media type that the publisher named.
    pub content_type: Cow<'a, str>,
    /// What the message answers.
    pub correlation_id: Cow<'a, str>,
    /// Where an answer is to go.
    pub reply_to: Cow<'a, str>,
    /// The application that published it.
    pub app_id: Cow<'a, str>,
    /// Whether the broker has delivered it before.
    pub is_redelivered: bool,
    /// The body, decoded.
    pub data: Vec<u8>,
    /// The broker's ARN.
    pub event_source_arn: Cow<'a, str>,
    text: Cow<'a, str>,
}

prints!(RabbitMqRecord<'_>: queue, virtual_host, message_id, event_source_arn);

impl<'a> RabbitMqRecord<'a> {
    /// Reads a message, and decodes its body.
    ///
    /// # Errors
    ///
    /// [`Error`] when a member that is read is of another type or comes twice, or the body is not
    /// base64.
    pub fn read(record: &BatchRecord<'a>) -> Result<Self, Error> {
        let (mut read, data) = record.read(|message| {
            let properties = message.object("basicProperties")?;
            let read = Self {
                queue: Cow::Borrowed(record.name()),
                virtual_host: part(&record.list(), |list| queue_and_host(list).1),
                message_id: properties.text("messageId")?,
                content_type: properties.text("contentType")?,
                correlation_id: properties.text("correlationId")?,
                reply_to: properties.text("replyTo")?,
                app_id: properties.text("appId")?,
                is_redelivered: message.flag("redelivered")?,
                data: Vec::new(),
                event_source_arn: record.event_text("eventSourceArn"),
                text: Cow::Borrowed(record.as_json()),
            };
            Ok((read, message.text("data")?))
        })?;
        read.data = record.decode(&data)?;
        Ok(read)
    }

    /// Returns the message as the event has it, headers included.
    #[must_use]
    pub fn as_json(&self) -> &str {
        &self.text
    }

    /// Returns the message without its event, for a handler that may outlive it.
    #[must_use]
    pub fn into_owned(self) -> RabbitMqRecord<'static> {
        RabbitMqRecord {
            queue: owned(self.queue),
            virtual_host: owned(self.virtual_host),
            message_id: owned(self.message_id),
            content_type: owned(self.content_type),
            correlation_id: owned(self.correlation_id),
            reply_to: owned(self.reply_to),
            app_id: owned(self.app_id),
            is_redelivered: self.is_redelivered,
            data: self.data,
            event_source_arn: owned(self.event_source_arn),
            text: owned(self.text),
        }
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::{ActiveMqRecord, RabbitMqRecord};
    use crate::events::{BatchEvent, BatchSource};

    #[test]
    fn messages_of_activemq_are_known_by_their_destination() {
        let event = r#"{"eventSource":"aws:mq","eventSourceArn":"arn:aws:mq:r:1:broker:b:b-1",
            "messages":[{"messageID":"ID:1","messageType":"jms/text-message","redelivered":true,
            "destination":{"physicalName":"orders"},"data":"aGk=","timestamp":7},
            {"messageID":"ID:2","destination":{"physicalName":"orders"},"data":"?"},null]}"#;
        let event = BatchEvent::read(BatchSource::ActiveMq, event).unwrap();
        let record = event.record(0).unwrap();
        assert_eq!((record.identifier(), record.name()), ("ID:1", "orders"));
        let message = ActiveMqRecord::read(&record).unwrap().into_owned();
        assert_eq!((&*message.data, message.timestamp), (&b"hi"[..], 7));
        assert_eq!(&*message.event_source_arn, "arn:aws:mq:r:1:broker:b:b-1");
        assert!(message.is_redelivered);
        let error = ActiveMqRecord::read(&event.record(1).unwrap()).unwrap_err().to_string();
        assert_eq!(error, "apptheory: parse activemq message: invalid base64");
        assert!(ActiveMqRecord::read(&event.record(2).unwrap()).is_err());
    }

    #[test]
    fn messages_of_rabbitmq_are_listed_by_their_queue() {
        let message = r#"{"basicProperties":{"messageId":"m1","contentType":"text/plain",
            "headers":{"a":{"bytes":[1]}}},"redelivered":false,"data":"aGk="}"#;
        for (list, queue, host) in [
            ("orders::/", "orders", "/"),
            ("orders::/shop", "orders", "/shop"),
            ("a::b::/", "a::b", "/"),
            (r"a\u003a\u003a/", "a", "/"),
            ("orders", "orders", ""),
        ] {
            let event = alloc::format!(r#"{{"rmqMessagesByQueue":{{"{list}":[{message}]}}}}"#);
            let event = BatchEvent::read(BatchSource::RabbitMq, &event).unwrap();
            let record = event.record(0).unwrap();
            assert_eq!((record.identifier(), record.name()), ("m1", queue));
            let message = RabbitMqRecord::read(&record).unwrap().into_owned();
            assert_eq!((&*message.queue, &*message.virtual_host), (queue, host));
            assert_eq!((&*message.content_type, &*message.data), ("text/plain", &b"hi"[..]));
        }
    }
}
