//! The time of an invocation.
//!
//! All work of an invocation is raced against the same two instants, which are computed once, when
//! the invocation begins.

use core::fmt;
use core::future::Future;
use std::sync::{Arc, OnceLock};

use apptheory_core::invocation_time::InvocationTime;
use tokio_util::sync::CancellationToken;

use super::AppService;
use super::after::{After, Ending};
use super::invocation::Invocation;
use super::span::InvocationSpan;
use crate::clock::Clock as _;

/// An invocation in progress: its time, span and shared values. It is large, and so it is shared
/// from the beginning instead of being moved through every future around a handler.
#[derive(Clone, Debug)]
pub(crate) struct Begun {
    pub(crate) invocation: Invocation,
    pub(crate) time: InvocationTime,
    pub(crate) span: InvocationSpan,
    pub(super) after: After,
    /// The event, if a handler of requests reads it.
    pub(super) event: Option<EventText>,
    /// The token that cancels the invocation's work, once it was asked for.
    cancellation: OnceLock<CancellationToken>,
    /// Cancelled when the function shuts down, if it can.
    #[cfg(feature = "cloudformation")]
    pub(super) shutdown: Option<CancellationToken>,
}

/// The text of an event. `Debug` does not print it.
#[derive(Clone)]
pub(super) struct EventText(Arc<str>);

impl EventText {
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for EventText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EventText({} bytes)", self.0.len())
    }
}

impl Begun {
    /// Also stops the handler of a custom resource when `shutdown` is cancelled.
    #[cfg(feature = "lambda")]
    pub(crate) fn stop_on(self: &mut Arc<Self>, shutdown: &CancellationToken) {
        #[cfg(feature = "cloudformation")]
        {
            Arc::make_mut(self).shutdown = Some(shutdown.clone());
        }
        #[cfg(not(feature = "cloudformation"))]
        let _ = (self, shutdown);
    }

    /// Returns the token that cancels the invocation's work.
    pub(super) fn cancellation(&self) -> &CancellationToken {
        self.cancellation.get_or_init(CancellationToken::new)
    }
}

/// A handler did not finish in time, and was dropped shortly before the invocation's deadline. Give
/// the function more time, or the handler less to do.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the event was not handled in time")]
pub struct TimedOut;

impl AppService {
    /// Keeps the event behind a request, if a handler of the application reads it.
    pub(super) fn keep_event(&self, event: &str, begun: &mut Arc<Begun>) {
        if self.inner.keeps_events {
            Arc::make_mut(begun).event = Some(EventText(event.into()));
        }
    }

    /// Begins an invocation: its time starts now. Work registered with `after` runs at the ending.
    pub(crate) fn begin(&self, invocation: Invocation) -> (Arc<Begun>, Ending) {
        if invocation.is_cold_start
            && let Some(measures) = &self.inner.measures
        {
            measures.cold_start();
        }
        let now = self.services.clock.now();
        let time = InvocationTime::new(now, invocation.deadline, self.inner.reserve);
        let span = InvocationSpan::new(&invocation);
        let begun = Arc::new(Begun {
            invocation,
            time,
            span,
            after: After::new(),
            event: None,
            cancellation: OnceLock::new(),
            #[cfg(feature = "cloudformation")]
            shutdown: None,
        });
        let ending = Ending::of(&begun);
        (begun, ending)
    }

    /// Returns the output of work; `None` if its time is up. Work that is already late does not
    /// start.
    pub(super) async fn in_time<F: Future>(
        &self,
        time: InvocationTime,
        work: F,
    ) -> Option<F::Output> {
        self.services.clock.race(time.stops_at(), work).await
    }
}
