//! Errors that clients see, and the two formats of their bodies.

use alloc::boxed::Box;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::error::Error;
use core::fmt;
use core::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json, json};

use super::code;
use crate::json;
use crate::time::Timestamp;

/// An error response for the client. Clients see everything in it except the cause.
///
/// Create it where the mistake is detected. For an error that a client could not have avoided,
/// return [`internal`](Self::internal) with a [cause](Self::with_cause).
#[derive(Clone, Debug)]
pub struct AppError(Box<Inner>);

#[derive(Clone, Debug)]
struct Inner {
    code: String,
    message: String,
    status: Option<u16>,
    /// Null if there are no details.
    details: Json,
    request_id: String,
    trace_id: String,
    timestamp: Option<Timestamp>,
    stack_trace: String,
    headers: Vec<(String, String)>,
    cause: Option<Cause>,
}

/// The stored form of an error's cause.
type Cause = Arc<dyn Error + Send + Sync>;

/// The format of an error's body.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "snake_case")]
pub enum ErrorFormat {
    /// `{"error":{"code","message",…}}`, with the ids of the request.
    #[default]
    Nested,
    /// `{"code","message","details"}`, for clients of older services. Contains no ids.
    FlatLegacy,
}

impl AppError {
    /// Creates an error with a code, which determines the [status](code::status), and a message. An
    /// empty code becomes [`code::INTERNAL`].
    #[must_use]
    pub fn new(code: &str, message: impl Into<String>) -> Self {
        let code = if code.is_empty() { code::INTERNAL } else { code };
        Self(Box::new(Inner {
            code: code.to_string(),
            message: message.into(),
            status: None,
            details: Json::Null,
            request_id: String::new(),
            trace_id: String::new(),
            timestamp: None,
            stack_trace: String::new(),
            headers: Vec::new(),
            cause: None,
        }))
    }

    /// Creates an error with a code and the framework's message for this code.
    #[must_use]
    pub fn of(code: &str) -> Self {
        Self::new(code, code::message(code))
    }

    /// Returns a 400 with a message that says what is wrong with the request.
    #[must_use]
    pub fn bad_request(message: impl Into<String>) -> Self {
        Self::new(code::BAD_REQUEST, message)
    }

    /// Returns a 401: the caller is not authenticated. Say how to authenticate with
    /// [`with_header`](Self::with_header) and `www-authenticate`.
    #[must_use]
    pub fn unauthorized() -> Self {
        Self::of(code::UNAUTHORIZED)
    }

    /// Returns a 403: the caller is authenticated, but not permitted to do this.
    #[must_use]
    pub fn forbidden() -> Self {
        Self::of(code::FORBIDDEN)
    }

    /// Returns a 404. Also use it to hide that something exists.
    #[must_use]
    pub fn not_found() -> Self {
        Self::of(code::NOT_FOUND)
    }

    /// Returns a 405 with the allowed methods in its `allow` header (RFC 9110 §15.5.6).
    #[must_use]
    pub fn method_not_allowed(allowed: &[&str]) -> Self {
        Self::of(code::METHOD_NOT_ALLOWED).with_header("allow", allowed.join(", "))
    }

    /// Returns a 409 with a message that says what the request conflicts with.
    #[must_use]
    pub fn conflict(message: impl Into<String>) -> Self {
        Self::new(code::CONFLICT, message)
    }

    /// Returns a 410: the resource existed, and will not exist again.
    #[must_use]
    pub fn gone() -> Self {
        Self::of(code::GONE)
    }

    /// Returns a 412: a condition of the request, such as `if-match`, does not hold.
    #[must_use]
    pub fn precondition_failed() -> Self {
        Self::of(code::PRECONDITION_FAILED)
    }

    /// Returns a 413 for a request that is too large.
    #[must_use]
    pub fn too_large() -> Self {
        Self::of(code::TOO_LARGE)
    }

    /// Returns a 413 for a response that is larger than its limit.
    #[must_use]
    pub fn response_too_large() -> Self {
        Self::new(code::TOO_LARGE, "response too large")
    }

    /// Returns a 415 with a message that names the supported media types.
    #[must_use]
    pub fn unsupported_media_type(message: impl Into<String>) -> Self {
        Self::new(code::UNSUPPORTED_MEDIA_TYPE, message)
    }

    /// Returns a 422: the request is well-formed, but breaks a rule. Name the rule.
    #[must_use]
    pub fn unprocessable(message: impl Into<String>) -> Self {
        Self::new(code::VALIDATION_FAILED, message)
    }

