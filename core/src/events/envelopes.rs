//! The envelopes that services add when they forward messages to other services.

use alloc::string::String;
use alloc::vec::Vec;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};

use crate::json::within_text;
use crate::printing::prints;

/// An SNS notification as it arrives in a queue message or stream record. Its message must be JSON.
/// Envelopes can be nested:
///
/// ```
/// use apptheory_core::events::{EventBridge, Sns};
/// use apptheory_core::json;
///
/// #[derive(serde::Deserialize)]
/// struct Order { id: u32 }
///
/// let body = r#"{
///     "Type": "Notification", "MessageId": "m1", "TopicArn": "arn:aws:sns:eu-west-1:1:orders",
///     "Message": "{\"source\":\"shop\",\"detail-type\":\"created\",\"detail\":{\"id\":7}}"
/// }"#;
/// let notification: Sns<EventBridge<Order>> = json::read(body.as_bytes())?;
/// assert_eq!(notification.message.detail.id, 7);
/// # Ok::<(), json::Misread>(())
/// ```
///
/// A subscription with raw message delivery has no envelope.
#[derive(Clone, Deserialize)]
#[serde(rename_all = "PascalCase", bound = "T: DeserializeOwned")]
pub struct Sns<T> {
    /// The deserialized message.
    #[serde(deserialize_with = "within_text")]
    pub message: T,
    /// The message's id, or an empty text.
    #[serde(default)]
    pub message_id: String,
    /// The topic's ARN, or an empty text.
    #[serde(default)]
    pub topic_arn: String,
    /// The subject, if it has one.
    #[serde(default)]
    pub subject: Option<String>,
    /// When the notification was published, in SNS's format; or an empty text.
    #[serde(default)]
    pub timestamp: String,
}

/// An EventBridge event as it arrives in a queue message, a notification or a stream record.
/// Missing values are empty. Can be nested; see [`Sns`].
#[derive(Clone, Deserialize)]
pub struct EventBridge<T> {
    /// The deserialized detail.
    pub detail: T,
    /// The event's id.
    #[serde(default, deserialize_with = "or_empty")]
    pub id: String,
    /// The event's source.
    #[serde(default, deserialize_with = "or_empty")]
    pub source: String,
    /// The event's detail type.
    #[serde(default, rename = "detail-type", deserialize_with = "or_empty")]
    pub detail_type: String,
    /// The account.
    #[serde(default, deserialize_with = "or_empty")]
    pub account: String,
    /// The region.
    #[serde(default, deserialize_with = "or_empty")]
    pub region: String,
    /// When the event happened, as in the event.
    #[serde(default, deserialize_with = "or_empty")]
    pub time: String,
    /// The ARNs of the resources that the event is about.
    #[serde(default, deserialize_with = "or_empty")]
    pub resources: Vec<String>,
}

/// An SQS message as it arrives when a program or a service (such as EventBridge Pipes) forwards
/// it. Its body must be JSON. Can be nested; see [`Sns`].
#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase", bound = "T: DeserializeOwned")]
pub struct Sqs<T> {
    /// The deserialized body.
    #[serde(deserialize_with = "within_text")]
    pub body: T,
    /// The message's id, or an empty text.
    #[serde(default)]
    pub message_id: String,
    /// The queue's ARN, or an empty text.
    #[serde(default, rename = "eventSourceARN")]
    pub event_source_arn: String,
}

/// Deserializes null as a missing member.
pub(super) fn or_empty<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}

prints!(Sns<T>: message_id, topic_arn, timestamp);
prints!(Sqs<T>: message_id, event_source_arn);
prints!(EventBridge<T>: id, source, detail_type, account, region, time);

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use serde_json::json;

    use super::*;
    use crate::json;

    #[derive(Debug, Deserialize, PartialEq)]
    struct Order {
        id: u8,
        #[serde(default)]
        prices: Vec<u8>,
    }

    #[test]
    fn a_forwarded_message_is_an_envelope_too() {
        let read = |message: &str| {
            let body = json!({"Message": message, "TopicArn": "t"}).to_string();
            let message =
                json!({"messageId": "m", "eventSourceARN": "a", "body": body}).to_string();
            json::read::<Sqs<Sns<Order>>>(message.as_bytes())
        };
        let message = read(r#"{"id":7}"#).unwrap();
        assert_eq!((&*message.message_id, &*message.event_source_arn), ("m", "a"));
        assert_eq!(message.body.message.id, 7);
        let error = read(r#"{"id":"secret"}"#).err().unwrap().to_string();
        let expected = "invalid json of body: expected u8 at id of its text at Message of its text";
        assert_eq!(error, expected);
    }

    #[test]
    fn errors_give_the_path_through_every_envelope() {
        let event = |detail: serde_json::Value| {
            json!({"source": "shop", "resources": null,
            "detail-type": "order.created", "detail": detail})
        };
        let wrapped = |message: &str| {
            let body = json!({"TopicArn": "t", "Subject": null, "Message": message}).to_string();
            json::read::<Sns<EventBridge<Order>>>(body.as_bytes())
        };
        let read = wrapped(&event(json!({"id": 7, "prices": [1]})).to_string()).unwrap();
        let EventBridge { detail, detail_type, resources, .. } = read.message;
        assert_eq!(detail, Order { id: 7, prices: [1].into() });
        assert_eq!((&*detail_type, resources.len(), &*read.topic_arn), ("order.created", 0, "t"));

        for (message, expected) in [
            (
                event(json!({"id": 7, "prices": [1, "secret"]})).to_string(),
                "invalid json of Message: expected u8 at detail.prices[1] of its text",
            ),
            (
                event(json!({"secret": 1})).to_string(),
                "invalid json of Message: expected a value at detail.id of its text",
            ),
            (
                "secret".into(),
                "invalid json of Message: expected json text (line 1, column 1 of it)",
            ),
            ("null".into(), "invalid json of Message: expected struct EventBridge in its text"),
        ] {
            let error = wrapped(&message).err().unwrap().to_string();
            assert_eq!(error, expected, "{message}");
        }
        let twice = json!({"Message": json!({"Message": r#"{"id":"secret"}"#}).to_string()});
        let error = json::read::<Sns<Sns<Order>>>(twice.to_string().as_bytes()).err().unwrap();
        let expected =
            "invalid json of Message: expected u8 at id of its text at Message of its text";
        assert_eq!(error.to_string(), expected);
        let missing = json::read::<Sns<Order>>(b"{}").err().unwrap();
        assert_eq!(missing.to_string(), "invalid json of Message: expected a value");
    }
}
