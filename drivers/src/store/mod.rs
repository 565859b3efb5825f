//! Tables: the orders that are given to a store, and the stores that carry them out.
//!
//! [`MemoryStore`] keeps tables in memory, `EmbeddedStore` in a DynamoDB in this process (feature
//! `embedded`), and `AwsStore` on DynamoDB (feature `aws`).

#[cfg(feature = "aws")]
pub mod aws;
#[cfg(feature = "embedded")]
mod embedded_store;
mod memory_store;

#[doc(inline)]
pub use apptheory_core::store::*;
#[cfg(feature = "aws")]
pub use aws::AwsStore;
#[cfg(feature = "embedded")]
pub use embedded_store::{EmbeddedError, EmbeddedStore};
pub use memory_store::MemoryStore;
