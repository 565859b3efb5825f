//! The invocation that a request or a record came with.

use core::net::SocketAddr;

use apptheory_core::time::Timestamp;

/// The invocation that a request or a record came with.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Invocation {
    /// The id that Lambda gave the invocation, or an empty text.
    pub request_id: String,
    /// When Lambda ends the invocation. Its work is cut short a
    /// [reserve](super::App::reserve) before that. Without a deadline, nothing is.
    pub deadline: Option<Timestamp>,
    /// The trace that Lambda gave the invocation, as an `x-amzn-trace-id` field spells it; or an
    /// empty text. Requests that come with a trace of their own keep theirs.
    pub trace: String,
    /// The other end of the connection that the request came over. `None` for an event.
    pub peer: Option<SocketAddr>,
}
