//! Store effects on DynamoDB, through the AWS SDK.
//!
//! Needs the feature `aws`.
//!
//! This module makes an SDK call from each effect, decides how often it may be sent, and makes an
//! outcome from the reply or the SDK's error. To limit the time of a decision, wrap the executor in
//! a [`Deadline`](crate::layer::Deadline), which also ends the SDK's own timeouts and retries.
//!
//! Effects that could be applied twice are sent only once; others may be retried:
//!
//! | Effect | Sent |
//! |---|---|
//! | `UpdateItem` that adds to a number | exactly once: a retry could add twice |
//! | `UpdateItem` with a guard | exactly once: a retry could be refused because of the first attempt |
//! | `TransactWriteItems` without a token | exactly once |
//! | everything else | with the SDK's standard retries, as configured |
//!
//! With the feature `tracing`, every SDK error is a debug event with the target `apptheory::aws`:
//! service errors with code and request id, connection failures with their chain of causes.
//! Messages from the service, keys and payloads are left out.
//!
//! ```no_run
//! use apptheory::clock::SystemClock;
//! use apptheory::execute::Execute;
//! use apptheory::layer::{Deadline, DECISION_BUDGET};
//! use apptheory::store::{self, AwsStore, GetItem, Key, Value};
//!
//! # async fn example() -> Result<(), store::Error> {
//! let store = AwsStore::from_env().await;
//! let decision = Deadline::after(&store, SystemClock, DECISION_BUDGET);
//! let key = Key::of("ID", Value::from("e1"));
//! let order = GetItem { table: "events".into(), key, consistent: true };
//! let event = decision.execute(&order).await?;
//! # Ok(())
//! # }
//! ```
//!
#![doc = include_str!("../../https/connections.md")]

mod classify;
mod convert;
mod create_table;
#[cfg(feature = "lambda")]
mod preconnect;
mod reads;
mod writes;

pub use aws_config;
pub use aws_sdk_dynamodb;
pub use create_table::{CREATE_TABLE_PATIENCE, TableCreation, TableError};

use std::sync::Arc;

use apptheory_core::machine::Effect;
use apptheory_core::store::wire::Wire;
use apptheory_core::store::{
    self, Answered, BatchGetItem, DeleteItem, GetItem, Misconfiguration, PutItem, QueryItems,
    Sleep, StoreUsage, TransactWriteItems, UpdateItem,
};
use apptheory_core::time::Timestamp;
use aws_config::SdkConfig;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::config::{Builder as ConfigBuilder, SharedIdentityCache};
use aws_sdk_dynamodb::types::ConsumedCapacity as SdkCapacity;
use aws_smithy_runtime_api::client::http::SharedHttpClient;

use super::meter::{self, Meter};
use crate::clock::{Clock, SystemClock};
use crate::execute::Execute;
use crate::snapshot;
use crate::trace::Propagation;

/// Performs store effects on DynamoDB. Clones share connections and credentials. Programs usually
/// take a [`Store::aws`](super::Store::aws).
///
/// Needs the feature `aws`.
///
/// ```
/// use apptheory::clock::ManualClock;
/// use apptheory::store::AwsStore;
/// use apptheory::store::aws::aws_sdk_dynamodb::Client;
/// use apptheory::store::aws::aws_sdk_dynamodb::config::{BehaviorVersion, Config, Region};
/// use apptheory::time::Timestamp;
///
/// let config = Config::builder()
///     .behavior_version(BehaviorVersion::latest())
///     .region(Region::new("eu-central-1"))
///     .build();
/// let store = AwsStore::new(Client::from_conf(config))
///     .with_endpoint_url("http://127.0.0.1:8000")
///     .with_clock(ManualClock::new(Timestamp::UNIX_EPOCH));
/// assert_eq!(store.client().config().region().map(Region::as_ref), Some("eu-central-1"));
/// ```
#[derive(Clone, Debug)]
pub struct AwsStore<C = SystemClock> {
    client: Arc<Client>,
    clock: C,
    meter: Meter,
}

