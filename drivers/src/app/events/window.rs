//! Tumbling windows: records are folded into a state of the application's type, one after the
//! other.

use core::any::Any;
use core::fmt;
use core::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, PoisonError};

use apptheory_core::error::AppError;
use apptheory_core::events::{
    BatchSource, Error, EventObservation, RawEvent, RecordReader, TumblingWindow, WindowEvent,
};
use apptheory_core::json::{self, to_text};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::sync::OwnedMutexGuard;

use super::{AnyEvent, RecordRoute, Shared};
use crate::app::chain::Chain;
use crate::app::invoke::InvokeError;
use crate::app::kind::{StreamWindow, TableWindow, WindowEnd};
use crate::app::span::in_record;
use crate::app::subject::OfAnotherKind;
use crate::app::target::Target;
use crate::app::time::Begun;
use crate::app::{
    Answer, App, AppService, Context, FromContext, Handler, IntoAnswer, Response, Router, kind,
};

macro_rules! windows {
    ($($owner:ident)+) => {$(
        /// Tumbling windows. Names are trimmed. A blank name, or a name that already has handlers,
        /// is an [error](crate::app::BuildError::Event) of [`build`](App::build). Events of a
        /// window without handlers fail, and so do records without a window whose stream or table
        /// has only window handlers.
        impl<S: Send + Sync + 'static> $owner<S> {
            /// Aggregates the records of a Kinesis stream into a state per shard. The event source
            /// mapping needs `TumblingWindowInSeconds`. `gather` runs for each record, one after
            /// the other, and changes the [`WindowState`]; `end` runs once at the end of the
            /// window.
            ///
            /// An invocation counts as a whole: the first failure, of either handler, fails it, and
            /// Lambda sends the same records again with the state from before. Set
            /// `MaximumRetryAttempts`, `BisectBatchOnFunctionError` and a destination for failures,
            /// so that one bad record does not block its shard. Other side effects of `gather` are
            /// repeated as well: put them into `end`, which may also run again, with the same
            /// state.
            ///
            /// Lambda accepts at most 1 MB of state, and ends a window early if its state is
            /// larger: see [`TumblingWindow`].
            ///
            /// ```
            /// use apptheory::app::events::WindowState;
            /// use apptheory::app::{App, Json};
            /// use apptheory::events::TumblingWindow;
            /// use apptheory::testkit::TestApp;
            ///
            /// #[derive(Debug, Default, serde::Deserialize, serde::Serialize)]
            /// struct Totals { clicks: u64 }
            ///
            /// async fn gather(mut totals: WindowState<Totals>, Json(clicks): Json<u64>) {
            ///     totals.clicks += clicks;
            /// }
            ///
            /// async fn end(totals: WindowState<Totals>, window: TumblingWindow) {
            ///     println!("{} clicks since {}", totals.clicks, window.start);
            /// }
            ///
            /// let app = TestApp::new(|_| App::new().kinesis_window("clicks", gather, end));
            /// let mut window = app.kinesis_window("clicks");
            /// window.send(["3", "4"]).assert_ok();
            /// assert_eq!(window.state::<Totals>().clicks, 7);
            /// window.end().assert_ok();
            /// ```
            #[must_use]
            pub fn kinesis_window<A, B>(
                self,
                stream: &str,
                gather: impl Handler<A, S, kind::StreamWindow>,
                end: impl Handler<B, S, kind::WindowEnd>,
            ) -> Self {
                let reader = const { RecordReader::of(BatchSource::Kinesis) };
                self.window(reader, stream, gather, end)
            }

            /// Aggregates the changes of a DynamoDB table into a state per shard. See
            /// [`kinesis_window`](Self::kinesis_window).
            #[must_use]
            pub fn dynamodb_window<A, B>(
                self,
                table: &str,
                gather: impl Handler<A, S, kind::TableWindow>,
                end: impl Handler<B, S, kind::WindowEnd>,
            ) -> Self {
                let reader = const { RecordReader::of(BatchSource::DynamoDbStream) };
                self.window(reader, table, gather, end)
            }

            fn window<A, B, K>(
                mut self,
                reader: RecordReader,
                name: &str,
                gather: impl Handler<A, S, K>,
                end: impl Handler<B, S, kind::WindowEnd>,
            ) -> Self {
                let target = Target::Window(reader, name.to_owned());
                self.router().add(target, gather.into_layered());
                let target = Target::WindowEnd(reader, name.to_owned());
                self.router().add(target, end.into_layered());
                self
            }
        }
    )+};
}

