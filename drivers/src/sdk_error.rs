//! Reading the errors of the AWS SDK.

use core::error::Error;

/// The first error of type `T` among the causes of `error`.
pub(crate) fn find_source<'a, T: Error + 'static>(
    error: &'a (dyn Error + 'static),
) -> Option<&'a T> {
    sources(error).find_map(|source| source.downcast_ref())
}

/// The causes of `error`, one after the other.
pub(crate) fn sources<'a>(
    error: &'a (dyn Error + 'static),
) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    core::iter::successors(error.source(), |&error| error.source())
}
