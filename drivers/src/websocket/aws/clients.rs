//! Creating clients, one per endpoint and region.

use core::fmt;
use std::sync::Arc;

use apptheory_core::gateway::{self, MAX_ATTEMPTS, RegionSources, RequestBase, ResolvedRegion};
use aws_config::SdkConfig;
use aws_config::meta::region::ProvideRegion as _;
use aws_config::profile::ProfileFileRegionProvider;
use aws_config::retry::RetryConfig;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use aws_sdk_apigatewaymanagement::Client;
use aws_sdk_apigatewaymanagement::config::{Builder as ConfigBuilder, Region};
use tokio::sync::OnceCell;

use super::AwsWebSocketManagementClient;
use super::credentials::{NotBlank, without_instance_metadata};
use super::outcome::RetryByStatus;
use crate::env::{OwnedEnv, process_env};
use crate::snapshot;
use crate::trace::Propagation;
use crate::websocket::client::{FactoryFuture, WebSocketClient, WebSocketClientFactory};
use crate::websocket::kept::{Api, Kept, chosen};

/// Creates clients that send through the AWS SDK: one per endpoint and region, kept as long as the
/// factory. Create one factory per process, and share it.
///
/// Needs the feature `websocket`.
///
/// | Setting | Comes from the first of |
/// |---|---|
/// | endpoint | [`with_endpoint`](Self::with_endpoint), the event's |
/// | region | [`with_region`](Self::with_region), `AWS_REGION`, `AWS_DEFAULT_REGION`, the profile, the endpoint's host |
/// | credentials | [`with_credentials`](Self::with_credentials), environment, profile, web identity, container, instance |
///
/// A shared [configuration](Self::with_sdk_config) replaces the environment, the profile and all
/// sources after them. Blank texts are ignored. Credentials are loaded when something is sent, and
/// renewed by the SDK.
///
/// ```
/// use apptheory::gateway::{self, ErrorKind};
/// use apptheory::websocket::AwsWebSocketClients;
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let clients = AwsWebSocketClients::new().with_region("eu-central-1");
/// let client = clients.connect("wss://a1b2.execute-api.eu-central-1.amazonaws.com/dev/").await?;
/// let base = "https://a1b2.execute-api.eu-central-1.amazonaws.com/dev";
/// assert_eq!(client.request_base().as_str(), base);
/// assert_eq!(clients.connect(" ").await.unwrap_err().kind(), &ErrorKind::MissingEndpoint);
/// # Ok::<(), gateway::Error>(())
/// # }).unwrap();
/// ```
///
#[doc = include_str!("../../https/connections.md")]
pub struct AwsWebSocketClients {
    settings: Settings,
    /// The configuration that all clients share; loaded for the first of them.
    sdk_config: OnceCell<SdkConfig>,
    clients: Kept<AwsWebSocketManagementClient>,
}

struct Settings {
    endpoint: Option<String>,
    region: Option<String>,
    prefers_endpoint_region: bool,
    credentials: Option<SharedCredentialsProvider>,
    asks_instance: bool,
    sdk_config: Option<SdkConfig>,
    env: OwnedEnv,
}

impl Default for AwsWebSocketClients {
    fn default() -> Self {
        Self::new()
    }
}

impl AwsWebSocketClients {
    /// Creates a factory with the SDK's default sources.
    #[must_use]
    pub fn new() -> Self {
        Self::of(Settings {
            endpoint: None,
            region: None,
            prefers_endpoint_region: false,
            credentials: None,
            asks_instance: true,
            sdk_config: None,
            env: Box::new(process_env),
        })
    }

    fn of(settings: Settings) -> Self {
        Self { settings, sdk_config: OnceCell::new(), clients: Kept::new() }
    }

    /// Sets the endpoint, whatever events say. Use it for custom domains with an API mapping, whose
    /// events do not name the endpoint, and for a local server.
    #[must_use]
    pub fn with_endpoint(self, endpoint: impl Into<String>) -> Self {
        Self::of(Settings { endpoint: Some(endpoint.into()), ..self.settings })
    }

    /// Sets the region to sign for.
    #[must_use]
    pub fn with_region(self, region: impl Into<String>) -> Self {
        Self::of(Settings { region: Some(region.into()), ..self.settings })
    }

    /// Signs for the region in the endpoint's host, if there is one, instead of that of the
    /// environment or the profile. Use it to send to APIs of other regions.
    #[must_use]
    pub fn preferring_endpoint_region(self) -> Self {
        Self::of(Settings { prefers_endpoint_region: true, ..self.settings })
    }

    /// Sets the credentials, or a provider of credentials.
    #[must_use]
    pub fn with_credentials(self, credentials: impl ProvideCredentials + 'static) -> Self {
        let credentials = Some(SharedCredentialsProvider::new(credentials));
        Self::of(Settings { credentials, ..self.settings })
    }

