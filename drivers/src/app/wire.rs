//! Between this crate's requests and responses and those of the `http` crate.

use std::borrow::Cow;

use apptheory_core::http::{AppError, MultiMap, RawRequest, Request, parse_query};
use bytes::Bytes;
use http::header::{HeaderMap, HeaderName, HeaderValue, SET_COOKIE};
use http::{Method, Uri};
use http_body_util::Full;
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

use super::Response;

/// A request as it came over a connection, with the body that was read of it.
pub(crate) fn raw_request(parts: &http::request::Parts, body: Vec<u8>) -> RawRequest<'static> {
    let query = parts.uri.query().map_or_else(|| Ok(MultiMap::new()), parse_query);
    let headers = parts.headers.iter().map(|(name, value)| (name.to_string(), text(value)));
    let mut request = RawRequest::new(parts.method.as_str(), parts.uri.path());
    request.query = query;
    request.headers = headers.collect();
    request.body = Cow::Owned(body);
    request
}

/// A value as text. Bytes that are not UTF-8 are taken for Latin-1, as RFC 9110 §5.5 has it: no
/// byte is lost, and none can end the line.
fn text(value: &HeaderValue) -> String {
    match core::str::from_utf8(value.as_bytes()) {
        Ok(text) => text.to_owned(),
        Err(_) => value.as_bytes().iter().copied().map(char::from).collect(),
    }
}

/// A request for a service behind this one.
///
/// # Errors
///
/// 400 for a method that HTTP does not know.
pub(crate) fn http_request(request: &Request) -> Result<http::Request<Full<Bytes>>, AppError> {
    let malformed = || AppError::bad_request("malformed request");
    let method = Method::from_bytes(request.method.as_bytes()).map_err(|_| malformed())?;
    // Providers may hand over paths that are decoded already.
    let path = utf8_percent_encode(&request.path, NOT_IN_PATHS);
    let target = match query_text(&request.query) {
        query if query.is_empty() => path.to_string(),
        query => format!("{path}?{query}"),
    };
    let mut answer = http::Request::new(Full::from(request.body.clone()));
    *answer.method_mut() = method;
    *answer.uri_mut() = Uri::try_from(target).map_err(|_| malformed())?;
    *answer.headers_mut() = header_map(request.headers.iter());
    Ok(answer)
}

/// What a path of RFC 3986 §3.3 cannot hold as it is. A `%` stays: paths come encoded.
const NOT_IN_PATHS: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'[')
    .add(b'\\')
    .add(b']')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

/// A query written out again. The order of different names is lost, as it was when it was read.
fn query_text(query: &MultiMap) -> String {
    let mut text = form_urlencoded::Serializer::new(String::new());
    for (name, values) in query.iter() {
        for value in values {
            text.append_pair(name, value);
        }
    }
    text.finish()
}

/// Header fields that HTTP can carry. Those that it cannot are left out: what is left of them is in
/// nobody's standard.
fn header_map<'h>(fields: impl Iterator<Item = (&'h str, &'h [String])>) -> HeaderMap {
    let mut map = HeaderMap::new();
    for (name, values) in fields {
        let Ok(name) = HeaderName::from_bytes(name.as_bytes()) else { continue };
        for value in values.iter().filter_map(|value| HeaderValue::from_str(value).ok()) {
            map.append(name.clone(), value);
        }
    }
    map
}

/// The head of a response over a connection.
pub(crate) fn http_head<S>(response: &apptheory_core::http::Response<S>) -> http::Response<()> {
    let mut head = http::Response::new(());
    // A normalised response has a status that HTTP knows.
    *head.status_mut() = http::StatusCode::from_u16(response.status).unwrap_or_default();
    *head.headers_mut() = header_map(response.headers.sent());
    for cookie in &response.cookies {
        if let Ok(cookie) = HeaderValue::from_str(cookie) {
            head.headers_mut().append(SET_COOKIE, cookie);
        }
    }
    head
}

/// The head of a response of a service behind this one.
pub(crate) fn response(parts: &http::response::Parts) -> Response {
    let fields = parts.headers.iter().map(|(name, value)| (name.as_str(), text(value)));
    Response { headers: fields.collect(), ..Response::new(parts.status.as_u16()) }
}
