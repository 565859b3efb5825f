//! Results of events.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::json_of;
use super::report::Report;
use crate::app::InvokeError;

/// The result of an event, or the error of its invocation. Methods named `assert_…` panic with a
/// report if the expectation fails.
///
/// ```
/// use apptheory::prelude::*;
/// use apptheory::testkit::TestApp;
///
/// let app = TestApp::new(|_| App::new().otherwise(async |Json(n): Json<u32>| Json(n + 1)));
/// app.invoke(&41).assert_answer(&42);
/// ```
#[derive(Clone, Debug)]
#[must_use = "check the result"]
pub struct TestAnswer {
    pub(super) answer: Result<String, InvokeError>,
    pub(super) report: Report,
}

/// The members of a batch's result that services read.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Batch {
    batch_item_failures: Vec<Failed>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Failed {
    item_identifier: Identifier,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Identifier {
    Id(String),
    Offset { partition: String, offset: i64 },
}

impl TestAnswer {
    pub(super) fn new(
        sent: String,
        answer: Result<String, InvokeError>,
        failures: Vec<String>,
    ) -> Self {
        let got = match &answer {
            Ok(answer) => answer.clone(),
            Err(error) => format!("a failed invocation: {error}"),
        };
        Self { answer, report: Report { sent, got, failures } }
    }

    /// Returns the result as text.
    ///
    /// # Panics
    ///
    /// If the invocation failed.
    #[must_use]
    #[track_caller]
    pub fn text(&self) -> &str {
        match &self.answer {
            Ok(answer) => answer,
            Err(_) => self.report.fail("expected a result"),
        }
    }

    /// Parses the result.
    ///
    /// # Panics
    ///
    /// If the invocation failed, or the result is JSON of another type.
    #[must_use]
    #[track_caller]
    pub fn answer<T: DeserializeOwned>(&self) -> T {
        match serde_json::from_str(self.text()) {
            Ok(answer) => answer,
            Err(error) => {
                self.report.fail(format_args!("the result does not fit the type: {error}"))
            }
        }
    }

    /// Returns the error of the invocation; `None` if it succeeded.
    #[must_use]
    pub fn error(&self) -> Option<&InvokeError> {
        self.answer.as_ref().err()
    }

    /// Returns the failures that were reported to the application and not to the sender: causes of
    /// errors and panics, sanitized as for [`on_failure`](crate::App::on_failure).
    #[must_use]
    pub fn failures(&self) -> &[String] {
        &self.report.failures
    }

    /// Asserts that the event, and all records of a batch, succeeded.
    #[track_caller]
    pub fn assert_ok(&self) -> &Self {
        match self.failed() {
            Some(failed) if !failed.is_empty() => {
                self.report.fail(format_args!("expected no failed records, got {failed:?}"))
            }
            Some(_) | None => self,
        }
    }

    /// Asserts that exactly these records of a batch failed, in order. SQS messages are given by
    /// their ids, Kinesis and DynamoDB records by their sequence numbers, Kafka records by
    /// partition and offset: `orders-0:5`.
    #[track_caller]
    pub fn assert_failures<T: Into<String>>(&self, expected: impl IntoIterator<Item = T>) -> &Self {
        let expected: Vec<String> = expected.into_iter().map(T::into).collect();
        let Some(failed) = self.failed() else { self.report.fail("the event is not a batch") };
        self.report.expect("failed records", &expected, &failed);
        self
    }

    /// Asserts that the result is this JSON value.
    #[track_caller]
    pub fn assert_answer<T: Serialize + ?Sized>(&self, expected: &T) -> &Self {
        self.report.expect_json(&json_of(expected), &self.answer());
        self
    }

    /// Asserts that the invocation failed, with an error whose text contains `part`.
    #[track_caller]
    pub fn assert_error(&self, part: &str) -> &Self {
        let text = self.error().map(ToString::to_string);
        if !text.is_some_and(|text| text.contains(part)) {
            self.report.fail(format_args!("expected a failed invocation: {part}"));
        }
        self
    }

    /// Returns the failed records; `None` if the event is not a batch.
    #[track_caller]
    fn failed(&self) -> Option<Vec<String>> {
        let Batch { batch_item_failures } = serde_json::from_str(self.text()).ok()?;
        let named = batch_item_failures.into_iter().map(|failed| match failed.item_identifier {
            Identifier::Id(id) => id,
            Identifier::Offset { partition, offset } => format!("{partition}:{offset}"),
        });
        Some(named.collect())
    }
}
