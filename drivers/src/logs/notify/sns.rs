//! Error notifications through Amazon SNS.

use core::time::Duration;

use apptheory_core::observe::LogEntry;
use apptheory_core::observe::notification::{self, NotificationSettings, Origin};
use apptheory_core::sanitize::Sanitizer;
use aws_config::timeout::TimeoutConfig;
use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_sns::Client;
use aws_sdk_sns::config::Region;
use aws_sdk_sns::config::retry::RetryConfig;
use aws_sdk_sns::error::{ProvideErrorMetadata, SdkError};

use super::{ErrorNotifier, NotifyError, NotifyFuture};
use crate::causes::WithCauses;
use crate::env::process_env;
use crate::sdk_error::find_source;
use crate::snapshot;
use crate::trace::Propagation;

pub use aws_sdk_sns;

/// The longest time of an attempt.
const ATTEMPT: Duration = Duration::from_secs(2);

/// Publishes a message about each error to an Amazon SNS topic: JSON with the entry, and the name
/// of the function. The function needs the permission `sns:Publish` for the topic.
///
/// Needs the feature `sns`.
///
/// ```no_run
/// use apptheory::logs::{LoggerConfig, LoggerFactory, SnsNotifier, set_logger};
///
/// # async fn example() -> Result<(), Box<dyn core::error::Error>> {
/// let mut factory = LoggerFactory::new();
/// if let Some(notifier) = SnsNotifier::from_env().await {
///     factory = factory.with_notifier(notifier);
/// }
/// set_logger(Some(factory.console(&LoggerConfig::default())?));
/// # Ok(())
/// # }
/// ```
///
#[doc = include_str!("../../https/connections.md")]
#[derive(Clone, Debug)]
pub struct SnsNotifier {
    client: Client,
    topic_arn: String,
    subject: String,
    origin: Origin,
}

impl SnsNotifier {
    /// Creates a notifier with topic and subject from the environment, see
    /// [`NotificationSettings::from_env`], and credentials from the SDK's default sources. Returns
    /// `None` without a topic. The region is the topic's. An attempt takes at most 2 s; the logger
    /// retries.
    pub async fn from_env() -> Option<Self> {
        let NotificationSettings { topic_arn, subject, origin } =
            NotificationSettings::from_env(process_env);
        let topic_arn = topic_arn?;
        let shared = snapshot::config().load().await;
        let timeouts = TimeoutConfig::builder().operation_timeout(ATTEMPT).build();
        let mut config = aws_sdk_sns::config::Builder::from(&shared)
            .retry_config(RetryConfig::disabled())
            .timeout_config(timeouts)
            .identity_cache(snapshot::identity_cache(shared.identity_cache()))
            .interceptor(Propagation);
        if let Some(region) = region_of(&topic_arn) {
            config.set_region(Some(Region::new(region.to_owned())));
        }
        let client = Client::from_conf(config.build());
        Some(Self { client, topic_arn, subject, origin })
    }

    /// Creates a notifier with a client of your own, whose retries and timeouts apply to each
    /// attempt. It sends the invocation's [trace](crate::trace::Propagation). The subject is
    /// `apptheory error`, and messages do not name the function.
    ///
    /// # Errors
    ///
    /// [`NotifyError`] if the topic is blank.
    pub fn new(client: Client, topic_arn: &str) -> Result<Self, NotifyError> {
        let topic_arn = topic_arn.trim().to_owned();
        if topic_arn.is_empty() {
            return Err(NotifyError("observability: sns topic arn is empty".to_owned()));
        }
        let mut config = client.config().to_builder().interceptor(Propagation);
        if client.config().http_client().is_none() {
            config = config.http_client(snapshot::http_client());
        }
        let (client, subject) = (Client::from_conf(config.build()), notification::subject(""));
        Ok(Self { client, topic_arn, subject, origin: Origin::default() })
    }

    /// Sets the subject, of which the first line is sent, up to 100 bytes.
    #[must_use]
    pub fn with_subject(self, subject: &str) -> Self {
        Self { subject: notification::subject(subject), ..self }
    }

    /// Sets what messages say about the function.
    #[must_use]
    pub fn with_origin(self, origin: Origin) -> Self {
        Self { origin, ..self }
    }
}

impl ErrorNotifier for SnsNotifier {
    fn notify<'n>(&'n self, entry: &'n LogEntry) -> NotifyFuture<'n> {
        let publish = self
            .client
            .publish()
            .topic_arn(&self.topic_arn)
            .subject(&self.subject)
            .message(notification::message(entry, &self.origin));
        Box::pin(async { publish.send().await.map(drop).map_err(|error| why(&error)) })
    }
}

/// Returns the region of `arn:aws:sns:<region>:<account>:<topic>`.
fn region_of(topic_arn: &str) -> Option<&str> {
    topic_arn.split(':').nth(3).filter(|region| !region.is_empty())
}

/// Returns why nothing was published. SNS's message may quote what was sent, so only its code is
/// used.
fn why<E>(error: &SdkError<E>) -> NotifyError
where
    E: ProvideErrorMetadata + core::error::Error + 'static,
{
    let text = match error.code() {
        Some(code) => format!("sns refused the message: {code}"),
        None if matches!(error, SdkError::ServiceError(_) | SdkError::ResponseError(_)) => {
            "sns sent a malformed reply".to_owned()
        }
        None if find_source::<CredentialsError>(error).is_some() => {
            "there are no credentials for sns".to_owned()
        }
        None => format!("sns was not reached: {}", WithCauses(error)),
    };
    NotifyError(Sanitizer::new().free_text(&text).into_owned())
}

