//! Reading the errors of the AWS SDK.

#[cfg(any(feature = "aws", feature = "kinesis"))]
mod classify;

use core::error::Error;

#[cfg(any(feature = "aws", feature = "kinesis"))]
pub(crate) use classify::{Said, classify};

use crate::causes::causes;

/// Returns the first error of type `T` among the causes of `error`.
pub(crate) fn find_source<'a, T: Error + 'static>(
    error: &'a (dyn Error + 'static),
) -> Option<&'a T> {
    causes(error).find_map(|cause| cause.downcast_ref())
}
