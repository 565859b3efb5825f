//! The invocation of an event.

use alloc::string::{String, ToString};

use crate::time::Timestamp;

/// The invocation of an event, as handlers of any trigger see it.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Delivery {
    /// The request id: Lambda's, or a new one if Lambda sent none. The same for all records of a
    /// batch.
    pub request_id: String,
    /// Lambda's request id, trimmed; empty if there is none.
    pub aws_request_id: String,
    /// The milliseconds left when the invocation began, rounded down; 0 if the time has passed or
    /// is unknown.
    pub remaining_ms: u64,
}

impl Delivery {
    /// Creates the delivery of an invocation that began at `now`. Calls `new_id` only if Lambda
    /// sent no id.
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
