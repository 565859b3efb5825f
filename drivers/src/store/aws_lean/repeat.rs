//! Which orders are sent again, as through the AWS SDK.

use apptheory_core::store::{
    BatchGetItem, DeleteItem, GetItem, PutItem, QueryItems, TransactWriteItems, UpdateItem,
};

/// How often an order is sent at most.
const ATTEMPTS: u32 = 3;

/// An order that may be sent several times, or not.
pub(super) trait Repeat {
    /// Returns whether sending the order twice has the effect and answer of sending it once, or
    /// its machine recognizes its own first attempt.
    fn is_repeatable(&self) -> bool {
        true
    }

    /// Returns how often the order is sent at most.
    fn attempts(&self) -> u32 {
        if self.is_repeatable() { ATTEMPTS } else { 1 }
    }
}

impl Repeat for GetItem {}
impl Repeat for BatchGetItem {}
impl Repeat for QueryItems {}
impl Repeat for PutItem {}
impl Repeat for DeleteItem {}

impl Repeat for UpdateItem {
    fn is_repeatable(&self) -> bool {
        self.is_idempotent()
    }
}

impl Repeat for TransactWriteItems {
    fn is_repeatable(&self) -> bool {
        self.token.is_some()
    }
}
