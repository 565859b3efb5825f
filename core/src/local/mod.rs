//! The rules of a local server, in place of the AWS services in front of a function.
//!
//! This module decides which requests such a server accepts, how much of a request a function would
//! receive, and which events of API Gateway a WebSocket becomes. It has no sockets: the drivers'
//! `local` reads and writes.
//!
//! ```
//! use core::net::{IpAddr, Ipv4Addr};
//!
//! use apptheory_core::http::RawRequest;
//! use apptheory_core::local::Origins;
//!
//! let here = IpAddr::V4(Ipv4Addr::LOCALHOST);
//! let origins = Origins { listening: (here, 8080).into(), is_open: false };
//! let mut request = RawRequest::new("GET", "/");
//! request.headers.append("host", "localhost:8080");
//! assert!(origins.admit(&request, None, here, false, None).is_ok());
//!
//! // A name that DNS points to this machine.
//! request.headers.set("host", ["evil.example:8080"]);
//! let refused = origins.admit(&request, None, here, false, None).unwrap_err();
//! assert_eq!(refused.status(), 421);
//! ```

mod body;
mod fields;
mod handshake;
mod origin;
mod websocket;

pub use body::{check_encoding, len_in_event, takes_trailers};
pub use handshake::{WEBSOCKET_VERSION, handshake_key, is_upgrade};
pub use origin::Origins;
pub use websocket::{ConnectAnswer, WebSocketPeer, managed_connection};
