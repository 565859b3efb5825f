//! The HTTP client of the AWS SDK, with a connector for each set of trusted roots.

use std::sync::{Arc, OnceLock};

use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore};
use aws_smithy_http_client::{Connector, ConnectorBuilder};
#[cfg(feature = "_aws_sdk")]
use aws_smithy_runtime_api::client::http::HttpConnectorSettings;
use aws_smithy_runtime_api::client::http::{HttpConnector, HttpConnectorFuture};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::result::ConnectorError;
#[cfg(feature = "_aws_sdk")]
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;

use super::trust::{self, AMAZON_ROOTS, Roots, Trust};
use super::{TRUST, Untrusted, is_untrusted};

/// Sends requests, and keeps connections alive.
#[derive(Debug)]
pub(crate) struct HttpsConnector {
    trust: Arc<Trust>,
    builder: ConnectorBuilder,
    /// For AWS's own endpoints.
    pub(super) amazon: OnceLock<Connector>,
    /// For all other hosts, and for all hosts if the environment sets the roots.
    pub(super) others: OnceLock<Connector>,
}

impl HttpsConnector {
    /// Trusts the roots that the process's environment selects.
    pub(crate) fn new() -> Self {
        Self::trusting(Arc::clone(&TRUST))
    }

    pub(super) fn trusting(trust: Arc<Trust>) -> Self {
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

    pub(super) fn call_checking(
        &self,
        roots: Roots<'_>,
        request: HttpRequest,
    ) -> HttpConnectorFuture {
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

    pub(super) fn connector(&self, roots: Roots<'_>) -> Connector {
        let context = TlsContext::builder().with_trust_store(trust_store(roots)).build();
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

fn trust_store(roots: Roots<'_>) -> TrustStore {
    match roots {
        Roots::Amazon => TrustStore::empty().with_pem_certificate(AMAZON_ROOTS),
        Roots::System => TrustStore::default(),
        Roots::Bundle(pem) => TrustStore::empty().with_pem_certificate(pem),
    }
}
