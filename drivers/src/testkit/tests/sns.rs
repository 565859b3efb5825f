//! Tests of the fake SNS client.

use apptheory_core::error::AppError;
use aws_sdk_sns::Client;
use aws_sdk_sns::error::ProvideErrorMetadata as _;
use serde_json::Value;

use crate::app::{App, Body, State};
use crate::logs::{LoggerConfig, LoggerFactory, SnsNotifier};
use crate::testkit::{FakeSnsClient, PublishedMessage, TestApp, TestWriter};

const TOPIC: &str = "arn:aws:sns:us-east-1:000000000000:orders";

async fn publish(State(sns): State<Client>, Body(body): Body) -> Result<String, AppError> {
    let message = String::from_utf8_lossy(&body);
    let sent = sns.publish().topic_arn(TOPIC).subject("a & b").message(message).send().await;
    Ok(sent.map_err(AppError::from_error)?.message_id.unwrap_or_default())
}

#[test]
fn published_messages_are_kept_and_refused_as_configured() {
    let sns = FakeSnsClient::default();
    let app = TestApp::new(|_| App::with_state(sns.client()).post("/orders", publish));
    let order = |body: &str| app.post("/orders").body(body.as_bytes()).send();
    order("tea & <milk> +1").assert_text("msg-1");
    sns.fail("Throttled");
    order("ink").assert_status(500);
    sns.fail(None);
    order("pen").assert_text("msg-3");

    let message = |message: &str| PublishedMessage {
        topic_arn: TOPIC.to_owned(),
        subject: "a & b".to_owned(),
        message: message.to_owned(),
    };
    assert_eq!(sns.published(), ["tea & <milk> +1", "ink", "pen"].map(message));
}

#[tokio::test]
async fn requests_other_than_messages_to_a_topic_are_refused() {
    let sns = FakeSnsClient::default();
    let client = sns.client();
    let code = client.publish().topic_arn(" ").message("m").send().await.unwrap_err();
    assert_eq!(code.code(), Some("InvalidParameter"));
    let code = client.publish().phone_number("+1").message("m").send().await.unwrap_err();
    assert_eq!(code.code(), Some("InvalidParameter"));
    let code = client.list_topics().send().await.unwrap_err();
    assert_eq!(code.code(), Some("InvalidAction"));
    assert_eq!(sns.published(), []);
}

#[tokio::test]
async fn notifications_of_errors_are_kept() {
    let sns = FakeSnsClient::default();
    let notifier = SnsNotifier::new(sns.client(), TOPIC).unwrap();
    let factory = LoggerFactory::new().with_notifier(notifier).with_writer(TestWriter::default);
    let logger = factory.console(&LoggerConfig::default()).unwrap();
    logger.error("out of paper", &[("pin", "1234".into())]);
    logger.flush().await.unwrap();
    let [notified] = <[_; 1]>::try_from(sns.published()).unwrap();
    assert_eq!(notified.subject, "apptheory error");
    let message: Value = serde_json::from_str(&notified.message).unwrap();
    assert_eq!(message["entry"]["message"], "out of paper");
    assert_eq!(message["entry"]["fields"]["pin"], "[REDACTED]");
}
