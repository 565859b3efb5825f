//! A request for a decision of the limiter.

use alloc::collections::BTreeMap;
use alloc::string::String;
use core::num::NonZeroU32;

use super::key::RateLimitKey;
use crate::time::Timestamp;

/// A request for a decision of the limiter.
#[derive(Clone, Debug)]
pub struct Attempt {
    pub(super) key: RateLimitKey,
    pub(super) now: Timestamp,
    pub(super) cost: NonZeroU32,
    pub(super) id: Option<DecisionId>,
    pub(super) metadata: BTreeMap<String, String>,
}

/// Identifies one decision. Use any value that is not reused within ten minutes, such as 128 random
/// bits. The id makes a multi-window transaction safe to repeat, and seeds the back-off between its
/// retries.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct DecisionId(pub u128);

impl Attempt {
    /// Creates an attempt of cost 1, decided as of `now`. Pass the current time of the executor's
    /// clock: a sliding window relies on it, and would trust an instant in the future.
    #[must_use]
    pub fn new(key: RateLimitKey, now: Timestamp) -> Self {
        Self { key, now, cost: NonZeroU32::MIN, id: None, metadata: BTreeMap::new() }
    }

    /// Sets the number of units that the request uses.
    #[must_use]
    pub fn with_cost(self, cost: NonZeroU32) -> Self {
        Self { cost, ..self }
    }

    /// Sets the decision's id. Without an id a multi-window transaction has no client token, and an
    /// executor may not send it again if the reply is lost.
    #[must_use]
    pub fn with_id(self, id: DecisionId) -> Self {
        Self { id: Some(id), ..self }
    }

    /// Stores texts with the counter when it is created, for people who inspect the table. They do
    /// not affect decisions as long as the item is small: each KB costs a write unit, and above
    /// DynamoDB's limit of 400 KB nothing is counted. Limit the length of texts that clients
    /// choose.
    #[must_use]
    pub fn with_metadata(self, metadata: BTreeMap<String, String>) -> Self {
        Self { metadata, ..self }
    }
}
