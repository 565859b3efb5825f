//! What a client is told.

use apptheory_core::error::{AppError, ErrorFormat};
use apptheory_core::limiter::headers::{self, HeaderStyle};
use apptheory_core::limiter::http::{DenialBody, Refusal};
use apptheory_core::limiter::{self, Decision};
use http::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use http::{Response, StatusCode};

/// The response to a request that went no further. Its extensions tell the host why.
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

/// The answer to an error, in the shape of applications' own: it says nothing about the inside.
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

/// Writes a decision on a response, unless a limiter further in already wrote its own: two budgets
/// cannot share one set of fields, and the one nearer to the handler is the more specific.
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
    // Names in lower case; numbers, `true` and quoted durations: always a valid header field.
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