impl AwsStore {
    /// Creates an executor with region, credentials, endpoint and retry settings from the SDK's
    /// default sources: environment, profile, container or instance metadata. Profiles may use SSO,
    /// or a credential process.
    ///
    /// Without a region every effect returns [`Misconfiguration::MissingTable`], without
    /// credentials [`Misconfiguration::MissingCredentials`].
    pub async fn from_env() -> Self {
        Self::from_sdk_config(&snapshot::config().load().await)
    }

    /// Creates an executor with a configuration that is shared with other AWS clients.
    #[must_use]
    pub fn from_sdk_config(config: &SdkConfig) -> Self {
        Self::over(ConfigBuilder::from(config), config.identity_cache(), config.http_client())
    }

    /// Uses a client of your own. It sends the invocation's [trace](crate::trace::Propagation).
    #[must_use]
    pub fn new(client: Client) -> Self {
        let config = client.config();
        Self::over(config.to_builder(), config.identity_cache(), config.http_client())
    }

    fn over(
        config: ConfigBuilder,
        cache: Option<SharedIdentityCache>,
        http_client: Option<SharedHttpClient>,
    ) -> Self {
        let config = config
            .interceptor(Propagation)
            .identity_cache(snapshot::identity_cache(cache))
            .http_client(http_client.unwrap_or_else(snapshot::http_client));
        Self { client: shared(config), clock: SystemClock, meter: Meter::default() }
    }
}

impl<C> AwsStore<C> {
    /// Sends to `url` instead of the DynamoDB endpoint, for example to DynamoDB Local.
    #[must_use]
    pub fn with_endpoint_url(self, url: impl Into<String>) -> Self {
        let client = shared(self.client.config().to_builder().endpoint_url(url));
        Self { client, ..self }
    }

    /// Uses `clock` for sleeping, and for the arrival times of replies.
    #[must_use]
    pub fn with_clock<D>(self, clock: D) -> AwsStore<D> {
        AwsStore { client: self.client, clock, meter: self.meter }
    }

    /// Returns the SDK client.
    #[must_use]
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Returns the number of calls so far, and the capacity that DynamoDB reported for them.
    /// DynamoDB reports none for a refused write or a cancelled transaction, although it charges
    /// for them. Retries by the SDK count once.
    #[must_use]
    pub fn usage(&self) -> StoreUsage {
        self.meter.usage()
    }

    /// Counts a call, with the capacity that DynamoDB reported.
    fn count<'c>(
        &self,
        operation: &'static str,
        consumed: impl IntoIterator<Item = &'c SdkCapacity>,
    ) {
        let of_table = |consumed: &SdkCapacity| {
            let units = consumed.capacity_units().unwrap_or_default();
            meter::reported(operation, units, consumed.read_capacity_units())
        };
        self.meter.record(operation, consumed.into_iter().map(of_table).sum());
    }

    /// Returns the client, unless `order` cannot succeed. Without a region there is neither an
    /// endpoint nor a signature.
    fn client_for(&self, order: &impl Wire) -> Result<&Client, store::Error> {
        order.check()?;
        self.client
            .config()
            .region()
            .map(|_| &*self.client)
            .ok_or(store::Error::Misconfigured(Misconfiguration::MissingTable))
    }
}

/// Creates a client, which connects before the first invocation.
fn shared(config: ConfigBuilder) -> Arc<Client> {
    let client = Arc::new(Client::from_conf(config.build()));
    #[cfg(feature = "lambda")]
    super::preconnect::before_first_invocation(&client);
    client
}

/// Implements effects: each is executed by the method of its name, with the reply's arrival time.
macro_rules! carries_out {
    ($($effect:ident $method:ident,)+) => {$(
        impl<C: Clock> Execute<$effect> for AwsStore<C> {
            async fn execute(&self, order: &$effect) -> <$effect as Effect>::Outcome {
                let answer = self.$method(order).await?;
                Ok(Answered { answer, at: self.clock.now() })
            }
        }
    )+};
}

apptheory_core::each_store_order!(carries_out);

impl<C: Clock> Execute<Sleep> for AwsStore<C> {
    async fn execute(&self, sleep: &Sleep) -> Timestamp {
        self.clock.sleep(sleep.duration).await
    }
}

/// Returns settings for a call that must not be retried.
fn sent_once() -> ConfigBuilder {
    ConfigBuilder::default().retry_config(RetryConfig::disabled())
}
