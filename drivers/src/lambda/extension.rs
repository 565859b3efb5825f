//! The internal extension that makes Lambda announce a shutdown.
//!
//! Lambda ends a process without a signal unless the environment has an extension; then it sends
//! SIGTERM first. This extension is registered for that alone, and takes no events.

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

/// A registered extension, with its own connection.
pub(super) struct Extension {
    api: RuntimeApi,
    id: HeaderValue,
}

/// The path of the Extensions API, in the version that this client speaks.
const EXTENSION: &str = "/2020-01-01/extension";

/// The extension's name; it has to be unique in the environment.
const NAME: HeaderValue = HeaderValue::from_static("apptheory");

/// The events to subscribe to. Internal extensions cannot subscribe to SHUTDOWN, and SIGTERM needs
/// no subscription.
const EVENTS: &str = r#"{"events":[]}"#;

const EXTENSION_NAME: HeaderName = HeaderName::from_static("lambda-extension-name");
const EXTENSION_ID: HeaderName = HeaderName::from_static("lambda-extension-identifier");

impl Extension {
    /// Registers the extension. Lambda allows that only before the first invocation is fetched.
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

    /// Polls for events, of which there are none. The first poll tells Lambda that the extension is
    /// ready; Lambda sends no invocations before that. The future never completes.
    pub(super) async fn stand_by(mut self) -> Infallible {
        match self.next().await {
            Ok(status) => {
                tracing::warn!(%status, "the extension got an event that it did not subscribe to");
            }
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

/// Returns a future that completes at SIGTERM. From now on the signal no longer ends the process.
#[cfg(unix)]
pub(super) fn sigterm() -> io::Result<BoxFuture<()>> {
    use tokio::signal::unix::{SignalKind, signal};

    let mut terminate = signal(SignalKind::terminate())?;
    Ok(Box::pin(async move {
        terminate.recv().await;
    }))
}

/// This system has no SIGTERM.
#[cfg(not(unix))]
pub(super) fn sigterm() -> io::Result<BoxFuture<()>> {
    Ok(Box::pin(pending()))
}
