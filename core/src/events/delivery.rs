//! What an invocation brings besides its event.

use alloc::string::{String, ToString};

use crate::time::Timestamp;

/// The invocation that brought an event, as handlers of any trigger see it.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Delivery {
    /// The id of the request: Lambda's, or one of the application's where Lambda gave none. The
    /// same for all records of a batch.
    pub request_id: String,
    /// Lambda's id of the request, trimmed; empty when it gave none.
    pub aws_request_id: String,
    /// Whole milliseconds that were left when it began; 0 when none were, or nobody says how many.
    pub remaining_ms: u64,
}

impl Delivery {
    /// An invocation that began at `now`. `new_id` is asked for an id only where Lambda gave none.
    #[must_use]
    pub fn new(
        aws_request_id: &str,
        deadline: Option<Timestamp>,
        now: Timestamp,
        new_id: impl FnOnce() -> String,
    ) -> Self {
        let aws_request_id = aws_request_id.trim().to_string();
        let request_id = if aws_request_id.is_empty() { new_id() } else { aws_request_id.clone() };
        let left = deadline.map_or(0, |deadline| now.until(deadline).as_millis());
        let remaining_ms = u64::try_from(left).unwrap_or(u64::MAX);
        Self { request_id, aws_request_id, remaining_ms }
    }
}
