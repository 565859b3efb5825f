//! Classifying errors of the SDK by type and code, never by message.

use core::error::Error;
use core::fmt::Display;

use aws_credential_types::provider::error::CredentialsError;
#[cfg(feature = "aws")]
use aws_sdk_dynamodb as sdk;
#[cfg(not(feature = "aws"))]
use aws_sdk_kinesis as sdk;
use sdk::error::{ProvideErrorMetadata, SdkError};

use super::find_source;

/// What an error means for its request.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Said<'e> {
    /// The service refused the request with this code, which may be empty.
    Refused(&'e str),
    /// There was no reply in time.
    LateAnswer,
    /// The request could not be serialized, and was not sent.
    Unwritable,
    /// There were no credentials, and the request was not sent.
    NoCredentials,
    /// The service was not reached, or its reply is malformed.
    NoAnswer,
}

/// Classifies `error` with `meaning`, and records it if the feature `tracing` is on.
pub(crate) fn classify<E, K: Display>(error: &SdkError<E>, meaning: impl FnOnce(Said<'_>) -> K) -> K
where
    E: ProvideErrorMetadata + Error + 'static,
{
    let kind = meaning(said(error));
    #[cfg(feature = "tracing")]
    record(error, &kind);
    kind
}

fn said<E>(error: &SdkError<E>) -> Said<'_>
where
    E: ProvideErrorMetadata + Error + 'static,
{
    match error {
        SdkError::ServiceError(refusal) => Said::Refused(refusal.err().code().unwrap_or_default()),
        SdkError::TimeoutError(_) => Said::LateAnswer,
        SdkError::ConstructionFailure(_) => Said::Unwritable,
        SdkError::DispatchFailure(failure) => match find_source::<CredentialsError>(error) {
            Some(CredentialsError::ProviderTimedOut(_)) => Said::LateAnswer,
            Some(_) => Said::NoCredentials,
            None if failure.is_timeout() => Said::LateAnswer,
            None => Said::NoAnswer,
        },
        SdkError::ResponseError(_) | _ => Said::NoAnswer,
    }
}

/// Emits a debug event of an error. A service's message may quote keys and values, and so may the
/// reason why a reply could not be parsed: for these only code and request id are shown, for others
/// the chain of causes.
#[cfg(feature = "tracing")]
fn record<E>(error: &SdkError<E>, kind: &dyn Display)
where
    E: ProvideErrorMetadata + Error + 'static,
{
    use apptheory_core::sanitize::{Sanitizer, log_text};
    use sdk::operation::RequestId as _;

    use crate::causes::causes;

    // Replies, and errors that quote them, are external input.
    let sanitizer = Sanitizer::new();
    let (code, request_id) = (error.code().map(log_text), error.request_id().map(log_text));
    let quotes_data = matches!(error, SdkError::ServiceError(_) | SdkError::ResponseError(_));
    let causes = (!quotes_data).then(|| {
        let causes: Vec<String> = causes(error).map(ToString::to_string).collect();
        sanitizer.free_text(&causes.join(": ")).into_owned()
    });
    let (code, request_id) = (code.as_deref(), request_id.as_deref());
    let message = error.to_string();
    let message = sanitizer.free_text(&message);
    tracing::debug!(target: "apptheory::aws", %kind, code, request_id, causes, "{message}");
}
