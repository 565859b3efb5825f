//! Conversions between this crate's requests and responses and those of the `http` crate.

use std::borrow::Cow;

use apptheory_core::error::{AppError, code};
use apptheory_core::http::{MultiMap, RawRequest, Request};
use bytes::Bytes;
use http::header::{HeaderValue, MaxSizeReached, SET_COOKIE};
use http::uri::PathAndQuery;
use http::{Method, StatusCode, Uri};
use http_body_util::Full;
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

use super::Response;
use super::extract::{header_map, too_many_fields};

/// Converts a request from a connection, with the body that was read.
pub(crate) fn raw_request(parts: &http::request::Parts, body: Vec<u8>) -> RawRequest<'static> {
    let target = parts.uri.path_and_query().map_or("/", PathAndQuery::as_str);
    let headers = parts.headers.iter().map(|(name, value)| (name.as_str(), text(value)));
    let lens = parts.headers.iter().flat_map(|(name, value)| [name.as_str().len(), value.len()]);
    RawRequest {
        headers: MultiMap::of_pairs(headers, lens.fold(0, usize::saturating_add)),
        body: Cow::Owned(body),
        ..RawRequest::new(parts.method.as_str(), target)
    }
}

/// Returns a header value as text. Bytes that are not UTF-8 are read as Latin-1 (RFC 9110 §5.5): no
/// byte is lost, and none can end the line.
pub(crate) fn text(value: &HeaderValue) -> Cow<'_, str> {
    match core::str::from_utf8(value.as_bytes()) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => value.as_bytes().iter().copied().map(char::from).collect(),
    }
}

/// Converts a request for an inner service: the path in its normal form, the query as the client
/// sent it, and one `cookie` header.
///
/// # Errors
///
/// 400 for an unknown method, 414 and 431 for more than the `http` crate can hold.
pub(crate) fn http_request(request: &Request) -> Result<http::Request<Full<Bytes>>, AppError> {
    let method = Method::from_bytes(request.method.as_bytes())
        .map_err(|_| AppError::bad_request("malformed request"))?;
    let target = match request.raw_query.as_str() {
        "" => request.path.to_string(),
        query => {
            format!("{}?{}", request.path, utf8_percent_encode(query, NOT_IN_QUERIES))
        }
    };
    let mut answer = http::Request::new(Full::from(request.body.clone()));
    *answer.method_mut() = method;
    // A path and query of these characters are refused only at 64 KiB or more.
    *answer.uri_mut() = Uri::try_from(target)
        .map_err(|_| too_large(StatusCode::URI_TOO_LONG, "request target too long"))?;
    *answer.headers_mut() = header_map(request.fields()).map_err(|_| too_many_fields())?;
    Ok(answer)
}

fn too_large(status: StatusCode, message: &str) -> AppError {
    AppError::new(code::TOO_LARGE, message).with_status(status.as_u16())
}

/// Characters that clients send in a query although a request line cannot hold them (RFC 3986
/// §3.4); other characters stay as the client spelled them.
const NOT_IN_QUERIES: &AsciiSet = &CONTROLS.add(b' ').add(b'"').add(b'#').add(b'<').add(b'>');

/// Converts the head of a response. A head with more headers than HTTP carries becomes a 500
/// without headers.
pub(crate) fn http_head(
    status: u16,
    headers: &apptheory_core::http::HeaderMap,
    cookies: &[String],
) -> http::Response<()> {
    let mut head = http::Response::new(());
    let fields = header_map(headers.sent()).and_then(|mut fields| {
        for cookie in cookies {
            if let Ok(cookie) = HeaderValue::from_str(cookie) {
                fields.try_append(SET_COOKIE, cookie)?;
            }
        }
        Ok(fields)
    });
    match fields {
        Ok(fields) => {
            // A normalized response has a valid status.
            *head.status_mut() = StatusCode::from_u16(status).unwrap_or_default();
            *head.headers_mut() = fields;
        }
        Err(MaxSizeReached { .. }) => *head.status_mut() = StatusCode::INTERNAL_SERVER_ERROR,
    }
    head
}

/// Converts the head of an inner service's response.
pub(crate) fn response(parts: &http::response::Parts) -> Response {
    let fields = parts.headers.iter().map(|(name, value)| (name.as_str(), text(value)));
    Response { headers: fields.collect(), ..Response::new(parts.status.as_u16()) }
}
