//! Tasks of S3 Batch Operations.

use alloc::string::String;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json, json};

use super::NotAccepted;
use crate::document::Object;
use crate::error::AppError;
use crate::events::envelopes::or_empty;
use crate::events::raw::RawEvent;
use crate::json;
use crate::percent::decode_form;
use crate::printing::prints;

/// A task of S3 Batch Operations, with its object.
#[derive(Clone)]
pub struct S3BatchTask {
    /// The job's id.
    pub job_id: String,
    /// The task's id.
    pub task_id: String,
    /// The bucket: its ARN, or its name if the job's schema is `2.0`.
    pub bucket: String,
    /// The decoded key of the object.
    pub key: String,
    /// The version of the object; or an empty text.
    pub version_id: String,
    /// The user arguments of the job, if its schema is `2.0`.
    pub user_arguments: Map<String, Json>,
}

prints!(S3BatchTask: job_id, task_id, bucket);

/// The result of a task. The text is for the job's completion report.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub enum S3BatchResult {
    /// The task succeeded.
    Succeeded(String),
    /// The task failed, and will be retried before the job ends.
    TemporaryFailure(String),
    /// The task failed, and will not be retried.
    PermanentFailure(String),
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Event {
    job: Job,
    tasks: Vec<Task>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Job {
    id: String,
    #[serde(default, deserialize_with = "or_empty")]
    user_arguments: Map<String, Json>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Task {
    task_id: String,
    s3_key: String,
    #[serde(default, deserialize_with = "or_empty")]
    s3_version_id: String,
    #[serde(default, deserialize_with = "or_empty")]
    s3_bucket_arn: String,
    #[serde(default, deserialize_with = "or_empty")]
    s3_bucket: String,
}

impl S3BatchTask {
    /// Reads the task of an event. S3 sends one task per event.
    ///
    /// # Errors
    ///
    /// 422 if a member has the wrong type, and a masked 500 if there is not exactly one task.
    pub fn read(event: &str) -> Result<Self, AppError> {
        let Event { job, mut tasks } = json::read(event.as_bytes())?;
        let (Some(task), true) = (tasks.pop(), tasks.is_empty()) else {
            return Err(not_accepted("an event must have exactly one task").into());
        };
        let bucket =
            if task.s3_bucket_arn.is_empty() { task.s3_bucket } else { task.s3_bucket_arn };
        Ok(Self {
            job_id: job.id,
            task_id: task.task_id,
            bucket,
            key: decode_form(&task.s3_key).into_owned(),
            version_id: task.s3_version_id,
            user_arguments: job.user_arguments,
        })
    }
}

/// Returns whether an event is from S3 Batch Operations.
pub(super) fn is_task(event: Object<'_, '_>) -> bool {
    let is_there = |name| event.get(name).is_ok_and(|value| value.filled_text().is_some());
    let job = event.get("job").is_ok_and(|job| job.is_object());
    let has_tasks = event.get("tasks").is_ok_and(|tasks| tasks.filled().is_some());
    is_there("invocationSchemaVersion") && is_there("invocationId") && job && has_tasks
}

/// Builds the response with the ids of the event.
pub(super) fn answer(event: &RawEvent<'_>, output: Json) -> Result<Json, AppError> {
    let result: S3BatchResult =
        serde_json::from_value(output).map_err(|_| not_accepted("it is not an `S3BatchResult`"))?;
    let (code, text) = match result {
        S3BatchResult::Succeeded(text) => ("Succeeded", text),
        S3BatchResult::TemporaryFailure(text) => ("TemporaryFailure", text),
        S3BatchResult::PermanentFailure(text) => ("PermanentFailure", text),
    };
    let task = S3BatchTask::read(event.as_json())?;
    let said = |name| event.root().member(name).text().unwrap_or_default().into_owned();
    Ok(json!({
        "invocationSchemaVersion": said("invocationSchemaVersion"),
        "treatMissingKeysAs": "TemporaryFailure",
        "invocationId": said("invocationId"),
        "results": [{"taskId": task.task_id, "resultCode": code, "resultString": text}],
    }))
}

pub(super) const fn not_accepted(why: &'static str) -> NotAccepted {
    NotAccepted { service: "S3 Batch Operations", why }
}
