//! API Gateway's connections: where they are managed, and what is asked of them.
//!
//! This module decides which endpoint a request goes to, for which region it is signed, how it is
//! spelled, and what its answer means. It refuses to know how requests travel and who signs them:
//! [`PostToConnection`], [`GetConnection`] and [`DeleteConnection`] are effects.
//!
//! ```text
//! event ─ event_endpoint ─┐               ┌─ RegionSources ─▶ region
//! configured endpoint ────┴─▶ RequestBase ┤
//!                                         └─ effect ─ to_call ─▶ world ─ read_reply ─▶ outcome
//! ```
//!
//! ```
//! use apptheory_core::gateway::{ConnectionEffect, PostToConnection, RequestBase, event_endpoint};
//!
//! let endpoint = event_endpoint("a1b2.execute-api.eu-central-1.amazonaws.com", "dev", "");
//! let base = RequestBase::parse(&endpoint.unwrap_or_default())?;
//! assert_eq!(base.region().as_deref(), Some("eu-central-1"));
//!
//! let post = PostToConnection { base, connection_id: "Ab=".into(), data: b"hi".to_vec() };
//! let url = "https://a1b2.execute-api.eu-central-1.amazonaws.com/dev/@connections/Ab%3D";
//! assert_eq!(post.to_call()?.url, url);
//! # Ok::<(), Box<dyn core::error::Error>>(())
//! ```

mod authority;
mod broadcast;
mod endpoint;
mod error;
mod event_endpoint;
mod management;
mod region;
mod reply;
mod resolve;
mod route_selection;

pub use broadcast::BroadcastReport;
pub use endpoint::{RequestBase, normalize_endpoint};
pub use error::{ConfigError, ConnectionOperation, Error, ErrorKind};
pub use event_endpoint::event_endpoint;
pub use management::{
    ConnectionCall, ConnectionEffect, DeleteConnection, GetConnection, MessageError,
    PostToConnection, json_message,
};
pub use region::region_from_host;
pub use reply::{Connection, ConnectionReply};
pub use resolve::{RegionSource, RegionSources, ResolvedRegion};
pub use route_selection::{RouteSelection, RouteSelectionError};

/// The most bytes that one [`PostToConnection`] sends (API Gateway limit, 128 KB).
pub const MAX_DATA_BYTES: usize = 128 * 1024;

/// How often an operation is tried in all while it [may succeed](Error::is_retryable).
pub const MAX_ATTEMPTS: u32 = 3;
