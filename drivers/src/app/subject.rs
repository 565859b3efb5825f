//! What a context is of: a request, a message, a record or an event.

use std::sync::Arc;

use apptheory_core::events::{Delivery, EventInput};
use apptheory_core::http::exchange::{Call, Principal};

#[cfg(doc)]
use super::context::Context;
use super::events::AnyEvent;

/// The kind of input that a [`Context`] is of.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ContextKind {
    /// An HTTP request.
    Request,
    /// A WebSocket message, connect or disconnect.
    Message,
    /// A record of a queue, stream, table, topic or bus.
    Record,
    /// An event that was registered with [`Router::on`](super::Router::on) or a method for single
    /// events, such as the input of a direct invocation.
    Event,
}

/// The input that a handler is called with.
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

/// A handler was called with another kind of input than it is for. Applications never do so.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the handler was called for another kind of event")]
pub(super) struct OfAnotherKind;
