//! Ordinary async functions as handlers of events, and the middleware around them.

use core::fmt;
use core::future::Future;
use core::pin::Pin;
use std::sync::Arc;

use serde::Serialize;
use serde_json::Value;

use super::context::EventContext;
use crate::app::Json;
use crate::app::endpoint::BoxFuture;
use crate::app::guard::guarded;

/// An error of any type. What it says is for the application's log, and for no service.
pub type BoxError = Box<dyn core::error::Error + Send + Sync>;

/// The result of handling a record or an event. The value is answered to services that take one:
/// SNS and EventBridge.
pub type EventResult = Result<Value, BoxError>;

/// Whatever a handler of events may return: nothing, a value for JSON, or a `Result` of either.
pub trait IntoEventResult {
    /// The outcome.
    ///
    /// # Errors
    ///
    /// The record or event failed.
    fn into_event_result(self) -> EventResult;
}

impl IntoEventResult for () {
    fn into_event_result(self) -> EventResult {
        Ok(Value::Null)
    }
}

impl IntoEventResult for Value {
    fn into_event_result(self) -> EventResult {
        Ok(self)
    }
}

impl<T: Serialize> IntoEventResult for Json<T> {
    fn into_event_result(self) -> EventResult {
        Ok(serde_json::to_value(self.0)?)
    }
}

impl<T: IntoEventResult, E: Into<BoxError>> IntoEventResult for Result<T, E> {
    fn into_event_result(self) -> EventResult {
        self.map_err(E::into)?.into_event_result()
    }
}

/// A handler of events of the type `I`: an `async` function or closure of a shared record, or of one
/// and its [`EventContext`].
///
/// ```
/// use std::sync::Arc;
/// use apptheory::app::App;
/// use apptheory::app::events::{BoxError, EventContext, SqsMessage};
///
/// async fn ship(message: Arc<SqsMessage>, context: EventContext) -> Result<(), BoxError> {
///     let order: u64 = message.body.parse()?;
///     context.set("order", order);
///     Ok(())
/// }
///
/// let app = App::builder().sqs("orders", ship).sqs("notes", async |_: Arc<SqsMessage>| ()).build()?;
/// # Ok::<(), apptheory::app::BuildError>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "this is no handler of `{I}`",
    note = "a handler of events is an `async` function of `Arc<{I}>`, or of that and an `EventContext`",
    note = "it returns nothing, a `Json<T>`, or a `Result` of either and an `BoxError`"
)]
pub trait EventHandler<Arguments, I>: Send + Sync + 'static {
    /// Handles a record or an event.
    fn call(&self, input: Arc<I>, context: EventContext) -> BoxFuture<EventResult>;
}

impl<F, R, I> EventHandler<(Arc<I>,), I> for F
where
    F: Fn(Arc<I>) -> R + Send + Sync + 'static,
    R: Future + Send + 'static,
    R::Output: IntoEventResult,
{
    fn call(&self, input: Arc<I>, _: EventContext) -> BoxFuture<EventResult> {
        let handled = self(input);
        Box::pin(async move { handled.await.into_event_result() })
    }
}

impl<F, R, I> EventHandler<(Arc<I>, EventContext), I> for F
where
    F: Fn(Arc<I>, EventContext) -> R + Send + Sync + 'static,
    R: Future + Send + 'static,
    R::Output: IntoEventResult,
{
    fn call(&self, input: Arc<I>, context: EventContext) -> BoxFuture<EventResult> {
        let handled = self(input, context);
        Box::pin(async move { handled.await.into_event_result() })
    }
}

/// A handler of events of any type.
pub(super) type Handler<I> =
    Arc<dyn Fn(Arc<I>, EventContext) -> BoxFuture<EventResult> + Send + Sync>;

pub(super) fn erased<A, I: 'static>(handler: impl EventHandler<A, I>) -> Handler<I> {
    Arc::new(move |input, context| handler.call(input, context))
}

/// Goes around the handlers of events, for every record of a batch: it may look at the record, fail
/// it, or change what comes of it. One that succeeds without running the next has handled the
/// record.
///
/// An `async` function or closure of an [`EventContext`] and [`EventNext`] is one.
pub trait EventMiddleware: Send + Sync + 'static {
    /// Handles the record, usually by [running](EventNext::run) the next.
    fn handle(
        &self,
        context: EventContext,
        next: EventNext,
    ) -> impl Future<Output = EventResult> + Send;
}

impl<F, R> EventMiddleware for F
where
    F: Fn(EventContext, EventNext) -> R + Send + Sync + 'static,
    R: Future<Output = EventResult> + Send,
{
    fn handle(
        &self,
        context: EventContext,
        next: EventNext,
    ) -> impl Future<Output = EventResult> + Send {
        self(context, next)
    }
}

/// What comes after a middleware of events: the next one, or the handler.
pub struct EventNext {
    layers: Arc<[EventLayer]>,
    at: usize,
    handler: Call,
}

/// A handler with its record.
type Call = Box<dyn FnOnce(EventContext) -> BoxFuture<EventResult> + Send>;

/// A middleware of any type.
pub(in crate::app) type EventLayer = Box<dyn ErasedEventMiddleware>;

impl EventNext {
    /// Has the record handled by what comes next. One that panics is a failure to those around it.
    pub async fn run(self, context: EventContext) -> EventResult {
        let Self { layers, at, handler } = self;
        match layers.get(at) {
            Some(layer) => {
                let next = Self { layers: Arc::clone(&layers), at: at.saturating_add(1), handler };
                guarded("a middleware", async { layer.handle(context, next).await }).await
            }
            None => guarded("a handler", async { handler(context).await }).await,
        }
    }
}

/// Runs a handler with the middleware around it; panics of either fail the record.
pub(super) async fn run<I: Send + Sync + 'static>(
    layers: &Arc<[EventLayer]>,
    handler: &Handler<I>,
    input: Arc<I>,
    context: EventContext,
) -> EventResult {
    if layers.is_empty() {
        return guarded("a handler", async { handler(input, context).await }).await;
    }
    let handler = Arc::clone(handler);
    let handler: Call = Box::new(move |context| handler(input, context));
    let next = EventNext { layers: Arc::clone(layers), at: 0, handler };
    next.run(context).await
}

impl fmt::Debug for EventNext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventNext").field("at", &self.at).finish_non_exhaustive()
    }
}

pub(in crate::app) trait ErasedEventMiddleware: Send + Sync {
    fn handle<'m>(
        &'m self,
        context: EventContext,
        next: EventNext,
    ) -> Pin<Box<dyn Future<Output = EventResult> + Send + 'm>>;
}

impl<M: EventMiddleware> ErasedEventMiddleware for M {
    fn handle<'m>(
        &'m self,
        context: EventContext,
        next: EventNext,
    ) -> Pin<Box<dyn Future<Output = EventResult> + Send + 'm>> {
        Box::pin(EventMiddleware::handle(self, context, next))
    }
}