#[cfg(test)]
mod tests {
    use apptheory_core::http::QueryString;
    use apptheory_core::observe::{Fields, Level};
    use apptheory_core::time::Timestamp;
    use aws_sdk_sns::config::{BehaviorVersion, Builder, Credentials};
    use serde_json::{Value as Json, json};
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;

    const TOPIC: &str = "arn:aws:sns:eu-west-1:123456789012:errors";

    fn client(url: &str) -> Client {
        let config = Builder::new()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("eu-west-1"))
            .credentials_provider(Credentials::new("id", "key", None, None, "test"))
            .retry_config(RetryConfig::disabled())
            .endpoint_url(url)
            .http_client(snapshot::http_client());
        Client::from_conf(config.build())
    }

    fn entry() -> LogEntry {
        let fields = Fields::from([("pin".to_owned(), json!("1234")), ("n".to_owned(), json!(1))]);
        LogEntry::new(
            Timestamp::UNIX_EPOCH,
            Level::Error,
            "out of paper",
            &fields,
            &Sanitizer::new(),
        )
    }

    /// Publishes an entry to a server that returns `answer`. Returns the form that was sent.
    async fn published(status: &str, answer: &str) -> (Result<(), NotifyError>, QueryString) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let answer = format!(
            "HTTP/1.1 {status}\r\ncontent-type: text/xml\r\ncontent-length: {}\r\n\r\n{answer}",
            answer.len()
        );
        let serve = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = Vec::new();
            while !is_whole(&request) {
                assert!(stream.read_buf(&mut request).await.unwrap() > 0);
            }
            stream.write_all(answer.as_bytes()).await.unwrap();
            let request = String::from_utf8(request).unwrap();
            QueryString::parse(request.split_once("\r\n\r\n").unwrap().1)
        };
        let origin = Origin { function_name: "orders".into(), ..Origin::default() };
        let notifier = SnsNotifier::new(client(&url), &format!(" {TOPIC} ")).unwrap();
        let notifier = notifier.with_origin(origin).with_subject("orders\nfailed");
        let entry = entry();
        tokio::join!(notifier.notify(&entry), serve)
    }

    fn is_whole(request: &[u8]) -> bool {
        let text = String::from_utf8_lossy(request).to_lowercase();
        let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
        let length = head.lines().find_map(|line| line.strip_prefix("content-length:"));
        body.len() >= length.unwrap().trim().parse::<usize>().unwrap()
    }

    #[tokio::test]
    async fn a_message_has_its_topic_its_subject_and_the_entry() {
        let answer = "<PublishResponse xmlns=\"http://sns.amazonaws.com/doc/2010-03-31/\">\
            <PublishResult><MessageId>m1</MessageId></PublishResult></PublishResponse>";
        let (outcome, form) = published("200 OK", answer).await;
        assert_eq!(outcome, Ok(()));
        assert_eq!(form.parameters().get("TopicArn"), Some(TOPIC));
        assert_eq!(form.parameters().get("Subject"), Some("ordersfailed"));
        let message: Json =
            serde_json::from_str(form.parameters().get("Message").unwrap()).unwrap();
        let expected = json!({
            "entry": {"timestamp": "1970-01-01T00:00:00Z", "level": "error",
                "message": "out of paper", "fields": {"pin": "[REDACTED]", "n": "1"}},
            "env": {"aws_execution_env": "", "aws_lambda_function_name": "orders", "aws_region": ""},
        });
        assert_eq!(message, expected);
    }

    #[tokio::test]
    async fn a_refusal_says_its_code_and_quotes_nothing() {
        let answer = "<ErrorResponse xmlns=\"http://sns.amazonaws.com/doc/2010-03-31/\"><Error>\
            <Type>Sender</Type><Code>AuthorizationError</Code><Message>1234 of ann</Message>\
            </Error><RequestId>r</RequestId></ErrorResponse>";
        let (outcome, _) = published("403 Forbidden", answer).await;
        let text = outcome.unwrap_err().to_string();
        assert_eq!(text, "sns refused the message: AuthorizationError");
        let (outcome, _) = published("502 Bad Gateway", "1234 of ann").await;
        assert_eq!(outcome.unwrap_err().to_string(), "sns sent a malformed reply");
    }

    #[tokio::test]
    async fn an_unreachable_sns_endpoint_is_an_error() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        drop(listener);
        let notifier = SnsNotifier::new(client(&url), TOPIC).unwrap();
        let text = notifier.notify(&entry()).await.unwrap_err().to_string();
        assert!(text.starts_with("sns was not reached: "), "{text}");
    }

    #[test]
    fn a_topic_has_a_name_and_a_region() {
        let error = SnsNotifier::new(client("http://127.0.0.1:1"), " ").unwrap_err();
        assert_eq!(error.to_string(), "observability: sns topic arn is empty");
        assert_eq!(region_of(TOPIC), Some("eu-west-1"));
        assert_eq!((region_of("errors"), region_of("arn:aws:sns::1:x")), (None, None));
    }

    /// Run by `.ci/moto`, which starts the server.
    #[tokio::test]
    #[ignore = "needs moto"]
    #[expect(clippy::disallowed_methods, reason = "the address of the server that was started")]
    async fn moto_takes_messages_of_topics_that_exist() {
        let client = client(&std::env::var("APPTHEORY_MOTO_URL").unwrap());
        let topic = client.create_topic().name("errors").send().await.unwrap();
        let notifier = SnsNotifier::new(client.clone(), topic.topic_arn().unwrap()).unwrap();
        notifier.notify(&entry()).await.unwrap();
        let notifier = SnsNotifier::new(client, &format!("{TOPIC}-other")).unwrap();
        let error = notifier.notify(&entry()).await.unwrap_err();
        assert_eq!(error.to_string(), "sns refused the message: NotFound");
    }
}
