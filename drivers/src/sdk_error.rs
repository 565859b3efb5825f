//! Reading the errors of the AWS SDK.

use core::error::Error;

use crate::causes::causes;

/// The first error of type `T` among the causes of `error`.
pub(crate) fn find_source<'a, T: Error + 'static>(
    error: &'a (dyn Error + 'static),
) -> Option<&'a T> {
    causes(error).find_map(|cause| cause.downcast_ref())
}

/// Makes a debug event of an error. A service's message may quote keys and values, and so may the
/// reason why its reply could not be read: of those, only code and request id are shown, of others
/// the chain of causes.
#[cfg(all(feature = "tracing", any(feature = "aws", feature = "kinesis")))]
pub(crate) fn record(
    error: &(dyn Error + 'static),
    kind: &dyn core::fmt::Display,
    code: Option<&str>,
    request_id: Option<&str>,
    quotes_data: bool,
) {
    use apptheory_core::sanitize::{Sanitizer, log_text};

    // Replies, and errors that quote them, come from outside.
    let sanitizer = Sanitizer::new();
    let (code, request_id) = (code.map(log_text), request_id.map(log_text));
    let causes = (!quotes_data).then(|| {
        let causes: Vec<String> = causes(error).map(ToString::to_string).collect();
        sanitizer.free_text(&causes.join(": ")).into_owned()
    });
    let (code, request_id) = (code.as_deref(), request_id.as_deref());
    let message = error.to_string();
    let message = sanitizer.free_text(&message);
    tracing::debug!(target: "apptheory::aws", %kind, code, request_id, causes, "{message}");
}
