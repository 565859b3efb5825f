//! The connection registry: WebSocket connections by topic.
//!
//! This module stores connections in a table and finds them by topic; [`gateway`](crate::gateway)
//! sends messages to them. Register a connection when `$connect` succeeds. Remove it on
//! `$disconnect`, and also when it is [gone](crate::gateway::Error::is_gone), because API Gateway
//! delivers `$disconnect` at best effort.
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
pub(crate) use config::MAX_TEXT_BYTES;
pub use config::{RegistryConfig, RegistryConfigBuilder, TOPIC_INDEX};
pub use error::{Error, ErrorKind};
pub use list::{ConnectionPage, ListConnections, RegisteredConnection};
pub use write::{Register, Remove, Touch, Touched};
