//! The public error of a failed handler.

use alloc::sync::Arc;
use core::error::Error;
use core::fmt;

use super::error::ErrorKind;

/// The handler of an EventBridge event or SNS notification failed or panicked. The invocation fails
/// with this error.
///
/// Its text is fixed, because Lambda logs it and sends it to destinations, and a handler's own text
/// may contain anything. Only [`ErrorKind::InvalidEnvelope`] keeps its text, even as a source of
/// other errors. The handler's error is the [source](Error::source), for a private log.
#[derive(Clone, Debug)]
pub struct WorkloadFailed(Arc<dyn Error + Send + Sync>);

impl WorkloadFailed {
    /// Creates the error of a handler that returned an error or panicked.
    #[must_use]
    pub fn with(cause: Arc<dyn Error + Send + Sync>) -> Self {
        Self(cause)
    }
}

/// Returns the envelope error that an error is, or that caused it.
fn invalid_envelope<'e>(error: &'e (dyn Error + 'static)) -> Option<&'e super::Error> {
    match error.downcast_ref::<super::Error>() {
        Some(own) if own.kind() == ErrorKind::InvalidEnvelope => Some(own),
        _ => invalid_envelope(error.source()?),
    }
}

impl fmt::Display for WorkloadFailed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match invalid_envelope(&*self.0) {
            Some(shown) => shown.fmt(f),
            None => f.write_str("apptheory: event workload failed"),
        }
    }
}

impl Error for WorkloadFailed {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&*self.0)
    }
}

#[cfg(test)]
mod tests {
    use alloc::boxed::Box;
    use alloc::string::ToString;
    use alloc::sync::Arc;
    use core::error::Error;

    use super::WorkloadFailed;
    use crate::error::AppError;
    use crate::events::{Delivery, EventBridgeEvent};

    fn failed(cause: impl Into<Box<dyn Error + Send + Sync>>) -> WorkloadFailed {
        WorkloadFailed::with(Arc::from(cause.into()))
    }

    #[test]
    fn only_what_is_safe_is_shown() {
        let secret = failed("secret=42");
        assert_eq!(secret.to_string(), "apptheory: event workload failed");
        assert_eq!(secret.source().map(ToString::to_string).as_deref(), Some("secret=42"));
        let shown = AppError::bad_request("for HTTP only");
        assert_eq!(failed(shown).to_string(), secret.to_string());
    }

    #[test]
    fn a_safe_error_is_shown_without_what_wraps_it() {
        let event = EventBridgeEvent::read("{}").unwrap();
        let invalid = event.require_envelope(&Delivery::default()).unwrap_err();
        let wrapped = AppError::bad_request("secret=42").with_cause(invalid);
        let failed = failed(wrapped);
        assert_eq!(failed.to_string(), "apptheory: eventbridge workload envelope invalid");
    }
}
