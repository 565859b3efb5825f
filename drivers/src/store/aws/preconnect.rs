//! Connecting to DynamoDB before the first invocation.

use core::time::Duration;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use apptheory_core::sanitize::Sanitizer;
use aws_sdk_dynamodb::Client;
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::BeforeTransmitInterceptorContextMut;
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::config_bag::ConfigBag;
use futures_util::future::join_all;

use super::sent_once;
use crate::causes::WithCauses;
use crate::clock::{Clock as _, SharedClock};
use crate::env::{filled, process_env};
use crate::lambda::RUNTIME_API;

/// How long the function waits for connections before it starts without them.
const CONNECT_TIME: Duration = Duration::from_secs(1);

/// The clients of this process.
static CLIENTS: Mutex<Vec<Weak<Client>>> = Mutex::new(Vec::new());

/// Registers a client to connect before the first invocation, if the process runs on Lambda and the
/// client still exists then.
pub(super) fn before_first_invocation(client: &Arc<Client>) {
    if filled(process_env, RUNTIME_API).is_some() {
        let mut clients = clients();
        clients.retain(|known| known.strong_count() > 0);
        clients.push(Arc::downgrade(client));
    }
}

/// Connects all clients. A failure is logged; the client tries again at its first call.
pub(crate) async fn connect_all(clock: &SharedClock) {
    let clients: Vec<_> = clients().iter().filter_map(Weak::upgrade).collect();
    join_all(clients.iter().map(async |client| {
        if let Err(why) = connect(client, clock).await {
            tracing::warn!("cannot connect to DynamoDB before the first invocation, the first call tries again: {why}");
        }
    }))
    .await;
}

/// Loads a client's credentials, and opens a connection for its first call.
async fn connect(client: &Client, clock: &SharedClock) -> Result<(), String> {
    let by = clock.now().saturating_add(CONNECT_TIME);
    // `Ping` replaces the request before it is sent, so its table need not exist.
    let order = client.get_item().table_name("none").customize().config_override(sent_once());
    match clock.race(Some(by), order.interceptor(Ping).send()).await {
        None => Err(format!("no answer within {CONNECT_TIME:?}")),
        // The reply to `GET /` is an error for the SDK, and proves that the connection works.
        Some(Err(error)) if error.raw_response().is_none() => {
            Err(Sanitizer::new().free_text(&WithCauses(&error).to_string()).into_owned())
        }
        Some(_) => Ok(()),
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

fn clients() -> MutexGuard<'static, Vec<Weak<Client>>> {
    // Nothing panics while the lock is held, so a poisoned lock is still consistent.
    CLIENTS.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use apptheory_core::time::Timestamp;
    use aws_sdk_dynamodb::config::{BehaviorVersion, Config, Credentials, Region};
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;
    use crate::clock::{ManualClock, SystemClock};
    use crate::store::AwsStore;

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
