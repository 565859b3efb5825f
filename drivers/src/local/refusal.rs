//! Responses of the server itself, which the application never sees: errors in its format, with a
//! request id, and the connection is closed.

use apptheory_core::error::{AppError, code};
use apptheory_core::http::HttpResponse as Whole;
use bytes::Bytes;
use http::header::{CONNECTION, CONTENT_LENGTH, HeaderName, HeaderValue};
use http::{Response, StatusCode};
use http_body_util::Full;

use crate::app::AppService;
use crate::app::wire::http_head;

/// Returns the response to a request that is refused.
pub(super) fn answer(app: &AppService, error: &AppError) -> Response<Full<Bytes>> {
    whole(app, error).map(Full::from)
}

/// Returns the bytes of the response to a malformed head. `status` says why.
pub(super) fn of_head(app: &AppService, status: StatusCode) -> Bytes {
    let error = match status {
        StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE => AppError::new(
            code::TOO_LARGE,
            "the head is larger than 32 KB, or has more than 100 headers",
        ),
        StatusCode::URI_TOO_LONG => {
            AppError::new(code::TOO_LARGE, "the request target is too long")
        }
        _ => AppError::bad_request("malformed request"),
    };
    written(&whole(app, &error.with_status(status.as_u16())))
}

/// Returns the bytes of the response to a connection above the limit.
pub(super) fn of_connection(app: &AppService) -> Bytes {
    let error = AppError::new(code::OVERLOADED, "too many connections");
    written(&whole(app, &error.with_header("retry-after", "1")))
}

/// Returns the status in hyper's response to a malformed head.
pub(super) fn status_of(written: &[u8]) -> StatusCode {
    let status = written.strip_prefix(b"HTTP/1.1 ").and_then(|rest| rest.get(..3));
    let status = status.and_then(|status| StatusCode::from_bytes(status).ok());
    status.unwrap_or(StatusCode::BAD_REQUEST)
}

fn whole(app: &AppService, error: &AppError) -> Response<Vec<u8>> {
    let request_id = app.new_id();
    let response: Whole = app.settings().error_style().answer(error.clone(), &request_id, "");
    let mut whole =
        http_head(response.status, &response.headers, &response.cookies).map(|()| response.body);
    let headers = whole.headers_mut();
    headers.extend(HeaderValue::try_from(request_id).ok().map(|id| (REQUEST_ID, id)));
    // The next bytes on the connection may belong to what was refused.
    headers.insert(CONNECTION, HeaderValue::from_static("close"));
    whole
}

fn written(answer: &Response<Vec<u8>>) -> Bytes {
    let mut bytes = format!("HTTP/1.1 {}\r\n", answer.status()).into_bytes();
    let length = HeaderValue::from(answer.body().len());
    for (name, value) in answer.headers().iter().chain([(&CONTENT_LENGTH, &length)]) {
        bytes.extend([name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"].concat());
    }
    bytes.extend_from_slice(b"\r\n");
    bytes.extend_from_slice(answer.body());
    bytes.into()
}

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::App;

    #[test]
    fn what_hyper_says_is_told_in_the_applications_format() {
        let app = App::new().build().unwrap();
        for (said, status) in [
            (&b"HTTP/1.1 431 Request Header Fields Too Large\r\n"[..], 431),
            (b"HTTP/1.1 414 URI Too Long\r\n", 414),
            (b"HTTP/1.1 400 Bad Request\r\n", 400),
            (b"HTTP/1.1 4", 400),
        ] {
            let answer = of_head(&app, status_of(said));
            let answer = core::str::from_utf8(&answer).unwrap();
            let (head, body) = answer.split_once("\r\n\r\n").unwrap();
            assert!(head.starts_with(&format!("HTTP/1.1 {status} ")), "{head}");
            assert!(head.contains(&format!("\r\ncontent-length: {}", body.len())), "{head}");
            assert!(head.contains("\r\nx-request-id: ") && head.contains("\r\nconnection: close"));
            assert!(body.contains(r#""request_id":""#), "{body}");
        }
    }
}
