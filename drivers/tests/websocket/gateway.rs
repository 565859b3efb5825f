//! A server in place of API Gateway's management API, and clients that send to it.

use core::future::Future;
use core::time::Duration;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use apptheory::clock::ManualClock;
use apptheory::time::Timestamp;
use apptheory::websocket::{
    AwsWebSocketClients, LeanWebSocketClients, WebSocketClient, WebSocketClientFactory,
};
use apptheory_core::gateway::ConnectionReply;
use aws_config::retry::RetryConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use axum::Router;
use axum::body::{Bytes, to_bytes};
use axum::extract::Request;
use axum::http::{HeaderName, StatusCode};
use tokio::net::TcpListener;

use crate::block_on;
use crate::signature;

/// A request that arrived.
#[derive(Clone, Debug)]
pub(crate) struct Arrived {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) content_type: Option<String>,
    pub(crate) content_length: Option<String>,
    pub(crate) authorization: String,
    /// The value that `authorization` must have.
    signed: String,
    pub(crate) body: Bytes,
}

/// The requests that arrived, and the replies to the next ones; the last reply is repeated.
#[derive(Clone, Debug, Default)]
pub(crate) struct Gateway {
    arrived: Arc<Mutex<Vec<Arrived>>>,
    replies: Arc<Mutex<VecDeque<ConnectionReply>>>,
}

impl Gateway {
    pub(crate) fn replying(replies: impl IntoIterator<Item = ConnectionReply>) -> Self {
        let replies = Arc::new(Mutex::new(replies.into_iter().collect()));
        Self { replies, ..Self::default() }
    }

    /// Returns the requests so far, after checking their signatures.
    pub(crate) fn arrived(&self) -> Vec<Arrived> {
        let arrived = self.arrived.lock().unwrap().clone();
        assert!(
            arrived.iter().all(|request| request.authorization == request.signed),
            "{arrived:?}"
        );
        arrived
    }

    /// Runs `test` with the endpoint of the server.
    pub(crate) fn serve<F: Future>(&self, test: impl FnOnce(String) -> F) -> F::Output {
        block_on(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let endpoint = format!("http://{}/dev/", listener.local_addr().unwrap());
            let gateway = self.clone();
            let app = Router::new().fallback(move |request: Request| {
                let gateway = gateway.clone();
                async move { gateway.answer(request).await }
            });
            let server = tokio::spawn(async { axum::serve(listener, app).await });
            let output = test(endpoint).await;
            server.abort();
            output
        })
    }

    async fn answer(&self, request: Request) -> (StatusCode, [(HeaderName, String); 1], Vec<u8>) {
        let (parts, body) = request.into_parts();
        let field = |name| parts.headers.get(name).map(|value| value.to_str().unwrap().to_owned());
        let body = to_bytes(body, usize::MAX).await.unwrap();
        self.arrived.lock().unwrap().push(Arrived {
            method: parts.method.to_string(),
            path: parts.uri.path().to_owned(),
            content_type: field("content-type"),
            content_length: field("content-length"),
            authorization: field("authorization").unwrap_or_default(),
            signed: signature::authorization(&parts, &body),
            body,
        });
        let mut replies = self.replies.lock().unwrap();
        let next = if replies.len() > 1 { replies.pop_front() } else { replies.front().cloned() };
        let ConnectionReply { status, error_type, body } = next.unwrap();
        let error_type = [(HeaderName::from_static("x-amzn-errortype"), error_type)];
        (StatusCode::from_u16(status).unwrap(), error_type, body)
    }
}

/// Returns a shared configuration with keys, a region, and no pauses between attempts.
pub(crate) fn sdk_config() -> SdkConfig {
    let retries = RetryConfig::standard()
        .with_max_attempts(9)
        .with_initial_backoff(Duration::from_millis(1))
        .with_max_backoff(Duration::from_millis(1));
    let credentials = Credentials::new("id", "secret", None, None, "test");
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("eu-central-1"))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .retry_config(retries)
        // Settings that the environment may enable for all services.
        .use_fips(true)
        .use_dual_stack(true)
        .build()
}

/// Returns a variable of a function, whose keys and region are those of [`sdk_config`].
pub(crate) fn env(name: &str) -> Option<String> {
    let value = match name {
        "AWS_REGION" => "eu-central-1",
        "AWS_ACCESS_KEY_ID" => "id",
        "AWS_SECRET_ACCESS_KEY" => "secret",
        _ => return None,
    };
    Some(value.to_owned())
}

/// A client of the management API, with three attempts per operation and no pauses between them.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Client {
    Sdk,
    Lean,
}

pub(crate) const CLIENTS: [Client; 2] = [Client::Sdk, Client::Lean];

impl Client {
    pub(crate) async fn of(self, endpoint: &str) -> WebSocketClient {
        let sdk = AwsWebSocketClients::new().with_sdk_config(sdk_config());
        let clock = ManualClock::new(Timestamp::UNIX_EPOCH);
        let lean = LeanWebSocketClients::new().with_env(env).with_clock(clock);
        match self {
            Self::Sdk => sdk.client(endpoint).await,
            Self::Lean => lean.client(endpoint).await,
        }
        .unwrap()
    }
}
