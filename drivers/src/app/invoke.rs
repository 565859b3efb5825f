//! Serving events of any kind.

use apptheory_core::error::AppError;
use apptheory_core::events::{
    self, HttpEvent, HttpSource, LambdaEvent, RawEvent, WebSocketEvent, WorkloadFailed,
};

use super::AppService;
use super::invocation::Invocation;
use super::time::{Begun, TimedOut};

/// An invocation that fails: it has no answer.
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
    /// The handler of an event of [any kind](super::Router::on) failed or panicked: its error, whose
    /// message is shown if it is a client's (4xx), and masked otherwise.
    #[error("{}", shown(.0))]
    Failed(#[source] AppError),
}

/// What the invoker gets to know of a handler's error.
fn shown(error: &AppError) -> &str {
    if (400..500).contains(&error.status()) { error.message() } else { "internal error" }
}

impl InvokeError {
    /// The type of the error, as the invoker gets it: `category.reason`, as Lambda recommends, or the
    /// code of a handler's own error.
    #[cfg(any(feature = "lambda", feature = "local"))]
    pub(crate) fn error_type(&self) -> &str {
        match self {
            Self::Event(_) | Self::Workload(_) => "Function.InvalidEvent",
            Self::TimedOut(_) => "Function.TimedOut",
            Self::Failed(error) => error.printable_code(),
        }
    }

    /// The message, as the invoker gets it.
    #[cfg(any(feature = "lambda", feature = "local"))]
    pub(crate) fn told(&self) -> String {
        if let Self::Event(error) = self
            && error.kind() == events::ErrorKind::Authorizer
            && let Some(cause) = core::error::Error::source(error)
        {
            // The text of the contract does not say what to do; its cause does.
            return format!("{error}: {cause}");
        }
        self.to_string()
    }
}

impl AppService {
    /// Answers an event of any kind, as its sender expects it. What a response streams is
    /// collected: more of it than Lambda takes in one piece is answered with 413, and a stream that
    /// has not ended in time with 504. [`reserve`](super::App::reserve) says what becomes of
    /// everything else that takes too long.
    ///
    /// # Errors
    ///
    /// [`InvokeError`] for an event that cannot be answered: it fails the invocation.
    pub async fn invoke(&self, event: &str, invocation: Invocation) -> Result<String, InvokeError> {
        self.within(invocation, async |mut begun| {
            let read = self.read_event(event, &mut begun)?;
            self.answer_event(read, event, begun).await
        })
        .await
    }

    /// Reads an event. The application is told of one that cannot be read.
    pub(crate) fn read_event<'e>(
        &self,
        event: &'e str,
        begun: &mut Begun,
    ) -> Result<LambdaEvent<'e>, InvokeError> {
        let read = LambdaEvent::read(event).inspect_err(|error| {
            self.tell_cause(&begun.invocation.request_id, error.clone());
        })?;
        if matches!(read, LambdaEvent::Http(_) | LambdaEvent::WebSocket(_)) {
            self.keep_event(event, begun);
        }
        Ok(read)
    }

    /// Whether a handler is registered for an event, as its service sends it.
    pub(crate) fn serves(&self, event: &LambdaEvent<'_>) -> bool {
        match event {
            LambdaEvent::Http(_) => self.inner.serves_requests,
            LambdaEvent::WebSocket(_) => self.serves_websockets(),
            LambdaEvent::Batch(_)
            | LambdaEvent::Window(_)
            | LambdaEvent::Sns(_)
            | LambdaEvent::EventBridge(_)
            | LambdaEvent::Single(_)
            | LambdaEvent::Other(_) => self.inner.events.serve(event),
        }
    }

    /// Answers the event of an invocation that has begun; `text` is what it was read from. All but requests
    /// are answered in a box of their own: together their futures have many kilobytes, which every event
    /// would move from the stack to the stack.
    pub(crate) async fn answer_event(
        &self,
        event: LambdaEvent<'_>,
        text: &str,
        begun: Begun,
    ) -> Result<String, InvokeError> {
        if !self.serves(&event) && !matches!(event, LambdaEvent::Other(_)) {
            let raw = RawEvent::read(text)?;
            if self.takes_any(&raw) {
                return Box::pin(self.answer_any(&raw, begun)).await;
            }
        }
        match event {
            LambdaEvent::Http(HttpEvent { source, request, .. }) => {
                Ok(source.write_response(&self.serve_within(source, request, begun).await))
            }
            LambdaEvent::Batch(event) => Box::pin(self.answer_records(&event, text, begun)).await,
            LambdaEvent::Window(event) => Box::pin(self.answer_window(&event, text, begun)).await,
            LambdaEvent::Sns(records) => Box::pin(self.answer_sns(records, begun)).await,
            LambdaEvent::EventBridge(event) => {
                Box::pin(self.answer_event_bridge(event, begun)).await
            }
            LambdaEvent::WebSocket(event) if self.serves_websockets() => {
                Box::pin(self.answer_websocket(event, begun)).await
            }
            LambdaEvent::WebSocket(_) => {
                Box::pin(self.answer_any(&RawEvent::read(text)?, begun)).await
            }
            LambdaEvent::Single(event) => Box::pin(self.answer_single(&event, begun)).await,
            LambdaEvent::Other(event) => Box::pin(self.answer_any(&event, begun)).await,
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
        self.within(invocation, async |mut begun| {
            let request = source.read_request(event)?;
            self.keep_event(event, &mut begun);
            Ok(source.write_response(&self.serve_within(source, request, begun).await))
        })
        .await
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
        self.within(invocation, async |mut begun| {
            let message = WebSocketEvent::read(event)?;
            self.keep_event(event, &mut begun);
            self.answer_websocket(message, begun).await
        })
        .await
    }
}