windows!(Router App);

/// The state of a tumbling window, as a type of yours that serializes as a JSON object. It begins
/// with the type's default. A handler of records changes it in place, and the next record sees the
/// change.
///
/// Changes before a failure are discarded, because the invocation fails. Do not put a middleware
/// around the handler that runs the handler again, or that replaces its error by a success: the
/// record would be in the state twice, or in part.
///
/// A state that does not fit the type fails the invocation, with an error that names the member.
/// Windows continue while a function is deployed: give new members a default (`#[serde(default)]`).
pub struct WindowState<T>(OwnedMutexGuard<T>);

impl<T> Deref for WindowState<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T> DerefMut for WindowState<T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.0
    }
}

/// The state is application data: `Debug` does not print it.
impl<T> fmt::Debug for WindowState<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WindowState").finish_non_exhaustive()
    }
}

macro_rules! in_windows {
    ($($kind:ident)+) => {$(
        impl<S, T> FromContext<S, $kind> for WindowState<T>
        where
            T: Default + DeserializeOwned + Serialize + Send + 'static,
        {
            fn from_context(context: &Context, _: &S) -> Result<Self, AppError> {
                of_window(context)?.state()
            }
        }

        impl<S> FromContext<S, $kind> for TumblingWindow {
            fn from_context(context: &Context, _: &S) -> Result<Self, AppError> {
                Ok(of_window(context)?.window.clone())
            }
        }

        impl IntoAnswer<$kind> for () {
            fn into_answer(self) -> Answer {
                Ok(Response::no_content())
            }
        }
    )+};
}

in_windows!(StreamWindow TableWindow WindowEnd);

/// Returns the window that a handler was called for.
fn of_window(context: &Context) -> Result<Arc<InWindow>, AppError> {
    let window = context.extension::<Arc<InWindow>>();
    window
        .map(|window| Arc::<InWindow>::clone(&window))
        .ok_or_else(|| AppError::internal().with_cause(OfAnotherKind))
}

/// The window of an invocation, and its state so far.
pub(crate) struct InWindow {
    window: TumblingWindow,
    state: Mutex<State>,
}

/// The state as JSON from the event, or as a value of the type that a handler asked for.
enum State {
    Came(Value),
    Typed(Box<dyn Typed>),
}

trait Typed: Send {
    fn as_any(&self) -> &dyn Any;

    fn to_json(&self) -> Result<Value, AppError>;
}

impl<T: Serialize + Send + 'static> Typed for Arc<tokio::sync::Mutex<T>> {
    fn as_any(&self) -> &dyn Any {
        self
    }

    fn to_json(&self) -> Result<Value, AppError> {
        let state = self.try_lock().map_err(|_| AppError::internal().with_cause(StillInUse))?;
        serde_json::to_value(&*state).map_err(AppError::from_error)
    }
}

/// A handler takes the state of its window twice, or a task that it spawned still holds it.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error(
    "the state of the window is still in use: take one `WindowState`, and drop it before you return"
)]
struct StillInUse;

impl InWindow {
    fn new(event: &WindowEvent<'_>) -> Result<Self, AppError> {
        let came = json::read(event.state().as_bytes())?;
        Ok(Self { window: event.window().clone(), state: Mutex::new(State::Came(came)) })
    }

