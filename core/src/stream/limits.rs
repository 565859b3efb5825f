//! The limits of AWS for streamed responses.

use core::num::NonZeroU64;
use core::time::Duration;

use super::frame::Target;

/// The limits of a service for streamed responses, as of November 2026.
///
/// | | Function URL | REST API | Source |
/// |---|---|---|---|
/// | [`max_bytes`](Self::max_bytes) | 200 MB | 200 MB | Lambda |
/// | [`uncapped_bytes`](Self::uncapped_bytes) | 6 MB | 10 MB | Lambda; API Gateway |
/// | [`bytes_per_second`](Self::bytes_per_second) | 2 MB | 2 MB | Lambda; API Gateway |
/// | [`max_prelude_bytes`](Self::max_prelude_bytes) | 16 KB, by analogy | 16 KB | API Gateway |
/// | [`max_duration`](Self::max_duration) | the function's timeout | 15 min | API Gateway |
/// | [`idle_timeout`](Self::idle_timeout) | – | 5 min | API Gateway |
/// | [`edge_idle_timeout`](Self::edge_idle_timeout) | – | 30 s | API Gateway |
///
/// Sources: *AWS Lambda Developer Guide*, quotas; *API Gateway Developer Guide*, response
/// streaming.
///
/// A megabyte is 2^20 bytes here. If a service counts 10^6, a response takes longer than
/// [`least_time`](Self::least_time), never shorter.
///
/// ```
/// use core::time::Duration;
/// use apptheory_core::stream::{StreamLimits, Target};
///
/// let limits = StreamLimits::of(Target::RestApi);
/// assert_eq!(limits.least_time(10 << 20), Duration::ZERO);
/// assert_eq!(limits.least_time(100 << 20), Duration::from_secs(45));
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct StreamLimits {
    /// The most bytes of a response. The service cuts longer ones off; with the same
    /// [`FrameConfig::transport_limit`](super::FrameConfig::transport_limit) they end with an error
    /// instead.
    pub max_bytes: NonZeroU64,
    /// The number of bytes that are sent at full network speed.
    pub uncapped_bytes: u64,
    /// The bytes per second after that.
    pub bytes_per_second: NonZeroU64,
    /// The most bytes of prelude and delimiter.
    pub max_prelude_bytes: usize,
    /// The longest duration of a response; `None` for the function's timeout.
    pub max_duration: Option<Duration>,
    /// The longest pause before a regional or private API drops the response; `None` for no limit.
    pub idle_timeout: Option<Duration>,
    /// The longest pause before an edge-optimized API drops the response.
    pub edge_idle_timeout: Option<Duration>,
}

impl StreamLimits {
    /// The most bytes of a response that is *not* streamed, including its JSON envelope and base64:
    /// 6 MB (*AWS Lambda Developer Guide*, quotas).
    pub const MAX_BUFFERED_BYTES: u64 = 6 * MB;

    /// Returns the limits of a service.
    #[must_use]
    pub const fn of(target: Target) -> Self {
        match target {
            Target::FunctionUrl => FUNCTION_URL,
            Target::RestApi => REST_API,
        }
    }

    /// Returns the shortest time in which a body of `bytes` can be sent, at any speed of producer
    /// and client. A response with less time left, until its deadline or
    /// [`max_duration`](Self::max_duration), will be cut off.
    #[must_use]
    pub fn least_time(&self, bytes: u64) -> Duration {
        let capped = bytes.saturating_sub(self.uncapped_bytes);
        let per_second = self.bytes_per_second;
        let whole = Duration::from_secs(capped / per_second);
        // The rest is less than a second: its nanoseconds are below 10^9, and fit.
        let nanos = u128::from(capped % per_second).saturating_mul(1_000_000_000);
        let nanos = nanos.checked_div(u128::from(per_second.get())).unwrap_or_default();
        whole.saturating_add(Duration::from_nanos(u64::try_from(nanos).unwrap_or_default()))
    }
}

const MB: u64 = 1 << 20;

const FUNCTION_URL: StreamLimits = StreamLimits {
    max_bytes: non_zero(200 * MB),
    uncapped_bytes: 6 * MB,
    bytes_per_second: non_zero(2 * MB),
    max_prelude_bytes: 16 << 10,
    max_duration: None,
    idle_timeout: None,
    edge_idle_timeout: None,
};

const REST_API: StreamLimits = StreamLimits {
    uncapped_bytes: 10 * MB,
    max_duration: Some(Duration::from_secs(15 * 60)),
    idle_timeout: Some(Duration::from_secs(5 * 60)),
    edge_idle_timeout: Some(Duration::from_secs(30)),
    ..FUNCTION_URL
};

/// For the constants above, which are all positive.
const fn non_zero(bytes: u64) -> NonZeroU64 {
    match NonZeroU64::new(bytes) {
        Some(bytes) => bytes,
        None => NonZeroU64::MIN,
    }
}

#[cfg(test)]
mod tests {
    use core::time::Duration;

    use super::{StreamLimits, Target};

    #[test]
    fn only_what_is_capped_takes_time() {
        let limits = StreamLimits::of(Target::FunctionUrl);
        assert_eq!(limits.least_time(0), Duration::ZERO);
        assert_eq!(limits.least_time(6 << 20), Duration::ZERO);
        assert_eq!(limits.least_time((6 << 20) + 1), Duration::from_nanos(476));
        assert_eq!(limits.least_time(7 << 20), Duration::from_millis(500));
        assert_eq!(limits.least_time(limits.max_bytes.get()), Duration::from_secs(97));
        assert!(limits.least_time(u64::MAX) > Duration::from_secs(u64::MAX >> 22));
    }
}
