//! What an SDK error means for a machine of the store.

use core::error::Error;

use apptheory_core::store::{self, Misconfiguration};
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};

use crate::sdk_error::{self, Said};

/// Classifies `error`, and records it if the feature `tracing` is on.
pub(super) fn classify<E>(error: &SdkError<E>) -> store::Error
where
    E: ProvideErrorMetadata + Error + 'static,
{
    sdk_error::classify(error, |said| match said {
        Said::Refused(code) => store::Error::from_code(code),
        Said::LateAnswer => store::Error::Timeout,
        Said::Unwritable => store::Error::Misconfigured(Misconfiguration::InvalidRequest),
        Said::NoCredentials => store::Error::Misconfigured(Misconfiguration::MissingCredentials),
        // A malformed reply does not say whether a write happened.
        Said::NoAnswer => store::Error::Unavailable,
    })
}
