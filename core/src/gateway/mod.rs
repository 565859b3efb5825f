//! API Gateway's connections: where they are managed, and what the service answers.
//!
//! This module decides which endpoint a request goes to, for which region it is signed, what is not
//! worth sending, and what an answer means. It refuses to know how requests travel and who signs
//! them: a client carries an operation out, and reads its answer here.
//!
//! ```text
//! event ─ event_endpoint ─┐               ┌─ RegionSources ─▶ region
//! configured endpoint ────┴─▶ RequestBase ┤
//!                                         └─ operation.check ─▶ client ─▶ ConnectionReply::read
//! ```
//!
//! ```
//! use apptheory_core::gateway::{ConnectionOperation, ConnectionReply, RequestBase, event_endpoint};
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

/// The most bytes that one [`PostToConnection`](ConnectionOperation::PostToConnection) sends (API Gateway limit, 128 KB).
pub const MAX_DATA_BYTES: usize = 128 * 1024;

/// How often an operation is tried in all while it [may succeed](Error::is_retryable).
pub const MAX_ATTEMPTS: u32 = 3;
