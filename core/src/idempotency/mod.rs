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
//!          └─ InProgress, Completed, PayloadDiffers: nothing is to be done
//! ```
//!
//! A lease that ends is there for the taking: a host that crashed blocks its key for no longer.
//! Work that takes longer than its lease may therefore be done twice at a time, but only one result
//! stands.
//!
//! ```
//! use apptheory_core::idempotency::{
//!     Acquisition, IdempotencyConfig, IdempotencyKey, Owner, payload_hash,
//! };
//! use apptheory_core::machine::{Machine, Step};
//! use apptheory_core::store::{Item, StoreRequest, Written};
//! use apptheory_core::time::Timestamp;
//!
//! let idempotency = IdempotencyConfig::builder().build();
//! let key = IdempotencyKey::new("POST /orders", "client-key-7")?;
//! let (owner, now) = (Owner::new(7), Timestamp::UNIX_EPOCH);
//! let acquire = idempotency.acquire(key, payload_hash(b"{}"), owner, now, None);
//! let Step::Ask(StoreRequest::PutItem(ask)) = acquire.start() else { panic!("one put") };
//! assert_eq!(ask.effect().item.text("PK"), Some("idem#POST /orders#client-key-7"));
//!
//! let written = Written::Applied { attributes: Item::new() };
//! let Step::Done(done) = ask.answer(Ok(written)) else { panic!("one put") };
//! assert!(matches!(done?, Acquisition::Acquired(_)));
//! # Ok::<(), Box<dyn core::error::Error>>(())
//! ```

mod acquire;
mod caller;
mod complete;
mod config;
mod entry;
mod key;
mod release;
mod source;
#[cfg(test)]
mod tests;

pub use crate::store::AttributeStyle;
pub use acquire::{Acquire, Acquisition, IdempotencyError, Lease};
pub use caller::AnswerCallers;
pub use complete::{Complete, Completion};
pub use config::{IdempotencyConfig, IdempotencyConfigBuilder};
pub use entry::Owner;
pub use key::{IdempotencyKey, KeyError, payload_hash};
pub use release::{Release, Released};
pub use source::{KeySource, SourceError, request_hash};

/// The largest result that is stored, in bytes. With key and attributes it stays
/// below DynamoDB's 400 KB.
pub const MAX_RESULT_BYTES: usize = 350 * 1024;

/// The header field that marks a stored answer, with the value `true`.
pub const REPLAYED_HEADER: &str = "idempotency-replayed";
