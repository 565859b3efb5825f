//! `PutRecords` through the AWS SDK.

use core::error::Error as StdError;

use apptheory_core::kinesis::{Error, Misconfiguration, PutRecords, PutResult, Record};
use aws_config::SdkConfig;
pub use aws_sdk_kinesis;
use aws_sdk_kinesis::Client;
use aws_sdk_kinesis::config::Builder as ConfigBuilder;
use aws_sdk_kinesis::config::retry::RetryConfig;
use aws_sdk_kinesis::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_kinesis::primitives::Blob;
use aws_sdk_kinesis::types::{PutRecordsRequestEntry, PutRecordsResultEntry};

use crate::execute::Execute;
use crate::sdk_error::{self, Said};
use crate::snapshot;
use crate::trace::Propagation;

/// Sends records through the AWS SDK. Clones share connections and credentials.
///
/// Needs the feature `kinesis`.
///
/// Requests are never retried by the SDK, whatever its settings: the [producer](super::Producer)
/// retries only the records that were not accepted.
///
/// ```no_run
/// use apptheory::kinesis::{AwsStreams, Producer, StreamName};
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let producer = Producer::new(StreamName::new("orders")?, AwsStreams::from_env().await);
/// # Ok(())
/// # }
/// ```
///
#[doc = include_str!("../https/connections.md")]
#[derive(Clone, Debug)]
pub struct AwsStreams {
    client: Client,
}

impl AwsStreams {
    /// Creates a client with region, credentials and endpoint from the SDK's default sources:
    /// environment, profile, container or instance metadata.
    pub async fn from_env() -> Self {
        Self::from_sdk_config(&snapshot::config().load().await)
    }

    /// Creates a client from a configuration that is shared with other AWS clients.
    #[must_use]
    pub fn from_sdk_config(config: &SdkConfig) -> Self {
        Self::new(Client::new(config))
    }

    /// Uses a client of your own. It sends the invocation's [trace](crate::trace::Propagation).
    #[must_use]
    pub fn new(client: Client) -> Self {
        let config = client.config();
        let cache = snapshot::identity_cache(config.identity_cache());
        let mut builder = config.to_builder().interceptor(Propagation).identity_cache(cache);
        if config.http_client().is_none() {
            builder = builder.http_client(snapshot::http_client());
        }
        Self { client: Client::from_conf(builder.build()) }
    }

    /// Sends to `url` instead of the Kinesis endpoint, for example to an emulator.
    #[must_use]
    pub fn with_endpoint_url(self, url: impl Into<String>) -> Self {
        let config = self.client.config().to_builder().endpoint_url(url).build();
        Self { client: Client::from_conf(config) }
    }

    /// Returns the SDK client.
    #[must_use]
    pub const fn client(&self) -> &Client {
        &self.client
    }
}

impl Execute<PutRecords> for AwsStreams {
    async fn execute(&self, order: &PutRecords) -> Result<Vec<PutResult>, Error> {
        if self.client.config().region().is_none() {
            return Err(Error::Misconfigured(Misconfiguration::MissingRegion));
        }
        let records: Result<_, _> = order.records.iter().map(|record| entry(record)).collect();
        let stream = order.stream.as_str().to_owned();
        let (arn, name) =
            if order.stream.is_arn() { (Some(stream), None) } else { (None, Some(stream)) };
        let call = self.client.put_records().set_stream_arn(arn).set_stream_name(name);
        let sent_once = ConfigBuilder::default().retry_config(RetryConfig::disabled());
        let sent = call.set_records(Some(records?)).customize().config_override(sent_once).send();
        let answer = sent.await.map_err(|error| classify(&error))?;
        let results: Option<Vec<_>> = answer.records.into_iter().map(result).collect();
        results.ok_or(Error::Unavailable)
    }
}

fn entry(record: &Record) -> Result<PutRecordsRequestEntry, Error> {
    PutRecordsRequestEntry::builder()
        .partition_key(record.partition_key())
        .set_explicit_hash_key(record.explicit_hash_key().map(str::to_owned))
        .data(Blob::new(record.data()))
        .build()
        .map_err(|_| Error::Misconfigured(Misconfiguration::InvalidRequest))
}

/// Returns `None` for an entry with neither a shard nor an error code: the record does not count as
/// accepted.
fn result(entry: PutRecordsResultEntry) -> Option<PutResult> {
    let result = PutResult {
        sequence_number: entry.sequence_number.unwrap_or_default(),
        shard_id: entry.shard_id.unwrap_or_default(),
        error_code: entry.error_code.unwrap_or_default(),
        error_message: entry.error_message.unwrap_or_default(),
    };
    (!result.is_accepted() || !result.sequence_number.is_empty()).then_some(result)
}

fn classify<E>(error: &SdkError<E>) -> Error
where
    E: ProvideErrorMetadata + StdError + 'static,
{
    sdk_error::classify(error, |said| match said {
        Said::Refused(code) => Error::from_code(code),
        Said::LateAnswer => Error::Timeout,
        Said::Unwritable => Error::Misconfigured(Misconfiguration::InvalidRequest),
        Said::NoCredentials => Error::Misconfigured(Misconfiguration::MissingCredentials),
        // A malformed reply does not say what was accepted.
        Said::NoAnswer => Error::Unavailable,
    })
}
