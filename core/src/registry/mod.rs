//! Which WebSocket connections there are, and what they want to hear of.
//!
//! This module decides how connections are kept in a table and found by topic. It refuses to know
//! what is sent to them: [`gateway`](crate::gateway) sends. Register a connection when `$connect`
//! is answered, remove it on `$disconnect` and when it is
//! [gone](crate::gateway::Error::is_gone): the former is delivered at best effort.
//!
//! ```
//! use core::num::NonZeroU32;
//!
//! use apptheory_core::registry::RegistryConfig;
//! use apptheory_core::run::run;
//! use apptheory_core::store::memory::Memory;
//! use apptheory_core::time::Timestamp;
//!
//! let registry = RegistryConfig::builder().build();
//! let mut memory = Memory::default().with_table(registry.table());
//! run(registry.register("c1=", "news", Timestamp::UNIX_EPOCH)?, &mut memory)?;
//!
//! let list = registry.list("news", NonZeroU32::MIN, None, Timestamp::UNIX_EPOCH)?;
//! let page = run(list, &mut memory)?;
//! assert_eq!(page.connections[0].connection_id, "c1=");
//! # Ok::<(), apptheory_core::registry::Error>(())
//! ```

mod config;
mod error;
mod list;
mod write;

pub use crate::store::AttributeStyle;
pub use config::{RegistryConfig, RegistryConfigBuilder, TOPIC_INDEX};
pub use error::{Error, ErrorKind};
pub use list::{ConnectionPage, ListConnections, RegisteredConnection};
pub use write::{Register, Remove, Touch, Touched};
