//! The clients of an application.

use std::sync::Arc;
#[cfg(any(feature = "aws-lean", feature = "websocket"))]
use std::sync::OnceLock;

use apptheory_core::gateway::{self, ErrorKind};

#[cfg(feature = "websocket")]
use crate::websocket::AwsWebSocketClients as DefaultClients;
#[cfg(all(feature = "aws-lean", not(feature = "websocket")))]
use crate::websocket::LeanWebSocketClients as DefaultClients;
use crate::websocket::{WebSocketClient, WebSocketClientFactory};

type Factory = Arc<dyn WebSocketClientFactory>;

/// The application's factory of clients, or by default that of a feature. The default one is made
/// when something is sent, so that a program that sends nothing is linked without it.
#[derive(Clone, Default)]
pub(in crate::app) struct Clients {
    own: Option<Factory>,
    #[cfg(any(feature = "aws-lean", feature = "websocket"))]
    default: Arc<DefaultFactory>,
}

/// The factory that a feature brings, made when it is first needed.
#[cfg(any(feature = "aws-lean", feature = "websocket"))]
#[derive(Default)]
struct DefaultFactory {
    /// The endpoint of the local server that stands in for API Gateway.
    local: Option<String>,
    made: OnceLock<Factory>,
}

impl Clients {
    pub(super) fn own(clients: impl WebSocketClientFactory + 'static) -> Self {
        Self {
            own: Some(Arc::new(clients)),
            #[cfg(any(feature = "aws-lean", feature = "websocket"))]
            default: Arc::default(),
        }
    }

    /// Returns the clients that send to a local server.
    #[cfg(all(feature = "local", any(feature = "aws-lean", feature = "websocket")))]
    pub(super) fn of_local_server(endpoint: String) -> Self {
        let default = DefaultFactory { local: Some(endpoint), ..DefaultFactory::default() };
        Self { own: None, default: Arc::new(default) }
    }

    /// Returns whether nothing can be sent.
    pub(in crate::app) const fn are_missing(&self) -> bool {
        cfg!(not(any(feature = "aws-lean", feature = "websocket"))) && self.own.is_none()
    }

    pub(in crate::app) async fn client(
        &self,
        endpoint: &str,
    ) -> Result<WebSocketClient, gateway::Error> {
        let factory = self.own.as_ref().or_else(|| self.default_factory()).ok_or_else(missing)?;
        factory.client(endpoint).await
    }

    #[cfg(any(feature = "aws-lean", feature = "websocket"))]
    fn default_factory(&self) -> Option<&Factory> {
        let DefaultFactory { local, made } = &*self.default;
        Some(made.get_or_init(|| match local {
            None => Arc::new(DefaultClients::new()),
            Some(endpoint) => local_clients(endpoint),
        }))
    }

    #[cfg(not(any(feature = "aws-lean", feature = "websocket")))]
    const fn default_factory(&self) -> Option<&Factory> {
        None
    }
}

/// Returns clients with credentials of no account: a local server does not check the signature, but
/// it has to exist.
#[cfg(any(feature = "aws-lean", feature = "websocket"))]
fn local_clients(endpoint: &str) -> Factory {
    let clients = DefaultClients::new().with_endpoint(endpoint).with_region("us-east-1");
    #[cfg(feature = "websocket")]
    let clients = clients.with_credentials(aws_credential_types::Credentials::new(
        "local",
        "local",
        None,
        None,
        "apptheory::local",
    ));
    #[cfg(not(feature = "websocket"))]
    let clients = clients.with_env(|_| Some("local".to_owned()));
    Arc::new(clients)
}

/// Returns the error of an application without clients. Its cause says how to get them.
pub(super) fn missing() -> gateway::Error {
    gateway::Error::from(ErrorKind::MissingFactory).with_cause(NoFactory)
}

/// An application sends to a connection, and has no clients for it.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error(
    "enable the feature `websocket` of `apptheory` (or `aws-lean`, without the AWS SDK), or set a factory of \
     clients with `App::websocket_clients`"
)]
pub(crate) struct NoFactory;
