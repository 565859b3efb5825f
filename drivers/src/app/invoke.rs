//! Serving events of any kind.

use apptheory_core::events::{
    self, HttpEvent, HttpSource, LambdaEvent, WebSocketEvent, WorkloadFailed,
};

use super::AppService;
use super::invocation::Invocation;
use super::time::{Begun, TimedOut};

/// An invocation fails: there is nobody to answer.
#[derive(Clone, Debug, thiserror::Error)]
pub enum InvokeError {
    /// The event cannot be read, or nothing may handle it.
    #[error(transparent)]
    Event(#[from] events::Error),
    /// The handler of an event failed or panicked. What it said is the source, and was told to the
    /// application's failure hook.
    #[error(transparent)]
    Workload(#[from] WorkloadFailed),
    /// The handler of an event that is answered as a whole was not done in time, and was dropped.
    #[error(transparent)]
    TimedOut(#[from] TimedOut),
}

impl AppService {
    /// Answers an event of any kind, as whoever sent it expects it. What a response streams is
    /// collected: more of it than Lambda takes in one piece is answered with 413, and a stream that
    /// has not ended in time with 504. [`reserve`](super::App::reserve) says what becomes of
    /// everything else that takes too long.
    ///
    /// # Errors
    ///
    /// [`InvokeError`] for an event that cannot be answered: it fails the invocation.
    pub async fn invoke(&self, event: &str, invocation: Invocation) -> Result<String, InvokeError> {
        let begun = self.begin(invocation);
        self.answer_event(LambdaEvent::read(event)?, begun).await
    }

    /// Answers the event of an invocation that has begun.
    pub(crate) async fn answer_event(
        &self,
        event: LambdaEvent<'_>,
        begun: Begun,
    ) -> Result<String, InvokeError> {
        match event {
            LambdaEvent::Http(HttpEvent { source, request, .. }) => {
                Ok(source.write_response(&self.serve_within(source, request, begun).await))
            }
            LambdaEvent::Batch(event) => self.answer_batch(&event, begun).await,
            LambdaEvent::Sns(records) => self.answer_sns(records, begun).await,
            LambdaEvent::EventBridge(event) => self.answer_event_bridge(event, begun).await,
            LambdaEvent::WebSocket(event) if self.serves_websockets() => {
                self.answer_websocket(event, begun).await
            }
            LambdaEvent::WebSocket(_) => Err(events::Error::unknown().into()),
            LambdaEvent::Other(event) => Err(event.unknown().into()),
        }
    }

    /// Answers the event of one HTTP provider, whatever the event itself looks like.
    ///
    /// # Errors
    ///
    /// [`InvokeError::Event`] when members of the event have wrong types, or it asks a Lambda
    /// authorizer.
    pub async fn serve_event(
        &self,
        source: HttpSource,
        event: &str,
        invocation: Invocation,
    ) -> Result<String, InvokeError> {
        let begun = self.begin(invocation);
        let request = source.read_request(event)?;
        Ok(source.write_response(&self.serve_within(source, request, begun).await))
    }

    /// Answers an event of a WebSocket API, whatever the event itself looks like.
    ///
    /// # Errors
    ///
    /// [`InvokeError::Event`] when members of the event have wrong types, or it asks a Lambda
    /// authorizer; [`InvokeError::TimedOut`] when there is no answer in time.
    pub async fn serve_websocket(
        &self,
        event: &str,
        invocation: Invocation,
    ) -> Result<String, InvokeError> {
        let begun = self.begin(invocation);
        self.answer_websocket(WebSocketEvent::read(event)?, begun).await
    }
}
