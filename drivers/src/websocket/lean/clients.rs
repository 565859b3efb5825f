//! Creating clients, one per endpoint and region.

use core::fmt;
use std::sync::Arc;

use apptheory_core::gateway::{self, ErrorKind, RegionSources, RequestBase, ResolvedRegion};

use super::LeanWebSocketManagementClient;
use super::outcome::MissingCredentials;
use crate::clock::{Clock, SharedClock, SystemClock};
use crate::env::{OwnedEnv, process_env};
use crate::lean::{Client, Endpoint, credentials};
use crate::websocket::client::{FactoryFuture, WebSocketClient, WebSocketClientFactory};
use crate::websocket::kept::{Api, Kept, chosen};

/// Creates clients that send without the AWS SDK: one per endpoint and region, kept as long as the
/// factory. Create one factory per process, and share it.
///
/// Needs the feature `aws-lean`. An application with that feature and without `websocket` has this
/// factory by default.
///
/// | Setting | Comes from the first of |
/// |---|---|
/// | endpoint | [`with_endpoint`](Self::with_endpoint), the event's |
/// | region | [`with_region`](Self::with_region), `AWS_REGION`, `AWS_DEFAULT_REGION`, the endpoint's host |
/// | credentials | `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` and `AWS_SESSION_TOKEN` |
///
/// Blank texts are ignored. Credentials are read once per client, because Lambda's do not change
/// while the process runs. Do not use it with SnapStart, which gives a function the credentials of
/// containers, or in a server that runs for hours.
///
/// ```
/// use apptheory::gateway::{self, ErrorKind};
/// use apptheory::websocket::LeanWebSocketClients;
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let clients = LeanWebSocketClients::new().with_region("eu-central-1");
/// let client = clients.connect("wss://a1b2.execute-api.eu-central-1.amazonaws.com/dev/")?;
/// let base = "https://a1b2.execute-api.eu-central-1.amazonaws.com/dev";
/// assert_eq!(client.request_base().as_str(), base);
/// assert_eq!(clients.connect(" ").unwrap_err().kind(), &ErrorKind::MissingEndpoint);
/// # Ok::<(), gateway::Error>(())
/// # }).unwrap();
/// ```
pub struct LeanWebSocketClients {
    settings: Settings,
    clients: Kept<LeanWebSocketManagementClient>,
}

struct Settings {
    endpoint: Option<String>,
    region: Option<String>,
    prefers_endpoint_region: bool,
    env: OwnedEnv,
    clock: SharedClock,
}

impl Default for LeanWebSocketClients {
    fn default() -> Self {
        Self::new()
    }
}

impl LeanWebSocketClients {
    /// Creates a factory with the process's environment.
    #[must_use]
    pub fn new() -> Self {
        Self::of(Settings {
            endpoint: None,
            region: None,
            prefers_endpoint_region: false,
            env: Box::new(process_env),
            clock: SharedClock::new(SystemClock),
        })
    }

    const fn of(settings: Settings) -> Self {
        Self { settings, clients: Kept::new() }
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
    /// environment. Use it to send to APIs of other regions.
    #[must_use]
    pub fn preferring_endpoint_region(self) -> Self {
        Self::of(Settings { prefers_endpoint_region: true, ..self.settings })
    }

    /// Sets the function that looks variables up, instead of the process's environment.
    #[must_use]
    pub fn with_env(self, env: impl Fn(&str) -> Option<String> + Send + Sync + 'static) -> Self {
        Self::of(Settings { env: Box::new(env), ..self.settings })
    }

    /// Uses `clock` instead of the system clock for the pauses between attempts.
    #[must_use]
    pub fn with_clock(self, clock: impl Clock + 'static) -> Self {
        Self::of(Settings { clock: SharedClock::new(clock), ..self.settings })
    }

    /// Returns the client for an endpoint, created once per endpoint and region. Nothing is sent.
    ///
    /// # Errors
    ///
    /// [`gateway::Error`], for the endpoint first. A failure is not cached.
    pub fn connect(
        &self,
        endpoint: &str,
    ) -> Result<Arc<LeanWebSocketManagementClient>, gateway::Error> {
        let endpoint = chosen(self.settings.endpoint.as_deref(), endpoint);
        let base = RequestBase::parse(endpoint)?;
        let server = Endpoint::parse(base.as_str()).ok_or(ErrorKind::InvalidEndpoint)?;
        let region = self.settings.region(&base)?;
        let api = Api::new(endpoint, base, region);
        Ok(self.clients.client(api, |api| {
            let client = credentials(&self.settings.env).map_err(MissingCredentials);
            let client = client.map(|identity| {
                Client::new("execute-api", server, api.region.name.clone(), identity)
            });
            LeanWebSocketManagementClient { api, client, clock: self.settings.clock.clone() }
        }))
    }
}

impl WebSocketClientFactory for LeanWebSocketClients {
    fn client<'f>(&'f self, endpoint: &'f str) -> FactoryFuture<'f> {
        Box::pin(async move {
            let client: WebSocketClient = self.connect(endpoint)?;
            Ok(client)
        })
    }
}

impl Settings {
    fn region(&self, base: &RequestBase) -> Result<ResolvedRegion, gateway::Error> {
        let [first, second] = ["AWS_REGION", "AWS_DEFAULT_REGION"].map(|name| (self.env)(name));
        let sources = RegionSources {
            explicit: self.region.as_deref(),
            aws_region: first.as_deref(),
            aws_default_region: second.as_deref(),
            profile: None,
            endpoint: Some(base),
            prefer_endpoint: self.prefers_endpoint_region,
        };
        sources.resolve()
    }
}

impl fmt::Debug for LeanWebSocketClients {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LeanWebSocketClients")
            .field("endpoint", &self.settings.endpoint)
            .field("region", &self.settings.region)
            .finish_non_exhaustive()
    }
}
