//! What an event is answered.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::json_of;
use super::report::Report;
use crate::app::InvokeError;

/// What an event is answered, or why its invocation failed.
#[derive(Clone, Debug)]
#[must_use = "an answer that nobody looks at shows nothing"]
pub struct TestAnswer {
    pub(super) answer: Result<String, InvokeError>,
    pub(super) report: Report,
}

/// What services read of the answer to a batch.
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
        let came = match &answer {
            Ok(answer) => answer.clone(),
            Err(error) => format!("a failed invocation: {error}"),
        };
        Self { answer, report: Report { sent, came, failures } }
    }

    /// Returns the answer as it was written.
    ///
    /// # Panics
    ///
    /// If the invocation failed.
    #[must_use]
    #[track_caller]
    pub fn text(&self) -> &str {
        match &self.answer {
            Ok(answer) => answer,
            Err(_) => self.report.fail("expected an answer"),
        }
    }

    /// Reads the answer as a value of a type.
    ///
    /// # Panics
    ///
    /// If the invocation failed, or was answered with JSON of another type.
    #[must_use]
    #[track_caller]
    pub fn answer<T: DeserializeOwned>(&self) -> T {
        match serde_json::from_str(self.text()) {
            Ok(answer) => answer,
            Err(error) => self.report.fail(format_args!("the answer is another JSON: {error}")),
        }
    }

    /// Returns why the invocation failed; `None` if it did not.
    #[must_use]
    pub fn error(&self) -> Option<&InvokeError> {
        self.answer.as_ref().err()
    }

    /// Returns what the application was told of, and nobody who sent the event: causes of failures
    /// and panics, as [`on_failure`](crate::App::on_failure) has them, without secrets.
    #[must_use]
    pub fn failures(&self) -> &[String] {
        &self.report.failures
    }

    /// Expects that the event was handled, and all records of a batch.
    #[track_caller]
    pub fn assert_ok(&self) -> &Self {
        match self.failed() {
            Some(failed) if !failed.is_empty() => {
                self.report.fail(format_args!("expected no failed records, failed {failed:?}"))
            }
            Some(_) | None => self,
        }
    }

    /// Expects that exactly these records of a batch failed, in their order: messages of SQS by
    /// their ids, records of Kinesis and DynamoDB by their sequence numbers, those of Kafka by
    /// partition and offset: `orders-0:5`.
    #[track_caller]
    pub fn assert_failures<T: Into<String>>(&self, expected: impl IntoIterator<Item = T>) -> &Self {
        let expected: Vec<String> = expected.into_iter().map(T::into).collect();
        let Some(failed) = self.failed() else { self.report.fail("the event is no batch") };
        self.report.expect("failed records", &expected, &failed);
        self
    }

    /// Expects an answer: the same JSON value, in whatever spelling.
    #[track_caller]
    pub fn assert_answer<T: Serialize + ?Sized>(&self, expected: &T) -> &Self {
        self.report.expect_json(&json_of(expected), &self.answer());
        self
    }

    /// Expects that the invocation failed, with an error whose text contains this.
    #[track_caller]
    pub fn assert_error(&self, part: &str) -> &Self {
        let text = self.error().map(ToString::to_string);
        if !text.is_some_and(|text| text.contains(part)) {
            self.report.fail(format_args!("expected a failed invocation: {part}"));
        }
        self
    }

    /// The records that failed; `None` where the answer is not a batch's.
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