    /// Returns a 429: the caller sends too many requests. Set the time to wait with
    /// [`with_retry_after`](Self::with_retry_after).
    #[must_use]
    pub fn too_many_requests() -> Self {
        Self::of(code::RATE_LIMITED)
    }

    /// Returns a 500 without details for the client. Add a [cause](Self::with_cause) for the log.
    #[must_use]
    pub fn internal() -> Self {
        Self::of(code::INTERNAL)
    }

    /// Returns a 501: the operation is not implemented.
    #[must_use]
    pub fn not_implemented() -> Self {
        Self::of(code::NOT_IMPLEMENTED)
    }

    /// Returns a 502: an upstream service failed. Add its error as the [cause](Self::with_cause).
    #[must_use]
    pub fn bad_gateway() -> Self {
        Self::of(code::BAD_GATEWAY)
    }

    /// Returns a 503: there is no capacity now. Set the time to wait with
    /// [`with_retry_after`](Self::with_retry_after).
    #[must_use]
    pub fn unavailable() -> Self {
        Self::of(code::OVERLOADED)
    }

    /// Returns a 504: the request took too long.
    #[must_use]
    pub fn timeout() -> Self {
        Self::of(code::TIMEOUT)
    }

    /// Converts any error to an error response: the first [`AppError`] in the chain of its
    /// [sources](Error::source), or else [`internal`](Self::internal). The error becomes the cause,
    /// for the log.
    #[must_use]
    pub fn from_error(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        let error = error.into();
        let mut shown = Self::first_in(&*error).unwrap_or_else(Self::internal);
        shown.0.cause = Some(Arc::from(error));
        shown
    }

    fn first_in(error: &(dyn Error + 'static)) -> Option<Self> {
        let mut next = Some(error);
        while let Some(error) = next {
            if let Some(found) = error.downcast_ref::<Self>() {
                return Some(found.clone());
            }
            next = error.source();
        }
        None
    }

    /// Returns the same error with the code that trailers and records show.
    pub(crate) fn with_printable_code(mut self) -> Self {
        if self.printable_code() != self.code() {
            self.0.code = self.printable_code().to_string();
        }
        self
    }

    /// Sets the status instead of the code's, and shows it in nested bodies; 0 restores the code's
    /// status.
    #[must_use]
    pub fn with_status(mut self, status: u16) -> Self {
        self.0.status = (status != 0).then_some(status);
        self
    }

    /// Sets the details, which clients see: any serializable value, such as `json!({ "field":
    /// "items" })`. If serialization fails, there are no details, and the failure becomes the
    /// error's cause unless it has one. Null and an empty object mean no details.
    #[must_use]
    pub fn with_details(mut self, details: &(impl Serialize + ?Sized)) -> Self {
        match serde_json::to_value(details) {
            Ok(Json::Object(members)) if members.is_empty() => self.0.details = Json::Null,
            Ok(details) => self.0.details = details,
            Err(error) => {
                self.0.details = Json::Null;
                self.0.cause.get_or_insert_with(|| Arc::new(error));
            }
        }
        self
    }

    /// Sets the request id to show instead of the request's own.
    #[must_use]
    pub fn with_request_id(mut self, id: impl Into<String>) -> Self {
        self.0.request_id = id.into();
        self
    }

    /// Sets the trace id to show instead of the request's own, unless it is blank.
    #[must_use]
    pub fn with_trace_id(mut self, id: impl Into<String>) -> Self {
        self.0.trace_id = id.into();
        self
    }

    /// Sets the time of the error to show.
    #[must_use]
    pub fn with_timestamp(mut self, at: Timestamp) -> Self {
        self.0.timestamp = Some(at);
        self
    }

    /// Sets a stack trace, which clients see in nested bodies. The framework never adds one.
    #[must_use]
    pub fn with_stack_trace(mut self, stack: impl Into<String>) -> Self {
        self.0.stack_trace = stack.into();
        self
    }

    /// Adds a response header, such as `retry-after` or `www-authenticate`.
    #[must_use]
    pub fn with_header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.0.headers.push((name.to_string(), value.into()));
        self
    }

    /// Sets the `retry-after` header, in whole seconds, rounded up.
    #[must_use]
    pub fn with_retry_after(self, wait: Duration) -> Self {
        let seconds = wait.as_secs().saturating_add(u64::from(wait.subsec_nanos() > 0));
        self.with_header("retry-after", seconds.to_string())
    }

