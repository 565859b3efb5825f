//! Collects streams for providers that need a complete response.

use core::num::NonZeroU64;

use super::frame::Head;
use super::limiter::StreamLimiter;
use crate::error::AppError;
use crate::http::HttpResponse;
use crate::http::exchange::ErrorStyle;

/// Collects a streamed response into a complete one. Nothing is sent before the end of the stream,
/// so that an error is answered with an error response, and never with half a response.
///
/// ```
/// use apptheory_core::http::exchange::HttpSettings;
/// use apptheory_core::error::AppError;
/// use apptheory_core::http::HttpResponse;
/// use apptheory_core::stream::Collector;
///
/// let head = HttpResponse::text(200, "a");
/// let errors = HttpSettings::default().error_style();
/// let mut collector = Collector::new(head.clone(), None, errors);
/// assert!(collector.push(b"b").is_ok());
/// assert_eq!(collector.finish().body, b"ab");
///
/// let failed = Collector::new(head, None, errors).fail(AppError::conflict("late"), "");
/// assert_eq!(failed.status, 409);
/// ```
#[derive(Clone, Debug)]
pub struct Collector {
    response: HttpResponse,
    limiter: StreamLimiter,
    errors: ErrorStyle,
}

impl Collector {
    /// Creates a collector for the stream of a response. `max_bytes` limits its body and the stream
    /// together.
    #[must_use]
    pub fn new(response: HttpResponse, max_bytes: Option<NonZeroU64>, errors: ErrorStyle) -> Self {
        let mut limiter = StreamLimiter::new(max_bytes);
        // A body over the limit was refused before; the limiter then refuses all chunks.
        let _ = limiter.admit(response.body.len());
        Self { response, limiter, errors }
    }

    /// Appends a chunk.
    ///
    /// # Errors
    ///
    /// 413 for a chunk that exceeds the limit: stop the stream, and call [`fail`](Self::fail) with
    /// this error.
    pub fn push(&mut self, chunk: &[u8]) -> Result<(), AppError> {
        if !self.limiter.admit(chunk.len()) {
            return Err(AppError::response_too_large());
        }
        self.response.body.extend_from_slice(chunk);
        Ok(())
    }

    /// Returns the response after the stream has ended.
    #[must_use]
    pub fn finish(self) -> HttpResponse {
        self.response
    }

    /// Returns the response to an error in the stream. It keeps the headers with which a browser
    /// can read it and a person can find it in the log. An empty trace id is left out.
    #[must_use]
    pub fn fail(self, error: AppError, trace_id: &str) -> HttpResponse {
        let head = Head::from(&self.response);
        let request_id = head.headers.first("x-request-id");
        let answer: HttpResponse =
            self.errors.answer(error.with_printable_code(), request_id, trace_id);
        let Head { status, headers, cookies } = head.of_error(&answer);
        HttpResponse { status, headers, cookies, ..answer }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::code;
    use crate::http::exchange::HttpSettings;

    fn collector(max_bytes: u64) -> Collector {
        let head = HttpResponse::text(200, "ab")
            .with_header("x-request-id", "r1")
            .with_header("etag", "e")
            .with_cookie("a=1");
        Collector::new(head, NonZeroU64::new(max_bytes), HttpSettings::default().error_style())
    }

    #[test]
    fn a_stream_becomes_a_body_within_the_limit() {
        let mut collector = collector(3);
        assert!(collector.push(b"").is_ok() && collector.push(b"c").is_ok());
        let error = collector.push(b"d").unwrap_err();
        assert_eq!(error.status(), 413);
        let failed = collector.fail(error, "");
        assert_eq!((failed.status, failed.headers.first("x-request-id")), (413, "r1"));
        assert!(failed.cookies.is_empty() && !failed.headers.contains("etag"));
    }

    #[test]
    fn a_late_error_is_answered() {
        let failed = collector(9).fail(AppError::new(code::TIMEOUT, "slow"), "t1");
        assert_eq!(failed.status, 504);
        let body = r#"{"error":{"code":"app.timeout","message":"slow","request_id":"r1","trace_id":"t1"}}"#;
        assert_eq!(failed.body, body.as_bytes());
    }
}
