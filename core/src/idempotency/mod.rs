//! Doing things once, however often they are asked for.
//!
//! This module decides who may do a piece of work now, what everybody else is told, and which
//! conditional write makes sure of it. It refuses to know what the work is, and what time it is: an
//! [`IdempotencyConfig`] is a value that turns a key into machines, and the machines ask for store
//! effects.
//!
//! ```text
//!          ┌─ Acquired ─ the work ─┬─ done: Complete ──▶ later: Completed, with the result
//! Acquire ─┤                       └─ failed: Release ─▶ later: anyone may try
//!          ├─ Completed: its result is there
//!          └─ an error: in progress elsewhere, another payload, or nobody knows
//! ```
//!
//! A lease that ends is there for the taking: a host that crashed blocks its key for no longer.
//! Work that takes longer than its lease may therefore be done twice at a time, but only one result
//! stands.
//!
//! ```
//! use apptheory_core::idempotency::{
//!     Acquisition, ErrorKind, IdempotencyConfig, IdempotencyKey, Owner, payload_hash,
//! };
//! use apptheory_core::run::run;
//! use apptheory_core::store::memory::Memory;
//! use apptheory_core::time::Timestamp;
//!
//! let idempotency = IdempotencyConfig::builder().build();
//! let key = IdempotencyKey::new("POST /orders", "client-key-7")?;
//! let (hash, now) = (payload_hash(b"{}"), Timestamp::UNIX_EPOCH);
//! let acquire = |owner| idempotency.acquire(key.clone(), hash.clone(), owner, now, None);
//!
//! let mut memory = Memory::default().with_table(idempotency.table());
//! assert!(matches!(run(acquire(Owner::new(7)), &mut memory)?, Acquisition::Acquired(_)));
//! let refused = run(acquire(Owner::new(8)), &mut memory).unwrap_err();
//! assert_eq!(refused.kind(), ErrorKind::InProgress);
//! # Ok::<(), apptheory_core::idempotency::Error>(())
//! ```

mod acquire;
mod answer;
mod caller;
mod complete;
mod config;
mod entry;
mod error;
mod key;
mod release;
mod scope;
mod source;
#[cfg(test)]
mod tests;

pub use crate::store::AttributeStyle;
pub use acquire::{Acquire, Acquisition, Lease};
pub use answer::{is_result, keep_response, replay_response};
pub use caller::AnswerCallers;
pub use complete::{Complete, Completion};
pub use config::{IdempotencyConfig, IdempotencyConfigBuilder};
pub use entry::Owner;
pub use error::{Error, ErrorKind};
pub use key::{IdempotencyKey, payload_hash};
pub use release::{Release, Released};
pub use scope::{RequestedWork, is_safe, record_scope};
pub use source::{KeySource, request_hash};

/// The largest result that is stored, in bytes. With key and attributes it stays
/// below DynamoDB's 400 KB.
pub const MAX_RESULT_BYTES: usize = 350 * 1024;

/// The header field that marks a stored answer, with the value `true`.
pub const REPLAYED_HEADER: &str = "idempotency-replayed";
