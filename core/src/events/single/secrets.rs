//! Rotation of secrets by Secrets Manager.

use alloc::string::String;

use serde::Deserialize;

use crate::document::Object;

/// A step of the rotation of a secret. Each comes in an event of its own, in this order.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "PascalCase")]
pub struct SecretRotation {
    /// What to do.
    pub step: RotationStep,
    /// The ARN of the secret.
    pub secret_id: String,
    /// The version of the secret that is made, and its `ClientRequestToken` in calls to Secrets
    /// Manager.
    pub client_request_token: String,
}

/// What to do in the rotation of a secret.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq)]
pub enum RotationStep {
    /// Make the new version, as `AWSPENDING`. It may be there, from an attempt before.
    #[serde(rename = "createSecret")]
    Create,
    /// Have the service that the secret is for take the new version.
    #[serde(rename = "setSecret")]
    Set,
    /// Try the new version with that service.
    #[serde(rename = "testSecret")]
    Test,
    /// Make the new version the current one, `AWSCURRENT`.
    #[serde(rename = "finishSecret")]
    Finish,
}

/// Whether an event is a step of a rotation.
pub(super) fn is_rotation(event: Object<'_, '_>) -> bool {
    let text = |name| event.get(name).ok().and_then(|value| value.filled_text());
    let step = text("Step").unwrap_or_default();
    matches!(&*step, "createSecret" | "setSecret" | "testSecret" | "finishSecret")
        && text("SecretId").is_some()
        && text("ClientRequestToken").is_some()
}
