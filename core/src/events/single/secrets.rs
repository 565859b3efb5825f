//! Rotation of secrets by Secrets Manager.

use alloc::string::String;

use serde::Deserialize;

use crate::document::Object;

/// A step of a secret's rotation. Each step is a separate event, in this order.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "PascalCase")]
pub struct SecretRotation {
    /// The step.
    pub step: RotationStep,
    /// The ARN of the secret.
    pub secret_id: String,
    /// The version of the secret to create, also the `ClientRequestToken` in calls to Secrets
    /// Manager.
    pub client_request_token: String,
}

/// A step of a secret's rotation.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq)]
pub enum RotationStep {
    /// Create the new version, as `AWSPENDING`. It may exist already, from an earlier attempt.
    #[serde(rename = "createSecret")]
    Create,
    /// Set the new version in the service that uses the secret.
    #[serde(rename = "setSecret")]
    Set,
    /// Test the new version with that service.
    #[serde(rename = "testSecret")]
    Test,
    /// Make the new version current: `AWSCURRENT`.
    #[serde(rename = "finishSecret")]
    Finish,
}

/// Returns whether an event is a step of a rotation.
pub(super) fn is_rotation(event: Object<'_, '_>) -> bool {
    let text = |name| event.get(name).ok().and_then(|value| value.filled_text());
    let step = text("Step").unwrap_or_default();
    matches!(&*step, "createSecret" | "setSecret" | "testSecret" | "finishSecret")
        && text("SecretId").is_some()
        && text("ClientRequestToken").is_some()
}
