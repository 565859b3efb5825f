//! Services that all requests and records of an application share.

use apptheory_core::http::JsonReading;

use super::websocket::Clients;
use crate::clock::SharedClock;
use crate::ids::AppIds;

/// The shared services of an application.
#[derive(Clone)]
pub(super) struct Services {
    pub(super) clock: SharedClock,
    pub(super) ids: AppIds,
    pub(super) websocket_clients: Clients,
    pub(super) json: JsonReading,
    /// The largest body of a request, in bytes.
    #[cfg(feature = "tower")]
    pub(super) max_request_bytes: Option<core::num::NonZeroU64>,
    #[cfg(feature = "tower")]
    pub(super) mounted: super::hand_over::Mounted,
}
