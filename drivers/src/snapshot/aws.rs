//! AWS clients that keep neither connections nor credentials across a restore.

use core::time::Duration;
use std::collections::BTreeMap;

use aws_config::identity::IdentityCache;
use aws_config::{BehaviorVersion, ConfigLoader};
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::identity::{
    IdentityFuture, ResolveCachedIdentity, SharedIdentityCache, SharedIdentityResolver,
};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;

use super::Forgotten;
use crate::https::HttpsConnector;

/// Returns the SDK's configuration from the environment, with [`http_client`].
pub(crate) fn config() -> ConfigLoader {
    aws_config::defaults(BehaviorVersion::latest()).http_client(http_client())
}

/// Returns the HTTP client for AWS clients without their own.
pub(crate) fn http_client() -> SharedHttpClient {
    SharedHttpClient::new(Connections(Forgotten::new(BTreeMap::new())))
}

/// A client's connectors, one for each pair of timeouts; discarded by a restore.
#[derive(Debug)]
struct Connections(Forgotten<BTreeMap<TimeOuts, SharedHttpConnector>>);

/// The timeouts for connecting, and until a reply begins.
type TimeOuts = (Option<Duration>, Option<Duration>);

impl HttpClient for Connections {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        let time_outs = (settings.connect_timeout(), settings.read_timeout());
        let connector =
            || SharedHttpConnector::new(HttpsConnector::new().with_settings(settings, components));
        self.0.with(BTreeMap::new, |known| known.entry(time_outs).or_insert_with(connector).clone())
    }
}

/// Returns a cache of credentials that is replaced by an empty one after a restore.
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
