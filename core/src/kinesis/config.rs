//! A producer as a configured value that makes machines.

use alloc::string::String;
use alloc::sync::Arc;
use core::fmt;
use core::time::Duration;

use crate::backoff::Backoff;

/// How often a record is sent again unless configured otherwise: 5 times.
pub const DEFAULT_RETRY_ATTEMPTS: u32 = 5;

/// How long a producer waits before it sends again unless configured otherwise: up to 0.1 s, then
/// twice as long each time, at most 2 s. A shard takes new records after one second at the latest.
pub const DEFAULT_BACKOFF: Backoff =
    Backoff { base: Duration::from_millis(100), cap: Duration::from_secs(2) };

/// Which stream records go to, and how often they are tried. It makes the machines that send:
/// see [`send`](Self::send).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ProducerConfig {
    pub(super) stream: StreamName,
    pub(super) retry_attempts: u32,
    pub(super) backoff: Backoff,
}

impl ProducerConfig {
    /// Sends to a stream, with the defaults [`DEFAULT_RETRY_ATTEMPTS`] and [`DEFAULT_BACKOFF`].
    #[must_use]
    pub const fn new(stream: StreamName) -> Self {
        Self { stream, retry_attempts: DEFAULT_RETRY_ATTEMPTS, backoff: DEFAULT_BACKOFF }
    }

    /// Sends a record that was not accepted this often again; 0 sends each once.
    #[must_use]
    pub fn retry_attempts(self, retry_attempts: u32) -> Self {
        Self { retry_attempts, ..self }
    }

    /// Waits so long before sending again.
    #[must_use]
    pub fn backoff(self, backoff: Backoff) -> Self {
        Self { backoff, ..self }
    }
}

/// A stream, by its name or its ARN. Cheap to clone.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct StreamName(Arc<str>);

/// What is given is neither the name nor the ARN of a stream.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error(
    "{0:?} is neither the name of a stream (1 to 128 of A-Z, a-z, 0-9 and '_.-') nor an ARN \
     (arn:aws:kinesis:REGION:ACCOUNT:stream/NAME)"
)]
pub struct InvalidStreamName(String);

impl StreamName {
    /// Reads a stream's name or ARN.
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
    /// [`InvalidStreamName`] for what is neither.
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

    /// Returns the text that it was made of.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns whether it is an ARN.
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