    fn state<T>(&self) -> Result<WindowState<T>, AppError>
    where
        T: Default + DeserializeOwned + Serialize + Send + 'static,
    {
        // A panic in the type's own code fails the invocation, so the state is not read again.
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let typed = match &*state {
            State::Typed(typed) => typed.as_any().downcast_ref::<Arc<tokio::sync::Mutex<T>>>(),
            State::Came(_) => None,
        };
        let typed = match typed {
            Some(typed) => Arc::clone(typed),
            None => {
                let typed = Arc::new(tokio::sync::Mutex::new(read_state(&state.to_json()?)?));
                *state = State::Typed(Box::new(Arc::clone(&typed)));
                typed
            }
        };
        let held =
            typed.try_lock_owned().map_err(|_| AppError::internal().with_cause(StillInUse))?;
        Ok(WindowState(held))
    }

    fn to_json(&self) -> Result<Value, AppError> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).to_json()
    }
}

impl State {
    fn to_json(&self) -> Result<Value, AppError> {
        match self {
            Self::Came(came) => Ok(came.clone()),
            Self::Typed(typed) => typed.to_json(),
        }
    }
}

/// Parses a state; at the beginning of a window Lambda sends an empty one.
fn read_state<T: Default + DeserializeOwned>(state: &Value) -> Result<T, AppError> {
    if state.as_object().is_some_and(serde_json::Map::is_empty) {
        return Ok(T::default());
    }
    let read = json::read(to_text(state).as_bytes());
    Ok(read.map_err(|misread| misread.within("state"))?)
}

/// The handlers of a window.
pub(super) struct WindowRoute<'r> {
    gather: RecordRoute<'r>,
    end: &'r Arc<Chain>,
}

impl super::EventRoutes {
    fn window(&self, source: BatchSource, name: &str) -> Option<WindowRoute<'_>> {
        let gather = self.windows.get(&source)?.find(name)?;
        Some(WindowRoute { gather, end: self.window_ends.get(&source)?.find(name)? })
    }
}

impl AppService {
    /// Handles the records of a window and, if due, its end, and returns the state.
    pub(in crate::app) async fn answer_window(
        &self,
        event: &WindowEvent<'_>,
        text: &str,
        begun: Arc<Begun>,
    ) -> Result<String, InvokeError> {
        let source = event.source();
        let Some(WindowRoute { gather, end }) = self.inner.events.window(source, event.name())
        else {
            let error = Error::tumbling_window(source);
            self.report_cause(&begun.invocation.request_id, error.clone());
            return Err(error.into());
        };
        begun.span.record_route(event.name());
        let trigger = source.trigger();
        let request_id = begun.invocation.request_id.clone();
        let fail = |error: AppError| {
            self.report_cause(&request_id, error.clone());
            InvokeError::Failed(error)
        };
        let window = Arc::new(InWindow::new(event).map_err(fail)?);
        let shared = Shared { window: Some(Arc::clone(&window)), ..self.share(begun, trigger) };
        let guard = shared.cancel_on_drop();
        for record in event.records() {
            let observation = self.observation(source, &record, &shared);
            let handled = async {
                self.handle_record(gather, &record, &shared, |_| Ok(())).await?;
                Ok(Value::Null)
            };
            let concluded = self.conclude_whole(observation, handled, &shared, InvokeError::Failed);
            in_record(trigger, record.name(), record.identifier(), concluded).await?;
        }
        if event.window().is_final {
            let observation =
                EventObservation::message(trigger, event.name(), "", &shared.delivery.request_id);
            let context = shared.event_context(AnyEvent::of(&RawEvent::read(text)?));
            let handled = self.output_of(end, context);
            self.conclude_whole(Some(observation), handled, &shared, InvokeError::Failed).await?;
        }
        let answer = window.to_json().and_then(|state| event.answer(state)).map_err(fail)?;
        guard.disarm();
        Ok(to_text(&answer))
    }
}

impl Context {
    /// Returns whether the record is in a tumbling window.
    pub(crate) fn is_in_window(&self) -> bool {
        self.extension::<Arc<InWindow>>().is_some()
    }
}
