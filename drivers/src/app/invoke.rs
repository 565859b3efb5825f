//! Serving events of any kind.

use apptheory_core::http::RawRequest;
use apptheory_core::http::adapters::{EventError, HttpSource, read_payload_v2};
use apptheory_core::triggers::{ClassifyError, EventKind, classify};

use super::App;
use super::context::Invocation;

/// An invocation fails: there is nobody to answer.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum InvokeError {
    /// The event is of no kind that is served.
    #[error(transparent)]
    Classify(#[from] ClassifyError),
    /// The event is not what its provider sends.
    #[error(transparent)]
    Event(#[from] EventError),
}

impl App {
    /// Answers an event of any kind, as whoever sent it expects it.
    ///
    /// # Errors
    ///
    /// [`InvokeError`] for an event that cannot be answered: it fails the invocation.
    pub async fn invoke(&self, event: &str, invocation: Invocation) -> Result<String, InvokeError> {
        if let Some((source, request)) = read_payload_v2(event) {
            return Ok(self.answer(source, request, invocation).await);
        }
        match classify(event)? {
            EventKind::Http(source) => self.serve_event(source, event, invocation).await,
            EventKind::Sqs
            | EventKind::Kinesis
            | EventKind::Sns
            | EventKind::DynamoDb
            | EventKind::EventBridge
            | EventKind::WebSocket => Err(ClassifyError::Unknown.into()),
        }
    }

    /// Answers the event of one HTTP provider, whatever the event itself looks like.
    ///
    /// # Errors
    ///
    /// [`InvokeError::Event`] when members of the event have wrong types.
    pub async fn serve_event(
        &self,
        source: HttpSource,
        event: &str,
        invocation: Invocation,
    ) -> Result<String, InvokeError> {
        let request: RawRequest<'_> = source.read_request(event)?;
        Ok(self.answer(source, request, invocation).await)
    }

    async fn answer(
        &self,
        source: HttpSource,
        request: RawRequest<'_>,
        invocation: Invocation,
    ) -> String {
        let response = self.serve(request, invocation).await;
        self.write(source, response).await
    }
}
