//! What a client is told.

use apptheory_core::limiter::Decision;
use apptheory_core::limiter::headers::{self, DENIAL_BODY, HeaderStyle, problem_body};
use http::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use http::{Response, StatusCode};

use crate::rate_limit::{RateLimitError, Refusal};

/// How a denial is worded.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum DenialBody {
    /// [`DENIAL_BODY`], `application/json`.
    #[default]
    Json,
    /// Problem details (RFC 9457), `application/problem+json`.
    ProblemDetails,
}

/// The response to a request that went no further. Its extensions tell the host why.
pub(super) fn refuse<B: From<String>>(
    refusal: Refusal,
    style: HeaderStyle,
    body: DenialBody,
) -> Response<B> {
    match refusal {
        Refusal::Denied(decision) => deny(*decision, style, body),
        Refusal::NotCounted(error) => {
            let mut response = json(StatusCode::INTERNAL_SERVER_ERROR, PORTABLE_JSON, INTERNAL);
            response.extensions_mut().insert(RateLimitError::from(error));
            response
        }
        Refusal::Undecided(error) => {
            let mut response = json(StatusCode::SERVICE_UNAVAILABLE, PORTABLE_JSON, OVERLOADED);
            for (name, value) in headers::store_failure() {
                let value = HeaderValue::from_static(value);
                response.headers_mut().insert(HeaderName::from_static(name), value);
            }
            response.extensions_mut().insert(RateLimitError::from(error));
            response
        }
    }
}

fn deny<B: From<String>>(decision: Decision, style: HeaderStyle, body: DenialBody) -> Response<B> {
    let status = StatusCode::TOO_MANY_REQUESTS;
    let mut response = match body {
        DenialBody::Json => json(status, "application/json", DENIAL_BODY),
        DenialBody::ProblemDetails => {
            json(status, "application/problem+json", problem_body(&decision))
        }
    };
    report(&mut response, decision, style);
    response
}

/// Writes a decision on a response, unless a limiter further in already wrote its own: two budgets
/// cannot share one set of fields, and the one nearer to the handler is the more specific.
pub(super) fn report<B>(response: &mut Response<B>, decision: Decision, style: HeaderStyle) {
    if response.extensions().get::<Decision>().is_some() {
        return;
    }
    write(response.headers_mut(), &decision, style);
    response.extensions_mut().insert(decision);
}

fn write(to: &mut HeaderMap, decision: &Decision, style: HeaderStyle) {
    for (name, value) in headers::headers(decision, style) {
        // Numbers, `true` and quoted durations: always a valid header value.
        if let Ok(value) = HeaderValue::try_from(value) {
            to.insert(HeaderName::from_static(name), value);
        }
    }
}

fn json<B: From<String>>(
    status: StatusCode,
    content_type: &'static str,
    body: impl Into<String>,
) -> Response<B> {
    let mut response = Response::new(B::from(body.into()));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

/// Errors in the shape of applications' own: they say nothing about the inside.
const PORTABLE_JSON: &str = "application/json; charset=utf-8";
const INTERNAL: &str = r#"{"error":{"code":"app.internal","message":"internal error"}}"#;
const OVERLOADED: &str = r#"{"error":{"code":"app.overloaded","message":"overloaded"}}"#;
