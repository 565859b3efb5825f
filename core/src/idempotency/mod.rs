//! Idempotency: work that is done once, even if it is requested several times.
//!
//! An [`IdempotencyConfig`] turns a key into machines, which ask for store effects. Conditional
//! writes decide which caller may do the work now; all others get its result or an error. This
//! module does not know what the work is, or what time it is.
//!
//! ```text
//!          ┌─ Acquired ─ the work ─┬─ done: Complete ──▶ later: Completed, with the result
//! Acquire ─┤                       └─ failed: Release ─▶ later: anyone may try
//!          ├─ Completed: its result is there
//!          └─ an error: in progress elsewhere, another payload, or unknown
//! ```
//!
//! A lease expires, so a host that crashed blocks its key only until then. Work that takes longer
//! than its lease may therefore run twice at the same time, but only one result is stored.
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

/// The largest result that is stored, in bytes. With the key and attributes, an item stays below
/// DynamoDB's 400 KB.
pub const MAX_RESULT_BYTES: usize = 350 * 1024;

/// The header that marks a stored response, with the value `true`.
pub const REPLAYED_HEADER: &str = "idempotency-replayed";
