//! A client of Amazon SNS that sends nowhere.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use apptheory_core::http::QueryString;
use aws_credential_types::Credentials;
use aws_sdk_sns::Client;
use aws_sdk_sns::config::retry::RetryConfig;
use aws_sdk_sns::config::{BehaviorVersion, Region};
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::http::StatusCode;
use aws_smithy_types::body::SdkBody;

use super::events::REGION;

/// Keeps what is published through its [client](Self::client), and answers as it is told to. Clones
/// are the same topics.
///
/// The client is the AWS SDK's: what is published is written and read as on AWS, and goes nowhere.
///
/// ```
/// use apptheory::testkit::FakeSnsClient;
///
/// # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(async {
/// let sns = FakeSnsClient::default();
/// let topic = "arn:aws:sns:us-east-1:000000000000:orders";
/// let publish = || sns.client().publish().topic_arn(topic).message("tea").send();
///
/// assert_eq!(publish().await?.message_id(), Some("msg-1"));
/// assert_eq!(sns.published()[0].message, "tea");
///
/// sns.fail("AuthorizationError");
/// assert!(publish().await.is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct FakeSnsClient(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    published: Vec<PublishedMessage>,
    error: Option<String>,
}

/// A message that was published.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PublishedMessage {
    /// The ARN of the topic.
    pub topic_arn: String,
    /// The subject; an empty text without one.
    pub subject: String,
    /// The message.
    pub message: String,
}

impl FakeSnsClient {
    /// Returns a client that publishes here. It does not try again.
    #[must_use]
    pub fn client(&self) -> Client {
        let connector = SharedHttpConnector::new(Connector(self.clone()));
        let config = aws_sdk_sns::config::Builder::new()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(REGION))
            .credentials_provider(Credentials::new("id", "key", None, None, "test"))
            .retry_config(RetryConfig::disabled())
            .http_client(http_client_fn(move |_, _| connector.clone()));
        Client::from_conf(config.build())
    }

    /// Returns what was published so far, in order, that which was answered with an error among it.
    /// Its ids are `msg-1`, `msg-2` and so on.
    #[must_use]
    pub fn published(&self) -> Vec<PublishedMessage> {
        self.state().published.clone()
    }

    /// Answers with an error of this code from now on, such as `AuthorizationError`; `None` mends
    /// it.
    pub fn fail<'c>(&self, code: impl Into<Option<&'c str>>) {
        self.state().error = code.into().map(str::to_owned);
    }

    /// The status and the body of the answer to a request: a form (the query protocol of AWS).
    fn answer(&self, form: &str) -> (u16, String) {
        let form = QueryString::parse(form);
        let value = |name| form.parameters().get(name).unwrap_or_default();
        if value("Action") != "Publish" {
            return (400, refusal("InvalidAction"));
        }
        if value("TopicArn").trim().is_empty() {
            return (400, refusal("InvalidParameter"));
        }
        let mut state = self.state();
        state.published.push(PublishedMessage {
            topic_arn: value("TopicArn").trim().to_owned(),
            subject: value("Subject").to_owned(),
            message: value("Message").to_owned(),
        });
        match &state.error {
            Some(code) => (400, refusal(code)),
            None => (200, receipt(state.published.len())),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing panics while it is locked: poisoning says nothing here.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn receipt(number: usize) -> String {
    format!(
        "<PublishResponse xmlns=\"{NAMESPACE}\"><PublishResult><MessageId>msg-{number}</MessageId>\
         </PublishResult></PublishResponse>"
    )
}

fn refusal(code: &str) -> String {
    format!(
        "<ErrorResponse xmlns=\"{NAMESPACE}\"><Error><Type>Sender</Type><Code>{code}</Code>\
         <Message>refused by the test</Message></Error></ErrorResponse>"
    )
}

const NAMESPACE: &str = "http://sns.amazonaws.com/doc/2010-03-31/";

/// What the client has in place of a connection.
#[derive(Debug)]
struct Connector(FakeSnsClient);

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let form = request.body().bytes().map(String::from_utf8_lossy).unwrap_or_default();
        let (status, body) = self.0.answer(&form);
        let Ok(status) = StatusCode::try_from(status) else {
            panic!("{status} is no status: a mistake of the test kit")
        };
        HttpConnectorFuture::ready(Ok(HttpResponse::new(status, SdkBody::from(body))))
    }
}
