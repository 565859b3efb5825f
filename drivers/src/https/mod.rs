//! HTTPS requests to AWS, and which certificates they trust.
//!
//! The host of a request decides which root certificates its connection is checked against. Loading
//! the system's roots takes longer than everything else that a function does before its first
//! event, so they are loaded only for hosts whose certificates do not come from Amazon's own roots.

mod trust;

#[cfg(test)]
mod tests;

use core::error::Error;
use std::io;
use std::sync::{Arc, LazyLock, OnceLock};

use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext};
use aws_smithy_http_client::{Connector, ConnectorBuilder};
#[cfg(feature = "_aws_sdk")]
use aws_smithy_runtime_api::client::http::HttpConnectorSettings;
use aws_smithy_runtime_api::client::http::{HttpConnector, HttpConnectorFuture};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::result::ConnectorError;
#[cfg(feature = "_aws_sdk")]
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use rustls::CertificateError;

use crate::env::process_env;
use trust::{Roots, Trust};

/// The trust settings of the process: the environment and the file that it names are read once.
static TRUST: LazyLock<Arc<Trust>> = LazyLock::new(|| Arc::new(Trust::read(&process_env)));

/// Sends requests, and keeps connections alive.
#[derive(Debug)]
pub(crate) struct HttpsConnector {
    trust: Arc<Trust>,
    builder: ConnectorBuilder,
    /// For AWS's own endpoints.
    amazon: OnceLock<Connector>,
    /// For all other hosts, and for all hosts if the environment sets the roots.
    others: OnceLock<Connector>,
}

/// The server's certificate does not come from a trusted root.
#[derive(Debug, thiserror::Error)]
#[error(
    "the certificate of {host} does not come from {roots}: to trust its root, name a file with it in \
     AWS_CA_BUNDLE"
)]
struct Untrusted {
    host: String,
    roots: &'static str,
    source: ConnectorError,
}

impl HttpsConnector {
    /// Trusts the roots that the process's environment selects.
    pub(crate) fn new() -> Self {
        Self::trusting(Arc::clone(&TRUST))
    }

    fn trusting(trust: Arc<Trust>) -> Self {
        let builder = ConnectorBuilder::default().proxy_config(ProxyConfig::from_env());
        Self { trust, builder, amazon: OnceLock::new(), others: OnceLock::new() }
    }

    /// Takes the SDK client's timeouts and their timer.
    #[cfg(feature = "_aws_sdk")]
    pub(crate) fn with_settings(
        mut self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> Self {
        self.builder.set_connector_settings(Some(settings.clone()));
        self.builder.set_sleep_impl(components.sleep_impl());
        self
    }

    fn call_checking(&self, roots: Roots<'_>, request: HttpRequest) -> HttpConnectorFuture {
        let slot = match roots {
            Roots::Amazon => &self.amazon,
            Roots::System | Roots::Bundle(_) => &self.others,
        };
        let connector = slot.get_or_init(|| self.connector(roots));
        let (url, roots) = (request.uri().to_owned(), roots.name());
        let answer = connector.call(request);
        HttpConnectorFuture::new(async move {
            let error = match answer.await {
                Err(error) if is_untrusted(&error) => error,
                answer => return answer,
            };
            let host = trust::host(&url).unwrap_or_default();
            let error = Untrusted { host, roots, source: error };
            #[cfg(feature = "tracing")]
            tracing::error!("{error}");
            // Not retryable: a retry would fail the same way.
            Err(ConnectorError::user(error.into()))
        })
    }

    fn connector(&self, roots: Roots<'_>) -> Connector {
        let context = TlsContext::builder().with_trust_store(roots.store()).build();
        let builder = self.builder.clone().tls_provider(Provider::Rustls(CryptoMode::Ring));
        // A TLS context that has only a trust store is always valid.
        builder.tls_context(context.unwrap_or_default()).build()
    }
}

impl HttpConnector for HttpsConnector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        match self.trust.roots_for(request.uri()) {
            Ok(roots) => self.call_checking(roots, request),
            Err(error) => HttpConnectorFuture::ready(Err(ConnectorError::user(error.into()))),
        }
    }
}

/// Returns whether a connection failed because no trusted root signed the server's certificate.
fn is_untrusted(error: &ConnectorError) -> bool {
    let is_unknown = |error: &(dyn Error + 'static)| {
        let unknown = rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer);
        error.downcast_ref() == Some(&unknown)
    };
    let error: &(dyn Error + 'static) = error;
    core::iter::successors(Some(error), |&error| inner(error)).any(is_unknown)
}

/// Returns the cause of an error. `source` of an I/O error skips the error that it wraps.
fn inner<'e>(error: &'e (dyn Error + 'static)) -> Option<&'e (dyn Error + 'static)> {
    match error.downcast_ref::<io::Error>() {
        Some(io) => io.get_ref().map(|inner| inner as &(dyn Error + 'static)),
        None => error.source(),
    }
}
