//! The configuration of a producer, from which its machines are created.

use alloc::string::String;
use alloc::sync::Arc;
use core::fmt;
use core::time::Duration;

use crate::backoff::Backoff;

/// The default number of retries of a record: 5.
pub const DEFAULT_RETRY_ATTEMPTS: u32 = 5;

/// The default delays before retries: up to 0.1 s, then twice as long each time, at most 2 s.
/// Kinesis measures a shard's throughput per second, so a shard accepts records again after a
/// second.
pub const DEFAULT_BACKOFF: Backoff =
    Backoff { base: Duration::from_millis(100), cap: Duration::from_secs(2) };

/// Configures the stream and the retries of a producer. Use [`send`](Self::send) to get the machine
/// that sends records.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ProducerConfig {
    pub(super) stream: StreamName,
    pub(super) retry_attempts: u32,
    pub(super) backoff: Backoff,
}

impl ProducerConfig {
    /// Creates a configuration for a stream, with the defaults [`DEFAULT_RETRY_ATTEMPTS`] and
    /// [`DEFAULT_BACKOFF`].
    #[must_use]
    pub const fn new(stream: StreamName) -> Self {
        Self { stream, retry_attempts: DEFAULT_RETRY_ATTEMPTS, backoff: DEFAULT_BACKOFF }
    }

    /// Sets how often a record that was not accepted is sent again; 0 disables retries.
    #[must_use]
    pub fn retry_attempts(self, retry_attempts: u32) -> Self {
        Self { retry_attempts, ..self }
    }

    /// Sets the delays before retries.
    #[must_use]
    pub fn backoff(self, backoff: Backoff) -> Self {
        Self { backoff, ..self }
    }
}

/// A stream, by its name or its ARN. Cheap to clone.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct StreamName(Arc<str>);

/// The text is neither the name nor the ARN of a stream.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error(
    "{0:?} is neither the name of a stream (1 to 128 of A-Z, a-z, 0-9 and '_.-') nor an ARN \
     (arn:aws:kinesis:REGION:ACCOUNT:stream/NAME)"
)]
pub struct InvalidStreamName(String);

impl StreamName {
    /// Parses a stream's name or ARN.
    ///
    /// ```
    /// use apptheory_core::kinesis::StreamName;
    ///
    /// let orders = StreamName::new("arn:aws:kinesis:eu-central-1:123456789012:stream/orders")?;
    /// assert!(orders.is_arn());
    /// assert!(StreamName::new("my orders").is_err());
    /// # Ok::<(), apptheory_core::kinesis::InvalidStreamName>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`InvalidStreamName`] if the text is neither.
    pub fn new(text: &str) -> Result<Self, InvalidStreamName> {
        let name = match text.strip_prefix("arn:") {
            Some(arn) => arn.split_once(":stream/").map(|(_, name)| name),
            None => Some(text),
        };
        let is_valid = name.is_some_and(|name| {
            (1..=128).contains(&name.len())
                && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"_.-".contains(&b))
        });
        if is_valid { Ok(Self(text.into())) } else { Err(InvalidStreamName(text.into())) }
    }

    /// Returns the original text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns whether this is an ARN.
    #[must_use]
    pub fn is_arn(&self) -> bool {
        self.0.starts_with("arn:")
    }
}

impl fmt::Display for StreamName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
