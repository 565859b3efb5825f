//! Records of queues, streams and topics.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::gzip::gzip;
use super::{ACCOUNT, REGION, arn};
use crate::testkit::json_of;

/// Creates an event of messages in an SQS queue.
#[must_use]
pub fn sqs<M: Into<SqsEntry>>(queue: &str, messages: impl IntoIterator<Item = M>) -> Value {
    let queue = arn("sqs", queue, str::to_owned);
    records(messages, |number, message| {
        let SqsEntry { id, body, attributes, message_attributes } = message.into();
        json!({
            "messageId": id.unwrap_or_else(|| format!("msg-{number}")),
            "receiptHandle": "",
            "body": body,
            "attributes": attributes,
            "messageAttributes": message_attributes,
            "md5OfBody": "",
            "eventSource": "aws:sqs",
            "eventSourceARN": queue,
            "awsRegion": REGION,
        })
    })
}

/// Creates an event of messages in a FIFO queue, each with its group.
///
/// # Panics
///
/// If the queue's name does not end with `.fifo`.
#[must_use]
pub fn sqs_fifo<G: AsRef<str>, M: Into<SqsEntry>>(
    queue: &str,
    messages: impl IntoIterator<Item = (G, M)>,
) -> Value {
    assert!(queue.trim().ends_with(".fifo"), "names of FIFO queues end with `.fifo`: {queue}");
    let messages = messages.into_iter().enumerate().map(|(index, (group, message))| {
        // As wide as SQS's numbers, so that they sort as texts.
        let number = format!("{:020}", index.saturating_add(1));
        let message = message.into().attribute("MessageGroupId", group.as_ref());
        message.attribute("SequenceNumber", &number)
    });
    sqs(queue, messages)
}

/// A message of an SQS queue. Texts convert into a message.
#[derive(Clone, Debug)]
pub struct SqsEntry {
    id: Option<String>,
    body: String,
    attributes: Map<String, Value>,
    message_attributes: Map<String, Value>,
}

impl SqsEntry {
    /// Creates a message with a body.
    #[must_use]
    pub fn new(body: impl Into<String>) -> Self {
        Self { id: None, body: body.into(), attributes: Map::new(), message_attributes: Map::new() }
    }

    /// Creates a message whose body is JSON.
    ///
    /// # Panics
    ///
    /// If the value cannot be written as JSON.
    #[must_use]
    pub fn json<T: Serialize + ?Sized>(body: &T) -> Self {
        Self::new(json_of(body).to_string())
    }

    /// Sets the message's id, which is otherwise its number in the event: `msg-1` and so on. A
    /// handler that does work once takes messages of one id for the same message.
    #[must_use]
    pub fn id(self, id: &str) -> Self {
        Self { id: Some(id.to_owned()), ..self }
    }

    /// Adds a system attribute, such as `ApproximateReceiveCount`.
    #[must_use]
    pub fn attribute(mut self, name: &str, value: &str) -> Self {
        self.attributes.insert(name.to_owned(), value.into());
        self
    }

    /// Adds a message attribute, a text that the sender sets beside the body.
    #[must_use]
    pub fn message_attribute(mut self, name: &str, value: &str) -> Self {
        let attribute = json!({"dataType": "String", "stringValue": value});
        self.message_attributes.insert(name.to_owned(), attribute);
        self
    }
}

impl From<&str> for SqsEntry {
    fn from(body: &str) -> Self {
        Self::new(body)
    }
}

impl From<String> for SqsEntry {
    fn from(body: String) -> Self {
        Self::new(body)
    }
}

/// Creates an event of records in a Kinesis stream.
#[must_use]
pub fn kinesis<D: Into<KinesisEntry>>(stream: &str, data: impl IntoIterator<Item = D>) -> Value {
    let stream = arn("kinesis", stream, |name| format!("stream/{name}"));
    records(data, |number, data| {
        let KinesisEntry { data, partition_key } = data.into();
        json!({
            "eventID": format!("kin-{number}"),
            "eventName": "aws:kinesis:record",
            "eventSource": "aws:kinesis",
            "eventVersion": "1.0",
            "eventSourceARN": stream,
            "awsRegion": REGION,
            "kinesis": {
                "kinesisSchemaVersion": "1.0",
                "partitionKey": partition_key.unwrap_or_else(|| format!("pk-{number}")),
                "sequenceNumber": number.to_string(),
                "data": STANDARD.encode(data),
                "approximateArrivalTimestamp": 0,
            },
        })
    })
}

/// A record of a Kinesis stream. Texts and bytes convert into a record.
#[derive(Clone, Debug)]
pub struct KinesisEntry {
    data: Vec<u8>,
    partition_key: Option<String>,
}

