//! AWS clients that remember neither connections nor credentials over a restore.

use aws_config::identity::IdentityCache;
use aws_config::{BehaviorVersion, ConfigLoader};
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::Provider;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::{Builder, ConnectorBuilder};
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::identity::{
    IdentityFuture, ResolveCachedIdentity, SharedIdentityCache, SharedIdentityResolver,
};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;

use super::Forgotten;

/// Returns the SDK's configuration as the environment says it, over [`http_client`].
pub(crate) fn config() -> ConfigLoader {
    aws_config::defaults(BehaviorVersion::latest()).http_client(http_client())
}

/// The HTTP client of an AWS client that has none of its own: the SDK's default one, as long as the
/// process is not restored.
pub(crate) fn http_client() -> SharedHttpClient {
    SharedHttpClient::new(Connections(Forgotten::new(sdk_default())))
}

#[derive(Debug)]
struct Connections(Forgotten<SharedHttpClient>);

impl HttpClient for Connections {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        self.0.with(sdk_default, |client| client.http_connector(settings, components))
    }
}

/// What the SDK takes where nothing is said.
fn sdk_default() -> SharedHttpClient {
    Builder::new().build_with_connector_fn(|settings, components| {
        let mut builder = ConnectorBuilder::default()
            .tls_provider(Provider::Rustls(CryptoMode::Ring))
            .proxy_config(ProxyConfig::from_env());
        builder.set_connector_settings(settings.cloned());
        if let Some(components) = components {
            builder.set_sleep_impl(components.sleep_impl());
        }
        builder.build()
    })
}

/// A cache of credentials, as long as the process is not restored: one of the SDK's takes its place
/// then.
pub(crate) fn identity_cache(cache: Option<SharedIdentityCache>) -> SharedIdentityCache {
    let cache = cache.unwrap_or_else(|| IdentityCache::lazy().build());
    SharedIdentityCache::new(Identities(Forgotten::new(cache)))
}

#[derive(Debug)]
struct Identities(Forgotten<SharedIdentityCache>);

impl ResolveCachedIdentity for Identities {
    fn resolve_cached_identity<'a>(
        &'a self,
        resolver: SharedIdentityResolver,
        components: &'a RuntimeComponents,
        config: &'a ConfigBag,
    ) -> IdentityFuture<'a> {
        let cache = self.0.with(|| IdentityCache::lazy().build(), |cache| cache.clone());
        IdentityFuture::new(async move {
            cache.resolve_cached_identity(resolver, components, config).await
        })
    }
}
