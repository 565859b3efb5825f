//! Messages of Amazon MQ.

use alloc::vec::Vec;

use super::batch_event::BatchRecord;
use super::error::Error;
use super::heads::queue_and_host;
use super::text::{OwnedJson, Text};
use crate::printing::prints;

/// A message of ActiveMQ. Missing values are empty.
#[derive(Clone)]
pub struct ActiveMqRecord<'a> {
    /// The message's id.
    pub message_id: Text<'a>,
    /// `jms/text-message` or `jms/bytes-message`; Lambda supports no others.
    pub message_type: Text<'a>,
    /// The queue or topic.
    pub destination: Text<'a>,
    /// The id of the message that this one answers.
    pub correlation_id: Text<'a>,
    /// Where to send a reply.
    pub reply_to: Text<'a>,
    /// Whether the broker has delivered the message before.
    pub is_redelivered: bool,
    /// When the message was sent, in Unix milliseconds.
    pub timestamp: i64,
    /// The decoded body.
    pub data: Vec<u8>,
    /// The broker's ARN.
    pub event_source_arn: Text<'a>,
    text: Text<'a>,
}

prints!(ActiveMqRecord<'_>: message_id, message_type, destination, event_source_arn);

impl<'a> ActiveMqRecord<'a> {
    /// Reads a message, and decodes its body.
    ///
    /// # Errors
    ///
    /// [`Error`] if a member has the wrong type or occurs twice, or the body is not base64.
    pub fn read(record: &BatchRecord<'a>) -> Result<Self, Error> {
        let (mut read, data) = record.read(|message| {
            let read = Self {
                message_id: message.text("messageID")?.into(),
                message_type: message.text("messageType")?.into(),
                destination: message.object("destination")?.text("physicalName")?.into(),
                correlation_id: message.text("correlationID")?.into(),
                reply_to: message.text("replyTo")?.into(),
                is_redelivered: message.flag("redelivered")?,
                timestamp: message.get("timestamp")?.exact_integer()?,
                data: Vec::new(),
                event_source_arn: record.event_text("eventSourceArn").into(),
                text: record.as_json().into(),
            };
            Ok((read, message.text("data")?))
        })?;
        read.data = record.decode(&data)?;
        Ok(read)
    }

    /// Returns the message as it is in the event, including its properties.
    #[must_use]
    pub fn as_json(&self) -> &str {
        &self.text
    }

    /// Returns a copy that does not borrow from the event.
    #[must_use]
    pub fn into_owned(self) -> ActiveMqRecord<'static> {
        let owned = OwnedJson::of(&self.text);
        ActiveMqRecord {
            message_id: owned.text(self.message_id),
            message_type: owned.text(self.message_type),
            destination: owned.text(self.destination),
            correlation_id: owned.text(self.correlation_id),
            reply_to: owned.text(self.reply_to),
            is_redelivered: self.is_redelivered,
            timestamp: self.timestamp,
            data: self.data,
            event_source_arn: owned.text(self.event_source_arn),
            text: owned.json(),
        }
    }
}

/// A message of RabbitMQ. Missing values are empty.
#[derive(Clone)]
pub struct RabbitMqRecord<'a> {
    /// The queue.
    pub queue: Text<'a>,
    /// The virtual host of the queue.
    pub virtual_host: Text<'a>,
    /// The publisher's id of the message; usually empty.
    pub message_id: Text<'a>,
    /// The publisher's media type.
    pub content_type: Text<'a>,
    /// The id of the message that this one answers.
    pub correlation_id: Text<'a>,
    /// Where to send a reply.
    pub reply_to: Text<'a>,
    /// The application that published the message.
    pub app_id: Text<'a>,
    /// Whether the broker has delivered the message before.
    pub is_redelivered: bool,
    /// The decoded body.
    pub data: Vec<u8>,
    /// The broker's ARN.
    pub event_source_arn: Text<'a>,
    text: Text<'a>,
}

prints!(RabbitMqRecord<'_>: queue, virtual_host, message_id, event_source_arn);

impl<'a> RabbitMqRecord<'a> {
    /// Reads a message, and decodes its body.
    ///
    /// # Errors
    ///
    /// [`Error`] if a member has the wrong type or occurs twice, or the body is not base64.
    pub fn read(record: &BatchRecord<'a>) -> Result<Self, Error> {
        let (mut read, data) = record.read(|message| {
            let properties = message.object("basicProperties")?;
            let read = Self {
                queue: record.name().into(),
                virtual_host: queue_and_host(record.list()).1.into(),
                message_id: properties.text("messageId")?.into(),
                content_type: properties.text("contentType")?.into(),
                correlation_id: properties.text("correlationId")?.into(),
                reply_to: properties.text("replyTo")?.into(),
                app_id: properties.text("appId")?.into(),
                is_redelivered: message.flag("redelivered")?,
                data: Vec::new(),
                event_source_arn: record.event_text("eventSourceArn").into(),
                text: record.as_json().into(),
            };
            Ok((read, message.text("data")?))
        })?;
        read.data = record.decode(&data)?;
        Ok(read)
    }

    /// Returns the message as it is in the event, including its headers.
    #[must_use]
    pub fn as_json(&self) -> &str {
        &self.text
    }

    /// Returns a copy that does not borrow from the event.
    #[must_use]
    pub fn into_owned(self) -> RabbitMqRecord<'static> {
        let owned = OwnedJson::of(&self.text);
        RabbitMqRecord {
            queue: owned.text(self.queue),
            virtual_host: owned.text(self.virtual_host),
            message_id: owned.text(self.message_id),
            content_type: owned.text(self.content_type),
            correlation_id: owned.text(self.correlation_id),
            reply_to: owned.text(self.reply_to),
            app_id: owned.text(self.app_id),
            is_redelivered: self.is_redelivered,
            data: self.data,
            event_source_arn: owned.text(self.event_source_arn),
            text: owned.json(),
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
