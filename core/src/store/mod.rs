//! Effects on a key-value table, and their two interpretations.
//!
//! This module defines what may be asked of a DynamoDB table and what each order means. Every
//! guard, assignment and range can be *evaluated* on an item in memory and *rendered* as a DynamoDB
//! expression. Both are in one file, so that they stay consistent. This module does not send
//! orders; [`wire`] returns the low-level DynamoDB JSON request, so that any host can carry it out
//! over plain HTTP.
//!
//! ```
//! use apptheory_core::store::wire::Wire;
//! use apptheory_core::store::{Assignment, Guard, Key, UpdateItem, Value};
//!
//! let below_ten = Guard::absent("Count").or(Guard::at_most("Count", 9.into()));
//! let order = UpdateItem {
//!     table: "rate-limits".into(),
//!     key: Key::of("PK", Value::from("user-1#0")).with_sort("SK", Value::from("/r#GET")),
//!     assignments: vec![Assignment::Add { name: "Count".into(), amount: 1.into() }],
//!     guard: below_ten,
//! };
//!
//! assert_eq!(UpdateItem::OPERATION, "UpdateItem");
//! let body = order.to_body();
//! assert_eq!(body["UpdateExpression"], "ADD #n0 :v0");
//! assert_eq!(body["ConditionExpression"], "(attribute_not_exists(#n0)) OR (#n0 <= :v1)");
//! assert!(order.guard.holds(None));
//! ```

mod attribute_style;
mod batch_get_item;
mod canonical;
mod cursor_error;
mod delete_item;
mod effect;
mod error;
mod expression;
mod get_item;
mod guard;
mod item;
mod item_text;
mod key_cursor;
pub mod memory;
mod number;
mod plain;
mod playback;
mod put_item;
mod query_items;
mod request;
mod sleep;
mod table;
mod template;
mod transact_write_items;
pub mod transcript;
mod update;
mod update_item;
mod usage;
mod value;
pub mod wire;

pub use attribute_style::AttributeStyle;
pub use batch_get_item::{BatchGetItem, BatchRead};
pub use cursor_error::CursorError;
pub use delete_item::DeleteItem;
pub use effect::{Answered, Conclusion, Outcome, StoreEffect};
pub use error::{Error, Misconfiguration, StoreFailure};
pub use expression::Expressions;
pub use get_item::GetItem;
pub use guard::{Comparison, Guard};
pub use item::{Attribute, AttributeName, Item, Key};
pub use key_cursor::KeyCursor;
pub(crate) use key_cursor::without_line_breaks;
pub use number::Number;
pub use playback::{Divergence, Playback};
pub use put_item::PutItem;
pub use query_items::{Page, QueryItems, SortRange};
pub use request::{StoreInterpreter, StoreRequest};
pub use sleep::Sleep;
pub use table::{IndexDefinition, KeySchema, TableDefinition, TableName};
pub use template::cloudformation_template;
pub use transact_write_items::{
    CancellationReason, ConditionCheck, TransactWrite, TransactWriteItems, Transacted,
};
pub use update::{Assignment, InvalidUpdate};
pub use update_item::{UpdateItem, Written};
pub use usage::{ConsumedCapacity, OperationUsage, StoreUsage};
pub use value::{ReadError, Value};

/// The longest partition key value, in bytes (DynamoDB limit).
pub const MAX_PARTITION_KEY_BYTES: usize = 2048;

/// The longest sort key value, in bytes (DynamoDB limit).
pub const MAX_SORT_KEY_BYTES: usize = 1024;

/// The largest item, in bytes: attribute names and values together (DynamoDB limit, 400 KB).
pub const MAX_ITEM_BYTES: usize = 400 * 1024;

/// The most keys that one `BatchGetItem` reads (DynamoDB limit).
pub const MAX_BATCH_GET_KEYS: usize = 100;

/// The most writes in one `TransactWriteItems` (DynamoDB limit).
pub const MAX_TRANSACT_WRITES: usize = 100;
