//! What a handler is called for.

use std::sync::Arc;

use apptheory_core::events::{Delivery, EventInput};
use apptheory_core::http::exchange::{Call, Principal};

#[cfg(doc)]
use super::context::Context;
use super::events::AnyEvent;

/// What a [`Context`] is about.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ContextKind {
    /// An HTTP request.
    Request,
    /// A message on a WebSocket, or the start or end of one.
    Message,
    /// A record of a queue, stream, table, topic or bus.
    Record,
    /// An event of any kind, such as the input of a direct invocation.
    Event,
}

/// What a handler is called for.
#[derive(Clone)]
pub(super) enum Subject {
    Call { call: Arc<Call>, principal: Option<Arc<Principal>> },
    Record { record: EventInput, delivery: Arc<Delivery> },
    Event { event: AnyEvent, delivery: Arc<Delivery> },
}

impl Subject {
    pub(super) fn request_id(&self) -> &str {
        match self {
            Self::Call { call, .. } => &call.request_id,
            Self::Record { delivery, .. } | Self::Event { delivery, .. } => &delivery.request_id,
        }
    }

    pub(super) fn trace_id(&self) -> &str {
        match self {
            Self::Call { call, .. } => &call.request.trace_id,
            Self::Record { .. } | Self::Event { .. } => "",
        }
    }
}

/// A handler was called for another kind of event than it is for. Applications do not.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the handler was called for another kind of event")]
pub(super) struct OfAnotherKind;
