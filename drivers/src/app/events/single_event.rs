//! Single events: what handlers read of them, and their answers in the form that the services take.

use apptheory_core::error::AppError;
use apptheory_core::events::{AuthorizerRequest, EventObservation, Policy, SingleEvent};

use super::{AnyEvent, NamedRoute};
use crate::app::invoke::InvokeError;
use crate::app::subject::OfAnotherKind;
use crate::app::time::Begun;
use crate::app::{Answer, AppService, Context, FromContext, IntoAnswer, Response, kind};

impl AppService {
    /// Has a single event answered by the handler that it is for.
    pub(in crate::app) async fn answer_single(
        &self,
        event: &SingleEvent<'_>,
        begun: Begun,
    ) -> Result<String, InvokeError> {
        let Some(NamedRoute { name, handler }) = self.inner.events.single.find(event) else {
            return Err(self.refuse_unrouted(event.raw(), &begun));
        };
        begun.span.record_route(name);
        let source = event.source();
        let shared = self.share(begun, source.trigger());
        let guard = shared.cancellation.clone().drop_guard();
        let observation =
            EventObservation::event(source.trigger(), name, &shared.delivery.request_id);
        let context = shared.event_context(AnyEvent::of(event.raw()));
        let handled = async { event.answer(self.output_of(handler, context).await?) };
        let fail = |error| InvokeError::Failed(source.failed(error));
        let answer = self.conclude_whole(Some(observation), handled, &shared, fail).await?;
        let _ = guard.disarm();
        Ok(apptheory_core::json::to_text(&answer))
    }
}

impl<S> FromContext<S, kind::Authorizer> for AuthorizerRequest {
    fn from_context(context: &Context, _: &S) -> Result<Self, AppError> {
        Self::read(single_event(context)?)
    }
}

impl IntoAnswer<kind::Authorizer> for Policy {
    fn into_answer(self) -> Answer {
        Response::json(200, &self)
    }
}

/// The single event that a handler is called for, as it came.
fn single_event(context: &Context) -> Result<&str, AppError> {
    let other = || AppError::internal().with_cause(OfAnotherKind);
    context.event().map(AnyEvent::as_json).ok_or_else(other)
}
