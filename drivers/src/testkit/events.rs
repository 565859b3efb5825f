//! Events of AWS services in the form that Lambda receives: queues, streams, tables, topics,
//! buckets, buses, schedules, WebSockets, and services with a single result.
//!
//! Queues, streams, tables, topics, rules and schedules are given by their names, from which ARNs
//! are made, or by their ARNs. Records have the ids `msg-1`, `kin-1`, `ddb-1`, `sns-1` and so on,
//! counted per event. Kinesis and DynamoDB records have the sequence numbers `1` and so on, which
//! failures name. Kafka records have the offsets 0 and so on in their partition; failures name them
//! as `orders-0:0`.
//!
//! ```
//! use apptheory::testkit::events::{self, SqsEntry};
//! use serde_json::json;
//!
//! let event = events::sqs("orders", ["a".into(), SqsEntry::json(&json!({"id": 7}))]);
//! assert_eq!(event["Records"][1]["messageId"], "msg-2");
//! assert_eq!(event["Records"][1]["body"], r#"{"id":7}"#);
//! assert_eq!(event["Records"][1]["eventSourceARN"], "arn:aws:sqs:us-east-1:000000000000:orders");
//! ```

mod amazon_mq;
mod changes;
mod cloudformation;
mod conversations;
mod dynamodb;
mod event_bridge;
mod firehose;
mod gzip;
mod kafka;
mod mail;
mod operations;
mod records;
mod s3;
mod single;
mod websocket;
mod window;

pub use amazon_mq::{activemq, rabbitmq};
pub use changes::{DocumentChange, codecommit, documentdb};
pub use cloudformation::custom_resource;
pub use conversations::{LexEntry, bedrock_agent, bedrock_operation, connect, lex};
pub use dynamodb::{ItemChange, dynamodb};
pub use event_bridge::{EventBridgeEntry, event_bridge, schedule, scheduled_rule};
pub use firehose::firehose;
pub use kafka::{KafkaEntry, kafka};
pub use mail::{MailEntry, ses};
pub use operations::{cloudwatch_alarm, codepipeline, config_rule, s3_batch, secrets_rotation};
pub use records::{
    KinesisEntry, SnsEntry, SqsEntry, cloudwatch_logs, kinesis, log_subscription, sns, sqs,
    sqs_fifo,
};
pub use s3::{S3Entry, s3};
pub use single::{appsync, authorizer_token, cognito};
pub use websocket::websocket;
pub use window::TestWindow;

/// The region in generated ARNs.
pub(super) const REGION: &str = "us-east-1";

/// The account in generated ARNs.
const ACCOUNT: &str = "000000000000";

/// The domain of WebSocket APIs.
pub(super) const DOMAIN: &str = "example.execute-api.us-east-1.amazonaws.com";

/// Returns the ARN for a name, ending with `resource` of that name. ARNs are returned unchanged.
fn arn(service: &str, name: &str, resource: impl FnOnce(&str) -> String) -> String {
    match name.trim() {
        arn if arn.starts_with("arn:") => arn.to_owned(),
        name => format!("arn:aws:{service}:{REGION}:{ACCOUNT}:{}", resource(name)),
    }
}
