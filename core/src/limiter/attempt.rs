//! One request for a decision.

use alloc::collections::BTreeMap;
use alloc::string::String;
use core::num::NonZeroU32;

use super::key::RateLimitKey;
use crate::time::Timestamp;

/// One request for a decision.
#[derive(Clone, Debug)]
pub struct Attempt {
    pub(super) key: RateLimitKey,
    pub(super) now: Timestamp,
    pub(super) cost: NonZeroU32,
    pub(super) id: Option<DecisionId>,
    pub(super) metadata: BTreeMap<String, String>,
}

/// Identifies one decision: any value that is not used twice within ten minutes, such as
/// 128 random bits. It makes a multi-window transaction safe to repeat, and seeds its back-off.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct DecisionId(pub u128);

impl Attempt {
    /// Makes an attempt of cost 1, decided as of `now`: what the clock of the executor shows, or
    /// showed a moment ago. A sliding window relies on that clock; an instant ahead of it would be
    /// believed.
    #[must_use]
    pub fn new(key: RateLimitKey, now: Timestamp) -> Self {
        Self { key, now, cost: NonZeroU32::MIN, id: None, metadata: BTreeMap::new() }
    }

    /// Sets how many units the request uses.
    #[must_use]
    pub fn with_cost(self, cost: NonZeroU32) -> Self {
        Self { cost, ..self }
    }

    /// Sets the decision's id. Without one, a multi-window transaction has no client token: an
    /// executor may then not send it again when its reply is lost.
    #[must_use]
    pub fn with_id(self, id: DecisionId) -> Self {
        Self { id: Some(id), ..self }
    }

    /// Stores texts with the counter when it is created, for people who look at the table. They
    /// affect no decision as long as the item is small: each KB costs a write unit, and above
    /// DynamoDB's 400 KB nothing is counted. Cut texts whose length a client chooses.
    #[must_use]
    pub fn with_metadata(self, metadata: BTreeMap<String, String>) -> Self {
        Self { metadata, ..self }
    }
}
