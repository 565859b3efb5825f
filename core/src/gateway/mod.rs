//! The management API of API Gateway's WebSocket connections.
//!
//! This module determines the endpoint and the region of a request, validates operations before
//! they are sent, and interprets responses. It does not send or sign requests: a client carries an
//! operation out, and passes the response to this module.
//!
//! ```text
//! event ─ event_endpoint ─┐               ┌─ RegionSources ─▶ region
//! configured endpoint ────┴─▶ RequestBase ┤
//!                                         └─ operation.check ─▶ client ─▶ ConnectionReply::read
//! ```
//!
//! ```
//! use apptheory_core::gateway::{
//!     ConnectionOperation, ConnectionReply, RequestBase, event_endpoint,
//! };
//!
//! let endpoint = event_endpoint("a1b2.execute-api.eu-central-1.amazonaws.com", "dev", "");
//! let base = RequestBase::parse(&endpoint.unwrap_or_default())?;
//! assert_eq!(base.region().as_deref(), Some("eu-central-1"));
//!
//! let post = ConnectionOperation::PostToConnection;
//! assert_eq!(post.check(" Ab= ", b"hi")?, "Ab=");
//! let error = ConnectionReply::of_status(410).read(post).unwrap_err();
//! assert!(error.is_gone());
//! # Ok::<(), apptheory_core::gateway::Error>(())
//! ```

mod authority;
mod broadcast;
mod endpoint;
mod error;
mod event_endpoint;
mod message;
mod region;
mod reply;
mod resolve;
mod route_selection;

pub use broadcast::BroadcastReport;
pub use endpoint::{RequestBase, normalize_endpoint};
pub use error::{ConnectionOperation, Error, ErrorKind};
pub use event_endpoint::event_endpoint;
pub use message::json_message;
pub use region::region_from_host;
pub use reply::{Connection, ConnectionReply};
pub use resolve::{RegionSource, RegionSources, ResolvedRegion};
pub use route_selection::RouteSelection;

/// The most bytes of a [`PostToConnection`](ConnectionOperation::PostToConnection) (API Gateway
/// limit, 128 KB).
pub const MAX_DATA_BYTES: usize = 128 * 1024;

/// The most attempts in total of an operation that [may succeed](Error::is_retryable) later.
pub const MAX_ATTEMPTS: u32 = 3;
