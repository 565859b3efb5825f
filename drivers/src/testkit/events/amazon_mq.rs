//! Messages of Amazon MQ.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::arn;

/// Creates an event of messages in an ActiveMQ queue, with the ids `ID:1` and so on.
#[must_use]
pub fn activemq<D: Into<Vec<u8>>>(queue: &str, data: impl IntoIterator<Item = D>) -> Value {
    let messages = data.into_iter().enumerate().map(|(index, data)| {
        json!({
            "messageID": format!("ID:{}", index.saturating_add(1)),
            "messageType": "jms/text-message",
            "timestamp": 0,
            "deliveryMode": 1,
            "correlationID": "",
            "replyTo": "null",
            "destination": {"physicalName": queue},
            "redelivered": false,
            "type": "",
            "expiration": 0,
            "priority": 0,
            "data": STANDARD.encode(data.into()),
            "brokerInTime": 0,
            "brokerOutTime": 0,
            "properties": {},
        })
    });
    json!({
        "eventSource": "aws:mq",
        "eventSourceArn": broker(),
        "messages": messages.collect::<Vec<_>>(),
    })
}

/// Creates an event of messages in a RabbitMQ queue, in the virtual host `/`, with the ids `rmq-1`
/// and so on.
#[must_use]
pub fn rabbitmq<D: Into<Vec<u8>>>(queue: &str, data: impl IntoIterator<Item = D>) -> Value {
    let messages = data.into_iter().enumerate().map(|(index, data)| {
        let data = data.into();
        json!({
            "basicProperties": {
                "contentType": null,
                "contentEncoding": null,
                "headers": {},
                "deliveryMode": 1,
                "priority": 0,
                "correlationId": null,
                "replyTo": null,
                "expiration": null,
                "messageId": format!("rmq-{}", index.saturating_add(1)),
                "timestamp": null,
                "type": null,
                "userId": null,
                "appId": null,
                "clusterId": null,
                "bodySize": data.len(),
            },
            "redelivered": false,
            "data": STANDARD.encode(data),
        })
    });
    json!({
        "eventSource": "aws:rmq",
        "eventSourceArn": broker(),
        "rmqMessagesByQueue": {format!("{queue}::/"): messages.collect::<Vec<_>>()},
    })
}

fn broker() -> String {
    arn("mq", "test", |name| format!("broker:{name}:b-0"))
}
