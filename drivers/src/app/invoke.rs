//! Serving events of any kind.

use core::future::{Future, ready};
use core::pin::Pin;
use std::sync::Arc;

use apptheory_core::error::AppError;
use apptheory_core::events::{
    self, HttpEvent, HttpSource, LambdaEvent, RawEvent, WebSocketEvent, WorkloadFailed,
};

use super::AppService;
use super::invocation::Invocation;
use super::time::{Begun, TimedOut};

/// An invocation that failed without a response.
#[derive(Clone, Debug, thiserror::Error)]
pub enum InvokeError {
    /// The event is malformed, or has no handler.
    #[error(transparent)]
    Event(#[from] events::Error),
    /// The handler of an event failed or panicked. Its error is the source, and was reported to the
    /// application's failure hook.
    #[error(transparent)]
    Workload(#[from] WorkloadFailed),
    /// The handler of a whole event did not finish in time and was dropped.
    #[error(transparent)]
    TimedOut(#[from] TimedOut),
    /// The handler of an event of [any kind](super::Router::on) failed or panicked. The error's
    /// message is shown if its status is 4xx, and masked otherwise.
    #[error("{}", shown(.0))]
    Failed(#[source] AppError),
}

/// Returns the message that the invoker sees of a handler's error.
fn shown(error: &AppError) -> &str {
    if (400..500).contains(&error.status()) { error.message() } else { "internal error" }
}

impl InvokeError {
    /// Returns the error type for the invoker: `category.reason`, as Lambda recommends, or the code
    /// of a handler's own error.
    #[cfg(any(feature = "lambda", feature = "local"))]
    pub(crate) fn error_type(&self) -> &str {
        match self {
            Self::Event(_) | Self::Workload(_) => "Function.InvalidEvent",
            Self::TimedOut(_) => "Function.TimedOut",
            Self::Failed(error) => error.printable_code(),
        }
    }

    /// Returns the error message for the invoker.
    #[cfg(any(feature = "lambda", feature = "local"))]
    pub(crate) fn message(&self) -> String {
        if let Self::Event(error) = self
            && error.kind() == events::ErrorKind::Authorizer
            && let Some(cause) = core::error::Error::source(error)
        {
            // The fixed text does not say what to do; its cause does.
            return format!("{error}: {cause}");
        }
        self.to_string()
    }
}

impl AppService {
    /// Serves an event of any kind, and returns the response that its sender expects. A streamed
    /// body is buffered: more than Lambda accepts in one piece is a 413, and a stream that does not
    /// end in time is a 504. See [`reserve`](super::App::reserve) for everything else that takes
    /// too long.
    ///
    /// # Errors
    ///
    /// [`InvokeError`] if the event has no response; it fails the invocation.
    pub async fn invoke(&self, event: &str, invocation: Invocation) -> Result<String, InvokeError> {
        self.within(invocation, async |mut begun| {
            let read = self.read_event(event, &mut begun)?;
            self.answer_event(read, event, begun).await
        })
        .await
    }

    /// Parses an event. A malformed event is reported to the application.
    pub(crate) fn read_event<'e>(
        &self,
        event: &'e str,
        begun: &mut Arc<Begun>,
    ) -> Result<LambdaEvent<'e>, InvokeError> {
        let read = LambdaEvent::read(event);
        match &read {
            Ok(LambdaEvent::Http(_) | LambdaEvent::WebSocket(_)) => self.keep_event(event, begun),
            Ok(_) => {}
            Err(error) => self.report_cause(&begun.invocation.request_id, error.clone()),
        }
        Ok(read?)
    }

    /// Returns whether a handler is registered for the event.
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

    /// Serves the event of an invocation that has begun; `text` is what the event was parsed from.
    ///
    /// Each kind of event has a box of its own: the future of another kind may take many kilobytes,
    /// which would be moved for every event.
    pub(crate) fn answer_event<'e>(
        &'e self,
        event: LambdaEvent<'e>,
        text: &'e str,
        begun: Arc<Begun>,
    ) -> Pin<Box<dyn Future<Output = Result<String, InvokeError>> + Send + 'e>> {
        if !self.serves(&event) && !matches!(event, LambdaEvent::Other(_)) {
            match RawEvent::read(text) {
                Ok(raw) if self.takes_any(&raw) => {
                    return Box::pin(async move { self.answer_any(&raw, begun).await });
                }
                Ok(_) => {}
                Err(error) => return Box::pin(ready(Err(error.into()))),
            }
        }
        match event {
            LambdaEvent::Http(HttpEvent { source, request, .. }) => {
                let arrived = self.arrive(request, begun);
                Box::pin(async move {
                    let response = self.serve_within(source, arrived).await;
                    Ok(source.write_response(&response))
                })
            }
            LambdaEvent::Batch(event) => {
                Box::pin(async move { self.answer_records(&event, text, begun).await })
            }
            LambdaEvent::Window(event) => {
                Box::pin(async move { self.answer_window(&event, text, begun).await })
            }
            LambdaEvent::Sns(records) => Box::pin(self.answer_sns(records, begun)),
            LambdaEvent::EventBridge(event) => Box::pin(self.answer_event_bridge(event, begun)),
            LambdaEvent::WebSocket(event) if self.serves_websockets() => {
                Box::pin(self.answer_websocket(event, begun))
            }
            LambdaEvent::WebSocket(_) => Box::pin(async move {
                let event = RawEvent::read(text)?;
                self.answer_any(&event, begun).await
            }),
            LambdaEvent::Single(event) => {
                Box::pin(async move { self.answer_single(&event, begun).await })
            }
            LambdaEvent::Other(event) => {
                Box::pin(async move { self.answer_any(&event, begun).await })
            }
        }
    }

    /// Serves an event of one HTTP provider, without guessing the provider from the event.
    ///
    /// # Errors
    ///
    /// [`InvokeError::Event`] if members of the event have wrong types, or the event is for a
    /// Lambda authorizer.
    pub async fn serve_event(
        &self,
        source: HttpSource,
        event: &str,
        invocation: Invocation,
    ) -> Result<String, InvokeError> {
        self.within(invocation, async |mut begun| {
            let request = source.read_request(event)?;
            self.keep_event(event, &mut begun);
            let arrived = self.arrive(request, begun);
            let response = Box::pin(self.serve_within(source, arrived)).await;
            Ok(source.write_response(&response))
        })
        .await
    }

    /// Serves an event of a WebSocket API, without guessing its kind from the event.
    ///
    /// # Errors
    ///
    /// [`InvokeError::Event`] if members of the event have wrong types, or the event is for a
    /// Lambda authorizer; [`InvokeError::TimedOut`] if the handler does not finish in time.
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
