//! Events of any kind: the input of direct invocations, of Step Functions, of schedules with an
//! input of their own, and of services without a method of their own.

use core::fmt;
use std::sync::Arc;

use apptheory_core::error::AppError;
use apptheory_core::events::{self, EventObservation, EventOutcome, RawEvent, Seen, Trigger};

use crate::app::chain::Chain;
use crate::app::invoke::InvokeError;
use crate::app::subject::OfAnotherKind;
use crate::app::time::Begun;
use crate::app::{AppService, Context, FromContext, kind};

/// An event of any kind, as its sender wrote it. Clones share the same event.
///
/// ```
/// use apptheory::app::{App, Invocation};
/// use apptheory::app::events::AnyEvent;
///
/// async fn keep(event: AnyEvent) {
///     println!("{}: {} bytes", event.seen(), event.as_json().len());
/// }
///
/// let app = App::new().otherwise(keep).build()?;
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// assert_eq!(app.invoke(r#"{"action":"ship"}"#, Invocation::default()).await?, "null");
/// # Ok::<(), apptheory::app::InvokeError>(())
/// # }).unwrap();
/// # Ok::<(), apptheory::app::BuildError>(())
/// ```
#[derive(Clone)]
pub struct AnyEvent(Arc<Whole>);

struct Whole {
    text: String,
    seen: Seen,
}

impl AnyEvent {
    pub(super) fn of(event: &RawEvent<'_>) -> Self {
        Self(Arc::new(Whole { text: event.as_json().to_owned(), seen: event.seen() }))
    }

    /// Returns the JSON text of the event, for [`serde_json::from_str`]. Use
    /// [`Json`](crate::app::Json) to parse it into a type of yours.
    #[must_use]
    pub fn as_json(&self) -> &str {
        &self.0.text
    }

    /// Returns a description of the event's shape. It contains no values, and is safe to log.
    #[must_use]
    pub fn seen(&self) -> &Seen {
        &self.0.seen
    }
}

/// The event is its sender's data: `Debug` does not print it.
impl fmt::Debug for AnyEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("AnyEvent").field(&self.0.seen).finish()
    }
}

impl<S> FromContext<S, kind::Any> for AnyEvent {
    fn from_context(context: &Context, _: &S) -> Result<Self, AppError> {
        let other = || AppError::internal().with_cause(OfAnotherKind);
        context.event().cloned().ok_or_else(other)
    }
}

/// A handler of events, with its registration as written in code.
pub(in crate::app) struct NamedRoute {
    pub(in crate::app) name: String,
    pub(in crate::app) handler: Arc<Chain>,
}

impl AppService {
    /// Returns whether a handler of events of any kind accepts an event.
    pub(in crate::app) fn takes_any(&self, event: &RawEvent<'_>) -> bool {
        self.inner.events.any.find(event).is_some()
    }

    /// Runs the first handler that accepts the event, and returns its result.
    pub(in crate::app) async fn answer_any(
        &self,
        event: &RawEvent<'_>,
        begun: Arc<Begun>,
    ) -> Result<String, InvokeError> {
        let Some(NamedRoute { name, handler }) = self.inner.events.any.find(event) else {
            return Err(self.refuse_unrouted(event, &begun));
        };
        begun.span.record_route(name);
        let shared = self.share(begun, Trigger::Other);
        let guard = shared.cancel_on_drop();
        let observation =
            EventObservation::event(Trigger::Other, name, &shared.delivery.request_id);
        let handled = self.output_of(handler, shared.event_context(AnyEvent::of(event)));
        let output = self.conclude_whole(Some(observation), handled, &shared, InvokeError::Failed);
        let output = output.await?;
        guard.disarm();
        Ok(apptheory_core::json::to_text(&output))
    }

    /// Returns the error for an event without a handler, and reports it to the hooks.
    pub(super) fn refuse_unrouted(&self, event: &RawEvent<'_>, begun: &Begun) -> InvokeError {
        let (seen, request_id) = (event.seen(), &begun.invocation.request_id);
        let observation = EventObservation::unrouted(&seen, request_id);
        self.count_event(Trigger::Other, EventOutcome::Unmatched);
        self.observe(&observation, EventOutcome::Unmatched, request_id);
        let error = match self.inner.events.settings.names_what_was_seen {
            true => events::Error::unrouted(&seen, &self.inner.registered),
            false => event.unknown(),
        };
        self.report_cause(request_id, error.clone());
        error.into()
    }
}
