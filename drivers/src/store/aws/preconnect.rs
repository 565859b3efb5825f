//! Connecting to DynamoDB before the first invocation.

use aws_sdk_dynamodb::Client;
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::BeforeTransmitInterceptorContextMut;
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::config_bag::ConfigBag;

use super::sent_once;
use crate::causes::WithCauses;
use crate::store::BoxFuture;
use crate::store::preconnect::Connect;

/// Loads the credentials, and opens a connection.
impl Connect for Client {
    fn connect(&self) -> BoxFuture<'_, Result<(), String>> {
        // `Ping` replaces the request before it is sent, so its table need not exist.
        let order = self.get_item().table_name("none").customize().config_override(sent_once());
        Box::pin(async {
            match order.interceptor(Ping).send().await {
                // The reply to `GET /` is an error for the SDK, and proves that the connection
                // works.
                Err(error) if error.raw_response().is_none() => Err(WithCauses(&error).to_string()),
                _ => Ok(()),
            }
        })
    }
}

/// Sends `GET /` instead of a request, unsigned: DynamoDB replies that it is healthy. That needs no
/// permission and no table, is not in CloudTrail, and costs no capacity.
#[derive(Debug)]
struct Ping;

impl Intercept for Ping {
    fn name(&self) -> &'static str {
        "apptheory::store::aws::Ping"
    }

    fn modify_before_transmit(
        &self,
        context: &mut BeforeTransmitInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let order = context.request_mut();
        let mut ping = HttpRequest::new(SdkBody::empty());
        ping.set_uri(order.uri())?;
        *order = ping;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use apptheory_core::time::Timestamp;
    use aws_sdk_dynamodb::config::{BehaviorVersion, Config, Credentials, Region};
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;
    use crate::clock::{ManualClock, SharedClock, SystemClock};
    use crate::store::AwsStore;
    use crate::store::preconnect::connect;

    /// Returns the result of connecting to a server at `url`.
    async fn connects_to(url: String, clock: SharedClock) -> Result<(), String> {
        let config = Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("eu-central-1"))
            .credentials_provider(Credentials::new("id", "secret", None, None, "test"))
            .endpoint_url(url);
        let store = AwsStore::new(Client::from_conf(config.build()));
        connect(store.client(), &clock).await
    }

    async fn listener() -> (TcpListener, String) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        (listener, url)
    }

    #[tokio::test]
    async fn any_answer_to_an_unsigned_question_will_do() {
        for answer in
            ["200 OK\r\ncontent-length: 7\r\n\r\nhealthy", "403 No\r\ncontent-length: 0\r\n\r\n"]
        {
            let (listener, url) = listener().await;
            let server = tokio::spawn(async move {
                let (mut stream, _) = listener.accept().await.unwrap();
                let mut head = vec![0; 4096];
                let len = stream.read(&mut head).await.unwrap();
                stream.write_all(format!("HTTP/1.1 {answer}").as_bytes()).await.unwrap();
                String::from_utf8_lossy(&head[..len]).to_lowercase()
            });
            assert_eq!(connects_to(url, SharedClock::new(SystemClock)).await, Ok(()));
            let asked = server.await.unwrap();
            assert!(asked.starts_with("get / http/1.1\r\n"), "{asked}");
            assert!(!asked.contains("authorization") && !asked.contains("x-amz"), "{asked}");
        }
    }

    #[tokio::test]
    async fn silent_and_refusing_endpoints_are_different_errors() {
        let (silent, url) = listener().await;
        let clock = SharedClock::new(ManualClock::new(Timestamp::UNIX_EPOCH));
        let told = connects_to(url, clock).await;
        assert_eq!(told, Err("no answer within 1s".to_owned()));
        drop(silent);

        let (gone, url) = listener().await;
        drop(gone);
        let told = connects_to(url, SharedClock::new(SystemClock)).await.unwrap_err();
        assert!(told.contains("refused"), "{told}");
    }
}
