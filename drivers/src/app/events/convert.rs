//! Records as the crate `aws_lambda_events` has them, for code that was written for it.

use apptheory_core::error::AppError;
use apptheory_core::events::{
    DynamoDbRecord, EventBridgeEvent, KinesisRecord, SnsRecord, SqsRecord,
};
use apptheory_core::json::{JsonError, read_object};
use aws_lambda_events::{dynamodb, eventbridge, kinesis, sns, sqs};
use serde::de::DeserializeOwned;

/// A record that `aws_lambda_events` has a type for.
///
/// ```
/// use std::sync::Arc;
/// use apptheory::app::App;
/// use apptheory::app::events::{Refused, SqsMessage, ToLambdaEvent};
///
/// async fn ship(message: Arc<SqsMessage>) -> Result<(), Refused> {
///     let message: aws_lambda_events::sqs::SqsMessage = message.to_lambda_event()?;
///     println!("{} attributes", message.message_attributes.len());
///     Ok(())
/// }
///
/// let app = App::new().sqs("orders", ship).build()?;
/// # Ok::<(), apptheory::app::BuildError>(())
/// ```
pub trait ToLambdaEvent {
    /// That type.
    type Event: DeserializeOwned;

    /// The record as the event has it, for [`to_lambda_event`](Self::to_lambda_event).
    fn as_json(&self) -> &str;

    /// Reads the record again, as `aws_lambda_events` does.
    ///
    /// # Errors
    ///
    /// [`Refused`] when that wants more of the record than there is.
    fn to_lambda_event(&self) -> Result<Self::Event, Refused> {
        Ok(read_object(self.as_json())?)
    }
}

/// `aws_lambda_events` does not take the record: it wants members that some services and emulators
/// leave out, whether or not anybody reads them. Use the record as it is.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("aws_lambda_events does not take the record: {0}")]
pub struct Refused(#[from] JsonError);

/// A masked 500: a record that fails.
impl From<Refused> for AppError {
    fn from(refused: Refused) -> Self {
        Self::internal().with_cause(refused)
    }
}

macro_rules! to_lambda_event {
    ($($record:ident => $event:ty),+ $(,)?) => {
        $(impl ToLambdaEvent for $record<'_> {
            type Event = $event;

            fn as_json(&self) -> &str {
                $record::as_json(self)
            }
        })+
    };
}

to_lambda_event! {
    SqsRecord => sqs::SqsMessage,
    DynamoDbRecord => dynamodb::EventRecord,
    SnsRecord => sns::SnsRecord,
    EventBridgeEvent => eventbridge::EventBridgeEvent,
}

/// A record out of an aggregate has its own data and partition key, and what else the aggregate has.
impl ToLambdaEvent for KinesisRecord<'_> {
    type Event = kinesis::KinesisEventRecord;

    fn as_json(&self) -> &str {
        KinesisRecord::as_json(self)
    }

    fn to_lambda_event(&self) -> Result<Self::Event, Refused> {
        let mut event: Self::Event = read_object(ToLambdaEvent::as_json(self))?;
        if self.sub_sequence_number.is_some() {
            event.kinesis.data.0.clone_from(&self.data);
            event.kinesis.partition_key = self.partition_key.to_string();
        }
        Ok(event)
    }
}

#[cfg(test)]
mod tests {
    use apptheory_core::events::{BatchEvent, BatchSource, LambdaEvent};
    use serde_json::{Value as Json, json};

    use super::*;

    fn batch(record: &Json) -> String {
        json!({"Records": [record]}).to_string()
    }

