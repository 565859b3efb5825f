//! The closed family of store effects.

use super::{
    BatchGetItem, DeleteItem, GetItem, PutItem, Query, Sleep, TransactWriteItems, UpdateItem,
};
use crate::family::effect_family;

effect_family! {
    /// One effect on the store, with the machine that waits for its outcome.
    pub enum StoreRequest {
        GetItem,
        BatchGetItem,
        PutItem,
        UpdateItem,
        DeleteItem,
        Query,
        TransactWriteItems,
        Sleep,
    }

    /// Whoever carries out every store effect, synchronously.
    pub trait StoreInterpreter;
}
