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
//! let register = registry.register("c1=", "news", Timestamp::UNIX_EPOCH)?;
//! let Step::Ask(StoreRequest::PutItem(ask)) = register.start() else { panic!("one put") };
//! assert_eq!(ask.effect().item.text("PK"), Some("conn#c1="));
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
