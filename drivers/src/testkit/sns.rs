//! A fake client of Amazon SNS.

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

/// Records what is published through its [client](Self::client), and responds as planned. Clones
/// share the same topics.
///
/// Needs the feature `sns`.
///
/// The client is the AWS SDK's: requests and responses are written and parsed as on AWS, but not
/// sent.
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

/// A published message.
///
/// Needs the feature `sns`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PublishedMessage {
    /// The ARN of the topic.
    pub topic_arn: String,
    /// The subject, or an empty text.
    pub subject: String,
    /// The message.
    pub message: String,
}

impl FakeSnsClient {
    /// Returns a client that publishes here, without retries.
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

    /// Returns all messages so far, in order, including those that failed. Their ids are `msg-1`,
    /// `msg-2` and so on.
    #[must_use]
    pub fn published(&self) -> Vec<PublishedMessage> {
        self.state().published.clone()
    }

    /// Makes publishing fail with this code from now on, such as `AuthorizationError`; `None` ends
    /// that.
    pub fn fail<'c>(&self, code: impl Into<Option<&'c str>>) {
        self.state().error = code.into().map(str::to_owned);
    }

    /// Returns the status and body of the response to a request, which is a form (the AWS query
    /// protocol).
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
        // Nothing panics while the lock is held, so a poisoned lock is still consistent.
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

/// Replaces the client's connection.
#[derive(Debug)]
struct Connector(FakeSnsClient);

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let form = request.body().bytes().map(String::from_utf8_lossy).unwrap_or_default();
        let (status, body) = self.0.answer(&form);
        let Ok(status) = StatusCode::try_from(status) else {
            panic!("{status} is not a status: a bug in the test kit")
        };
        HttpConnectorFuture::ready(Ok(HttpResponse::new(status, SdkBody::from(body))))
    }
}
