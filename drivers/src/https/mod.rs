//! Requests to AWS over TLS, and whose certificates are trusted.
//!
//! This module decides by a request's host which root certificates its connection is checked against.
//! Reading the system's takes longer than everything else that a function does before its first event. So
//! they are read only for hosts whose certificates do not come from Amazon's own roots.

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

/// The trust of this process: its environment is read once, and so is the file that it names.
static TRUST: LazyLock<Arc<Trust>> = LazyLock::new(|| Arc::new(Trust::read(&process_env)));

/// Sends requests, and keeps connections for later ones.
#[derive(Debug)]
pub(crate) struct HttpsConnector {
    trust: Arc<Trust>,
    builder: ConnectorBuilder,
    /// To AWS's own endpoints.
    amazon: OnceLock<Connector>,
    /// To all others, and to all where the environment says whom to trust.
    others: OnceLock<Connector>,
}

/// The certificate of a server does not come from a root that is trusted.
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
    /// Trusts whom the environment of the process says.
    pub(crate) fn new() -> Self {
        Self::trusting(Arc::clone(&TRUST))
    }

    fn trusting(trust: Arc<Trust>) -> Self {
        let builder = ConnectorBuilder::default().proxy_config(ProxyConfig::from_env());
        Self { trust, builder, amazon: OnceLock::new(), others: OnceLock::new() }
    }

    /// Takes time-outs, and what measures them, from a client of the SDK.
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
            // Not to be tried again: it would fail the same way.
            Err(ConnectorError::user(error.into()))
        })
    }

    fn connector(&self, roots: Roots<'_>) -> Connector {
        let context = TlsContext::builder().with_trust_store(roots.store()).build();
        let builder = self.builder.clone().tls_provider(Provider::Rustls(CryptoMode::Ring));
        // A context that has only a trust store is always valid.
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

/// Whether a connection failed since no root vouches for the certificate at its other end.
fn is_untrusted(error: &ConnectorError) -> bool {
    let is_unknown = |error: &(dyn Error + 'static)| {
        let unknown = rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer);
        error.downcast_ref() == Some(&unknown)
    };
    let error: &(dyn Error + 'static) = error;
    core::iter::successors(Some(error), |&error| inner(error)).any(is_unknown)
}

/// The cause of an error. `source` of an I/O error skips the error that it wraps.
fn inner<'e>(error: &'e (dyn Error + 'static)) -> Option<&'e (dyn Error + 'static)> {
    match error.downcast_ref::<io::Error>() {
        Some(io) => io.get_ref().map(|inner| inner as &(dyn Error + 'static)),
        None => error.source(),
    }
}
