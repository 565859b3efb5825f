//! Serving events of any kind.

use apptheory_core::events::{
    BatchError, BatchSource, ClassifyError, EventError, EventKind, UnmatchedEvent,
    UnrecognizedTopic, WorkloadFailed, classify,
};
use apptheory_core::events::{HttpEventError, HttpSource, read_payload_v2};
use apptheory_core::http::RawRequest;

use super::App;
use super::context::Invocation;
use super::time::{Begun, TimedOut};

/// An invocation fails: there is nobody to answer.
#[derive(Clone, Debug, thiserror::Error)]
pub enum InvokeError {
    /// The event is of no kind that is served.
    #[error(transparent)]
    Classify(#[from] ClassifyError),
    /// The event is not what its HTTP provider sends.
    #[error(transparent)]
    Event(#[from] HttpEventError),
    /// The event is not what its trigger sends.
    #[error(transparent)]
    Trigger(#[from] EventError),
    /// A record failed that the answer cannot name. The service sends the whole batch again.
    #[error(transparent)]
    Batch(#[from] BatchError),
    /// Nothing is registered for the topic of a notification: register a handler, or remove the
    /// subscription.
    #[error(transparent)]
    UnrecognizedTopic(#[from] UnrecognizedTopic),
    /// Nobody selects an event of EventBridge, and the application wants to know.
    #[error(transparent)]
    Unmatched(#[from] UnmatchedEvent),
    /// The handler of an event failed or panicked. What it said is the source, and was told to the
    /// application's failure hook.
    #[error(transparent)]
    Workload(#[from] WorkloadFailed),
    /// The handler of an event that is answered as a whole was not done in time, and was dropped.
    #[error(transparent)]
    TimedOut(#[from] TimedOut),
}

impl App {
    /// Answers an event of any kind, as whoever sent it expects it. What a response streams is
    /// collected: more of it than Lambda takes in one piece is answered with 413, and a stream that
    /// has not ended in time with 504. [`reserve`](super::AppBuilder::reserve) says what becomes of
    /// everything else that takes too long.
    ///
    /// # Errors
    ///
    /// [`InvokeError`] for an event that cannot be answered: it fails the invocation.
    pub async fn invoke(&self, event: &str, invocation: Invocation) -> Result<String, InvokeError> {
        self.invoke_begun(event, self.begin(invocation)).await
    }

    /// Answers the event of an invocation that has begun.
    pub(crate) async fn invoke_begun(
        &self,
        event: &str,
        begun: Begun,
    ) -> Result<String, InvokeError> {
        if let Some((source, request)) = read_payload_v2(event) {
            return Ok(source.write_response(&self.serve_within(source, request, begun).await));
        }
        match classify(event)? {
            EventKind::Http(source) => Ok(source.write_response(
                &self.serve_within(source, source.read_request(event)?, begun).await,
            )),
            EventKind::Sqs => self.invoke_batch(BatchSource::Sqs, event, begun).await,
            EventKind::Kinesis => self.invoke_batch(BatchSource::Kinesis, event, begun).await,
            EventKind::DynamoDb => {
                self.invoke_batch(BatchSource::DynamoDbStream, event, begun).await
            }
            EventKind::Sns => self.invoke_sns(event, begun).await,
            EventKind::EventBridge => self.invoke_event_bridge(event, begun).await,
            EventKind::WebSocket if self.inner.websockets.are_supported() => {
                self.invoke_websocket(event, begun).await
            }
            EventKind::WebSocket => Err(ClassifyError::Unknown.into()),
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
        let request: RawRequest<'_> = source.read_request(event)?;
        Ok(source.write_response(&self.serve_within(source, request, self.begin(invocation)).await))
    }
}
