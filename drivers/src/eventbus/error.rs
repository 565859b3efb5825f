//! What can go wrong around the core's errors.

use core::error::Error;

use apptheory_core::eventbus::{
    DeleteTenantError, ErrorKind, ItemError, PublishError, Published, QueryError,
};

/// What a handler fails with.
pub type HandlerError = Box<dyn Error + Send + Sync>;

/// A handler of an event failed. Those subscribed before it have run, those after it have not.
#[derive(Debug, thiserror::Error)]
#[error("handler {position} of {event_type} failed: {cause}")]
pub struct HandlerFailed {
    /// The type that the handler is subscribed to.
    pub event_type: String,
    /// Which handler of that type, in the order of subscription, from 0.
    pub position: usize,
    /// How it failed.
    pub cause: HandlerFailure,
}

/// How a handler failed.
#[derive(Debug, thiserror::Error)]
pub enum HandlerFailure {
    /// It returned an error.
    #[error(transparent)]
    Error(HandlerError),
    /// It panicked. The panic hook has told where.
    #[error("it panicked")]
    Panic,
}

/// Why publishing did not end well.
#[derive(Debug, thiserror::Error)]
pub enum PublishFailed {
    /// The event is not published, or, after a time-out, not known to be.
    #[error(transparent)]
    NotPublished(#[from] PublishError),
    /// The event is published and stays so, but a handler of it failed. Publishing again does not
    /// run handlers again, since the event is there already.
    #[error("{failure}")]
    NotHandled {
        /// The event as it was published.
        published: Box<Published>,
        /// The failure.
        failure: HandlerFailed,
    },
}

impl PublishFailed {
    /// The kind of the error, if the event is not published; `None` if a handler failed.
    #[must_use]
    pub const fn kind(&self) -> Option<ErrorKind> {
        match self {
            Self::NotPublished(error) => Some(error.kind()),
            Self::NotHandled { .. } => None,
        }
    }
}

/// Reading on failed. All pages before were read.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{error}")]
pub struct QueryInterrupted {
    /// The cursor of the page that failed: with it, the query goes on from there. `None` when that
    /// is the first page.
    pub cursor: Option<String>,
    /// Why.
    pub error: QueryError,
}

/// Something in the place of an event.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum EventsError {
    /// A stored item is not an event. Those after it follow.
    #[error(transparent)]
    Unreadable(ItemError),
    /// Reading on failed. All events of the pages before were given; nothing follows.
    #[error(transparent)]
    Interrupted(QueryInterrupted),
}

/// A tenant has events left. Call again: it goes on with what is left.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{error} ({deleted} deleted in all)")]
pub struct TenantNotDeleted {
    /// How many deletions were made before.
    pub deleted: u64,
    /// Why the next one was not.
    pub error: DeleteTenantError,
}
