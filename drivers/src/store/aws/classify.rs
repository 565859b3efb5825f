//! What an SDK error means to a machine: by its type and code, never by its message.

use core::error::Error;

use apptheory_core::store::{self, Misconfiguration};
use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
#[cfg(feature = "tracing")]
use aws_sdk_dynamodb::operation::RequestId as _;

use crate::sdk_error::find_source;
#[cfg(feature = "tracing")]
use crate::sdk_error::record;

/// Classifies `error`, and records it if the feature `tracing` is on.
pub(super) fn classify<E>(error: &SdkError<E>) -> store::Error
where
    E: ProvideErrorMetadata + Error + 'static,
{
    let kind = kind_of(error);
    #[cfg(feature = "tracing")]
    {
        let quotes_data = matches!(error, SdkError::ServiceError(_) | SdkError::ResponseError(_));
        record(error, &kind, error.code(), error.request_id(), quotes_data);
    }
    kind
}

fn kind_of<E>(error: &SdkError<E>) -> store::Error
where
    E: ProvideErrorMetadata + Error + 'static,
{
    match error {
        SdkError::ServiceError(refusal) => {
            store::Error::from_code(refusal.err().code().unwrap_or_default())
        }
        SdkError::TimeoutError(_) => store::Error::Timeout,
        SdkError::ConstructionFailure(_) => {
            store::Error::Misconfigured(Misconfiguration::InvalidRequest)
        }
        SdkError::DispatchFailure(failure) => {
            let timed_out = failure.is_timeout();
            match find_source::<CredentialsError>(error) {
                Some(missing) => kind_of_credentials_error(missing),
                None if timed_out => store::Error::Timeout,
                None => store::Error::Unavailable,
            }
        }
        // A reply that cannot be read says nothing about whether a write happened.
        SdkError::ResponseError(_) | _ => store::Error::Unavailable,
    }
}

fn kind_of_credentials_error(error: &CredentialsError) -> store::Error {
    match error {
        CredentialsError::ProviderTimedOut(_) => store::Error::Timeout,
        // Nothing was sent: the store is as it was.
        CredentialsError::CredentialsNotLoaded(_)
        | CredentialsError::InvalidConfiguration(_)
        | CredentialsError::ProviderError(_)
        | CredentialsError::Unhandled(_)
        | _ => store::Error::Misconfigured(Misconfiguration::MissingCredentials),
    }
}
