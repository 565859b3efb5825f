//! Tumbling windows: Kinesis and DynamoDB events whose records are aggregated into a state, which
//! Lambda passes from one invocation to the next.

use alloc::string::String;

use serde_json::{Value as Json, json};

use super::arn::name_from_arn;
use super::batch_event::{BatchEvent, BatchRecord};
use super::batch_source::BatchSource;
use super::error::Error;
use crate::document::{Document, Object};
use crate::error::AppError;
use crate::json::JsonError;
use crate::printing::prints;

/// The tumbling window of an invocation. Missing values are empty.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TumblingWindow {
    /// When the window begins, in Lambda's format: `2026-01-01T00:00:00Z`.
    pub start: String,
    /// When the window ends, in Lambda's format, exclusive.
    pub end: String,
    /// The shard. Each shard has its own windows and state.
    pub shard_id: String,
    /// Whether this is the last invocation of the window.
    pub is_final: bool,
    /// Whether Lambda ends the window early because the state exceeds 1 MB.
    pub is_terminated_early: bool,
}

/// An event of a tumbling window. Either all of its records are added to the state, or the
/// invocation fails, and Lambda repeats the records with the same state. Lambda's documentation
/// does not say what happens to the state after a partial failure, so responses never list failed
/// records.
///
/// ```
/// use apptheory_core::events::{LambdaEvent, KinesisRecord};
///
/// let event = r#"{"Records":[{"eventSource":"aws:kinesis","kinesis":{"data":"NQ=="}}],
///     "window":{"start":"2026-01-01T00:00:00Z","end":"2026-01-01T00:02:00Z"},"state":{"sum":2},
///     "shardId":"shardId-000000000000","isFinalInvokeForWindow":false,
///     "eventSourceARN":"arn:aws:kinesis:eu-west-1:111122223333:stream/clicks"}"#;
/// let LambdaEvent::Window(event) = LambdaEvent::read(event)? else { panic!("a window") };
/// let state: serde_json::Value = serde_json::from_str(event.state())?;
/// let mut sum = state["sum"].as_u64().unwrap();
/// for record in event.records() {
///     sum += core::str::from_utf8(&KinesisRecord::read(&record)?.data)?.parse::<u64>()?;
/// }
/// let answer = event.answer(serde_json::json!({"sum": sum}))?;
/// assert_eq!(answer.to_string(), r#"{"batchItemFailures":[],"state":{"sum":7}}"#);
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct WindowEvent<'a> {
    batch: BatchEvent<'a>,
    window: TumblingWindow,
    name: String,
}

prints!(WindowEvent<'_>: batch, window, name);

impl<'a> WindowEvent<'a> {
    /// Reads an event of Kinesis or DynamoDB. Records are read later, one by one.
    ///
    /// # Errors
    ///
    /// [`Error`] if the text is not a JSON object, or a member has the wrong type or occurs twice.
    pub fn read(source: BatchSource, event: &'a str) -> Result<Self, Error> {
        let malformed = |cause| Error::malformed(source.names().0, cause);
        let document = Document::scan(event).map_err(malformed)?;
        document.object().map_err(malformed)?;
        Self::of(source, document)
    }

    pub(super) fn of(source: BatchSource, document: Document<'a>) -> Result<Self, Error> {
        let malformed = |cause| Error::malformed(source.names().0, cause);
        let event = document.root().object().map_err(malformed)?;
        let window = TumblingWindow::of(event).map_err(malformed)?;
        event.object("state").map_err(malformed)?;
        let arn = event.text("eventSourceARN").map_err(malformed)?;
        let name = source.arn_kind().map_or("", |kind| name_from_arn(kind, &arn)).into();
        Ok(Self { window, name, batch: BatchEvent::of_records(source, document)? })
    }

    /// Returns the service.
    #[must_use]
    pub const fn source(&self) -> BatchSource {
        self.batch.source()
    }

    /// Returns the window.
    #[must_use]
    pub const fn window(&self) -> &TumblingWindow {
        &self.window
    }

    /// Returns the name of the stream or table, by which the handlers are registered.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Yields the records in order; an event may have none.
    #[must_use]
    pub fn records(&self) -> impl ExactSizeIterator<Item = BatchRecord<'_>> {
        self.batch.records()
    }

    /// Returns the state so far, a JSON object; empty at the beginning of a window.
    #[must_use]
    pub fn state(&self) -> &str {
        let state = self.batch.member("state");
        if state.is_null() { "{}" } else { state.json() }
    }

    /// Returns the response after all records were added to the state. After the last invocation of
    /// the window Lambda discards the state.
    ///
    /// # Errors
    ///
    /// A masked 500 if the state is not a JSON object: Lambda would fail the invocation without a
    /// reason.
    pub fn answer(&self, state: Json) -> Result<Json, AppError> {
        if !state.is_object() {
            return Err(AppError::internal().with_cause(NotAnObject));
        }
        let state = if self.window.is_final { json!({}) } else { state };
        Ok(json!({"batchItemFailures": [], "state": state}))
    }
}

impl TumblingWindow {
    fn of(event: Object<'_, '_>) -> Result<Self, JsonError> {
        let times = event.object("window")?;
        let time = |name| times.text(name).map(alloc::borrow::Cow::into_owned);
        Ok(Self {
            start: time("start")?,
            end: time("end")?,
            shard_id: event.text("shardId")?.into_owned(),
            is_final: event.flag("isFinalInvokeForWindow")?,
            is_terminated_early: event.flag("isWindowTerminatedEarly")?,
        })
    }
}

/// The state of a window is not a JSON object.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the state of a tumbling window has to be a JSON object: use a struct or a map")]
struct NotAnObject;

/// Returns whether an event of a source belongs to a tumbling window.
pub(super) fn has_window(source: BatchSource, document: &Document<'_>) -> Result<bool, Error> {
    let malformed = |cause| Error::malformed(source.names().0, cause);
    let event = document.root().object().map_err(malformed)?;
    Ok(source.has_windows() && is_of_window(event).map_err(malformed)?)
}

/// Returns whether an event belongs to a tumbling window: Lambda then expects `state` in the
/// response, and fails the invocation otherwise. A flag that is false does not matter.
pub(super) fn is_of_window(event: Object<'_, '_>) -> Result<bool, JsonError> {
    let [window, state, is_final, is_early] =
        event.get_each(["window", "state", "isFinalInvokeForWindow", "isWindowTerminatedEarly"]);
    let mut is_there = !window?.is_null() || !state?.is_null();
    for flag in [is_final?, is_early?] {
        is_there |= !flag.is_null() && flag.flag() != Ok(false);
    }
    Ok(is_there)
}
