//! How an application answers errors.

use super::settings::{HttpSettings, Tier};
use crate::http::{AppError, ErrorFormat, Response};

/// How an application answers errors: the one place where an error becomes a response.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ErrorStyle {
    /// The shape of the body.
    pub format: ErrorFormat,
    /// Whether stack traces that errors carry are shown to clients.
    pub shows_stack_traces: bool,
    /// Whether the ids of the request are shown.
    pub shows_ids: bool,
}

impl HttpSettings {
    /// How errors are answered under these settings.
    #[must_use]
    pub fn error_style(&self) -> ErrorStyle {
        ErrorStyle {
            format: self.error_format,
            shows_stack_traces: self.shows_stack_traces,
            shows_ids: self.tier > Tier::P0,
        }
    }
}

impl ErrorStyle {
    /// Returns the answer to an error, which [holds](Response::error) the error that it is the answer
    /// to. An error whose own status or header fields cannot be sent becomes a masked 500 that says
    /// why in its cause.
    #[must_use]
    pub fn answer<S>(self, error: AppError, request_id: &str, trace_id: &str) -> Response<S> {
        let (request_id, trace_id) = if self.shows_ids { (request_id, trace_id) } else { ("", "") };
        let render = |error: &AppError| {
            Response::from_error(error, self.format, request_id, trace_id).normalize()
        };
        let rendered = if self.shows_stack_traces {
            render(&error)
        } else {
            render(&error.clone().with_stack_trace(""))
        };
        let (response, error) = match rendered {
            Ok(response) => (response, error),
            Err(reason) => {
                let error = AppError::from(reason);
                // Without a status and header fields of its own, an error can be sent.
                (render(&error).unwrap_or_else(|_| Response::new(500)), error)
            }
        };
        Response { error: Some(error), ..response }
    }
}
