//! The codes of errors that clients see, and their statuses.
//!
//! ```
//! use apptheory_core::error::code;
//!
//! assert_eq!(code::status(code::CONFLICT), 409);
//! assert_eq!(code::status("orders.out_of_stock"), 500);
//! ```

/// The request cannot be read: 400.
pub const BAD_REQUEST: &str = "app.bad_request";
/// The caller is not authenticated: 401.
pub const UNAUTHORIZED: &str = "app.unauthorized";
/// The caller is not permitted to do this: 403.
pub const FORBIDDEN: &str = "app.forbidden";
/// The resource does not exist: 404.
pub const NOT_FOUND: &str = "app.not_found";
/// The path exists, but not with this method: 405.
pub const METHOD_NOT_ALLOWED: &str = "app.method_not_allowed";
/// The request was not answered in time: 504, or the status in the
/// [settings](crate::http::exchange::HttpSettings::timeout_status).
pub const TIMEOUT: &str = "app.timeout";
/// The request conflicts with the current state: 409.
pub const CONFLICT: &str = "app.conflict";
/// The resource is permanently gone: 410.
pub const GONE: &str = "app.gone";
/// A condition of the request does not hold: 412.
pub const PRECONDITION_FAILED: &str = "app.precondition_failed";
/// The request or the response is too large: 413.
pub const TOO_LARGE: &str = "app.too_large";
/// The media type of the request body is not supported: 415.
pub const UNSUPPORTED_MEDIA_TYPE: &str = "app.unsupported_media_type";
/// The request is well-formed, but breaks a rule: 422.
pub const VALIDATION_FAILED: &str = "app.validation_failed";
/// The caller sends too many requests: 429.
pub const RATE_LIMITED: &str = "app.rate_limited";
/// Any other error: 500.
pub const INTERNAL: &str = "app.internal";
/// The operation is not implemented: 501.
pub const NOT_IMPLEMENTED: &str = "app.not_implemented";
/// An upstream service failed: 502.
pub const BAD_GATEWAY: &str = "app.bad_gateway";
/// The service is overloaded and refuses requests: 503.
pub const OVERLOADED: &str = "app.overloaded";

/// A JSON handler received no body; the older spelling of [`BAD_REQUEST`] in flat bodies.
pub const EMPTY_BODY: &str = "EMPTY_BODY";
/// A JSON handler could not parse its body; the older spelling of [`BAD_REQUEST`] in flat bodies.
pub const INVALID_JSON: &str = "INVALID_JSON";

/// Returns the status of a code; 500 for codes that are not listed here.
#[must_use]
pub fn status(code: &str) -> u16 {
    match code {
        BAD_REQUEST | EMPTY_BODY | INVALID_JSON => 400,
        UNAUTHORIZED => 401,
        FORBIDDEN => 403,
        NOT_FOUND => 404,
        METHOD_NOT_ALLOWED => 405,
        CONFLICT => 409,
        GONE => 410,
        PRECONDITION_FAILED => 412,
        TOO_LARGE => 413,
        UNSUPPORTED_MEDIA_TYPE => 415,
        VALIDATION_FAILED => 422,
        RATE_LIMITED => 429,
        NOT_IMPLEMENTED => 501,
        BAD_GATEWAY => 502,
        OVERLOADED => 503,
        TIMEOUT => 504,
        _ => 500,
    }
}

/// Returns the framework's message for a code.
pub(super) fn message(code: &str) -> &'static str {
    match code {
        BAD_REQUEST => "bad request",
        UNAUTHORIZED => "unauthorized",
        FORBIDDEN => "forbidden",
        NOT_FOUND => "not found",
        METHOD_NOT_ALLOWED => "method not allowed",
        TIMEOUT => "request timeout",
        CONFLICT => "conflict",
        GONE => "gone",
        PRECONDITION_FAILED => "precondition failed",
        TOO_LARGE => "request too large",
        UNSUPPORTED_MEDIA_TYPE => "unsupported media type",
        VALIDATION_FAILED => "validation failed",
        RATE_LIMITED => "rate limited",
        NOT_IMPLEMENTED => "not implemented",
        BAD_GATEWAY => "bad gateway",
        OVERLOADED => "overloaded",
        EMPTY_BODY => "Request body is empty",
        INVALID_JSON => "Invalid JSON in request body",
        _ => "internal error",
    }
}
