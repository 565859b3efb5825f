//! Responses of the layer.

use apptheory_core::error::{AppError, ErrorFormat};
use apptheory_core::limiter::headers::{self, HeaderStyle};
use apptheory_core::limiter::http::{DenialBody, Refusal};
use apptheory_core::limiter::{self, Decision};
use http::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use http::{Response, StatusCode};

/// Returns the response to a refused request. Its extensions have the reason, for the host.
pub(super) fn refuse<B: From<String>>(
    refusal: Refusal,
    style: HeaderStyle,
    body: DenialBody,
) -> Response<B> {
    match refusal {
        Refusal::Denied(decision) => {
            let (status, text) = (StatusCode::TOO_MANY_REQUESTS, body.text(&decision));
            let mut response = json(status, body.content_type(), text);
            report(&mut response, *decision, style);
            response
        }
        Refusal::Undecided(error) => undecided(error),
    }
}

/// Returns the response to an error, in the format of applications, without internal details.
fn undecided<B: From<String>>(error: limiter::Error) -> Response<B> {
    let answer = AppError::from(error.clone());
    let status = StatusCode::from_u16(answer.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let text = answer.body(ErrorFormat::Nested, "", "");
    let mut response = json(status, "application/json; charset=utf-8", text);
    for (name, value) in answer.headers() {
        write(response.headers_mut(), name, value);
    }
    response.extensions_mut().insert(error);
    response
}

/// Writes a decision's headers on a response, unless an inner limiter has already written its own:
/// the innermost limit is the most specific one, and a response has one set of these headers.
pub(super) fn report<B>(response: &mut Response<B>, decision: Decision, style: HeaderStyle) {
    if response.extensions().get::<Decision>().is_some() {
        return;
    }
    for (name, value) in headers::headers(&decision, style) {
        write(response.headers_mut(), name, &value);
    }
    response.extensions_mut().insert(decision);
}

fn write(to: &mut HeaderMap, name: &str, value: &str) {
    // Lower-case names, and values that are numbers, `true` or quoted durations: always valid
    // headers.
    if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
        to.insert(name, value);
    }
}

fn json<B: From<String>>(
    status: StatusCode,
    content_type: &'static str,
    text: String,
) -> Response<B> {
    let mut response = Response::new(B::from(text));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}
