//! What services put around what programs publish, when one sends to another.

use alloc::string::String;
use alloc::vec::Vec;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};

use crate::json::within_text;
use crate::printing::prints;

/// A notification of SNS as it arrives in the messages of a queue, or in a stream. Its message is
/// JSON. Envelopes compose:
///
/// ```
/// use apptheory_core::events::{EventBridge, Sns};
/// use apptheory_core::json;
///
/// #[derive(serde::Deserialize)]
/// struct Order { id: u32 }
///
/// let body = r#"{"Type":"Notification","MessageId":"m1","TopicArn":"arn:aws:sns:eu-west-1:1:orders",
///     "Message":"{\"source\":\"shop\",\"detail-type\":\"order.created\",\"detail\":{\"id\":7}}"}"#;
/// let notification: Sns<EventBridge<Order>> = json::read(body.as_bytes())?;
/// assert_eq!(notification.message.detail.id, 7);
/// # Ok::<(), json::Misread>(())
/// ```
///
/// A subscription with raw message delivery has no envelope.
#[derive(Clone, Deserialize)]
#[serde(rename_all = "PascalCase", bound = "T: DeserializeOwned")]
pub struct Sns<T> {
    /// The message, read.
    #[serde(deserialize_with = "within_text")]
    pub message: T,
    /// The message's id; or an empty text.
    #[serde(default)]
    pub message_id: String,
    /// The topic's ARN; or an empty text.
    #[serde(default)]
    pub topic_arn: String,
    /// The subject, if it has one.
    #[serde(default)]
    pub subject: Option<String>,
    /// When it was published, as SNS writes it; or an empty text.
    #[serde(default)]
    pub timestamp: String,
}

/// An event of EventBridge as it arrives in the messages of a queue or a topic, or in a stream. What
/// the event lacks is empty. See [`Sns`] on envelopes in envelopes.
#[derive(Clone, Deserialize)]
pub struct EventBridge<T> {
    /// What its program published.
    pub detail: T,
    /// The event's id.
    #[serde(default, deserialize_with = "or_empty")]
    pub id: String,
    /// Who sent it.
    #[serde(default, deserialize_with = "or_empty")]
    pub source: String,
    /// What it is.
    #[serde(default, rename = "detail-type", deserialize_with = "or_empty")]
    pub detail_type: String,
    /// The account.
    #[serde(default, deserialize_with = "or_empty")]
    pub account: String,
    /// The region.
    #[serde(default, deserialize_with = "or_empty")]
    pub region: String,
    /// When it happened, as the event writes it.
    #[serde(default, deserialize_with = "or_empty")]
    pub time: String,
    /// ARNs of what it is about.
    #[serde(default, deserialize_with = "or_empty")]
    pub resources: Vec<String>,
}

/// A message of SQS as it arrives where a program or a service forwards it, such as EventBridge Pipes. Its
/// body is JSON. See [`Sns`] on envelopes in envelopes.
#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase", bound = "T: DeserializeOwned")]
pub struct Sqs<T> {
    /// The body, read.
    #[serde(deserialize_with = "within_text")]
    pub body: T,
    /// The message's id; or an empty text.
    #[serde(default)]
    pub message_id: String,
    /// The queue's ARN; or an empty text.
    #[serde(default, rename = "eventSourceARN")]
    pub event_source_arn: String,
}

/// Null is a missing member.
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
    fn what_is_wrong_is_told_with_its_place_in_every_envelope() {
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
                "invalid json of Message: expected a json text (line 1, column 1 of it)",
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
