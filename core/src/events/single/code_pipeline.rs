//! Jobs of CodePipeline.

use alloc::string::String;
use alloc::vec::Vec;

use serde::Deserialize;

use crate::document::Object;
use crate::events::envelopes::or_empty;
use crate::json::{self, Misread};
use crate::printing::prints;

/// A CodePipeline job: an action that invokes the function. Missing values are empty.
///
/// CodePipeline ignores the response. It waits for `PutJobSuccessResult` or `PutJobFailureResult`
/// with the job's id, until the action's timeout.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CodePipelineJob {
    /// The job's id, for reporting its result.
    pub id: String,
    /// The account of the pipeline.
    #[serde(default, deserialize_with = "or_empty")]
    pub account_id: String,
    /// The job's data.
    pub data: CodePipelineData,
}

/// The data of a CodePipeline job.
#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CodePipelineData {
    action_configuration: ActionConfiguration,
    /// The input artifacts.
    #[serde(default, deserialize_with = "or_empty")]
    pub input_artifacts: Vec<CodePipelineArtifact>,
    /// The output artifacts.
    #[serde(default, deserialize_with = "or_empty")]
    pub output_artifacts: Vec<CodePipelineArtifact>,
    /// Credentials for the artifacts' bucket.
    #[serde(default, deserialize_with = "or_empty")]
    pub artifact_credentials: ArtifactCredentials,
    /// The token from an earlier call for the same action.
    #[serde(default, deserialize_with = "or_empty")]
    pub continuation_token: String,
}

prints!(CodePipelineData: input_artifacts, output_artifacts);

#[derive(Clone, Deserialize)]
struct ActionConfiguration {
    configuration: Configuration,
}

#[derive(Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Configuration {
    #[serde(default, deserialize_with = "or_empty")]
    user_parameters: String,
}

/// An artifact of a pipeline, in a bucket.
#[derive(Clone, Debug, Deserialize)]
pub struct CodePipelineArtifact {
    /// The artifact's name.
    pub name: String,
    location: ArtifactLocation,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ArtifactLocation {
    s3_location: S3Location,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct S3Location {
    bucket_name: String,
    object_key: String,
}

/// Temporary credentials. They are not printed.
#[derive(Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ArtifactCredentials {
    /// The access key id.
    pub access_key_id: String,
    /// The secret access key.
    pub secret_access_key: String,
    /// The session token.
    pub session_token: String,
}

prints!(ArtifactCredentials: access_key_id);

impl CodePipelineJob {
    /// Reads the job of an event.
    ///
    /// # Errors
    ///
    /// [`Misread`] if a member has the wrong type.
    pub fn read(event: &str) -> Result<Self, Misread> {
        json::read::<JobEvent>(event.as_bytes()).map(|event| event.job)
    }

    /// Returns the user parameters of the action's configuration, unchanged; or an empty text.
    #[must_use]
    pub fn user_parameters(&self) -> &str {
        &self.data.action_configuration.configuration.user_parameters
    }
}

impl CodePipelineArtifact {
    /// Returns the bucket and the key.
    #[must_use]
    pub fn location(&self) -> (&str, &str) {
        let S3Location { bucket_name, object_key } = &self.location.s3_location;
        (bucket_name, object_key)
    }
}

/// A CodePipeline event: its only member is the job.
#[derive(Deserialize)]
struct JobEvent {
    #[serde(rename = "CodePipeline.job")]
    job: CodePipelineJob,
}

/// Returns whether an event is a job.
pub(super) fn is_job(event: Object<'_, '_>) -> bool {
    event.get("CodePipeline.job").is_ok_and(|job| job.is_object())
}
