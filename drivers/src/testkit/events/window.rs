//! Tumbling windows, as Lambda runs them.

use apptheory_core::time::Timestamp;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::{ItemChange, KinesisEntry, arn, dynamodb, kinesis};
use crate::testkit::{TestAnswer, TestApp};

/// Tumbling windows of five minutes, one after the other, of one shard. Like Lambda, it passes the
/// state that an invocation returns to the next one; after a failed invocation the state is
/// unchanged. Get it from [`TestApp::kinesis_window`] or [`TestApp::dynamodb_window`].
#[derive(Clone, Debug)]
pub struct TestWindow<'a, E> {
    app: &'a TestApp,
    /// The ARN of the stream.
    arn: String,
    event_of: fn(&str, Vec<E>) -> Value,
    state: Value,
    /// The number of windows that have ended.
    ended: u32,
}

/// The length of a window in seconds.
const SECONDS: i64 = 300;

impl<E> TestWindow<'_, E> {
    /// Sends records in the current window.
    pub fn send<R: Into<E>>(&mut self, records: impl IntoIterator<Item = R>) -> TestAnswer {
        let event = self.event(records);
        self.invoke(&event)
    }

    /// Ends the window, without further records. Later records are in the next window.
    pub fn end(&mut self) -> TestAnswer {
        self.end_as(false)
    }

    /// Ends the window early, as Lambda does if the state is too large.
    pub fn end_early(&mut self) -> TestAnswer {
        self.end_as(true)
    }

    fn end_as(&mut self, is_terminated_early: bool) -> TestAnswer {
        let mut event = self.event([] as [E; 0]);
        event["isFinalInvokeForWindow"] = true.into();
        event["isWindowTerminatedEarly"] = is_terminated_early.into();
        let answer = self.invoke(&event);
        if answer.error().is_none() {
            self.ended = self.ended.saturating_add(1);
            self.state = json!({});
        }
        answer
    }

    fn invoke(&mut self, event: &Value) -> TestAnswer {
        let answer = self.app.invoke(event);
        if answer.error().is_none() {
            self.state = answer.answer::<Value>()["state"].take();
        }
        answer
    }

    /// Creates the event of records in the window, without sending it.
    #[must_use]
    pub fn event<R: Into<E>>(&self, records: impl IntoIterator<Item = R>) -> Value {
        let records = records.into_iter().map(Into::into).collect();
        let mut event = (self.event_of)(&self.arn, records);
        let start = i64::from(self.ended).saturating_mul(SECONDS);
        let [start, end] = [start, start.saturating_add(SECONDS)]
            .map(|seconds| Timestamp::from_unix_seconds(seconds).to_string());
        event["window"] = json!({"start": start, "end": end});
        event["state"] = self.state.clone();
        event["shardId"] = "shardId-000000000000".into();
        event["eventSourceARN"] = self.arn.as_str().into();
        event["isFinalInvokeForWindow"] = false.into();
        event["isWindowTerminatedEarly"] = false.into();
        event
    }

    /// Parses the state that the next invocation gets.
    ///
    /// # Panics
    ///
    /// If the state does not fit the type.
    #[must_use]
    #[track_caller]
    pub fn state<T: DeserializeOwned>(&self) -> T {
        match serde_json::from_value(self.state.clone()) {
            Ok(state) => state,
            Err(error) => panic!("the state does not fit the type: {error}: {}", self.state),
        }
    }
}

impl TestApp {
    /// Starts a tumbling window of a Kinesis stream.
    #[must_use]
    pub fn kinesis_window(&self, stream: &str) -> TestWindow<'_, KinesisEntry> {
        let arn = arn("kinesis", stream, |name| format!("stream/{name}"));
        let event_of = |arn: &str, records| kinesis(arn, records);
        TestWindow { app: self, arn, event_of, state: json!({}), ended: 0 }
    }

    /// Starts a tumbling window of the changes of a DynamoDB table.
    #[must_use]
    pub fn dynamodb_window(&self, table: &str) -> TestWindow<'_, ItemChange> {
        let arn =
            arn("dynamodb", table, |name| format!("table/{name}/stream/1970-01-01T00:00:00.000"));
        let event_of = |arn: &str, changes| dynamodb(arn, changes);
        TestWindow { app: self, arn, event_of, state: json!({}), ended: 0 }
    }
}
