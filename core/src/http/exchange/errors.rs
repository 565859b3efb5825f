//! How an application renders errors.

use super::call::Call;
use super::settings::{HttpSettings, Pipeline};
use crate::error::{AppError, ErrorFormat, code};
use crate::http::HttpResponse;

/// Converts errors to responses: the only place where this happens.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ErrorStyle {
    /// The format of the body.
    pub format: ErrorFormat,
    /// The status of [`code::TIMEOUT`].
    pub timeout_status: u16,
    /// Whether clients see the stack traces of errors.
    pub shows_stack_traces: bool,
    /// Whether the ids of the request are shown.
    pub shows_ids: bool,
    /// Whether the trace id is shown along with the ids.
    pub shows_trace: bool,
}

impl HttpSettings {
    /// Returns the error style of these settings.
    #[must_use]
    pub fn error_style(&self) -> ErrorStyle {
        ErrorStyle {
            format: self.error_format,
            timeout_status: self.timeout_status,
            shows_stack_traces: self.shows_stack_traces,
            shows_ids: self.pipeline > Pipeline::Bare,
            shows_trace: true,
        }
    }

    /// Returns the error style for messages with these settings: always nested, and without a trace
    /// id.
    #[must_use]
    pub fn message_error_style(&self) -> ErrorStyle {
        ErrorStyle { format: ErrorFormat::Nested, shows_trace: false, ..self.error_style() }
    }

    /// Returns the error style for a request or a message.
    #[must_use]
    pub fn error_style_for(&self, call: &Call) -> ErrorStyle {
        match call.route_key() {
            Some(_) => self.message_error_style(),
            None => self.error_style(),
        }
    }
}

impl ErrorStyle {
    /// Returns the status of the response to an error.
    #[must_use]
    pub fn status(self, error: &AppError) -> u16 {
        let is_timeout = error.code() == code::TIMEOUT && !error.has_own_status();
        if is_timeout { self.timeout_status } else { error.status() }
    }

    /// Returns the response to an error, which [contains](HttpResponse::error) the error. If the
    /// error's own status or headers are invalid, the response is a masked 500 with the reason in
    /// its cause.
    #[must_use]
    pub fn answer<S>(self, error: AppError, request_id: &str, trace_id: &str) -> HttpResponse<S> {
        let request_id = if self.shows_ids { request_id } else { "" };
        let trace_id = if self.shows_ids && self.shows_trace { trace_id } else { "" };
        let render = |error: &AppError| {
            let response = HttpResponse::from_error(error, self.format, request_id, trace_id);
            HttpResponse { status: self.status(error), ..response }.normalize()
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
                // An error without its own status and headers can always be sent.
                (render(&error).unwrap_or_else(|_| HttpResponse::new(500)), error)
            }
        };
        HttpResponse { error: Some(error), ..response }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_status_of_time_outs_is_chosen_unless_the_error_has_its_own() {
        let timeout = || AppError::of(code::TIMEOUT);
        let style = HttpSettings::default().error_style();
        let chosen = ErrorStyle { timeout_status: 408, ..style };
        assert_eq!((style.status(&timeout()), chosen.status(&timeout())), (504, 408));
        assert_eq!(chosen.status(&timeout().with_status(503)), 503);
        assert_eq!(chosen.status(&AppError::conflict("taken")), 409);
        let answer: HttpResponse = chosen.answer(timeout(), "", "");
        assert_eq!(answer.status, 408);
    }
}
