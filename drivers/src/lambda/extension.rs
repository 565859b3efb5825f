//! Shutdown: the internal extension without which Lambda announces none.
//!
//! Lambda ends a process without a word, unless the environment has an extension: then it sends
//! SIGTERM first. This one is registered for that alone: it takes no events.

use core::convert::Infallible;
use core::future::pending;
use std::io;

use http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use http::{Method, StatusCode};
use http_body_util::Full;

use super::address::Address;
use super::api::RuntimeApi;
use super::connection::ConnectionError;
use super::error::RuntimeError;
use crate::app::BoxFuture;

/// A registered extension, over a connection of its own.
pub(super) struct Extension {
    api: RuntimeApi,
    id: HeaderValue,
}

/// The Extensions API, in the version that this driver speaks.
const EXTENSION: &str = "/2020-01-01/extension";

/// Under which name: it is the function's own, and only has to differ from those of others.
const NAME: HeaderValue = HeaderValue::from_static("apptheory");

/// For which events: internal extensions cannot have SHUTDOWN, and SIGTERM needs none.
const EVENTS: &str = r#"{"events":[]}"#;

const EXTENSION_NAME: HeaderName = HeaderName::from_static("lambda-extension-name");
const EXTENSION_ID: HeaderName = HeaderName::from_static("lambda-extension-identifier");

impl Extension {
    /// Registers it. That is possible before the first invocation is asked for, and never after.
    pub(super) async fn register(address: Address) -> Result<Self, RuntimeError> {
        let mut api = RuntimeApi::new(address);
        let request = api
            .request(Method::POST, &format!("{EXTENSION}/register"))
            .header(EXTENSION_NAME, NAME)
            .header(CONTENT_TYPE, "application/json")
            .body(Full::from(EVENTS));
        let answered = api.exchange(request).await;
        let (status, mut headers, _) =
            answered.map_err(|error| RuntimeError::Closed(Box::new(error)))?;
        if !status.is_success() {
            return Err(RuntimeError::NotRegistered(status));
        }
        let id = headers.remove(EXTENSION_ID).ok_or(RuntimeError::NoExtensionId)?;
        Ok(Self { api, id })
    }

    /// Asks for the events that never come. It tells Lambda that the extension is ready, and Lambda
    /// waits for that before it gives invocations out. It is never done.
    pub(super) async fn stand_by(mut self) -> Infallible {
        match self.next().await {
            Ok(status) => tracing::warn!(%status, "the extension was sent an event"),
            Err(error) => tracing::warn!(%error, "the extension lost its connection"),
        }
        pending().await
    }

    async fn next(&mut self) -> Result<StatusCode, ConnectionError> {
        let request = self
            .api
            .request(Method::GET, &format!("{EXTENSION}/event/next"))
            .header(EXTENSION_ID, self.id.clone())
            .body(Full::default());
        self.api.exchange(request).await.map(|(status, _, _)| status)
    }
}

/// Is over at SIGTERM. The signal is caught from now on: it no longer ends the process.
#[cfg(unix)]
pub(super) fn sigterm() -> io::Result<BoxFuture<()>> {
    use tokio::signal::unix::{SignalKind, signal};

    let mut terminate = signal(SignalKind::terminate())?;
    Ok(Box::pin(async move {
        terminate.recv().await;
    }))
}

/// There is no SIGTERM here.
#[cfg(not(unix))]
pub(super) fn sigterm() -> io::Result<BoxFuture<()>> {
    Ok(Box::pin(pending()))
}
