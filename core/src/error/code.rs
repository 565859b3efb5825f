//! The codes of errors that clients see, and their statuses.
//!
//! This module decides what a code means in HTTP. It refuses to know what went wrong.
//!
//! ```
//! use apptheory_core::error::code;
//!
//! assert_eq!(code::status(code::CONFLICT), 409);
//! assert_eq!(code::status("orders.out_of_stock"), 500);
//! ```

/// The request cannot be read: 400.
pub const BAD_REQUEST: &str = "app.bad_request";
/// The caller is not known: 401.
pub const UNAUTHORIZED: &str = "app.unauthorized";
/// The caller may not do this: 403.
pub const FORBIDDEN: &str = "app.forbidden";
/// There is no such thing: 404.
pub const NOT_FOUND: &str = "app.not_found";
/// The path is known, but not with this method: 405.
pub const METHOD_NOT_ALLOWED: &str = "app.method_not_allowed";
/// The request was not answered in time: 504, or the status that the application
/// [chose](crate::http::exchange::HttpSettings::timeout_status).
pub const TIMEOUT: &str = "app.timeout";
/// The request contradicts the state of things: 409.
pub const CONFLICT: &str = "app.conflict";
/// What was asked for is gone for good: 410.
pub const GONE: &str = "app.gone";
/// A condition of the request does not hold: 412.
pub const PRECONDITION_FAILED: &str = "app.precondition_failed";
/// The request or the response is too large: 413.
pub const TOO_LARGE: &str = "app.too_large";
/// The body of the request is of a media type that is not read: 415.
pub const UNSUPPORTED_MEDIA_TYPE: &str = "app.unsupported_media_type";
/// The request can be read, but breaks a rule: 422.
pub const VALIDATION_FAILED: &str = "app.validation_failed";
/// The caller asks too often: 429.
pub const RATE_LIMITED: &str = "app.rate_limited";
/// Anything else: 500.
pub const INTERNAL: &str = "app.internal";
/// Nothing serves this yet: 501.
pub const NOT_IMPLEMENTED: &str = "app.not_implemented";
/// A service behind this one answered badly: 502.
pub const BAD_GATEWAY: &str = "app.bad_gateway";
/// The service sheds load: 503.
pub const OVERLOADED: &str = "app.overloaded";

/// A JSON handler got no body; the older spelling of [`BAD_REQUEST`] in flat bodies.
pub const EMPTY_BODY: &str = "EMPTY_BODY";
/// A JSON handler could not read its body; the older spelling of [`BAD_REQUEST`] in flat bodies.
pub const INVALID_JSON: &str = "INVALID_JSON";

/// Returns the status of a code; 500 for those that are not listed here.
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

/// What the framework itself says with a code.
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