    /// Disables credentials from instance metadata, so that sending without credentials fails at
    /// once. Lambda functions have no instance metadata.
    #[must_use]
    pub fn without_instance_metadata(self) -> Self {
        Self::of(Settings { asks_instance: false, ..self.settings })
    }

    /// Takes region, credentials, retries and connections from a configuration that is shared with
    /// other AWS clients. Its number of attempts is ignored.
    #[must_use]
    pub fn with_sdk_config(self, config: SdkConfig) -> Self {
        Self::of(Settings { sdk_config: Some(config), ..self.settings })
    }

    /// Sets the function that looks the region's variables up, instead of the process's
    /// environment.
    #[must_use]
    pub fn with_env(self, env: impl Fn(&str) -> Option<String> + Send + Sync + 'static) -> Self {
        Self::of(Settings { env: Box::new(env), ..self.settings })
    }

    /// Returns the client for an endpoint, created once per endpoint and region. Nothing is sent.
    ///
    /// # Errors
    ///
    /// [`gateway::Error`], for the endpoint first. A failure is not cached.
    pub async fn connect(
        &self,
        endpoint: &str,
    ) -> Result<Arc<AwsWebSocketManagementClient>, gateway::Error> {
        let endpoint = chosen(self.settings.endpoint.as_deref(), endpoint);
        let base = RequestBase::parse(endpoint)?;
        let region = self.settings.region(&base).await?;
        let sdk_config = self.sdk_config.get_or_init(|| self.settings.load(&region.name)).await;
        Ok(self.clients.client(Api::new(endpoint, base, region), |api| {
            let client = client(sdk_config, &api);
            AwsWebSocketManagementClient { api, client }
        }))
    }
}

impl WebSocketClientFactory for AwsWebSocketClients {
    fn client<'f>(&'f self, endpoint: &'f str) -> FactoryFuture<'f> {
        Box::pin(async move {
            let client: WebSocketClient = self.connect(endpoint).await?;
            Ok(client)
        })
    }
}

impl Settings {
    async fn region(&self, base: &RequestBase) -> Result<ResolvedRegion, gateway::Error> {
        let (aws_region, aws_default_region, profile) = match &self.sdk_config {
            Some(config) => (None, None, config.region().map(Region::to_string)),
            None => {
                let [first, second] =
                    ["AWS_REGION", "AWS_DEFAULT_REGION"].map(|name| (self.env)(name));
                let said = [&self.region, &first, &second];
                // Files are not read if they would not matter.
                let is_configured =
                    said.into_iter().flatten().any(|region| !region.trim().is_empty());
                let profile = if is_configured { None } else { profile_region().await };
                (first, second, profile)
            }
        };
        let sources = RegionSources {
            explicit: self.region.as_deref(),
            aws_region: aws_region.as_deref(),
            aws_default_region: aws_default_region.as_deref(),
            profile: profile.as_deref(),
            endpoint: Some(base),
            prefer_endpoint: self.prefers_endpoint_region,
        };
        sources.resolve()
    }

    /// Loads the shared configuration. The region is for credential providers; clients have their
    /// own.
    async fn load(&self, region: &str) -> SdkConfig {
        let region = Region::new(region.to_owned());
        let config = match &self.sdk_config {
            Some(config) => config.clone(),
            None => {
                let loader = snapshot::config().region(region.clone());
                match &self.credentials {
                    Some(credentials) => loader.credentials_provider(credentials.clone()),
                    None if self.asks_instance => loader,
                    None => loader.credentials_provider(without_instance_metadata(region)),
                }
                .load()
                .await
            }
        };
        let credentials = self.credentials.clone().or_else(|| config.credentials_provider());
        let credentials = SharedCredentialsProvider::new(NotBlank(credentials));
        config.into_builder().credentials_provider(credentials).build()
    }
}

fn client(sdk_config: &SdkConfig, api: &Api) -> Client {
    let retries = sdk_config.retry_config().cloned().unwrap_or_else(RetryConfig::standard);
    let cache = snapshot::identity_cache(sdk_config.identity_cache());
    let mut config = ConfigBuilder::from(sdk_config)
        .identity_cache(cache)
        .region(Region::new(api.region.name.clone()))
        .endpoint_url(api.base.as_str())
        // While these are enabled, the SDK refuses custom endpoints, and the environment enables
        // them for all services.
        .use_fips(false)
        .use_dual_stack(false)
        .retry_config(retries.with_max_attempts(MAX_ATTEMPTS))
        .retry_classifier(RetryByStatus)
        .interceptor(Propagation);
    if sdk_config.http_client().is_none() {
        config = config.http_client(snapshot::http_client());
    }
    Client::from_conf(config.build())
}

async fn profile_region() -> Option<String> {
    ProfileFileRegionProvider::new().region().await.map(|region| region.to_string())
}

impl fmt::Debug for AwsWebSocketClients {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AwsWebSocketClients")
            .field("endpoint", &self.settings.endpoint)
            .field("region", &self.settings.region)
            .finish_non_exhaustive()
    }
}
