//! Why connections are not kept or found.

use crate::store::InvalidCursor;
use crate::store::StoreFailure;

/// A text does not name a connection or a topic. Nothing was read or written.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum InvalidConnection {
    /// The connection id is blank.
    #[error("connection id is required")]
    MissingConnectionId,
    /// The topic is blank.
    #[error("topic is required")]
    MissingTopic,
    /// A text is longer than 1019 bytes. API Gateway's ids are not; shorten or hash the topic.
    #[error("connection id or topic is too long")]
    TooLong,
}

/// The store did not answer. After `Unavailable` and `Timeout` the change may have been made;
/// making it again is harmless.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("connection registry failed: {0}")]
pub struct RegistryError(#[from] pub StoreFailure);

/// Why a topic has no page.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ListError {
    /// The cursor is none. Start again from the first page.
    #[error(transparent)]
    Cursor(#[from] InvalidCursor),
    /// The cursor is from another topic. Start again from the first page.
    #[error("invalid cursor: of another topic")]
    CursorMismatch,
    /// The store did not answer. Repeat with the same cursor: nothing is lost.
    #[error(transparent)]
    Store(#[from] RegistryError),
}