impl KinesisEntry {
    /// Creates a record with data, unencoded.
    #[must_use]
    pub fn new(data: impl Into<Vec<u8>>) -> Self {
        Self { data: data.into(), partition_key: None }
    }

    /// Creates a record whose data is JSON.
    ///
    /// # Panics
    ///
    /// If the value cannot be written as JSON.
    #[must_use]
    pub fn json<T: Serialize + ?Sized>(data: &T) -> Self {
        Self::new(json_of(data).to_string())
    }

    /// Sets the partition key; by default `pk-1`, `pk-2` and so on.
    #[must_use]
    pub fn partition_key(self, key: &str) -> Self {
        Self { partition_key: Some(key.to_owned()), ..self }
    }
}

impl From<&str> for KinesisEntry {
    fn from(data: &str) -> Self {
        Self::new(data)
    }
}

impl From<String> for KinesisEntry {
    fn from(data: String) -> Self {
        Self::new(data)
    }
}

impl From<Vec<u8>> for KinesisEntry {
    fn from(data: Vec<u8>) -> Self {
        Self::new(data)
    }
}

/// Creates an event of a CloudWatch Logs delivery through a Kinesis stream: messages of one log
/// stream, compressed.
#[must_use]
pub fn cloudwatch_logs<M: Into<String>>(
    stream: &str,
    messages: impl IntoIterator<Item = M>,
) -> Value {
    kinesis(stream, [delivery("/aws/lambda/apptheory-test", messages)])
}

/// Creates the event of a CloudWatch Logs subscription that invokes the function directly: messages
/// of a log group, compressed.
#[must_use]
pub fn log_subscription<M: Into<String>>(
    log_group: &str,
    messages: impl IntoIterator<Item = M>,
) -> Value {
    json!({"awslogs": {"data": STANDARD.encode(delivery(log_group, messages))}})
}

/// Returns the content of a delivery.
fn delivery<M: Into<String>>(log_group: &str, messages: impl IntoIterator<Item = M>) -> Vec<u8> {
    let events = messages.into_iter().enumerate().map(|(index, message)| {
        let id = format!("cwl-event-{}", index.saturating_add(1));
        json!({"id": id, "timestamp": 0, "message": message.into()})
    });
    let delivery = json!({
        "messageType": "DATA_MESSAGE",
        "owner": ACCOUNT,
        "logGroup": log_group,
        "logStream": "1970/01/01/[$LATEST]apptheory-test",
        "subscriptionFilters": ["apptheory-test-filter"],
        "logEvents": events.collect::<Vec<_>>(),
    });
    gzip(delivery.to_string().as_bytes())
}

/// Creates an event of notifications of an SNS topic.
#[must_use]
pub fn sns<M: Into<SnsEntry>>(topic: &str, messages: impl IntoIterator<Item = M>) -> Value {
    let topic = arn("sns", topic, str::to_owned);
    records(messages, |number, message| {
        let SnsEntry { message, subject } = message.into();
        json!({
            "EventSource": "aws:sns",
            "EventVersion": "1.0",
            "EventSubscriptionArn": "",
            "Sns": {
                "Type": "Notification",
                "MessageId": format!("sns-{number}"),
                "TopicArn": topic,
                "Subject": subject,
                "Message": message,
                "Timestamp": "1970-01-01T00:00:00.000Z",
                "SignatureVersion": "1",
                "Signature": "",
                "SigningCertUrl": "",
                "UnsubscribeUrl": "",
                "MessageAttributes": {},
            },
        })
    })
}

/// A message of an SNS topic. Texts convert into a message.
#[derive(Clone, Debug)]
pub struct SnsEntry {
    message: String,
    subject: Option<String>,
}

impl SnsEntry {
    /// Creates a message.
    #[must_use]
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), subject: None }
    }

    /// Creates a message that is JSON.
    ///
    /// # Panics
    ///
    /// If the value cannot be written as JSON.
    #[must_use]
    pub fn json<T: Serialize + ?Sized>(message: &T) -> Self {
        Self::new(json_of(message).to_string())
    }

    /// Sets the subject.
    #[must_use]
    pub fn subject(self, subject: &str) -> Self {
        Self { subject: Some(subject.to_owned()), ..self }
    }
}

impl From<&str> for SnsEntry {
    fn from(message: &str) -> Self {
        Self::new(message)
    }
}

impl From<String> for SnsEntry {
    fn from(message: String) -> Self {
        Self::new(message)
    }
}

/// Creates an event of records, each from its number, starting with 1.
pub(super) fn records<R>(
    records: impl IntoIterator<Item = R>,
    mut record: impl FnMut(usize, R) -> Value,
) -> Value {
    let records = records.into_iter().enumerate();
    let records = records.map(|(index, given)| record(index.saturating_add(1), given));
    json!({"Records": records.collect::<Vec<_>>()})
}