    fn notification_of(event: &str) -> SnsRecord<'_> {
        let LambdaEvent::Sns(mut records) = LambdaEvent::read(event).unwrap() else {
            panic!("notifications")
        };
        records.remove(0)
    }

    #[test]
    fn records_are_those_of_the_crate() {
        let arn = "arn:aws:sqs:eu-west-1:1:q";
        let message = json!({"messageId": "1", "body": "b", "eventSourceARN": arn,
            "messageAttributes": {"a": {"stringValue": "v", "dataType": "String"}}});
        let event = batch(&message);
        let event = BatchEvent::read(BatchSource::Sqs, &event).unwrap();
        let message =
            SqsRecord::read(&event.record(0).unwrap()).unwrap().to_lambda_event().unwrap();
        assert_eq!(message.body.as_deref(), Some("b"));
        assert_eq!(message.message_attributes["a"].string_value.as_deref(), Some("v"));

        let kinesis = json!({"eventID": "s:1", "eventSource": "aws:kinesis", "kinesis":
            {"data": "aGk=", "partitionKey": "p", "sequenceNumber": "1",
             "kinesisSchemaVersion": "1.0", "approximateArrivalTimestamp": 1767225600.5}});
        let event = batch(&kinesis);
        let event = BatchEvent::read(BatchSource::Kinesis, &event).unwrap();
        let record =
            KinesisRecord::read(&event.record(0).unwrap()).unwrap().to_lambda_event().unwrap();
        assert_eq!(record.kinesis.data.0, b"hi");

        // Partition key `k1`, with `hi`.
        let aggregate = "84mawgoCazEaBggAGgJoadrtcnKyP/PPUKy7LBh1GvE=";
        let kinesis = json!({"eventID": "s:1", "eventSource": "aws:kinesis", "kinesis":
            {"data": aggregate, "partitionKey": "p", "sequenceNumber": "1",
             "kinesisSchemaVersion": "1.0", "approximateArrivalTimestamp": 1767225600.5}});
        let event = batch(&kinesis);
        let event = BatchEvent::read(BatchSource::Kinesis, &event).unwrap();
        let record = KinesisRecord::read(&event.record(0).unwrap()).unwrap();
        let record = record.user_records().unwrap().next().unwrap().to_lambda_event().unwrap();
        assert_eq!((&*record.kinesis.data.0, &*record.kinesis.partition_key), (&b"hi"[..], "k1"));

        let change = json!({"eventID": "e", "eventName": "INSERT", "awsRegion": "eu-west-1",
            "eventSourceARN": "a:table/t/stream/x", "dynamodb": {
                "ApproximateCreationDateTime": 1767225600, "Keys": {"PK": {"S": "k"}},
                "NewImage": {"PK": {"S": "k"}}, "SequenceNumber": "7", "SizeBytes": 9,
                "StreamViewType": "NEW_IMAGE"}});
        let event = batch(&change);
        let event = BatchEvent::read(BatchSource::DynamoDbStream, &event).unwrap();
        let record =
            DynamoDbRecord::read(&event.record(0).unwrap()).unwrap().to_lambda_event().unwrap();
        assert_eq!((&*record.event_name, record.change.size_bytes), ("INSERT", 9));

        let notification = json!({"EventSource": "aws:sns", "EventVersion": "1.0",
            "EventSubscriptionArn": "a", "Sns": {"Type": "Notification", "MessageId": "m",
            "TopicArn": "t", "Message": "hi", "Timestamp": "2026-01-01T00:00:00.000Z",
            "SignatureVersion": "1", "Signature": "s", "SigningCertUrl": "u",
            "UnsubscribeUrl": "u", "MessageAttributes": {}}});
        let event = json!({"Records": [notification]}).to_string();
        let record = notification_of(&event).to_lambda_event().unwrap();
        assert_eq!(record.sns.message, "hi");

        let event = json!({"detail-type": "t", "source": "s", "detail": {"n": 1}}).to_string();
        let event = EventBridgeEvent::read(&event).unwrap().to_lambda_event().unwrap();
        assert_eq!((&*event.detail_type, &event.detail["n"]), ("t", &json!(1)));
    }

    #[test]
    fn what_the_crate_refuses_is_an_error_that_tells_nothing() {
        let event = json!({"Records": [{"EventSource": "aws:sns", "Sns": {"Message": "secret"}}]})
            .to_string();
        let notification = notification_of(&event);
        let error = notification.to_lambda_event().unwrap_err().to_string();
        assert!(error.starts_with("aws_lambda_events does not take the record: "), "{error}");
        assert!(!error.contains("secret"));
    }
}