    /// Sets the cause, for the log. Clients do not see it.
    #[must_use]
    pub fn with_cause(mut self, cause: impl Error + Send + Sync + 'static) -> Self {
        self.0.cause = Some(Arc::new(cause));
        self
    }

    /// Sets a cause that is shared with other owners.
    #[must_use]
    pub fn with_shared_cause(mut self, cause: Arc<dyn Error + Send + Sync>) -> Self {
        self.0.cause = Some(cause);
        self
    }

    /// Returns the code as it was given.
    #[must_use]
    pub fn code(&self) -> &str {
        &self.0.code
    }

    /// Returns the message.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// Returns the code for trailers and records of streams: trimmed, with older spellings
    /// unchanged. A code that is blank, or not valid in a header, becomes [`code::INTERNAL`].
    #[must_use]
    pub fn printable_code(&self) -> &str {
        match self.code().trim() {
            code if !code.is_empty() && code.bytes().all(|b| matches!(b, b' '..=b'~')) => code,
            _ => code::INTERNAL,
        }
    }

    /// Returns the code for logs and metrics: older spellings become [`code::BAD_REQUEST`], and a
    /// blank code becomes [`code::INTERNAL`].
    #[must_use]
    pub fn recorded_code(&self) -> &str {
        match self.code().trim() {
            "" => code::INTERNAL,
            code::EMPTY_BODY | code::INVALID_JSON => code::BAD_REQUEST,
            code => code,
        }
    }

    /// Returns the status of the response.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.0.status.unwrap_or_else(|| code::status(self.code()))
    }

    /// Returns whether the status was set explicitly.
    pub(crate) const fn has_own_status(&self) -> bool {
        self.0.status.is_some()
    }

    /// Returns the response headers, with their names as they were given.
    #[must_use]
    pub fn headers(&self) -> &[(String, String)] {
        &self.0.headers
    }

    /// Returns the response body. The error's own ids take precedence over the given ids of the
    /// request.
    #[must_use]
    pub fn body(&self, format: ErrorFormat, request_id: &str, trace_id: &str) -> String {
        let body = match format {
            ErrorFormat::Nested => json!({ "error": self.nested(request_id, trace_id) }),
            ErrorFormat::FlatLegacy => Json::Object(self.flat()),
        };
        json::to_text(&body)
    }

    fn flat(&self) -> Map<String, Json> {
        let mut body = Map::new();
        body.insert("code".into(), self.code().into());
        body.insert("message".into(), self.message().into());
        if !self.0.details.is_null() {
            body.insert("details".into(), self.0.details.clone());
        }
        body
    }

    fn nested(&self, request_id: &str, trace_id: &str) -> Map<String, Json> {
        let Inner { code, request_id: own_id, trace_id: own_trace, .. } = &*self.0;
        let mut body = self.flat();
        let renamed = match code.as_str() {
            code::EMPTY_BODY => Some("request body is empty"),
            code::INVALID_JSON => Some("invalid json"),
            _ => None,
        };
        if let Some(message) = renamed {
            body.insert("code".into(), code::BAD_REQUEST.into());
            body.insert("message".into(), message.into());
        }
        let mut show = |name: &str, text: &str| {
            if !text.is_empty() {
                body.insert(name.into(), text.into());
            }
        };
        show("request_id", if own_id.is_empty() { request_id } else { own_id });
        show("trace_id", if own_trace.trim().is_empty() { trace_id } else { own_trace });
        show("stack_trace", &self.0.stack_trace);
        show("timestamp", &self.0.timestamp.map(Timestamp::to_rfc3339).unwrap_or_default());
        if let Some(status) = self.0.status {
            body.insert("status_code".into(), status.into());
        }
        body
    }
}

impl fmt::Display for AppError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code(), self.message())
    }
}

impl Error for AppError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.cause.as_deref().map(|cause| -> &(dyn Error + 'static) { cause })
    }
}

/// Converts like [`AppError::from_error`].
impl From<Box<dyn Error + Send + Sync>> for AppError {
    fn from(error: Box<dyn Error + Send + Sync>) -> Self {
        // An error that is an `AppError` already keeps its cause.
        match error.downcast::<Self>() {
            Ok(error) => *error,
            Err(error) => Self::from_error(error),
        }
    }
}

impl ErrorFormat {
    /// Returns the format with a configured name: exactly `nested` or `flat_legacy`. Any other name
    /// gives `Nested`.
    #[must_use]
    pub fn from_name(name: &str) -> Self {
        if name == "flat_legacy" { Self::FlatLegacy } else { Self::Nested }
    }
}
