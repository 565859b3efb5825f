//! Credentials: ignoring blank ones, and instance metadata.

use aws_config::ecs::EcsCredentialsProvider;
use aws_config::environment::EnvironmentVariableCredentialsProvider;
use aws_config::meta::credentials::CredentialsProviderChain;
use aws_config::profile::ProfileFileCredentialsProvider;
use aws_config::provider_config::ProviderConfig;
use aws_config::web_identity_token::WebIdentityTokenCredentialsProvider;
use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::future::ProvideCredentials as ProvideFuture;
use aws_credential_types::provider::{self, ProvideCredentials, SharedCredentialsProvider};

use super::aws_sdk_apigatewaymanagement::config::Region;
use crate::snapshot;

/// Treats blank keys, and a missing provider, as missing credentials: requests signed with blank
/// keys are refused.
#[derive(Debug)]
pub(super) struct NotBlank(pub(super) Option<SharedCredentialsProvider>);

impl NotBlank {
    async fn credentials(&self) -> provider::Result {
        let missing = |why: &'static str| Err(CredentialsError::not_loaded(why));
        let Some(provider) = &self.0 else { return missing("there is no provider") };
        let credentials = provider.provide_credentials().await?;
        let is_blank = |text: &str| text.trim().is_empty();
        if is_blank(credentials.access_key_id()) || is_blank(credentials.secret_access_key()) {
            return missing("the keys are blank");
        }
        Ok(credentials)
    }
}

impl ProvideCredentials for NotBlank {
    fn provide_credentials<'p>(&'p self) -> ProvideFuture<'p>
    where
        Self: 'p,
    {
        ProvideFuture::new(self.credentials())
    }

    fn fallback_on_interrupt(&self) -> Option<Credentials> {
        self.0.as_ref()?.fallback_on_interrupt()
    }
}

/// Returns the SDK's standard chain, without instance metadata.
pub(super) fn without_instance_metadata(region: Region) -> CredentialsProviderChain {
    let config = ProviderConfig::default()
        .with_region(Some(region))
        .with_http_client(snapshot::http_client());
    let profile = ProfileFileCredentialsProvider::builder().configure(&config).build();
    let web_identity = WebIdentityTokenCredentialsProvider::builder().configure(&config).build();
    let container = EcsCredentialsProvider::builder().configure(&config).build();
    CredentialsProviderChain::first_try(
        "Environment",
        EnvironmentVariableCredentialsProvider::new(),
    )
    .or_else("Profile", profile)
    .or_else("WebIdentityToken", web_identity)
    .or_else("EcsContainer", container)
}
